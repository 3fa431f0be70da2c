/* spanmap_test.c: handles of the library: opened, drained and closed, many times and at once. */
#include "include/spanmap.h"

#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/library_fixture.h"

enum { ROUNDS = 1000, ROUNDS_BEFORE = 200, FEEDERS = 3, TRACES_EACH = 400 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

/* ----------------------------------------------------------------- drain, close */

static void spanmap__judges_all_when_it_is_drained(void **state)
{
    (void)state;
    for (int clock = SPANMAP_CLOCK_OWN; clock <= SPANMAP_CLOCK_GIVEN; clock++) {
        struct spanmap *map = library_open(clock, "pairing: {wait: 10m, parent_wait: 10m}");

        for (uint64_t trace = 1; trace <= 20; trace++)
            library_feed_call(map, trace, LIBRARY_START);
        assert_int_equal(library_count(map, "waiting"), 40);
        assert_int_equal(spanmap_drain(map, NULL), 0);
        assert_int_equal(library_count(map, "paired"), 40);
        assert_int_equal(library_count(map, "waiting"), 0);
        assert_int_equal(spanmap_drain(map, NULL), 0);
        spanmap_close(map);
    }
}

static void spanmap__takes_nothing_after_a_drain(void **state)
{
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
    struct spanmap_fed fed = SPANMAP_INIT(struct spanmap_fed);

    (void)state;
    for (int clock = SPANMAP_CLOCK_OWN; clock <= SPANMAP_CLOCK_GIVEN; clock++) {
        struct spanmap *map = library_open(clock, NULL);

        assert_int_equal(spanmap_drain(map, &error), 0);
        fed.spans = 7;
        assert_int_equal(spanmap_feed(map, SPANMAP_PROTOBUF, NULL, 0, 0, &error, &fed),
                         SPANMAP_CLOSED);
        assert_string_equal(error.text, "it was drained: nothing is taken on any more");
        assert_int_equal(error.is_retryable, 0);
        assert_int_equal(fed.spans, 0);
        assert_int_equal(spanmap_advance(map, LIBRARY_START, &error), SPANMAP_CLOSED);
        spanmap_close(map);
    }
}

static void spanmap__lets_snapshots_outlive_it(void **state)
{
    (void)state;
    for (int clock = SPANMAP_CLOCK_OWN; clock <= SPANMAP_CLOCK_GIVEN; clock++) {
        struct spanmap *map = library_open(clock, NULL);
        struct spanmap_edge edge = SPANMAP_INIT(struct spanmap_edge);
        struct spanmap_snapshot *snapshot;
        char *text;

        library_feed_call(map, 1, LIBRARY_START);
        assert_int_equal(spanmap_drain(map, NULL), 0);
        snapshot = library_take(map);
        assert_ptr_equal(spanmap_retain(snapshot), snapshot);
        spanmap_close(map);
        spanmap_release(snapshot);
        assert_int_equal(spanmap_get_edge(snapshot, 0, &edge), 0);
        assert_string_equal(edge.client, "service//front");
        assert_int_equal(spanmap_render(snapshot, "openmetrics", NULL, NULL, &text, NULL), 0);
        assert_non_null(strstr(text, "traces_service_graph_request_total"));
        spanmap_free(text);
        spanmap_release(snapshot);
    }
}

static void spanmap__takes_null_back(void **state)
{
    (void)state;
    spanmap_close(NULL);
    spanmap_release(NULL);
    spanmap_reply_release(NULL);
    spanmap_free(NULL);
}

static void spanmap__refuses_an_unknown_clock(void **state)
{
    struct spanmap_options options = library_options(2, NULL);
    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);
    struct spanmap *map;

    (void)state;
    assert_int_equal(spanmap_open(&options, &error, &map), SPANMAP_RANGE);
    assert_string_equal(error.text, "there is no clock of the number 2");
}

/* ------------------------------------------------------------- many rounds */

