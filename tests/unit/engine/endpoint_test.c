/* endpoint_test.c: what users write, and what gRPC reads. */
#include "engine/endpoint.h"

#include "tests/lib/test.h"

static void check(const char *text, bool has_tls, const char *target)
{
    struct endpoint endpoint;
    char error[256];

    assert_int_equal(endpoint_parse(view_of(text), error, &endpoint), 0);
    assert_int_equal(endpoint.has_tls, has_tls);
    assert_string_equal(endpoint.target, target);
}

static void endpoint__reads_each_form(void **state)
{
    (void)state;
    check("collector:4317", false, "dns:///collector:4317");
    check("http://collector:4317", false, "dns:///collector:4317");
    check("https://collector.example:443/", true, "dns:///collector.example:443");
    check("[::1]:4317", false, "dns:///[::1]:4317");
    check("unix:/run/otel.sock", false, "unix:/run/otel.sock");
    check("unix:@otel", false, "unix-abstract:otel");
    check("unix:/run/a b%?.sock", false, "unix:/run/a%20b%25%3F.sock");
}

static void endpoint__refuses_what_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "off",
        "a",
        "a:0",
        "fd:x",
        "https://",
        "https://a",
        "ftp://a:1",
        "https://unix:/a",
        "http://http://a:1",
        "unix:",
        "a:1/v1/traces",
        "https://a:1/v1/traces",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct endpoint endpoint;
        char error[256] = "";
        assert_int_equal(endpoint_parse(view_of(texts[i]), error, &endpoint), STATUS_INVALID);
        assert_true(strlen(error) > 0);
    }
}

static bool leads(const char *text, const char *own_text)
{
    struct endpoint endpoint;
    struct address own;
    char error[256];

    assert_int_equal(endpoint_parse(view_of(text), error, &endpoint), 0);
    assert_int_equal(address_parse(view_of(own_text), error, &own), 0);
    return endpoint_is_at(&endpoint, &own);
}

static void endpoint__sees_what_is_surely_its_own_door(void **state)
{
    (void)state;
    assert_true(leads("127.0.0.1:4317", "127.0.0.1:4317"));
    assert_true(leads("http://localhost:4317", "127.0.0.1:4317"));
    assert_true(leads("[::1]:4317", "localhost:4317"));
    assert_true(leads("127.0.0.1:4317", "0.0.0.0:4317"));
    assert_true(leads("unix:/a", "unix:/a"));
    assert_false(leads("127.0.0.1:4318", "127.0.0.1:4317"));
    assert_false(leads("127.0.0.2:4317", "127.0.0.1:4317"));
    assert_false(leads("collector:4317", "0.0.0.0:4317"));
    assert_false(leads("unix:/a", "unix:/b"));
    assert_false(leads("unix:/a", "127.0.0.1:4317"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoint__reads_each_form),
        cmocka_unit_test(endpoint__refuses_what_is_none),
        cmocka_unit_test(endpoint__sees_what_is_surely_its_own_door),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
