/* catalog.c: tables of names behind one lock.
 *
 * A number reaches another thread only through a ring or the lock, both of which order the entry's
 * bytes before it. Whatever is found or added gets the stamp of the moment, so that a sweep
 * (catalog_sweep.h) sees what receivers went on using while it went on.
 */
#include "topology/catalog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "topology/catalog_priv.h"

bool catalog_text_equal(const void *entry, const void *key)
{
    return view_equal(((const struct text_entry *)entry)->text, *(const struct view *)key);
}

static bool node_equal(const void *entry, const void *key)
{
    const struct node *a = &((const struct node_entry *)entry)->node;
    const struct node *b = key;

    return a->type == b->type && view_equal(a->name, b->name) &&
           view_equal(a->namespace, b->namespace);
}

static bool site_equal(const void *entry, const void *key)
{
    return memcmp(entry, key, sizeof(struct site)) == 0;
}

static bool same_name(const void *entry, const void *key)
{
    return view_equal(((const struct name_entry *)entry)->name, *(const struct view *)key);
}

bool catalog_pair_equal(const void *entry, const void *key)
{
    return memcmp(entry, key, sizeof(struct pair_entry)) == 0;
}

uint32_t catalog_hash_text(const struct catalog *catalog, struct view text)
{
    return (uint32_t)hash64(text.data, text.size, catalog->seed);
}

uint32_t catalog_hash_node(const struct catalog *catalog, const struct node *node)
{
    uint64_t hash = hash64(node->name.data, node->name.size, catalog->seed + (uint64_t)node->type);

    return (uint32_t)hash64(node->namespace.data, node->namespace.size, hash);
}

uint32_t catalog_hash_site(const struct catalog *catalog, const struct site *site)
{
    return (uint32_t)hash64(site, sizeof(*site), catalog->seed);
}

uint32_t catalog_hash_pair(const struct catalog *catalog, const struct pair_entry *pair)
{
    return (uint32_t)hash64(pair, sizeof(*pair), catalog->seed);
}

void *catalog_find_to_use(const struct catalog *catalog, const struct name_table *table,
                          uint32_t hash, name_equal equal, const void *key, uint32_t *out_number)
{
    void *entry = name_table_find(table, hash, equal, key, out_number);

    if (entry != NULL)
        atomic_store_explicit(name_table_stamp(table, *out_number), catalog_stamp_now(catalog),
                              memory_order_relaxed);
    return entry;
}

/* A copy of `text` of at most text_bytes_max bytes, cut at a character's boundary. */
static struct view cut(const struct catalog *catalog, struct view text)
{
    return utf8_cut(text, catalog->limits.text_bytes_max);
}

int catalog_own(struct view *text)
{
    char *copy = mem_dup_text(text->data, text->size);

    if (copy == NULL)
        return STATUS_NOMEM;
    text->data = copy;
    return 0;
}

static int text_locked(struct catalog *catalog, struct view text, uint32_t *out_text)
{
    uint32_t hash = catalog_hash_text(catalog, text);
    struct text_entry entry = {text};
    int status;

    if (catalog_find_to_use(catalog, &catalog->texts, hash, catalog_text_equal, &text, out_text) !=
        NULL)
        return 0;
    if (name_table_live(&catalog->texts) >= catalog->limits.operations_max) {
        atomic_fetch_add_explicit(&catalog->operations_refused, 1, memory_order_relaxed);
        *out_text = CATALOG_OVERFLOW;
        return 0;
    }
    status = name_table_prepare(&catalog->texts);
    if (status == 0)
        status = catalog_own(&entry.text);
    if (status != 0)
        return status;
    *(struct text_entry *)name_table_add(&catalog->texts, hash, catalog_stamp_now(catalog),
                                         out_text) = entry;
    return 0;
}

