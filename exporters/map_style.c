/* map_style.c: errors go from grey over orange to a dark red, ever darker (on dark, ever lighter).
 */
#include "exporters/map_style.h"

#include <math.h>
#include <string.h>

#include "base/check.h"

static const struct type_style types[NODE_TYPE_COUNT] = {
    [NODE_SERVICE] = {"service", "#e7f0fb", "#3874b5", "box", "rounded,filled", "#e7f0fb", NULL},
    [NODE_DATABASE] = {"database", "#e2f3ee", "#1f806a", "cylinder", "filled", "#e2f3ee", NULL},
    [NODE_MESSAGING] = {"queue", "#f4ecf9", "#8250a8", "box", "striped",
                        "#dcc8ea;0.05:#e9dbf3;0.05:#f4ecf9;0.8:#e9dbf3;0.05:#dcc8ea;0.05",
                        "0.2,0.06"},
    [NODE_EXTERNAL] = {"external", "#f3f3f3", "#6e7781", "box", "filled,dashed", "#f3f3f3", NULL},
    [NODE_USER] = {"user", "#fff5d6", "#9a7700", "ellipse", "filled", "#fff5d6", NULL},
};

/* What stands for several nodes. */
static const struct type_style group = {"cluster", "#eaeef2", "#57606a", "folder",
                                        "filled",  "#eaeef2", NULL};
static const struct type_style others = {
    "others", "#ffffff", "#57606a", "box", "rounded,filled,dotted", "#ffffff", NULL};

static const struct alarm_style alarms[ALARM_COUNT] = {
    [ALARM_NONE] = {"fine", "no errors", "#828baa"},
    [ALARM_FEW] = {"few", "under 1%", "#c66f00"},
    [ALARM_SOME] = {"some", "1 to 5%", "#9c2006"},
    [ALARM_MANY] = {"many", "5% and more", "#560021"},
};

const struct dark_colour map_dark_colours[] = {
    {STYLE_PAPER, "#0d1117"}, {STYLE_INK, "#e6edf3"},   {STYLE_FAINT, "#9da7b3"},
    {STYLE_FRAME, "#656d76"}, {STYLE_SHADE, "#151b23"}, {"#e7f0fb", "#12263f"},
    {"#3874b5", "#6ca6e8"},   {"#e2f3ee", "#0f2e27"},   {"#1f806a", "#4fb99f"},
    {"#f4ecf9", "#2b1c38"},   {"#e9dbf3", "#372547"},   {"#dcc8ea", "#4a3360"},
    {"#8250a8", "#b98ddb"},   {"#f3f3f3", "#22272e"},   {"#6e7781", "#8b949e"},
    {"#fff5d6", "#332a0d"},   {"#9a7700", "#d9b13b"},   {"#eaeef2", "#21262d"},
    {"#57606a", "#a0aab4"}, /* What stands for several. */
    {"#828baa", "#60709f"}, /* Errors. */
    {"#c66f00", "#9d7300"},   {"#9c2006", "#ffad45"},   {"#560021", "#ffe0d8"},
    {"#2458e6", "#2f7bff"}, /* Changes. */
    {"#4b4550", "#a3cfe8"},   {"#8a1000", "#ffcbb6"},   {"#d96c14", "#c76b02"},
    {"#7e9190", "#6b6870"},   {"#6f8fc7", "#3f6fb5"}, /* Levels of a figure. */
    {"#2f66c4", "#6fa5e8"},   {"#173f86", "#abd0fb"},   {"#071a45", "#f2f8ff"},
};
const size_t map_dark_colours_count = sizeof(map_dark_colours) / sizeof(map_dark_colours[0]);

const char *map_theme_colour(enum map_theme theme, const char *colour)
{
    for (size_t i = 0; theme == THEME_DARK && i < map_dark_colours_count; i++)
        if (strcmp(map_dark_colours[i].light, colour) == 0)
            return map_dark_colours[i].dark;
    return colour;
}

void map_theme_append(enum map_theme theme, const char *text, struct buf *out)
{
    enum { COLOUR = 7 };

    while (*text != '\0') {
        char colour[COLOUR + 1] = "";
        size_t size = strcspn(text, "#");
        (void)buf_append(out, text, size);
        text += size;
        if (*text == '\0')
            break;
        memcpy(colour, text, strnlen(text, COLOUR));
        (void)buf_append_text(out, map_theme_colour(theme, colour));
        text += strlen(colour);
    }
}

const struct type_style *map_type_style(enum node_type type)
{
    CHECK(type < NODE_TYPE_COUNT);
    return &types[type];
}

const struct type_style *map_node_style(const struct map_node *node)
{
    return node->kind == MAP_GROUP    ? &group
           : node->kind == MAP_OTHERS ? &others
                                      : map_type_style(node->from->node.type);
}

const struct alarm_style *map_alarm_style(enum map_alarm alarm)
{
    CHECK(alarm < ALARM_COUNT);
    return &alarms[alarm];
}

enum map_alarm map_alarm_of(uint64_t failed, uint64_t requests)
{
    double share;

    if (failed == 0 || requests == 0)
        return ALARM_NONE;
    share = (double)failed / (double)requests;
    return share < 0.01 ? ALARM_FEW : share < 0.05 ? ALARM_SOME : ALARM_MANY;
}

/* Relative to the busiest edge, on a logarithm, so that the main roads of a quiet map show as well;
 * how wide the busiest is depends on its rate, or one lone edge would always be a motorway. */
unsigned map_width_tenths(const struct map_graph *graph, uint64_t requests, uint64_t requests_max)
{
    const double spread = 50; /* A 50th of the busiest is as good as thin. */
    double rate_max = map_graph_rate(graph, requests_max);
    double widest = 2 + log10(1 + (rate_max > 0 ? rate_max : 1) * 10);
    double share = requests_max != 0 ? (double)requests / (double)requests_max : 0;

    if (widest > 6)
        widest = 6;
    return (unsigned)lround(10 * (1 + (widest - 1) * log1p(spread * share) / log1p(spread)));
}
