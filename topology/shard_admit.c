/* shard_admit.c: how a span comes in.
 *
 * Two look-ups: its own id (duplicates, halves, children that came before it) and its parent's.
 * Nothing is decided here; links only say who named whom.
 */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/shard_priv.h"

/* What is the same for all spans of a batch, and what they add up to. */
struct batch {
    uint32_t arrival;
    uint32_t spare; /* Spans that there is room for without a look. */
    uint64_t first_ns;
    uint64_t last_ns;
    uint64_t received;
    uint64_t skewed;
    uint64_t weights_unknown;
    uint64_t weights_cut;
};

static struct accounting *accounting(struct shard *shard)
{
    return &shard->tally->accounting;
}

/* There is no memory at all: the span is dropped before it was remembered. */
static void drop(struct shard *shard, const struct span *span)
{
    const struct site *site = kin_site_at(&shard->judge.kin, span->site);
    struct tally_loss loss = {.service = site->service,
                              .kind = (uint8_t)span->kind,
                              .dropped = true,
                              .reason = DROPPED_EVICTED,
                              .traces = {{span->trace[0], span->trace[1]}}};

    accounting(shard)->dropped[DROPPED_EVICTED]++;
    tally_lose(shard->tally, &loss);
}

static int make_room(struct shard *shard, struct batch *batch)
{
    int status;

    while ((status = store_prepare(&shard->store)) == STATUS_FULL)
        shard_evict(shard);
    batch->spare = store_spare(&shard->store);
    batch->spare += batch->spare == 0;
    return status;
}

/* E15: the same trace, id, kind and service. */
static bool is_duplicate(const struct shard *shard, const struct span *span, uint32_t service,
                         const struct matches *own)
{
    const struct kin *kin = &shard->judge.kin;

    for (uint32_t i = 0; i < own->count; i++) {
        const struct remembered *other = kin_span(kin, own->at[i]);
        if (other->kind == span->kind && kin_service(kin, other) == service)
            return true;
    }
    return false;
}

/* Writes all of a line, by words. */
static inline void remember(struct remembered *line, const struct span *span,
                            const struct matches *own)
{
    line->trace[0] = span->trace[0];
    line->trace[1] = span->trace[1];
    line->id = span->id;
    line->parent_id = span->parent;
    line->first = (struct remembered_facts){span->duration_ns, span->facts, 0};
    line->second = (struct remembered_marks){span->weight, 0, slab_start_top(span->start_ns), 0};
    line->site = span->site;
    line->parent_at = 0;
    line->child = own->wanted;
    line->sibling = 0;
    if (own->count != 0)
        line->halves = 1;
    if (own->kin_waits)
        line->kin_waits = 1;
}

/* Those that waited for this id have their parent. */
static void adopt(struct shard *shard, uint32_t at, uint32_t child)
{
    const struct slab *slab = &shard->store.slab;

    for (; slab_live(slab, child); child = slab_at(slab, child)->sibling)
        slab_at(slab, child)->parent_at = at;
}

/* E7: spans that share an id know it, and a SERVER among them leaves its named parent for the
 * CLIENT, unless it was judged already. */
static void meet_halves(struct shard *shard, uint32_t at, const struct matches *own)
{
    struct kin *kin = &shard->judge.kin;
    struct remembered *span = kin_span(kin, at);

    for (uint32_t i = 0; i < own->count; i++) {
        struct remembered *other = kin_span(kin, own->at[i]);
        other->halves = 1;
        if (span->kind == SPAN_KIND_SERVER && other->kind == SPAN_KIND_CLIENT)
            span->moved = 1;
        if (span->kind == SPAN_KIND_CLIENT && other->kind == SPAN_KIND_SERVER && !other->judged &&
            !other->moved)
            kin_move(kin, own->at[i]);
    }
}

static void link_parent(struct shard *shard, const struct span *span, uint32_t at, uint64_t hash)
{
    struct matches parent;

    if (span->parent == 0 || span->parent_bad)
        return;
    span_index_find(&shard->store.index, &shard->store.slab, span->trace, span->parent, hash,
                    &parent);
    if (store_link(&shard->store, &parent, at) != 0)
        shard->tally->counts.memory_failures++;
}