int catalog_text(struct catalog *catalog, struct view text, uint32_t *out_text)
{
    int status;

    CHECK(pthread_mutex_lock(&catalog->lock) == 0);
    status = text_locked(catalog, cut(catalog, text), out_text);
    CHECK(pthread_mutex_unlock(&catalog->lock) == 0);
    return status;
}

/* As text_locked(), unless the service has as many as it may have and this is none of them. */
static int operation_locked(struct catalog *catalog, uint32_t service, struct view text,
                            uint32_t *out_text)
{
    struct node_entry *owner = name_table_at(&catalog->nodes, service);
    struct pair_entry pair = {service, CATALOG_OVERFLOW};
    bool is_full = owner->operations >= catalog->limits.service_operations_max ||
                   name_table_live(&catalog->pairs) >= catalog->limits.sites_max;
    uint32_t hash, number;
    int status;

    /* What the service may not have must not take the room of others' names. */
    if (!is_full || name_table_find(&catalog->texts, catalog_hash_text(catalog, text),
                                    catalog_text_equal, &text, &pair.text) != NULL) {
        status = text_locked(catalog, text, &pair.text);
        if (status != 0)
            return status;
    }
    hash = catalog_hash_pair(catalog, &pair);
    if (pair.text == CATALOG_OVERFLOW && !is_full) {
        *out_text = CATALOG_OVERFLOW; /* That was counted. */
        return 0;
    }
    if (catalog_find_to_use(catalog, &catalog->pairs, hash, catalog_pair_equal, &pair, &number) !=
        NULL) {
        *out_text = pair.text;
        return 0;
    }
    if (is_full) {
        atomic_fetch_add_explicit(&catalog->service_operations_refused, 1, memory_order_relaxed);
        *out_text = CATALOG_OVERFLOW;
        return 0;
    }
    status = name_table_prepare(&catalog->pairs);
    if (status != 0)
        return status;
    *(struct pair_entry *)name_table_add(&catalog->pairs, hash, catalog_stamp_now(catalog),
                                         &number) = pair;
    if (++owner->operations > catalog->service_operations)
        catalog->service_operations = owner->operations;
    *out_text = pair.text;
    return 0;
}

int catalog_operation(struct catalog *catalog, uint32_t service, struct view text,
                      uint32_t *out_text)
{
    int status;

    if (catalog->limits.service_operations_max == 0)
        return catalog_text(catalog, text, out_text);
    CHECK(pthread_mutex_lock(&catalog->lock) == 0);
    status = operation_locked(catalog, service, cut(catalog, text), out_text);
    CHECK(pthread_mutex_unlock(&catalog->lock) == 0);
    return status;
}

/* Whether one more node of this type fits; counts a refusal. */
static bool node_fits(struct catalog *catalog, enum node_type type)
{
    if (type == NODE_SERVICE) {
        if (catalog->services < catalog->limits.services_max)
            return true;
        atomic_fetch_add_explicit(&catalog->services_refused, 1, memory_order_relaxed);
        return false;
    }
    if (name_table_live(&catalog->nodes) - catalog->services < catalog->limits.peers_max)
        return true;
    atomic_fetch_add_explicit(&catalog->peers_refused, 1, memory_order_relaxed);
    return false;
}

static int node_add(struct catalog *catalog, uint32_t hash, const struct node *node,
                    uint32_t *out_node)
{
    struct node copy = *node;
    struct node_entry *entry;
    int status = name_table_prepare(&catalog->nodes);

    if (status != 0)
        return status;
    status = catalog_own(&copy.name);
    if (status != 0)
        return status;
    status = catalog_own(&copy.namespace);
    if (status != 0) {
        mem_free((void *)(uintptr_t)copy.name.data);
        return status;
    }
    entry = name_table_add(&catalog->nodes, hash, catalog_stamp_now(catalog), out_node);
    entry->node = copy;
    entry->operations = entry->sets = 0;
    atomic_store_explicit(&entry->reported, false, memory_order_relaxed);
    if (node->type == NODE_SERVICE)
        catalog->services++;
    return 0;
}

