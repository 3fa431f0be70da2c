/* routes_query.c: a parameter that is there must be right; one that nobody knows is left alone. */
#include "exporters/routes_query.h"

#include <string.h>

#include "base/check.h"
#include "exporters/map_graph.h"
#include "exporters/window_query.h"
#include "net/http_server.h"

/* The parameter's text. Returns: STATUS_NOT_FOUND: it is not there. */
static int get(struct view query, const char *name, char out_error[256], struct buf *out)
{
    int status = http_query_get(query, view_of(name), out);

    if (status == 0 || status == STATUS_NOT_FOUND)
        return status;
    if (status == STATUS_NOMEM)
        return export_fail(out_error, status, "%s", status_text(status));
    return export_fail(out_error, STATUS_INVALID,
                       "the parameter '%s' is too long, or not percent-encoded as it should be",
                       name);
}

/* As get(), also by the name with underscores. */
static int get_either(struct view query, const char *name, char out_error[256], struct buf *out)
{
    char other[32];
    int status = get(query, name, out_error, out);

    if (status != STATUS_NOT_FOUND || strchr(name, '-') == NULL)
        return status;
    CHECK(strlen(name) < sizeof(other));
    memcpy(other, name, strlen(name) + 1);
    for (char *at = other; (at = strchr(at, '-')) != NULL;)
        *at = '_';
    return get(query, other, out_error, out);
}

static int parse_format(struct view text, char out_error[256], const struct exporter **out_exporter)
{
    const struct exporter *exporter = exporter_find(text);
    size_t size = 0;

    if (exporter != NULL && exporter->in_map) {
        *out_exporter = exporter;
        return 0;
    }
    (void)export_fail(out_error, 0, "'format' is one of");
    size = strlen(out_error);
    for (size_t i = 0; exporters[i] != NULL; i++)
        if (exporters[i]->in_map && size + strlen(exporters[i]->name) + 2 < 256) {
            out_error[size++] = ' ';
            memcpy(out_error + size, exporters[i]->name, strlen(exporters[i]->name) + 1);
            size += strlen(exporters[i]->name);
        }
    return STATUS_INVALID;
}

/* What stands empty says nothing, but for a flag. */
static int parse_option(struct view query, const struct map_option *option, char out_error[256],
                        struct buf *text, struct export_options *options)
{
    char reason[256];
    int status = get_either(query, option->name, out_error, text);

    if (status == STATUS_NOT_FOUND)
        return 0;
    if (status != 0 || (text->size == 0 && option->value != NULL))
        return status;
    status = option->set(buf_view(text), reason, options);
    if (status != 0)
        return export_fail(out_error, status, "'%s' %s", option->name, reason);
    return 0;
}

static int parse(struct view query, char out_error[256], struct routes_query *out_query)
{
    struct buf format;
    int status = 0;

    for (size_t i = 0; i < MAP_OPTIONS_COUNT && status == 0; i++)
        status = parse_option(query, &map_options[i], out_error, &out_query->texts[i],
                              &out_query->options);
    if (status != 0)
        return status;
    buf_init(&format, QUERY_TEXT_MAX);
    status = get(query, "format", out_error, &format);
    if (status == STATUS_NOT_FOUND)
        status = 0;
    if (status == 0 && format.size != 0)
        status = parse_format(buf_view(&format), out_error, &out_query->exporter);
    buf_release(&format);
    return status;
}

int routes_query_init(struct view query, const struct export_options *defaults, char out_error[256],
                      struct routes_query *out_query)
{
    struct routes_query parsed = {.options = *defaults};
    int status;

    for (size_t i = 0; i < MAP_OPTIONS_COUNT; i++)
        buf_init(&parsed.texts[i], QUERY_TEXT_MAX);
    status = parse(query, out_error, &parsed);
    if (status == 0)
        status = window_query_check(&parsed.options.window, out_error);
    if (status == 0)
        *out_query = parsed; /* What its buffers hold does not move. */
    else
        routes_query_release(&parsed);
    return status;
}

void routes_query_release(struct routes_query *query)
{
    for (size_t i = 0; i < MAP_OPTIONS_COUNT; i++)
        buf_release(&query->texts[i]);
}

void routes_subject_release(struct routes_subject *subject)
{
    for (size_t i = 0; i < SUBJECT_PARTS; i++)
        buf_release(&subject->parts[i]);
}

int routes_subject_init(struct view query, char out_error[256], struct routes_subject *out_subject)
{
    static const char *const names[SUBJECT_PARTS] = {"node", "client", "server", "connection_type"};
    struct routes_subject found = {.subject = {.node = {NULL, 0}}};
    struct view *views[SUBJECT_PARTS] = {&found.subject.node, &found.subject.client,
                                         &found.subject.server, &found.subject.connection_type};
    int status = 0;

    for (size_t i = 0; i < SUBJECT_PARTS; i++)
        buf_init(&found.parts[i], QUERY_TEXT_MAX);
    for (size_t i = 0; i < SUBJECT_PARTS && status == 0; i++) {
        status = get(query, names[i], out_error, &found.parts[i]);
        if (status == 0) /* There and empty, it has data: a type may have no name. */
            *views[i] = found.parts[i].size != 0 ? buf_view(&found.parts[i]) : VIEW("");
        else if (status == STATUS_NOT_FOUND)
            status = 0;
    }
    if (status != 0) {
        routes_subject_release(&found);
        return status;
    }
    *out_subject = found;
    return 0;
}
