/* shard.c: when a span is judged.
 *
 * Spans lie in the order of their arrival, so that waits need no timers: one cursor a wait goes
 * through the spans that are still pending. The first one, at the end of pairing.wait, judges nearly
 * all. What it leaves is either caught by a later cursor or judged together with its parent:
 *
 *   parent has not come           -> cursor of pairing.parent_wait, or with the parent
 *   PRODUCER without a consumer,
 *   CLIENT around such a one,
 *   CLIENT in or beside one that
 *   decides about it              -> cursor of messaging.wait, or once the message is taken
 *   links that are not answered   -> with the last answer, or cursor of links, which is later than
 *                                    any answer should be
 *
 * One more cursor goes ahead of them all: what spans teach (N5) is taught nearly as soon as both sides
 * are there, so that whoever is judged from then on knows it. Not quite as soon: of spans that share
 * an id and come together, all have to be there for it to be clear whose child a SERVER is.
 */
#include "topology/shard.h"

#include "base/check.h"
#include "topology/shard_priv.h"

/* Feeding looks for what is due at most this often a wait, since ticks do so too. */
enum { JUDGINGS_A_WAIT = 1024 };

enum {
    BESIDE_MAX = 64,
    AHEAD_NEXT = 6,  /* Spans whose parents' parents are fetched, ... */
    AHEAD_NEAR = 12, /* ... whose parents and children are, ... */
    AHEAD_FAR = 24,  /* ... and that are themselves. */
};

static struct kin *kin_of(struct shard *shard)
{
    return &shard->judge.kin;
}

static struct slab *slab_of(struct shard *shard)
{
    return &shard->store.slab;
}

/* ------------------------------------------------------------------ waits */

static inline bool is_over_since(const struct shard *shard, uint32_t arrival, enum shard_wait wait)
{
    uint32_t since = arrival + shard->wait_ticks[wait];

    return (int32_t)(shard->now_ticks - since) >= 0;
}

static inline bool is_over(const struct shard *shard, uint32_t at, enum shard_wait wait)
{
    const struct block *block = slab_block(&shard->store.slab, at);

    return is_over_since(shard, block->arrival[at % BLOCK_SPANS], wait);
}

/* Whether the span names a parent that has not come. A producer may have left the slab, but not its
 * table. */
static bool lacks_parent(struct shard *shard, uint32_t at, uint32_t parent)
{
    const struct remembered *span = kin_span(kin_of(shard), at);

    if (parent != 0 || kin_is_root(span))
        return false;
    return span->kind != SPAN_KIND_CONSUMER ||
           judge_find_producer(&shard->judge, span->trace, span->parent_id) == 0;
}

/* Lets the parent that may come know that somebody is past its own wait. */
static void wait_for_parent(struct shard *shard, uint32_t at)
{
    const struct remembered *span = kin_span(kin_of(shard), at);
    struct matches parent;

    if (span->parent_id == 0 || span->parent_bad)
        return;
    store_find(&shard->store, span, span->parent_id, &parent);
    if (parent.wanted != 0)
        span_index_wait(&shard->store.index, &parent);
}

/* E10: in the broker's view a PRODUCER is on its way at the end of pairing.wait, unless it is not
 * clear yet that it is the call (E4). */
static void send_early(struct shard *shard, uint32_t at)
{
    uint32_t producer = judge_producer_of(&shard->judge, at);

    if (producer != 0 && !mail_producer(&shard->mail, producer)->sent &&
        judge_is_alone(&shard->judge, at))
        judge_send(&shard->judge, mail_producer(&shard->mail, producer));
}

/* Whether halves that lead to the PRODUCER, or to one in the CLIENT, wait: for as long as they do, for
 * each of them is settled within its own time. */
static bool waits_for_halves(struct shard *shard, uint32_t at)
{
    struct kin *kin = kin_of(shard);
    const struct remembered *span = kin_span(kin, at);
    struct kin_inside inside;

    if (shard->mail.halves_hanging == 0 || !kind_calls(span->kind) || kin_answers(kin, at).answered)
        return false;
    if (span->expected)
        return true;
    inside = kin_inside(kin, at);
    return inside.expected && !inside.answered;
}