static int node_locked(struct catalog *catalog, const struct node *node, uint32_t *out_node)
{
    uint32_t hash = catalog_hash_node(catalog, node);

    if (catalog_find_to_use(catalog, &catalog->nodes, hash, node_equal, node, out_node) != NULL)
        return 0;
    if (!node_fits(catalog, node->type)) {
        *out_node = CATALOG_OVERFLOW;
        return 0;
    }
    return node_add(catalog, hash, node, out_node);
}

int catalog_node(struct catalog *catalog, const struct node *node, uint32_t *out_node)
{
    struct node wanted = {node->type, cut(catalog, node->namespace), cut(catalog, node->name)};
    int status;

    CHECK(pthread_mutex_lock(&catalog->lock) == 0);
    status = node_locked(catalog, &wanted, out_node);
    CHECK(pthread_mutex_unlock(&catalog->lock) == 0);
    return status;
}

bool catalog_site_is_small(const struct site *site)
{
    return site->operation == CATALOG_OVERFLOW && site->peer == CATALOG_NONE &&
           site->peer_else == CATALOG_NONE && site->destination == CATALOG_NONE &&
           site->group == CATALOG_NONE && site->address_key == 0 && site->rpc_key == 0 &&
           !catalog_site_has_values(site);
}

/* Past the bound a span keeps its service and loses what is finer. */
static struct site small_site(const struct catalog *catalog, const struct site *site)
{
    struct site small;

    memset(&small, 0, sizeof(small)); /* Padding too: sites are compared as bytes. */
    small.service = site->service;
    small.operation = CATALOG_OVERFLOW;
    small.peer = small.peer_else = small.destination = small.group = CATALOG_NONE;
    small.kind = site->kind;
    small.call = CALL_OTHER;
    small.is_receive = site->is_receive;
    small.dimensions = catalog->limits.sets_max != 0 ? DIMENSIONS_OVERFLOW : DIMENSIONS_NONE;
    return small;
}

/* The fixed ones, and those of each service, the overflow node among them. */
static uint32_t small_sites_max(const struct catalog *catalog)
{
    return SITES_FIXED + (catalog->limits.services_max + 1) * CATALOG_SITES_OF_SERVICE;
}

/* Whether one more site of this size fits. Values multiply sites, which the map itself needs: they get
 * half of the room. */
static bool site_fits(const struct catalog *catalog, const struct site *site)
{
    uint32_t live = name_table_live(&catalog->sites);

    if (catalog_site_has_values(site) &&
        catalog->sites_with_values >= catalog->limits.sites_max / 2)
        return false;
    if (catalog_site_is_small(site))
        return live - catalog->sites_fine < small_sites_max(catalog);
    return catalog->sites_fine < catalog->limits.sites_max;
}

int catalog_intern_site(struct catalog *catalog, const struct site *site, uint32_t *out_site)
{
    uint32_t hash = catalog_hash_site(catalog, site);
    bool is_small = catalog_site_is_small(site);
    int status;

    if (catalog_find_to_use(catalog, &catalog->sites, hash, site_equal, site, out_site) != NULL)
        return 0;
    if (!site_fits(catalog, site)) {
        *out_site = CATALOG_OVERFLOW;
        return 0;
    }
    status = name_table_prepare(&catalog->sites);
    if (status != 0)
        return status;
    catalog->sites_fine += is_small ? 0 : 1;
    catalog->sites_with_values += catalog_site_has_values(site) ? 1 : 0;
    *(struct site *)name_table_add(&catalog->sites, hash, catalog_stamp_now(catalog),
                                   out_site) = *site;
    return 0;
}

