/* dot.h: the map in Graphviz's language.
 * Is:         the text of `map --format dot`, and what the drawing helper draws.
 * Invariants: deterministic to the byte; no name can end the literal it stands in, none is
 *             interpreted (\N, &entities;, HTML), none becomes a link.
 *
 * Groups of the drawn SVG have these ids, by which a page finds what was clicked:
 *
 *   node:TYPE/NAMESPACE/NAME             node:service//checkout
 *   edge:CLIENT|SERVER|CONNECTION_TYPE   edge:service//a|service//b|
 *
 * CLIENT and SERVER are ids of nodes. In ids every byte but A-Z a-z 0-9 - . _ ~ / is written %XX
 * (capital hexadecimal digits of the UTF-8 bytes). Classes are `node` and the node's type, or `edge`
 * and how much failed (fine, few, some, many); clusters stand for namespaces.
 *
 * Threads:    any.
 * Source:     EXPORT G.
 */
#ifndef SPANMAP_EXPORTERS_DOT_H
#define SPANMAP_EXPORTERS_DOT_H

#include "exporters/exporter.h"

extern const struct exporter exporter_dot;

/* As exporter.render. */
int dot_render(const struct export_input *input, char out_error[256], struct buf *out);

#endif
