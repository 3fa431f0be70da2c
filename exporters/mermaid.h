/* mermaid.h: the map for Markdown.
 * Is:         the exporter `mermaid`: a flowchart as GitHub, GitLab and others draw it.
 * Threads:    any.
 */
#ifndef SPANMAP_EXPORTERS_MERMAID_H
#define SPANMAP_EXPORTERS_MERMAID_H

#include "exporters/exporter.h"

extern const struct exporter exporter_mermaid;

#endif
