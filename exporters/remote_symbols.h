/* remote_symbols.h: the texts of one request of remote write 2.0, each once.
 * Invariants: number 0 is the empty text.
 * Threads:    one owner at a time.
 * Memory:     as much as the request's texts; kept over a reset.
 */
#ifndef SPANMAP_EXPORTERS_REMOTE_SYMBOLS_H
#define SPANMAP_EXPORTERS_REMOTE_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

struct remote_symbols {
    struct buf message; /* Fields `symbols`, as they stand in the request. */
    struct remote_symbol {
        uint32_t at; /* In the message. */
        uint32_t size;
    } * symbols;
    uint32_t count;
    uint32_t room;
    uint32_t *slots; /* Number plus one; 0: free. */
    uint32_t slots_mask;
};

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int remote_symbols_init(struct remote_symbols *symbols);
void remote_symbols_release(struct remote_symbols *symbols);
void remote_symbols_reset(struct remote_symbols *symbols);

/* Its number. A failure sticks to `message`. */
uint32_t remote_symbol(struct remote_symbols *symbols, struct view text);

#endif
