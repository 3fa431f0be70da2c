/* catalog_priv.h: the tables of the catalog, for naming (catalog.c) and for giving names back
 * (catalog_sweep.c).
 */
#ifndef SPANMAP_TOPOLOGY_CATALOG_PRIV_H
#define SPANMAP_TOPOLOGY_CATALOG_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "topology/catalog.h"
#include "topology/catalog_sweep.h"
#include "topology/name_table.h"

struct text_entry {
    struct view text;
};

/* Operation, or set, `text` is one of `service`. */
struct pair_entry {
    uint32_t service;
    uint32_t text;
};

struct node_entry {
    struct node node;
    uint32_t operations; /* That are told apart. */
    uint32_t sets;       /* Likewise. */
    _Atomic bool reported;
};

/* All services that have reported under one name. */
struct name_entry {
    struct view name; /* Borrowed from the first such node. */
    uint32_t service;
    uint32_t count;
};

/* The fixed entries of each table come first and are never given back. */
enum { TEXTS_FIXED = 1, NODES_FIXED = 3, SITES_FIXED = 1, SETS_FIXED = 2 };

enum { CATALOG_VERSION_FIRST = 2 };

struct catalog {
    struct catalog_limits limits;
    pthread_mutex_t lock; /* Lock 1 of the table in docs/ARCHITECTURE.md; a leaf. */
    uint64_t seed;
    struct name_table texts;
    struct name_table nodes;
    struct name_table sites;
    struct name_table names;
    struct name_table pairs;
    struct name_table sets; /* As texts, packed. */
    struct name_table set_pairs;
    uint32_t services;           /* Nodes of type service that take room. */
    uint32_t sites_fine;         /* Those that sites_max bounds. */
    uint32_t sites_with_values;  /* Of those. */
    uint32_t service_operations; /* Of the one that has most. */
    uint32_t service_sets;
    _Atomic uint64_t sets_refused, service_sets_refused;
    _Atomic uint64_t service_operations_refused;
    _Atomic uint64_t services_refused, peers_refused, operations_refused, sites_refused;

    /* Of sweeps (catalog_sweep.c). */
    _Atomic uint32_t version;       /* Odd while a sweep goes on; never 0. */
    struct catalog_reader *readers; /* Under the lock. */
    _Atomic uint64_t holds[2];      /* Of snapshots, by what they hold. */
    _Atomic unsigned hold;          /* Which of the two new ones take. */
    struct catalog_given given;
};

bool catalog_text_equal(const void *entry, const void *key);
bool catalog_pair_equal(const void *entry, const void *key);

/* The moment as a stamp: version at which a sweep began, or later. */
static inline uint32_t catalog_stamp_now(const struct catalog *catalog)
{
    return atomic_load_explicit(&catalog->version, memory_order_relaxed);
}

/* As name_table_find(), for somebody who goes on to use what is found. */
void *catalog_find_to_use(const struct catalog *catalog, const struct name_table *table,
                          uint32_t hash, name_equal equal, const void *key, uint32_t *out_number);

/* Makes the text one's own. Returns: 0; STATUS_NOMEM. */
MUST_USE int catalog_own(struct view *text);

/* The sets that are always there. Returns: 0; STATUS_NOMEM. */
MUST_USE int catalog_add_fixed_sets(struct catalog *catalog);

uint32_t catalog_hash_text(const struct catalog *catalog, struct view text);
uint32_t catalog_hash_node(const struct catalog *catalog, const struct node *node);
uint32_t catalog_hash_site(const struct catalog *catalog, const struct site *site);
uint32_t catalog_hash_pair(const struct catalog *catalog, const struct pair_entry *pair);

/* Whether a site has values of dimensions of its own. */
static inline bool catalog_site_has_values(const struct site *site)
{
    return site->dimensions > DIMENSIONS_OVERFLOW;
}

/* Whether a site is one of the few that each service may have beyond sites_max. */
bool catalog_site_is_small(const struct site *site);

/* Under the lock: the site; CATALOG_OVERFLOW where there is no room. Returns: 0; STATUS_NOMEM. */
MUST_USE int catalog_intern_site(struct catalog *catalog, const struct site *site,
                                 uint32_t *out_site);

/* Under the lock: enters a service that has reported among those of its name.
 * Returns: 0; STATUS_NOMEM. */
MUST_USE int catalog_add_reported(struct catalog *catalog, const struct node_entry *entry,
                                  uint32_t service);

#endif
