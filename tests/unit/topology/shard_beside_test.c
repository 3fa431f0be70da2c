/* shard_beside_test.c: CLIENTs in and beside PRODUCERs, whose messages are taken late (E4, E10). */
#include "tests/lib/shard_fixture.h"
#include "topology/shard_priv.h"

#define MESSAGE "service//front -> service//back [messaging_system]"
#define AROUND_CALL "service//front -> external//x [virtual_node]"
#define INNER_CALL "service//front -> external//z [virtual_node]"
#define ANSWERED "service//front -> service//back"

enum { AROUND = 1, MESSAGE_ID, INNER, OTHER, SIDE, TAKER };

/* Messages wait an hour. */
static const struct world_options plain_waits;
static const struct world_options two_shards = {.shards = 2};

static struct span inner_client(struct fixture *fixture, uint64_t parent)
{
    struct world_site site = {.service = "front", .kind = SPAN_KIND_CLIENT, .peer = "external//z"};

    return world_span(world_site(&fixture->world, &site), SPAN_KIND_CLIENT, INNER, parent);
}

static struct span message(const struct fixture *fixture, uint64_t parent)
{
    return world_span(fixture->front_producer, SPAN_KIND_PRODUCER, MESSAGE_ID, parent);
}

/* By a child of the PRODUCER, or by one that links to it from another trace. */
static void take(struct fixture *fixture, bool by_link, uint64_t now_ns)
{
    struct world_link link = {1, MESSAGE_ID};
    struct span span = world_span(fixture->back_consumer, SPAN_KIND_CONSUMER, TAKER,
                                  by_link ? 0 : MESSAGE_ID);

    if (by_link) {
        span.trace[1] = 99;
        span.links = 1;
    }
    feed_at(fixture, span, now_ns);
    if (by_link)
        world_link(&fixture->world, &span, &link, 1, now_ns);
}

struct scene {
    bool by_link;
    bool is_taken;
    bool is_quiet_between; /* An INTERNAL span stands between the callers. */
    bool inner_first;      /* The CLIENT comes before all others. */
    const struct world_options *options;
};

static struct scene scene_of(unsigned number)
{
    return (struct scene){
        .by_link = number & 1,
        .is_taken = number & 2,
        .is_quiet_between = number & 4,
        .inner_first = number & 8,
        .options = number & 16 ? &two_shards : &plain_waits,
    };
}

enum { SCENES = 32 };

/* The CLIENT that is in question, in `parent`. */
static void feed_inner(struct fixture *fixture, const struct scene *scene, uint64_t parent)
{
    uint64_t between = scene->is_quiet_between ? SIDE + 100 : parent;

    feed_at(fixture, inner_client(fixture, between), start_ns);
    if (scene->is_quiet_between)
        feed_at(fixture, world_span(fixture->front_internal, SPAN_KIND_INTERNAL, between, parent),
                start_ns);
}

/* Past pairing.wait; then the message is taken or not. `then_ns` is when that has been judged. */
static uint64_t live_on(struct fixture *fixture, const struct scene *scene)
{
    uint64_t now_ns = start_ns + 30 * NS_PER_S;

    world_tick(&fixture->world, now_ns);
    assert_true(look_at(fixture, INNER_CALL) == 0);
    assert_true(look_at(fixture, AROUND_CALL) == 0);
    if (scene->is_taken) {
        take(fixture, scene->by_link, now_ns);
        now_ns += 11 * NS_PER_S;
    } else {
        now_ns += 3601 * NS_PER_S;
    }
    world_tick(&fixture->world, now_ns);
    world_tick(&fixture->world, now_ns + NS_PER_S);
    return now_ns + NS_PER_S;
}

/* A CLIENT around a PRODUCER and a CLIENT: taken, the message is a call, so that the one around is none
 * and the other one is; else that around both is the call. Known as soon as it is taken. */
