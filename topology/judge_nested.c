/* judge_nested.c: which of several callers, one in the other, is the call that nobody answered (E4).
 *
 * In the slab that is found by walks. A PRODUCER may wait much longer than spans are remembered: then
 * its record says in which other one it lies, and whether something in it was answered. A CLIENT
 * around one that left is the call no more, for it cannot wait as long: the message is.
 */
#include "base/check.h"
#include "topology/judge_priv.h"

static uint32_t service_of(const struct judge *judge, const struct producer *producer)
{
    return kin_site_at(&judge->kin, producer->site)->service;
}

/* The PRODUCER that left and has that id, in the service of a span of its trace; 0. */
static uint32_t find_left(struct judge *judge, const struct remembered *span, uint64_t id)
{
    uint32_t number = id != 0 ? judge_find_producer(judge, span->trace, id) : 0;

    if (number == 0 || !mail_producer(judge->mail, number)->has_left ||
        service_of(judge, mail_producer(judge->mail, number)) != kin_service(&judge->kin, span))
        return 0;
    return number;
}

/* The one that a span names as its parent; 0. */
static uint32_t parent_that_left(struct judge *judge, uint32_t at)
{
    const struct remembered *span = kin_span(&judge->kin, at);

    return !span->parent_bad ? find_left(judge, span, span->parent_id) : 0;
}

/* The record of a PRODUCER's span, which may just be leaving. */
static uint32_t record_of(struct judge *judge, uint32_t at)
{
    uint32_t number = judge_producer_of(judge, at);
    const struct remembered *span = kin_span(&judge->kin, at);

    return number != 0 ? number : find_left(judge, span, span->id);
}

/* Where the way up from a span ends in the slab; `out_producer` is the nearest PRODUCER on it, 0: there
 * is none. `visit` is called for the CLIENTs before that. */
static uint32_t go_up(struct judge *judge, uint32_t at, uint32_t *out_producer,
                      void (*visit)(struct judge *judge, uint32_t at, uint32_t client))
{
    struct kin *kin = &judge->kin;
    uint32_t service = kin_service(kin, kin_span(kin, at));
    uint32_t walked = at;

    *out_producer = 0;
    for (unsigned i = 0; i < WALK_STEPS; i++) {
        uint32_t parent = kin_parent(kin, walked);
        unsigned kind;
        if (parent == 0)
            return walked;
        kind = kin_span(kin, parent)->kind;
        if (kin_service(kin, kin_span(kin, parent)) != service ||
            (!kind_calls(kind) && !kind_is_quiet(kind)))
            return 0;
        walked = parent;
        if (kind == SPAN_KIND_PRODUCER && parent != at) {
            *out_producer = parent;
            return 0;
        }
        if (kind == SPAN_KIND_CLIENT && visit != NULL)
            visit(judge, at, parent);
    }
    return 0;
}

/* The record of the nearest PRODUCER around a span; 0: there is none. */
static uint32_t outer_of(struct judge *judge, uint32_t at,
                         void (*visit)(struct judge *judge, uint32_t at, uint32_t client))
{
    uint32_t producer;
    uint32_t end = go_up(judge, at, &producer, visit);

    if (producer != 0)
        return record_of(judge, producer);
    return end != 0 ? parent_that_left(judge, end) : 0;
}

/* The next one around a record; 0. */
static uint32_t next_outer(struct judge *judge, uint32_t number)
{
    const struct producer *producer = mail_producer(judge->mail, number);
    uint32_t at = judge_span_of(judge, producer);
    uint32_t outer = at != 0 ? outer_of(judge, at, NULL) : producer->outer;

    return fifo_live(&judge->mail->producers, outer) ? outer : 0;
}

void judge_note_inside(struct judge *judge, uint32_t number)
{
    for (unsigned i = 0; i < WALK_STEPS; i++) {
        number = next_outer(judge, number);
        if (number == 0)
            return;
        mail_producer(judge->mail, number)->inside_answered = 1;
    }
}

