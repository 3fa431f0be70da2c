/* judge_client.c: how far a client's duration was observed, edge by edge (E6, E16).
 *
 * Nearly every client has one edge and the weight of its callee: then a bit and the callee's service
 * in aside.edge are enough, if there are no values of dimensions: edges to callees of other values are
 * others. Other clients have notes, a chain of at most 64 that starts there. A
 * larger weight that comes later adds the difference under the same duration.
 */
#include "base/check.h"
#include "topology/judge_priv.h"

enum { EDGES_OF_CLIENT_MAX = 64 };

/* Moves what is told in the span itself to a note. */
static int move_told(struct judge *judge, uint32_t at)
{
    struct store *store = judge->kin.store;
    struct remembered *span = kin_span(&judge->kin, at);
    struct aside *aside = slab_aside(&store->slab, at);
    uint32_t number;
    struct note *note;
    int status;

    CHECK(span->told && !span->told_more);
    status = store_note(store, &number);
    if (status != 0)
        return status;
    note = notes_at(&store->notes, number);
    note->weight = span->weight;
    note->message = span->told_message;
    note->service = aside->edge;
    aside->edge = number;
    span->told = 0;
    span->told_more = 1;
    slab_block(&store->slab, at)->has_notes = true;
    return 0;
}

/* Puts a fresh note in front of the span's chain; NULL without room, which is counted. */
static struct note *add_note(struct judge *judge, uint32_t at)
{
    struct store *store = judge->kin.store;
    struct remembered *span = kin_span(&judge->kin, at);
    struct aside *aside = slab_aside(&store->slab, at);
    uint32_t number;
    struct note *note;

    if ((span->told && move_told(judge, at) != 0) || store_note(store, &number) != 0) {
        judge->tally->counts.memory_failures++;
        return NULL;
    }
    note = notes_at(&store->notes, number);
    note->next = span->told_more ? aside->edge : 0;
    aside->edge = number;
    span->told_more = 1;
    slab_block(&store->slab, at)->has_notes = true;
    return note;
}

struct note *judge_note_group(struct judge *judge, uint32_t leader)
{
    return add_note(judge, leader);
}

/* The note of an edge, made if need be; NULL: there are too many, or no room. */
static struct note *note_of_edge(struct judge *judge, uint32_t client,
                                 const struct tally_request *request)
{
    bool message = request->type == CONNECTION_MESSAGING;
    struct store *store = judge->kin.store;
    const struct remembered *span = kin_span(&judge->kin, client);
    uint32_t number = span->told_more ? slab_aside(&store->slab, client)->edge : 0;
    unsigned edges = 0;
    struct note *note;

    for (; number != 0; number = note->next) {
        note = notes_at(&store->notes, number);
        if (!note->group && note->service == request->server && note->message == message &&
            note->set == request->server_set)
            return note;
        edges += !note->group;
    }
    if (edges >= EDGES_OF_CLIENT_MAX) {
        judge->tally->counts.fanout_overflowed++;
        return NULL;
    }
    if (request->server_set != DIMENSIONS_NONE)
        store->notes_ahead = true; /* A consumer's, of another shard. */
    note = add_note(judge, client);
    if (note == NULL)
        return NULL;
    note->service = request->server;
    note->message = message;
    note->set = request->server_set & DIMENSION_SETS_MAX;
    return note;
}

void judge_tell_client(struct judge *judge, uint32_t client, uint64_t weight,
                       struct tally_request *request)
{
    struct remembered *span = kin_span(&judge->kin, client);
    struct aside *aside = slab_aside(&judge->kin.store->slab, client);
    bool message = request->type == CONNECTION_MESSAGING;
    struct note *note;

    if (weight == 0 || span->no_duration)
        return;
    if (!span->told && !span->told_more && weight == span->weight &&
        request->server_set == DIMENSIONS_NONE) {
        span->told = 1;
        span->told_message = message;
        aside->edge = request->server;
        judge_observe(request, SECONDS_CLIENT, span, weight);
        return;
    }
    if (span->told && aside->edge == request->server && span->told_message == message &&
        request->server_set == DIMENSIONS_NONE && weight <= span->weight)
        return;
    if (span->told && move_told(judge, client) != 0) {
        judge->tally->counts.memory_failures++;
        return;
    }
    note = note_of_edge(judge, client, request);
    if (note == NULL || weight <= note->weight)
        return;
    judge_observe(request, SECONDS_CLIENT, span, weight - note->weight);
    note->weight = weight & WEIGHT_MASK;
}
