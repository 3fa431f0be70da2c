/* window_query.c: a wrong word gets a sentence that says what would be right. */
#include "exporters/window_query.h"

#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "exporters/map_graph.h"
#include "exporters/map_options.h"
#include "net/http_server.h"
#include "topology/window_snapshot.h"

enum { TEXT_MAX = 256 };

/* ------------------------------------------------------------------ words */

static bool is_set(const struct moment *moment)
{
    return moment->ns != 0;
}

int window_query_check(const struct export_window *window, char out_error[256])
{
    if (window->length_ns != 0 || (!is_set(&window->at) && !is_set(&window->compare)))
        return 0;
    return export_fail(out_error, STATUS_INVALID,
                       "'%s' is the end of a window; say how long that is, too: window=5m",
                       is_set(&window->at) ? "at" : "compare");
}

static bool is_word(const char *name)
{
    return strcmp(name, "window") == 0 || strcmp(name, "at") == 0 || strcmp(name, "compare") == 0;
}

/* What stands empty says nothing. */
static int read_word(struct view query, const struct map_option *option, char out_error[256],
                     struct export_options *options)
{
    char reason[256];
    struct buf text;
    int status;

    buf_init(&text, TEXT_MAX);
    status = http_query_get(query, view_of(option->name), &text);
    if (status == 0 && text.size != 0)
        status = option->set(buf_view(&text), reason, options);
    else if (status != 0 && status != STATUS_NOT_FOUND)
        (void)snprintf(reason, sizeof(reason),
                       "is too long, or not percent-encoded as it should be");
    buf_release(&text);
    if (status == STATUS_NOMEM)
        return export_fail(out_error, status, "%s", status_text(status));
    if (status != 0 && status != STATUS_NOT_FOUND)
        return export_fail(out_error, STATUS_INVALID, "'%s' %s", option->name, reason);
    return 0;
}

int window_query_read(struct view query, char out_error[256], struct export_options *options)
{
    struct export_options read = *options;
    int status = 0;

    for (size_t i = 0; i < MAP_OPTIONS_COUNT && status == 0; i++)
        if (is_word(map_options[i].name))
            status = read_word(query, &map_options[i], out_error, &read);
    if (status == 0)
        status = window_query_check(&read.window, out_error);
    if (status == 0)
        *options = read;
    return status;
}

/* ------------------------------------------------------------------ looks */

static int say_not_kept(const char *name, const struct windows_reach *reach, char out_error[256])
{
    struct buf text;

    if (reach->oldest.ns == reach->newest.ns)
        return export_fail(
            out_error, STATUS_NOT_FOUND,
            "nothing is kept of the time of '%s': counting has just begun; ask again "
            "in a second",
            name);
    buf_init(&text, TEXT_MAX);
    (void)moment_print(reach->oldest, &text); /* Without memory the times stay away. */
    (void)buf_append_text(&text, " to ");
    (void)moment_print(reach->newest, &text);
    (void)export_fail(out_error, 0, "nothing is kept of the time of '%s'; windows reach from %.*s",
                      name, (int)text.size, text.size != 0 ? text.data : "");
    buf_release(&text);
    return STATUS_NOT_FOUND;
}

/* Whether there are windows of that length. */
static int check_length(const struct window_source *source, const struct export_window *window,
                        char out_error[256], struct windows_reach *out_reach)
{
    struct buf text;

    if (source->reach == NULL || source->reach(source->context, out_reach) != 0)
        return export_fail(out_error, STATUS_INVALID,
                           "there are no windows: windows.span is off; set it to 1h, or leave "
                           "'window' away for all since the start");
    if (window->length_ns <= out_reach->span_ns)
        return 0;
    buf_init(&text, TEXT_MAX);
    (void)quantity_print_duration(out_reach->span_ns, &text); /* As above. */
    (void)export_fail(out_error, 0,
                      "'window' is at most %.*s, which is windows.span; ask for less, or raise it",
                      (int)text.size, text.size != 0 ? text.data : "");
    buf_release(&text);
    return STATUS_INVALID;
}

