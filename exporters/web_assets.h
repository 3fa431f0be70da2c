/* web_assets.h: the files of the page, held in the program.
 * Is:         a constant table that the build makes from every file under exporters/web/.
 * Invariants: sorted by file name; after the last asset stands one with a NULL path.
 * Threads:    any; nothing here ever changes.
 * Memory:     static.
 */
#ifndef EXPORTERS_WEB_ASSETS_H
#define EXPORTERS_WEB_ASSETS_H

#include <stddef.h>

struct web_asset {
    const char *path;          /* As in the request: "/" for index.html, else "/" and the name. */
    const char *content_type;  /* With its charset where the type has one. */
    const unsigned char *data; /* A zero byte follows that `size` does not count. */
    size_t size;               /* Bytes. */
};

extern const struct web_asset web_assets[];
extern const size_t web_assets_count;

#endif
