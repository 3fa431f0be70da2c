/* otlp_from_test.c: Jaeger's and Zipkin's JSON become OTLP; protobuf-c reads what was made. */
#include "receiver/otlp_from.h"

#include <stdio.h>

#include "base/mem.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "tests/lib/test.h"

#define TREE_MAX ((size_t)64 << 20)

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest Request;
typedef Opentelemetry__Proto__Trace__V1__Span Span;
typedef Opentelemetry__Proto__Common__V1__KeyValue KeyValue;

typedef int from_function(struct view text, size_t tree_bytes_max, struct buf *out,
                          struct otlp_json_error *out_error);

/* ------------------------------------------------------------------ a request as text */

static void print_hex(struct buf *text, const char *before, ProtobufCBinaryData bytes)
{
    if (bytes.len == 0)
        return;
    buf_append_text(text, before);
    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(text, "%02x", bytes.data[i]);
}

static void print_attributes(struct buf *text, KeyValue **attributes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Opentelemetry__Proto__Common__V1__AnyValue *value = attributes[i]->value;
        buf_printf(text, " %s=", attributes[i]->key);
        switch (value->value_case) {
        case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE:
            buf_printf(text, "'%s'", value->string_value);
            break;
        case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BOOL_VALUE:
            buf_append_text(text, value->bool_value ? "true" : "false");
            break;
        case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE:
            buf_printf(text, "%lld", (long long)value->int_value);
            break;
        case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_DOUBLE_VALUE:
            buf_printf(text, "%.3f", value->double_value);
            break;
        case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BYTES_VALUE:
            print_hex(text, "0x", value->bytes_value);
            break;
        default:
            buf_append_text(text, "nothing");
        }
    }
}

static void print_span(struct buf *text, const Span *span)
{
    buf_printf(text, "\n  '%s' kind %d, %llu to %llu,", span->name, span->kind,
               (unsigned long long)span->start_time_unix_nano,
               (unsigned long long)span->end_time_unix_nano);
    print_hex(text, " trace ", span->trace_id);
    print_hex(text, " id ", span->span_id);
    print_hex(text, " parent ", span->parent_span_id);
    if (span->trace_state[0] != '\0')
        buf_printf(text, " state '%s'", span->trace_state);
    if (span->status != NULL)
        buf_printf(text, " status %d '%s'", span->status->code, span->status->message);
    print_attributes(text, span->attributes, span->n_attributes);
    for (size_t i = 0; i < span->n_links; i++) {
        print_hex(text, " link ", span->links[i]->trace_id);
        print_hex(text, " ", span->links[i]->span_id);
    }
    for (size_t i = 0; i < span->n_events; i++) {
        buf_printf(text, " event '%s' at %llu", span->events[i]->name,
                   (unsigned long long)span->events[i]->time_unix_nano);
        print_attributes(text, span->events[i]->attributes, span->events[i]->n_attributes);
    }
}

static void print_request(struct buf *text, const struct buf *bytes)
{
    Request
        *request = opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
            NULL, bytes->size, (const uint8_t *)bytes->data);

    assert_non_null(request);
    buf_reset(text);
    for (size_t i = 0; i < request->n_resource_spans; i++) {
        const Opentelemetry__Proto__Trace__V1__ResourceSpans *spans = request->resource_spans[i];
        buf_append_text(text, i == 0 ? "of" : "\nof");
        print_attributes(text, spans->resource->attributes, spans->resource->n_attributes);
        assert_int_equal(spans->n_scope_spans, 1);
        for (size_t k = 0; k < spans->scope_spans[0]->n_spans; k++)
            print_span(text, spans->scope_spans[0]->spans[k]);
    }
    buf_append_byte(text, '\0');
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(request,
                                                                                            NULL);
}

static void assert_becomes(from_function *from, const char *json, const char *expected)
{
    struct otlp_json_error error;
    struct buf bytes;
    struct buf text;

    buf_init(&bytes, 0);
    buf_init(&text, 0);
    if (from(view_of(json), TREE_MAX, &bytes, &error) != 0)
        fail_msg("%s: %s", json, error.text);
    print_request(&text, &bytes);
    assert_string_equal(text.data, expected);
    buf_release(&bytes);
    buf_release(&text);
}