static void beside__a_client_waits_for_the_message_beside_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SCENES; i++) {
        struct scene scene = scene_of(i);
        struct fixture fixture;
        struct accounting accounting;

        setup(&fixture, scene.options);
        if (scene.inner_first)
            feed_inner(&fixture, &scene, AROUND);
        feed_at(&fixture, message(&fixture, AROUND), start_ns);
        feed_at(&fixture, front_client(&fixture, AROUND, 0), start_ns);
        if (!scene.inner_first)
            feed_inner(&fixture, &scene, AROUND);
        (void)live_on(&fixture, &scene);
        assert_true(look_at(&fixture, MESSAGE) == (scene.is_taken ? 1 : 0));
        assert_true(look_at(&fixture, INNER_CALL) == (scene.is_taken ? 1 : 0));
        assert_true(look_at(&fixture, AROUND_CALL) == (scene.is_taken ? 0 : 1));
        accounting = look(&fixture);
        assert_int_equal(accounting.waiting, 0);
        world_finish(&fixture.world, start_ns + 9000 * NS_PER_S);
        assert_true(look_at(&fixture, INNER_CALL) == (scene.is_taken ? 1 : 0));
        assert_true(look_at(&fixture, AROUND_CALL) == (scene.is_taken ? 0 : 1));
        world_release(&fixture.world);
    }
}

/* A PRODUCER around two CLIENTs, one of them answered: taken, the message is the call; else the other
 * CLIENT is one, since the PRODUCER is none. */
static void beside__a_client_waits_for_the_message_around_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SCENES; i++) {
        struct scene scene = scene_of(i);
        struct fixture fixture;

        setup(&fixture, scene.options);
        if (scene.inner_first)
            feed_inner(&fixture, &scene, MESSAGE_ID);
        feed_at(&fixture, message(&fixture, 0), start_ns);
        feed_at(&fixture, front_client(&fixture, OTHER, MESSAGE_ID), start_ns);
        feed_at(&fixture, back_server(&fixture, SIDE, OTHER), start_ns);
        if (!scene.inner_first)
            feed_inner(&fixture, &scene, MESSAGE_ID);
        (void)live_on(&fixture, &scene);
        assert_true(look_at(&fixture, ANSWERED) == 1);
        assert_true(look_at(&fixture, MESSAGE) == (scene.is_taken ? 1 : 0));
        assert_true(look_at(&fixture, INNER_CALL) == (scene.is_taken ? 0 : 1));
        world_finish(&fixture.world, start_ns + 9000 * NS_PER_S);
        assert_true(look_at(&fixture, INNER_CALL) == (scene.is_taken ? 0 : 1));
        world_release(&fixture.world);
    }
}

/* A CLIENT in a PRODUCER with nothing answered in it is no call, whatever becomes of the message. */
static void beside__a_client_that_is_no_call_in_any_case_does_not_wait(void **state)
{
    struct fixture fixture;

    (void)state;
    setup(&fixture, &plain_waits);
    feed_at(&fixture, message(&fixture, 0), start_ns);
    feed_at(&fixture, inner_client(&fixture, MESSAGE_ID), start_ns);
    world_tick(&fixture.world, start_ns + 11 * NS_PER_S);
    assert_int_equal(look(&fixture).internal, 1);
    assert_int_equal(look(&fixture).waiting, 1);
    world_release(&fixture.world);
}

/* One that has to leave is judged by what is known. */
static void beside__a_client_leaves_as_what_it_is_by_then(void **state)
{
    static const struct world_options small = {.memory_bytes_max = 1 << 20};
    struct fixture fixture;

    (void)state;
    setup(&fixture, &small);
    feed_at(&fixture, message(&fixture, AROUND), start_ns);
    feed_at(&fixture, front_client(&fixture, AROUND, 0), start_ns);
    feed_at(&fixture, inner_client(&fixture, AROUND), start_ns);
    world_tick(&fixture.world, start_ns + 11 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 3);
    for (uint64_t id = 1; id <= 30000; id++) {
        struct span span = world_span(fixture.front_internal, SPAN_KIND_INTERNAL, 1000 + id, 0);
        span.trace[1] = 77;
        feed_at(&fixture, span, start_ns + (12 + id / 100) * NS_PER_S);
    }
    world_tick(&fixture.world, start_ns + 330 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 1); /* The message, as a record. */
    assert_int_equal(look(&fixture).dropped[DROPPED_EVICTED], 0);
    world_tick(&fixture.world, start_ns + 4000 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 0);
    world_release(&fixture.world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(beside__a_client_waits_for_the_message_beside_it),
        cmocka_unit_test(beside__a_client_waits_for_the_message_around_it),
        cmocka_unit_test(beside__a_client_that_is_no_call_in_any_case_does_not_wait),
        cmocka_unit_test(beside__a_client_leaves_as_what_it_is_by_then),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
