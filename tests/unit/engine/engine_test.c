/* engine_test.c: requests in, snapshots out; with threads and without. */
#include "engine/engine.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "engine/engine_counters.h"
#include "tests/lib/otlp_build.h"
#include "tests/lib/random.h"
#include "tests/lib/test.h"
#include "tests/lib/trace_build.h"

#define MIB (UINT64_C(1) << 20)

enum { DOORS = 3, REQUESTS_EACH = 300, SPANS_MAX = 60 };

static const struct engine_bodies no_bodies;

static const struct mono_time standing = {1000};

static struct options options_of(unsigned threads, unsigned shards)
{
    struct options options;

    assert_int_equal(options_init(&options), 0);
    options.memory_limit_bytes = 64 * MIB;
    options.receiver_threads = threads;
    options.topology_shards = shards;
    options.pairing_wait_ns = 2 * NS_PER_MS;
    options.pairing_parent_wait_ns = 2 * NS_PER_MS;
    return options;
}

static struct engine *engine_of(const struct options *options, bool threaded)
{
    struct engine_setup setup = {.threaded = threaded, .machine = {256 * MIB, 2}};
    struct engine *engine;
    char error[256];

    if (engine_new(options, &setup, error, &engine) != 0)
        fail_msg("%s", error);
    return engine;
}

static struct accounting accounting_of(struct engine *engine)
{
    struct snapshot *snapshot;
    struct accounting accounting;

    assert_int_equal(engine_snapshot(engine, &snapshot), 0);
    accounting = snapshot->accounting;
    assert_true(accounting_holds(&accounting));
    snapshot_release(snapshot);
    return accounting;
}

/* A client of `front` that calls `back`, in one trace; two requests. */
static void feed_call(struct engine *engine, uint64_t trace)
{
    struct trace_build_span client = {trace, 1, 0, SPAN_KIND_CLIENT, "call", 100, 900};
    struct trace_build_span server = {trace, 2, 1, SPAN_KIND_SERVER, "serve", 200, 800};
    struct engine_fed fed;
    struct buf request;

    buf_init(&request, 0);
    trace_build_request(&request, "front", &client, 1);
    assert_int_equal(engine_feed(engine, DOOR_PROTOBUF, buf_view(&request), standing, &fed), 0);
    assert_int_equal(fed.spans, 1);
    buf_reset(&request);
    trace_build_request(&request, "back", &server, 1);
    assert_int_equal(engine_feed(engine, DOOR_PROTOBUF, buf_view(&request), standing, &fed), 0);
    buf_release(&request);
}

static void engine__pairs_what_is_fed_inline(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 5; shards += 2) {
        struct options options = options_of(0, shards);
        struct engine *engine = engine_of(&options, false);
        struct snapshot *snapshot;

        for (uint64_t trace = 1; trace <= 50; trace++)
            feed_call(engine, trace);
        assert_int_equal(accounting_of(engine).waiting, 100);
        engine_finish(engine, standing);
        assert_int_equal(engine_snapshot(engine, &snapshot), 0);
        assert_int_equal(snapshot->accounting.received, 100);
        assert_int_equal(snapshot->accounting.paired, 100);
        assert_int_equal(snapshot->edges_count, 1);
        assert_int_equal(snapshot->edges[0].requests, 50 * WEIGHT_ONE);
        snapshot_release(snapshot);
        engine_free(engine);
        options_release(&options);
    }
}

static void engine__judges_by_the_clock_that_it_is_given(void **state)
{
    struct options options = options_of(0, 1);
    struct engine *engine = engine_of(&options, false);

    (void)state;
    feed_call(engine, 1);
    engine_tick(engine, (struct mono_time){standing.ns + NS_PER_MS});
    assert_int_equal(accounting_of(engine).waiting, 2);
    engine_tick(engine, (struct mono_time){standing.ns + 10 * NS_PER_MS});
    assert_int_equal(accounting_of(engine).paired, 2);
    engine_free(engine);
    options_release(&options);
}

