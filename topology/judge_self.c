/* judge_self.c: how long a span worked itself: its duration less what its children cover.
 *
 * All children that are known when the span is judged count, whatever their kind and service, each
 * from its own start to its own end, cut to the span. What several cover counts once. A child whose
 * times are not known covers nothing, and no clock makes the rest negative.
 *
 * A child that left the memory before the span came is not known of. One may have if spans left that
 * came after the span began, as far as that can be told: its end came within pairing.wait.
 *
 * Each span is gone over once, with its parent; covers are sorted, the few that there usually are by
 * insertion.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/judge_priv.h"

enum { COVERS_FIRST = 64, COVERS_MAX = 16384, COVERS_FEW = 24 };

static int compare(const void *a, const void *b)
{
    const struct judge_cover *one = a;
    const struct judge_cover *other = b;

    return (one->from > other->from) - (one->from < other->from);
}

static inline void sort(struct judge_cover *covers, uint32_t count)
{
    if (count > COVERS_FEW) {
        qsort(covers, count, sizeof(*covers), compare);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        struct judge_cover cover = covers[i];
        uint32_t at = i;
        for (; at != 0 && covers[at - 1].from > cover.from; at--)
            covers[at] = covers[at - 1];
        covers[at] = cover;
    }
}

/* Sorts, and makes one of those that touch. How many are left. */
static uint32_t fold(struct judge_cover *covers, uint32_t count)
{
    uint32_t left = 0;

    sort(covers, count);
    for (uint32_t i = 0; i < count; i++) {
        if (left == 0 || covers[i].from > covers[left - 1].to)
            covers[left++] = covers[i];
        else if (covers[i].to > covers[left - 1].to)
            covers[left - 1].to = covers[i].to;
    }
    return left;
}

/* Room for one more behind `*count`. False: there is none, even when they are folded. */
static bool make_room(struct judge *judge, uint32_t *count)
{
    uint32_t room = judge->covers_room != 0 ? judge->covers_room * 2 : COVERS_FIRST;
    struct judge_cover *covers;

    if (*count < judge->covers_room)
        return true;
    if (room <= COVERS_MAX) {
        covers = mem_realloc(judge->covers, room * sizeof(*covers));
        if (covers == NULL)
            return false;
        judge->covers = covers;
        judge->covers_room = room;
        return true;
    }
    *count = fold(judge->covers, *count);
    return *count <= COVERS_MAX / 2;
}

/* What a child covers of a span that began then and took so long; false: nothing. */
static inline bool cover_of(const struct slab *slab, uint64_t start, uint64_t duration_ns,
                            uint32_t child, struct judge_cover *out_cover)
{
    const struct remembered *other = slab_at(slab, child);
    /* Starts are known modulo 2^48 ns: what is nearest is meant. */
    int64_t from = (int64_t)((slab_start(slab, child) - start) << 16) >> 16;
    int64_t to = from + (int64_t)other->duration_ns;

    if (other->no_duration)
        return false;
    if (from < 0)
        from = 0;
    if (to > (int64_t)duration_ns)
        to = (int64_t)duration_ns;
    *out_cover = (struct judge_cover){(uint64_t)from, (uint64_t)to};
    return from < to;
}

/* Whether a child may have left before the span came. */
static inline bool lacks_children(const struct judge *judge, const struct block *block,
                                  uint32_t place)
{
    uint64_t ticks;

    if (!block->has_gone)
        return false;
    ticks = (block->spans[place].duration_ns >> 20) + judge->pairing_ticks;
    return ticks > INT32_MAX ||
           (int32_t)(block->arrival[place] - (uint32_t)ticks - block->gone_until) <= 0;
}

/* How much of the span they cover together. */
static inline uint64_t covered_by(struct judge_cover *covers, uint32_t count)
{
    uint64_t covered_ns = 0;
    uint64_t reached = 0;

    sort(covers, count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t from = covers[i].from > reached ? covers[i].from : reached;
        if (covers[i].to <= from)
            continue;
        covered_ns += covers[i].to - from;
        reached = covers[i].to;
    }
    return covered_ns;
}

/* The same of a span that has children. */
static __attribute__((noinline)) bool beside_children(struct judge *judge, uint32_t at,
                                                      uint64_t *out_ns)
{
    const struct slab *slab = &judge->kin.store->slab;
    uint64_t duration_ns = slab_at(slab, at)->duration_ns;
    uint64_t start = slab_start(slab, at);
    struct judge_cover few[COVERS_FEW];
    struct judge_cover *covers = few;
    uint32_t room = COVERS_FEW;
    struct kin_children children;
    struct judge_cover cover;
    uint32_t count = 0;
    uint32_t child;

    kin_children_begin(&judge->kin, at, &children);
    while ((child = kin_children_next(&judge->kin, &children)) != 0) {
        if (!cover_of(slab, start, duration_ns, child, &cover))
            continue;
        if (count == room) {
            if (!make_room(judge, &count))
                return false;
            if (covers == few)
                memcpy(judge->covers, few, sizeof(few));
            covers = judge->covers;
            room = judge->covers_room;
        }
        covers[count++] = cover;
    }
    if (children.next != 0)
        return false; /* Further ones had to leave. */
    *out_ns = duration_ns - covered_by(covers, count);
    return true;
}

bool judge_self_ns(struct judge *judge, uint32_t at, uint64_t *out_ns)
{
    const struct block *block = slab_block(&judge->kin.store->slab, at);
    const struct remembered *span = &block->spans[at % BLOCK_SPANS];

    if (lacks_children(judge, block, at % BLOCK_SPANS))
        return false;
    if (span->child != 0 || span->halves)
        return beside_children(judge, at, out_ns);
    *out_ns = span->duration_ns;
    return true;
}
