/* courier_test.c: what becomes of messages, by a port that does as it is told. */
#include "exporters/courier.h"

#include <pthread.h>

#include "exporters/courier_counters.h"
#include "tests/lib/test.h"

enum { CALLS_MAX = 64, OK = 0, INVALID = 3, UNAVAILABLE = 14 };

/* Calls wait until the test answers them, in whatever order. */
struct grpc_peer {
    struct grpc_port_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void *calls[CALLS_MAX]; /* NULL: answered. */
    char first_bytes[CALLS_MAX];
    size_t calls_count;
    size_t refusals; /* Of the next calls, which cannot even be begun. */
    bool cancels;    /* What is cancelled is answered at once. */
};

static struct grpc_peer *opened; /* By the one test that runs. */

static int fake_open(const struct grpc_port_options *options, char out_error[256],
                     struct grpc_peer **out_peer)
{
    struct grpc_peer *peer = mem_calloc(1, sizeof(*peer));

    out_error[0] = '\0';
    if (peer == NULL)
        return STATUS_NOMEM;
    peer->options = *options;
    peer->cancels = true;
    assert_int_equal(pthread_mutex_init(&peer->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&peer->changed, NULL), 0);
    *out_peer = opened = peer;
    return 0;
}

static int fake_send(struct grpc_peer *peer, void *call, struct view body, uint64_t timeout_ns)
{
    int status = 0;

    assert_int_equal(timeout_ns, 77);
    pthread_mutex_lock(&peer->lock);
    if (peer->refusals != 0) {
        peer->refusals--;
        status = STATUS_NOMEM;
    } else {
        assert_true(peer->calls_count < CALLS_MAX);
        peer->first_bytes[peer->calls_count] = body.data[0];
        peer->calls[peer->calls_count++] = call;
    }
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->lock);
    return status;
}

static void answer(size_t number, int code, const char *text, const char *details)
{
    struct grpc_port_reply reply = {
        .code = code, .message = view_of(text), .details = view_of(details)};
    void *call;

    pthread_mutex_lock(&opened->lock);
    call = opened->calls[number];
    opened->calls[number] = NULL;
    pthread_mutex_unlock(&opened->lock);
    if (call == NULL)
        return;
    opened->options.on_reply(opened->options.context, call, &reply);
    opened->options.release(call);
}

static size_t begun(struct grpc_peer *peer)
{
    size_t count;

    pthread_mutex_lock(&peer->lock);
    count = peer->calls_count;
    pthread_mutex_unlock(&peer->lock);
    return count;
}

static void fake_cancel(struct grpc_peer *peer)
{
    size_t count = begun(peer);

    for (size_t i = 0; i < count && peer->cancels; i++)
        answer(i, 1, "cancelled", "");
}

static void fake_close(struct grpc_peer *peer)
{
    if (peer == NULL)
        return;
    fake_cancel(peer);
    pthread_cond_destroy(&peer->changed);
    pthread_mutex_destroy(&peer->lock);
    mem_free(peer);
}

static const struct grpc_port fake = {
    .version = GRPC_PORT_VERSION,
    .open = fake_open,
    .send = fake_send,
    .cancel = fake_cancel,
    .close = fake_close,
};

/* Until so many calls have begun. */
static void wait_for(size_t calls)
{
    pthread_mutex_lock(&opened->lock);
    while (opened->calls_count < calls)
        pthread_cond_wait(&opened->changed, &opened->lock);
    pthread_mutex_unlock(&opened->lock);
}

/* A message says how much of it is rejected, and details how many milliseconds to wait. */
static void read_reply(const struct grpc_port_reply *reply, struct courier_verdict *out_verdict)
{
    out_verdict->is_ok = reply->code == OK;
    out_verdict->may_retry = reply->code == UNAVAILABLE || reply->code == 1;
    out_verdict->rejected = reply->code == OK ? reply->message.size : 0;
    out_verdict->retry_delay_ns = reply->details.size * NS_PER_MS;
    out_verdict->code = "CODE";
}

struct setting {
    struct counters counters;
    struct courier_options options;
    struct courier *courier;
};

static void setting_init(struct setting *setting)
{
    memset(setting, 0, sizeof(*setting));
    assert_int_equal(counters_init(&setting->counters, forward_counter_rows, COURIER_ALL_COUNT), 0);
    setting->options = (struct courier_options){
        .port = &fake,
        .peer = {.target = "t", .method = "/m"},
        .what = "test",
        .read = read_reply,
        .bytes_max = 1 << 20,
        .in_flight_max = 4,
        .in_flight_bytes_max = 1 << 20,
        .counts_items = true,
        .timeout_ns = 77,
        .retry_initial_ns = 1,
        .retry_interval_ns = 2,
        .counters = &setting->counters,
    };
}