static int site_locked(struct catalog *catalog, const struct site *site, uint32_t *out_site)
{
    struct site small = *site;
    int status = catalog_intern_site(catalog, site, out_site);

    if (status != 0 || *out_site != CATALOG_OVERFLOW)
        return status;
    if (catalog_site_has_values(site)) {
        atomic_fetch_add_explicit(&catalog->sets_refused, 1, memory_order_relaxed);
        small.dimensions = DIMENSIONS_OVERFLOW;
        status = catalog_intern_site(catalog, &small, out_site);
        if (status != 0 || *out_site != CATALOG_OVERFLOW)
            return status;
    }
    atomic_fetch_add_explicit(&catalog->sites_refused, 1, memory_order_relaxed);
    small = small_site(catalog, site);
    return catalog_intern_site(catalog, &small, out_site);
}

int catalog_site(struct catalog *catalog, const struct site *site, uint32_t *out_site)
{
    int status;

    CHECK(pthread_mutex_lock(&catalog->lock) == 0);
    status = site_locked(catalog, site, out_site);
    CHECK(pthread_mutex_unlock(&catalog->lock) == 0);
    return status;
}

struct view catalog_text_at(const struct catalog *catalog, uint32_t text)
{
    return ((const struct text_entry *)name_table_at(&catalog->texts, text))->text;
}

const struct node *catalog_node_at(const struct catalog *catalog, uint32_t node)
{
    return &((const struct node_entry *)name_table_at(&catalog->nodes, node))->node;
}

const struct site *catalog_site_at(const struct catalog *catalog, uint32_t site)
{
    return name_table_at(&catalog->sites, site);
}

const struct site_entry *catalog_sites(const struct catalog *catalog)
{
    _Static_assert(sizeof(struct site_entry) == sizeof(struct site) + NAME_TABLE_BYTES,
                   "a site and what the table has behind it");
    return (const struct site_entry *)(const void *)catalog->sites.row;
}

uint32_t catalog_nodes(const struct catalog *catalog)
{
    struct catalog *locked = (struct catalog *)(uintptr_t)catalog; /* For its lock only. */
    uint32_t count;

    CHECK(pthread_mutex_lock(&locked->lock) == 0);
    count = catalog->nodes.count;
    CHECK(pthread_mutex_unlock(&locked->lock) == 0);
    return count;
}

uint32_t catalog_user(const struct catalog *catalog)
{
    (void)catalog; /* The same number in each; set by add_fixed(). */
    return 1;
}

uint32_t catalog_unknown(const struct catalog *catalog)
{
    (void)catalog;
    return 2;
}

int catalog_add_reported(struct catalog *catalog, const struct node_entry *entry, uint32_t service)
{
    uint32_t hash = catalog_hash_text(catalog, entry->node.name);
    uint32_t number;
    struct name_entry *known = name_table_find(&catalog->names, hash, same_name, &entry->node.name,
                                               &number);

    if (known != NULL) {
        known->count++;
        return 0;
    }
    if (name_table_prepare(&catalog->names) != 0)
        return STATUS_NOMEM;
    *(struct name_entry *)name_table_add(&catalog->names, hash, 1, &number) = (struct name_entry){
        entry->node.name, service, 1};
    return 0;
}

static void mark_locked(struct catalog *catalog, struct node_entry *entry, uint32_t service)
{
    if (atomic_load_explicit(&entry->reported, memory_order_relaxed))
        return;
    /* Without memory the next span of the service tries again. */
    if (catalog_add_reported(catalog, entry, service) == 0)
        atomic_store_explicit(&entry->reported, true, memory_order_release);
}

void catalog_mark_reported(struct catalog *catalog, uint32_t service)
{
    struct node_entry *entry = name_table_at(&catalog->nodes, service);

    if (service == CATALOG_OVERFLOW || atomic_load_explicit(&entry->reported, memory_order_relaxed))
        return;
    CHECK(pthread_mutex_lock(&catalog->lock) == 0);
    mark_locked(catalog, entry, service);
    CHECK(pthread_mutex_unlock(&catalog->lock) == 0);
}

bool catalog_is_reported(const struct catalog *catalog, uint32_t service)
{
    const struct node_entry *entry = name_table_at(&catalog->nodes, service);

    return atomic_load_explicit(&entry->reported, memory_order_acquire);
}