static void engine__takes_json_inline(void **state)
{
    static const char text[] =
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
        "{\"stringValue\":\"shop\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":"
        "\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\",\"kind\":2,"
        "\"name\":\"buy\",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\"}]}]}]}";
    struct options options = options_of(0, 1);
    struct engine *engine = engine_of(&options, false);
    struct engine_fed fed;

    (void)state;
    assert_int_equal(engine_feed(engine, DOOR_JSON, view_of(text), standing, &fed), 0);
    assert_int_equal(fed.spans, 1);
    engine_finish(engine, standing);
    assert_int_equal(accounting_of(engine).paired, 1);
    engine_free(engine);
    options_release(&options);
}

static void engine__counts_rejected_spans_once(void **state)
{
    struct options options = options_of(0, 1);
    struct engine *engine = engine_of(&options, false);
    struct trace_build_span spans[] = {{0, 1, 0, SPAN_KIND_SERVER, "a", 1, 2},
                                       {7, 0, 0, SPAN_KIND_SERVER, "b", 1, 2},
                                       {7, 1, 0, SPAN_KIND_SERVER, "c", 1, 2}};
    struct accounting accounting;
    struct engine_fed fed;
    struct buf request;

    (void)state;
    buf_init(&request, 0);
    trace_build_request(&request, "shop", spans, 3);
    assert_int_equal(engine_feed(engine, DOOR_PROTOBUF, buf_view(&request), standing, &fed), 0);
    assert_int_equal(fed.spans, 1);
    assert_int_equal(fed.rejected, 2);
    accounting = accounting_of(engine);
    assert_int_equal(accounting.received, 3);
    assert_int_equal(accounting.rejected[REJECTED_INVALID_ID], 2);
    assert_int_equal(counters_read(engine_counters(engine), ENGINE_SPANS_REJECTED), 2);
    buf_release(&request);
    engine_free(engine);
    options_release(&options);
}

static void engine__says_what_is_malformed(void **state)
{
    struct options options = options_of(0, 1);
    struct engine *engine = engine_of(&options, false);
    struct engine_fed fed;

    (void)state;
    assert_int_not_equal(engine_feed(engine, DOOR_PROTOBUF, VIEW("\x0a\x05\x01"), standing, &fed),
                         0);
    assert_non_null(fed.error);
    assert_int_equal(fed.spans, 0);
    assert_int_equal(counters_read(engine_counters(engine), ENGINE_REQUESTS_MALFORMED), 1);
    assert_int_equal(accounting_of(engine).received, 0);
    engine_free(engine);
    options_release(&options);
}

static void engine__names_the_option_that_is_to_blame(void **state)
{
    struct engine_setup setup = {.threaded = true, .machine = {256 * MIB, 2}};
    struct options options = options_of(0, 0);
    struct engine *engine;
    char error[256];

    (void)state;
    options.topology_memory_bytes_max = 1024 * MIB;
    assert_int_equal(engine_new(&options, &setup, error, &engine), STATUS_RANGE);
    assert_non_null(strstr(error, "memory.limit"));
    options_release(&options);
}

static void engine__tells_how_full_its_tables_are(void **state)
{
    struct options options = options_of(0, 1);
    struct engine *engine = engine_of(&options, false);
    struct buf out;

    (void)state;
    feed_call(engine, 1);
    engine_finish(engine, standing);
    buf_init(&out, 0);
    assert_int_equal(engine_page(engine, ENGINE_PAGE_CARDINALITY, &no_bodies, &out), 0);
    assert_int_equal(buf_append_byte(&out, '\0'), 0);
    assert_non_null(strstr(out.data, "\"services\": {\"used\": 2, "));
    assert_non_null(strstr(out.data, "\"edges\": {\"used\": 1, "));
    buf_release(&out);
    engine_free(engine);
    options_release(&options);
}

/* ------------------------------------------------------------- with threads */

struct sender {
    struct engine *engine;
    unsigned number;
    uint64_t sent;
    uint64_t rejected;
    uint64_t refused;
    bool wrong;
    pthread_t thread;
};

