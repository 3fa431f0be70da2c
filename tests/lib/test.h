/* test.h: what every unit test needs.
 * Is:         cmocka with its prerequisites in their order, and the failing-allocator sweep.
 */
#ifndef SPANMAP_TESTS_LIB_TEST_H
#define SPANMAP_TESTS_LIB_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/view.h"

/* Runs `step` with the first, second, third ... request for memory failing, until it succeeds.
 * `step` returns what the code under test returned and leaves nothing behind; all failures must be
 * STATUS_NOMEM. The sanitizers see what leaks. */
void test_sweep_memory(int (*step)(void *context), void *context);

static inline void assert_view_equal(struct view view, const char *text)
{
    assert_int_equal(view.size, strlen(text));
    assert_memory_equal(view.data, text, view.size);
}

#endif
