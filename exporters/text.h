/* text.h: the map for a terminal.
 * Is:         the exporter `text`: a tree of who calls whom from the roots on, then what was
 *             counted.
 * Invariants: every edge stands there exactly once; a node's calls are listed where it comes first,
 *             later mentions say so. Plain UTF-8 without control characters.
 * Threads:    any.
 */
#ifndef SPANMAP_EXPORTERS_TEXT_H
#define SPANMAP_EXPORTERS_TEXT_H

#include "exporters/exporter.h"

extern const struct exporter exporter_text;

#endif