/* Whether the span, or one that it may have called, waits for its links to be answered: they are
 * settled at the end of its own pairing.wait, by shards that may be busy. */
static bool waits_for_links(struct shard *shard, uint32_t at)
{
    if (waits_for_halves(shard, at))
        return true;
    if ((kin_of(shard)->open == 0 && shard->mail.halves_hanging == 0) ||
        is_over(shard, at, WAIT_LINKS))
        return false;
    return kin_span(kin_of(shard), at)->links_open || kin_is_open(kin_of(shard), at);
}

/* E4, E10: whether a consumer may still come that decides about this span. */
static bool waits_for_consumer(struct shard *shard, uint32_t at)
{
    struct kin *kin = kin_of(shard);
    const struct remembered *span = kin_span(kin, at);
    struct kin_inside inside;

    if (!kind_calls(span->kind) || is_over(shard, at, WAIT_MESSAGING) ||
        kin_answers(kin, at).answered)
        return false;
    if (span->kind == SPAN_KIND_PRODUCER)
        return true;
    inside = kin_inside(kin, at);
    return inside.producer_waits && !inside.answered;
}

/* E4: whether a message around a CLIENT, or beside it in one around both, decides whether the CLIENT is
 * the call that nobody answered. It does not where one around it is the call in any case. */
static bool waits_for_message_around(struct shard *shard, uint32_t at)
{
    struct kin *kin = kin_of(shard);
    struct kin_around around = kin_around_begin(at);
    bool waits = false;
    uint32_t outer;

    if (kin_span(kin, at)->kind != SPAN_KIND_CLIENT || is_over(shard, at, WAIT_MESSAGING))
        return false;
    while ((outer = kin_around_next(kin, &around)) != 0) {
        const struct remembered *span = kin_span(kin, outer);
        struct kin_inside inside;
        if (kin_answers_roughly(kin, outer).answered)
            return false;
        inside = kin_inside_roughly(kin, outer);
        if (!inside.answered && !inside.producer_waits)
            return false; /* It is the call, whether a consumer comes or not. */
        waits |= !inside.answered || (span->kind == SPAN_KIND_PRODUCER && !span->judged);
    }
    return waits && !kin_answers(kin, at).answered && !kin_inside(kin, at).answered;
}

/* Whether the span's parent came so late that the two are judged together, later. A parent that does
 * not know of the child cannot call it: then there is nothing to wait for. */
static bool waits_with_parent(struct shard *shard, uint32_t at, uint32_t parent)
{
    const struct remembered *span = kin_span(kin_of(shard), at);
    struct remembered *other;

    if (parent == 0 || span->moved || !slab_live(slab_of(shard), span->parent_at) ||
        !slab_before(at, shard->cursor[WAIT_PAIRING]))
        return false;
    /* The one that has the list of children; of a shared id, it may not be the parent itself. */
    other = kin_span(kin_of(shard), span->parent_at);
    /* A parent that came within the child's own wait does not hold it up. */
    if (other->judged || slab_before(span->parent_at, shard->cursor[WAIT_PAIRING]))
        return false;
    other->kin_waits = 1;
    return true;
}

/* Whether the span has to wait, though its pairing.wait is over. Says so to who can end that. */
static bool has_to_wait(struct shard *shard, uint32_t at, uint32_t parent)
{
    if (lacks_parent(shard, at, parent) && !is_over(shard, at, WAIT_PARENT)) {
        wait_for_parent(shard, at);
        return true;
    }
    if (waits_for_links(shard, at))
        return true;
    if (waits_for_consumer(shard, at)) {
        if (kin_span(kin_of(shard), at)->kind == SPAN_KIND_PRODUCER)
            send_early(shard, at);
        return true;
    }
    if (waits_for_message_around(shard, at)) {
        shard->has_beside = true;
        return true;
    }
    return false;
}

