/* plugins.h: a Graphviz context with just the plugins that a map needs.
 * Is:         the list of plugins, found beside libgvc and loaded by name.
 * Why:        Graphviz's own way reads a configuration file that names what to load
 *             (CVE-2023-46045), and loads text shaping and image formats that an SVG does not need.
 */
#ifndef SPANMAP_EXPORTERS_DRAW_HELPER_PLUGINS_H
#define SPANMAP_EXPORTERS_DRAW_HELPER_PLUGINS_H

#include <stdbool.h>

#include <gvc.h>

/* `with_pango`: also what writes PNG and PDF. Falls back on the configuration file where no plugin
 * is found. NULL: Graphviz does not start. */
GVC_t *plugins_context(bool with_pango);

#endif
