/* passed_test.c: an environment as service managers make it. */
#include "daemon/passed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/test.h"

enum { MINE = -1 };

static void set_environment(int pid, const char *fds, const char *names)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%d", pid == MINE ? (int)getpid() : pid);
    assert_int_equal(setenv("LISTEN_PID", text, 1), 0);
    assert_int_equal(setenv("LISTEN_FDS", fds, 1), 0);
    if (names != NULL)
        assert_int_equal(setenv("LISTEN_FDNAMES", names, 1), 0);
}

/* Descriptors 3 and 4, as a manager would have opened them. */
static void open_descriptors(void)
{
    for (int fd = 3; fd <= 4; fd++) {
        int source = open("/dev/null", O_RDONLY);

        assert_true(source >= 0);
        if (source == fd)
            continue;
        assert_int_equal(dup2(source, fd), fd);
        (void)close(source);
    }
}

static void close_descriptors(void)
{
    (void)close(3);
    (void)close(4);
}

static void passed__takes_sockets_with_their_names(void **state)
{
    struct passed passed;
    char error[256];

    (void)state;
    open_descriptors();
    set_environment(MINE, "2", "grpc:web");
    assert_int_equal(passed_take(&passed, error), 0);
    assert_int_equal(passed.sockets.count, 2);
    assert_string_equal(passed.list[0].name, "grpc");
    assert_int_equal(passed.list[0].fd, 3);
    assert_string_equal(passed.list[1].name, "web");
    assert_int_equal(passed.list[1].fd, 4);
    assert_int_equal(fcntl(3, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDNAMES"));
    passed_release(&passed);
    /* Older managers tell no names. */
    set_environment(MINE, "2", NULL);
    assert_int_equal(passed_take(&passed, error), 0);
    assert_string_equal(passed.list[1].name, "unknown");
    passed_release(&passed);
    close_descriptors();
}

static void passed__leaves_what_is_not_its_own(void **state)
{
    struct passed passed;
    char error[256];

    (void)state;
    set_environment(1, "2", "a:b");
    assert_int_equal(passed_take(&passed, error), 0);
    assert_int_equal(passed.sockets.count, 0);
    passed_release(&passed);
    assert_int_equal(passed_take(&passed, error), 0);
    assert_int_equal(passed.sockets.count, 0);
    passed_release(&passed);
}

static void passed__refuses_nonsense(void **state)
{
    static const char *const bad[] = {"", "x", "-1", "2x", "33", "99999999999999999999"};
    struct passed passed;
    char error[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        set_environment(MINE, bad[i], NULL);
        assert_int_equal(passed_take(&passed, error), STATUS_INVALID);
        assert_non_null(strstr(error, "LISTEN_FDS"));
        passed_release(&passed);
    }
    /* Descriptors that nobody opened. */
    set_environment(MINE, "30", NULL);
    assert_int_equal(passed_take(&passed, error), STATUS_INVALID);
    passed_release(&passed);
    assert_int_equal(setenv("LISTEN_PID", "me", 1), 0);
    assert_int_equal(setenv("LISTEN_FDS", "1", 1), 0);
    assert_int_equal(passed_take(&passed, error), STATUS_INVALID);
    assert_non_null(strstr(error, "LISTEN_PID"));
    passed_release(&passed);
}

static void passed__tells_the_manager(void **state)
{
    static const char *const kinds[] = {"/tmp/spanmap-notify-%d", "@spanmap-notify-%d"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        struct passed passed;
        char path[64];
        char text[64] = "";
        char error[256];
        int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

        (void)snprintf(path, sizeof(path), kinds[i], (int)getpid());
        memcpy(name.sun_path, path, strlen(path));
        if (path[0] == '@')
            name.sun_path[0] = '\0';
        assert_int_equal(bind(fd, (struct sockaddr *)&name,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
                         0);
        assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
        assert_int_equal(passed_take(&passed, error), 0);
        assert_null(getenv("NOTIFY_SOCKET"));
        passed_notify(&passed, "READY=1");
        assert_int_equal(recv(fd, text, sizeof(text), 0), 7);
        assert_string_equal(text, "READY=1");
        (void)close(fd);
        if (path[0] == '/')
            assert_int_equal(unlink(path), 0);
        /* Nobody is there any more, which does no harm. */
        passed_notify(&passed, "STOPPING=1");
        passed_release(&passed);
    }
}

static int step(void *context)
{
    struct passed passed;
    char error[256];
    int status;

    (void)context;
    set_environment(MINE, "2", "a:b");
    status = passed_take(&passed, error);
    passed_release(&passed);
    return status;
}

static void passed__survives_failing_memory(void **state)
{
    (void)state;
    open_descriptors();
    test_sweep_memory(step, NULL);
    close_descriptors();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passed__takes_sockets_with_their_names),
        cmocka_unit_test(passed__leaves_what_is_not_its_own),
        cmocka_unit_test(passed__refuses_nonsense),
        cmocka_unit_test(passed__tells_the_manager),
        cmocka_unit_test(passed__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
