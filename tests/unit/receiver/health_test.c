/* health_test.c: Check and Watch by their bytes. */
#include "receiver/health.h"

#include "tests/lib/test.h"

static const struct view services[] = {VIEW("shop.v1.Orders"), VIEW("shop.v1.Stock")};

struct world {
    struct health health;
    struct grpc_method check;
    struct grpc_stream_method watch;
    struct grpc_reply reply;
};

static void start(struct world *world)
{
    memset(world, 0, sizeof(*world));
    health_init(&world->health, services, 2);
    world->check = health_check_method(&world->health);
    world->watch = health_watch_method(&world->health);
    assert_true(world->watch.state_bytes <= 64);
    assert_false(world->watch.takes_many);
}

static void stop(struct world *world)
{
    buf_release(&world->reply.body);
    buf_release(&world->reply.message);
}

static void clear(struct world *world)
{
    world->reply.code = GRPC_OK;
    buf_reset(&world->reply.body);
    buf_reset(&world->reply.message);
}

/* The status that Check answers, or minus the code. */
static int check(struct world *world, struct view message)
{
    clear(world);
    world->check.call(world->check.context, 0, MESSAGE_PROTOBUF, message, &world->reply);
    if (world->reply.code != GRPC_OK) {
        assert_true(world->reply.message.size != 0);
        return -(int)world->reply.code;
    }
    assert_int_equal(world->reply.body.size, 2);
    assert_int_equal(world->reply.body.data[0], 8);
    return world->reply.body.data[1];
}

static enum grpc_step watch(struct world *world, void *state, struct view message)
{
    clear(world);
    return world->watch.message(world->watch.context, state, message, &world->reply);
}

static enum grpc_step poll_once(struct world *world, void *state)
{
    clear(world);
    return world->watch.poll(world->watch.context, state, &world->reply);
}

static void health__checks_by_name(void **unused)
{
    struct world world;

    (void)unused;
    start(&world);
    assert_int_equal(check(&world, VIEW("")), 2); /* Before it is told otherwise. */
    health_set(&world.health, true);
    assert_int_equal(check(&world, VIEW("")), 1);
    assert_int_equal(check(&world, VIEW("\012\0")), 1);
    assert_int_equal(check(&world, VIEW("\012\016shop.v1.Orders")), 1);
    assert_int_equal(check(&world, VIEW("\012\015shop.v1.Stock")), 1);
    assert_int_equal(check(&world, VIEW("\012\015shop.v1.Order")), -GRPC_NOT_FOUND);
    assert_int_equal(check(&world, VIEW("\012\017shop.v1.Orders\0")), -GRPC_NOT_FOUND);
    health_set(&world.health, false);
    assert_int_equal(check(&world, VIEW("\012\016shop.v1.Orders")), 2);
    stop(&world);
}

static void health__passes_over_what_it_does_not_know(void **unused)
{
    struct world world;

    (void)unused;
    start(&world);
    health_set(&world.health, true);
    assert_int_equal(check(&world, VIEW("\x10\x05\012\015shop.v1.Stock\x1a\1x")), 1);
    assert_int_equal(check(&world, VIEW("\x08\x05")), 1); /* No text: passed over, too. */
    assert_int_equal(check(&world, VIEW("\012\1x\012\015shop.v1.Stock")), 1); /* The last counts. */
    assert_int_equal(check(&world, VIEW("\012\020short")), -GRPC_INVALID_ARGUMENT);
    assert_int_equal(check(&world, VIEW("\xff\xff\xff\xff\xff\xff")), -GRPC_INVALID_ARGUMENT);
    stop(&world);
}

static void health__tells_watchers_each_change_once(void **unused)
{
    char state[64] = {0};
    struct world world;

    (void)unused;
    start(&world);
    assert_int_equal(watch(&world, state, VIEW("\012\015shop.v1.Stock")), GRPC_STEP_SAY);
    assert_view_equal(buf_view(&world.reply.body), "\x08\x02");
    assert_int_equal(poll_once(&world, state), GRPC_STEP_QUIET);
    health_set(&world.health, true);
    assert_int_equal(poll_once(&world, state), GRPC_STEP_SAY);
    assert_view_equal(buf_view(&world.reply.body), "\x08\x01");
    assert_int_equal(poll_once(&world, state), GRPC_STEP_QUIET);
    /* What did not last until it was asked for is not told. */
    health_set(&world.health, false);
    health_set(&world.health, true);
    assert_int_equal(poll_once(&world, state), GRPC_STEP_QUIET);
    health_set(&world.health, false);
    assert_int_equal(poll_once(&world, state), GRPC_STEP_SAY);
    assert_view_equal(buf_view(&world.reply.body), "\x08\x02");
    stop(&world);
}

static void health__keeps_watchers_of_unknown_services(void **unused)
{
    char state[64] = {0};
    struct world world;

    (void)unused;
    start(&world);
    assert_int_equal(watch(&world, state, VIEW("\012\1x")), GRPC_STEP_SAY);
    assert_view_equal(buf_view(&world.reply.body), "\x08\x03");
    health_set(&world.health, true);
    assert_int_equal(poll_once(&world, state), GRPC_STEP_QUIET);
    memset(state, 0, sizeof(state));
    assert_int_equal(watch(&world, state, VIEW("\012\5x")), GRPC_STEP_END);
    assert_int_equal(world.reply.code, GRPC_INVALID_ARGUMENT);
    stop(&world);
}

static void health__survives_failing_memory(void **unused)
{
    char state[64] = {0};
    struct world world;
    enum grpc_step step;

    (void)unused;
    start(&world);
    mem_fail_after(0);
    world.check.call(world.check.context, 0, MESSAGE_PROTOBUF, VIEW(""), &world.reply);
    step = world.watch.message(world.watch.context, state, VIEW(""), &world.reply);
    mem_fail_after(-1);
    assert_int_equal(world.reply.code, GRPC_UNAVAILABLE);
    assert_int_equal(step, GRPC_STEP_END);
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health__checks_by_name),
        cmocka_unit_test(health__passes_over_what_it_does_not_know),
        cmocka_unit_test(health__tells_watchers_each_change_once),
        cmocka_unit_test(health__keeps_watchers_of_unknown_services),
        cmocka_unit_test(health__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