/* The window that ends then; 0: now. */
static int look_at(const struct window_source *source, uint64_t length_ns, const char *name,
                   struct wall_time at, const struct windows_reach *reach, char out_error[256],
                   struct window_look **out_look)
{
    struct window_want want = {.window_ns = length_ns, .at = at};
    int status = source->take(source->context, &want, out_look);

    if (status == STATUS_NOT_FOUND)
        return say_not_kept(name, reach, out_error);
    if (status != 0)
        return export_fail(out_error, status, "%s", status_text(status));
    return 0;
}

/* Its end; 0: now. */
static struct wall_time end_of(const struct export_window *window,
                               const struct windows_reach *reach)
{
    return is_set(&window->at) ? moment_at(&window->at, reach->newest) : (struct wall_time){0};
}

int window_query_look(const struct window_source *source, const struct export_window *window,
                      char out_error[256], struct window_look **out_look)
{
    struct windows_reach reach;
    int status = check_length(source, window, out_error, &reach);

    if (status != 0)
        return status;
    return look_at(source, window->length_ns != 0 ? window->length_ns : reach.span_ns,
                   is_set(&window->at) ? "at" : "window", end_of(window, &reach), &reach, out_error,
                   out_look);
}

int window_query_time(const struct window_source *source, struct view query, char out_error[256],
                      struct export_time *out_time)
{
    struct export_options asked = {.focus = {0}};
    struct window_look *look;
    int status = window_query_read(query, out_error, &asked);

    if (status == 0 && asked.window.length_ns == 0)
        *out_time = (struct export_time){.until = {0}};
    if (status != 0 || asked.window.length_ns == 0)
        return status;
    status = window_query_look(source, &asked.window, out_error, &look);
    if (status != 0)
        return status;
    out_time->after = look->start;
    /* Up to now, with what was counted since the last slot too. */
    out_time->until = is_set(&asked.window.at) ? look->end : (struct wall_time){UINT64_MAX};
    window_look_free(look);
    return 0;
}

/* Its snapshot; the look is let go. */
static int snapshot_take(struct window_look *look, const struct export_window *window,
                         char out_error[256], struct snapshot **out_snapshot)
{
    struct window_part part = {.count = look->count,
                               .without_operations = window->without_operations};
    int status = window_snapshot_of(look, &part, out_snapshot);

    window_look_free(look);
    if (status == STATUS_BUSY)
        return export_fail(out_error, status,
                           "maps of windows have no more memory now; ask again in a moment, for a "
                           "shorter window, or raise windows.memory_max");
    if (status != 0)
        return export_fail(out_error, status, "%s", status_text(status));
    return 0;
}

/* The window that it is compared with. */
static int take_before(const struct window_source *source, const struct export_window *window,
                       const struct snapshot *snapshot, char out_error[256],
                       struct snapshot **out_before)
{
    struct windows_reach reach;
    struct window_look *look;
    struct wall_time end = snapshot->end;
    int status = check_length(source, window, out_error, &reach);

    if (status == 0 && is_set(&window->at) && !window->at.is_ago)
        end = moment_at(&window->at, end); /* What was asked for, not what is nearest. */
    if (status == 0)
        status = look_at(source, window->length_ns, "compare", moment_at(&window->compare, end),
                         &reach, out_error, &look);
    return status == 0 ? snapshot_take(look, window, out_error, out_before) : status;
}

int window_query_snapshots(const struct window_source *source, const struct export_window *window,
                           char out_error[256], struct snapshot **out_snapshot,
                           struct snapshot **out_before)
{
    struct snapshot *before = NULL;
    struct snapshot *snapshot;
    struct window_look *look;
    int status = window_query_look(source, window, out_error, &look);

    if (status == 0)
        status = snapshot_take(look, window, out_error, &snapshot);
    if (status != 0)
        return status;
    if (is_set(&window->compare))
        status = take_before(source, window, snapshot, out_error, &before);
    if (status != 0) {
        snapshot_release(snapshot);
        return status;
    }
    *out_snapshot = snapshot;
    *out_before = before;
    return 0;
}
