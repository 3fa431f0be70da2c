/* otlp_sink_test.c: what a sender of metrics or logs is told, in either format. */
#include "receiver/otlp_sink.h"

#include "base/mem.h"
#include "receiver/receiver_counters.h"
#include "tests/lib/test.h"

struct sink_fixture {
    struct counters counters;
    struct otlp_sink *sink;
    struct grpc_reply reply;
};

static void start(struct sink_fixture *on, size_t tree_bytes_max)
{
    memset(on, 0, sizeof(*on));
    assert_int_equal(counters_init(&on->counters, receiver_counter_rows, RECEIVER_COUNTER_COUNT),
                     0);
    assert_int_equal(otlp_sink_new(2, tree_bytes_max, &on->counters, &on->sink), 0);
    buf_init(&on->reply.message, 0);
    buf_init(&on->reply.body, 0);
}

static void stop(struct sink_fixture *on)
{
    otlp_sink_free(on->sink);
    counters_release(&on->counters);
    buf_release(&on->reply.message);
    buf_release(&on->reply.body);
}

static void forget(struct sink_fixture *on)
{
    on->reply.code = GRPC_OK;
    on->reply.retry_delay_ns = 0;
    buf_reset(&on->reply.message);
    buf_reset(&on->reply.body);
}

static void send_logs(struct sink_fixture *on, enum message_format format, struct view message)
{
    forget(on);
    otlp_sink_logs(on->sink, 1, format, message, &on->reply);
}

static void send_metrics(struct sink_fixture *on, enum message_format format, struct view message)
{
    forget(on);
    otlp_sink_metrics(on->sink, 0, format, message, &on->reply);
}

static void sink__takes_both_formats(void **state)
{
    struct sink_fixture on;

    (void)state;
    start(&on, 1 << 20);
    send_logs(&on, MESSAGE_JSON,
              VIEW("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{},{\"severityNumber\":9,"
                   "\"timeUnixNano\":\"5\",\"body\":{\"kvlistValue\":{}}}]}]}]}"));
    assert_int_equal(on.reply.code, GRPC_OK);
    assert_view_equal(buf_view(&on.reply.body), "{}");
    send_logs(&on, MESSAGE_PROTOBUF, VIEW("\x0a\x04\x12\x02\x12\x00"));
    assert_int_equal(on.reply.code, GRPC_OK);
    assert_int_equal(on.reply.body.size, 0);
    assert_int_equal(counters_read(&on.counters, RECEIVER_LOGS_REQUESTS), 2);
    assert_int_equal(counters_read(&on.counters, RECEIVER_LOGS_ITEMS), 3);
    stop(&on);
}

static void sink__tells_what_was_rejected(void **state)
{
    static const char point[] =
        "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"gauge\":{\"dataPoints\":[{}]}}]}]"
        "}]}";
    struct sink_fixture on;

    (void)state;
    start(&on, 1 << 20);
    send_metrics(&on, MESSAGE_JSON, view_of(point));
    assert_view_equal(buf_view(&on.reply.body),
                      "{\"partialSuccess\":{\"rejectedDataPoints\":\"1\",\"errorMessage\":\"1 data "
                      "points were rejected; the first: a data point has no time\"}}");
    send_metrics(&on, MESSAGE_PROTOBUF, VIEW("\x0a\x08\x12\x06\x12\x04\x2a\x02\x0a\x00"));
    assert_true(view_starts(buf_view(&on.reply.body), VIEW("\x0a")));
    assert_non_null(memmem(on.reply.body.data, on.reply.body.size, "has no time", 11));
    assert_int_equal(counters_read(&on.counters, RECEIVER_METRICS_REJECTED), 2);
    send_metrics(&on, MESSAGE_JSON, VIEW("{\"resource_metrics\":[]}"));
    assert_view_equal(
        buf_view(&on.reply.body),
        "{\"partialSuccess\":{\"errorMessage\":\"resource_metrics was ignored: names are "
        "in lowerCamelCase\"}}");
    stop(&on);
}

static void sink__converts_every_number(void **state)
{
    static const char text[] =
        "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"exponentialHistogram\":{"
        "\"aggregationTemporality\":2,\"dataPoints\":[{\"timeUnixNano\":5,\"count\":\"3\",\"sum\":null,"
        "\"scale\":-2147483648,\"zeroCount\":\"18446744073709551615\",\"positive\":{\"offset\":-1,"
        "\"bucketCounts\":[\"1\",2]},\"flags\":4294967295,\"min\":\"-Infinity\"}]}},{\"sum\":{"
        "\"isMonotonic\":true,\"dataPoints\":[{\"timeUnixNano\":\"5\",\"asInt\":\"-9223372036854775808\","
        "\"exemplars\":[{\"spanId\":\"00AB\",\"asDouble\":1}]}]}}]}]}]}";
    struct sink_fixture on;

    (void)state;
    start(&on, 1 << 20);
    send_metrics(&on, MESSAGE_JSON, view_of(text));
    assert_view_equal(buf_view(&on.reply.body), "{}");
    send_metrics(&on, MESSAGE_JSON,
                 VIEW("{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{"
                      "\"exponentialHistogram\":{\"dataPoints\":[{\"scale\":2147483648}]}}]}]}]}"));
    assert_int_equal(on.reply.code, GRPC_INVALID_ARGUMENT);
    assert_non_null(memmem(on.reply.message.data, on.reply.message.size, ".scale: a 32-bit", 16));
    stop(&on);
}

static void sink__refuses_what_is_no_request(void **state)
{
    struct sink_fixture on;

    (void)state;
    start(&on, 500);
    send_logs(&on, MESSAGE_PROTOBUF, VIEW("\x0a\x04\x12"));
    assert_int_equal(on.reply.code, GRPC_INVALID_ARGUMENT);
    assert_true(
        view_starts(buf_view(&on.reply.message), VIEW("not an ExportLogsServiceRequest: ")));
    send_metrics(&on, MESSAGE_JSON, VIEW(""));
    assert_int_equal(on.reply.code, GRPC_INVALID_ARGUMENT);
    send_metrics(&on, MESSAGE_JSON, VIEW("{\"a\":[1,2,3,4,5,6,7,8,9,10,11,12]}"));
    assert_int_equal(on.reply.code, GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(counters_read(&on.counters, RECEIVER_METRICS_REQUESTS), 0);
    stop(&on);
}

static int make_once(void *context)
{
    struct otlp_sink *sink = NULL;
    int status = otlp_sink_new(2, 1000, context, &sink);

    otlp_sink_free(sink);
    return status;
}

static void sink__survives_failing_memory(void **state)
{
    struct sink_fixture on;

    (void)state;
    start(&on, 1 << 20);
    test_sweep_memory(make_once, &on.counters);
    mem_fail_after(0);
    send_metrics(&on, MESSAGE_JSON, VIEW("{\"resourceMetrics\":[{}]}"));
    mem_fail_after(-1);
    assert_true(on.reply.code == GRPC_UNAVAILABLE || on.reply.code == GRPC_OK);
    stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sink__takes_both_formats),
        cmocka_unit_test(sink__tells_what_was_rejected),
        cmocka_unit_test(sink__converts_every_number),
        cmocka_unit_test(sink__refuses_what_is_no_request),
        cmocka_unit_test(sink__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
