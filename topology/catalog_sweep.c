/* catalog_sweep.c: marks are stamps; a stamp below the sweep's is an entry that nobody uses.
 *
 * Sites go first, for those that stay mark their names. Names that are taken out keep their place and
 * their text until catalog_give_back(), so that quotas bound what there is of both.
 */
#include "topology/catalog_sweep.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/catalog_priv.h"

static void lock(struct catalog *catalog)
{
    CHECK(pthread_mutex_lock(&catalog->lock) == 0);
}

static void unlock(struct catalog *catalog)
{
    CHECK(pthread_mutex_unlock(&catalog->lock) == 0);
}

/* ------------------------------------------------------------------ readers */

void catalog_join(struct catalog *catalog, struct catalog_reader *reader)
{
    atomic_init(&reader->version, 0);
    lock(catalog);
    reader->next = catalog->readers;
    catalog->readers = reader;
    unlock(catalog);
}

void catalog_part(struct catalog *catalog, struct catalog_reader *reader)
{
    struct catalog_reader **place = &catalog->readers;

    lock(catalog);
    while (*place != reader) {
        CHECK(*place != NULL);
        place = &(*place)->next;
    }
    *place = reader->next;
    unlock(catalog);
}

/* Either the sweeper sees that the reader is here, or the reader sees that a sweep began. */
uint32_t catalog_enter(struct catalog *catalog, struct catalog_reader *reader)
{
    uint32_t version = atomic_load(&catalog->version);

    for (;;) {
        uint32_t now;
        atomic_store(&reader->version, version);
        now = atomic_load(&catalog->version);
        if (now == version)
            return version;
        version = now;
    }
}

void catalog_leave(struct catalog_reader *reader)
{
    atomic_store_explicit(&reader->version, 0, memory_order_release);
}

bool catalog_readers_passed(struct catalog *catalog)
{
    uint32_t version = atomic_load(&catalog->version);
    bool all = true;

    lock(catalog);
    for (const struct catalog_reader *reader = catalog->readers; reader != NULL;
         reader = reader->next) {
        uint32_t seen = atomic_load(&reader->version);
        all &= seen == 0 || seen == version;
    }
    unlock(catalog);
    return all;
}

/* ------------------------------------------------------------------ marks */

uint32_t catalog_sweep_begin(struct catalog *catalog)
{
    uint32_t version;

    /* Under the lock, so that who looks something up stamps it with one version or the other. */
    lock(catalog);
    version = atomic_load(&catalog->version) + 1;
    CHECK(version % 2 == 1);
    atomic_store(&catalog->version, version);
    unlock(catalog);
    return version;
}

/* Many mark the same names: a line that says so already is not written to. */
static void mark(const struct name_table *table, uint32_t number, uint32_t stamp)
{
    _Atomic uint32_t *mark = name_table_stamp(table, number);

    if (atomic_load_explicit(mark, memory_order_relaxed) != stamp)
        atomic_store_explicit(mark, stamp, memory_order_relaxed);
}

void catalog_mark_text(struct catalog *catalog, uint32_t text, uint32_t stamp)
{
    if (text != CATALOG_NONE)
        mark(&catalog->texts, text, stamp);
}

void catalog_mark_node(struct catalog *catalog, uint32_t node, uint32_t stamp)
{
    if (node != CATALOG_NONE)
        mark(&catalog->nodes, node, stamp);
}

void catalog_mark_site(struct catalog *catalog, uint32_t site, uint32_t stamp)
{
    mark(&catalog->sites, site, stamp);
}

/* Under the lock. */
static void mark_pair(const struct catalog *catalog, uint32_t service, uint32_t text,
                      uint32_t stamp)
{
    struct pair_entry pair = {service, text};
    uint32_t number;

    if (name_table_find(&catalog->pairs, catalog_hash_pair(catalog, &pair), catalog_pair_equal,
                        &pair, &number) != NULL)
        mark(&catalog->pairs, number, stamp);
}

void catalog_mark_operation(struct catalog *catalog, uint32_t service, uint32_t text,
                            uint32_t stamp)
{
    mark(&catalog->nodes, service, stamp);
    mark(&catalog->texts, text, stamp);
    if (catalog->limits.service_operations_max == 0)
        return;
    lock(catalog);
    mark_pair(catalog, service, text, stamp);
    unlock(catalog);
}

/* Under the lock. */
static void mark_set_pair(const struct catalog *catalog, uint32_t service, uint32_t set,
                          uint32_t stamp)
{
    struct pair_entry pair = {service, set};
    uint32_t number;

    if (set <= DIMENSIONS_OVERFLOW)
        return;
    mark(&catalog->sets, set, stamp);
    if (name_table_find(&catalog->set_pairs, catalog_hash_pair(catalog, &pair), catalog_pair_equal,
                        &pair, &number) != NULL)
        mark(&catalog->set_pairs, number, stamp);
}

