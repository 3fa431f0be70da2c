/* suggest.h: the known word that a wrong one probably meant.
 * Is:         a search for the candidate with the fewest changed letters.
 * Threads:    plain data.
 * Memory:     borrows the word and the candidates.
 */
#ifndef SPANMAP_ENGINE_SUGGEST_H
#define SPANMAP_ENGINE_SUGGEST_H

#include "base/view.h"

struct suggestion {
    struct view word;
    const char *best; /* NULL: nothing is near enough. */
    unsigned distance;
};

void suggest_init(struct suggestion *suggestion, struct view word);

/* Of candidates that are equally near the first offered one stays. */
void suggest_offer(struct suggestion *suggestion, const char *candidate);

#endif
