/* catalog_dimensions.c: sets of values, each service within its own quota.
 *
 * A set is one text for all services. What a service may not have must not take the room of others'
 * sets; a value that only it brings is refused before it is kept.
 */
#include <stdatomic.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "topology/catalog_priv.h"

static bool find_set(const struct catalog *catalog, struct view packed, uint32_t *out_set)
{
    return catalog_find_to_use(catalog, &catalog->sets, catalog_hash_text(catalog, packed),
                               catalog_text_equal, &packed, out_set) != NULL;
}

/* Adds a set that is not there. */
static int add_set(struct catalog *catalog, struct view packed, uint32_t *out_set)
{
    struct text_entry entry = {packed};
    int status = name_table_prepare(&catalog->sets);

    if (status == 0)
        status = catalog_own(&entry.text);
    if (status != 0)
        return status;
    *(struct text_entry *)name_table_add(&catalog->sets, catalog_hash_text(catalog, packed),
                                         catalog_stamp_now(catalog), out_set) = entry;
    return 0;
}

int catalog_add_fixed_sets(struct catalog *catalog)
{
    uint32_t set = 0;
    int status = add_set(catalog, (struct view){NULL, 0}, &set);

    CHECK(status != 0 || set == DIMENSIONS_NONE);
    if (status == 0) /* No set of values is packed like this. */
        status = add_set(catalog, VIEW("otel_metric_overflow"), &set);
    CHECK(status != 0 || set == DIMENSIONS_OVERFLOW);
    return status;
}

static bool is_of_service(const struct catalog *catalog, const struct pair_entry *pair)
{
    uint32_t number;

    return catalog_find_to_use(catalog, &catalog->set_pairs, catalog_hash_pair(catalog, pair),
                               catalog_pair_equal, pair, &number) != NULL;
}

static bool service_may_have_more(const struct catalog *catalog, const struct node_entry *owner)
{
    uint32_t most = catalog->limits.service_sets_max;

    return name_table_live(&catalog->set_pairs) < catalog->limits.sites_max &&
           (most == 0 || owner->sets < most);
}

static int refuse(_Atomic uint64_t *count, uint32_t *out_set)
{
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
    *out_set = DIMENSIONS_OVERFLOW;
    return 0;
}

static int add_to_service(struct catalog *catalog, const struct pair_entry *pair)
{
    struct node_entry *owner = name_table_at(&catalog->nodes, pair->service);
    uint32_t number;
    int status = name_table_prepare(&catalog->set_pairs);

    if (status != 0)
        return status;
    *(struct pair_entry *)name_table_add(&catalog->set_pairs, catalog_hash_pair(catalog, pair),
                                         catalog_stamp_now(catalog), &number) = *pair;
    if (++owner->sets > catalog->service_sets)
        catalog->service_sets = owner->sets;
    return 0;
}

static int set_locked(struct catalog *catalog, uint32_t service, struct view packed,
                      uint32_t *out_set)
{
    const struct node_entry *owner = name_table_at(&catalog->nodes, service);
    struct pair_entry pair = {service, DIMENSIONS_OVERFLOW};
    bool is_known = find_set(catalog, packed, &pair.text);
    int status = 0;

    if (is_known && is_of_service(catalog, &pair)) {
        *out_set = pair.text;
        return 0;
    }
    if (!service_may_have_more(catalog, owner))
        return refuse(&catalog->service_sets_refused, out_set);
    if (!is_known) {
        if (name_table_live(&catalog->sets) >= catalog->limits.sets_max + SETS_FIXED)
            return refuse(&catalog->sets_refused, out_set);
        status = add_set(catalog, packed, &pair.text);
    }
    if (status == 0)
        status = add_to_service(catalog, &pair);
    if (status == 0)
        *out_set = pair.text;
    return status;
}

int catalog_dimensions(struct catalog *catalog, uint32_t service, struct view packed,
                       uint32_t *out_set)
{
    int status;

    if (packed.size == 0) {
        *out_set = DIMENSIONS_NONE;
        return 0;
    }
    CHECK(pthread_mutex_lock(&catalog->lock) == 0);
    status = set_locked(catalog, service, packed, out_set);
    CHECK(pthread_mutex_unlock(&catalog->lock) == 0);
    return status;
}

struct view catalog_cut(const struct catalog *catalog, struct view text)
{
    return utf8_cut(text, catalog->limits.text_bytes_max);
}

struct view catalog_dimensions_at(const struct catalog *catalog, uint32_t set)
{
    return set <= DIMENSIONS_OVERFLOW
               ? (struct view){NULL, 0}
               : ((const struct text_entry *)name_table_at(&catalog->sets, set))->text;
}
