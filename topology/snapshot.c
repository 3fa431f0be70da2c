/* snapshot.c: names, the accounting's law, and reference counts. */
#include "topology/snapshot.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/catalog_sweep.h"
#include "topology/snapshot_priv.h"

const char *connection_type_name(enum connection_type type)
{
    static const char *const names[CONNECTION_TYPE_COUNT] = {"", "database", "messaging_system",
                                                             "virtual_node"};

    CHECK((unsigned)type < CONNECTION_TYPE_COUNT);
    return names[type];
}

const char *unpaired_reason_name(enum unpaired_reason reason)
{
    static const char *const names[UNPAIRED_REASON_COUNT] = {
        "parent_missing", "late", "no_producer", "server_silent", "no_server", "no_consumer"};

    CHECK((unsigned)reason < UNPAIRED_REASON_COUNT);
    return names[reason];
}

const char *dropped_reason_name(enum dropped_reason reason)
{
    CHECK(reason == DROPPED_EVICTED);
    return "evicted";
}

const char *rejected_reason_name(enum rejected_reason reason)
{
    static const char *const names[REJECTED_REASON_COUNT] = {"invalid_id", "id_reused"};

    CHECK((unsigned)reason < REJECTED_REASON_COUNT);
    return names[reason];
}

/* ------------------------------------------------------------------ the accounting */

bool accounting_holds(const struct accounting *accounting)
{
    uint64_t classes = accounting->internal + accounting->paired + accounting->waiting +
                       accounting->duplicate;

    for (size_t i = 0; i < UNPAIRED_REASON_COUNT; i++)
        classes += accounting->unpaired[i];
    for (size_t i = 0; i < DROPPED_REASON_COUNT; i++)
        classes += accounting->dropped[i];
    for (size_t i = 0; i < REJECTED_REASON_COUNT; i++)
        classes += accounting->rejected[i];
    return classes == accounting->received + accounting->waited;
}

bool link_accounting_holds(const struct link_accounting *links)
{
    return links->links + links->waited ==
           links->paired + links->waiting + links->missing + links->dropped;
}

void link_accounting_add(struct link_accounting *into, const struct link_accounting *from)
{
    into->links += from->links;
    into->waited += from->waited;
    into->paired += from->paired;
    into->waiting += from->waiting;
    into->missing += from->missing;
    into->dropped += from->dropped;
}

void accounting_add(struct accounting *into, const struct accounting *from)
{
    into->received += from->received;
    into->waited += from->waited;
    into->internal += from->internal;
    into->paired += from->paired;
    into->waiting += from->waiting;
    into->duplicate += from->duplicate;
    for (size_t i = 0; i < UNPAIRED_REASON_COUNT; i++)
        into->unpaired[i] += from->unpaired[i];
    for (size_t i = 0; i < DROPPED_REASON_COUNT; i++)
        into->dropped[i] += from->dropped[i];
    for (size_t i = 0; i < REJECTED_REASON_COUNT; i++)
        into->rejected[i] += from->rejected[i];
}

/* ------------------------------------------------------------------ values of series */

/* Whether that was the last reference. Releasing orders what others did before it. */
static bool drop(_Atomic uint32_t *references)
{
    uint32_t before = atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel);

    CHECK(before != 0);
    return before == 1;
}

static void take(_Atomic uint32_t *references)
{
    CHECK(atomic_fetch_add_explicit(references, 1, memory_order_relaxed) != UINT32_MAX);
}

static bool counted(const struct histogram *histogram)
{
    return histogram != NULL && histogram->count != 0;
}

static size_t exemplars_size(const struct exemplars *exemplars)
{
    return exemplars != NULL && exemplars->count != 0
               ? sizeof(*exemplars) + exemplars->count * sizeof(exemplars->items[0])
               : 0;
}

int series_value_new(struct histogram *const seconds[], size_t count,
                     const struct exemplars *exemplars, struct series_value **out_value)
{
    size_t size = sizeof(struct series_value) + exemplars_size(exemplars);
    struct series_value *value;
    struct histogram *copies;
    uint64_t *buckets;
    size_t used = 0;

    CHECK(count <= SERIES_SECONDS_MAX);
    _Static_assert(sizeof(struct series_value) % _Alignof(struct histogram) == 0, "laid in a row");
    for (size_t i = 0; i < count; i++)
        if (counted(seconds[i])) {
            used++;
            size += sizeof(**seconds) + seconds[i]->length * sizeof(*buckets);
        }
    value = mem_aligned(_Alignof(struct histogram), size);
    if (value == NULL)
        return STATUS_NOMEM;
    memset(value, 0, sizeof(*value));
    atomic_init(&value->references, 1);
    copies = (struct histogram *)(value + 1);
    buckets = (uint64_t *)(copies + used);
    for (size_t i = 0; i < count; i++)
        if (counted(seconds[i])) {
            *copies = *seconds[i];
            copies->capacity = copies->length;
            copies->most = 0;
            copies->buckets = buckets;
            if (copies->length != 0)
                memcpy(buckets, seconds[i]->buckets, copies->length * sizeof(*buckets));
            buckets += copies->length;
            value->seconds[i] = copies++;
        }
    if (exemplars_size(exemplars) != 0) {
        value->exemplars = (struct exemplars *)buckets;
        memcpy(value->exemplars, exemplars, exemplars_size(exemplars));
    }
    *out_value = value;
    return 0;
}

struct series_value *series_value_retain(struct series_value *value)
{
    take(&value->references);
    return value;
}

void series_value_release(struct series_value *value)
{
    if (value != NULL && drop(&value->references))
        mem_free(value);
}

/* ------------------------------------------------------------------ lists */

int snapshot_list_new(size_t count, size_t size, struct snapshot_list **out_list)
{
    struct snapshot_list *list = mem_calloc(1, sizeof(*list));

    if (list == NULL)
        return STATUS_NOMEM;
    atomic_init(&list->references, 1);
    list->count = count;
    list->elements = mem_calloc(count, size);
    list->values = mem_calloc(2 * count, sizeof(struct series_value *));
    if (count != 0 && (list->elements == NULL || list->values == NULL)) {
        snapshot_list_release(list);
        return STATUS_NOMEM;
    }
    *out_list = list;
    return 0;
}

struct snapshot_list *snapshot_list_retain(struct snapshot_list *list)
{
    take(&list->references);
    return list;
}

void snapshot_list_release(struct snapshot_list *list)
{
    if (list == NULL || !drop(&list->references))
        return;
    for (size_t i = 0; list->values != NULL && i < 2 * list->count; i++)
        series_value_release(list->values[i]);
    mem_free(list->values);
    mem_free(list->elements);
    mem_free(list);
}

/* ------------------------------------------------------------------ snapshots */

struct snapshot *snapshot_retain(struct snapshot *snapshot)
{
    take(&((struct snapshot_box *)snapshot)->references);
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    struct snapshot_box *box = (struct snapshot_box *)snapshot;

    if (box == NULL || !drop(&box->references))
        return;
    snapshot_list_release(box->nodes);
    snapshot_list_release(box->edges);
    snapshot_list_release(box->operations);
    snapshot_list_release(box->losses);
    if (box->catalog != NULL)
        catalog_release(box->catalog, box->hold);
    if (box->budget != NULL)
        (void)atomic_fetch_sub(box->budget, box->budget_bytes);
    mem_free(box);
}