static unsigned entries(const char *folder)
{
    DIR *dir = opendir(folder);
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static void run_round(int clock, uint64_t number)
{
    struct spanmap *map = library_open(clock, NULL);

    library_feed_call(map, number + 1, LIBRARY_START);
    if (number % 3 == 0) { /* Others are closed with spans that wait. */
        char *text = library_render(map, "json", NULL);

        assert_int_equal(spanmap_drain(map, NULL), 0);
        spanmap_free(text);
    }
    spanmap_close(map);
}

/* Bytes that the allocator has given out. */
static size_t bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* What leaks by the round: memory, threads, files. */
static void leave_nothing(int clock, unsigned rounds)
{
    unsigned threads;
    unsigned files;
    size_t bytes;

    for (unsigned i = 0; i < (IS_SANITIZED ? 1 : ROUNDS_BEFORE); i++)
        run_round(clock, i);
    threads = entries("/proc/self/task");
    files = entries("/proc/self/fd");
    bytes = bytes_in_use();
    for (unsigned i = 0; i < rounds; i++)
        run_round(clock, i);
    assert_int_equal(bytes_in_use(), bytes);
    assert_int_equal(entries("/proc/self/fd"), files);
    assert_int_equal(entries("/proc/self/task"), threads);
}

static void spanmap__leaves_nothing_behind(void **state)
{
    (void)state;
    leave_nothing(SPANMAP_CLOCK_GIVEN, IS_SANITIZED ? ROUNDS / 10 : ROUNDS);
    leave_nothing(SPANMAP_CLOCK_OWN, IS_SANITIZED ? ROUNDS / 10 : ROUNDS / 4);
}

/* ------------------------------------------------------------------ threads */

struct feeder {
    struct spanmap *map;
    uint64_t first_trace;
};

static void *feed(void *context)
{
    const struct feeder *feeder = context;

    for (uint64_t i = 0; i < TRACES_EACH; i++) {
        struct trace_build_span span = {feeder->first_trace + i, 1,    0,
                                        SPAN_KIND_SERVER,        "op", LIBRARY_START,
                                        LIBRARY_START + 1};
        int code;

        while ((code = library_feed_span(feeder->map, "shop", span, LIBRARY_START + i)) ==
               SPANMAP_BUSY)
            sched_yield();
        assert_int_equal(code, 0);
    }
    return NULL;
}

static void *look(void *context)
{
    struct spanmap *map = context;
    struct spanmap_request request = SPANMAP_INIT(struct spanmap_request);
    struct spanmap_reply reply = SPANMAP_INIT(struct spanmap_reply);
    struct spanmap_statistic statistic = SPANMAP_INIT(struct spanmap_statistic);
    struct spanmap_node node = SPANMAP_INIT(struct spanmap_node);

    request.path = "/metrics";
    for (unsigned i = 0; i < 10; i++) {
        struct spanmap_snapshot *snapshot = library_take(map);

        assert_int_equal(library_account(snapshot, "received"),
                         library_account(snapshot, "paired") +
                             library_account(snapshot, "waiting"));
        (void)spanmap_get_node(snapshot, 0, &node); /* There may be none yet. */
        spanmap_release(snapshot);
        assert_int_equal(spanmap_serve(map, &request, NULL, &reply), 0);
        assert_int_equal(reply.status, 200);
        spanmap_reply_release(&reply);
        for (size_t j = 0; spanmap_get_statistic(map, j, &statistic) == 0; j++)
            continue;
    }
    return NULL;
}

static void *drain(void *context)
{
    assert_int_equal(spanmap_drain(context, NULL), 0);
    return NULL;
}

static void spanmap__is_fed_and_looked_at_by_many_threads(void **state)
{
    struct spanmap *maps[2] = {library_open(SPANMAP_CLOCK_OWN, NULL),
                               library_open(SPANMAP_CLOCK_GIVEN, NULL)};
    struct feeder feeders[2][FEEDERS];
    pthread_t threads[2][FEEDERS + 1];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < FEEDERS; j++) {
            feeders[i][j] = (struct feeder){maps[i], 1 + j * TRACES_EACH};
            assert_int_equal(pthread_create(&threads[i][j], NULL, feed, &feeders[i][j]), 0);
        }
        assert_int_equal(pthread_create(&threads[i][FEEDERS], NULL, look, maps[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j <= FEEDERS; j++)
            assert_int_equal(pthread_join(threads[i][j], NULL), 0);
        /* Two drain at once; both come back when it is over. */
        assert_int_equal(pthread_create(&threads[i][0], NULL, drain, maps[i]), 0);
        assert_int_equal(spanmap_drain(maps[i], NULL), 0);
        assert_int_equal(library_count(maps[i], "paired"), FEEDERS * TRACES_EACH);
        assert_int_equal(pthread_join(threads[i][0], NULL), 0);
        spanmap_close(maps[i]);
    }
}

/* A drain in the middle: what was taken before it is in the last snapshot, and nothing else. */
static void *feed_until_closed(void *context)
{
    const struct feeder *feeder = context;
    struct trace_build_span span = {
        feeder->first_trace, 1, 0, SPAN_KIND_SERVER, "op", LIBRARY_START, LIBRARY_START + 1};
    uintptr_t taken = 0;

    for (;; span.trace++) {
        int code = library_feed_span(feeder->map, "shop", span, LIBRARY_START);

        if (code == SPANMAP_CLOSED)
            return (void *)taken;
        assert_true(code == 0 || code == SPANMAP_BUSY);
        taken += code == 0;
    }
}

static void spanmap__loses_nothing_at_a_drain(void **state)
{
    (void)state;
    for (int clock = SPANMAP_CLOCK_OWN; clock <= SPANMAP_CLOCK_GIVEN; clock++) {
        struct spanmap *map = library_open(clock, NULL);
        struct feeder feeders[FEEDERS];
        pthread_t threads[FEEDERS];
        uint64_t taken = 0;

        for (size_t j = 0; j < FEEDERS; j++) {
            feeders[j] = (struct feeder){map, 1 + (j << 32)};
            assert_int_equal(pthread_create(&threads[j], NULL, feed_until_closed, &feeders[j]), 0);
        }
        while (library_count(map, "received") < 100)
            sched_yield();
        assert_int_equal(spanmap_drain(map, NULL), 0);
        for (size_t j = 0; j < FEEDERS; j++) {
            void *result;

            assert_int_equal(pthread_join(threads[j], &result), 0);
            taken += (uintptr_t)result;
        }
        assert_int_equal(library_count(map, "paired"), taken);
        spanmap_close(map);
    }
}

/* The mask of a thread, as /proc has it. */
static uint64_t blocked_of(const char *thread)
{
    char path[300];
    char line[256];
    uint64_t blocked = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%s/status", thread);
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, "SigBlk:", 7) == 0)
            blocked = strtoull(line + 7, NULL, 16);
    fclose(file);
    return blocked;
}

