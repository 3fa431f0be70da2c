/* otlp_response_test.c: what a sender is told. */
#include <stdio.h>

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "receiver/otlp_response.h"
#include "receiver/otlp_trace.h"
#include "tests/lib/test.h"

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse Response;

static Response *respond(const struct otlp_stage *stage)
{
    struct buf out;
    Response *response;

    buf_init(&out, 0);
    assert_int_equal(otlp_response(stage, MESSAGE_PROTOBUF, &out), 0);
    response = opentelemetry__proto__collector__trace__v1__export_trace_service_response__unpack(
        NULL, out.size, (const uint8_t *)out.data);
    assert_non_null(response);
    buf_release(&out);
    return response;
}

static void forget(Response *response)
{
    opentelemetry__proto__collector__trace__v1__export_trace_service_response__free_unpacked(
        response, NULL);
}

static void response__is_empty_where_all_is_well(void **state)
{
    struct otlp_stage stage = {.count = 3, .links_invalid = 1};
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    assert_int_equal(otlp_response(&stage, MESSAGE_PROTOBUF, &out), 0);
    assert_int_equal(out.size, 0);
    buf_release(&out);
}

static void response__tells_rejected_spans(void **state)
{
    static const uint64_t counts[] = {1, 127, 128, UINT64_C(1) << 40};

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct otlp_stage stage = {.rejected = {[REJECTED_INVALID_ID] = counts[i]}};
        Response *response = respond(&stage);
        char count[24];
        (void)snprintf(count, sizeof(count), "%llu ", (unsigned long long)counts[i]);
        assert_non_null(response->partial_success);
        assert_true(response->partial_success->rejected_spans == (int64_t)counts[i]);
        assert_ptr_equal(strstr(response->partial_success->error_message, count),
                         response->partial_success->error_message);
        forget(response);
    }
}

static void response__warns_without_rejecting(void **state)
{
    struct otlp_stage stage = {.warning = "something was ignored"};
    Response *response = respond(&stage);

    (void)state;
    assert_int_equal(response->partial_success->rejected_spans, 0);
    assert_string_equal(response->partial_success->error_message, "something was ignored");
    forget(response);
    stage.rejected[REJECTED_INVALID_ID] = 2;
    response = respond(&stage);
    assert_int_equal(response->partial_success->rejected_spans, 2);
    assert_non_null(strstr(response->partial_success->error_message, "something was ignored"));
    forget(response);
    stage.rejected[REJECTED_ID_REUSED] = 3;
    response = respond(&stage);
    assert_int_equal(response->partial_success->rejected_spans, 5);
    forget(response);
}

static void response__survives_a_full_buffer(void **state)
{
    struct otlp_stage stage = {.warning = "something was ignored"};
    struct buf out;

    (void)state;
    buf_init(&out, 10);
    assert_int_equal(otlp_response(&stage, MESSAGE_PROTOBUF, &out), STATUS_TOO_LARGE);
    assert_int_equal(out.size, 0);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(response__is_empty_where_all_is_well),
        cmocka_unit_test(response__tells_rejected_spans),
        cmocka_unit_test(response__warns_without_rejecting),
        cmocka_unit_test(response__survives_a_full_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
