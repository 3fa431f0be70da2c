/* naming_rules.h: the configured rules for names, compiled.
 * Is:         addresses collapsed by prefix (the longest that fits) and names rewritten by regular
 *             expression (the first that fits).
 * Threads:    immutable after init; any number of threads.
 * Memory:     owns copies of all texts. A match is bounded by MATCH_LIMIT steps.
 * Source:     TOPOLOGY N4.
 */
#ifndef SPANMAP_TOPOLOGY_NAMING_RULES_H
#define SPANMAP_TOPOLOGY_NAMING_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"
#include "topology/naming.h"
#include "topology/naming_text.h"

/* What naming_rules_rewrite() appends at most. */
enum { NAMING_REWRITE_MAX = NAMING_TEXT_MAX };

struct naming_prefix;
struct naming_pattern;

struct naming_rules {
    struct naming_prefix *prefixes;
    size_t prefixes_count;
    struct naming_pattern *patterns;
    size_t patterns_count;
};

/* On failure out_error says which rule and why. Returns: 0; STATUS_INVALID; STATUS_NOMEM. */
MUST_USE int naming_rules_init(struct naming_rules *rules, const struct naming_options *options,
                               char out_error[256]);
void naming_rules_release(struct naming_rules *rules);

/* The name that stands for this address; empty: no prefix fits. */
struct view naming_rules_collapse(const struct naming_rules *rules, const struct naming_ip *ip);

/* Applies the first pattern that fits a clean name; the name itself where none does. A pattern
 * that takes too many steps does not fit. The caller has reserved NAMING_REWRITE_MAX bytes.
 * Returns: 0; STATUS_NOMEM. */
MUST_USE int naming_rules_rewrite(const struct naming_rules *rules, struct view name,
                                  struct buf *into, struct view *out_name);

#endif
