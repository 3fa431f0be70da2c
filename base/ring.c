/* ring.c: head and tail count for ever; the slot is the low bits. */
#include "base/ring.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

int ring_init(struct ring *ring, size_t capacity, size_t element_size)
{
    size_t rounded = 2;

    CHECK(element_size != 0);
    memset(ring, 0, sizeof(*ring));
    while (rounded < capacity && rounded <= SIZE_MAX / 2 / element_size)
        rounded *= 2;
    ring->slots = mem_alloc(rounded * element_size);
    if (ring->slots == NULL)
        return STATUS_NOMEM;
    ring->element_size = element_size;
    ring->mask = rounded - 1;
    return 0;
}

void ring_release(struct ring *ring)
{
    if (ring == NULL)
        return;
    mem_free(ring->slots);
    memset(ring, 0, sizeof(*ring));
}

size_t ring_room(struct ring *ring)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

    ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return (size_t)(ring->mask + 1 - (head - ring->tail_seen));
}

bool ring_has_room(struct ring *ring, size_t count)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

    return ring->mask + 1 - (head - ring->tail_seen) >= count || ring_room(ring) >= count;
}

int ring_push(struct ring *ring, const void *elements, size_t count)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t at = (size_t)(head & ring->mask);
    size_t first = (size_t)ring->mask + 1 - at;

    if (!ring_has_room(ring, count))
        return STATUS_BUSY;
    if (first > count)
        first = count;
    if (count != 0) {
        memcpy(ring->slots + at * ring->element_size, elements, first * ring->element_size);
        memcpy(ring->slots, (const char *)elements + first * ring->element_size,
               (count - first) * ring->element_size);
    }
    atomic_store_explicit(&ring->head, head + count, memory_order_release);
    return 0;
}

void ring_publish(struct ring *ring, size_t count)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

    CHECK(ring_has_room(ring, count));
    atomic_store(&ring->head, head + count);
}

size_t ring_pop(struct ring *ring, void *out_elements, size_t count)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    size_t at = (size_t)(tail & ring->mask);
    size_t first = (size_t)ring->mask + 1 - at;

    CHECK(head - tail <= ring->mask + 1);
    if (count > head - tail)
        count = (size_t)(head - tail);
    if (first > count)
        first = count;
    memcpy(out_elements, ring->slots + at * ring->element_size, first * ring->element_size);
    memcpy((char *)out_elements + first * ring->element_size, ring->slots,
           (count - first) * ring->element_size);
    atomic_store_explicit(&ring->tail, tail + count, memory_order_release);
    return count;
}

void ring_prefetch(const struct ring *ring, size_t count)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

    if (count > head - tail)
        count = (size_t)(head - tail);
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(ring->slots + ((tail + i) & ring->mask) * ring->element_size);
}

uint64_t ring_published(const struct ring *ring)
{
    return atomic_load_explicit(&ring->head, memory_order_acquire);
}

bool ring_has_read(const struct ring *ring, uint64_t published)
{
    return (int64_t)(atomic_load_explicit(&ring->tail, memory_order_relaxed) - published) >= 0;
}

size_t ring_fill(const struct ring *ring)
{
    uint64_t tail = atomic_load(&ring->tail);
    uint64_t head = atomic_load(&ring->head);

    return head > tail ? (size_t)(head - tail) : 0;
}
