/* socket_test.c: real sockets on the loopback and in a directory of its own. */
#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/test.h"

static struct address address_of(const char *text)
{
    struct address address;
    char error[256];

    assert_int_equal(address_parse(view_of(text), error, &address), 0);
    return address;
}

static void open_text(const char *text, struct sockets *out_sockets, struct buf *out_name)
{
    struct address address = address_of(text);
    char error[256] = "";

    if (sockets_open(&address, error, out_sockets) != 0)
        fail_msg("%s", error);
    buf_init(out_name, 0);
    assert_int_equal(sockets_name(out_sockets, out_name), 0);
    assert_int_equal(buf_append_byte(out_name, '\0'), 0);
}

static void expect_refused(const char *text, const char *part)
{
    struct address address = address_of(text);
    struct sockets sockets;
    char error[256] = "";

    assert_int_equal(sockets_open(&address, error, &sockets), STATUS_SYSTEM);
    if (strstr(error, text) == NULL || strstr(error, part) == NULL)
        fail_msg("no '%s' and '%s' in: %s", text, part, error);
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool there = fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0;

    if (fd >= 0)
        (void)close(fd);
    return there;
}

static void sockets__bind_both_loopbacks_to_one_port(void **state)
{
    struct sockaddr_in name4;
    struct sockaddr_in6 name6;
    socklen_t size = sizeof(name4);
    struct sockets sockets;
    struct buf name;

    (void)state;
    open_text("localhost:0", &sockets, &name);
    assert_memory_equal(name.data, "127.0.0.1:", 10);
    assert_int_equal(getsockname(sockets.fds[0], (struct sockaddr *)&name4, &size), 0);
    assert_int_not_equal(name4.sin_port, 0);
    if (has_ipv6()) {
        assert_int_equal(sockets.count, 2);
        size = sizeof(name6);
        assert_int_equal(getsockname(sockets.fds[1], (struct sockaddr *)&name6, &size), 0);
        assert_int_equal(name6.sin6_family, AF_INET6);
        assert_int_equal(name6.sin6_port, name4.sin_port);
    }
    buf_release(&name);
    sockets_close(&sockets);
    assert_int_equal(sockets.count, 0);
}

static void sockets__refuse_a_port_in_use(void **state)
{
    struct sockets sockets;
    struct buf name;

    (void)state;
    open_text("127.0.0.1:0", &sockets, &name);
    expect_refused(name.data, "in use");
    buf_release(&name);
    sockets_close(&sockets);
}

static void sockets__refuse_a_foreign_address(void **state)
{
    (void)state;
    expect_refused("192.0.2.1:4317", "assign");
    expect_refused("no-such-host.invalid:4317", "not known");
}

static void sockets__show_ipv6_in_brackets(void **state)
{
    struct sockets sockets;
    struct buf name;

    (void)state;
    if (!has_ipv6())
        skip();
    open_text("[::1]:0", &sockets, &name);
    assert_memory_equal(name.data, "[::1]:", 6);
    expect_refused(name.data, "in use");
    buf_release(&name);
    sockets_close(&sockets);
}

