/* store.c: one budget for slab, index and notes.
 *
 * How large the index may become is settled at the start: the size with which most spans fit, at
 * eight of ten entries in use. It grows by doubling as the slab does, at six of ten: any later, and
 * the slab may have taken the room in which the last doubling has old and new side by side, so that
 * the index would stay at eight of ten, where every other bucket has spilled over.
 */
#include "topology/store.h"

#include "base/check.h"
#include "base/mem.h"

enum {
    BUCKETS_FIRST = 64,
    GROW_LOAD = 6,   /* Spans and wishes a bucket at which the index grows, */
    BUCKET_LOAD = 8, /* and spans a bucket past which it takes no more. */
    NOTES_SHARE = 8, /* Notes get an eighth of the bytes at most. */
    BYTES_MIN = 256 * 1024,
};

/* Spans that fit into `bytes` with an index of `buckets`. */
static uint64_t spans_with(size_t bytes, uint32_t buckets)
{
    size_t area_bytes = block_pool_area_bytes(bytes);
    uint64_t areas = (bytes - span_index_bytes(buckets)) / area_bytes;
    uint64_t by_slab = areas * block_pool_blocks(area_bytes) * BLOCK_SPANS;
    uint64_t by_index = (uint64_t)buckets * BUCKET_LOAD;

    return by_slab < by_index ? by_slab : by_index;
}

static uint32_t best_buckets(size_t bytes)
{
    uint32_t best = BUCKETS_FIRST;

    for (uint32_t buckets = BUCKETS_FIRST; buckets < UINT32_MAX / 4; buckets *= 2) {
        if (span_index_bytes(buckets) > bytes / 2)
            break;
        if (spans_with(bytes, buckets) > spans_with(bytes, best))
            best = buckets;
    }
    return best;
}

int store_init(struct store *store, size_t bytes_max, uint64_t seed)
{
    size_t blocks = bytes_max / sizeof(struct block) + 1;
    int status;

    CHECK(bytes_max >= BYTES_MIN);
    *store = (struct store){.bytes_max = bytes_max, .buckets_max = best_buckets(bytes_max)};
    if (blocks > UINT32_MAX / 4 / BLOCK_SPANS)
        blocks = UINT32_MAX / 4 / BLOCK_SPANS; /* Positions have 32 bits. */
    status = slab_init(&store->slab, (uint32_t)blocks);
    if (status == 0)
        status = span_index_init(&store->index, BUCKETS_FIRST, seed);
    if (status == 0)
        status = notes_init(&store->notes, bytes_max / NOTES_SHARE);
    if (status == 0)
        status = block_pool_init(&store->pool, bytes_max);
    if (status != 0) {
        store_release(store);
        return status;
    }
    store->bytes = ((size_t)store->slab.directory_mask + 1) * sizeof(struct block *) +
                   span_index_bytes(BUCKETS_FIRST) +
                   store->notes.chunks_max * sizeof(struct note *) +
                   store->pool.areas_max * sizeof(void *);
    return 0;
}

void store_release(struct store *store)
{
    slab_release(&store->slab);
    span_index_release(&store->index);
    notes_release(&store->notes);
    block_pool_release(&store->pool);
    *store = (struct store){0};
}

/* Whether the budget, which holds the old index and the new one for a while, allows to double it.
 * Once it does not it never will: bytes are not given back. */
static bool may_grow_index(const struct store *store)
{
    uint32_t buckets = store->index.mask + 1;

    return buckets < store->buckets_max &&
           store->bytes + span_index_bytes(buckets * 2) <= store->bytes_max;
}

static int grow_index(struct store *store)
{
    uint32_t buckets = store->index.mask + 1;
    int status;

    if (!may_grow_index(store))
        return STATUS_FULL;
    status = span_index_grow(&store->index, &store->slab);
    if (status == 0)
        store->bytes += span_index_bytes(buckets); /* Twice as much, and the old one went. */
    return status;
}

/* A block within the budget. Returns: 0; STATUS_FULL; STATUS_NOMEM. */
static int take_block(struct store *store, struct block **out_block)
{
    size_t more = block_pool_is_empty(&store->pool) ? store->pool.area_bytes : 0;
    int status;

    if (store->bytes + more > store->bytes_max)
        return STATUS_FULL;
    status = block_pool_take(&store->pool, out_block);
    if (status == 0)
        store->bytes += more;
    return status;
}

static int open_block(struct store *store)
{
    struct block *block;

    if (store->slab.blocks < store->slab.directory_mask && take_block(store, &block) == 0) {
        slab_open(&store->slab, block);
        return 0;
    }
    return store->slab.blocks != 0 ? STATUS_FULL : STATUS_NOMEM;
}

/* Returns: 0; STATUS_FULL; STATUS_NOMEM. */
static int grow_notes(struct store *store)
{
    struct block *block;
    int status;

    _Static_assert(sizeof(struct block) >= NOTES_PER_CHUNK * sizeof(struct note),
                   "a chunk of notes takes a block's place");
    if (!notes_may_grow(&store->notes))
        return STATUS_FULL;
    status = take_block(store, &block);
    if (status == 0)
        notes_add_chunk(&store->notes, block);
    return status;
}

/* While spans are judged no block can leave, so notes that they may need are there before they are:
 * with values of dimensions one for each span that is pending, and for the one to come. */
