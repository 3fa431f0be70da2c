/* check.c: the end of a process whose invariants do not hold. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "spanmap: bug: check failed: %s (%s:%d)\n", condition, file, line);
    abort();
}
