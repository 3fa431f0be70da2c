/* otlp_sink.c: JSON becomes protobuf, as it does for traces, and the walk of otlp_signal.h says the
 * rest. */
#include "receiver/otlp_sink.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "receiver/otlp_json.h"
#include "receiver/otlp_signal.h"
#include "receiver/receiver_counters.h"

enum { DEPTH_MAX = 64, JSON_KEPT = 1 << 20, TEXT_MAX = 320 };

static const uint64_t retry_delay_ns = NS_PER_S;

struct otlp_sink {
    struct counters *counters;
    size_t json_tree_bytes_max;
    unsigned threads;
    struct buf *json; /* One a thread. */
};

static const struct {
    const char *request;
    const char *items;
    enum receiver_counter requests_counter;
    enum receiver_counter items_counter;
    enum receiver_counter rejected_counter;
} signals[OTLP_SIGNAL_COUNT] = {
    [OTLP_METRICS] = {"ExportMetricsServiceRequest", "data points", RECEIVER_METRICS_REQUESTS,
                      RECEIVER_METRICS_ITEMS, RECEIVER_METRICS_REJECTED},
    [OTLP_LOGS] = {"ExportLogsServiceRequest", "log records", RECEIVER_LOGS_REQUESTS,
                   RECEIVER_LOGS_ITEMS, RECEIVER_LOGS_REJECTED},
};

int otlp_sink_new(unsigned threads, size_t json_tree_bytes_max, struct counters *counters,
                  struct otlp_sink **out_sink)
{
    struct otlp_sink *sink = mem_calloc(1, sizeof(*sink));

    if (sink == NULL)
        return STATUS_NOMEM;
    sink->counters = counters;
    sink->json_tree_bytes_max = json_tree_bytes_max;
    sink->json = mem_calloc(threads, sizeof(*sink->json));
    if (sink->json == NULL) {
        mem_free(sink);
        return STATUS_NOMEM;
    }
    sink->threads = threads;
    for (unsigned i = 0; i < threads; i++)
        buf_init(&sink->json[i], 0);
    *out_sink = sink;
    return 0;
}

void otlp_sink_free(struct otlp_sink *sink)
{
    if (sink == NULL)
        return;
    for (unsigned i = 0; i < sink->threads; i++)
        buf_release(&sink->json[i]);
    mem_free(sink->json);
    mem_free(sink);
}

static void refuse(enum otlp_signal signal, int status, const struct otlp_signal_counts *counts,
                   struct grpc_reply *reply)
{
    if (status == STATUS_NOMEM) {
        reply->code = GRPC_UNAVAILABLE;
        reply->retry_delay_ns = retry_delay_ns;
        (void)buf_append_text(&reply->message, "out of memory; try again");
        return;
    }
    reply->code = status == STATUS_TOO_LARGE ? GRPC_RESOURCE_EXHAUSTED : GRPC_INVALID_ARGUMENT;
    (void)buf_printf(&reply->message, "not an %s: %s at byte %zu", signals[signal].request,
                     counts->error != NULL ? counts->error : status_text(status),
                     counts->error_offset);
}

/* The request is taken: an answer that memory has no room for stays empty, which says that all is
 * well, rather than make the sender send it again. */
static void answer(enum otlp_signal signal, enum message_format format,
                   const struct otlp_signal_counts *counts, struct grpc_reply *reply)
{
    char text[TEXT_MAX] = "";
    bool both = counts->rejected != 0 && counts->warning != NULL;

    if (counts->rejected != 0)
        (void)snprintf(text, sizeof(text), "%llu %s were rejected; the first: %s%s%s",
                       (unsigned long long)counts->rejected, signals[signal].items, counts->reason,
                       both ? "; " : "", both ? counts->warning : "");
    else if (counts->warning != NULL)
        (void)snprintf(text, sizeof(text), "%s", counts->warning);
    reply->code = GRPC_OK;
    if (otlp_partial(signal, format, counts->rejected, view_of(text), &reply->body) != 0)
        buf_reset(&reply->body);
}

static int read_json(struct otlp_sink *sink, struct buf *json, enum otlp_signal signal,
                     struct view text, struct otlp_json_error *error,
                     struct otlp_signal_counts *out_counts)
{
    int status;

    buf_reset(json);
    *out_counts = (struct otlp_signal_counts){.items = 0};
    status = otlp_json_to_protobuf(signal, text, sink->json_tree_bytes_max, json, error);
    if (status != 0) {
        out_counts->error = error->text;
        out_counts->error_offset = error->offset;
        return status;
    }
    status = otlp_signal_read(signal, buf_view(json), DEPTH_MAX, out_counts);
    if (status == 0 && out_counts->warning == NULL && error->text[0] != '\0')
        out_counts->warning = error->text;
    return status;
}

static void take(struct otlp_sink *sink, enum otlp_signal signal, unsigned thread,
                 enum message_format format, struct view message, struct grpc_reply *reply)
{
    struct otlp_json_error error;
    struct otlp_signal_counts counts;
    struct buf *json = &sink->json[thread];
    int status;

    CHECK(thread < sink->threads);
    status = format == MESSAGE_JSON ? read_json(sink, json, signal, message, &error, &counts)
                                    : otlp_signal_read(signal, message, DEPTH_MAX, &counts);
    if (status != 0) {
        refuse(signal, status, &counts, reply);
    } else {
        counters_add(sink->counters, signals[signal].requests_counter, 1);
        counters_add(sink->counters, signals[signal].items_counter, counts.items);
        counters_add(sink->counters, signals[signal].rejected_counter, counts.rejected);
        answer(signal, format, &counts, reply);
    }
    if (json->capacity > JSON_KEPT)
        buf_release(json);
}

size_t otlp_sink_memory(void *context, enum message_format format, struct view message)
{
    const struct otlp_sink *sink = context;

    return format == MESSAGE_JSON ? otlp_json_memory(message, sink->json_tree_bytes_max) : 0;
}

void otlp_sink_metrics(void *context, unsigned thread, enum message_format format,
                       struct view message, struct grpc_reply *reply)
{
    take(context, OTLP_METRICS, thread, format, message, reply);
}

void otlp_sink_logs(void *context, unsigned thread, enum message_format format, struct view message,
                    struct grpc_reply *reply)
{
    take(context, OTLP_LOGS, thread, format, message, reply);
}