static bool lacks_notes(const struct store *store)
{
    return store->notes_wanted ||
           (store->notes_ahead && notes_left(&store->notes) <= store->slab.pending);
}

static bool is_index_full(const struct store *store)
{
    return store->slab.remembered >= ((uint64_t)store->index.mask + 1) * BUCKET_LOAD;
}

/* How many entries there may be until it is time to double the index; where it cannot grow, wishes may
 * fill what is left, and how many spans. */
static uint64_t entries_left(const struct store *store, bool may_grow)
{
    uint64_t buckets = (uint64_t)store->index.mask + 1;
    uint64_t used = store->slab.remembered + (may_grow ? store->index.wanted : 0);
    uint64_t load = buckets * (may_grow ? GROW_LOAD : BUCKET_LOAD);

    return used < load ? load - used : 0;
}

int store_prepare(struct store *store)
{
    if (entries_left(store, may_grow_index(store)) == 0 && grow_index(store) != 0 &&
        is_index_full(store))
        return STATUS_FULL;
    while (lacks_notes(store) && notes_may_grow(&store->notes)) {
        int status = grow_notes(store);
        if (status != 0 && store->slab.blocks > 1)
            return STATUS_FULL; /* One block for notes, then all goes on as before. */
        store->notes_wanted = false;
        if (status != 0)
            break;
    }
    return slab_is_full(&store->slab) ? open_block(store) : 0;
}

uint32_t store_spare(const struct store *store)
{
    bool may_grow = may_grow_index(store);
    uint64_t entries = entries_left(store, may_grow);
    uint64_t spans = may_grow ? entries / 2 : entries; /* Each takes its own and its wish's. */
    uint64_t spare = BLOCK_SPANS - store->slab.head % BLOCK_SPANS;

    if (slab_is_full(&store->slab))
        return 0;
    if (spans < spare)
        spare = spans;
    if (!notes_may_grow(&store->notes))
        return (uint32_t)spare;
    if (lacks_notes(store))
        return 0;
    if (store->notes_ahead && notes_left(&store->notes) - store->slab.pending < spare)
        spare = notes_left(&store->notes) - store->slab.pending;
    return (uint32_t)spare;
}

int store_add_again(struct store *store, const struct matches *own, uint32_t at)
{
    int status = STATUS_FULL;

    if (grow_index(store) == 0)
        status = span_index_add(&store->index, &store->slab, own, at);
    if (status == STATUS_FULL)
        status = span_index_force(&store->index, &store->slab, own, at);
    if (status != 0)
        slab_pop(&store->slab);
    return status;
}

int store_want_again(struct store *store, const struct matches *parent, uint32_t at)
{
    return grow_index(store) == 0 ? span_index_want(&store->index, &store->slab, parent, at)
                                  : STATUS_FULL;
}

void store_evict(struct store *store)
{
    struct slab *slab = &store->slab;
    const struct block *block = slab_block(slab, slab->tail);

    for (uint32_t i = 0; block->has_notes && i < BLOCK_SPANS; i++) {
        uint32_t at = slab->tail + i;
        const struct remembered *span = &block->spans[i];
        if (slab_live(slab, at) && span->told_more)
            notes_free(&store->notes, block->aside[i].edge);
    }
    block_pool_give(&store->pool, slab_close(slab));
}

int store_note(struct store *store, uint32_t *out_number)
{
    if (notes_is_full(&store->notes)) {
        int status = grow_notes(store);
        store->notes_wanted = status != 0;
        if (status != 0)
            return status;
    }
    *out_number = notes_new(&store->notes);
    return 0;
}

void store_find(const struct store *store, const struct remembered *in_trace, uint64_t id,
                struct matches *out_matches)
{
    uint64_t hash = span_index_hash(span_index_trace(&store->index, in_trace->trace), id);

    span_index_find(&store->index, &store->slab, in_trace->trace, id, hash, out_matches);
}

/* ------------------------------------------------------------------ the invariants */

/* A span is found by its id, and those it is linked with are in its trace. */
static void check_span(const struct store *store, uint32_t at)
{
    const struct slab *slab = &store->slab;
    const struct remembered *span = slab_at(slab, at);
    struct matches own;
    bool found = false;

    store_find(store, span, span->id, &own);
    for (uint32_t i = 0; i < own.count; i++)
        found = found || own.at[i] == at;
    CHECK(found && own.wanted == 0);
    CHECK(span->halves || own.count == 1);
    if (slab_live(slab, span->parent_at)) {
        const struct remembered *parent = slab_at(slab, span->parent_at);
        CHECK(parent->id == span->parent_id && parent->trace[0] == span->trace[0] &&
              parent->trace[1] == span->trace[1]);
    }
    CHECK(!slab_live(slab, span->sibling) || slab_before(span->sibling, at));
    CHECK(slab_pending(slab, at) == !span->judged);
    CHECK(!span->moved || (span->halves && span->kind == SPAN_KIND_SERVER));
}

void store_check(const struct store *store)
{
    const struct slab *slab = &store->slab;
    uint64_t remembered = 0;
    uint64_t pending = 0;

    CHECK(store->bytes <= store->bytes_max);
    CHECK(slab->live == slab->head - slab->tail);
    for (uint32_t at = slab->tail; at != slab->head; at++) {
        if (at == 0)
            continue;
        check_span(store, at);
        remembered++;
        pending += slab_pending(slab, at);
    }
    CHECK(remembered == slab->remembered && pending == slab->pending);
}
