/* watch_test.c: files that change in all the ways in which files change. */
#include "net/watch.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/lib/test.h"

enum { TEXT_BYTES = 64, PATH_BYTES = 300 };

struct fixture {
    char folder[PATH_BYTES / 4];
    char first[PATH_BYTES];
    char second[PATH_BYTES];
    struct watch *watch;
    pthread_mutex_t lock; /* Over what follows. */
    char loaded[TEXT_BYTES];
    char error[256];
    int status;
    unsigned loads;
    unsigned changes;
    atomic_uint looks;
};

/* "bad" is refused. */
static int load(void *context, const struct view contents[WATCH_FILES_MAX], char out_error[256])
{
    struct fixture *on = context;
    int status = 0;

    (void)pthread_mutex_lock(&on->lock);
    on->loads++;
    if (view_starts(contents[0], VIEW("bad"))) {
        (void)snprintf(out_error, 256, "this is bad");
        status = STATUS_INVALID;
    } else {
        (void)snprintf(on->loaded, TEXT_BYTES, "%.*s+%.*s", (int)contents[0].size, contents[0].data,
                       (int)contents[1].size, contents[1].data);
    }
    (void)pthread_mutex_unlock(&on->lock);
    return status;
}

static void changed(void *context, int status, const char *error)
{
    struct fixture *on = context;

    (void)pthread_mutex_lock(&on->lock);
    on->changes++;
    on->status = status;
    (void)snprintf(on->error, sizeof(on->error), "%s", error);
    (void)pthread_mutex_unlock(&on->lock);
}

static void looked(void *context)
{
    atomic_fetch_add(&((struct fixture *)context)->looks, 1);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static void replace_file(const struct fixture *on, const char *path, const char *text)
{
    char other[PATH_BYTES];

    (void)snprintf(other, sizeof(other), "%s/new", on->folder);
    write_file(other, text);
    assert_int_equal(rename(other, path), 0);
}

static void prepare(struct fixture *on)
{
    memset(on, 0, sizeof(*on));
    (void)pthread_mutex_init(&on->lock, NULL);
    (void)snprintf(on->folder, sizeof(on->folder), "/tmp/spanmap-watch-XXXXXX");
    assert_non_null(mkdtemp(on->folder));
    (void)snprintf(on->first, PATH_BYTES, "%s/first", on->folder);
    (void)snprintf(on->second, PATH_BYTES, "%s/second", on->folder);
    write_file(on->first, "a");
    write_file(on->second, "b");
}

static struct watch_group group_of(struct fixture *on)
{
    return (struct watch_group){.paths = {on->first, on->second, NULL, ""},
                                .load = load,
                                .changed = changed,
                                .looked = looked,
                                .context = on};
}

static void start(struct fixture *on, uint64_t interval_ns)
{
    struct watch_group group = group_of(on);
    char error[256] = "";

    assert_int_equal(watch_new(interval_ns, &on->watch), 0);
    if (watch_add(on->watch, &group, error) != 0)
        fail_msg("%s", error);
    assert_string_equal(on->loaded, "a+b");
    assert_int_equal(on->loads, 1);
    assert_int_equal(watch_start(on->watch), 0);
}

static void stop(struct fixture *on)
{
    char command[PATH_BYTES];

    watch_free(on->watch);
    (void)pthread_mutex_destroy(&on->lock);
    (void)snprintf(command, sizeof(command), "rm -r '%s'", on->folder);
    assert_int_equal(system(command), 0);
}

/* Until this was loaded. */
static void wait_for(struct fixture *on, const char *loaded)
{
    for (;;) {
        bool is_there;

        (void)pthread_mutex_lock(&on->lock);
        is_there = strcmp(on->loaded, loaded) == 0;
        (void)pthread_mutex_unlock(&on->lock);
        if (is_there)
            return;
        (void)usleep(1000);
    }
}

static unsigned count(struct fixture *on, const unsigned *which)
{
    unsigned value;

    (void)pthread_mutex_lock(&on->lock);
    value = *which;
    (void)pthread_mutex_unlock(&on->lock);
    return value;
}

static void wait_for_changes(struct fixture *on, unsigned least)
{
    while (count(on, &on->changes) < least)
        (void)usleep(1000);
}

static void wait_for_status(struct fixture *on, int wanted)
{
    int status;

    do {
        (void)usleep(1000);
        (void)pthread_mutex_lock(&on->lock);
        status = on->status;
        (void)pthread_mutex_unlock(&on->lock);
    } while (status != wanted);
}

static void wait_for_looks(struct fixture *on, unsigned more)
{
    unsigned until = atomic_load(&on->looks) + more;

    while (atomic_load(&on->looks) < until)
        (void)usleep(1000);
}

/* Events are followed by then. */
static void wait_for_first_look(struct fixture *on)
{
    while (atomic_load(&on->looks) == 0)
        (void)usleep(1000);
}

/* Two intervals: one that is long, where an event has to tell, and one that tells by itself. */
static const uint64_t intervals_ns[] = {3600 * NS_PER_S, 20 * NS_PER_MS};

static void watch__sees_a_file_written_in_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture on;

        prepare(&on);
        start(&on, intervals_ns[i]);
        wait_for_first_look(&on);
        write_file(on.second, "c");
        wait_for(&on, "a+c");
        stop(&on);
    }
}