/* Judges a span whose pairing.wait is over, unless it has to wait for something else. */
static void visit(struct shard *shard, uint32_t at)
{
    uint32_t parent;

    if (judge_usual(&shard->judge, at, kin_span(kin_of(shard), at), shard->cursor[WAIT_PAIRING]))
        return;
    parent = kin_parent(kin_of(shard), at);
    if (has_to_wait(shard, at, parent) || waits_with_parent(shard, at, parent))
        return;
    shard_close_links(shard, at);
    judge_span(&shard->judge, at, parent);
}

/* The next child that waits to be judged together with the span whose child list this is. */
static uint32_t next_waiting(struct shard *shard, uint32_t child)
{
    const struct slab *slab = slab_of(shard);

    while (slab_live(slab, child) &&
           !(slab_pending(slab, child) && slab_before(child, shard->cursor[WAIT_PAIRING])))
        child = slab_at(slab, child)->sibling;
    return slab_live(slab, child) ? child : 0;
}

/* Judges those that waited for a span that was just judged, and those that waited for them: down
 * the lists of children and up again, without a stack. */
static void visit_kin(struct shard *shard, uint32_t top)
{
    const struct slab *slab = slab_of(shard);
    uint32_t at = top;
    uint32_t child;

    if (!slab_at(slab, top)->kin_waits)
        return;
    slab_at(slab, top)->kin_waits = 0;
    child = next_waiting(shard, slab_at(slab, top)->child);
    for (;;) {
        while (child == 0) {
            if (at == top)
                return;
            child = next_waiting(shard, slab_at(slab, at)->sibling);
            at = slab_at(slab, at)->parent_at;
        }
        visit(shard, child);
        if (!slab_pending(slab, child) && slab_at(slab, child)->kin_waits) {
            slab_at(slab, child)->kin_waits = 0;
            at = child;
            child = next_waiting(shard, slab_at(slab, at)->child);
        } else {
            child = next_waiting(shard, slab_at(slab, child)->sibling);
        }
    }
}

/* The SERVERs that have the id of a CLIENT that was just judged, as long as they waited for it. */
static void visit_halves(struct shard *shard, uint32_t at)
{
    const struct slab *slab = slab_of(shard);
    const struct remembered *span = slab_at(slab, at);
    struct matches own;

    if (!span->halves || span->kind != SPAN_KIND_CLIENT)
        return;
    store_find(&shard->store, span, span->id, &own);
    for (uint32_t i = 0; i < own.count; i++) {
        uint32_t half = own.at[i];
        if (!slab_at(slab, half)->moved || next_waiting(shard, half) != half)
            continue;
        visit(shard, half);
        if (!slab_pending(slab, half))
            visit_kin(shard, half);
    }
}

/* Spans are judged in a row, but what they are linked with lies anywhere. Brings closer, in steps, the
 * spans that come soon, their parents and children, and who called those. `far` and so on are the
 * spans so far ahead. */
static inline ALWAYS_INLINE void prefetch_ahead(const struct shard *shard,
                                                const struct remembered *far,
                                                const struct remembered *near,
                                                const struct remembered *next)
{
    const struct slab *slab = &shard->store.slab;
    const struct kin *kin = &shard->judge.kin;
    const struct remembered *above;

    __builtin_prefetch(far, 1);
    slab_prefetch(slab, near->parent_at);
    if (near->child != 0)
        slab_prefetch(slab, near->child);
    __builtin_prefetch(kin_site(kin, near));
    if (!slab_live(slab, next->parent_at))
        return;
    above = slab_at(slab, next->parent_at);
    __builtin_prefetch(kin_site(kin, above));
    if (above->kind != SPAN_KIND_CLIENT)
        return;
    __builtin_prefetch(slab_aside(slab, next->parent_at), 1);
    slab_prefetch(slab, above->parent_at);
}