static bool is_of_the_library(const char *thread)
{
    char path[300];
    char name[32] = "";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%s/comm", thread);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(name, sizeof(name), file));
    fclose(file);
    return strncmp(name, "shard-", 6) == 0 || strcmp(name, "merger\n") == 0;
}

static void spanmap__leaves_signals_to_its_host(void **state)
{
    struct spanmap *map = library_open(SPANMAP_CLOCK_OWN, NULL);
    sigset_t mine;
    struct dirent *entry;
    unsigned found = 0;
    DIR *dir = opendir("/proc/self/task");

    (void)state;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' || !is_of_the_library(entry->d_name))
            continue;
        for (int signal = 1; signal <= 31; signal++) /* 9 and 19 cannot be. */
            if (signal != 9 && signal != 19)
                assert_true(blocked_of(entry->d_name) >> (signal - 1) & 1);
        found++;
    }
    closedir(dir);
    assert_int_equal(found, 3);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mine), 0);
    assert_int_equal(sigismember(&mine, SIGTERM), 0);
    assert_int_equal(sigismember(&mine, SIGPROF), 0);
    spanmap_close(map);
}

/* ------------------------------------------------------------------- memory */

static int use(void *context)
{
    struct spanmap_options options = library_options(SPANMAP_CLOCK_GIVEN,
                                                     "map: {self_edges: true}");
    struct spanmap_request request = SPANMAP_INIT(struct spanmap_request);
    struct spanmap_reply reply = SPANMAP_INIT(struct spanmap_reply);
    struct spanmap_edge edge = SPANMAP_INIT(struct spanmap_edge);
    struct spanmap_snapshot *snapshot = NULL;
    struct spanmap *map = NULL;
    char *text = NULL;
    const struct buf *call = context;
    int code = spanmap_open(&options, NULL, &map);

    request.path = "/api/v1/map";
    if (code == 0)
        code = spanmap_feed(map, SPANMAP_PROTOBUF, call->data, call->size, LIBRARY_START, NULL,
                            NULL);
    if (code == 0)
        code = spanmap_drain(map, NULL);
    if (code == 0)
        code = spanmap_take(map, NULL, &snapshot);
    if (code == 0)
        code = spanmap_get_edge(snapshot, 0, &edge);
    if (code == 0)
        code = spanmap_render(snapshot, "dot", "focus=back&depth=1", NULL, &text, NULL);
    if (code == 0)
        code = spanmap_serve(map, &request, NULL, &reply);
    if (code == 0 && reply.status == 503)
        code = SPANMAP_NO_MEMORY; /* Told by the routes. */
    spanmap_reply_release(&reply);
    spanmap_free(text);
    spanmap_release(snapshot);
    spanmap_close(map);
    return code;
}