/* The offset must be that of the `^` in the text, which is taken out. */
static void assert_refused_at(from_function *from, const char *marked, const char *reason)
{
    struct otlp_json_error error;
    struct buf bytes;
    char text[1024];
    char *mark;

    (void)snprintf(text, sizeof(text), "%s", marked);
    mark = strchr(text, '^');
    assert_non_null(mark);
    memmove(mark, mark + 1, strlen(mark));
    buf_init(&bytes, 0);
    assert_int_equal(from(view_of(text), TREE_MAX, &bytes, &error), STATUS_INVALID);
    assert_string_equal(error.text, reason);
    assert_int_equal(error.offset, mark - text);
    assert_int_equal(bytes.size, 0);
    buf_release(&bytes);
}

/* ------------------------------------------------------------------ Jaeger */

#define TRACE_BEGIN "{\"data\":[{\"traceID\":\"a1\",\"spans\":["
#define TRACE_END                                                                                  \
    "],\"processes\":{\"p1\":{\"serviceName\":\"shop\",\"tags\":[]},"                              \
    "\"p2\":{\"serviceName\":\"bank\",\"tags\":[{\"key\":\"service.namespace\","                   \
    "\"type\":\"string\",\"value\":\"money\"}]}}}],\"total\":0,\"errors\":null}"
#define A1 "000000000000000000000000000000a1"
#define ID_1 "0000000000000001"
#define ID_2 "0000000000000002"

static void jaeger__gives_each_process_its_spans(void **state)
{
    (void)state;
    assert_becomes(
        otlp_from_jaeger,
        TRACE_BEGIN
        "{\"traceID\":\"a1\",\"spanID\":\"1\",\"operationName\":\"pay\",\"references\":[],"
        "\"startTime\":1000,\"duration\":500,\"tags\":[],\"processID\":\"p2\"},"
        "{\"traceID\":\"a1\",\"spanID\":\"2\",\"operationName\":\"buy\",\"startTime\":900,"
        "\"duration\":700,\"processID\":\"p1\"},"
        "{\"traceID\":\"a1\",\"spanID\":\"3\",\"operationName\":\"ask\",\"startTime\":1,"
        "\"duration\":0,\"processID\":\"p2\"},"
        "{\"traceID\":\"a1\",\"spanID\":\"4\",\"operationName\":\"lost\",\"startTime\":0,"
        "\"duration\":0,\"processID\":\"p9\"}" TRACE_END,
        "of service.name='shop'\n  'buy' kind 0, 900000 to 1600000, trace " A1 " id " ID_2
        "\nof service.name='bank' service.namespace='money'"
        "\n  'pay' kind 0, 1000000 to 1500000, trace " A1 " id " ID_1
        "\n  'ask' kind 0, 1000 to 1000, trace " A1 " id 0000000000000003"
        "\nof\n  'lost' kind 0, 0 to 0, trace " A1 " id 0000000000000004");
}

static void jaeger__reads_a_trace_by_itself_and_a_process_in_its_span(void **state)
{
    (void)state;
    assert_becomes(otlp_from_jaeger,
                   "{\"traceID\":\"0123456789abcdef0123456789abcdef\",\"spans\":[{\"traceID\":"
                   "\"0123456789abcdef0123456789abcdef\",\"spanID\":\"0123456789abcdef\","
                   "\"parentSpanID\":\"2\",\"operationName\":\"x\",\"startTime\":\"5\","
                   "\"duration\":1,\"process\":{\"serviceName\":\"own\"}}]}",
                   "of service.name='own'\n  'x' kind 0, 5000 to 6000, "
                   "trace 0123456789abcdef0123456789abcdef id 0123456789abcdef parent " ID_2);
}