void catalog_mark_dimensions(struct catalog *catalog, uint32_t set, uint32_t stamp)
{
    mark(&catalog->sets, set, stamp);
}

static struct site coarse_site(const struct site *site)
{
    struct site coarse;

    memset(&coarse, 0, sizeof(coarse)); /* Padding too: sites are compared as bytes. */
    coarse.service = site->service;
    coarse.operation = CATALOG_OVERFLOW;
    coarse.peer = coarse.peer_else = coarse.destination = coarse.group = CATALOG_NONE;
    coarse.call = site->call == CALL_DATABASE ? CALL_DATABASE : CALL_OTHER;
    coarse.dimensions = site->dimensions; /* Its callees are judged later. */
    return coarse;
}

/* The site that stands for it; itself where there is no room or no memory. What is left of the
 * overflow node's sites may be the overflow site. */
static uint32_t find_coarse(struct catalog *catalog, uint32_t site)
{
    struct site coarse = coarse_site(catalog_site_at(catalog, site));
    uint32_t number;
    int status;

    lock(catalog);
    status = catalog_intern_site(catalog, &coarse, &number);
    unlock(catalog);
    if (status != 0 || (number == CATALOG_OVERFLOW && coarse.service != CATALOG_OVERFLOW))
        return site;
    return number;
}

uint32_t catalog_coarse(struct catalog *catalog, uint32_t site, uint32_t stamp)
{
    _Atomic uint32_t *link = name_table_link(&catalog->sites, site);
    uint32_t plus_one = atomic_load_explicit(link, memory_order_relaxed);
    uint32_t coarse = plus_one - 1;

    if (plus_one == 0) {
        coarse = find_coarse(catalog, site);
        atomic_store_explicit(link, coarse + 1, memory_order_relaxed);
    }
    mark(&catalog->sites, coarse, stamp);
    return coarse;
}

/* ------------------------------------------------------------------ taking out */

static bool is_marked(const struct name_table *table, uint32_t number, uint32_t stamp)
{
    uint32_t mark = atomic_load_explicit(name_table_stamp(table, number), memory_order_relaxed);

    return mark == stamp;
}

static bool is_there(const struct name_table *table, uint32_t number)
{
    return atomic_load_explicit(name_table_stamp(table, number), memory_order_relaxed) != 0;
}

/* Under the lock: a site that stays keeps its names; the others are taken out. */
static void sweep_site(struct catalog *catalog, uint32_t number, uint32_t stamp)
{
    const struct site *site = catalog_site_at(catalog, number);

    if (!is_marked(&catalog->sites, number, stamp)) {
        name_table_take_out(&catalog->sites, catalog_hash_site(catalog, site), number);
        return;
    }
    /* The site that stood for it may go with the next sweep. */
    atomic_store_explicit(name_table_link(&catalog->sites, number), 0, memory_order_relaxed);
    catalog_mark_node(catalog, site->service, stamp);
    catalog_mark_node(catalog, site->peer, stamp);
    catalog_mark_node(catalog, site->peer_else, stamp);
    catalog_mark_node(catalog, site->destination, stamp);
    catalog_mark_text(catalog, site->operation, stamp);
    catalog_mark_text(catalog, site->group, stamp);
    mark_pair(catalog, site->service, site->operation, stamp);
    mark_set_pair(catalog, site->service, site->dimensions, stamp);
}

static void sweep_pair(struct catalog *catalog, uint32_t number, uint32_t stamp)
{
    const struct pair_entry *pair = name_table_at(&catalog->pairs, number);
    struct node_entry *owner = name_table_at(&catalog->nodes, pair->service);

    if (is_marked(&catalog->pairs, number, stamp)) {
        catalog_mark_node(catalog, pair->service, stamp);
        catalog_mark_text(catalog, pair->text, stamp);
        return;
    }
    CHECK(owner->operations != 0);
    owner->operations--;
    name_table_take_out(&catalog->pairs, catalog_hash_pair(catalog, pair), number);
}

/* A set without sites is no longer one of a service, though series may go on with it. */
static void sweep_set_pair(struct catalog *catalog, uint32_t number, uint32_t stamp)
{
    const struct pair_entry *pair = name_table_at(&catalog->set_pairs, number);
    struct node_entry *owner = name_table_at(&catalog->nodes, pair->service);

    if (is_marked(&catalog->set_pairs, number, stamp)) {
        catalog_mark_node(catalog, pair->service, stamp);
        catalog_mark_dimensions(catalog, pair->text, stamp);
        return;
    }
    CHECK(owner->sets != 0);
    owner->sets--;
    name_table_take_out(&catalog->set_pairs, catalog_hash_pair(catalog, pair), number);
}

