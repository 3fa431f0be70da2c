/* fetch.h: one GET to a running spanmap.
 * Is:         http and https by libcurl, with a bound on time and bytes. No redirect is followed: it
 *             could lead anywhere.
 * Threads:    one call at a time.
 * Memory:     the answer, at most FETCH_BYTES_MAX.
 */
#ifndef SPANMAP_DAEMON_FETCH_H
#define SPANMAP_DAEMON_FETCH_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

enum { FETCH_BYTES_MAX = 256 << 20, FETCH_ERROR_SIZE = 512 };

struct fetch_parameter {
    const char *name;
    struct view value; /* Not yet percent-encoded. */
};

struct fetch {
    const char *base; /* http://HOST:PORT, perhaps with the path of a proxy. */
    const char *path; /* Behind that: "/api/v1/map". */
    const struct fetch_parameter *parameters;
    size_t parameters_count;
    const char *ca;   /* Path of who signs its certificate; NULL: those that this system trusts. */
    const char *cert; /* Paths of a certificate of our own, and of its key; NULL: none. */
    const char *key;
    const char *content_type; /* What is expected; parameters behind ';' are not looked at. */
};

/* On failure out_error has one sentence with the address, without its password.
 * Returns: 0; STATUS_INVALID (`base` is no such address); STATUS_SYSTEM (no answer, or another one);
 *          STATUS_TIMEOUT; STATUS_TOO_LARGE; STATUS_NOMEM. */
MUST_USE int fetch_get(const struct fetch *fetch, char out_error[FETCH_ERROR_SIZE],
                       struct buf *out);

#endif
