/* catalog.c: three hash tables over append-only chunked arrays.
 *
 *   slots:  open addressing, {hash, number}; touched under the lock only
 *   chunks: entries by number, 1,024 a chunk; a chunk never moves, so that a reader who was given
 *           a number may read without the lock
 *
 * A number reaches another thread only through a ring or the lock, both of which order the entry's
 * bytes before it.
 */
#include "topology/catalog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { CHUNK_ENTRIES = CATALOG_CHUNK, SLOTS_FIRST = 256 };

struct slot {
    uint32_t hash;
    uint32_t number_plus_one; /* 0: free. */
};

struct table {
    size_t entry_size;
    uint32_t count;
    uint32_t chunks_max;
    char **chunks;
    struct slot *slots;
    uint32_t slots_mask;
    uint32_t slots_used;
};

struct text_entry {
    struct view text;
};

/* Operation `text` is one of `service`. */
struct pair_entry {
    uint32_t service;
    uint32_t text;
};

struct node_entry {
    struct node node;
    uint32_t operations; /* That are told apart. */
    _Atomic bool reported;
};

struct site_entry {
    struct site site;
};

/* All services that have reported under one name. */
struct name_entry {
    struct view name; /* Borrowed from the first such node. */
    uint32_t service;
    uint32_t count;
};

struct catalog {
    struct catalog_limits limits;
    pthread_mutex_t lock; /* Lock 1 of the table in docs/ARCHITECTURE.md; a leaf. */
    uint64_t seed;
    struct table texts;
    struct table nodes;
    struct table sites;
    struct table names;
    struct table pairs;
    uint32_t services;           /* Nodes of type service. */
    uint32_t service_operations; /* Of the one that has most. */
    _Atomic uint64_t service_operations_refused;
    _Atomic uint64_t services_refused, peers_refused, operations_refused, sites_refused;
};

typedef bool (*entry_equal)(const void *entry, const void *key);

static int table_init(struct table *table, size_t entry_size, uint32_t entries_max)
{
    *table = (struct table){.entry_size = entry_size};
    table->chunks_max = entries_max / CHUNK_ENTRIES + 1;
    table->chunks = mem_calloc(table->chunks_max, sizeof(*table->chunks));
    table->slots = mem_calloc(SLOTS_FIRST, sizeof(*table->slots));
    table->slots_mask = SLOTS_FIRST - 1;
    return table->chunks != NULL && table->slots != NULL ? 0 : STATUS_NOMEM;
}

static void *table_at(const struct table *table, uint32_t number)
{
    return table->chunks[number / CHUNK_ENTRIES] + number % CHUNK_ENTRIES * table->entry_size;
}

static void table_release(struct table *table)
{
    for (uint32_t i = 0; table->chunks != NULL && i < table->chunks_max; i++)
        mem_free(table->chunks[i]);
    mem_free(table->chunks);
    mem_free(table->slots);
    *table = (struct table){0};
}

static void *table_find(const struct table *table, uint32_t hash, entry_equal equal,
                        const void *key, uint32_t *out_number)
{
    for (uint32_t at = hash & table->slots_mask; table->slots[at].number_plus_one != 0;
         at = (at + 1) & table->slots_mask) {
        uint32_t number = table->slots[at].number_plus_one - 1;
        void *entry = table_at(table, number);
        if (table->slots[at].hash == hash && equal(entry, key)) {
            *out_number = number;
            return entry;
        }
    }
    return NULL;
}

static void slot_put(struct slot *slots, uint32_t mask, struct slot slot)
{
    uint32_t at = slot.hash & mask;

    while (slots[at].number_plus_one != 0)
        at = (at + 1) & mask;
    slots[at] = slot;
}

static int table_grow_slots(struct table *table)
{
    uint32_t mask = table->slots_mask * 2 + 1;
    struct slot *slots;

    if (table->slots_used * 2 <= table->slots_mask)
        return 0;
    slots = mem_calloc((size_t)mask + 1, sizeof(*slots));
    if (slots == NULL)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i <= table->slots_mask; i++)
        if (table->slots[i].number_plus_one != 0)
            slot_put(slots, mask, table->slots[i]);
    mem_free(table->slots);
    table->slots = slots;
    table->slots_mask = mask;
    return 0;
}

