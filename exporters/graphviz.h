/* graphviz.h: the exporters of pictures: svg, png, pdf.
 * Is:         dot.h's description, drawn by the helper (draw.h).
 * Threads:    any; a call blocks for as long as the helper draws.
 */
#ifndef SPANMAP_EXPORTERS_GRAPHVIZ_H
#define SPANMAP_EXPORTERS_GRAPHVIZ_H

#include "exporters/exporter.h"

extern const struct exporter exporter_svg;
extern const struct exporter exporter_png;
extern const struct exporter exporter_pdf;

#endif