static void watch__sees_a_file_renamed_over_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture on;

        prepare(&on);
        start(&on, intervals_ns[i]);
        wait_for_first_look(&on);
        replace_file(&on, on.first, "renamed");
        wait_for(&on, "renamed+b");
        stop(&on);
    }
}

static void make_version(const struct fixture *on, const char *name, const char *first,
                         const char *second)
{
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof(path), "%s/%s", on->folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/%s/first", on->folder, name);
    write_file(path, first);
    (void)snprintf(path, sizeof(path), "%s/%s/second", on->folder, name);
    write_file(path, second);
}

static void point_at(const struct fixture *on, const char *name)
{
    char link[PATH_BYTES];
    char data[PATH_BYTES];

    (void)snprintf(link, sizeof(link), "%s/..data_tmp", on->folder);
    (void)snprintf(data, sizeof(data), "%s/..data", on->folder);
    assert_int_equal(symlink(name, link), 0);
    assert_int_equal(rename(link, data), 0);
}

/* As a kubelet writes them: first -> ..data/first, ..data -> ..2, which is renamed over. */
static void watch__sees_kubernetes_exchange_a_link(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture on;

        prepare(&on);
        assert_int_equal(unlink(on.first), 0);
        assert_int_equal(unlink(on.second), 0);
        make_version(&on, "..1", "a", "b");
        make_version(&on, "..2", "x", "y");
        point_at(&on, "..1");
        assert_int_equal(symlink("..data/first", on.first), 0);
        assert_int_equal(symlink("..data/second", on.second), 0);
        start(&on, intervals_ns[i]);
        wait_for_first_look(&on);
        point_at(&on, "..2");
        wait_for(&on, "x+y");
        /* Both came at once, and nothing came between. */
        assert_int_equal(count(&on, &on.loads), 2);
        point_at(&on, "..1");
        wait_for(&on, "a+b");
        stop(&on);
    }
}

static void watch__tells_once_what_is_bad_and_keeps_looking(void **state)
{
    struct fixture on;

    (void)state;
    prepare(&on);
    start(&on, intervals_ns[1]);
    replace_file(&on, on.first, "bad");
    wait_for_status(&on, STATUS_INVALID);
    wait_for_looks(&on, 3);
    (void)pthread_mutex_lock(&on.lock);
    assert_string_equal(on.error, "this is bad");
    assert_string_equal(on.loaded, "a+b");
    (void)pthread_mutex_unlock(&on.lock);
    {
        unsigned changes = count(&on, &on.changes);

        wait_for_looks(&on, 3);
        assert_int_equal(count(&on, &on.changes), changes);
    }
    write_file(on.first, "good");
    wait_for(&on, "good+b");
    wait_for_status(&on, 0);
    stop(&on);
}