static void jaeger__tells_tags_that_are_fields(void **state)
{
    (void)state;
    assert_becomes(
        otlp_from_jaeger,
        TRACE_BEGIN
        "{\"traceID\":\"a1\",\"spanID\":\"1\",\"operationName\":\"x\",\"processID\":\"p1\",\"tags\":["
        "{\"key\":\"span.kind\",\"type\":\"string\",\"value\":\"client\"},"
        "{\"key\":\"error\",\"type\":\"bool\",\"value\":true},"
        "{\"key\":\"otel.status_description\",\"type\":\"string\",\"value\":\"no\"},"
        "{\"key\":\"w3c.tracestate\",\"type\":\"string\",\"value\":\"ot=th:8\"},"
        "{\"key\":\"n\",\"type\":\"int64\",\"value\":-3},"
        "{\"key\":\"m\",\"type\":\"int64\",\"value\":\"9007199254740993\"},"
        "{\"key\":\"f\",\"type\":\"float64\",\"value\":2},"
        "{\"key\":\"g\",\"type\":\"float64\",\"value\":\"1.5\"},"
        "{\"key\":\"b\",\"type\":\"bool\",\"value\":\"false\"},"
        "{\"key\":\"raw\",\"type\":\"binary\",\"value\":\"AQI=\"},"
        "{\"key\":\"none\",\"type\":\"string\",\"value\":null}]},"
        "{\"traceID\":\"a1\",\"spanID\":\"2\",\"operationName\":\"y\",\"processID\":\"p1\",\"tags\":["
        "{\"key\":\"otel.status_code\",\"type\":\"string\",\"value\":\"OK\"},"
        "{\"key\":\"error\",\"type\":\"bool\",\"value\":true},"
        "{\"key\":\"span.kind\",\"type\":\"string\",\"value\":\"odd\"}]}" TRACE_END,
        "of service.name='shop'\n  'x' kind 3, 0 to 0, trace " A1 " id " ID_1
        " state 'ot=th:8' status 2 'no' n=-3 m=9007199254740993 f=2.000 g=1.500 b=false raw=0x0102"
        " none=nothing\n  'y' kind 0, 0 to 0, trace " A1 " id " ID_2
        " status 1 '' span.kind='odd'");
}

static void jaeger__finds_the_parent_among_the_references(void **state)
{
    (void)state;
    assert_becomes(
        otlp_from_jaeger,
        TRACE_BEGIN
        "{\"traceID\":\"a1\",\"spanID\":\"1\",\"operationName\":\"x\",\"processID\":\"p1\","
        "\"references\":[{\"refType\":\"CHILD_OF\",\"traceID\":\"b2\",\"spanID\":\"7\"},"
        "{\"refType\":\"FOLLOWS_FROM\",\"traceID\":\"a1\",\"spanID\":\"8\"},"
        "{\"refType\":\"CHILD_OF\",\"traceID\":\"a1\",\"spanID\":\"9\"}]},"
        "{\"traceID\":\"a1\",\"spanID\":\"2\",\"operationName\":\"y\",\"processID\":\"p1\","
        "\"references\":[{\"refType\":\"FOLLOWS_FROM\",\"traceID\":\"a1\","
        "\"spanID\":\"8\"}]}" TRACE_END,
        "of service.name='shop'\n  'x' kind 0, 0 to 0, trace " A1 " id " ID_1
        " parent 0000000000000009"
        " link 000000000000000000000000000000b2 0000000000000007 link " A1 " 0000000000000008"
        "\n  'y' kind 0, 0 to 0, trace " A1 " id " ID_2 " parent 0000000000000008");
}

static void jaeger__keeps_logs_as_events(void **state)
{
    (void)state;
    assert_becomes(
        otlp_from_jaeger,
        TRACE_BEGIN
        "{\"traceID\":\"a1\",\"spanID\":\"1\",\"operationName\":\"x\",\"processID\":\"p1\","
        "\"logs\":[{\"timestamp\":7,\"fields\":[{\"key\":\"message\",\"type\":\"string\","
        "\"value\":\"m\"},{\"key\":\"event\",\"type\":\"string\",\"value\":\"e\"}]}]}" TRACE_END,
        "of service.name='shop'\n  'x' kind 0, 0 to 0, trace " A1 " id " ID_1
        " event 'e' at 7000 message='m' event='e'");
}

