/* fifo.h: elements of one size in the order in which they came, within a number of bytes.
 * Is:         chunks of 64 elements; an element is known by its position, which counts up and wraps
 *             after 2^32. The oldest chunk leaves whole.
 * Invariants: a position is live if it lies between tail and head; 0 never is. What points at one
 *             that is no longer live points at nothing: nobody has to be told.
 * Threads:    one owner at a time.
 * Memory:     at most `bytes_max`, chunk by chunk; nothing but a directory while it is empty.
 */
#ifndef SPANMAP_TOPOLOGY_FIFO_H
#define SPANMAP_TOPOLOGY_FIFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { FIFO_CHUNK = 64 };

struct fifo {
    char **chunks; /* By chunk number, masked. */
    uint32_t mask;
    uint32_t chunks_max;
    uint32_t count; /* Chunks that are there. */
    uint32_t tail;
    uint32_t head;
    uint32_t element_size;
};

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int fifo_init(struct fifo *fifo, size_t element_size, size_t bytes_max);
void fifo_release(struct fifo *fifo);

static inline bool fifo_live(const struct fifo *fifo, uint32_t at)
{
    return at != 0 && at - fifo->tail < fifo->head - fifo->tail;
}

static inline void *fifo_at(const struct fifo *fifo, uint32_t at)
{
    return fifo->chunks[at / FIFO_CHUNK & fifo->mask] +
           (size_t)(at % FIFO_CHUNK) * fifo->element_size;
}

/* Adds an element that is to be filled.
 * Returns: 0; STATUS_FULL (fifo_close() would make room); STATUS_NOMEM. */
MUST_USE int fifo_push(struct fifo *fifo, uint32_t *out_at);

/* Where the oldest chunk ends: what lies before leaves with fifo_close(). */
static inline uint32_t fifo_chunk_end(const struct fifo *fifo)
{
    uint32_t end = (fifo->tail / FIFO_CHUNK + 1) * FIFO_CHUNK;

    return fifo->head - fifo->tail < end - fifo->tail ? fifo->head : end;
}

/* Lets the oldest chunk go; there is one. */
void fifo_close(struct fifo *fifo);

size_t fifo_bytes(const struct fifo *fifo);

#endif
