/* map_figure.c: one row a figure. */
#include "exporters/map_figure.h"

#include "base/check.h"
#include "exporters/map_change.h"
#include "exporters/map_text.h"
#include "topology/span.h"

struct row {
    const char *name;
    const char *unit;
    const char *legend;
    double quantile; /* 0: it is no duration. */
    const char *const *words;
    const double *bounds; /* A level ends where the next begins. */
};

static const char *const rate_words[FIGURE_LEVELS] = {"under 1/s", "1 to 10/s", "10 to 100/s",
                                                      "over 100/s"};
static const double rate_bounds[FIGURE_LEVELS - 1] = {1, 10, 100};
static const char *const seconds_words[FIGURE_LEVELS] = {"under 10 ms", "10 to 100 ms",
                                                         "0.1 to 1 s", "over 1 s"};
static const double seconds_bounds[FIGURE_LEVELS - 1] = {0.01, 0.1, 1};

static const struct row rows[FIGURE_COUNT] = {
    [FIGURE_ALL] = {"", "", "rate, share of errors, p95", 0, NULL, NULL},
    [FIGURE_RATE] = {"rate", "requests a second", "rate", 0, rate_words, rate_bounds},
    [FIGURE_ERRORS] = {"errors", "share", "share of errors", 0, NULL, NULL},
    [FIGURE_P50] = {"p50", "seconds", "p50 of durations", 0.5, seconds_words, seconds_bounds},
    [FIGURE_P95] = {"p95", "seconds", "p95 of durations", 0.95, seconds_words, seconds_bounds},
    [FIGURE_P99] = {"p99", "seconds", "p99 of durations", 0.99, seconds_words, seconds_bounds},
    [FIGURE_NETWORK] = {"network", "seconds", "p95 of the time on the network", 0.95, seconds_words,
                        seconds_bounds},
    [FIGURE_QUEUE] = {"queue", "seconds", "p95 of the time in the queue", 0.95, seconds_words,
                      seconds_bounds},
};

static const char *const colours[FIGURE_LEVELS] = {"#6f8fc7", "#2f66c4", "#173f86", "#071a45"};

/* Of what was not observed. */
#define UNKNOWN_COLOUR STYLE_FRAME

static const struct row *row_of(enum map_figure figure)
{
    CHECK(figure < FIGURE_COUNT);
    return &rows[figure];
}

const char *map_figure_name(enum map_figure figure)
{
    return row_of(figure)->name;
}

const char *map_figure_unit(enum map_figure figure)
{
    return row_of(figure)->unit;
}

const char *map_figure_legend(enum map_figure figure)
{
    return row_of(figure)->legend;
}

static double share_of(uint64_t failed, uint64_t requests)
{
    return requests != 0 ? (double)failed / (double)requests : -1;
}

static double quantile_of(const struct histogram *seconds, double q)
{
    return seconds != NULL && seconds->count != 0 ? histogram_quantile(seconds, q) : -1;
}

static const struct histogram *durations_of(const struct map_edge *edge, enum map_figure figure)
{
    return figure == FIGURE_NETWORK ? edge->from->network_seconds
           : figure == FIGURE_QUEUE ? edge->from->messaging_seconds
                                    : map_text_seconds(edge);
}

double map_figure_value(const struct map_graph *graph, const struct map_edge *edge,
                        enum map_figure figure)
{
    if (figure == FIGURE_ERRORS)
        return share_of(edge->from->failed, edge->from->requests);
    if (row_of(figure)->quantile > 0)
        return quantile_of(durations_of(edge, figure), row_of(figure)->quantile);
    return map_graph_rate(map_change_side(graph, edge->change), edge->from->requests);
}

struct human map_figure_text(const struct map_graph *graph, const struct map_edge *edge,
                             enum map_figure figure)
{
    if (figure == FIGURE_ERRORS)
        return human_share(edge->from->failed, edge->from->requests);
    if (row_of(figure)->quantile > 0)
        return map_text_quantile(durations_of(edge, figure), row_of(figure)->quantile);
    return map_text_rate(map_change_side(graph, edge->change), edge->from->requests);
}

bool map_figure_of_nodes(enum map_figure figure)
{
    return figure != FIGURE_ALL && figure != FIGURE_NETWORK && figure != FIGURE_QUEUE;
}

struct human map_figure_node_text(const struct map_graph *graph, const struct map_node *node,
                                  enum map_figure figure)
{
    if (figure == FIGURE_ERRORS)
        return human_share(node->failed, node->requests);
    if (row_of(figure)->quantile > 0)
        return map_text_quantile(node->seconds, row_of(figure)->quantile);
    return map_text_rate(map_change_side(graph, node->change), node->requests);
}

struct figure_level map_figure_level(enum map_figure figure, unsigned level)
{
    const struct row *row = row_of(figure);

    CHECK(level < FIGURE_LEVELS);
    if (row->words == NULL) {
        const struct alarm_style *alarm = map_alarm_style((enum map_alarm)level);
        return (struct figure_level){alarm->legend, alarm->colour};
    }
    return (struct figure_level){row->words[level], colours[level]};
}

unsigned map_figure_level_of(const struct map_graph *graph, const struct map_edge *edge,
                             enum map_figure figure)
{
    const struct row *row = row_of(figure);
    double value = map_figure_value(graph, edge, figure);
    unsigned level = 0;

    if (row->bounds == NULL)
        return (unsigned)map_alarm_of(edge->from->failed, edge->from->requests);
    while (level + 1 < FIGURE_LEVELS && value >= row->bounds[level])
        level++;
    return level;
}

const char *map_figure_colour(const struct map_graph *graph, const struct map_edge *edge,
                              enum map_figure figure)
{
    if (graph->past != NULL)
        return map_change_style(edge->change)->colour;
    if (figure != FIGURE_ALL && map_figure_value(graph, edge, figure) < 0)
        return UNKNOWN_COLOUR;
    return map_figure_level(figure, map_figure_level_of(graph, edge, figure)).colour;
}

unsigned map_figure_width(const struct map_graph *graph, const struct map_edge *edge,
                          enum map_figure figure, uint64_t requests_max)
{
    if (figure == FIGURE_ALL || figure == FIGURE_RATE)
        return map_width_tenths(graph, edge->from->requests, requests_max);
    if (map_figure_value(graph, edge, figure) < 0)
        return 10;
    return 12 + 13 * map_figure_level_of(graph, edge, figure);
}