/* Whether one of the records around is the call, or was answered. */
static bool is_within_call(struct judge *judge, uint32_t outer)
{
    for (unsigned i = 0; i < WALK_STEPS && outer != 0; i++, outer = next_outer(judge, outer)) {
        const struct producer *producer = mail_producer(judge->mail, outer);
        uint32_t at = judge_span_of(judge, producer);
        bool has_inside = producer->inside_answered ||
                          (at != 0 && kin_inside_roughly(&judge->kin, at).answered);
        if (producer->answered || !has_inside)
            return true;
    }
    return false;
}

/* Whether something in the caller was answered, by a span that is there or one that left. */
static bool is_answered_inside(struct judge *judge, uint32_t at, struct kin_inside inside)
{
    uint32_t number = kin_span(&judge->kin, at)->kind == SPAN_KIND_PRODUCER
                          ? judge_producer_of(judge, at)
                          : 0;

    return inside.answered || (number != 0 && mail_producer(judge->mail, number)->inside_answered);
}

bool judge_is_call(struct judge *judge, uint32_t at)
{
    bool is_producer = kin_span(&judge->kin, at)->kind == SPAN_KIND_PRODUCER;
    struct kin_around around = kin_around_begin(at);
    uint32_t producer;
    uint32_t outer;

    if (kin_span(&judge->kin, at)->handed_over ||
        is_answered_inside(judge, at, kin_inside(&judge->kin, at)))
        return false;
    while ((outer = kin_around_next(&judge->kin, &around)) != 0) {
        bool is_answered = kin_answers_roughly(&judge->kin, outer).answered;
        if (is_producer && kin_span(&judge->kin, outer)->handed_over && !is_answered)
            continue;
        if (is_answered ||
            !is_answered_inside(judge, outer, kin_inside_roughly(&judge->kin, outer)))
            return false;
    }
    outer = go_up(judge, at, &producer, NULL);
    return producer != 0 || outer == 0 || !is_within_call(judge, parent_that_left(judge, outer));
}

bool judge_is_alone(struct judge *judge, uint32_t at)
{
    struct kin_around around = kin_around_begin(at);
    struct kin_inside inside = kin_inside(&judge->kin, at);
    uint32_t number = judge_producer_of(judge, at);

    if (number != 0) {
        mail_producer(judge->mail, number)->inside_answered |= inside.answered;
        if (mail_producer(judge->mail, number)->has_inner)
            return false;
    }
    return !is_answered_inside(judge, at, inside) && !inside.producer_waits &&
           kin_around_next(&judge->kin, &around) == 0 && outer_of(judge, at, NULL) == 0;
}

/* ------------------------------------------------------------------ those that leave */

static void hand_over(struct judge *judge, uint32_t at, uint32_t client)
{
    (void)at;
    kin_span(&judge->kin, client)->handed_over = 1;
}

static bool is_in_answered_client(struct judge *judge, uint32_t at)
{
    struct kin_around around = kin_around_begin(at);
    uint32_t outer;

    while ((outer = kin_around_next(&judge->kin, &around)) != 0)
        if (kin_span(&judge->kin, outer)->kind == SPAN_KIND_CLIENT &&
            kin_answers_roughly(&judge->kin, outer).answered)
            return true;
    return false;
}

bool judge_nest(struct judge *judge, uint32_t at, uint32_t number)
{
    struct producer *producer = mail_producer(judge->mail, number);
    struct kin_inside inside = kin_inside(&judge->kin, at);

    producer->is_nested = is_in_answered_client(judge, at);
    producer->inside_answered |= inside.answered;
    producer->outer = outer_of(judge, at, hand_over);
    if (producer->outer != 0)
        mail_producer(judge->mail, producer->outer)->has_inner = true;
    return !producer->is_nested && producer->outer == 0 && !producer->inside_answered &&
           !producer->has_inner && !inside.producer_waits;
}

bool judge_left_is_call(struct judge *judge, uint32_t number)
{
    const struct producer *producer = mail_producer(judge->mail, number);

    return !producer->is_nested && !producer->inside_answered &&
           !is_within_call(judge, next_outer(judge, number));
}

bool judge_left_is_late(struct judge *judge, uint32_t number)
{
    for (unsigned i = 0; i < WALK_STEPS && number != 0; i++, number = next_outer(judge, number))
        if (mail_producer(judge->mail, number)->drawn)
            return true;
    return false;
}