/* Makes room for one entry, so that table_add() cannot fail. */
static int table_prepare(struct table *table)
{
    uint32_t chunk = table->count / CHUNK_ENTRIES;

    CHECK(chunk < table->chunks_max);
    if (table->chunks[chunk] == NULL) {
        table->chunks[chunk] = mem_calloc(CHUNK_ENTRIES, table->entry_size);
        if (table->chunks[chunk] == NULL)
            return STATUS_NOMEM;
    }
    return table_grow_slots(table);
}

static uint32_t table_add(struct table *table, uint32_t hash, const void *entry)
{
    uint32_t number = table->count++;

    memcpy(table_at(table, number), entry, table->entry_size);
    slot_put(table->slots, table->slots_mask, (struct slot){hash, number + 1});
    table->slots_used++;
    return number;
}

static bool text_equal(const void *entry, const void *key)
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
    return memcmp(&((const struct site_entry *)entry)->site, key, sizeof(struct site)) == 0;
}

static bool name_equal(const void *entry, const void *key)
{
    return view_equal(((const struct name_entry *)entry)->name, *(const struct view *)key);
}

static bool pair_equal(const void *entry, const void *key)
{
    return memcmp(entry, key, sizeof(struct pair_entry)) == 0;
}

static uint32_t hash_view(const struct catalog *catalog, struct view view)
{
    return (uint32_t)hash64(view.data, view.size, catalog->seed);
}

static uint32_t hash_node(const struct catalog *catalog, const struct node *node)
{
    uint64_t hash = hash64(node->name.data, node->name.size, catalog->seed + (uint64_t)node->type);

    return (uint32_t)hash64(node->namespace.data, node->namespace.size, hash);
}

/* A copy of `text` of at most text_bytes_max bytes, cut at a character's boundary. */
static struct view cut(const struct catalog *catalog, struct view text)
{
    return utf8_cut(text, catalog->limits.text_bytes_max);
}

static int own(struct view *text)
{
    char *copy = mem_dup_text(text->data, text->size);

    if (copy == NULL)
        return STATUS_NOMEM;
    text->data = copy;
    return 0;
}

static int text_locked(struct catalog *catalog, struct view text, uint32_t *out_text)
{
    uint32_t hash = hash_view(catalog, text);
    struct text_entry entry = {text};
    int status;

    if (table_find(&catalog->texts, hash, text_equal, &text, out_text) != NULL)
        return 0;
    if (catalog->texts.count >= catalog->limits.operations_max) {
        atomic_fetch_add_explicit(&catalog->operations_refused, 1, memory_order_relaxed);
        *out_text = CATALOG_OVERFLOW;
        return 0;
    }
    status = table_prepare(&catalog->texts);
    if (status == 0)
        status = own(&entry.text);
    if (status == 0)
        *out_text = table_add(&catalog->texts, hash, &entry);
    return status;
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
    struct node_entry *owner = table_at(&catalog->nodes, service);
    struct pair_entry pair = {service, CATALOG_OVERFLOW};
    bool is_full = owner->operations >= catalog->limits.service_operations_max ||
                   catalog->pairs.count >= catalog->limits.sites_max;
    uint32_t hash, number;
    int status;

    /* What the service may not have must not take the room of others' names. */
    if (!is_full || table_find(&catalog->texts, hash_view(catalog, text), text_equal, &text,
                               &pair.text) != NULL) {
        status = text_locked(catalog, text, &pair.text);
        if (status != 0)
            return status;
    }
    hash = (uint32_t)hash64(&pair, sizeof(pair), catalog->seed);
    if (pair.text == CATALOG_OVERFLOW && !is_full) {
        *out_text = CATALOG_OVERFLOW; /* That was counted. */
        return 0;
    }
    if (table_find(&catalog->pairs, hash, pair_equal, &pair, &number) != NULL) {
        *out_text = pair.text;
        return 0;
    }
    if (is_full) {
        atomic_fetch_add_explicit(&catalog->service_operations_refused, 1, memory_order_relaxed);
        *out_text = CATALOG_OVERFLOW;
        return 0;
    }
    status = table_prepare(&catalog->pairs);
    if (status != 0)
        return status;
    (void)table_add(&catalog->pairs, hash, &pair); /* Its number is never asked for. */
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
    if (catalog->nodes.count - catalog->services < catalog->limits.peers_max)
        return true;
    atomic_fetch_add_explicit(&catalog->peers_refused, 1, memory_order_relaxed);
    return false;
}

