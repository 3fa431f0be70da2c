/* rpc_status_test.c: a Status in both formats. */
#include "receiver/rpc_status.h"

#include <jansson.h>

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "tests/lib/test.h"

static void append(const struct rpc_status *status, enum message_format format, struct buf *out)
{
    buf_init(out, 0);
    assert_int_equal(rpc_status_append(status, format, out), 0);
}

static void status__is_protobuf(void **state)
{
    struct rpc_status status = {
        .code = GRPC_UNAVAILABLE, .message = VIEW("wait\0\xff"), .retry_delay_ns = 1500000000};
    Google__Rpc__RetryInfo *retry;
    Google__Rpc__Status *read;
    struct buf out;

    (void)state;
    append(&status, MESSAGE_PROTOBUF, &out);
    read = google__rpc__status__unpack(NULL, out.size, (const uint8_t *)out.data);
    assert_non_null(read);
    assert_int_equal(read->code, 14);
    assert_string_equal(read->message, "wait\xef\xbf\xbd\xef\xbf\xbd");
    assert_int_equal(read->n_details, 1);
    assert_string_equal(read->details[0]->type_url, "type.googleapis.com/google.rpc.RetryInfo");
    retry = google__rpc__retry_info__unpack(NULL, read->details[0]->value.len,
                                            read->details[0]->value.data);
    assert_int_equal(retry->retry_delay->seconds, 1);
    assert_int_equal(retry->retry_delay->nanos, 500000000);
    google__rpc__retry_info__free_unpacked(retry, NULL);
    google__rpc__status__free_unpacked(read, NULL);
    buf_release(&out);
}

static void status__says_bad_request(void **state)
{
    struct rpc_status status = {
        .code = GRPC_INVALID_ARGUMENT, .message = VIEW("no"), .is_bad_request = true};
    Google__Rpc__BadRequest *bad;
    Google__Rpc__Status *read;
    struct buf out;

    (void)state;
    append(&status, MESSAGE_PROTOBUF, &out);
    read = google__rpc__status__unpack(NULL, out.size, (const uint8_t *)out.data);
    bad = google__rpc__bad_request__unpack(NULL, read->details[0]->value.len,
                                           read->details[0]->value.data);
    assert_string_equal(bad->field_violations[0]->description, "no");
    google__rpc__bad_request__free_unpacked(bad, NULL);
    google__rpc__status__free_unpacked(read, NULL);
    buf_release(&out);
}

static const char *text_at(const json_t *root, const char *key)
{
    return json_string_value(json_object_get(root, key));
}

static void status__is_json(void **state)
{
    struct rpc_status status = {.code = GRPC_INVALID_ARGUMENT,
                                .message = VIEW("\"a\"\\\n\x01\xc3\xa9\xff"),
                                .is_bad_request = true};
    const json_t *detail;
    json_t *root;
    struct buf out;

    (void)state;
    append(&status, MESSAGE_JSON, &out);
    root = json_loadb(out.data, out.size, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "code")), 3);
    assert_string_equal(text_at(root, "message"), "\"a\"\\\n\x01\xc3\xa9\xef\xbf\xbd");
    detail = json_array_get(json_object_get(root, "details"), 0);
    assert_string_equal(text_at(detail, "@type"), "type.googleapis.com/google.rpc.BadRequest");
    json_decref(root);
    buf_release(&out);
    status = (struct rpc_status){.code = GRPC_UNAVAILABLE, .retry_delay_ns = 1000000001};
    append(&status, MESSAGE_JSON, &out);
    root = json_loadb(out.data, out.size, 0, NULL);
    detail = json_array_get(json_object_get(root, "details"), 0);
    assert_string_equal(text_at(detail, "retryDelay"), "1.000000001s");
    json_decref(root);
    buf_release(&out);
}

static void status__cuts_long_messages_between_characters(void **state)
{
    char text[4000];
    struct rpc_status status = {.code = GRPC_INTERNAL, .message = {text, sizeof(text)}};
    Google__Rpc__Status *read;
    struct buf out;

    (void)state;
    for (size_t i = 0; i < sizeof(text); i += 4)
        memcpy(text + i, "\xf0\x9f\x98\x80", 4);
    append(&status, MESSAGE_PROTOBUF, &out);
    read = google__rpc__status__unpack(NULL, out.size, (const uint8_t *)out.data);
    assert_in_range(strlen(read->message), 1000, 1024);
    assert_int_equal(strlen(read->message) % 4, 0);
    google__rpc__status__free_unpacked(read, NULL);
    buf_release(&out);
}

static int append_once(void *context)
{
    const struct rpc_status *status = context;
    struct buf out;
    int result = 0;

    for (int format = 0; format < 2 && result == 0; format++) {
        buf_init(&out, 0);
        result = rpc_status_append(status, (enum message_format)format, &out);
        buf_release(&out);
    }
    return result;
}

static void status__survives_failing_memory(void **state)
{
    struct rpc_status status = {
        .code = GRPC_INVALID_ARGUMENT, .message = VIEW("no"), .is_bad_request = true};

    (void)state;
    test_sweep_memory(append_once, &status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status__is_protobuf),
        cmocka_unit_test(status__says_bad_request),
        cmocka_unit_test(status__is_json),
        cmocka_unit_test(status__cuts_long_messages_between_characters),
        cmocka_unit_test(status__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
