/* catalog.h: the names that spans bring, each kept once and known by a number.
 * Is:         four bounded tables: texts (operation names), nodes (type, namespace, name), sets of
 *             values of dimensions, and sites (all that the names of a span mean for the topology).
 * Is not:     the rules that find a name (naming.h).
 * Invariants: a number means the same thing as long as anything holds it (catalog_sweep.h: names
 *             that nothing uses are given back). Number 0 of each table is the overflow entry, which
 *             takes what does not fit; of sets it is number 1, and 0 the one without any value.
 * Threads:    any; interning takes the catalog's one lock, reading by number takes none. Receivers
 *             keep a memo in front of it, so that the lock is taken for new names only.
 * Memory:     owns all texts; bounded by struct catalog_limits, each class by its own quota.
 * Source:     TOPOLOGY N1, N3, N7 and section 3 (quotas).
 */
#ifndef SPANMAP_TOPOLOGY_CATALOG_H
#define SPANMAP_TOPOLOGY_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"
#include "topology/dimensions.h"
#include "topology/span.h"

enum node_type {
    NODE_SERVICE,
    NODE_DATABASE,
    NODE_MESSAGING,
    NODE_EXTERNAL,
    NODE_USER,
    NODE_TYPE_COUNT,
};

/* What a call is made to (N2). */
enum call_kind { CALL_OTHER, CALL_DATABASE, CALL_MESSAGING, CALL_RPC };

enum { CATALOG_OVERFLOW = 0, CATALOG_NONE = UINT32_MAX, CATALOG_CHUNK = 1024 };

struct node {
    enum node_type type;
    struct view namespace;
    struct view name;
};

/* All that a span's names mean. Spans of equal sites differ in ids, times and outcome only. */
struct site {
    uint64_t address_key; /* Of a CLIENT: what its callee may have taught, or has (lessons.h);
                           * 0: nothing. */
    uint64_t rpc_key;
    uint32_t service;     /* Node of the service that reported the span. */
    uint32_t operation;   /* Text: the (templated) span name. */
    uint32_t peer;        /* Node a virtual call goes to (N3); CATALOG_NONE: unknown/external. */
    uint32_t peer_else;   /* What goes instead where the service that `peer` names turns out to be
                           * the caller itself (a peer name that is the caller is not used). */
    uint32_t destination; /* Node of the messaging destination; CATALOG_NONE: none. */
    uint32_t group;       /* Text: the consumer group of a CONSUMER; CATALOG_NONE. */
    uint32_t dimensions;  /* Set of the span's values; DIMENSIONS_NONE where there are none. */
    uint8_t kind;         /* enum span_kind, as it came */
    uint8_t call;         /* enum call_kind */
    uint8_t peer_by_name; /* The peer's name came from service.peer.name or peer.service: a service
                           * of that name which has reported is the peer. */
    uint8_t peer_has_namespace;
    uint8_t peer_else_by_name; /* Likewise of peer_else, which never has a namespace then. */
    uint8_t is_receive;        /* A CONSUMER that only fetches: operation `receive`. */
    uint8_t lesson_place; /* A lesson is asked before both peers (0), before the second one (1), or
                           * last (2). */
    uint8_t spare[5];     /* 0: sites are compared as bytes. */
};

/* As it lies in the catalog's table: one cache line. */
struct site_entry {
    struct site site;
    uint32_t marks[2]; /* The table's own (name_table.h). */
};

_Static_assert(sizeof(struct site_entry) == 64, "a site is found by a shift");

/* Sites beyond sites_max, of a service: what is left of a span's names where sites are full, for
 * each kind, and what a judged span keeps (catalog_coarse()); all without values, or with too many. */
enum { CATALOG_SITES_OF_SERVICE = 2 * (SPAN_KIND_COUNT + 2) };

