/* map_figure.h: the one figure that a picture shows on its edges.
 * Is:         the option `figure`: its value, its text, and one of few levels that have a colour and a
 *             width, with the words of a legend.
 * Invariants: levels are fixed, so that a picture taken now and one taken later are coloured alike;
 *             they differ in lightness, so that they are told apart without hues.
 * Threads:    pure, and constant tables.
 */
#ifndef SPANMAP_EXPORTERS_MAP_FIGURE_H
#define SPANMAP_EXPORTERS_MAP_FIGURE_H

#include "exporters/exporter.h"
#include "exporters/human.h"
#include "exporters/map_graph.h"
#include "exporters/map_style.h"

enum { FIGURE_LEVELS = 4 };

/* The word of the option; "" for FIGURE_ALL. */
const char *map_figure_name(enum map_figure figure);

/* "requests a second", "share", "seconds": of map_figure_value(). */
const char *map_figure_unit(enum map_figure figure);

/* What a legend says of it: "p99 of durations". */
const char *map_figure_legend(enum map_figure figure);

/* Of an edge on its own side of a comparison; below zero: not observed. */
double map_figure_value(const struct map_graph *graph, const struct map_edge *edge,
                        enum map_figure figure);
struct human map_figure_text(const struct map_graph *graph, const struct map_edge *edge,
                             enum map_figure figure);

/* Likewise of a node, where it has the figure: delays belong to edges. */
bool map_figure_of_nodes(enum map_figure figure);
struct human map_figure_node_text(const struct map_graph *graph, const struct map_node *node,
                                  enum map_figure figure);

struct figure_level {
    const char *legend; /* "under 10 ms" */
    const char *colour;
};

/* FIGURE_LEVELS of them, the least first; for errors, and where none was asked for, the alarms. */
struct figure_level map_figure_level(enum map_figure figure, unsigned level);
unsigned map_figure_level_of(const struct map_graph *graph, const struct map_edge *edge,
                             enum map_figure figure);

/* Colour and width (tenths of a point) of an edge's line; `requests_max` is that of the busiest. */
const char *map_figure_colour(const struct map_graph *graph, const struct map_edge *edge,
                              enum map_figure figure);
unsigned map_figure_width(const struct map_graph *graph, const struct map_edge *edge,
                          enum map_figure figure, uint64_t requests_max);

#endif