static uint32_t find_reported_locked(struct catalog *catalog, const struct node *peer,
                                     bool has_namespace)
{
    struct node wanted = {NODE_SERVICE, peer->namespace, peer->name};
    const struct name_entry *known;
    uint32_t number;

    if (has_namespace) {
        const struct node_entry *entry = name_table_find(
            &catalog->nodes, catalog_hash_node(catalog, &wanted), node_equal, &wanted, &number);
        return entry != NULL && atomic_load_explicit(&entry->reported, memory_order_relaxed)
                   ? number
                   : CATALOG_NONE;
    }
    known = name_table_find(&catalog->names, catalog_hash_text(catalog, peer->name), same_name,
                            &peer->name, &number);
    if (known == NULL || known->count != 1)
        return CATALOG_NONE;
    /* A sweep may have taken it out and not come to this table yet: a stamp would bring it back. */
    return atomic_load_explicit(name_table_stamp(&catalog->nodes, known->service),
                                memory_order_relaxed) != 0
               ? known->service
               : CATALOG_NONE;
}

uint32_t catalog_find_reported(struct catalog *catalog, uint32_t peer, bool has_namespace)
{
    uint32_t found;

    CHECK(pthread_mutex_lock(&catalog->lock) == 0);
    found = find_reported_locked(catalog, catalog_node_at(catalog, peer), has_namespace);
    if (found != CATALOG_NONE) /* What asks goes on to use it. */
        atomic_store_explicit(name_table_stamp(&catalog->nodes, found), catalog_stamp_now(catalog),
                              memory_order_relaxed);
    CHECK(pthread_mutex_unlock(&catalog->lock) == 0);
    return found;
}

void catalog_read_counts(const struct catalog *catalog, struct catalog_counts *out_counts)
{
    struct catalog *locked = (struct catalog *)(uintptr_t)catalog; /* For its lock only. */

    CHECK(pthread_mutex_lock(&locked->lock) == 0);
    *out_counts = (struct catalog_counts){
        .services = catalog->services,
        .peers = name_table_live(&catalog->nodes) - catalog->services,
        .operations = name_table_live(&catalog->texts),
        .sites = catalog->sites_fine + SITES_FIXED,
        .services_refused = atomic_load(&catalog->services_refused),
        .peers_refused = atomic_load(&catalog->peers_refused),
        .operations_refused = atomic_load(&catalog->operations_refused),
        .sites_refused = atomic_load(&catalog->sites_refused),
        .service_operations = catalog->service_operations,
        .service_operations_refused = atomic_load(&catalog->service_operations_refused),
        .sets = name_table_live(&catalog->sets) - SETS_FIXED,
        .sets_refused = atomic_load(&catalog->sets_refused),
        .service_sets = catalog->service_sets,
        .service_sets_refused = atomic_load(&catalog->service_sets_refused),
        .given = catalog->given,
    };
    CHECK(pthread_mutex_unlock(&locked->lock) == 0);
}

/* The entries that are always there, in the order of their numbers. */
static int add_fixed(struct catalog *catalog)
{
    static const struct node nodes[] = {
        {NODE_EXTERNAL, {NULL, 0}, {"otel_metric_overflow", 20}},
        {NODE_USER, {NULL, 0}, {"user", 4}},
        {NODE_EXTERNAL, {NULL, 0}, {"unknown", 7}},
    };
    struct site site;
    uint32_t number = 0;
    int status = text_locked(catalog, VIEW("otel_metric_overflow"), &number);

    if (status == 0)
        status = catalog_add_fixed_sets(catalog);
    for (size_t i = 0; status == 0 && i < sizeof(nodes) / sizeof(nodes[0]); i++)
        status = node_add(catalog, catalog_hash_node(catalog, &nodes[i]), &nodes[i], &number);
    memset(&site, 0, sizeof(site)); /* Padding too: sites are compared as bytes. */
    site.peer = site.peer_else = site.destination = site.group = CATALOG_NONE;
    if (status == 0)
        status = catalog_intern_site(catalog, &site, &number);
    CHECK(status != 0 || number == CATALOG_OVERFLOW);
    return status;
}

