/* http_cors.h: which pages of other origins a browser may let send.
 * Is:         the judgement of one Origin, against a list that may have wildcards.
 * Threads:    plain data.
 * Source:     Fetch, "CORS protocol"; OTLP A36.
 */
#ifndef SPANMAP_RECEIVER_HTTP_CORS_H
#define SPANMAP_RECEIVER_HTTP_CORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

struct http_cors {
    /* Whole origins, such as https with a host; a star in one stands for any name at its place, a
     * star alone for any origin, but without its credentials. */
    const struct view *origins;
    size_t origins_count;
    struct view fields;  /* What Access-Control-Allow-Headers says; "*": whatever is asked for. */
    struct view max_age; /* Access-Control-Max-Age: seconds. */
};

enum http_cors_verdict {
    HTTP_CORS_REFUSED,
    HTTP_CORS_ANYBODY, /* By the star alone: as Fetch has it, credentials are not for everybody. */
    HTTP_CORS_NAMED,
};

enum http_cors_verdict http_cors_judge(const struct http_cors *cors, struct view origin);

/* Whether `text` is an origin, or one with a single star, or a star alone. */
bool http_cors_is_pattern(struct view text);

#endif