static bool is_reported(const struct shard *shard, uint32_t service)
{
    return service / 64 < shard->reported_words &&
           (shard->reported[service / 64] >> service % 64 & 1) != 0;
}

/* The catalog is told of a service once, not with each of its spans. */
static void report(struct shard *shard, uint32_t service)
{
    uint32_t word = service / 64;
    uint64_t bit = UINT64_C(1) << service % 64;

    if (word >= shard->reported_words) {
        uint32_t words = word * 2 + 16;
        uint64_t *reported = mem_realloc(shard->reported, words * sizeof(*reported));
        if (reported == NULL) {
            catalog_mark_reported(shard->options.catalog, service);
            return;
        }
        memset(reported + shard->reported_words, 0,
               (words - shard->reported_words) * sizeof(*reported));
        shard->reported = reported;
        shard->reported_words = words;
    }
    catalog_mark_reported(shard->options.catalog, service);
    if (catalog_is_reported(shard->options.catalog, service))
        shard->reported[word] |= bit;
}

static inline void note_span(struct batch *batch, const struct span *span)
{
    uint64_t end_ns = span->start_ns + span->duration_ns;

    batch->weights_unknown += span->weight_unknown;
    if (span->skewed | span->weight_cut) {
        batch->skewed += span->skewed;
        batch->weights_cut += span->weight_cut;
    }
    if (span->start_ns == 0)
        return;
    if (span->start_ns < batch->first_ns)
        batch->first_ns = span->start_ns;
    if (end_ns < span->start_ns)
        end_ns = UINT64_MAX;
    if (end_ns > batch->last_ns)
        batch->last_ns = end_ns;
}

static void note_batch(struct shard *shard, const struct batch *batch)
{
    struct tally *tally = shard->tally;

    accounting(shard)->received += batch->received;
    tally->counts.skewed_durations += batch->skewed;
    tally->counts.weights_unknown += batch->weights_unknown;
    tally->counts.weights_cut += batch->weights_cut;
    if (batch->last_ns == 0)
        return;
    if (tally->span_first_ns == 0 || batch->first_ns < tally->span_first_ns)
        tally->span_first_ns = batch->first_ns;
    if (batch->last_ns > tally->span_last_ns)
        tally->span_last_ns = batch->last_ns;
}

/* The hashes of a span's own id and of its parent's. */
struct hashes {
    uint64_t own;
    uint64_t parent;
};

static inline bool is_of_message(const struct span *span)
{
    return span->half || span->kind == SPAN_KIND_PRODUCER || span->kind == SPAN_KIND_CONSUMER;
}

/* What a PRODUCER or CONSUMER has beyond its span. Others may be judged for it, so that the room is to
 * be looked at again. */
static void admit_message(struct shard *shard, struct batch *batch, const struct span *span,
                          uint32_t at)
{
    batch->spare = 0;
    if (span->kind == SPAN_KIND_PRODUCER)
        shard_add_producer(shard, span, at);
    else
        shard_add_consumer(shard, span, at);
}

static void admit(struct shard *shard, struct batch *batch, const struct span *span,
                  const struct hashes *hashes)
{
    const struct site *site = kin_site_at(&shard->judge.kin, span->site);
    struct store *store = &shard->store;
    struct matches own;
    uint32_t at;

    CHECK(span->kind < SPAN_KIND_COUNT && span->id != 0);
    batch->received++;
    if (site->dimensions != DIMENSIONS_NONE && !store->notes_ahead) {
        store->notes_ahead = true;
        batch->spare = 0;
    }
    if (batch->spare == 0 && make_room(shard, batch) != 0) {
        batch->spare = 0;
        drop(shard, span);
        return;
    }
    span_index_find(&store->index, &store->slab, span->trace, span->id, hashes->own, &own);
    if (own.count != 0 && is_duplicate(shard, span, site->service, &own)) {
        accounting(shard)->duplicate++;
        return;
    }
    if (own.count == IDS_MAX) {
        /* A copy of it finds the same eight, so that it is rejected too. */
        accounting(shard)->rejected[REJECTED_ID_REUSED]++;
        return;
    }
    remember(slab_next(&store->slab), span, &own);
    if (store_add(store, &own, batch->arrival, span->start_ns, &at) != 0) {
        drop(shard, span);
        return;
    }
    batch->spare--;
    adopt(shard, at, own.wanted);
    if (own.count != 0)
        meet_halves(shard, at, &own);
    link_parent(shard, span, at, hashes->parent);
    if (is_of_message(span))
        admit_message(shard, batch, span, at);
    if (!is_reported(shard, site->service))
        report(shard, site->service);
    note_span(batch, span);
}