static void jaeger__says_what_is_wrong_and_where(void **state)
{
    (void)state;
    assert_refused_at(otlp_from_jaeger, TRACE_BEGIN "{\"traceID\":^\"xy\"}" TRACE_END,
                      "data[0].spans[0].traceID: an id in hexadecimal digits is expected");
    assert_refused_at(otlp_from_jaeger,
                      TRACE_BEGIN "{\"traceID\":\"a1\",\"startTime\":^-5}" TRACE_END,
                      "data[0].spans[0].startTime: a number of microseconds is expected");
    assert_refused_at(otlp_from_jaeger, TRACE_BEGIN "{\"startTime\":^18446744073709552}" TRACE_END,
                      "data[0].spans[0].startTime: a number of microseconds is expected");
    assert_refused_at(otlp_from_jaeger, TRACE_BEGIN "{\"tags\":[{\"key\":^5}]}" TRACE_END,
                      "data[0].spans[0].tags[0].key: a string is expected");
    assert_refused_at(otlp_from_jaeger, TRACE_BEGIN "{},^3" TRACE_END,
                      "data[0].spans[1]: an object is expected");
    assert_refused_at(otlp_from_jaeger, "{\"data\":^{}}", "data: an array is expected");
    assert_refused_at(otlp_from_jaeger,
                      "{\"data\":null,\"errors\":^[{\"code\":404,\"msg\":\"trace not found\"}]}",
                      "errors: trace not found");
}

/* ------------------------------------------------------------------ Zipkin */

static void zipkin__gives_each_service_its_spans(void **state)
{
    (void)state;
    assert_becomes(
        otlp_from_zipkin,
        "[{\"traceId\":\"a1\",\"id\":\"1\",\"kind\":\"CLIENT\",\"name\":\"get\",\"timestamp\":1000,"
        "\"duration\":500,\"localEndpoint\":{\"serviceName\":\"shop\"},\"remoteEndpoint\":"
        "{\"serviceName\":\"bank\",\"ipv4\":\"10.0.0.1\",\"port\":80},"
        "\"tags\":{\"http.status_code\":\"500\"}},"
        "{\"traceId\":\"a1\",\"id\":\"1\",\"parentId\":\"2\",\"kind\":\"SERVER\",\"name\":\"get\","
        "\"timestamp\":1100,\"duration\":300,\"shared\":true,\"localEndpoint\":"
        "{\"serviceName\":\"bank\"},\"tags\":{\"service.namespace\":\"money\","
        "\"error\":\"\"}},"
        "{\"traceId\":\"a1\",\"id\":\"3\",\"name\":\"later\",\"timestamp\":5,\"localEndpoint\":"
        "{\"serviceName\":\"shop\"},\"annotations\":[{\"timestamp\":6,\"value\":\"ws\"}]}]",
        "of service.name='bank' service.namespace='money'\n  'get' kind 2, 1100000 to 1400000, trace " A1
        " id " ID_1 " parent " ID_2 " status 2 ''"
        "\nof service.name='shop'\n  'get' kind 3, 1000000 to 1500000, trace " A1 " id " ID_1
        " http.status_code='500' peer.service='bank' network.peer.address='10.0.0.1'"
        " network.peer.port=80"
        "\n  'later' kind 0, 5000 to 0, trace " A1 " id 0000000000000003 event 'ws' at 6000");
}

static void zipkin__reads_lists_of_traces(void **state)
{
    (void)state;
    assert_becomes(otlp_from_zipkin,
                   "[[{\"traceId\":\"a1\",\"id\":\"1\",\"name\":\"x\"}],[],"
                   "[{\"traceId\":\"b2\",\"id\":\"2\",\"name\":\"y\"}]]",
                   "of\n  'x' kind 0, 0 to 0, trace " A1 " id " ID_1
                   "\n  'y' kind 0, 0 to 0, trace 000000000000000000000000000000b2 id " ID_2);
    assert_becomes(otlp_from_zipkin, "[]", "");
}

static void zipkin__tells_tags_that_are_fields(void **state)
{
    (void)state;
    assert_becomes(
        otlp_from_zipkin,
        "[{\"traceId\":\"a1\",\"id\":\"1\",\"name\":\"x\",\"tags\":{\"error\":\"broken\","
        "\"span.kind\":\"internal\",\"a\":\"b\"}},"
        "{\"traceId\":\"a1\",\"id\":\"2\",\"name\":\"y\",\"tags\":{\"error\":\"false\","
        "\"otel.status_code\":\"OK\",\"w3c.tracestate\":\"s=t\"}},"
        "{\"traceId\":\"a1\",\"id\":\"3\",\"name\":\"z\",\"tags\":{\"error\":\"true\"}}]",
        "of\n  'x' kind 1, 0 to 0, trace " A1 " id " ID_1 " status 2 'broken' a='b'"
        "\n  'y' kind 0, 0 to 0, trace " A1 " id " ID_2 " state 's=t' status 1 ''"
        "\n  'z' kind 0, 0 to 0, trace " A1 " id 0000000000000003 status 2 ''");
}

