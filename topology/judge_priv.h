/* judge_priv.h: counting, shared by the files of the judge. */
#ifndef SPANMAP_TOPOLOGY_JUDGE_PRIV_H
#define SPANMAP_TOPOLOGY_JUDGE_PRIV_H

#include "topology/judge.h"

#define WEIGHT_MASK ((UINT64_C(1) << 37) - 1) /* What fits in the 37 bits of a weight. */

/* Sets what is to be observed of a span, if it has a duration. */
static inline void judge_observe(struct tally_request *request, enum edge_seconds which,
                                 const struct remembered *span, uint64_t weight)
{
    if (!span->no_duration)
        tally_observe(&request->seconds[which], span->duration_ns, weight);
}

/* A call that is judged: `at` is the callee, or the first member of a group. */
struct call {
    uint32_t at;
    uint32_t side;   /* Who made it. */
    uint32_t parent; /* The callee's; differs from `side` by E3. */
    bool is_group;
    struct kin_siblings siblings; /* Of a group; else unset. */
};

/* What a producer's span would be in the slab, as far as counting goes. */
struct remembered judge_remembered(const struct producer *producer);

/* E4: whether a CLIENT or PRODUCER span without an answer is the call. */
bool judge_is_call(struct judge *judge, uint32_t at);

/* The same of a producer that left, and whether it, or one around it, was counted as that. */
bool judge_left_is_call(struct judge *judge, uint32_t producer);
bool judge_left_is_late(struct judge *judge, uint32_t producer);

/* Notes in the records around a producer that it was answered. */
void judge_note_inside(struct judge *judge, uint32_t producer);

/* Notes what is around a PRODUCER span, and in it, before it leaves. Whether it is clear that it is the
 * call, unless it is answered. */
bool judge_nest(struct judge *judge, uint32_t at, uint32_t producer);

/* E2, E5: whether a span is no call of its parent whatever else there is: what happens within a service is
 * not, unless it serves. */
static inline bool judge_is_within(const struct judge *judge, const struct remembered *span,
                                   uint32_t parent)
{
    const struct kin *kin = &judge->kin;

    return !kind_serves(span->kind) &&
           kin_service(kin, kin_span(kin, parent)) == kin_service(kin, span);
}

enum verdict { NO_CALL, COUNTED, LATE };

/* E2, E5: whether the span, whose parent is known, takes a call; then also who made it. */
bool judge_find_call(struct judge *judge, uint32_t at, uint32_t parent, struct call *out_call);

/* Counts a call, which is not late. */
void judge_count_call(struct judge *judge, const struct call *call);

/* E2, E5: counts the call that the span is the callee of, if it is. */
enum verdict judge_callee(struct judge *judge, uint32_t at, uint32_t parent);

/* E8: the same for a CONSUMER, with all that its links led to. */
struct consumed {
    bool has_producer;
    bool is_paired;
    bool is_late;
};
struct consumed judge_consumer(struct judge *judge, uint32_t at, uint32_t parent);

/* Adds a request to the tally; a message to both pictures, unless it says which. */
void judge_add(struct judge *judge, const struct tally_request *request);

/* The same for one that has a side, whose duration it may be that is observed with that weight: that is
 * set in the request. */
void judge_add_call(struct judge *judge, uint32_t side, uint64_t weight,
                    struct tally_request *request);

/* Tells those whose call the span takes that it was dropped. */
void judge_bereave(struct judge *judge, uint32_t at, uint32_t parent);

/* E6, E16: the client's duration counts once on each of its edges, with the largest weight there.
 * Sets in `request` what this call, of that weight, adds to it. */
void judge_tell_client(struct judge *judge, uint32_t client, uint64_t weight,
                       struct tally_request *request);

/* E2: counts a group by its first member, or adds what a later one changes. */
void judge_group(struct judge *judge, const struct call *call);

/* The note of a new group; NULL without room. */
struct note *judge_note_group(struct judge *judge, uint32_t leader);

/* N3: the node for one of a site's two peers; CATALOG_NONE: it is the caller itself. */
uint32_t judge_resolve(const struct judge *judge, const struct site *site, uint32_t peer,
                       bool by_name);

/* N5: the service that a call goes to which nobody answered, if it was learned and goes before the
 * names that the caller has for it; CATALOG_NONE. */
uint32_t judge_learned(const struct judge *judge, const struct site *site);

/* Self time: the duration less what its known children cover. False: there were more children than
 * are still remembered, or may have been, or than there is room for; it is not known. */
bool judge_self_ns(struct judge *judge, uint32_t at, uint64_t *out_ns);

/* N3: the node that a call goes to which nobody answered, and about which nothing was learned. */
uint32_t judge_peer(const struct judge *judge, const struct site *site);

/* N6: who calls a root CONSUMER; CATALOG_NONE. */
uint32_t judge_consumer_caller(const struct judge *judge, const struct site *site);

/* E11. */
enum connection_type judge_type(const struct judge *judge, const struct remembered *side,
                                unsigned callee_kind);

#endif
