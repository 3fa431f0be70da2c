/* map_style.h: how the map looks, whatever draws it.
 * Is:         colours of types and of error shares in both themes, widths by rate, and words for them.
 * Invariants: types differ in shape as well as in colour. Lines have a contrast of 3 to the paper at
 *             least, texts one of 4.5 to what they stand on, in both themes; lines of different
 *             meaning differ in lightness too, so that they are told apart without red and green.
 * Threads:    constant tables.
 */
#ifndef SPANMAP_EXPORTERS_MAP_STYLE_H
#define SPANMAP_EXPORTERS_MAP_STYLE_H

#include <stddef.h>
#include <stdint.h>

#include "exporters/map_graph.h"
#include "topology/catalog.h"

/* How much of what was asked failed. */
enum map_alarm { ALARM_NONE, ALARM_FEW, ALARM_SOME, ALARM_MANY, ALARM_COUNT };

struct alarm_style {
    const char *name;   /* A class in the SVG. */
    const char *legend; /* "no errors", "under 1%" ... */
    const char *colour;
};

struct type_style {
    const char *legend;
    const char *fill;
    const char *stroke;
    const char *shape; /* Graphviz's words, also below. */
    const char *style;
    const char *fillcolor; /* What `fill` is to the style: a queue has stripes. */
    const char *margin;    /* NULL: as all others. */
};

#define STYLE_PAPER "#ffffff"
#define STYLE_INK "#1f2328"
#define STYLE_FAINT "#59636e"
#define STYLE_FRAME "#87909a"
#define STYLE_SHADE "#f6f8fa"

const struct type_style *map_type_style(enum node_type type);
const struct type_style *map_node_style(const struct map_node *node);
const struct alarm_style *map_alarm_style(enum map_alarm alarm);

enum map_alarm map_alarm_of(uint64_t failed, uint64_t requests);

/* Tenths of a point. `requests_max` is the busiest edge's; both are sums of weights. */
unsigned map_width_tenths(const struct map_graph *graph, uint64_t requests, uint64_t requests_max);

/* A colour of any table here, on a dark page. */
struct dark_colour {
    const char *light;
    const char *dark;
};
extern const struct dark_colour map_dark_colours[];
extern const size_t map_dark_colours_count;

/* What a colour is in a theme. */
const char *map_theme_colour(enum map_theme theme, const char *colour);

/* A text of ours, with all its colours as they are in a theme. Failures stick. */
void map_theme_append(enum map_theme theme, const char *text, struct buf *out);

#endif
