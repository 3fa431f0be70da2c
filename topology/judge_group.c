/* judge_group.c: calls that several spans take together (E2).
 *
 * The first member that is judged counts for all that are there. How it counted stands in a note of
 * its own, so that a later member can only add: a failure, a larger weight.
 */
#include "base/check.h"
#include "topology/judge_priv.h"

static void count_first(struct judge *judge, const struct call *call, const struct request *request)
{
    struct tally_edge *edge;
    struct note *note;

    edge = judge_count(judge, request);
    if (kind_calls(kin_span(&judge->kin, call->side)->kind))
        judge_tell_client(judge, call->side, edge, request);
    kin_lead(&judge->kin, call->parent, call->at);
    note = judge_note_group(judge, call->at);
    if (note == NULL)
        return; /* Counted; what a later member could add is lost, and was counted as that. */
    note->group = 1;
    note->weight = request->weight & WEIGHT_MASK;
    note->failed = request->failed;
    note->type = request->type & 3;
}

static struct note *note_of(struct judge *judge, uint32_t leader)
{
    const struct notes *notes = &judge->kin.store->notes;
    uint32_t number = slab_aside(&judge->kin.store->slab, leader)->edge;

    if (!kin_span(&judge->kin, leader)->told_more)
        return NULL;
    while (number != 0 && !notes_at(notes, number)->group)
        number = notes_at(notes, number)->next;
    return number != 0 ? notes_at(notes, number) : NULL;
}

/* A member that came when the group was counted already: `request` is what it would be now. */
static void add_late_member(struct judge *judge, const struct call *call,
                            const struct request *request)
{
    struct note *note = note_of(judge, call->siblings.leader);
    struct request more = *request;
    struct tally_edge *edge;

    if (note == NULL)
        return;
    more.type = (enum connection_type)note->type;
    if (request->weight > note->weight) {
        more.weight = request->weight - note->weight;
        more.failed = note->failed;
        edge = judge_count(judge, &more);
        note->weight = request->weight & WEIGHT_MASK;
        more.weight = request->weight;
        if (kind_calls(kin_span(&judge->kin, call->side)->kind))
            judge_tell_client(judge, call->side, edge, &more);
    }
    if (request->failed && !note->failed && note->weight != 0) {
        edge = tally_edge(judge->tally, more.client, more.server, more.type);
        if (edge != NULL)
            edge->failed += note->weight;
    }
    note->failed |= request->failed;
}

void judge_group(struct judge *judge, const struct call *call)
{
    struct kin *kin = &judge->kin;
    struct remembered *side = kin_span(kin, call->side);
    const struct remembered *span = kin_span(kin, call->at);
    const struct kin_siblings *siblings = &call->siblings;
    struct request request = {
        .client = kin_service(kin, side),
        .server = kin_service(kin, span),
        .type = judge_type(judge, side, span->kind),
        .weight = side->weight > siblings->weight ? side->weight : siblings->weight,
        .failed = siblings->failed || (kind_calls(side->kind) && side->status == SPAN_STATUS_ERROR),
    };

    if (siblings->leader == 0)
        count_first(judge, call, &request);
    else
        add_late_member(judge, call, &request);
    side->answered = 1;
}
