/* routes_query.c: a parameter that is there must be right; one that nobody knows is left alone. */
#include "exporters/routes_query.h"

#include <ctype.h>

#include "exporters/escape.h"
#include "exporters/map_graph.h"
#include "net/http_server.h"

/* The parameter's text; stays empty if it is not there. */
static int get(struct view query, const char *name, char out_error[256], struct buf *out)
{
    int status = http_query_get(query, view_of(name), out);

    if (status == STATUS_NOT_FOUND)
        return 0;
    if (status == STATUS_NOMEM)
        return export_fail(out_error, status, "%s", status_text(status));
    if (status != 0)
        return export_fail(out_error, STATUS_INVALID,
                           "the parameter '%s' is too long, or not percent-encoded as it should be",
                           name);
    return 0;
}

static int parse_depth(struct view text, char out_error[256], unsigned *out_depth)
{
    unsigned depth = 0;
    bool valid = text.size != 0 && text.size <= 4;

    for (size_t i = 0; valid && i < text.size; i++) {
        valid = isdigit((unsigned char)text.data[i]) != 0;
        depth = depth * 10 + (unsigned)(text.data[i] - '0');
    }
    if (!valid || depth == 0 || depth > QUERY_DEPTH_MAX)
        return export_fail(out_error, STATUS_INVALID, "'depth' is a number from 1 to %d",
                           QUERY_DEPTH_MAX);
    *out_depth = depth;
    return 0;
}

/* `?self-edges` alone means yes, as the option does. */
static int parse_flag(struct view text, char out_error[256], bool *out_flag)
{
    if (view_equal(text, VIEW("true")) || view_equal(text, VIEW("1")) || text.size == 0)
        *out_flag = true;
    else if (view_equal(text, VIEW("false")) || view_equal(text, VIEW("0")))
        *out_flag = false;
    else
        return export_fail(out_error, STATUS_INVALID, "'self-edges' is 'true' or 'false'");
    return 0;
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

/* One parameter after the other into `value`. */
static int parse(struct view query, char out_error[256], struct buf *value,
                 struct routes_query *out_query)
{
    int status = get(query, "depth", out_error, value);

    if (status == 0 && value->size != 0)
        status = parse_depth(buf_view(value), out_error, &out_query->options.depth);
    buf_reset(value);
    if (status == 0)
        status = get(query, "format", out_error, value);
    if (status == 0 && value->size != 0)
        status = parse_format(buf_view(value), out_error, &out_query->exporter);
    buf_reset(value);
    if (status != 0)
        return status;
    status = http_query_get(query, VIEW("self-edges"), value);
    if (status == 0)
        return parse_flag(buf_view(value), out_error, &out_query->options.self_edges);
    return status == STATUS_NOT_FOUND ? 0 : get(query, "self-edges", out_error, value);
}

int routes_query_init(struct view query, const struct export_options *defaults, char out_error[256],
                      struct routes_query *out_query)
{
    struct routes_query parsed = {.options = *defaults};
    struct buf value;
    int status;

    buf_init(&value, QUERY_TEXT_MAX);
    buf_init(&parsed.focus, QUERY_TEXT_MAX);
    status = get(query, "focus", out_error, &parsed.focus);
    if (status == 0)
        status = parse(query, out_error, &value, &parsed);
    buf_release(&value);
    if (status != 0) {
        routes_query_release(&parsed);
        return status;
    }
    if (parsed.focus.size != 0)
        parsed.options.focus = buf_view(&parsed.focus);
    *out_query = parsed;
    return 0;
}

void routes_query_release(struct routes_query *query)
{
    buf_release(&query->focus);
}