static void watch__tells_once_that_a_file_is_gone(void **state)
{
    struct fixture on;

    (void)state;
    prepare(&on);
    start(&on, intervals_ns[1]);
    assert_int_equal(unlink(on.first), 0);
    wait_for_changes(&on, 1);
    wait_for_looks(&on, 3);
    (void)pthread_mutex_lock(&on.lock);
    assert_int_equal(on.changes, 1);
    assert_int_equal(on.status, STATUS_SYSTEM);
    assert_non_null(strstr(on.error, on.first));
    assert_non_null(strstr(on.error, "No such file"));
    assert_int_equal(on.loads, 1);
    (void)pthread_mutex_unlock(&on.lock);
    write_file(on.first, "back");
    wait_for(&on, "back+b");
    stop(&on);
}

static void watch__loads_the_same_contents_once(void **state)
{
    struct fixture on;

    (void)state;
    prepare(&on);
    start(&on, intervals_ns[1]);
    wait_for_looks(&on, 2);
    assert_int_equal(count(&on, &on.loads), 1);
    assert_int_equal(count(&on, &on.changes), 0);
    stop(&on);
}

static void expect_refusal(struct fixture *on, int expected, const char *reason)
{
    struct watch_group group = group_of(on);
    char error[256] = "";

    assert_int_equal(watch_new(0, &on->watch), 0);
    assert_int_equal(watch_add(on->watch, &group, error), expected);
    assert_non_null(strstr(error, reason));
    watch_free(on->watch);
    on->watch = NULL;
}

static void watch__says_what_it_cannot_read(void **state)
{
    struct fixture on;

    (void)state;
    prepare(&on);
    assert_int_equal(unlink(on.second), 0);
    expect_refusal(&on, STATUS_SYSTEM, on.second);
    assert_int_equal(mkfifo(on.second, 0600), 0);
    expect_refusal(&on, STATUS_SYSTEM, "not a regular file");
    assert_int_equal(unlink(on.second), 0);
    write_file(on.second, "");
    assert_int_equal(truncate(on.second, (1 << 20) + 1), 0);
    expect_refusal(&on, STATUS_TOO_LARGE, "larger than 1 MiB");
    write_file(on.first, "bad");
    write_file(on.second, "b");
    expect_refusal(&on, STATUS_INVALID, "this is bad");
    stop(&on);
}

static void watch__holds_so_many_groups(void **state)
{
    struct fixture on;
    struct watch_group group;
    char error[256];

    (void)state;
    prepare(&on);
    group = group_of(&on);
    assert_int_equal(watch_new(0, &on.watch), 0);
    for (size_t i = 0; i < WATCH_GROUPS_MAX; i++)
        assert_int_equal(watch_add(on.watch, &group, error), 0);
    assert_int_equal(watch_add(on.watch, &group, error), STATUS_FULL);
    stop(&on);
}

static int step(void *context)
{
    struct fixture *on = context;
    struct watch_group group = group_of(on);
    struct watch *watch;
    char error[256];
    int status = watch_new(0, &watch);

    if (status != 0)
        return status;
    status = watch_add(watch, &group, error);
    watch_free(watch);
    return status;
}

static void watch__survives_failing_memory(void **state)
{
    struct fixture on;

    (void)state;
    prepare(&on);
    test_sweep_memory(step, &on);
    stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watch__sees_a_file_written_in_place),
        cmocka_unit_test(watch__sees_a_file_renamed_over_another),
        cmocka_unit_test(watch__sees_kubernetes_exchange_a_link),
        cmocka_unit_test(watch__tells_once_what_is_bad_and_keeps_looking),
        cmocka_unit_test(watch__tells_once_that_a_file_is_gone),
        cmocka_unit_test(watch__loads_the_same_contents_once),
        cmocka_unit_test(watch__says_what_it_cannot_read),
        cmocka_unit_test(watch__holds_so_many_groups),
        cmocka_unit_test(watch__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
