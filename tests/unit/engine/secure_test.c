/* secure_test.c: certificates of the doors, from options; the files' changes are watch_test.c's. */
#include "engine/secure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/secure_counters.h"
#include "net/tls_store.h"
#include "tests/lib/test.h"
#include "tests/lib/tls_peer.h"

enum { PATH_BYTES = 100 };

struct fixture {
    char folder[PATH_BYTES / 2];
    char cert[PATH_BYTES];
    char key[PATH_BYTES];
    struct tls_pair pair;
    struct options options;
};

static void write_file(const char *path, struct view text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.data, text.size), (ssize_t)text.size);
    (void)close(fd);
}

static void set(struct fixture *on, const char *key, const char *value)
{
    const struct option_row *row = option_find(&spanmap_options, view_of(key));
    char error[256];

    assert_non_null(row);
    assert_int_equal(option_set(row, &on->options, view_of(value), error), 0);
}

static void prepare(struct fixture *on)
{
    (void)snprintf(on->folder, sizeof(on->folder), "/tmp/spanmap-secure-XXXXXX");
    assert_non_null(mkdtemp(on->folder));
    (void)snprintf(on->cert, PATH_BYTES, "%s/cert", on->folder);
    (void)snprintf(on->key, PATH_BYTES, "%s/key", on->folder);
    tls_pair_make(&(struct tls_subject){.common_name = "server", .ends_s = 7200}, &on->pair);
    write_file(on->cert, buf_view(&on->pair.cert_text));
    write_file(on->key, buf_view(&on->pair.key_text));
    assert_int_equal(options_init(&on->options), 0);
}

static void stop(struct fixture *on)
{
    assert_int_equal(unlink(on->cert), 0);
    assert_int_equal(unlink(on->key), 0);
    assert_int_equal(rmdir(on->folder), 0);
    tls_pair_release(&on->pair);
    options_release(&on->options);
}

static void secure__leaves_doors_plain(void **state)
{
    struct fixture on;
    struct secure *secure;
    char error[256];

    (void)state;
    prepare(&on);
    assert_int_equal(secure_new(&on.options, NULL, error, &secure), 0);
    assert_int_equal(secure_start(secure), 0);
    assert_null(secure_tls(secure, SECURE_DOOR_RECEIVER, ALPN_H2).store);
    assert_null(secure_tls(secure, SECURE_DOOR_WEB, ALPN_H2).store);
    secure_free(secure);
    stop(&on);
}

static void secure__gives_each_door_its_own(void **state)
{
    struct fixture on;
    struct secure *secure;
    struct server_tls tls;
    char error[256];

    (void)state;
    prepare(&on);
    set(&on, "web.tls_cert", on.cert);
    set(&on, "web.tls_key", on.key);
    set(&on, "tls.handshake_timeout", "3s");
    assert_int_equal(secure_new(&on.options, NULL, error, &secure), 0);
    assert_null(secure_tls(secure, SECURE_DOOR_RECEIVER, ALPN_H2).store);
    tls = secure_tls(secure, SECURE_DOOR_WEB, ALPN_HTTP_1_1);
    assert_non_null(tls.store);
    assert_int_equal(tls.protocols, ALPN_HTTP_1_1);
    assert_int_equal(tls.handshake_timeout_ns, 3 * NS_PER_S);
    assert_int_equal(tls.outcomes + TLS_OUTCOME_COUNT - 1, SECURE_WEB_NO_MEMORY);
    assert_in_range(counters_read(secure_counters(secure), SECURE_WEB_EXPIRY), 7000, 7200);
    assert_int_equal(counters_read(secure_counters(secure), SECURE_RECEIVER_EXPIRY), 0);
    assert_in_range(counters_read(secure_counters(secure), SECURE_WEB_NOT_AFTER),
                    clock_wall().ns / NS_PER_S + 7000, clock_wall().ns / NS_PER_S + 7200);
    assert_int_equal(counters_read(secure_counters(secure), SECURE_RECEIVER_NOT_AFTER), 0);
    secure_free(secure);
    stop(&on);
}

