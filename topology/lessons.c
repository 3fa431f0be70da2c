/* lessons.c: open addressing over slots that are claimed once and never given back.
 *
 *   slot:    key (0: free), then state: 0 nothing yet, service + 1, or SHARED; with SHARED the service
 *            of before, until it was marked
 *   teach:   key by CAS from 0; state by CAS, only ever forward
 *   ask:     two loads; a claimed slot without a state is as one that is free
 *
 * Keys are hashes already, so that their low bits say where to look. At most half of the slots are
 * in use, so that every search ends.
 */
#include "topology/lessons.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "topology/catalog_sweep.h"

#define STATE_SHARED (UINT32_C(1) << 31)

struct lesson_slot {
    _Atomic uint64_t key;
    _Atomic uint32_t state;
};

_Static_assert(sizeof(struct lesson_slot) * 4 <= LESSON_BYTES, "slots are at least a quarter full");

struct lessons {
    struct lesson_slot *slots;
    size_t mask;
    uint64_t entries_max;
    _Atomic uint64_t entries;
    _Atomic uint64_t refused;
};

uint64_t lesson_address_key(struct view address, int64_t port, uint64_t seed)
{
    uint64_t key;

    if (address.size == 0)
        return 0;
    /* Above the lowest bit, which tells addresses from RPC services. */
    key = hash64(address.data, address.size, seed ^ (uint64_t)port << 1);
    return key != 0 ? key : 1;
}

uint64_t lesson_rpc_key(struct view service, uint64_t seed)
{
    uint64_t key;

    if (service.size == 0)
        return 0;
    key = hash64(service.data, service.size, seed ^ 1);
    return key != 0 ? key : 1;
}

/* The slot of a key, or the free one where it would stand. */
static struct lesson_slot *find(const struct lessons *lessons, uint64_t key, uint64_t *out_there)
{
    for (size_t at = key & lessons->mask;; at = (at + 1) & lessons->mask) {
        struct lesson_slot *slot = &lessons->slots[at];
        uint64_t there = atomic_load_explicit(&slot->key, memory_order_acquire);
        if (there == key || there == 0) {
            *out_there = there;
            return slot;
        }
    }
}

/* Finds the slot of a key or claims one; NULL: the table is full. */
static struct lesson_slot *claim(struct lessons *lessons, uint64_t key)
{
    bool has_room = false;

    for (;;) {
        uint64_t there;
        struct lesson_slot *slot = find(lessons, key, &there);
        if (there == 0) {
            /* Room is taken before the slot, so that never more slots are in use than there may. */
            if (!has_room && atomic_fetch_add(&lessons->entries, 1) >= lessons->entries_max) {
                atomic_fetch_sub(&lessons->entries, 1);
                return NULL;
            }
            has_room = true;
            if (atomic_compare_exchange_strong(&slot->key, &there, key))
                return slot;
            if (there != key)
                continue; /* Another key took the slot meanwhile: look on. */
        }
        if (has_room)
            atomic_fetch_sub(&lessons->entries, 1);
        return slot;
    }
}

void lessons_teach(struct lessons *lessons, uint64_t key, uint32_t service)
{
    uint32_t wanted = service != CATALOG_OVERFLOW ? service + 1 : STATE_SHARED;
    struct lesson_slot *slot;
    uint32_t state;

    CHECK(service < STATE_SHARED - 1);
    if (key == 0)
        return;
    slot = claim(lessons, key);
    if (slot == NULL) {
        (void)atomic_fetch_add_explicit(&lessons->refused, 1, memory_order_relaxed);
        return;
    }
    state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    while (state != wanted && (state & STATE_SHARED) == 0) {
        uint32_t next = state == 0 ? wanted : state | STATE_SHARED;
        if (atomic_compare_exchange_weak(&slot->state, &state, next))
            return;
    }
}

uint32_t lessons_ask(const struct lessons *lessons, uint64_t key)
{
    const struct lesson_slot *slot;
    uint64_t there;
    uint32_t state;

    if (key == 0)
        return CATALOG_NONE;
    slot = find(lessons, key, &there);
    if (there == 0)
        return CATALOG_NONE;
    state = atomic_load_explicit(&slot->state, memory_order_acquire);
    return state != 0 && (state & STATE_SHARED) == 0 ? state - 1 : CATALOG_NONE;
}

/* Who asked while a key was of one service may have counted that in a tally that was not added up
 * yet. So it is marked once more after the key became shared; by the next sweep a series has it. */
void lessons_mark(struct lessons *lessons, struct catalog *catalog, uint32_t stamp)
{
    for (size_t i = 0; i <= lessons->mask; i++) {
        _Atomic uint32_t *at = &lessons->slots[i].state;
        uint32_t state = atomic_load_explicit(at, memory_order_acquire);
        if ((state & ~STATE_SHARED) == 0)
            continue;
        catalog_mark_node(catalog, (state & ~STATE_SHARED) - 1, stamp);
        if ((state & STATE_SHARED) != 0) /* For good: nobody else changes it. */
            atomic_store_explicit(at, STATE_SHARED, memory_order_release);
    }
}

void lessons_read_counts(const struct lessons *lessons, struct lessons_counts *out_counts)
{
    *out_counts = (struct lessons_counts){
        .taught = atomic_load_explicit(&lessons->entries, memory_order_relaxed),
        .refused = atomic_load_explicit(&lessons->refused, memory_order_relaxed),
    };
}

int lessons_new(uint32_t entries_max, struct lessons **out_lessons)
{
    struct lessons *lessons = mem_calloc(1, sizeof(*lessons));
    size_t slots = 2;

    if (lessons == NULL)
        return STATUS_NOMEM;
    while (slots < (size_t)entries_max * 2)
        slots *= 2;
    lessons->entries_max = entries_max;
    lessons->mask = slots - 1;
    lessons->slots = mem_calloc(slots, sizeof(*lessons->slots));
    if (lessons->slots == NULL) {
        mem_free(lessons);
        return STATUS_NOMEM;
    }
    *out_lessons = lessons;
    return 0;
}

void lessons_free(struct lessons *lessons)
{
    if (lessons == NULL)
        return;
    mem_free(lessons->slots);
    mem_free(lessons);
}
