/* grpc_fields_test.c: values with a grammar. */
#include "receiver/grpc_fields.h"

#include "tests/lib/test.h"

static void expect_timeout(const char *text, uint64_t ns)
{
    uint64_t got = 77;

    if (grpc_timeout_parse(view_of(text), &got) != 0 || got != ns)
        fail_msg("%s: %llu", text, (unsigned long long)got);
}

static void fields__know_timeouts(void **state)
{
    static const char *const wrong[] = {"",    "1",   "S",          "1s",  "-1S",  "1.5S",
                                        " 1S", "1S ", "123456789S", "1SS", "0x1S", "+1S"};
    uint64_t got = 77;

    (void)state;
    expect_timeout("1n", 1);
    expect_timeout("20u", 20000);
    expect_timeout("300m", 300000000);
    expect_timeout("5S", UINT64_C(5000000000));
    expect_timeout("2M", UINT64_C(120000000000));
    expect_timeout("1H", UINT64_C(3600000000000));
    expect_timeout("0S", 0);
    expect_timeout("00000001n", 1);
    expect_timeout("99999999S", UINT64_C(99999999000000000));
    expect_timeout("99999999H", UINT64_MAX / 4);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(grpc_timeout_parse(view_of(wrong[i]), &got), STATUS_INVALID);
    assert_int_equal(got, 77);
}

static void fields__know_content_types(void **state)
{
    static const char *const right[] = {"application/grpc", "application/grpc+proto",
                                        "application/grpc;a=b", "application/grpc+proto;a=b",
                                        "Application/gRPC"};
    static const char *const wrong[] = {"",
                                        "application/grp",
                                        "application/grpc-web",
                                        "application/grpc+json",
                                        "application/grpc+protobuf",
                                        "application/grpcx",
                                        " application/grpc",
                                        "application/x-protobuf"};

    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        assert_true(grpc_is_content_type(view_of(right[i])));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(grpc_is_content_type(view_of(wrong[i])));
}

static void fields__know_encodings(void **state)
{
    (void)state;
    assert_int_equal(grpc_encoding_of(VIEW("")), GRPC_IDENTITY);
    assert_int_equal(grpc_encoding_of(VIEW("identity")), GRPC_IDENTITY);
    assert_int_equal(grpc_encoding_of(VIEW("gzip")), GRPC_GZIP);
    assert_int_equal(grpc_encoding_of(VIEW("gzip,identity")), GRPC_UNKNOWN_ENCODING);
    assert_int_equal(grpc_encoding_of(VIEW("deflate")), GRPC_DEFLATE);
    assert_int_equal(grpc_encoding_of(VIEW("zstd")), GRPC_ZSTD);
    assert_int_equal(grpc_encoding_of(VIEW("GZIP")), GRPC_UNKNOWN_ENCODING);
    assert_int_equal(grpc_inflate_format(GRPC_GZIP), INFLATE_GZIP);
    assert_int_equal(grpc_inflate_format(GRPC_DEFLATE), INFLATE_ZLIB);
    assert_int_equal(grpc_inflate_format(GRPC_ZSTD), INFLATE_ZSTD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields__know_timeouts),
        cmocka_unit_test(fields__know_content_types),
        cmocka_unit_test(fields__know_encodings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