static void begin(struct setting *setting)
{
    char error[256];

    assert_int_equal(courier_new(&setting->options, error, &setting->courier), 0);
    assert_int_equal(courier_start(setting->courier), 0);
}

static void end(struct setting *setting)
{
    courier_free(setting->courier);
    counters_release(&setting->counters);
}

static uint64_t counter(const struct setting *setting, size_t which)
{
    return counters_read(&setting->counters, which);
}

static void offer(struct setting *setting, const char *text)
{
    courier_offer(setting->courier, view_of(text), 10);
}

/* What was offered is accounted for, at any time when nothing moves. */
static void check_law(const struct setting *setting, uint64_t offered)
{
    uint64_t ended = 0;

    for (size_t i = COURIER_REQUESTS_SENT; i <= COURIER_REQUESTS_SHUTDOWN; i++)
        ended += counter(setting, i);
    assert_int_equal(ended + counter(setting, COURIER_QUEUED), offered);
    if (counter(setting, COURIER_QUEUED) == 0)
        assert_int_equal(counter(setting, COURIER_QUEUE_BYTES), 0);
}

static void drain(struct setting *setting)
{
    courier_drain(setting->courier, (struct mono_time){0});
}

/* ----------------------------------------------------------------------- tests */

static void courier__sends_in_order_and_counts(void **state)
{
    struct setting setting;

    (void)state;
    setting_init(&setting);
    setting.options.in_flight_max = 1;
    begin(&setting);
    offer(&setting, "a");
    offer(&setting, "b");
    wait_for(1);
    answer(0, OK, "", "");
    wait_for(2);
    answer(1, OK, "123", "");
    assert_memory_equal(opened->first_bytes, "ab", 2);
    drain(&setting);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_SENT), 2);
    assert_int_equal(counter(&setting, COURIER_ITEMS_SENT), 20);
    assert_int_equal(counter(&setting, COURIER_REJECTED), 3);
    assert_int_equal(counter(&setting, COURIER_BYTES_SENT), 2);
    check_law(&setting, 2);
    end(&setting);
}

static void courier__counts_no_more_rejected_than_was_sent(void **state)
{
    static const char more[] = "more than the ten items that were in it";
    struct setting setting;

    (void)state;
    setting_init(&setting);
    begin(&setting);
    offer(&setting, "a");
    wait_for(1);
    answer(0, OK, more, "");
    drain(&setting);
    assert_int_equal(counter(&setting, COURIER_ITEMS_SENT), 10);
    assert_int_equal(counter(&setting, COURIER_REJECTED), 10);
    end(&setting);
}

static void courier__keeps_to_its_calls_in_flight(void **state)
{
    struct setting setting;

    (void)state;
    setting_init(&setting);
    setting.options.in_flight_max = 2;
    begin(&setting);
    for (size_t i = 0; i < 3; i++)
        offer(&setting, "x");
    wait_for(2);
    assert_int_equal(counter(&setting, COURIER_IN_FLIGHT), 2);
    answer(1, OK, "", "");
    wait_for(3);
    answer(0, OK, "", "");
    answer(2, OK, "", "");
    drain(&setting);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_SENT), 3);
    end(&setting);
}

static void courier__keeps_to_its_bytes_in_flight(void **state)
{
    struct setting setting;

    (void)state;
    setting_init(&setting);
    setting.options.in_flight_bytes_max = 3;
    begin(&setting);
    offer(&setting, "aaaa"); /* Larger than that, and alone. */
    offer(&setting, "bb");
    offer(&setting, "c");
    wait_for(1);
    assert_int_equal(begun(opened), 1);
    answer(0, OK, "", "");
    wait_for(3);
    answer(1, OK, "", "");
    answer(2, OK, "", "");
    drain(&setting);
    check_law(&setting, 3);
    end(&setting);
}

static void courier__repeats_what_may_be_in_its_place(void **state)
{
    struct setting setting;

    (void)state;
    setting_init(&setting);
    begin(&setting);
    offer(&setting, "a");
    offer(&setting, "b");
    wait_for(2);
    answer(1, UNAVAILABLE, "", "");
    answer(0, UNAVAILABLE, "", "");
    wait_for(3); /* One goes alone, the oldest. */
    assert_int_equal(counter(&setting, COURIER_IS_FAILING), 1);
    assert_int_equal(counter(&setting, COURIER_IN_FLIGHT), 1);
    answer(2, OK, "", "");
    wait_for(4);
    answer(3, OK, "", "");
    assert_memory_equal(opened->first_bytes + 2, "ab", 2);
    drain(&setting);
    assert_int_equal(counter(&setting, COURIER_IS_FAILING), 0);
    assert_int_equal(counter(&setting, COURIER_FAILED_UNAVAILABLE), 2);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_SENT), 2);
    end(&setting);
}