/* The rows' words are those of the enum. */
static void secure__labels_outcomes_as_they_are(void **state)
{
    static const size_t firsts[] = {SECURE_RECEIVER_OK, SECURE_WEB_OK};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (int outcome = 0; outcome < TLS_OUTCOME_COUNT; outcome++) {
            char label[64];

            (void)snprintf(label, sizeof(label), "outcome=\"%s\"",
                           tls_outcome_name((enum tls_outcome)outcome));
            assert_non_null(strstr(secure_counter_rows[firsts[i] + (size_t)outcome].label, label));
        }
    }
}

static void secure__says_what_is_missing(void **state)
{
    struct fixture on;
    struct secure *secure;
    char error[256];

    (void)state;
    prepare(&on);
    set(&on, "tls.key", on.key);
    assert_int_equal(secure_new(&on.options, NULL, error, &secure), STATUS_INVALID);
    assert_non_null(strstr(error, "tls.cert"));
    set(&on, "tls.cert", "/nowhere/cert.pem");
    assert_int_equal(secure_new(&on.options, NULL, error, &secure), STATUS_INVALID);
    assert_non_null(strstr(error, "/nowhere/cert.pem"));
    set(&on, "tls.cert", on.key);
    assert_int_equal(secure_new(&on.options, NULL, error, &secure), STATUS_INVALID);
    assert_non_null(strstr(error, "tls.cert: holds no"));
    stop(&on);
}

/* Whether somebody is told that credentials will go over the network in the clear. */
static bool warns_of(struct fixture *on, const char *grpc)
{
    struct log log = {.level = LOG_WARN};
    struct secure *secure;
    char error[256];
    char text[1000];
    ssize_t size;
    int ends[2];

    set(on, "listen.grpc", grpc);
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    log.fd = ends[1];
    assert_int_equal(secure_new(&on->options, &log, error, &secure), 0);
    secure_free(secure);
    (void)close(ends[1]);
    size = read(ends[0], text, sizeof(text) - 1);
    assert_true(size >= 0);
    text[size] = '\0';
    (void)close(ends[0]);
    return strstr(text, "unencrypted") != NULL;
}

static void secure__warns_of_doors_that_others_reach(void **state)
{
    static const char *const near[] = {"localhost:0", "127.0.0.1:0", "127.9.8.7:0",
                                       "[::1]:0",     "unix:/tmp/s", "off"};
    static const char *const far[] = {"0.0.0.0:0", "10.0.0.1:0", "localhost.example.com:0",
                                      "[::]:0",    "[::1:2]:0",  "127.example.com:0",
                                      "name:0",    "128.0.0.1:0"};
    struct fixture on;

    (void)state;
    prepare(&on);
    set(&on, "auth.token", "secret");
    set(&on, "listen.http", "off");
    for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
        if (warns_of(&on, near[i]))
            fail_msg("%s", near[i]);
    for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
        if (!warns_of(&on, far[i]))
            fail_msg("%s", far[i]);
    stop(&on);
}

static int step(void *context)
{
    struct fixture *on = context;
    struct secure *secure;
    char error[256];
    int status = secure_new(&on->options, NULL, error, &secure);

    if (status == 0)
        secure_free(secure);
    return status;
}

static void secure__survives_failing_memory(void **state)
{
    struct fixture on;

    (void)state;
    prepare(&on);
    set(&on, "tls.cert", on.cert);
    set(&on, "tls.key", on.key);
    set(&on, "web.tls_cert", on.cert);
    set(&on, "web.tls_key", on.key);
    test_sweep_memory(step, &on);
    stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secure__leaves_doors_plain),
        cmocka_unit_test(secure__gives_each_door_its_own),
        cmocka_unit_test(secure__labels_outcomes_as_they_are),
        cmocka_unit_test(secure__says_what_is_missing),
        cmocka_unit_test(secure__warns_of_doors_that_others_reach),
        cmocka_unit_test(secure__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
