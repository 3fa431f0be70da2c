/* naming.h: from the names that a span brings to the site it belongs to.
 * Is:         the kind of call (N2), the name of the callee (N3), rewriting and CIDR (N4), the keys
 *             under which it may be learned (N5), the template of an operation (section 3), derived
 *             errors (E13).
 * Threads:    a struct naming is immutable after init and may be used by any number of threads.
 * Memory:     owns its compiled rules. Results borrow from the input or from the scratch buffer.
 * Source:     TOPOLOGY N2-N5, E13, section 3; spec SEMCONV.
 */
#ifndef SPANMAP_TOPOLOGY_NAMING_H
#define SPANMAP_TOPOLOGY_NAMING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"
#include "topology/attributes.h"
#include "topology/catalog.h"
#include "topology/span.h"

/* Rules as configured; all arrays may be empty. Borrowed during init only. */
struct naming_rule {
    struct view match;   /* cidr: a prefix such as 10.0.0.0/8; rewrite: a PCRE2 pattern */
    struct view replace; /* the name; in a rewrite $1, ${name} stand for groups */
};

struct naming_options {
    const struct naming_rule *cidr;
    size_t cidr_count;
    const struct naming_rule *rewrite; /* The first that fits is applied, to peer names. */
    size_t rewrite_count;
    const struct view *peer_order; /* names.peer_order; empty: the order of N3, which in words is
                                    * destination, lesson, peer, rpc_service, address, url_host,
                                    * db_namespace, address_port, db_system, messaging_system. */
    size_t peer_order_count;
    bool derive_errors; /* topology.derive_errors */
};

struct naming;

/* On failure out_error gets one sentence that says what and which rule; at most 255 bytes.
 * Returns: 0; STATUS_INVALID (a rule does not compile); STATUS_NOMEM. */
MUST_USE int naming_new(const struct naming_options *options, char out_error[256],
                        struct naming **out_naming);
void naming_free(struct naming *naming);

/* When the host of a URL may name a callee: always, where server.address is no name, or never. */
enum naming_url { NAMING_URL_ALWAYS, NAMING_URL_WITHOUT_NAME, NAMING_URL_NEVER };

enum naming_url naming_url(const struct naming *naming);

/* What names one span has. */
struct naming_input {
    const struct attributes *resource;
    const struct attributes *span;
    struct view name;
    enum span_kind kind;       /* As it came. */
    const struct view *values; /* Of dimensions, by their number; naming_site() alone reads them. */
    size_t values_count;
};

enum span_kind naming_kind_of_operation(const struct attributes *span, enum span_kind kind);

/* E8: the kind that counts: a CLIENT that sends is a PRODUCER, one that receives a CONSUMER, and
 * what settles is INTERNAL. */
static inline enum span_kind naming_kind(const struct attributes *span, enum span_kind kind)
{
    return attribute_is_present(span, ATTRIBUTE_MESSAGING_OPERATION)
               ? naming_kind_of_operation(span, kind)
               : kind;
}

/* What they mean. Interned by the caller. */
struct naming_result {
    struct node service;
    struct view operation; /* Templated. */
    enum call_kind call;
    bool has_peer;
    struct node peer; /* Where an unanswered call goes. */
    bool peer_by_name;
    bool peer_has_namespace;
    bool has_peer_else; /* The peer goes by the caller's own name: this goes instead if it is it. */
    struct node peer_else;
    bool peer_else_by_name;
    uint64_t address_key; /* Of a CLIENT span, where the order has lessons (catalog.h). */
    uint64_t rpc_key;
    uint8_t lesson_place;
    bool has_destination;
    struct node destination; /* Type messaging. */
    struct view group;       /* Of a CONSUMER; empty: none. */
    bool is_receive;
};

/* `scratch` is reset and holds what had to be built; results may point into it.
 * Returns: 0; STATUS_NOMEM. */
MUST_USE int naming_resolve(const struct naming *naming, const struct naming_input *input,
                            struct buf *scratch, struct naming_result *out_result);

/* Whether naming_status() may find another status than a span's own: E13's derivation is switched on. */
bool naming_derives_errors(const struct naming *naming);

/* The status of a span whose own is `status`. */
enum span_status naming_status(const struct naming *naming, const struct attributes *span,
                               enum span_kind kind, enum span_status status);

/* naming_resolve() and interning in one: the site of a span. Returns: 0; STATUS_NOMEM. */
MUST_USE int naming_site(const struct naming *naming, struct catalog *catalog,
                         const struct naming_input *input, struct buf *scratch, uint32_t *out_site);

#endif
