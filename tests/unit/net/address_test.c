/* address_test.c: what users write, and what is said when it is wrong. */
#include "net/address.h"

#include "tests/lib/test.h"

static void expect_tcp(const char *text, const char *host, unsigned port)
{
    struct address address;
    char error[256];

    assert_int_equal(address_parse(view_of(text), error, &address), 0);
    assert_int_equal(address.type, ADDRESS_TCP);
    assert_string_equal(address.host, host);
    assert_int_equal(address.port, port);
}

static void expect_error(struct view text, const char *part)
{
    struct address address = {.type = ADDRESS_UNIX, .port = 77};
    char error[256] = "";

    assert_int_equal(address_parse(text, error, &address), STATUS_INVALID);
    if (strstr(error, part) == NULL)
        fail_msg("no '%s' in: %s", part, error);
    assert_int_equal(address.type, ADDRESS_UNIX);
    assert_int_equal(address.port, 77);
}

static void address__knows_hosts_and_ports(void **state)
{
    (void)state;
    expect_tcp("localhost:4317", "localhost", 4317);
    expect_tcp("127.0.0.1:0", "127.0.0.1", 0);
    expect_tcp("0.0.0.0:65535", "0.0.0.0", 65535);
    expect_tcp("my-host_1.example:80", "my-host_1.example", 80);
    expect_tcp("[::1]:4317", "::1", 4317);
    expect_tcp("[::]:4317", "::", 4317);
    expect_tcp("[fe80::1%eth0]:4317", "fe80::1%eth0", 4317);
}

static void address__knows_unix_sockets_and_off(void **state)
{
    struct address address;
    char error[256];

    (void)state;
    assert_int_equal(address_parse(VIEW("unix:/run/a b.sock"), error, &address), 0);
    assert_int_equal(address.type, ADDRESS_UNIX);
    assert_string_equal(address.path, "/run/a b.sock");
    assert_int_equal(address_parse(VIEW("off"), error, &address), 0);
    assert_int_equal(address.type, ADDRESS_OFF);
}

static void address__says_what_is_wrong(void **state)
{
    char path[5 + 108];
    char host[300 + 3];

    (void)state;
    expect_error(VIEW(""), "write HOST:PORT");
    expect_error(VIEW("4317"), "write HOST:PORT");
    expect_error(VIEW(":4317"), "0.0.0.0 means every interface");
    expect_error(VIEW("localhost:"), "port");
    expect_error(VIEW("localhost:65536"), "port");
    expect_error(VIEW("localhost:99999999999999999999"), "port");
    expect_error(VIEW("localhost:-1"), "port");
    expect_error(VIEW("localhost:http"), "port");
    expect_error(VIEW("::1:4317"), "in brackets");
    expect_error(VIEW("[::1:4317"), "not closed");
    expect_error(VIEW("[]:4317"), "no IPv6 address");
    expect_error(VIEW("[localhost]:4317"), "no IPv6 address");
    expect_error(VIEW("[::1%]:4317"), "no IPv6 address");
    expect_error(VIEW("http://localhost:4317"), "in brackets");
    expect_error(VIEW("lo calhost:1"), "character");
    expect_error(VIEW("lo\0calhost:1"), "character");
    expect_error(VIEW("unix:"), "path");
    expect_error(VIEW("unix:/a\0b"), "zero byte");
    memset(path, 'p', sizeof(path));
    memcpy(path, "unix:", 5);
    expect_error((struct view){path, sizeof(path)}, "107 bytes");
    memset(host, 'h', sizeof(host));
    memcpy(host + 300, ":80", 3);
    expect_error((struct view){host, sizeof(host)}, "255 bytes");
}

static void address__knows_names_of_passed_sockets(void **state)
{
    struct address address;
    char error[256];

    (void)state;
    assert_int_equal(address_parse(VIEW("fd:grpc.socket"), error, &address), 0);
    assert_int_equal(address.type, ADDRESS_PASSED);
    assert_string_equal(address.path, "grpc.socket");
    assert_int_equal(address.fds_count, 0);
    assert_int_equal(address_parse(VIEW("fd:"), error, &address), STATUS_INVALID);
    assert_int_equal(address_parse(VIEW("fd:a:b"), error, &address), STATUS_INVALID);
    assert_int_equal(address_parse(VIEW("fd:a b"), error, &address), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address__knows_hosts_and_ports),
        cmocka_unit_test(address__knows_unix_sockets_and_off),
        cmocka_unit_test(address__says_what_is_wrong),
        cmocka_unit_test(address__knows_names_of_passed_sockets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