static int node_add(struct catalog *catalog, uint32_t hash, const struct node *node,
                    uint32_t *out_node)
{
    struct node_entry entry = {.node = *node};
    int status = table_prepare(&catalog->nodes);

    if (status != 0)
        return status;
    status = own(&entry.node.name);
    if (status != 0)
        return status;
    status = own(&entry.node.namespace);
    if (status != 0) {
        mem_free((void *)(uintptr_t)entry.node.name.data);
        return status;
    }
    *out_node = table_add(&catalog->nodes, hash, &entry);
    if (node->type == NODE_SERVICE)
        catalog->services++;
    return 0;
}

static int node_locked(struct catalog *catalog, const struct node *node, uint32_t *out_node)
{
    uint32_t hash = hash_node(catalog, node);

    if (table_find(&catalog->nodes, hash, node_equal, node, out_node) != NULL)
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

static int site_locked(struct catalog *catalog, const struct site *site, uint32_t *out_site)
{
    uint32_t hash = (uint32_t)hash64(site, sizeof(*site), catalog->seed);
    struct site wanted = *site;
    struct site_entry entry;
    int status;

    if (table_find(&catalog->sites, hash, site_equal, site, out_site) != NULL)
        return 0;
    if (catalog->sites.count >= catalog->limits.sites_max) {
        /* Past the bound a span keeps its service and loses what is finer. */
        atomic_fetch_add_explicit(&catalog->sites_refused, 1, memory_order_relaxed);
        wanted.operation = CATALOG_OVERFLOW;
        wanted.peer = wanted.peer_else = wanted.destination = CATALOG_NONE;
        wanted.call = CALL_OTHER;
        wanted.peer_by_name = wanted.peer_has_namespace = wanted.peer_else_by_name = 0;
        wanted.address_key = wanted.rpc_key = wanted.lesson_place = 0;
        hash = (uint32_t)hash64(&wanted, sizeof(wanted), catalog->seed);
        if (table_find(&catalog->sites, hash, site_equal, &wanted, out_site) != NULL)
            return 0;
        if (catalog->sites.count >=
            catalog->limits.sites_max + catalog->limits.services_max * SPAN_KIND_COUNT) {
            *out_site = CATALOG_OVERFLOW;
            return 0;
        }
    }
    status = table_prepare(&catalog->sites);
    if (status != 0)
        return status;
    entry.site = wanted;
    *out_site = table_add(&catalog->sites, hash, &entry);
    return 0;
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
    return ((const struct text_entry *)table_at(&catalog->texts, text))->text;
}

const struct node *catalog_node_at(const struct catalog *catalog, uint32_t node)
{
    return &((const struct node_entry *)table_at(&catalog->nodes, node))->node;
}

const struct site *catalog_site_at(const struct catalog *catalog, uint32_t site)
{
    return &((const struct site_entry *)table_at(&catalog->sites, site))->site;
}

const struct site *const *catalog_sites(const struct catalog *catalog)
{
    _Static_assert(sizeof(struct site_entry) == sizeof(struct site), "a chunk is a row of sites");
    return (const struct site *const *)catalog->sites.chunks;
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

static void mark_locked(struct catalog *catalog, struct node_entry *entry, uint32_t service)
{
    uint32_t hash = hash_view(catalog, entry->node.name);
    struct name_entry *known;
    struct name_entry fresh = {entry->node.name, service, 1};
    uint32_t number;

    if (atomic_load_explicit(&entry->reported, memory_order_relaxed))
        return;
    known = table_find(&catalog->names, hash, name_equal, &entry->node.name, &number);
    if (known != NULL)
        known->count++;
    else if (table_prepare(&catalog->names) == 0)
        (void)table_add(&catalog->names, hash, &fresh); /* The number is never asked for. */
    else
        return; /* Without memory the next span of the service tries again. */
    atomic_store_explicit(&entry->reported, true, memory_order_release);
}

void catalog_mark_reported(struct catalog *catalog, uint32_t service)
{
    struct node_entry *entry = table_at(&catalog->nodes, service);

    if (service == CATALOG_OVERFLOW || atomic_load_explicit(&entry->reported, memory_order_relaxed))
        return;
    CHECK(pthread_mutex_lock(&catalog->lock) == 0);
    mark_locked(catalog, entry, service);
    CHECK(pthread_mutex_unlock(&catalog->lock) == 0);
}

bool catalog_is_reported(const struct catalog *catalog, uint32_t service)
{
    const struct node_entry *entry = table_at(&catalog->nodes, service);

    return atomic_load_explicit(&entry->reported, memory_order_acquire);
}

static uint32_t find_reported_locked(struct catalog *catalog, const struct node *peer,
                                     bool has_namespace)
{
    struct node wanted = {NODE_SERVICE, peer->namespace, peer->name};
    const struct name_entry *known;
    uint32_t number;

    if (has_namespace) {
        const struct node_entry *entry = table_find(&catalog->nodes, hash_node(catalog, &wanted),
                                                    node_equal, &wanted, &number);
        return entry != NULL && atomic_load_explicit(&entry->reported, memory_order_relaxed)
                   ? number
                   : CATALOG_NONE;
    }
    known = table_find(&catalog->names, hash_view(catalog, peer->name), name_equal, &peer->name,
                       &number);
    return known != NULL && known->count == 1 ? known->service : CATALOG_NONE;
}

uint32_t catalog_find_reported(struct catalog *catalog, uint32_t peer, bool has_namespace)
{
    uint32_t found;

    CHECK(pthread_mutex_lock(&catalog->lock) == 0);
    found = find_reported_locked(catalog, catalog_node_at(catalog, peer), has_namespace);
    CHECK(pthread_mutex_unlock(&catalog->lock) == 0);
    return found;
}

void catalog_read_counts(const struct catalog *catalog, struct catalog_counts *out_counts)
{
    struct catalog *locked = (struct catalog *)(uintptr_t)catalog; /* For its lock only. */

    CHECK(pthread_mutex_lock(&locked->lock) == 0);
    *out_counts = (struct catalog_counts){
        .services = catalog->services,
        .peers = catalog->nodes.count - catalog->services,
        .operations = catalog->texts.count,
        .sites = catalog->sites.count,
        .services_refused = atomic_load(&catalog->services_refused),
        .peers_refused = atomic_load(&catalog->peers_refused),
        .operations_refused = atomic_load(&catalog->operations_refused),
        .sites_refused = atomic_load(&catalog->sites_refused),
        .service_operations = catalog->service_operations,
        .service_operations_refused = atomic_load(&catalog->service_operations_refused),
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

    for (size_t i = 0; status == 0 && i < sizeof(nodes) / sizeof(nodes[0]); i++)
        status = node_add(catalog, hash_node(catalog, &nodes[i]), &nodes[i], &number);
    memset(&site, 0, sizeof(site)); /* Padding too: sites are compared as bytes. */
    site.peer = site.peer_else = site.destination = CATALOG_NONE;
    if (status == 0)
        status = site_locked(catalog, &site, &number);
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
    catalog->limits.sites_max += 1;
    catalog->seed = hash_seed();
    status = table_init(&catalog->texts, sizeof(struct text_entry), catalog->limits.operations_max);
    if (status == 0)
        status = table_init(&catalog->nodes, sizeof(struct node_entry),
                            catalog->limits.services_max + catalog->limits.peers_max);
    if (status == 0)
        status = table_init(&catalog->sites, sizeof(struct site_entry),
                            catalog->limits.sites_max +
                                catalog->limits.services_max * SPAN_KIND_COUNT);
    if (status == 0)
        status = table_init(&catalog->names, sizeof(struct name_entry),
                            catalog->limits.services_max);
    if (status == 0)
        status = table_init(&catalog->pairs, sizeof(struct pair_entry), catalog->limits.sites_max);
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
    table_release(&catalog->texts);
    table_release(&catalog->nodes);
    table_release(&catalog->sites);
    table_release(&catalog->names);
    table_release(&catalog->pairs);
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