static void courier__is_not_well_by_what_began_before_a_failure(void **state)
{
    struct setting setting;

    (void)state;
    setting_init(&setting);
    setting.options.retry_initial_ns = setting.options.retry_interval_ns = 3600 * NS_PER_S;
    begin(&setting);
    offer(&setting, "a");
    offer(&setting, "b");
    wait_for(2);
    answer(0, UNAVAILABLE, "", "");
    answer(1, OK, "", "");
    assert_int_equal(counter(&setting, COURIER_IS_FAILING), 1);
    assert_int_equal(begun(opened), 2);
    drain(&setting);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_SHUTDOWN), 1);
    assert_int_equal(counter(&setting, COURIER_ITEMS_SHUTDOWN), 10);
    check_law(&setting, 2);
    end(&setting);
}

/* A delay that was asked for holds what comes while nothing waits, and ends by itself. */
static void courier__wakes_for_what_came_while_it_was_held(void **state)
{
    struct setting setting;

    (void)state;
    setting_init(&setting);
    setting.options.retry_max_ns = 1;
    begin(&setting);
    offer(&setting, "a");
    wait_for(1);
    answer(0, UNAVAILABLE, "", "12345"); /* Too old by then: nothing waits, and all is held. */
    assert_int_equal(counter(&setting, COURIER_REQUESTS_GAVE_UP), 1);
    offer(&setting, "b");
    wait_for(2);
    answer(1, OK, "", "");
    drain(&setting);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_SENT), 1);
    end(&setting);
}

static void courier__drops_what_is_refused(void **state)
{
    struct setting setting;

    (void)state;
    setting_init(&setting);
    begin(&setting);
    offer(&setting, "a");
    wait_for(1);
    answer(0, INVALID, "", "");
    drain(&setting);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_REFUSED), 1);
    assert_int_equal(counter(&setting, COURIER_IS_FAILING), 0);
    check_law(&setting, 1);
    end(&setting);
}

static void courier__drops_what_finds_no_room(void **state)
{
    struct setting setting;
    char large[1000];

    (void)state;
    memset(large, 'x', sizeof(large));
    setting_init(&setting);
    setting.options.bytes_max = 2500;
    begin(&setting);
    for (size_t i = 0; i < 5; i++)
        courier_offer(setting.courier, (struct view){large, sizeof(large)}, 1);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_FULL), 3);
    assert_int_equal(counter(&setting, COURIER_ITEMS_FULL), 3);
    assert_true(counter(&setting, COURIER_QUEUE_BYTES) <= 2500);
    wait_for(2);
    answer(0, OK, "", "");
    courier_offer(setting.courier, (struct view){large, sizeof(large)},
                  1); /* There is room again. */
    wait_for(3);
    answer(1, OK, "", "");
    answer(2, OK, "", "");
    drain(&setting);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_SENT), 3);
    check_law(&setting, 6);
    end(&setting);
}

static void courier__drops_what_memory_has_no_room_for(void **state)
{
    struct setting setting;

    (void)state;
    setting_init(&setting);
    begin(&setting);
    mem_fail_after(0);
    offer(&setting, "a");
    mem_fail_after(-1);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_NO_MEMORY), 1);
    drain(&setting);
    check_law(&setting, 1);
    end(&setting);
}

static void courier__repeats_what_could_not_be_begun(void **state)
{
    struct setting setting;

    (void)state;
    setting_init(&setting);
    begin(&setting);
    opened->refusals = 2;
    offer(&setting, "a");
    wait_for(1);
    answer(0, OK, "", "");
    drain(&setting);
    assert_int_equal(counter(&setting, COURIER_FAILED_UNAVAILABLE), 2);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_SENT), 1);
    end(&setting);
}

static void courier__drops_what_newer_stands_for(void **state)
{
    struct setting setting;

    (void)state;
    setting_init(&setting);
    setting.options.in_flight_max = 1;
    begin(&setting);
    offer(&setting, "a"); /* Under way, */
    wait_for(1);
    offer(&setting, "b"); /* and waiting. */
    courier_supersede(setting.courier);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_SUPERSEDED), 1);
    offer(&setting, "c");
    answer(0, UNAVAILABLE, "", "");
    wait_for(2);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_SUPERSEDED), 2);
    assert_int_equal(opened->first_bytes[1], 'c');
    answer(1, UNAVAILABLE, "", ""); /* Of the newest: it is repeated. */
    wait_for(3);
    answer(2, OK, "", "");
    drain(&setting);
    check_law(&setting, 3);
    end(&setting);
}

