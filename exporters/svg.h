/* svg.h: makes Graphviz's SVG fit for pages.
 * Is:         one pass over what Graphviz wrote: the XML header, the DOCTYPE and all comments go,
 *             tooltips become <title>, a style for dark pages comes in.
 * Invariants: nothing is taken on that Graphviz did not end; no link is in the result.
 * Threads:    any; pure.
 */
#ifndef SPANMAP_EXPORTERS_SVG_H
#define SPANMAP_EXPORTERS_SVG_H

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"
#include "exporters/exporter.h"

/* Returns: 0; STATUS_INVALID (not a whole SVG); else as buf_append(). */
MUST_USE int svg_finish(struct view drawn, enum map_theme theme, struct buf *out);

/* The text inside of the <style> element that svg_finish() writes; the same every time for a theme. */
int svg_style(enum map_theme theme, struct buf *out);

#endif
