/* remote_symbols_test.c: each text once, the empty one first. */
#include "exporters/remote_symbols.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/lib/test.h"

static struct view text_of(char text[32], int number)
{
    return (struct view){text, (size_t)snprintf(text, 32, "text-%d", number)};
}

static void symbols__are_numbered_once(void **state)
{
    struct remote_symbols symbols;
    char text[32];

    (void)state;
    assert_int_equal(remote_symbols_init(&symbols), 0);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 2500; i++)
            assert_int_equal(remote_symbol(&symbols, text_of(text, i)), i + 1);
    assert_int_equal(remote_symbol(&symbols, VIEW("")), 0);
    assert_int_equal(symbols.count, 2501);
    assert_memory_equal(symbols.message.data, "\x22\x00\x22\x06text-0", 10);
    remote_symbols_reset(&symbols);
    assert_int_equal(symbols.message.size, 2);
    assert_int_equal(remote_symbol(&symbols, VIEW("x")), 1);
    remote_symbols_release(&symbols);
}

static void symbols__note_a_want_of_memory(void **state)
{
    struct remote_symbols symbols;
    char text[32];

    (void)state;
    assert_int_equal(remote_symbols_init(&symbols), 0);
    mem_fail_after(0);
    for (int i = 0; i < 2500; i++)
        (void)remote_symbol(&symbols, text_of(text, i));
    mem_fail_after(-1);
    assert_int_equal(symbols.message.failed, STATUS_NOMEM);
    remote_symbols_reset(&symbols);
    assert_int_equal(symbols.message.failed, 0);
    assert_int_equal(remote_symbol(&symbols, VIEW("x")), 1);
    remote_symbols_release(&symbols);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symbols__are_numbered_once),
        cmocka_unit_test(symbols__note_a_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
