/* spanmap_show.c: snapshots and handles in the formats of exporters and the web door. */
#include <string.h>

#include "base/buf.h"
#include "base/counters.h"
#include "base/mem.h"
#include "exporters/exporter.h"
#include "exporters/routes_query.h"
#include "library/spanmap_priv.h"
#include "net/http_unpack.h"

/* The bytes of a buffer with a zero behind them; the buffer has none any more. */
static int hand_out(struct buf *buf, char **out_data, size_t *out_size)
{
    int status;

    buf->size_max = 0; /* The zero is not of the content, which the bound is for. */
    status = buf_append_byte(buf, '\0');
    if (status != 0) {
        buf_release(buf);
        return status;
    }
    *out_data = buf->data;
    if (out_size != NULL)
        *out_size = buf->size - 1;
    return 0;
}

/* ------------------------------------------------------------------- render */

static int unknown_format(const char *format, struct spanmap_error *error)
{
    struct buf known;

    buf_init(&known, 0);
    for (size_t i = 0; exporters[i] != NULL; i++)
        (void)buf_printf(&known, "%s%s", i != 0 ? ", " : "", exporters[i]->name); /* Sticks. */
    (void)spanmap_fail(error, SPANMAP_NOT_FOUND, "there is no format '%.64s'; there are %.*s",
                       format, (int)known.size, known.size != 0 ? known.data : "");
    buf_release(&known);
    return SPANMAP_NOT_FOUND;
}

int spanmap_render(struct spanmap_snapshot *snapshot, const char *format, const char *query,
                   struct spanmap_error *error, char **out_data, size_t *out_size)
{
    const struct exporter *exporter = exporter_find(view_of(format != NULL ? format : ""));
    struct export_input input = front_input(snapshot->map->front, snapshot->snapshot);
    struct routes_query asked;
    char text[256] = "";
    struct buf out;
    int status;

    if (exporter == NULL)
        return unknown_format(format != NULL ? format : "", error);
    status = routes_query_init(view_of(query != NULL ? query : ""), &input.options, text, &asked);
    if (status != 0)
        return spanmap_fail(error, status, "%s", text);
    if (asked.options.window.length_ns != 0) {
        routes_query_release(&asked);
        return spanmap_fail(error, SPANMAP_UNSUPPORTED,
                            "a snapshot is one moment; windows are for spanmap_serve()");
    }
    input.options = asked.options;
    buf_init(&out, engine_budget(snapshot->map->engine)->answer_bytes_max);
    status = exporter->render(&input, text, &out);
    routes_query_release(&asked);
    if (status != 0) {
        buf_release(&out);
        return spanmap_fail(error, status, "%s", text[0] != '\0' ? text : status_text(status));
    }
    status = hand_out(&out, out_data, out_size);
    return status == 0 ? 0 : spanmap_fail_code(error, status);
}

/* -------------------------------------------------------------------- serve */

int spanmap_serve(struct spanmap *map, const struct spanmap_request *request,
                  struct spanmap_error *error, struct spanmap_reply *out_reply)
{
    struct spanmap_request asked;
    struct spanmap_reply told = {0};
    struct http_request http;
    struct http_reply reply = {0};
    int status;

    spanmap_accept(&asked, sizeof(asked), request);
    http = (struct http_request){
        .path = view_of(asked.path != NULL ? asked.path : "/"),
        .query = view_of(asked.query != NULL ? asked.query : ""),
        .accept = view_of(asked.accept != NULL ? asked.accept : ""),
        .accept_encoding = view_of(asked.accept_encoding != NULL ? asked.accept_encoding : ""),
        .if_none_match = view_of(asked.if_none_match != NULL ? asked.if_none_match : ""),
        .is_head = asked.is_head != 0,
    };
    front_handle(map->front, &http, &reply);
    told.status = (int)reply.status;
    told.content_type = reply.content_type;
    told.encoding = reply.encoding;
    status = reply.status != 0 ? reply.headers.failed : STATUS_NOMEM;
    if (status == 0)
        status = reply.body.failed;
    if (status == 0 && reply.unpacked_bytes != 0)
        status = http_unpack_all(&reply.body, reply.unpacked_bytes);
    if (status == 0)
        status = hand_out(&reply.headers, &told.headers, NULL);
    if (status == 0)
        status = hand_out(&reply.body, &told.body, &told.body_size);
    if (status != 0) {
        mem_free(told.headers);
        if (told.headers == NULL)
            buf_release(&reply.headers);
        buf_release(&reply.body);
        return spanmap_fail_code(error, status);
    }
    spanmap_give(out_reply, &told, sizeof(told));
    return 0;
}

void spanmap_reply_release(struct spanmap_reply *reply)
{
    static const struct spanmap_reply nothing;

    if (reply == NULL)
        return;
    mem_free(reply->headers);
    mem_free(reply->body);
    spanmap_give(reply, &nothing, sizeof(nothing));
}

/* --------------------------------------------------------------- statistics */

int spanmap_get_statistic(struct spanmap *map, size_t index,
                          struct spanmap_statistic *out_statistic)
{
    const struct counters *counters = engine_counters(map->engine);
    const struct counter_row *row;
    struct spanmap_statistic statistic;

    if (index >= counters->count)
        return SPANMAP_NOT_FOUND;
    row = &counters->rows[index];
    statistic = (struct spanmap_statistic){
        .name = row->name,
        .label = row->label != NULL ? row->label : "",
        .help = row->help,
        .is_gauge = row->kind == COUNTER_GAUGE,
        .value = (double)counters_read(counters, index),
    };
    if (row->kind == COUNTER_NANOSECONDS)
        statistic.value /= (double)NS_PER_S;
    spanmap_give(out_statistic, &statistic, sizeof(statistic));
    return 0;
}
