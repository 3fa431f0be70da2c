/* map_options.c: one row an option, one function each. */
#include "exporters/map_options.h"

#include <ctype.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/quantity.h"
#include "exporters/escape.h"
#include "exporters/map_graph.h"

enum { TEXT_IN_ERROR = 48 };

/* "is one of a, b or c, not 'd'"; a text that a stranger chose is made plain. */
static int refuse(char out_error[256], const char *what, struct view text)
{
    struct buf plain;

    buf_init(&plain, 0);
    (void)escape_cut(&plain, text, TEXT_IN_ERROR); /* Without memory the text stays away. */
    (void)export_fail(out_error, 0, "%s, not '%.*s'", what, (int)plain.size,
                      plain.size != 0 ? plain.data : "");
    buf_release(&plain);
    return STATUS_INVALID;
}

/* Digits alone, from 1 to `most`. */
static bool parse_count(struct view text, unsigned most, unsigned *out_count)
{
    uint64_t count = 0;
    bool valid = text.size != 0 && text.size <= 9;

    for (size_t i = 0; valid && i < text.size; i++) {
        valid = isdigit((unsigned char)text.data[i]) != 0;
        count = count * 10 + (unsigned)(text.data[i] - '0');
    }
    if (!valid || count == 0 || count > most)
        return false;
    *out_count = (unsigned)count;
    return true;
}

static int set_focus(struct view text, char out_error[256], struct export_options *options)
{
    (void)out_error; /* Whether it is there is known with the map. */
    options->focus = text;
    return 0;
}

static int set_depth(struct view text, char out_error[256], struct export_options *options)
{
    if (parse_count(text, MAP_DEPTH_MAX, &options->depth))
        return 0;
    return refuse(out_error, "is a number from 1 to 1000", text);
}

/* `?self-edges` alone means yes, as the option does. */
static int set_self_edges(struct view text, char out_error[256], struct export_options *options)
{
    if (view_equal(text, VIEW("true")) || view_equal(text, VIEW("1")) || text.size == 0)
        options->self_edges = true;
    else if (view_equal(text, VIEW("false")) || view_equal(text, VIEW("0")))
        options->self_edges = false;
    else
        return refuse(out_error, "is 'true' or 'false'", text);
    return 0;
}

static int set_cluster(struct view text, char out_error[256], struct export_options *options)
{
    (void)out_error;
    options->cluster = text;
    return 0;
}

static int set_collapse(struct view text, char out_error[256], struct export_options *options)
{
    (void)out_error;
    options->collapse = text;
    return 0;
}

/* A decimal without a sign or an exponent; strtod() would depend on the locale. */
static int set_min_rate(struct view text, char out_error[256], struct export_options *options)
{
    double rate = 0;
    double place = 0; /* Of the next digit behind the point; 0: before it. */
    size_t digits = 0;
    bool valid = text.size <= 18;

    for (size_t i = 0; valid && i < text.size; i++) {
        char c = text.data[i];
        if (c == '.' && place == 0) {
            place = 10;
        } else if (isdigit((unsigned char)c) != 0) {
            digits++;
            rate = place == 0 ? rate * 10 + (c - '0') : rate + (c - '0') / place;
            place *= 10;
        } else {
            valid = false;
        }
    }
    if (!valid || digits == 0)
        return refuse(out_error, "is requests a second, a number as 0.5 or 20", text);
    options->min_rate = rate;
    return 0;
}

static int set_top(struct view text, char out_error[256], struct export_options *options)
{
    if (parse_count(text, MAP_TOP_MAX, &options->top))
        return 0;
    return refuse(out_error, "is a number of edges from 1 to 1000000", text);
}

static int set_window(struct view text, char out_error[256], struct export_options *options)
{
    uint64_t ns;

    if (quantity_read_duration(text, &ns) != 0 || ns < NS_PER_S)
        return refuse(out_error, "is a duration of a second or more, such as 5m or 1h", text);
    options->window.length_ns = ns;
    return 0;
}

static int set_moment(struct view text, const char *what, char out_error[256],
                      struct moment *out_moment)
{
    return moment_read(text, out_moment) == 0 ? 0 : refuse(out_error, what, text);
}

static int set_at(struct view text, char out_error[256], struct export_options *options)
{
    return set_moment(text,
                      "is when the window ends: 2026-11-25T22:40:00Z, Unix seconds, or -10m for "
                      "that long ago",
                      out_error, &options->window.at);
}

static int set_compare(struct view text, char out_error[256], struct export_options *options)
{
    return set_moment(text,
                      "is when the window before ends: 2026-11-25T22:40:00Z, Unix seconds, or -10m "
                      "for that long before the other",
                      out_error, &options->window.compare);
}

static bool find_word(struct view text, const char *const *words, unsigned count,
                      unsigned *out_index)
{
    for (unsigned i = 0; i < count; i++)
        if (view_equal(view_of(words[i]), text)) {
            *out_index = i;
            return true;
        }
    return false;
}

static int set_figure(struct view text, char out_error[256], struct export_options *options)
{
    static const char *const words[FIGURE_COUNT - 1] = {"rate", "errors",  "p50",  "p95",
                                                        "p99",  "network", "queue"};
    unsigned index;

    if (!find_word(text, words, FIGURE_COUNT - 1, &index))
        return refuse(out_error, "is one of rate, errors, p50, p95, p99, network or queue", text);
    options->figure = (enum map_figure)(index + 1);
    return 0;
}

static int set_theme(struct view text, char out_error[256], struct export_options *options)
{
    static const char *const words[THEME_COUNT] = {"auto", "light", "dark"};
    unsigned index;

    if (!find_word(text, words, THEME_COUNT, &index))
        return refuse(out_error, "is one of auto, light or dark", text);
    options->theme = (enum map_theme)index;
    return 0;
}

#define ROW(name, value, doc, suffix) {name, value, doc, set_##suffix},
const struct map_option map_options[MAP_OPTIONS_COUNT] = {MAP_OPTIONS(ROW)};

/* Sizes go before texts, so that no two lists of them read the same. */
void map_options_append_key(const struct export_options *options, struct buf *out)
{
    const struct view texts[] = {options->focus, options->cluster, options->collapse};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        (void)buf_printf(out, "%zu:", texts[i].size);
        (void)buf_append_view(out, texts[i]);
    }
    (void)buf_printf(out, "%" PRIu64 ",%" PRIu64 ",%d,%" PRIu64 ",%d,", options->window.length_ns,
                     options->window.at.ns, options->window.at.is_ago, options->window.compare.ns,
                     options->window.compare.is_ago);
    (void)buf_printf(out, "%u,%d,%d,%a,%u,%d,%d", options->depth, options->self_edges,
                     (int)options->map_messaging, options->min_rate, options->top,
                     (int)options->figure, (int)options->theme);
}
