/* status.c: a sentence for each status. */
#include "base/status.h"

const char *status_text(int status)
{
    switch (status) {
    case STATUS_OK:
        return "success";
    case STATUS_NOMEM:
        return "out of memory";
    case STATUS_FULL:
        return "a configured bound is reached";
    case STATUS_INVALID:
        return "malformed input";
    case STATUS_TRUNCATED:
        return "the input ends inside an element";
    case STATUS_UNSUPPORTED:
        return "not supported";
    case STATUS_TOO_LARGE:
        return "larger than its limit";
    case STATUS_NOT_FOUND:
        return "not found";
    case STATUS_RANGE:
        return "value out of range";
    case STATUS_TIMEOUT:
        return "deadline passed";
    case STATUS_CLOSED:
        return "closed";
    case STATUS_SYSTEM:
        return "a system call failed";
    case STATUS_BUSY:
        return "no room now, try again later";
    default:
        return "unknown status";
    }
}