static void sweep_set(struct catalog *catalog, uint32_t number, uint32_t stamp)
{
    const struct text_entry *set = name_table_at(&catalog->sets, number);

    if (!is_marked(&catalog->sets, number, stamp))
        name_table_take_out(&catalog->sets, catalog_hash_text(catalog, set->text), number);
}

static void sweep_text(struct catalog *catalog, uint32_t number, uint32_t stamp)
{
    if (!is_marked(&catalog->texts, number, stamp))
        name_table_take_out(&catalog->texts,
                            catalog_hash_text(catalog, catalog_text_at(catalog, number)), number);
}

static void sweep_node(struct catalog *catalog, uint32_t number, uint32_t stamp)
{
    struct node_entry *entry = name_table_at(&catalog->nodes, number);

    if (is_marked(&catalog->nodes, number, stamp))
        return;
    CHECK(entry->operations == 0 && entry->sets == 0);
    name_table_take_out(&catalog->nodes, catalog_hash_node(catalog, &entry->node), number);
}

/* A chunk at a time, so that receivers who look for a name do not wait for all. */
static void sweep_table(struct catalog *catalog, const struct name_table *table, uint32_t fixed,
                        void (*sweep)(struct catalog *, uint32_t, uint32_t), uint32_t stamp)
{
    uint32_t at = fixed;
    bool is_over;

    do {
        lock(catalog);
        for (uint32_t i = 0; i < CATALOG_CHUNK && at < table->count; i++, at++)
            if (is_there(table, at))
                sweep(catalog, at, stamp);
        is_over = at >= table->count;
        unlock(catalog);
    } while (!is_over);
}

static bool is_reported(const struct node_entry *entry)
{
    return atomic_load_explicit(&entry->reported, memory_order_relaxed);
}

/* Under the lock: a service that left reports no longer. Whether any did. */
static bool unreport(struct catalog *catalog)
{
    const struct name_table *nodes = &catalog->nodes;
    bool any = false;

    for (uint32_t at = nodes->first_left; at != NAME_TABLE_NONE;
         at = atomic_load_explicit(name_table_link(nodes, at), memory_order_relaxed)) {
        struct node_entry *entry = name_table_at(nodes, at);
        any |= is_reported(entry);
        atomic_store_explicit(&entry->reported, false, memory_order_relaxed);
    }
    return any;
}

/* Who has reported under which name is found anew: a name may have one service left of two, and
 * borrows its text from the first. */
static void renew_reported(struct catalog *catalog)
{
    lock(catalog);
    if (unreport(catalog)) {
        name_table_clear(&catalog->names);
        for (uint32_t at = 0; at < catalog->nodes.count; at++) {
            struct node_entry *entry = name_table_at(&catalog->nodes, at);
            /* There was room for all: this cannot fail. */
            if (is_there(&catalog->nodes, at) && is_reported(entry))
                CHECK(catalog_add_reported(catalog, entry, at) == 0);
        }
    }
    unlock(catalog);
}

static void find_most(struct catalog *catalog)
{
    uint32_t most = 0, most_sets = 0;

    lock(catalog);
    for (uint32_t at = 0; at < catalog->nodes.count; at++) {
        const struct node_entry *entry = name_table_at(&catalog->nodes, at);
        if (is_there(&catalog->nodes, at) && entry->operations > most)
            most = entry->operations;
        if (is_there(&catalog->nodes, at) && entry->sets > most_sets)
            most_sets = entry->sets;
    }
    catalog->service_operations = most;
    catalog->service_sets = most_sets;
    unlock(catalog);
}

void catalog_sweep(struct catalog *catalog, uint32_t stamp)
{
    CHECK(stamp == atomic_load(&catalog->version));
    sweep_table(catalog, &catalog->sites, SITES_FIXED, sweep_site, stamp);
    sweep_table(catalog, &catalog->pairs, 0, sweep_pair, stamp);
    sweep_table(catalog, &catalog->set_pairs, 0, sweep_set_pair, stamp);
    sweep_table(catalog, &catalog->sets, SETS_FIXED, sweep_set, stamp);
    sweep_table(catalog, &catalog->texts, TEXTS_FIXED, sweep_text, stamp);
    sweep_table(catalog, &catalog->nodes, NODES_FIXED, sweep_node, stamp);
    renew_reported(catalog);
    find_most(catalog);
    /* Snapshots from now on hold the other one. */
    atomic_store(&catalog->hold, atomic_load(&catalog->hold) ^ 1);
}

bool catalog_node_left(const struct catalog *catalog, uint32_t node)
{
    return !is_there(&catalog->nodes, node);
}