static size_t random_spans(struct random *random, struct sender *sender, uint64_t trace,
                           struct trace_build_span spans[SPANS_MAX])
{
    size_t count = 1 + random_below(random, SPANS_MAX);

    for (size_t i = 0; i < count; i++) {
        bool invalid = random_below(random, 20) == 0;

        spans[i] = (struct trace_build_span){
            .trace = invalid ? 0 : trace + i % 7,
            .id = 1 + i,
            .parent = random_below(random, 1 + i),
            .kind = (unsigned)random_below(random, SPAN_KIND_COUNT),
            .name = "op",
            .start_ns = 1000,
            .end_ns = 1000 + random_below(random, 1000000),
        };
        sender->rejected += invalid;
    }
    sender->sent += count;
    return count;
}

/* Sends again until it is taken, as a real sender does. */
static void send_one(struct sender *sender, struct view request)
{
    struct grpc_reply reply = {0};

    for (;;) {
        engine_export(sender->engine, sender->number, MESSAGE_PROTOBUF, request, &reply);
        if (reply.code == GRPC_OK)
            break;
        if (reply.code != GRPC_UNAVAILABLE || reply.retry_delay_ns < 200 * NS_PER_MS)
            sender->wrong = true;
        sender->refused++;
        reply.code = GRPC_OK;
        reply.retry_delay_ns = 0;
        buf_reset(&reply.message);
        sched_yield();
    }
    buf_release(&reply.message);
    buf_release(&reply.body);
}

static void *send_all(void *context)
{
    struct sender *sender = context;
    struct random random = random_of(sender->number + 1);
    struct trace_build_span spans[SPANS_MAX];
    struct buf request;

    buf_init(&request, 0);
    for (uint64_t i = 0; i < REQUESTS_EACH; i++) {
        uint64_t trace = 1 + (i * DOORS + sender->number) * 7;
        size_t count = random_spans(&random, sender, trace, spans);

        buf_reset(&request);
        trace_build_request(&request, i % 2 != 0 ? "front" : "back", spans, count);
        send_one(sender, buf_view(&request));
    }
    buf_release(&request);
    return NULL;
}

static void senders_start(struct sender senders[DOORS], struct engine *engine)
{
    for (unsigned i = 0; i < DOORS; i++) {
        senders[i] = (struct sender){.engine = engine, .number = i};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
}

struct watcher {
    struct engine *engine;
    _Atomic bool over;
    bool broken;
    uint64_t seen;
    pthread_t thread;
};

/* Looks on while spans come in: the law holds, and what was received never falls. */
static void *watch(void *context)
{
    struct watcher *watcher = context;

    while (!atomic_load(&watcher->over)) {
        struct snapshot *snapshot;

        if (engine_snapshot(watcher->engine, &snapshot) != 0) {
            watcher->broken = true;
            break;
        }
        if (!accounting_holds(&snapshot->accounting) ||
            snapshot->accounting.received < watcher->seen)
            watcher->broken = true;
        watcher->seen = snapshot->accounting.received;
        snapshot_release(snapshot);
    }
    return NULL;
}

static void engine__loses_nothing_between_threads(void **state)
{
    struct options options = options_of(DOORS, 2);
    struct engine *engine = engine_of(&options, true);
    struct watcher watchers[2] = {{.engine = engine}, {.engine = engine}};
    struct sender senders[DOORS];
    struct accounting accounting;
    uint64_t sent = 0, rejected = 0;

    (void)state;
    assert_int_equal(engine_start(engine), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&watchers[i].thread, NULL, watch, &watchers[i]), 0);
    senders_start(senders, engine);
    for (unsigned i = 0; i < DOORS; i++) {
        assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
        assert_false(senders[i].wrong);
        sent += senders[i].sent;
        rejected += senders[i].rejected;
    }
    engine_stop(engine);
    for (size_t i = 0; i < 2; i++) {
        atomic_store(&watchers[i].over, true);
        assert_int_equal(pthread_join(watchers[i].thread, NULL), 0);
        assert_false(watchers[i].broken);
    }
    accounting = accounting_of(engine);
    assert_int_equal(accounting.received, sent);
    assert_int_equal(accounting.rejected[REJECTED_INVALID_ID], rejected);
    assert_int_equal(accounting.waiting, 0);
    assert_int_equal(counters_read(engine_counters(engine), ENGINE_SPANS_ADMITTED),
                     sent - rejected);
    assert_int_equal(counters_read(engine_counters(engine), ENGINE_RING_SPANS), 0);
    engine_free(engine);
    options_release(&options);
}

