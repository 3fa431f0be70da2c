/* otlp_json_tree.h: JSON text as jansson's tree, and how to say which value of it is wrong.
 * Is:         what the readers of OTLP/JSON and of other systems' JSON share.
 * Is not:     a knowledge of any schema.
 * Threads:    pure functions; a path is plain data.
 * Memory:     the tree is bounded by a scan before it is built; json_decref() gives it back.
 * Source:     OTLP A26, A27, C16.
 */
#ifndef SPANMAP_RECEIVER_OTLP_JSON_TREE_H
#define SPANMAP_RECEIVER_OTLP_JSON_TREE_H

#include <jansson.h>
#include <stddef.h>

#include "base/status.h"
#include "base/view.h"
#include "receiver/otlp_json.h"
#include "receiver/otlp_json_scan.h"

/* From the root to the value that is looked at. */
struct otlp_json_path {
    struct otlp_json_step steps[OTLP_JSON_DEPTH_MAX];
    size_t depth;
};

/* Sets out_error in any case; on success it is empty. Returns: 0; STATUS_INVALID (no JSON, or nested
 * too deeply); STATUS_TOO_LARGE (the tree would take more than `tree_bytes_max`); STATUS_NOMEM. */
MUST_USE int otlp_json_load(struct view text, size_t tree_bytes_max, json_t **out_root,
                            struct otlp_json_error *out_error);

/* The same of any value, not only of an object or an array. */
MUST_USE int otlp_json_load_any(struct view text, size_t tree_bytes_max, json_t **out_value,
                                struct otlp_json_error *out_error);

/* Writes "path: what". Returns STATUS_INVALID. */
int otlp_json_fail(const struct otlp_json_path *path, const char *what,
                   struct otlp_json_error *error);

#endif
