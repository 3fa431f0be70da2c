/* exemplar.c: sets are small, so all is looked for from the front. */
#include "topology/exemplar.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

enum { ROOM_FIRST = 4 };

/* Whether one takes the place of the other. */
static bool is_place_of(const struct exemplar *one, const struct exemplar *other)
{
    if (one->of_failure || other->of_failure) /* The same span is not kept twice. */
        return one->of_failure == other->of_failure && one->span == other->span &&
               one->trace[0] == other->trace[0] && one->trace[1] == other->trace[1];
    return one->which == other->which && one->bucket == other->bucket;
}

/* Of equally old ones the first, which came earlier. */
static struct exemplar *oldest(struct exemplars *set, bool of_failures)
{
    struct exemplar *found = NULL;

    for (uint32_t i = 0; i < set->count; i++)
        if ((!of_failures || set->items[i].of_failure) &&
            (found == NULL || set->items[i].ns < found->ns))
            found = &set->items[i];
    return found;
}

static struct exemplar *place_of(struct exemplars *set, const struct exemplar *exemplar,
                                 uint32_t most)
{
    uint32_t failed = 0;

    for (uint32_t i = 0; i < set->count; i++) {
        if (is_place_of(&set->items[i], exemplar))
            return &set->items[i];
        failed += set->items[i].of_failure;
    }
    if (exemplar->of_failure && failed >= EXEMPLARS_FAILED)
        return oldest(set, true);
    return set->count >= most ? oldest(set, false) : NULL;
}

/* Room for one more. */
static bool grow(struct exemplars **set, uint32_t most)
{
    uint32_t count = *set != NULL ? (*set)->count : 0;
    uint32_t room = *set != NULL ? (*set)->room : 0;
    struct exemplars *grown;

    if (count < room)
        return true;
    room = room != 0 ? room * 2 : (uint32_t)ROOM_FIRST;
    if (room > most)
        room = most;
    grown = mem_realloc(*set, sizeof(*grown) + room * sizeof(grown->items[0]));
    if (grown == NULL)
        return false;
    grown->count = count;
    grown->room = room;
    *set = grown;
    return true;
}

void exemplars_put(struct exemplars **set, const struct exemplar *exemplar, uint32_t most)
{
    struct exemplar *place = *set != NULL ? place_of(*set, exemplar, most) : NULL;

    if (place != NULL)
        *place = *exemplar;
    else if (most != 0 && grow(set, most))
        (*set)->items[(*set)->count++] = *exemplar;
}

const struct exemplar *exemplars_find(const struct exemplars *set, unsigned which, unsigned bucket)
{
    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        const struct exemplar *exemplar = &set->items[i];
        if (!exemplar->of_failure && exemplar->which == which && exemplar->bucket == bucket)
            return exemplar;
    }
    return NULL;
}

static const struct exemplar *newest(const struct exemplars *set, bool of_failures)
{
    const struct exemplar *found = NULL;

    for (uint32_t i = 0; set != NULL && i < set->count; i++)
        if ((!of_failures || set->items[i].of_failure) &&
            (found == NULL || set->items[i].ns >= found->ns))
            found = &set->items[i];
    return found;
}

const struct exemplar *exemplars_newest_failed(const struct exemplars *set)
{
    return newest(set, true);
}

const struct exemplar *exemplars_newest(const struct exemplars *set)
{
    return newest(set, false);
}
