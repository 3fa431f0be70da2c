/* naming_template.h: one operation for all span names that differ in an id only.
 * Threads:    a pure function.
 * Source:     TOPOLOGY section 3.
 */
#ifndef SPANMAP_TOPOLOGY_NAMING_TEMPLATE_H
#define SPANMAP_TOPOLOGY_NAMING_TEMPLATE_H

#include "base/buf.h"
#include "base/view.h"
#include "topology/naming_text.h"

/* What naming_template() appends at most. */
enum { NAMING_TEMPLATE_MAX = NAMING_TEXT_MAX * 4 };

/* What a clean span name becomes:
 *   a path, alone or behind an HTTP method, with a route: the route in its place;
 *   a name with a '/' in it: {id} for each id, number and UUID, and neither query nor credentials;
 *   another: itself.
 * `name` and `route` are at most NAMING_TEXT_MAX long; the caller has reserved room in `into`. */
struct view naming_template(struct view name, struct view route, struct buf *into);

#endif