struct catalog_limits {
    uint32_t services_max;   /* Nodes of type service. */
    uint32_t peers_max;      /* All other nodes. */
    uint32_t operations_max; /* Texts. */
    uint32_t sites_max;
    size_t text_bytes_max;           /* Longer names are cut to this at a character's boundary. */
    uint32_t service_operations_max; /* Texts of one service; 0: as many as there are. */
    uint32_t sets_max;               /* Sets of values; 0: there are no dimensions. */
    uint32_t service_sets_max;       /* Of one service; 0: as many as there are. */
};

struct catalog;

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int catalog_new(const struct catalog_limits *limits, struct catalog **out_catalog);
void catalog_free(struct catalog *catalog);

/* Intern; the number is never CATALOG_NONE. Past a quota it is CATALOG_OVERFLOW and counted.
 * Returns: 0; STATUS_NOMEM (nothing changed). */
MUST_USE int catalog_text(struct catalog *catalog, struct view text, uint32_t *out_text);
MUST_USE int catalog_node(struct catalog *catalog, const struct node *node, uint32_t *out_node);
/* The text as an operation of the service: past that service's own quota, CATALOG_OVERFLOW. */
MUST_USE int catalog_operation(struct catalog *catalog, uint32_t service, struct view text,
                               uint32_t *out_text);
MUST_USE int catalog_site(struct catalog *catalog, const struct site *site, uint32_t *out_site);
/* A set of packed values (dimensions.h), none longer than catalog_cut() leaves it; empty is
 * DIMENSIONS_NONE. Past a quota, that of the service included, DIMENSIONS_OVERFLOW. */
MUST_USE int catalog_dimensions(struct catalog *catalog, uint32_t service, struct view packed,
                                uint32_t *out_set);

/* The front of a text that the catalog would keep. */
struct view catalog_cut(const struct catalog *catalog, struct view text);

/* Read by number; the result stays valid as long as the number is held. */
struct view catalog_text_at(const struct catalog *catalog, uint32_t text);
struct view catalog_dimensions_at(const struct catalog *catalog, uint32_t set); /* Packed. */
const struct node *catalog_node_at(const struct catalog *catalog, uint32_t node);
const struct site *catalog_site_at(const struct catalog *catalog, uint32_t site);

/* All sites in a row, for who reads some several times a span: number n is `[n].site`, if the reader was
 * given n. As long as the catalog. */
const struct site_entry *catalog_sites(const struct catalog *catalog);

/* Numbers of nodes are below this; some may stand for none (catalog_node_left()). */
uint32_t catalog_nodes(const struct catalog *catalog);

/* The node `user//user`. */
uint32_t catalog_user(const struct catalog *catalog);
/* The node `external//unknown`. */
uint32_t catalog_unknown(const struct catalog *catalog);

/* Note that a service has reported a span. Cheap when it is noted already. */
void catalog_mark_reported(struct catalog *catalog, uint32_t service);

/* Whether a service node has reported a span. */
bool catalog_is_reported(const struct catalog *catalog, uint32_t service);

/* The service that has reported under the name of `peer` (any type): with `has_namespace` the one
 * of that namespace too; without, the only one of that name. CATALOG_NONE: none, or several. */
uint32_t catalog_find_reported(struct catalog *catalog, uint32_t peer, bool has_namespace);

/* Names that were given back, since nothing used them any more. */
struct catalog_given {
    uint64_t services, peers, operations, sites, sets;
};

/* How full each quota is, and how often it turned a new name away. Any thread. */
struct catalog_counts {
    uint64_t services, peers, operations, sites;                                 /* in use */
    uint64_t services_refused, peers_refused, operations_refused, sites_refused; /* look-ups */
    uint64_t service_operations; /* Of the service that has most. */
    uint64_t service_operations_refused;
    uint64_t sets, sets_refused; /* Also those that found no room for their sites. */
    uint64_t service_sets, service_sets_refused; /* As of operations. */
    struct catalog_given given;
};
void catalog_read_counts(const struct catalog *catalog, struct catalog_counts *out_counts);

/* Order of two nodes: by type's name, then namespace, then name; the order of node ids. */
int node_compare(const struct node *a, const struct node *b);

/* "service", "database", "messaging", "external", "user". */
const char *node_type_name(enum node_type type);

#endif
