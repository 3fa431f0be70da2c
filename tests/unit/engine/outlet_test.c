/* outlet_test.c: which options can be an outlet, and what answers say. */
#include "engine/outlet.h"

#include <stdlib.h>
#include <unistd.h>

#include "exporters/courier_counters.h"
#include "tests/lib/test.h"

static void check(const char *endpoint, const char *ca, const char *cert, const char *key,
                  const char *words)
{
    struct outlet_options options = {
        .endpoint = view_of(endpoint),
        .tls_ca = view_of(ca),
        .tls_cert = view_of(cert),
        .tls_key = view_of(key),
    };
    char error[256] = "";
    int status = outlet_check(&options, "forward", error);

    assert_int_equal(status, words != NULL ? STATUS_INVALID : 0);
    if (words != NULL && strstr(error, words) == NULL)
        fail_msg("'%s' is not in '%s'", words, error);
}

static void outlet__takes_options_that_fit(void **state)
{
    char file[] = "/tmp/outlet_test_XXXXXX";
    char empty[] = "/tmp/outlet_test_XXXXXX";
    int fd = mkstemp(file);
    int fd_empty = mkstemp(empty);

    (void)state;
    assert_true(fd >= 0 && fd_empty >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    check("off", "", "", "", NULL);
    check("a:1", "", "", "", NULL);
    check("https://a:1", file, "", "", NULL);
    check("https://a:1", file, file, file, NULL);
    check("https://a:1", empty, "", "", "forward.tls_ca cannot be read");
    check("https://a:1", "/", "", "", "forward.tls_ca cannot be read");
    check("https://a:1", file, file, "", "tls_cert and tls_key");
    check("https://a:1", file, "", file, "tls_cert and tls_key");
    check("https://a:1", file, file, "/nowhere/key", "forward.tls_key cannot be read");
    check("a:1", file, "", "", "not https://");
    check("a:0", "", "", "", "forward.endpoint");
    (void)close(fd);
    (void)close(fd_empty);
    (void)unlink(file);
    (void)unlink(empty);
}

static void outlet__reads_answers(void **state)
{
    struct grpc_port_reply reply = {.code = 0, .body = VIEW("\x0a\x06\x08\x03\x12\x02no")};
    struct courier_verdict verdict = {.is_ok = false};

    (void)state;
    outlet_read(&reply, &verdict);
    assert_true(verdict.is_ok);
    assert_int_equal(verdict.rejected, 3);
    assert_string_equal(verdict.text, "no");
    reply = (struct grpc_port_reply){.code = 8, .message = VIEW("later\n")};
    verdict = (struct courier_verdict){.is_ok = false};
    outlet_read(&reply, &verdict);
    assert_false(verdict.is_ok || verdict.may_retry);
    assert_string_equal(verdict.code, "RESOURCE_EXHAUSTED");
    assert_string_equal(verdict.text, "later?");
    reply.code = 14;
    verdict = (struct courier_verdict){.is_ok = false};
    outlet_read(&reply, &verdict);
    assert_true(verdict.may_retry);
    assert_int_equal(verdict.retry_delay_ns, 0);
}

static void outlet__says_that_the_module_is_missing(void **state)
{
    struct outlet_options options = {.endpoint = VIEW("a:1")};
    struct outlet_setup setup = {
        .options = &options,
        .section = "forward",
        .what = "forward",
        .method = "/m",
        .module = "/nowhere/spanmap-grpc.so",
        .bytes_max = 1 << 20,
        .in_flight_max = 1,
        .rows = forward_counter_rows,
        .rows_count = COURIER_ALL_COUNT,
    };
    struct outlet outlet;
    char error[256] = "";

    (void)state;
    assert_int_equal(outlet_init(&outlet, &setup, error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error, "/nowhere/spanmap-grpc.so"));
    assert_non_null(strstr(error, "grpc.module"));
    outlet_release(&outlet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outlet__takes_options_that_fit),
        cmocka_unit_test(outlet__reads_answers),
        cmocka_unit_test(outlet__says_that_the_module_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