/* Without its threads nothing drains the rings, which are full some time. */
static void engine__refuses_whole_requests_without_room(void **state)
{
    struct options options = options_of(1, 2);
    struct engine *engine;
    struct trace_build_span spans[SPANS_MAX];
    struct grpc_reply reply = {0};
    struct accounting accounting;
    uint64_t admitted = 0;
    struct buf request;

    (void)state;
    options.memory_limit_bytes = 40 * MIB;
    engine = engine_of(&options, true);
    buf_init(&request, 0);
    for (uint64_t trace = 1; reply.code == GRPC_OK; trace += SPANS_MAX) {
        for (size_t i = 0; i < SPANS_MAX; i++)
            spans[i] = (struct trace_build_span){trace + i, 1, 0, SPAN_KIND_SERVER, "op", 1, 2};
        spans[0].trace = 0;
        buf_reset(&request);
        trace_build_request(&request, "shop", spans, SPANS_MAX);
        buf_reset(&reply.body);
        engine_export(engine, 0, MESSAGE_PROTOBUF, buf_view(&request), &reply);
        admitted += reply.code == GRPC_OK ? SPANS_MAX : 0;
    }
    assert_int_equal(reply.code, GRPC_UNAVAILABLE);
    assert_in_range(reply.retry_delay_ns, 200 * NS_PER_MS, 600 * NS_PER_MS);
    assert_true(reply.message.size > 0);
    assert_int_equal(counters_read(engine_counters(engine), ENGINE_REQUESTS_BUSY), 1);
    assert_int_equal(counters_read(engine_counters(engine), ENGINE_SPANS_BUSY), SPANS_MAX - 1);
    assert_int_equal(engine_start(engine), 0);
    engine_stop(engine);
    accounting = accounting_of(engine);
    assert_int_equal(accounting.received, admitted);
    assert_int_equal(accounting.rejected[REJECTED_INVALID_ID], admitted / SPANS_MAX);
    buf_release(&reply.message);
    buf_release(&reply.body);
    buf_release(&request);
    engine_free(engine);
    options_release(&options);
}

static void engine__answers_malformed_requests(void **state)
{
    struct options options = options_of(1, 1);
    struct engine *engine = engine_of(&options, true);
    struct grpc_reply reply = {0};

    (void)state;
    engine_export(engine, 0, MESSAGE_PROTOBUF, VIEW("\x0a\x7f\x00"), &reply);
    assert_int_equal(reply.code, GRPC_INVALID_ARGUMENT);
    assert_int_equal(buf_append_byte(&reply.message, '\0'), 0);
    assert_non_null(strstr(reply.message.data, " at byte "));
    assert_int_equal(reply.retry_delay_ns, 0);
    buf_release(&reply.message);
    engine_free(engine);
    options_release(&options);
}

static void engine__says_how_many_spans_were_rejected(void **state)
{
    struct options options = options_of(1, 1);
    struct engine *engine = engine_of(&options, true);
    struct trace_build_span spans[] = {{0, 1, 0, SPAN_KIND_SERVER, "a", 1, 2},
                                       {7, 1, 0, SPAN_KIND_SERVER, "b", 1, 2}};
    struct grpc_reply reply = {0};
    struct buf request;

    (void)state;
    buf_init(&request, 0);
    trace_build_request(&request, "shop", spans, 2);
    engine_export(engine, 0, MESSAGE_PROTOBUF, buf_view(&request), &reply);
    assert_int_equal(reply.code, GRPC_OK);
    assert_true(reply.body.size > 0);
    buf_reset(&reply.body);
    engine_export(engine, 0, MESSAGE_PROTOBUF, VIEW(""), &reply);
    assert_int_equal(reply.code, GRPC_OK);
    assert_int_equal(reply.body.size, 0);
    buf_release(&reply.body);
    buf_release(&request);
    engine_free(engine);
    options_release(&options);
}

