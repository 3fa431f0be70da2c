/* dot_priv.h: what the files that write Graphviz's language share.
 * Is:         the drawing in the making, and writers of literals and of table cells, which no name can
 *             leave.
 * Threads:    one drawing, one thread.
 */
#ifndef SPANMAP_EXPORTERS_DOT_PRIV_H
#define SPANMAP_EXPORTERS_DOT_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "exporters/map_graph.h"

struct drawing {
    struct map_graph graph;
    struct buf text;  /* What is being said, before it is escaped. */
    struct buf plain; /* Half escaped. */
    struct buf *out;
    enum map_figure figure;
    enum map_theme theme;
    uint64_t requests_max; /* Of a line. */
    size_t lines_count;
    unsigned legend_points; /* More where the picture is large. */
    bool labels;            /* Edges have theirs. */
    bool others_lines;      /* Those of the others are drawn. */
    int status;             /* The first failure of `text` or `plain`. */
};

#define DOT_TABLE_BEGIN "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\">"

/* Empties one of the drawing's two texts, so that its next can be said. */
struct buf *dot_anew(struct drawing *drawing, struct buf *text);

/* What one of our colours is in the drawing's theme. */
const char *dot_colour(const struct drawing *drawing, const char *colour);

/* "...": a name is taken as it is; a tooltip's escapes are read twice (see there). */
void dot_quoted(struct drawing *drawing, struct view name);
void dot_tooltip(struct drawing *drawing, struct view text);

/* A plain text inside of <...>. */
void dot_html(struct drawing *drawing, struct view text);

/* An id, as dot.h writes it. */
void dot_encoded(struct buf *out, struct view id);

/* The name of a node in the text: its id, which two hostile nodes may share. */
void dot_node_name(struct drawing *drawing, uint32_t index);

/* How a text is written. */
struct writing {
    unsigned points;
    bool bold;
    const char *colour; /* One of ours; the theme is seen to. */
};

/* How many points wide and high its cell is at least. */
unsigned dot_cell_width(const struct writing *writing, struct view text);
unsigned dot_cell_height(const struct writing *writing);

/* A cell with a text in its middle. */
void dot_cell(struct drawing *drawing, const struct writing *writing, struct view text);

/* The graph's own label. */
void dot_legend(struct drawing *drawing);

#endif
