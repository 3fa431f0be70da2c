/* crowd.c: a hashed table in which newer families push out older ones.
 *
 * Each parent has a head entry with a generation; its sums hold the same one. When the head is
 * pushed out, the sums are worth nothing any more, and the next walk begins a new generation.
 */
#include "topology/crowd.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/catalog.h"

enum { PROBES = 8 };

int crowd_init(struct crowd *crowd, uint32_t sums)
{
    CHECK(sums >= PROBES && (sums & (sums - 1)) == 0);
    *crowd = (struct crowd){.sums = mem_calloc(sums, sizeof(struct crowd_sum)), .mask = sums - 1};
    return crowd->sums != NULL ? 0 : STATUS_NOMEM;
}

void crowd_release(struct crowd *crowd)
{
    mem_free(crowd->sums);
    *crowd = (struct crowd){0};
}

void crowd_forget(struct crowd *crowd)
{
    memset(crowd->sums, 0, ((size_t)crowd->mask + 1) * sizeof(*crowd->sums));
}

static uint32_t hash_of(uint32_t parent, uint32_t service)
{
    uint64_t mixed = ((uint64_t)parent << 32 | service) * UINT64_C(0x9E3779B97F4A7C15);

    return (uint32_t)(mixed >> 32);
}

static struct crowd_sum *get(const struct crowd *crowd, uint32_t parent, uint32_t service)
{
    uint32_t hash = hash_of(parent, service);

    for (uint32_t i = 0; i < PROBES; i++) {
        struct crowd_sum *sum = &crowd->sums[(hash + i) & crowd->mask];
        if (sum->parent == parent && sum->service == service)
            return sum;
    }
    return NULL;
}

static const struct crowd_sum *head_of(const struct crowd *crowd, uint32_t parent)
{
    return get(crowd, parent, CATALOG_NONE);
}

/* Takes an entry from the family that it belongs to, whose sums are not whole any more. */
static void push_out(struct crowd *crowd, const struct crowd_sum *sum)
{
    struct crowd_sum *head = get(crowd, sum->parent, CATALOG_NONE);

    if (head != NULL && head != sum && head->generation == sum->generation)
        head->is_cut = 1;
}

/* How little it matters that an entry goes. Heads stay where they can: without one, a family is gone
 * through from its first child again. */
static unsigned worth(const struct slab *slab, const struct crowd_sum *sum, uint32_t parent)
{
    if (!slab_live(slab, sum->parent))
        return 0;
    if (sum->service == CATALOG_NONE)
        return 3;
    return sum->parent == parent ? 2 : 1;
}

/* An entry for these, which is not there yet. */
static struct crowd_sum *make(struct crowd *crowd, const struct slab *slab, uint32_t parent,
                              uint32_t service)
{
    uint32_t hash = hash_of(parent, service);
    struct crowd_sum *sum = &crowd->sums[hash & crowd->mask];

    for (uint32_t i = 1; i < PROBES; i++) {
        struct crowd_sum *other = &crowd->sums[(hash + i) & crowd->mask];
        if (worth(slab, other, parent) < worth(slab, sum, parent))
            sum = other;
    }
    if (slab_live(slab, sum->parent))
        push_out(crowd, sum);
    *sum = (struct crowd_sum){.parent = parent, .service = service};
    return sum;
}

uint32_t crowd_newest(const struct crowd *crowd, uint32_t parent)
{
    const struct crowd_sum *head = head_of(crowd, parent);

    return head != NULL ? head->newest : 0;
}

void crowd_begin(struct crowd *crowd, const struct slab *slab, uint32_t parent, uint32_t newest)
{
    struct crowd_sum *head = get(crowd, parent, CATALOG_NONE);

    if (head == NULL)
        head = make(crowd, slab, parent, CATALOG_NONE);
    head->generation = ++crowd->generation;
    head->newest = newest;
    head->is_cut = 0;
}

void crowd_go_on(struct crowd *crowd, uint32_t parent, uint32_t newest)
{
    struct crowd_sum *head = get(crowd, parent, CATALOG_NONE);

    if (head != NULL)
        head->newest = newest;
}

void crowd_add(struct crowd *crowd, const struct slab *slab, uint32_t parent, uint32_t service,
               uint32_t set, uint32_t child)
{
    const struct remembered *span = slab_at(slab, child);
    const struct crowd_sum *head = head_of(crowd, parent);
    struct crowd_sum *sum = get(crowd, parent, service);
    uint32_t generation;

    if (head == NULL)
        return; /* Only heads were in reach of one of its sums: nothing is known of it. */
    generation = head->generation;
    if (sum == NULL)
        sum = make(crowd, slab, parent, service);
    if (sum->generation != generation)
        *sum = (struct crowd_sum){.parent = parent, .service = service, .generation = generation};
    if (span->kind == SPAN_KIND_SERVER || span->kind == SPAN_KIND_CONSUMER) {
        sum->servers++;
        return;
    }
    sum->kindless += span->kind == SPAN_KIND_UNSPECIFIED;
    sum->weight = span->weight > sum->weight ? span->weight : sum->weight;
    sum->failed |= span->status == SPAN_STATUS_ERROR;
    sum->set = crowd_set(sum->has_set, sum->set, set) & DIMENSION_SETS_MAX;
    sum->has_set = 1;
    if (span->leads)
        sum->leader = child;
}

struct crowd_sum *crowd_find(const struct crowd *crowd, uint32_t parent, uint32_t service)
{
    const struct crowd_sum *head = head_of(crowd, parent);
    struct crowd_sum *sum = get(crowd, parent, service);

    if (head == NULL || head->is_cut || sum == NULL || sum->generation != head->generation)
        return NULL;
    return sum;
}