/* ------------------------------------------------------------------- memory */

static int run_inline(void *context)
{
    const struct options *options = context;
    struct engine_setup setup = {.threaded = false, .machine = {256 * MIB, 1}};
    struct trace_build_span span = {1, 1, 0, SPAN_KIND_SERVER, "op", 1, 2};
    struct snapshot *snapshot;
    struct engine *engine;
    struct engine_fed fed;
    char error[256];
    struct buf request;
    int status = engine_new(options, &setup, error, &engine);

    if (status != 0)
        return status;
    mem_fail_after(-1);
    buf_init(&request, 0);
    trace_build_request(&request, "shop", &span, 1);
    status = engine_feed(engine, DOOR_PROTOBUF, buf_view(&request), standing, &fed);
    buf_release(&request);
    if (status == 0) {
        engine_finish(engine, standing);
        status = engine_snapshot(engine, &snapshot);
    }
    if (status == 0)
        snapshot_release(snapshot);
    engine_free(engine);
    return status;
}

static void engine__survives_failing_memory_at_start(void **state)
{
    struct options options = options_of(0, 2);

    (void)state;
    test_sweep_memory(run_inline, &options);
    options_release(&options);
}

/* One more allocation succeeds each time, until all that happens after the start does. */
static void engine__survives_failing_memory_while_it_runs(void **state)
{
    struct options options = options_of(0, 2);
    struct trace_build_span spans[] = {{1, 1, 0, SPAN_KIND_CLIENT, "a", 1, 9},
                                       {1, 2, 1, SPAN_KIND_SERVER, "b", 2, 8}};
    struct buf requests[2];
    bool whole = false;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        buf_init(&requests[i], 0);
        trace_build_request(&requests[i], i == 0 ? "front" : "back", &spans[i], 1);
    }
    for (long allowed = 0; !whole; allowed++) {
        struct engine *engine = engine_of(&options, false);
        struct accounting accounting;
        struct engine_fed fed;
        struct snapshot *snapshot;
        uint64_t taken = 0;
        int status = 0;

        mem_fail_after(allowed);
        for (size_t i = 0; i < 2; i++) {
            int fed_status = engine_feed(engine, DOOR_PROTOBUF, buf_view(&requests[i]), standing,
                                         &fed);

            assert_true(fed_status == 0 || fed_status == STATUS_NOMEM);
            taken += fed_status == 0;
        }
        engine_finish(engine, standing);
        status = engine_snapshot(engine, &snapshot);
        mem_fail_after(-1);
        if (status == 0)
            snapshot_release(snapshot);
        else
            assert_int_equal(status, STATUS_NOMEM);
        accounting = accounting_of(engine);
        assert_int_equal(accounting.received, taken);
        assert_int_equal(accounting.waiting, 0);
        whole = status == 0 && accounting.paired == 2;
        engine_free(engine);
    }
    for (size_t i = 0; i < 2; i++)
        buf_release(&requests[i]);
    options_release(&options);
}

/* ------------------------------------------------------------------ lessons (N5) */

enum { LESSONS = 40 };

/* A CLIENT or SERVER span of trace `trace` for an open service; `port` 0: it names no address. */
static void build_side(struct build *build, uint64_t trace, enum span_kind kind, int64_t port)
{
    uint64_t ids[2] = {trace, 7};
    uint64_t client = 1;
    uint64_t server = 2;

    build_open(build, 2);
    build_bytes(build, 1, (struct view){(const char *)ids, 16});
    build_bytes(build, 2,
                (struct view){(const char *)(kind == SPAN_KIND_CLIENT ? &client : &server), 8});
    if (kind == SPAN_KIND_SERVER)
        build_bytes(build, 4, (struct view){(const char *)&client, 8});
    build_varint(build, 6, (uint64_t)kind);
    build_fixed64(build, 7, 1000);
    build_fixed64(build, 8, 2000);
    if (port != 0) {
        build_attribute(build, 9, "server.address", "10.0.0.1");
        build_number_attribute(build, 9, "server.port", port);
    }
    build_close(build);
}

