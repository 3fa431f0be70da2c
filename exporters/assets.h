/* assets.h: the page's files, ready to be sent.
 * Is:         web_assets.h with an entity tag for each, and gzip where it pays.
 * Threads:    any, once made.
 * Memory:     the compressed copies; a few hundred KiB.
 */
#ifndef SPANMAP_EXPORTERS_ASSETS_H
#define SPANMAP_EXPORTERS_ASSETS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

enum { ETAG_MAX = 40 };

/* A weak entity tag, `W/"..."`, of a body; the same for its compressed form. */
struct etag {
    char text[ETAG_MAX];
};

struct etag etag_of(struct view body);

/* Whether an If-None-Match header names it. */
bool etag_matches(const struct etag *etag, struct view if_none_match);

struct asset {
    const char *path;
    const char *content_type;
    struct view body;
    struct buf gzip; /* Empty: not worth it. */
    struct etag etag;
};

struct assets;

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int assets_new(struct assets **out_assets);
void assets_free(struct assets *assets);

/* NULL: there is none at that path. */
const struct asset *assets_find(const struct assets *assets, struct view path);

#endif
