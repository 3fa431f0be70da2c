/* layout.c: how high a map is shows only at the end of its layout, and `ratio`, which mends it, has to
 * be there when it begins. A second layout costs as much as the first, so dot is asked for its ranks
 * alone first, which is a tenth of the work. They bound the height from below and the width about
 * from above: most maps that are too high are so by far, and get their `ratio` at once. For the
 * others the first layout decides, as if nobody had looked.
 */
#include "exporters/draw_helper/layout.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
    POINTS = 72, /* An inch. */
    RANKS_MAX = 1 << 16,
    FRAMES = 32, /* What clusters' frames and the margin may add to the width. */
};

/* What is in a rank; the map goes from left to right, so that a rank is a column. */
struct rank {
    double width;
    double height;
};

double layout_width(Agraph_t *graph)
{
    return GD_bb(graph).UR.x - GD_bb(graph).LL.x;
}

double layout_height(Agraph_t *graph)
{
    return GD_bb(graph).UR.y - GD_bb(graph).LL.y;
}

/* What passes through or lies in a column, with what dot keeps free beside it. */
static void add(struct rank *rank, double width, double height)
{
    rank->width = fmax(rank->width, width);
    rank->height += height;
}

/* A line takes room in every column on its way; several from node to node may share theirs. */
static void add_line(Agraph_t *graph, Agedge_t *edge, struct rank *ranks)
{
    int tail = ND_rank(agtail(edge));
    int head = ND_rank(aghead(edge));
    int first = tail < head ? tail : head;
    int last = tail < head ? head : tail;
    const textlabel_t *label = ED_label(edge);

    if (label != NULL && first != last)
        add(&ranks[(first + last) / 2], label->dimen.x, 0);
    if (AGMKOUT(agedge(graph, agtail(edge), aghead(edge), NULL, 0)) != edge)
        return;
    for (int i = first + 1; i < last; i++)
        add(&ranks[i], 0, 2 * GD_nodesep(graph));
}

static int count_ranks(Agraph_t *graph)
{
    int count = 0;

    for (Agnode_t *node = agfstnode(graph); node != NULL; node = agnxtnode(graph, node)) {
        if (ND_rank(node) < 0 || ND_rank(node) >= RANKS_MAX)
            return 0;
        if (ND_rank(node) >= count)
            count = ND_rank(node) + 1;
    }
    return count;
}

/* Whether a graph that has its ranks is sure to become higher than `ratio` of its width. */
static bool is_high(Agraph_t *graph, double ratio)
{
    int count = count_ranks(graph);
    struct rank *ranks = count != 0 ? mem_calloc((size_t)count, sizeof(*ranks)) : NULL;
    double width = FRAMES;
    double height = 0;

    if (ranks == NULL)
        return false;
    for (Agnode_t *node = agfstnode(graph); node != NULL; node = agnxtnode(graph, node)) {
        add(&ranks[ND_rank(node)], ND_width(node) * POINTS,
            ND_height(node) * POINTS + GD_nodesep(graph));
        for (Agedge_t *edge = agfstout(graph, node); edge != NULL; edge = agnxtout(graph, edge))
            add_line(graph, edge, ranks);
    }
    for (int i = 0; i < count; i++) {
        width += ranks[i].width + GD_ranksep(graph);
        height = fmax(height, ranks[i].height - GD_nodesep(graph));
    }
    mem_free(ranks);
    if (GD_label(graph) != NULL)
        width = fmax(width, GD_label(graph)->dimen.x);
    return height > ratio * width;
}

static bool set(Agraph_t *graph, const char *name, const char *value)
{
    return agsafeset(graph, (char *)(uintptr_t)name, (char *)(uintptr_t)value,
                     (char *)(uintptr_t) "") == 0;
}

static bool lay_out(GVC_t *gvc, Agraph_t *graph)
{
    return gvLayout(gvc, graph, "dot") == 0;
}

/* The ranks alone. A Graphviz that does not know `phase` lays all of it out. */
static bool is_high_by_ranks(GVC_t *gvc, Agraph_t *graph, double ratio, bool *out_high)
{
    if (!set(graph, "phase", "1") || !lay_out(gvc, graph))
        return false;
    *out_high = is_high(graph, ratio);
    return gvFreeLayout(gvc, graph) == 0 && set(graph, "phase", "");
}

bool layout(GVC_t *gvc, Agraph_t *graph)
{
    const char *wanted = agget(graph, (char *)(uintptr_t) "spanmap_height_max");
    double ratio = wanted != NULL ? strtod(wanted, NULL) : 0;
    bool high;

    if (!(ratio > 0))
        return lay_out(gvc, graph);
    if (!is_high_by_ranks(gvc, graph, ratio, &high))
        return false;
    if (!high) {
        if (!lay_out(gvc, graph))
            return false;
        if (layout_height(graph) <= ratio * layout_width(graph))
            return true;
        if (gvFreeLayout(gvc, graph) != 0)
            return false;
    }
    return set(graph, "ratio", wanted) && lay_out(gvc, graph);
}