/* Nearly always all of them are in one block. */
static inline ALWAYS_INLINE void look_ahead(const struct shard *shard, uint32_t at,
                                            const struct remembered *span)
{
    const struct slab *slab = &shard->store.slab;

    if (slab->head - at <= AHEAD_FAR)
        return;
    if (at % BLOCK_SPANS < BLOCK_SPANS - AHEAD_FAR)
        prefetch_ahead(shard, span + AHEAD_FAR, span + AHEAD_NEAR, span + AHEAD_NEXT);
    else
        prefetch_ahead(shard, slab_at(slab, at + AHEAD_FAR), slab_at(slab, at + AHEAD_NEAR),
                       slab_at(slab, at + AHEAD_NEXT));
}

/* Judges a span if it is time, and those that waited for it. */
static void visit_waiting(struct shard *shard, uint32_t at)
{
    visit(shard, at);
    if (slab_pending(slab_of(shard), at))
        return;
    visit_kin(shard, at);
    visit_halves(shard, at);
}

struct beside {
    const struct shard *shard;
    uint32_t at[BESIDE_MAX];
    size_t count;
};

static void note_beside(void *context, uint32_t at)
{
    struct beside *beside = context;

    if (beside->count < BESIDE_MAX && slab_pending(&beside->shard->store.slab, at) &&
        slab_before(at, beside->shard->cursor[WAIT_PAIRING]))
        beside->at[beside->count++] = at;
}

/* A message was taken: looks again at the callers around its PRODUCER, and at those in them. What is
 * not found here, of too many, is judged when its own wait is over. */
static void visit_beside(struct shard *shard, uint32_t at)
{
    struct kin_around around = kin_around_begin(at);
    struct beside beside = {.shard = shard};
    uint32_t top = at;
    uint32_t outer;

    if (!shard->has_beside || !kind_calls(kin_span(kin_of(shard), at)->kind))
        return;
    while ((outer = kin_around_next(kin_of(shard), &around)) != 0)
        top = outer;
    note_beside(&beside, top);
    kin_callers(kin_of(shard), top, note_beside, &beside);
    for (size_t i = 0; i < beside.count; i++)
        if (slab_pending(slab_of(shard), beside.at[i]))
            visit_waiting(shard, beside.at[i]);
}

/* The same of any span: a CONSUMER has taken its parent's message. */
static void visit_all(struct shard *shard, uint32_t at)
{
    bool is_consumer = kin_span(kin_of(shard), at)->kind == SPAN_KIND_CONSUMER;
    uint32_t parent = is_consumer && shard->has_beside ? kin_parent(kin_of(shard), at) : 0;

    visit_waiting(shard, at);
    if (parent != 0 && !slab_pending(slab_of(shard), at))
        visit_beside(shard, parent);
}

void shard_revisit(struct shard *shard, uint32_t at)
{
    struct kin *kin = kin_of(shard);

    kin->pass++;
    visit_beside(shard, at);
    for (unsigned i = 0; i <= WALK_STEPS && at != 0; i++) {
        if (slab_pending(slab_of(shard), at) && slab_before(at, shard->cursor[WAIT_PAIRING]))
            visit_all(shard, at);
        at = kin_parent(kin, at);
    }
}

/* Judges all pending spans whose wait of that kind is over, unless they have to wait on. Of a usual one,
 * visit_all() is what stands here: it has no halves, and what it takes is no message. */
static void go_on(struct shard *shard, enum shard_wait wait)
{
    struct slab *slab = slab_of(shard);
    uint32_t at = shard->cursor[wait];

    if (slab_before(at, slab->tail))
        at = slab->tail;
    for (;; at++) {
        struct block *block;
        struct remembered *span;
        at = slab_next_pending(slab, at);
        shard->cursor[wait] = at;
        if (at == slab->head)
            return;
        block = slab_block(slab, at);
        if (!is_over_since(shard, block->arrival[at % BLOCK_SPANS], wait))
            return;
        span = &block->spans[at % BLOCK_SPANS];
        look_ahead(shard, at, span);
        if (span->kind == SPAN_KIND_CONSUMER ||
            !judge_usual(&shard->judge, at, span, shard->cursor[WAIT_PAIRING]))
            visit_all(shard, at);
        else if (span->kin_waits)
            visit_kin(shard, at);
    }
}