int catalog_new(const struct catalog_limits *limits, struct catalog **out_catalog)
{
    struct catalog *catalog = mem_calloc(1, sizeof(*catalog));
    int status = 0;

    if (catalog == NULL)
        return STATUS_NOMEM;
    CHECK(pthread_mutex_init(&catalog->lock, NULL) == 0);
    catalog->limits = *limits;
    catalog->limits.peers_max += 3; /* The fixed ones. */
    catalog->limits.operations_max += 1;
    if (catalog->limits.sets_max > DIMENSION_SETS_MAX - SETS_FIXED)
        catalog->limits.sets_max = DIMENSION_SETS_MAX - SETS_FIXED;
    catalog->seed = hash_seed();
    atomic_init(&catalog->version, CATALOG_VERSION_FIRST);
    status = name_table_init(&catalog->texts, sizeof(struct text_entry),
                             catalog->limits.operations_max);
    if (status == 0)
        status = name_table_init(&catalog->nodes, sizeof(struct node_entry),
                                 catalog->limits.services_max + catalog->limits.peers_max);
    if (status == 0)
        status = name_table_init(&catalog->sites, sizeof(struct site),
                                 catalog->limits.sites_max + small_sites_max(catalog));
    if (status == 0)
        status = name_table_make_row(&catalog->sites);
    if (status == 0)
        status = name_table_init(&catalog->names, sizeof(struct name_entry),
                                 catalog->limits.services_max);
    if (status == 0)
        status = name_table_init(&catalog->pairs, sizeof(struct pair_entry),
                                 catalog->limits.sites_max);
    if (status == 0)
        status = name_table_init(&catalog->sets, sizeof(struct text_entry),
                                 catalog->limits.sets_max + SETS_FIXED);
    if (status == 0)
        status = name_table_init(&catalog->set_pairs, sizeof(struct pair_entry),
                                 catalog->limits.sites_max);
    if (status == 0)
        status = add_fixed(catalog);
    if (status != 0) {
        catalog_free(catalog);
        return status;
    }
    *out_catalog = catalog;
    return 0;
}

void catalog_free(struct catalog *catalog)
{
    if (catalog == NULL)
        return;
    for (uint32_t i = 0; i < catalog->texts.count; i++)
        mem_free((void *)(uintptr_t)catalog_text_at(catalog, i).data);
    for (uint32_t i = 0; i < catalog->nodes.count; i++) {
        mem_free((void *)(uintptr_t)catalog_node_at(catalog, i)->name.data);
        mem_free((void *)(uintptr_t)catalog_node_at(catalog, i)->namespace.data);
    }
    name_table_release(&catalog->texts);
    name_table_release(&catalog->nodes);
    name_table_release(&catalog->sites);
    name_table_release(&catalog->names);
    name_table_release(&catalog->pairs);
    for (uint32_t i = 0; i < catalog->sets.count; i++)
        mem_free(
            (void *)(uintptr_t)((struct text_entry *)name_table_at(&catalog->sets, i))->text.data);
    name_table_release(&catalog->sets);
    name_table_release(&catalog->set_pairs);
    CHECK(pthread_mutex_destroy(&catalog->lock) == 0);
    mem_free(catalog);
}

const char *node_type_name(enum node_type type)
{
    static const char *const names[NODE_TYPE_COUNT] = {"service", "database", "messaging",
                                                       "external", "user"};

    return names[type];
}

int node_compare(const struct node *a, const struct node *b)
{
    int order = strcmp(node_type_name(a->type), node_type_name(b->type));

    if (order == 0)
        order = view_compare(a->namespace, b->namespace);
    if (order == 0)
        order = view_compare(a->name, b->name);
    return order;
}