static void spanmap__survives_failing_memory(void **state)
{
    struct trace_build_span spans[] = {{1, 1, 0, SPAN_KIND_CLIENT, "a", 1, 9},
                                       {1, 2, 1, SPAN_KIND_SERVER, "b", 2, 8}};
    struct buf call;

    (void)state;
    buf_init(&call, 0);
    trace_build_request(&call, "front", &spans[0], 1);
    trace_build_request(&call, "back", &spans[1], 1);
    test_sweep_memory(use, &call);
    buf_release(&call);
}

static int open_and_close(void *context)
{
    struct spanmap_options options = library_options(SPANMAP_CLOCK_OWN, context);
    struct spanmap *map = NULL;
    int code = spanmap_open(&options, NULL, &map);

    spanmap_close(map);
    return code;
}

static void spanmap__survives_failing_memory_when_it_has_threads(void **state)
{
    (void)state;
    test_sweep_memory(open_and_close, "names: {cidr: {10.0.0.0/8: inside}}");
}

/* The allocator counts as given out what it keeps for the next of that size, as much as chance has it:
 * it is told to keep nothing, which it must know from the start. */
static void begin_with_a_plain_allocator(char **arguments)
{
    static const char plain[] = "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0";
    const char *tunables = getenv("GLIBC_TUNABLES");

    if (tunables != NULL && strcmp(tunables, plain) == 0)
        return;
    if (setenv("GLIBC_TUNABLES", plain, 1) == 0)
        (void)execv("/proc/self/exe", arguments);
    fail_msg("this program cannot be started anew");
}

int main(int count, char **arguments)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(spanmap__judges_all_when_it_is_drained),
        cmocka_unit_test(spanmap__takes_nothing_after_a_drain),
        cmocka_unit_test(spanmap__lets_snapshots_outlive_it),
        cmocka_unit_test(spanmap__takes_null_back),
        cmocka_unit_test(spanmap__refuses_an_unknown_clock),
        cmocka_unit_test(spanmap__leaves_nothing_behind),
        cmocka_unit_test(spanmap__is_fed_and_looked_at_by_many_threads),
        cmocka_unit_test(spanmap__loses_nothing_at_a_drain),
        cmocka_unit_test(spanmap__leaves_signals_to_its_host),
        cmocka_unit_test(spanmap__survives_failing_memory),
        cmocka_unit_test(spanmap__survives_failing_memory_when_it_has_threads),
    };

    (void)count;
    begin_with_a_plain_allocator(arguments);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