/* Of the spans of a pair, the one that came last teaches: a CLIENT for all that were there before it. */
static void teach_of(struct shard *shard, uint32_t at, const struct remembered *span)
{
    struct kin *kin = kin_of(shard);
    struct kin_children children;
    uint32_t other;

    if (span->kind == SPAN_KIND_SERVER &&
        (span->moved || slab_live(slab_of(shard), span->parent_at))) {
        other = kin_parent(kin, at);
        if (other != 0)
            judge_teach(&shard->judge, at, other);
    }
    if (span->kind != SPAN_KIND_CLIENT || (span->child == 0 && !span->halves))
        return;
    kin_children_begin(kin, at, &children);
    for (unsigned i = 0; i < WALK_SIBLINGS && (other = kin_children_next(kin, &children)) != 0; i++)
        judge_teach(&shard->judge, other, at);
}

/* Lets pending spans teach up to the first whose turn has not come; all of them with `to_head`. Nothing
 * is prefetched: spans of a trace come at about the same time, so that what is read lies close together. */
static void teach(struct shard *shard, bool to_head)
{
    struct slab *slab = slab_of(shard);
    uint32_t at = shard->cursor[WAIT_TEACHING];

    if (slab_before(at, slab->tail))
        at = slab->tail;
    for (;; at++) {
        const struct block *block;
        at = slab_next_pending(slab, at);
        shard->cursor[WAIT_TEACHING] = at;
        if (at == slab->head)
            return;
        block = slab_block(slab, at);
        if (!to_head && !is_over_since(shard, block->arrival[at % BLOCK_SPANS], WAIT_TEACHING))
            return;
        teach_of(shard, at, &block->spans[at % BLOCK_SPANS]);
    }
}

void shard_judge_due(struct shard *shard)
{
    kin_of(shard)->pass++;
    shard->judged_ns = shard->now_ns;
    shard_mail_due(shard);
    teach(shard, false);
    go_on(shard, WAIT_PAIRING);
    go_on(shard, WAIT_PARENT);
    go_on(shard, WAIT_LINKS);
    go_on(shard, WAIT_MESSAGING);
    shard_left_due(shard);
    shard->tally->counts.walks_cut += kin_of(shard)->walks_cut;
    kin_of(shard)->walks_cut = 0;
}

/* ------------------------------------------------------------------ eviction */

/* The room of a pending span is needed. */
static void let_go(struct shard *shard, uint32_t at)
{
    struct remembered *span = kin_span(kin_of(shard), at);
    uint32_t parent = kin_parent(kin_of(shard), at);
    bool is_producer = span->kind == SPAN_KIND_PRODUCER;
    bool is_early = !is_over(shard, at, WAIT_PAIRING);
    uint32_t producer = 0;
    bool is_waiting = false;

    if (!is_early && (kind_calls(span->kind) || !lacks_parent(shard, at, parent)))
        is_waiting = span->links_open || waits_for_halves(shard, at) ||
                     waits_for_consumer(shard, at);
    if (is_waiting && is_producer)
        producer = judge_producer_of(&shard->judge, at);
    if (is_waiting && span->kind == SPAN_KIND_CLIENT) {
        span->handed_over = 1; /* To the PRODUCER in it that it waits for. */
        is_waiting = false;
    }
    shard_close_links(shard, at);
    if (producer != 0) {
        judge_leave(&shard->judge, at, parent, producer);
        shard_note_left(shard, producer);
    } else if (is_early || is_waiting) {
        if (is_producer)
            shard_drop_producer(shard, at);
        judge_drop(&shard->judge, at, parent);
    } else {
        judge_span(&shard->judge, at, parent);
    }
}

void shard_evict(struct shard *shard)
{
    struct slab *slab = slab_of(shard);
    uint32_t end = (slab->tail / BLOCK_SPANS + 1) * BLOCK_SPANS;
    uint32_t at = slab->tail;

    if (slab_before(slab->head, end))
        end = slab->head;
    kin_of(shard)->pass++;
    /* Not to the next pending span wherever it is: that may be the whole slab away, for each block. */
    while ((at = slab_next_pending_before(slab, at, end)) != end)
        let_go(shard, at++);
    store_evict(&shard->store);
    for (size_t i = 0; i < WAIT_COUNT; i++)
        if (slab_before(shard->cursor[i], slab->tail))
            shard->cursor[i] = slab->tail;
}