static void *answer_all(void *context)
{
    const size_t *count = context;

    for (size_t i = 0; i < *count; i++) {
        wait_for(i + 1);
        answer(i, OK, "", "");
    }
    return NULL;
}

static void courier__drains_what_waits(void **state)
{
    struct setting setting;
    size_t count = 20;
    pthread_t thread;

    (void)state;
    setting_init(&setting);
    begin(&setting);
    for (size_t i = 0; i < count; i++)
        offer(&setting, "x");
    assert_int_equal(pthread_create(&thread, NULL, answer_all, &count), 0);
    courier_drain(setting.courier, (struct mono_time){UINT64_MAX});
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_SENT), count);
    offer(&setting, "late");
    assert_int_equal(counter(&setting, COURIER_REQUESTS_SHUTDOWN), 1);
    check_law(&setting, count + 1);
    end(&setting);
}

static void courier__gives_what_waits_one_try_at_the_end(void **state)
{
    struct setting setting;
    size_t count = 2;
    pthread_t thread;

    (void)state;
    setting_init(&setting);
    setting.options.retry_initial_ns = setting.options.retry_interval_ns = 3600 * NS_PER_S;
    begin(&setting);
    offer(&setting, "a");
    wait_for(1);
    answer(0, UNAVAILABLE, "", "");
    assert_int_equal(pthread_create(&thread, NULL, answer_all, &count), 0);
    courier_drain(setting.courier, (struct mono_time){UINT64_MAX});
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_SENT), 1);
    end(&setting);
}

struct feeder {
    struct setting *setting;
    pthread_t thread;
};

enum { FEEDERS = 3, FEEDS = 18 };

static void *feed(void *context)
{
    struct feeder *feeder = context;

    for (size_t i = 0; i < FEEDS; i++)
        offer(feeder->setting, "x");
    return NULL;
}

static void courier__takes_from_many_threads(void **state)
{
    struct setting setting;
    struct feeder feeders[FEEDERS];
    size_t count = (size_t)FEEDERS * FEEDS;
    pthread_t thread;

    (void)state;
    setting_init(&setting);
    begin(&setting);
    assert_int_equal(pthread_create(&thread, NULL, answer_all, &count), 0);
    for (size_t i = 0; i < FEEDERS; i++) {
        feeders[i].setting = &setting;
        assert_int_equal(pthread_create(&feeders[i].thread, NULL, feed, &feeders[i]), 0);
    }
    for (size_t i = 0; i < FEEDERS; i++)
        assert_int_equal(pthread_join(feeders[i].thread, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    drain(&setting);
    assert_int_equal(counter(&setting, COURIER_REQUESTS_SENT), count);
    check_law(&setting, count);
    end(&setting);
}

static int make_one(void *context)
{
    struct setting *setting = context;
    char error[256];
    int status = courier_new(&setting->options, error, &setting->courier);

    if (status == 0)
        courier_free(setting->courier);
    return status;
}

static void courier__survives_no_memory(void **state)
{
    struct setting setting;

    (void)state;
    setting_init(&setting);
    test_sweep_memory(make_one, &setting);
    counters_release(&setting.counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(courier__sends_in_order_and_counts),
        cmocka_unit_test(courier__counts_no_more_rejected_than_was_sent),
        cmocka_unit_test(courier__keeps_to_its_calls_in_flight),
        cmocka_unit_test(courier__keeps_to_its_bytes_in_flight),
        cmocka_unit_test(courier__repeats_what_may_be_in_its_place),
        cmocka_unit_test(courier__is_not_well_by_what_began_before_a_failure),
        cmocka_unit_test(courier__wakes_for_what_came_while_it_was_held),
        cmocka_unit_test(courier__drops_what_is_refused),
        cmocka_unit_test(courier__drops_what_finds_no_room),
        cmocka_unit_test(courier__drops_what_memory_has_no_room_for),
        cmocka_unit_test(courier__repeats_what_could_not_be_begun),
        cmocka_unit_test(courier__drops_what_newer_stands_for),
        cmocka_unit_test(courier__drains_what_waits),
        cmocka_unit_test(courier__gives_what_waits_one_try_at_the_end),
        cmocka_unit_test(courier__takes_from_many_threads),
        cmocka_unit_test(courier__survives_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
