/* suggest.c: optimal string alignment: letters changed, added, left out, or two swapped. */
#include "engine/suggest.h"

#include <stdint.h>

enum { WORD_MAX = 64 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Both words have at most WORD_MAX letters. Three rows of the table are enough. */
static unsigned distance_of(struct view a, struct view b)
{
    uint8_t rows[3][WORD_MAX + 1];
    uint8_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.size; j++)
        above[j] = (uint8_t)j;
    for (size_t i = 1; i <= a.size; i++) {
        uint8_t *spare = before;

        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= b.size; j++) {
            unsigned changed = a.data[i - 1] != b.data[j - 1];
            unsigned best = least(above[j - 1] + changed, least(above[j], row[j - 1]) + 1U);

            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                best = least(best, before[j - 2] + 1U);
            row[j] = (uint8_t)best;
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[b.size];
}

void suggest_init(struct suggestion *suggestion, struct view word)
{
    *suggestion = (struct suggestion){.word = word};
}

void suggest_offer(struct suggestion *suggestion, const char *candidate)
{
    struct view word = suggestion->word;
    struct view other = view_of(candidate);
    unsigned distance;

    if (word.size == 0 || word.size > WORD_MAX || other.size > WORD_MAX)
        return;
    distance = distance_of(word, other);
    /* One letter and a quarter of all may be wrong; beyond that it is a guess at random. */
    if (distance > 1 + word.size / 4 || distance >= other.size)
        return;
    if (suggestion->best == NULL || distance < suggestion->distance) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}
