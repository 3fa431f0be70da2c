/* test.c: the failing-allocator sweep. */
#include "tests/lib/test.h"

enum { REQUESTS_MAX = 100000 };

void test_sweep_memory(int (*step)(void *context), void *context)
{
    for (long allowed = 0; allowed < REQUESTS_MAX; allowed++) {
        int status;
        mem_fail_after(allowed);
        status = step(context);
        mem_fail_after(-1);
        if (status == 0)
            return;
        assert_int_equal(status, STATUS_NOMEM);
    }
    fail_msg("still failing after %d requests for memory", REQUESTS_MAX);
}