/* ------------------------------------------------------------------ the port */

static void set_now(struct shard *shard, struct mono_time now)
{
    CHECK(now.ns >= shard->now_ns);
    shard->now_ns = now.ns;
    shard->now_ticks = (uint32_t)(now.ns >> TICK_SHIFT);
}

void shard_feed(struct shard *shard, const struct span *spans, size_t count, struct mono_time now)
{
    set_now(shard, now);
    if (now.ns - shard->judged_ns >= shard->options.pairing_wait_ns / JUDGINGS_A_WAIT)
        shard_judge_due(shard);
    for (size_t i = 0; i < count;) {
        size_t run = 0; /* Records, with no half cut from its target. */
        while (i + run < count) {
            size_t more = spans[i + run].half ? 2 : 1;
            if (run + more > ADMIT_RECORDS)
                break;
            run += more;
        }
        CHECK(i + run <= count);
        shard_admit(shard, spans + i, run);
        i += run;
    }
}

void shard_tick(struct shard *shard, struct mono_time now)
{
    set_now(shard, now);
    shard_judge_due(shard);
}

void shard_teach(struct shard *shard, struct mono_time now)
{
    set_now(shard, now);
    teach(shard, true);
}

void shard_finish(struct shard *shard, struct mono_time now)
{
    struct slab *slab = slab_of(shard);

    set_now(shard, now);
    teach(shard, true);
    kin_of(shard)->pass++;
    for (uint32_t at = slab_next_pending(slab, slab->tail); at != slab->head;
         at = slab_next_pending(slab, at + 1)) {
        if (judge_usual(&shard->judge, at, slab_at(slab, at), at))
            continue;
        shard_close_links(shard, at);
        judge_span(&shard->judge, at, kin_parent(kin_of(shard), at));
    }
    shard_finish_left(shard);
    shard->tally->counts.walks_cut += kin_of(shard)->walks_cut;
    kin_of(shard)->walks_cut = 0;
    CHECK(slab->pending == 0 && shard->mail.left_waiting == 0);
}

void shards_finish(struct shard *const shards[], size_t count, struct mono_time now)
{
    bool is_quiet;

    for (size_t i = 0; i < count; i++)
        set_now(shards[i], now);
    do {
        is_quiet = true;
        for (size_t i = 0; i < count; i++)
            is_quiet &= shard_settle(shards[i]);
    } while (!is_quiet);
    for (size_t i = 0; i < count; i++)
        shard_teach(shards[i], now);
    for (size_t i = 0; i < count; i++)
        shard_finish(shards[i], now);
}

void shard_swap(struct shard *shard, struct tally **tally)
{
    struct tally *full = shard->tally;

    CHECK(tally != NULL && *tally != NULL && tally_is_empty(*tally));
    tally_flush(full);
    full->accounting.waiting = slab_of(shard)->pending + shard->mail.left_waiting;
    full->links.waiting = shard->mail.halves_waiting;
    shard->tally = shard->judge.tally = *tally;
    *tally = full;
}

size_t shard_memory_bytes(const struct shard *shard)
{
    return shard->store.bytes + CROWD_SUMS * sizeof(struct crowd_sum);
}

size_t shard_message_bytes(const struct shard *shard)
{
    return mail_bytes(&shard->mail);
}

uint64_t shard_remembered(const struct shard *shard)
{
    return shard->store.slab.remembered;
}

void shard_check(const struct shard *shard)
{
    store_check(&shard->store);
    mail_check(&shard->mail);
    CHECK(shard->judge.tally == shard->tally);
    for (size_t i = 0; i < WAIT_COUNT; i++)
        CHECK(shard->cursor[i] - shard->store.slab.tail <=
              shard->store.slab.head - shard->store.slab.tail);
}
