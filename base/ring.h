/* ring.h: a bounded queue of fixed-size elements from one thread to one other.
 * Invariants: elements come out in the order in which they went in, each once.
 * Threads:    one producer thread and one consumer thread, without locks; ring_room() is the
 *             producer's, and what it answered stays true until that producer pushes. Each side
 *             remembers how far it saw the other, and looks again only when that is not far enough.
 * Memory:     all allocated at init: capacity * element_size bytes.
 */
#ifndef SPANMAP_BASE_RING_H
#define SPANMAP_BASE_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct ring {
    char *slots;
    size_t element_size;
    uint64_t mask;                     /* Capacity - 1; capacity is a power of two. */
    alignas(64) _Atomic uint64_t head; /* Next slot to write; the producer's, as is: */
    uint64_t tail_seen;
    alignas(64) _Atomic uint64_t tail; /* Next slot to read; the consumer's. */
};

/* Capacity is rounded up to a power of two, at least 2. Returns: 0; STATUS_NOMEM. */
MUST_USE int ring_init(struct ring *ring, size_t capacity, size_t element_size);
void ring_release(struct ring *ring);

/* Producer: how many elements ring_push() is sure to take now. */
size_t ring_room(struct ring *ring);

/* Producer: whether it takes so many. */
bool ring_has_room(struct ring *ring, size_t count);

/* Producer: push `count` elements, all or none. Returns: 0; STATUS_BUSY without room for all. */
MUST_USE int ring_push(struct ring *ring, const void *elements, size_t count);

/* Producer: the slot that is `ahead` (below ring_room()) of the next one, to write an element in
 * place; nobody sees it before ring_publish(). */
static inline void *ring_slot(const struct ring *ring, size_t ahead)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

    return ring->slots + ((head + ahead) & ring->mask) * ring->element_size;
}

/* Producer: hands over the next `count` slots, all of them written. In one order with ring_fill()
 * and whatever else is sequentially consistent: who publishes and then asks whether the consumer
 * sleeps, and who says that it sleeps and then looks, do not miss each other. */
void ring_publish(struct ring *ring, size_t count);

/* Consumer: copies up to `count` elements out; the number copied. */
size_t ring_pop(struct ring *ring, void *out_elements, size_t count);

/* Consumer: brings what it would pop next closer, which another core wrote. */
void ring_prefetch(const struct ring *ring, size_t count);

/* Any thread: how many were ever published; consumer: whether it has read that many. */
uint64_t ring_published(const struct ring *ring);
bool ring_has_read(const struct ring *ring, uint64_t published);

/* Any thread: how many wait now (a moment's view). */
size_t ring_fill(const struct ring *ring);

#endif