/* `front` calls `back` at many ports; `other` calls each of them too, and nobody answers it. */
static struct view build_lessons(struct build *build)
{
    static const char *const services[] = {"other", "front", "back"};

    build_init(build);
    for (unsigned i = 0; i < 3; i++) {
        build_open_service(build, services[i]);
        for (int64_t port = 1; port <= LESSONS; port++)
            build_side(build, (uint64_t)port + (i == 0 ? 1000 : 0),
                       i == 2 ? SPAN_KIND_SERVER : SPAN_KIND_CLIENT, i == 2 ? 0 : port);
        build_close(build);
        build_close(build);
    }
    return build_done(build);
}

static void assert_taught(struct engine *engine)
{
    struct accounting accounting = accounting_of(engine);
    struct buf text;

    assert_int_equal(accounting.received, 3 * LESSONS);
    assert_int_equal(accounting.paired, 2 * LESSONS);
    assert_int_equal(accounting.unpaired[UNPAIRED_SERVER_SILENT], LESSONS);
    assert_int_equal(counters_read(engine_counters(engine), ENGINE_NAMES_LESSONS), LESSONS);
    buf_init(&text, 0);
    assert_int_equal(engine_page(engine, ENGINE_PAGE_CARDINALITY, &no_bodies, &text), 0);
    assert_int_equal(buf_append_byte(&text, '\0'), 0);
    assert_non_null(strstr(text.data, "\"lessons\": {\"used\": 40, "));
    buf_release(&text);
}

/* All shards teach before the first one judges, whatever traces lie where. */
static void engine__lets_all_shards_teach_before_one_finishes(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads <= 2; threads += 2) {
        struct options options = options_of(threads, 4);
        struct engine *engine;
        struct build build;
        struct view request = build_lessons(&build);

        options.pairing_wait_ns = options.pairing_parent_wait_ns = 3600 * NS_PER_S;
        engine = engine_of(&options, threads != 0);
        if (threads == 0) {
            struct engine_fed fed;
            assert_int_equal(engine_feed(engine, DOOR_PROTOBUF, request, standing, &fed), 0);
            engine_finish(engine, standing);
        } else {
            struct grpc_reply reply = {0};
            assert_int_equal(engine_start(engine), 0);
            engine_export(engine, 1, MESSAGE_PROTOBUF, request, &reply);
            assert_int_equal(reply.code, GRPC_OK);
            buf_release(&reply.body);
            engine_stop(engine);
        }
        assert_taught(engine);
        engine_free(engine);
        build_release(&build);
        options_release(&options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engine__lets_all_shards_teach_before_one_finishes),
        cmocka_unit_test(engine__pairs_what_is_fed_inline),
        cmocka_unit_test(engine__judges_by_the_clock_that_it_is_given),
        cmocka_unit_test(engine__takes_json_inline),
        cmocka_unit_test(engine__counts_rejected_spans_once),
        cmocka_unit_test(engine__says_what_is_malformed),
        cmocka_unit_test(engine__names_the_option_that_is_to_blame),
        cmocka_unit_test(engine__tells_how_full_its_tables_are),
        cmocka_unit_test(engine__loses_nothing_between_threads),
        cmocka_unit_test(engine__refuses_whole_requests_without_room),
        cmocka_unit_test(engine__answers_malformed_requests),
        cmocka_unit_test(engine__says_how_many_spans_were_rejected),
        cmocka_unit_test(engine__survives_failing_memory_at_start),
        cmocka_unit_test(engine__survives_failing_memory_while_it_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
