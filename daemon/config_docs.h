/* config_docs.h: what users read about the options, made from their table.
 * Is:         the list of --help, docs/CONFIGURATION.md, deploy/spanmap.example.yaml. A test
 *             compares the two files, so that they cannot drift (`make docs` writes them).
 */
#ifndef SPANMAP_ENGINE_CONFIG_DOCS_H
#define SPANMAP_ENGINE_CONFIG_DOCS_H

#include "base/buf.h"
#include "base/status.h"

/* Each returns: 0; STATUS_NOMEM. */
MUST_USE int config_docs_help(struct buf *out);      /* One option a line, or two. */
MUST_USE int config_docs_reference(struct buf *out); /* Markdown. */
MUST_USE int config_docs_example(struct buf *out);   /* YAML: all defaults, with comments. */

#endif
