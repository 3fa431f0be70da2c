/* status.h: the results that fallible functions return.
 * Is:         one enum for the whole program; 0 is success, all failures are negative.
 * Is not:     a message for users; a stage face adds what, where and what to do.
 */
#ifndef SPANMAP_BASE_STATUS_H
#define SPANMAP_BASE_STATUS_H

/* Marks a function whose result must be looked at; a dropped one is `(void)` with its reason. */
#define MUST_USE __attribute__((warn_unused_result))

enum status {
    STATUS_OK = 0,
    STATUS_NOMEM = -1,       /* The allocator refused. */
    STATUS_FULL = -2,        /* A configured bound is reached; nothing was changed. */
    STATUS_INVALID = -3,     /* The input breaks its format. */
    STATUS_TRUNCATED = -4,   /* The input ends inside an element. */
    STATUS_UNSUPPORTED = -5, /* Well-formed, but not a thing that is handled here. */
    STATUS_TOO_LARGE = -6,   /* One element is larger than its limit. */
    STATUS_NOT_FOUND = -7,   /* There is no such thing. */
    STATUS_RANGE = -8,       /* A value is outside its documented range. */
    STATUS_TIMEOUT = -9,     /* A deadline passed. */
    STATUS_CLOSED = -10,     /* The other side, or the object, is closed. */
    STATUS_SYSTEM = -11,     /* A system call failed; errno says why. */
    STATUS_BUSY = -12,       /* No room now; the same call may succeed later. */
};

/* A short English sentence without a full stop, never NULL, for any int. */
const char *status_text(int status);

#endif
