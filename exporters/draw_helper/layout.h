/* layout.h: dot's layout of a map that must not be much higher than it is wide.
 * Is:         one layout, moved apart in width where it has to be; `spanmap_height_max` of the graph
 *             says how high it may be, as a share of the width.
 * Invariants: a map that is wide enough is laid out as if nothing had been said.
 */
#ifndef SPANMAP_EXPORTERS_DRAW_HELPER_LAYOUT_H
#define SPANMAP_EXPORTERS_DRAW_HELPER_LAYOUT_H

#include <stdbool.h>

#include <gvc.h>

/* Returns: whether there is a layout. */
bool layout(GVC_t *gvc, Agraph_t *graph);

/* In points; of a graph that has a layout. */
double layout_width(Agraph_t *graph);
double layout_height(Agraph_t *graph);

#endif