/* ------------------------------------------------------------------ ahead of them */

static const struct span_target *target_of(const struct span *half)
{
    return (const struct span_target *)(half + 1);
}

/* What messages are looked up by. */
static void prefetch_mail(const struct shard *shard, const struct span *span, enum mail_step step)
{
    const struct mail *mail = &shard->mail;

    if (span->half) {
        const struct span_target *target = target_of(span);
        const struct half like = {.target = {target->trace[0], target->trace[1]},
                                  .target_id = target->id,
                                  .trace = {span->trace[0], span->trace[1]},
                                  .id = span->id,
                                  .site = span->site};
        mail_prefetch_half(mail, &like, step);
    } else if (span->kind == SPAN_KIND_PRODUCER) {
        mail_prefetch_producer(mail, span->trace, span->id, step);
    } else if (span->kind == SPAN_KIND_CONSUMER && span->links != 0) {
        mail_prefetch_inbox(mail, span->trace, span->id,
                            kin_site_at(&shard->judge.kin, span->site)->service, step);
    }
}

static void prefetch_heads(const struct shard *shard, const struct span *span,
                           struct hashes *hashes)
{
    const struct span_index *index = &shard->store.index;
    uint64_t trace_part = span_index_trace(index, span->trace);

    if (is_of_message(span))
        prefetch_mail(shard, span, MAIL_HEADS);
    if (span->half)
        return;
    hashes->own = span_index_hash(trace_part, span->id);
    hashes->parent = span_index_hash(trace_part, span->parent);
    span_index_prefetch(index, hashes->own);
    span_index_prefetch(index, hashes->parent);
}

static void prefetch_elements(const struct shard *shard, const struct span *span,
                              const struct hashes *hashes)
{
    const struct store *store = &shard->store;

    if (is_of_message(span))
        prefetch_mail(shard, span, MAIL_ELEMENTS);
    if (span->half)
        return;
    span_index_prefetch_spans(&store->index, &store->slab, hashes->own);
    span_index_prefetch_spans(&store->index, &store->slab, hashes->parent);
}

/* How many records there are at `at`: a half has its target behind it. */
static size_t records_at(const struct span *at)
{
    return at->half ? 2 : 1;
}

/* In three passes, for neither the buckets nor the spans that they name are in the cache: the first
 * one brings those closer, the second one these. */
void shard_admit(struct shard *shard, const struct span *records, size_t count)
{
    struct hashes hashes[ADMIT_RECORDS];
    struct batch batch = {
        .arrival = (uint32_t)((shard->now_ns + (UINT64_C(1) << TICK_SHIFT) - 1) >> TICK_SHIFT),
        .first_ns = UINT64_MAX,
    };

    CHECK(count <= ADMIT_RECORDS);
    for (size_t i = 0; i < count; i += records_at(&records[i]))
        prefetch_heads(shard, &records[i], &hashes[i]);
    for (size_t i = 0; i < count; i += records_at(&records[i]))
        prefetch_elements(shard, &records[i], &hashes[i]);
    for (size_t i = 0; i < count; i += records_at(&records[i])) {
        if (!records[i].half) {
            admit(shard, &batch, &records[i], &hashes[i]);
            continue;
        }
        shard_take_half(shard, &records[i], target_of(&records[i]));
        batch.spare = 0; /* As after a message's span. */
    }
    note_batch(shard, &batch);
}
