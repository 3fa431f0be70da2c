/* judge_group.c: calls that several spans take together (E2).
 *
 * The first member that is judged counts for all that are there. How it counted stands in a note of
 * its own, so that a later member can only add: a failure, a larger weight.
 */
#include "base/check.h"
#include "topology/judge_priv.h"

/* What a group counts as, by all of its members that are known. */
struct group {
    uint64_t weight;
    bool failed;
};

static void count_first(struct judge *judge, const struct call *call, const struct group *group,
                        struct tally_request *request)
{
    struct note *note;

    request->weight = group->weight;
    request->failed = group->failed ? group->weight : 0;
    judge_add_call(judge, call->side, group->weight, request);
    kin_lead(&judge->kin, call->parent, call->at);
    note = judge_note_group(judge, call->at);
    if (note == NULL)
        return; /* Counted; what a later member could add is lost, and was counted as that. */
    note->group = 1;
    note->weight = group->weight & WEIGHT_MASK;
    note->failed = group->failed;
    note->type = request->type & 3;
    note->set = request->server_set & DIMENSION_SETS_MAX;
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

/* A member that came when the group was counted already: only what it adds. */
static void count_more(struct judge *judge, const struct call *call, const struct group *group,
                       struct tally_request *request)
{
    struct note *note = note_of(judge, call->siblings.leader);
    uint64_t weight;

    if (note == NULL)
        return;
    weight = group->weight > note->weight ? group->weight : note->weight;
    request->type = (enum connection_type)note->type;
    request->server_set = note->set;
    request->weight = weight - note->weight;
    if (note->failed)
        request->failed = request->weight;
    else if (group->failed)
        request->failed = weight;
    judge_add_call(judge, call->side, request->weight != 0 ? weight : 0, request);
    note->weight = weight & WEIGHT_MASK;
    note->failed |= group->failed;
}

void judge_group(struct judge *judge, const struct call *call)
{
    struct kin *kin = &judge->kin;
    struct remembered *side = kin_span(kin, call->side);
    const struct remembered *span = kin_span(kin, call->at);
    const struct kin_siblings *siblings = &call->siblings;
    struct tally_request request = {
        .client = kin_service(kin, side),
        .server = kin_service(kin, span),
        .type = judge_type(judge, side, span->kind),
        .client_set = kin_set(kin, side),
        .server_set = siblings->set,
        .client_failed = kind_calls(side->kind) && side->status == SPAN_STATUS_ERROR,
        .server_failed = span->status == SPAN_STATUS_ERROR,
        .trace = {span->trace[0], span->trace[1]},
        .client_span = side->id,
        .server_span = span->id,
    };
    struct group group = {
        .weight = side->weight > siblings->weight ? side->weight : siblings->weight,
        .failed = siblings->failed || request.client_failed,
    };

    if (siblings->leader == 0)
        count_first(judge, call, &group, &request);
    else
        count_more(judge, call, &group, &request);
    side->answered = 1;
}
