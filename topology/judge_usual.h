/* judge_usual.h: spans whose family is as most are.
 * Is:         one look that says what all the questions about such a family would.
 * Is not:     a rule of its own: what is said here is what the walks (kin.h) and the judge say, only
 *             sooner.
 * Source:     TOPOLOGY E3, E4, E7, E8.
 */
#ifndef SPANMAP_TOPOLOGY_JUDGE_USUAL_H
#define SPANMAP_TOPOLOGY_JUDGE_USUAL_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/judge.h"

/* Of a pending span
 *   - whose id nobody shares, nor its parent's, and whose parent is here or which is a root,
 *   - which is no PRODUCER, has no open links, and no call that one which left took over,
 *   - whose children that are here are at most 16, SERVERs where they are of another service (no
 *     message, no group), and none of which left it for another half of their id,
 *   - and if it is a CLIENT, with no child in its service, and no CLIENT or PRODUCER around it.
 * Then:
 *   kin_parent()          is `parent`
 *   kin_answers()         of a CLIENT: answered if it is noted so, or has_call; not open
 *   kin_inside()          of a CLIENT: nothing
 *   judge_is_call()       of a CLIENT without an answer: it is
 *   kin_is_plain_side()   of another one: if it is noted so, or has_call, and it is no CLIENT's
 *   kin_is_open()         not; there is nothing to wait for but a parent that came late. */
struct judge_usual {
    uint32_t parent;
    bool has_call; /* A SERVER in another service, not judged yet, names it as its parent. */
};

/* False: it is not such a span, and nothing is said. */
bool judge_is_usual(const struct judge *judge, uint32_t at, struct judge_usual *out_usual);

#endif
