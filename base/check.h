/* check.h: assertions on our own invariants.
 * Is:         CHECK(condition), on in every build; a failure prints the place and aborts.
 * Is not:     validation of input: bytes from a peer become a status and a counter.
 */
#ifndef SPANMAP_BASE_CHECK_H
#define SPANMAP_BASE_CHECK_H

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            check_failed(#condition, __FILE__, __LINE__);                                          \
    } while (0)

/* Writes the failed condition and its place to standard error and aborts. */
_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
