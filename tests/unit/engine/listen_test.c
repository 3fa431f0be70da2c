/* listen_test.c: addresses with their rights and their sockets. */
#include "engine/listen.h"

#include <unistd.h>

#include "engine/users.h"
#include "tests/lib/test.h"

static void set(struct options *options, const char *key, const char *value)
{
    const struct option_row *row = option_find(&spanmap_options, view_of(key));
    char error[256];

    assert_non_null(row);
    assert_int_equal(option_set(row, options, view_of(value), error), 0);
}

static void listen_address__gives_unix_sockets_their_rights(void **state)
{
    struct passed_sockets none = {NULL, 0};
    struct options options;
    struct address address;
    char error[256] = "";

    (void)state;
    assert_int_equal(options_init(&options), 0);
    assert_int_equal(listen_address(&options, none, VIEW("unix:/a"), error, &address), 0);
    assert_false(address.rights.has_mode || address.rights.has_owner || address.rights.has_group);
    set(&options, "listen.unix_mode", "0660");
    set(&options, "listen.unix_owner", "root");
    set(&options, "listen.unix_group", "12");
    assert_int_equal(listen_address(&options, none, VIEW("unix:/a"), error, &address), 0);
    assert_true(address.rights.has_mode && address.rights.has_owner && address.rights.has_group);
    assert_int_equal(address.rights.mode, 0660);
    assert_int_equal(address.rights.owner, 0);
    assert_int_equal(address.rights.group, 12);
    set(&options, "listen.unix_owner", "nobody-of-that-name");
    assert_int_equal(listen_address(&options, none, VIEW("unix:/a"), error, &address),
                     STATUS_INVALID);
    assert_non_null(strstr(error, "listen.unix_owner"));
    /* Of no concern to others. */
    assert_int_equal(listen_address(&options, none, VIEW("127.0.0.1:1"), error, &address), 0);
    options_release(&options);
}

static void listen_address__finds_passed_sockets(void **state)
{
    struct passed_socket list[] = {{"grpc", 3, false}, {"web", 4, false}, {"grpc", 5, false}};
    struct passed_sockets passed = {list, 3};
    struct options options;
    struct address address;
    char error[256] = "";

    (void)state;
    assert_int_equal(options_init(&options), 0);
    assert_int_equal(listen_address(&options, passed, VIEW("fd:grpc"), error, &address), 0);
    assert_int_equal(address.fds_count, 2);
    assert_int_equal(address.fds[0], 3);
    assert_int_equal(address.fds[1], 5);
    assert_true(list[0].is_used && list[2].is_used && !list[1].is_used);
    assert_int_equal(listen_address(&options, passed, VIEW("fd:3"), error, &address),
                     STATUS_INVALID); /* It is taken. */
    assert_int_equal(listen_address(&options, passed, VIEW("fd:4"), error, &address), 0);
    assert_int_equal(address.fds[0], 4);
    assert_int_equal(listen_address(&options, passed, VIEW("fd:none"), error, &address), 0);
    assert_int_equal(address.fds_count, 0);
    options_release(&options);
}

static void listen_mode__takes_octal_digits(void **state)
{
    uint32_t mode = 1;

    (void)state;
    assert_int_equal(listen_mode(VIEW("600"), &mode), 0);
    assert_int_equal(mode, 0600);
    assert_int_equal(listen_mode(VIEW("0777"), &mode), 0);
    assert_int_equal(mode, 0777);
    assert_int_equal(listen_mode(VIEW("7777"), &mode), STATUS_INVALID);
    assert_int_equal(listen_mode(VIEW("0888"), &mode), STATUS_INVALID);
    assert_int_equal(listen_mode(VIEW("66"), &mode), STATUS_INVALID);
    assert_int_equal(listen_mode(VIEW("rw-"), &mode), STATUS_INVALID);
}

static void users__are_found_by_name_and_number(void **state)
{
    uint32_t number = 1;

    (void)state;
    assert_int_equal(user_find("root", &number), 0);
    assert_int_equal(number, 0);
    assert_int_equal(user_find("1234", &number), 0);
    assert_int_equal(number, 1234);
    assert_int_equal(user_find("12x", &number), STATUS_NOT_FOUND);
    assert_int_equal(user_find("4294967295", &number), STATUS_NOT_FOUND);
    assert_int_equal(user_find("nobody-of-that-name", &number), STATUS_NOT_FOUND);
    assert_int_equal(user_find("", &number), STATUS_NOT_FOUND);
    assert_int_equal(group_find("root", &number), 0);
    assert_int_equal(number, 0);
    assert_int_equal(group_find("no-group-of-that-name", &number), STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listen_address__gives_unix_sockets_their_rights),
        cmocka_unit_test(listen_address__finds_passed_sockets),
        cmocka_unit_test(listen_mode__takes_octal_digits),
        cmocka_unit_test(users__are_found_by_name_and_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