static void zipkin__says_what_is_wrong_and_where(void **state)
{
    (void)state;
    assert_refused_at(otlp_from_zipkin, "[{},{\"tags\":{\"a\":^1}}]",
                      "[1].tags.a: a string is expected");
    assert_refused_at(otlp_from_zipkin, "[[{}],[{},^4]]", "[1][1]: an object is expected");
    assert_refused_at(otlp_from_zipkin, "[{\"duration\":^\"x\"}]",
                      "[0].duration: a number of microseconds is expected");
    assert_refused_at(otlp_from_zipkin, "[{\"localEndpoint\":{\"serviceName\":^1}}]",
                      "[0].localEndpoint.serviceName: a string is expected");
    assert_refused_at(otlp_from_zipkin, "^{}", "the request: an array of spans is expected");
}

/* ------------------------------------------------------------------ bounds */

static void from__leaves_the_output_as_it_was(void **state)
{
    static const char jaeger[] = TRACE_BEGIN "{\"spanID\":\"1\",\"processID\":\"p1\"},3" TRACE_END;
    static const char zipkin[] = "[{\"id\":\"1\"},{\"id\":\"x\"}]";
    struct otlp_json_error error;
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    buf_append_text(&out, "before");
    assert_int_equal(otlp_from_jaeger(view_of(jaeger), TREE_MAX, &out, &error), STATUS_INVALID);
    assert_int_equal(otlp_from_zipkin(view_of(zipkin), TREE_MAX, &out, &error), STATUS_INVALID);
    assert_true(view_equal(buf_view(&out), VIEW("before")));
    assert_int_equal(otlp_from_zipkin(VIEW("[{\"id\":\"1\"}]"), 100, &out, &error),
                     STATUS_TOO_LARGE);
    buf_release(&out);
    buf_init(&out, 8);
    assert_int_equal(otlp_from_zipkin(VIEW("[{\"id\":\"1\"}]"), TREE_MAX, &out, &error),
                     STATUS_TOO_LARGE);
    assert_int_equal(out.size, 0);
    buf_release(&out);
}

static void from__survives_that_memory_is_out(void **state)
{
    static const char jaeger[] = TRACE_BEGIN "{\"traceID\":\"a1\",\"processID\":\"p1\"}" TRACE_END;
    static const char zipkin[] = "[{\"traceId\":\"a1\",\"id\":\"1\",\"tags\":{\"a\":\"b\"}}]";
    const struct {
        from_function *from;
        struct view text;
    } cases[] = {{otlp_from_jaeger, view_of(jaeger)}, {otlp_from_zipkin, view_of(zipkin)}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = STATUS_NOMEM;
        for (long allowed = 0; status != 0; allowed++) {
            struct otlp_json_error error;
            struct buf out;
            buf_init(&out, 0);
            mem_fail_after(allowed);
            status = cases[i].from(cases[i].text, TREE_MAX, &out, &error);
            mem_fail_after(-1);
            assert_true(status == 0 || status == STATUS_NOMEM);
            buf_release(&out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jaeger__gives_each_process_its_spans),
        cmocka_unit_test(jaeger__reads_a_trace_by_itself_and_a_process_in_its_span),
        cmocka_unit_test(jaeger__tells_tags_that_are_fields),
        cmocka_unit_test(jaeger__finds_the_parent_among_the_references),
        cmocka_unit_test(jaeger__keeps_logs_as_events),
        cmocka_unit_test(jaeger__says_what_is_wrong_and_where),
        cmocka_unit_test(zipkin__gives_each_service_its_spans),
        cmocka_unit_test(zipkin__reads_lists_of_traces),
        cmocka_unit_test(zipkin__tells_tags_that_are_fields),
        cmocka_unit_test(zipkin__says_what_is_wrong_and_where),
        cmocka_unit_test(from__leaves_the_output_as_it_was),
        cmocka_unit_test(from__survives_that_memory_is_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
