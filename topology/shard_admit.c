/* shard_admit.c: how a span comes in.
 *
 * Two look-ups: its own id (duplicates, halves, children that came before it) and its parent's.
 * Nothing is decided here; links only say who named whom.
 */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/shard_priv.h"

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

static int make_room(struct shard *shard)
{
    for (;;) {
        int status = store_prepare(&shard->store);
        if (status != STATUS_FULL)
            return status;
        shard_evict(shard);
    }
}

/* E15: the same trace, id, kind and service. */
static bool is_duplicate(const struct shard *shard, const struct span *span,
                         const struct matches *own)
{
    const struct kin *kin = &shard->judge.kin;
    uint32_t service = kin_site_at(kin, span->site)->service;

    for (uint32_t i = 0; i < own->count; i++) {
        const struct remembered *other = kin_span(kin, own->at[i]);
        if (other->kind == span->kind && kin_service(kin, other) == service)
            return true;
    }
    return false;
}

static struct remembered remembered_of(const struct span *span, const struct matches *own)
{
    return (struct remembered){
        .trace = {span->trace[0], span->trace[1]},
        .id = span->id,
        .parent_id = span->parent,
        .duration_ns = span->duration_ns,
        .kind = span->kind,
        .status = span->status,
        .parent_bad = span->parent_bad,
        .no_duration = span->no_duration,
        .skewed = span->skewed,
        .weight = span->weight,
        .halves = own->count != 0,
        .kin_waits = own->kin_waits,
        .site = span->site,
        .child = own->wanted,
    };
}

/* Those that waited for this id have their parent. */
static void adopt(struct shard *shard, uint32_t at)
{
    const struct slab *slab = &shard->store.slab;

    for (uint32_t child = slab_at(slab, at)->child; slab_live(slab, child);
         child = slab_at(slab, child)->sibling)
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

static void link_parent(struct shard *shard, uint32_t at, uint64_t hash)
{
    const struct remembered *span = slab_at(&shard->store.slab, at);
    struct matches parent;

    if (span->parent_id == 0 || span->parent_bad)
        return;
    span_index_find(&shard->store.index, &shard->store.slab, span->trace, span->parent_id, hash,
                    &parent);
    if (store_link(&shard->store, &parent, at) != 0)
        shard->tally->counts.memory_failures++;
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
    if ((shard->reported[word] & bit) != 0)
        return;
    catalog_mark_reported(shard->options.catalog, service);
    if (catalog_is_reported(shard->options.catalog, service))
        shard->reported[word] |= bit;
}

static void note_span(struct shard *shard, const struct span *span)
{
    struct tally *tally = shard->tally;
    uint64_t end_ns = span->start_ns + span->duration_ns;

    report(shard, kin_site_at(&shard->judge.kin, span->site)->service);
    tally->counts.skewed_durations += span->skewed;
    tally->counts.weights_unknown += span->weight_unknown;
    tally->counts.weights_cut += span->weight_cut;
    if (span->start_ns == 0)
        return;
    if (tally->span_first_ns == 0 || span->start_ns < tally->span_first_ns)
        tally->span_first_ns = span->start_ns;
    if (end_ns < span->start_ns)
        end_ns = UINT64_MAX;
    if (end_ns > tally->span_last_ns)
        tally->span_last_ns = end_ns;
}

/* The hashes of a span's own id and of its parent's. */
struct hashes {
    uint64_t own;
    uint64_t parent;
};

static void admit(struct shard *shard, const struct span *span, const struct hashes *hashes)
{
    struct store *store = &shard->store;
    struct remembered remembered;
    struct matches own;
    uint32_t at;

    CHECK(span->kind < SPAN_KIND_COUNT && span->id != 0);
    accounting(shard)->received++;
    if (kin_site_at(&shard->judge.kin, span->site)->dimensions != DIMENSIONS_NONE)
        store->notes_ahead = true;
    if (make_room(shard) != 0) {
        drop(shard, span);
        return;
    }
    span_index_find(&store->index, &store->slab, span->trace, span->id, hashes->own, &own);
    if (is_duplicate(shard, span, &own)) {
        accounting(shard)->duplicate++;
        return;
    }
    if (own.count == IDS_MAX) {
        /* A copy of it finds the same eight, so that it is rejected too. */
        accounting(shard)->rejected[REJECTED_ID_REUSED]++;
        return;
    }
    remembered = remembered_of(span, &own);
    if (store_add(store, &remembered, &own,
                  (uint32_t)((shard->now_ns + (UINT64_C(1) << TICK_SHIFT) - 1) >> TICK_SHIFT),
                  &at) != 0) {
        drop(shard, span);
        return;
    }
    slab_set_start(&store->slab, at, span->start_ns);
    adopt(shard, at);
    meet_halves(shard, at, &own);
    link_parent(shard, at, hashes->parent);
    if (span->kind == SPAN_KIND_PRODUCER)
        shard_add_producer(shard, span, at);
    else if (span->kind == SPAN_KIND_CONSUMER)
        shard_add_consumer(shard, span, at);
    note_span(shard, span);
}

/* ------------------------------------------------------------------ ahead of them */

static const struct span_target *target_of(const struct span *half)
{
    return (const struct span_target *)(half + 1);
}

static inline bool is_of_message(const struct span *span)
{
    return span->half || span->kind == SPAN_KIND_PRODUCER || span->kind == SPAN_KIND_CONSUMER;
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

    CHECK(count <= ADMIT_RECORDS);
    for (size_t i = 0; i < count; i += records_at(&records[i]))
        prefetch_heads(shard, &records[i], &hashes[i]);
    for (size_t i = 0; i < count; i += records_at(&records[i]))
        prefetch_elements(shard, &records[i], &hashes[i]);
    for (size_t i = 0; i < count; i += records_at(&records[i])) {
        if (records[i].half)
            shard_take_half(shard, &records[i], target_of(&records[i]));
        else
            admit(shard, &records[i], &hashes[i]);
    }
}