static int connect_unix(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static void sockets__replace_only_a_file_that_nobody_answers(void **state)
{
    char dir[] = "/tmp/spanmap-socket-XXXXXX";
    char text[64];
    const char *path = text + 5;
    struct sockets first;
    struct sockets second;
    struct buf name;
    int fd;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(text, sizeof(text), "unix:%s/s", dir);
    open_text(text, &first, &name);
    assert_string_equal(name.data, text);
    buf_release(&name);
    expect_refused(text, "in use");
    fd = connect_unix(path);
    assert_true(fd >= 0);
    (void)close(fd);
    (void)close(first.fds[0]); /* Its process died: the file is left. */
    first.count = 0;
    assert_int_equal(connect_unix(path), -1);
    open_text(text, &second, &name);
    buf_release(&name);
    sockets_close(&first); /* Not its file any more: it stays. */
    fd = connect_unix(path);
    assert_true(fd >= 0);
    (void)close(fd);
    sockets_close(&second);
    assert_int_equal(access(path, F_OK), -1);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    expect_refused(text, "not a socket");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void sockets__know_abstract_names(void **state)
{
    struct sockets sockets;
    char text[64];
    struct buf name;

    (void)state;
    (void)snprintf(text, sizeof(text), "unix:@spanmap-test-%d", (int)getpid());
    open_text(text, &sockets, &name);
    assert_string_equal(name.data, text);
    expect_refused(text, "in use");
    buf_release(&name);
    sockets_close(&sockets);
}

static void sockets__give_a_file_its_rights(void **state)
{
    char folder[] = "/tmp/spanmap-socket-XXXXXX";
    char text[64];
    struct address address;
    struct sockets sockets;
    struct stat file;
    char error[256] = "";

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(text, sizeof(text), "unix:%s/sock", folder);
    address = address_of(text);
    address.rights = (struct address_rights){
        .has_mode = true, .mode = 0604, .has_group = true, .group = getegid()};
    assert_int_equal(sockets_open(&address, error, &sockets), 0);
    assert_int_equal(stat(address.path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0604);
    assert_int_equal(file.st_gid, getegid());
    sockets_close(&sockets);
    assert_int_equal(access(address.path, F_OK), -1);
    if (geteuid() != 0) {
        address.rights.has_owner = true;
        address.rights.owner = geteuid() + 1;
        assert_int_equal(sockets_open(&address, error, &sockets), STATUS_SYSTEM);
        assert_non_null(strstr(error, "not permitted"));
        assert_int_equal(access(address.path, F_OK), -1); /* Nothing is left behind. */
    }
    assert_int_equal(rmdir(folder), 0);
}

/* The file that bind() makes is a link to this one before it returns; NULL: it is left alone. */
static const char *put_in_place;

/* In front of libc's. */
int bind(int fd, const struct sockaddr *name, socklen_t size)
{
    struct sockaddr_un file;
    long status = syscall(SYS_bind, fd, name, size);

    if (status == 0 && put_in_place != NULL && name->sa_family == AF_UNIX) {
        memcpy(&file, name, size);
        assert_int_equal(unlink(file.sun_path), 0);
        assert_int_equal(symlink(put_in_place, file.sun_path), 0);
    }
    return (int)status;
}

static void sockets__give_no_rights_to_what_was_put_in_place(void **state)
{
    char folder[] = "/tmp/spanmap-socket-XXXXXX";
    char text[64];
    char victim[64];
    struct address address;
    struct sockets sockets;
    struct stat file;
    char error[256] = "";
    int fd;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(text, sizeof(text), "unix:%s/sock", folder);
    (void)snprintf(victim, sizeof(victim), "%s/victim", folder);
    fd = open(victim, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    address = address_of(text);
    address.rights = (struct address_rights){
        .has_mode = true, .mode = 0666, .has_group = true, .group = getegid()};
    put_in_place = victim;
    assert_int_equal(sockets_open(&address, error, &sockets), STATUS_SYSTEM);
    put_in_place = NULL;
    assert_non_null(strstr(error, strerror(ENOTSOCK)));
    assert_int_equal(stat(victim, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    assert_int_equal(unlink(victim), 0);
    assert_int_equal(rmdir(folder), 0);
}

static int listener(int domain)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(domain, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    if (domain == AF_INET)
        assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

static void sockets__take_over_what_is_passed(void **state)
{
    struct address address = address_of("fd:grpc");
    struct sockets sockets;
    struct buf name;
    char error[256] = "";
    int fd = listener(AF_INET);

    (void)state;
    assert_int_equal(listen(fd, 1), 0);
    address.fds[address.fds_count++] = fd;
    assert_int_equal(sockets_open(&address, error, &sockets), 0);
    assert_int_equal(sockets.count, 1);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    buf_init(&name, 0);
    assert_int_equal(sockets_name(&sockets, &name), 0);
    assert_true(view_starts(buf_view(&name), VIEW("127.0.0.1:")));
    buf_release(&name);
    sockets_close(&sockets);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

/* Another made it, and may want it again. */
static void sockets__leave_the_file_of_a_passed_socket(void **state)
{
    char folder[] = "/tmp/spanmap-socket-XXXXXX";
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct address address = address_of("fd:grpc");
    struct sockets sockets;
    struct buf name;
    char error[256] = "";
    int fd = listener(AF_UNIX);

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path.sun_path, sizeof(path.sun_path), "%s/sock", folder);
    assert_int_equal(bind(fd, (struct sockaddr *)&path, sizeof(path)), 0);
    assert_int_equal(listen(fd, 1), 0);
    address.fds[address.fds_count++] = fd;
    assert_int_equal(sockets_open(&address, error, &sockets), 0);
    buf_init(&name, 0);
    assert_int_equal(sockets_name(&sockets, &name), 0);
    assert_int_equal(name.size, strlen("unix:") + strlen(path.sun_path));
    assert_memory_equal(name.data + 5, path.sun_path, strlen(path.sun_path));
    buf_release(&name);
    sockets_close(&sockets);
    assert_int_equal(unlink(path.sun_path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void expect_bad_passed(int fd, const char *reason)
{
    struct address address = address_of("fd:grpc");
    struct sockets sockets;
    char error[256] = "";

    if (fd >= 0)
        address.fds[address.fds_count++] = fd;
    assert_int_equal(sockets_open(&address, error, &sockets), STATUS_SYSTEM);
    assert_non_null(strstr(error, "cannot listen on fd:grpc"));
    assert_non_null(strstr(error, reason));
    if (fd >= 0)
        assert_int_equal(close(fd), 0);
}

static void sockets__look_at_what_is_passed(void **state)
{
    (void)state;
    expect_bad_passed(-1, "no socket of this name");
    expect_bad_passed(open("/dev/null", O_RDONLY), "not a socket");
    expect_bad_passed(socket(AF_INET, SOCK_DGRAM, 0), "not a stream socket");
    expect_bad_passed(socket(AF_INET, SOCK_STREAM, 0), "does not listen");
    expect_bad_passed(socket(AF_NETLINK, SOCK_RAW, 0), "neither an Internet nor a Unix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets__bind_both_loopbacks_to_one_port),
        cmocka_unit_test(sockets__refuse_a_port_in_use),
        cmocka_unit_test(sockets__refuse_a_foreign_address),
        cmocka_unit_test(sockets__show_ipv6_in_brackets),
        cmocka_unit_test(sockets__replace_only_a_file_that_nobody_answers),
        cmocka_unit_test(sockets__know_abstract_names),
        cmocka_unit_test(sockets__give_a_file_its_rights),
        cmocka_unit_test(sockets__give_no_rights_to_what_was_put_in_place),
        cmocka_unit_test(sockets__take_over_what_is_passed),
        cmocka_unit_test(sockets__leave_the_file_of_a_passed_socket),
        cmocka_unit_test(sockets__look_at_what_is_passed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
