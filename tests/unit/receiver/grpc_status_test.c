/* grpc_status_test.c: what clients read out of the trailers again. */
#include "receiver/grpc_status.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "tests/lib/test.h"

static void status__writes_codes_in_decimal(void **state)
{
    (void)state;
    assert_view_equal(grpc_code_digits(GRPC_OK), "0");
    assert_view_equal(grpc_code_digits((enum grpc_code)9), "9");
    assert_view_equal(grpc_code_digits((enum grpc_code)10), "10");
    assert_view_equal(grpc_code_digits(GRPC_UNAVAILABLE), "14");
    assert_view_equal(grpc_code_digits((enum grpc_code)16), "16");
}

static void status__encodes_messages(void **state)
{
    char all[256];
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    assert_int_equal(grpc_message_encode(VIEW("a b~ %\t\x7f\xc3\xa9"), &out), 0);
    assert_view_equal(buf_view(&out), "a b~ %25%09%7F%C3%A9");
    buf_reset(&out);
    for (size_t i = 0; i < 256; i++)
        all[i] = (char)i;
    assert_int_equal(grpc_message_encode((struct view){all, 256}, &out), 0);
    for (size_t i = 0; i < out.size; i++)
        assert_in_range(out.data[i], 0x20, 0x7e);
    buf_release(&out);
}

static void status__cuts_long_messages_between_escapes(void **state)
{
    char text[2000];
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    memset(text, '\n', sizeof(text));
    assert_int_equal(grpc_message_encode((struct view){text, sizeof(text)}, &out), 0);
    assert_in_range(out.size, 1020, 1024);
    assert_int_equal(out.size % 3, 0);
    buf_release(&out);
}

static int digit(char c)
{
    const char *letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = memchr(letters, c, 64);

    assert_non_null(at);
    return (int)(at - letters);
}

static size_t decode_base64(struct view text, uint8_t *out)
{
    unsigned bits = 0;
    unsigned held = 0;
    size_t size = 0;

    for (size_t i = 0; i < text.size; i++) {
        bits = bits << 6 | (unsigned)digit(text.data[i]);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[size++] = (uint8_t)(bits >> held);
        }
    }
    assert_int_equal(bits & ((1u << held) - 1), 0);
    return size;
}

static void expect_details(const char *message, uint64_t delay_ns)
{
    uint8_t bytes[4096];
    Google__Rpc__Status *status;
    Google__Rpc__RetryInfo *retry;
    struct buf out;
    size_t size;

    buf_init(&out, 0);
    assert_int_equal(grpc_details_encode(GRPC_UNAVAILABLE, view_of(message), delay_ns, &out), 0);
    size = decode_base64(buf_view(&out), bytes);
    status = google__rpc__status__unpack(NULL, size, bytes);
    assert_non_null(status);
    assert_int_equal(status->code, 14);
    assert_string_equal(status->message, message);
    assert_int_equal(status->n_details, delay_ns != 0 ? 1 : 0);
    if (delay_ns != 0) {
        assert_string_equal(status->details[0]->type_url,
                            "type.googleapis.com/google.rpc.RetryInfo");
        retry = google__rpc__retry_info__unpack(NULL, status->details[0]->value.len,
                                                status->details[0]->value.data);
        assert_non_null(retry);
        assert_int_equal(retry->retry_delay->seconds, delay_ns / 1000000000);
        assert_int_equal(retry->retry_delay->nanos, delay_ns % 1000000000);
        google__rpc__retry_info__free_unpacked(retry, NULL);
    }
    google__rpc__status__free_unpacked(status, NULL);
    buf_release(&out);
}

static void status__packs_details_that_protobuf_reads(void **state)
{
    (void)state;
    expect_details("", 1);
    expect_details("a", 999999999);
    expect_details("ab", 1000000000);
    expect_details("full, try again", UINT64_C(86400123456789));
    expect_details("no delay", 0);
}

static int encode_once(void *context)
{
    struct buf out;
    int status;

    (void)context;
    buf_init(&out, 0);
    status = grpc_details_encode(GRPC_UNAVAILABLE, VIEW("message"), 1500000000, &out);
    buf_release(&out);
    return status;
}

static void status__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(encode_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status__writes_codes_in_decimal),
        cmocka_unit_test(status__encodes_messages),
        cmocka_unit_test(status__cuts_long_messages_between_escapes),
        cmocka_unit_test(status__packs_details_that_protobuf_reads),
        cmocka_unit_test(status__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
