/* text_width.h: how wide Graphviz takes a text to be.
 * Is:         the sum of Helvetica's widths, byte by byte.
 * Is not:     what a browser makes of it: its font may be a seventh wider, a bold one a quarter.
 * Threads:    any; pure.
 */
#ifndef SPANMAP_EXPORTERS_TEXT_WIDTH_H
#define SPANMAP_EXPORTERS_TEXT_WIDTH_H

#include "base/view.h"

/* In points, for a text of that size. */
double text_width(struct view text, double points);

#endif