/* ------------------------------------------------------------------ giving back */

static void end_text(void *entry)
{
    struct text_entry *text = entry;

    mem_free((void *)(uintptr_t)text->text.data);
    text->text = (struct view){NULL, 0};
}

static void end_node(void *entry)
{
    struct node *node = &((struct node_entry *)entry)->node;

    mem_free((void *)(uintptr_t)node->name.data);
    mem_free((void *)(uintptr_t)node->namespace.data);
    node->name = node->namespace = (struct view){NULL, 0};
}

/* Of those that leave, how many are services, and fine sites. */
static void count_left(struct catalog *catalog)
{
    struct catalog_given *given = &catalog->given;
    uint32_t services = 0, fine = 0, with_values = 0;

    for (uint32_t at = catalog->nodes.first_left; at != NAME_TABLE_NONE;
         at = atomic_load(name_table_link(&catalog->nodes, at)))
        services += catalog_node_at(catalog, at)->type == NODE_SERVICE;
    for (uint32_t at = catalog->sites.first_left; at != NAME_TABLE_NONE;
         at = atomic_load(name_table_link(&catalog->sites, at))) {
        fine += !catalog_site_is_small(catalog_site_at(catalog, at));
        with_values += catalog_site_has_values(catalog_site_at(catalog, at));
    }
    catalog->services -= services;
    catalog->sites_fine -= fine;
    catalog->sites_with_values -= with_values;
    given->services += services;
    given->peers += catalog->nodes.left - services;
    given->operations += catalog->texts.left;
    given->sites += catalog->sites.left;
    given->sets += catalog->sets.left;
}

bool catalog_give_back(struct catalog *catalog)
{
    unsigned old = atomic_load(&catalog->hold) ^ 1;

    if (atomic_load(&catalog->holds[old]) != 0)
        return false;
    lock(catalog);
    count_left(catalog);
    name_table_give_back(&catalog->sites, NULL);
    name_table_give_back(&catalog->pairs, NULL);
    name_table_give_back(&catalog->set_pairs, NULL);
    name_table_give_back(&catalog->sets, end_text);
    name_table_give_back(&catalog->texts, end_text);
    name_table_give_back(&catalog->nodes, end_node);
    /* Memos may say that there was no room. */
    atomic_store(&catalog->version, atomic_load(&catalog->version) + 1);
    unlock(catalog);
    return true;
}

unsigned catalog_hold(struct catalog *catalog)
{
    unsigned hold = atomic_load(&catalog->hold);

    (void)atomic_fetch_add(&catalog->holds[hold], 1);
    return hold;
}

void catalog_hold_again(struct catalog *catalog, unsigned hold)
{
    CHECK(atomic_fetch_add(&catalog->holds[hold], 1) != 0);
}

void catalog_release(struct catalog *catalog, unsigned hold)
{
    uint64_t before = atomic_fetch_sub(&catalog->holds[hold], 1);

    CHECK(before != 0);
}

/* ------------------------------------------------------------------ counts */

static unsigned percent(uint64_t used, uint64_t max)
{
    return max != 0 ? (unsigned)(used * 100 / max) : 100;
}

/* Of a table that there may not be. */
static unsigned percent_or_none(uint64_t used, uint64_t max)
{
    return max != 0 ? percent(used, max) : 0;
}

static unsigned larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

void catalog_read_pressure(struct catalog *catalog, struct catalog_pressure *out_pressure)
{
    const struct catalog_limits *limits = &catalog->limits;
    uint32_t peers;

    lock(catalog);
    peers = name_table_live(&catalog->nodes) - catalog->services;
    *out_pressure = (struct catalog_pressure){
        .nodes_percent = larger(percent(catalog->services, limits->services_max),
                                percent(peers, limits->peers_max)),
        .sets_percent = larger(percent_or_none(name_table_live(&catalog->sets), limits->sets_max),
                               percent_or_none(catalog->sites_with_values, limits->sites_max / 2)),
        .operations_percent = larger(
            percent(name_table_live(&catalog->texts), limits->operations_max),
            percent(name_table_live(&catalog->pairs), limits->sites_max)),
        .sites_percent = larger(percent(catalog->sites_fine, limits->sites_max),
                                percent(name_table_live(&catalog->set_pairs), limits->sites_max)),
        .nodes_refused = atomic_load(&catalog->services_refused) +
                         atomic_load(&catalog->peers_refused),
        .operations_refused = atomic_load(&catalog->operations_refused),
        .sites_refused = atomic_load(&catalog->sites_refused),
        .sets_refused = atomic_load(&catalog->sets_refused),
        .own_refused = atomic_load(&catalog->service_operations_refused) +
                       atomic_load(&catalog->service_sets_refused),
    };
    unlock(catalog);
}
