/* grpc_streaming_test.c: calls that go on, by a method that says what the test wants said. */
#include "receiver/grpc_stream.h"

#include "tests/lib/grpc_fixture.h"
#include "tests/lib/test.h"

enum { STREAMING_MAX = 16, ON_ONE_CONNECTION = 2 };

struct world {
    struct grpc_fixture on;
    struct grpc_stream_method methods[2];
    int news;         /* What Watch is to tell; each watcher tells each once. */
    size_t echo_size; /* Of an answer of Chat; 0: what came. */
};

struct watcher {
    int told;
};

static enum grpc_step tell(struct world *world, struct watcher *watcher, struct grpc_reply *reply)
{
    if (watcher->told == world->news)
        return GRPC_STEP_QUIET;
    watcher->told = world->news;
    (void)buf_append_byte(&reply->body, (char)('0' + world->news));
    return GRPC_STEP_SAY;
}

static enum grpc_step watch(void *context, void *state, struct view message,
                            struct grpc_reply *reply)
{
    if (view_equal(message, VIEW("bad"))) {
        reply->code = GRPC_INVALID_ARGUMENT;
        (void)buf_append_text(&reply->message, "bad it is");
        return GRPC_STEP_END;
    }
    return tell(context, state, reply);
}

static enum grpc_step poll_watch(void *context, void *state, struct grpc_reply *reply)
{
    return tell(context, state, reply);
}

/* Sends back what came; "end" ends. */
static enum grpc_step chat(void *context, void *state, struct view message,
                           struct grpc_reply *reply)
{
    const struct world *world = context;

    assert_null(*(void **)state);
    if (view_equal(message, VIEW("end"))) {
        reply->code = GRPC_NOT_FOUND;
        return GRPC_STEP_END;
    }
    for (size_t i = 0; i < world->echo_size; i++)
        (void)buf_append_byte(&reply->body, 'e');
    if (world->echo_size == 0)
        (void)buf_append_view(&reply->body, message);
    return GRPC_STEP_SAY;
}

static void begin(struct world *world)
{
    struct grpc_fixture *on = &world->on;

    memset(world, 0, sizeof(*world));
    world->news = 1;
    world->methods[0] = (struct grpc_stream_method){
        .path = "/t.Service/Watch",
        .state_bytes = sizeof(struct watcher),
        .message = watch,
        .poll = poll_watch,
        .context = world,
    };
    world->methods[1] = (struct grpc_stream_method){
        .path = "/t.Service/Chat",
        .state_bytes = sizeof(void *),
        .takes_many = true,
        .message = chat,
        .context = world,
    };
    grpc_start(on);
    on->shared.stream_methods = world->methods;
    on->shared.stream_methods_count = 2;
    on->shared.streaming_max = STREAMING_MAX;
}

static void finish(struct world *world)
{
    grpc_stop(&world->on);
    assert_int_equal(world->on.shared.streaming, 0);
}

static void open_call(struct world *world, uint32_t stream, const char *path)
{
    struct h2_field field = {VIEW(":path"), view_of(path)};

    grpc_open_with(&world->on, stream, &field, 1, 0);
}

static void send_text(struct world *world, uint32_t stream, const char *text, bool ends)
{
    struct buf body;
    size_t size = strlen(text);
    char prefix[5] = {0, 0, 0, (char)(size >> 8), (char)size};

    buf_init(&body, 0);
    assert_int_equal(buf_append(&body, prefix, 5), 0);
    assert_int_equal(buf_append(&body, text, size), 0);
    grpc_send_body(&world->on, stream, buf_view(&body), 16384, ends);
    buf_release(&body);
}

/* The messages that came on it, each ended by a bar. */
static void assert_said(const struct world *world, uint32_t stream, const char *text)
{
    const struct h2_seen *seen = grpc_seen(&world->on, stream);
    struct view left = buf_view(&seen->body);
    struct buf said;

    buf_init(&said, 0);
    while (left.size != 0) {
        size_t size;

        assert_true(left.size >= 5);
        size = (size_t)(unsigned char)left.data[3] << 8 | (unsigned char)left.data[4];
        assert_true(left.size - 5 >= size);
        assert_int_equal(buf_append(&said, left.data + 5, size), 0);
        assert_int_equal(buf_append_byte(&said, '|'), 0);
        left = (struct view){left.data + 5 + size, left.size - 5 - size};
    }
    assert_view_equal(buf_view(&said), text);
    buf_release(&said);
}

static void streaming__tells_a_watcher_what_changes(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    open_call(&world, 1, "/t.Service/Watch");
    send_text(&world, 1, "x", true);
    grpc_run(&world.on);
    assert_said(&world, 1, "1|");
    grpc_tick(&world.on, NS_PER_S);
    assert_said(&world, 1, "1|");
    world.news = 2;
    grpc_tick(&world.on, NS_PER_S);
    assert_said(&world, 1, "1|2|");
    /* It may last for hours, and is no idle connection. */
    world.on.shared.idle_timeout_ns = NS_PER_S;
    world.news = 3;
    grpc_tick(&world.on, 3600 * NS_PER_S);
    assert_said(&world, 1, "1|2|3|");
    assert_false(grpc_seen(&world.on, 1)->is_ended);
    h2_peer_reset(&world.on.peer, 1, H2_CANCEL);
    grpc_run(&world.on);
    assert_int_equal(world.on.shared.streaming, 0);
    assert_int_equal(grpc_counted(&world.on, RECEIVER_STREAMS_LOST), 0);
    finish(&world);
}

static void streaming__wants_one_message_of_a_watcher(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    open_call(&world, 1, "/t.Service/Watch");
    grpc_send_body(&world.on, 1, VIEW(""), 1, true);
    open_call(&world, 3, "/t.Service/Watch");
    send_text(&world, 3, "x", false);
    grpc_run(&world.on);
    assert_null(h2_peer_seen(&world.on.peer, 3)); /* More might come. */
    send_text(&world, 3, "y", true);
    grpc_run(&world.on);
    assert_grpc_answer(&world.on, 1, "grpc-status: 12");
    assert_grpc_answer(&world.on, 3, "grpc-status: 12");
    open_call(&world, 5, "/t.Service/Watch");
    grpc_send_body(&world.on, 5, VIEW("\0\0\0\0\5ab"), 16384, true);
    open_call(&world, 7, "/t.Service/Watch");
    send_text(&world, 7, "bad", true);
    grpc_run(&world.on);
    assert_grpc_answer(&world.on, 5, "grpc-status: 13");
    assert_grpc_answer(&world.on, 7, "grpc-status: 3");
    assert_true(h2_seen_has(grpc_seen(&world.on, 7), "grpc-message: bad it is"));
    finish(&world);
}

static void streaming__answers_each_message_in_turn(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    world.on.piece = 1;
    open_call(&world, 1, "/t.Service/Chat");
    send_text(&world, 1, "a", false);
    grpc_run(&world.on);
    assert_said(&world, 1, "a|");
    send_text(&world, 1, "bc", false);
    send_text(&world, 1, "", false);
    send_text(&world, 1, "d", true);
    grpc_run(&world.on);
    assert_said(&world, 1, "a|bc||d|");
    assert_grpc_ok(&world.on, 1);
    open_call(&world, 3, "/t.Service/Chat");
    send_text(&world, 3, "a", false);
    send_text(&world, 3, "end", false);
    send_text(&world, 3, "b", false);
    grpc_run(&world.on);
    assert_said(&world, 3, "a|");
    assert_grpc_answer(&world.on, 3, "grpc-status: 5");
    open_call(&world, 5, "/t.Service/Chat"); /* Nothing was asked. */
    grpc_send_body(&world.on, 5, VIEW(""), 1, true);
    grpc_run(&world.on);
    assert_grpc_answer(&world.on, 5, "grpc-status: 0");
    finish(&world);
}

static void streaming__refuses_what_is_no_message(void **state)
{
    static const struct {
        struct view bytes;
        const char *status;
    } cases[] = {
        {VIEW("\2\0\0\0\0"), "grpc-status: 13"},        {VIEW("\0\0\0\x40\1"), "grpc-status: 8"},
        {VIEW("\0\xff\xff\xff\xff"), "grpc-status: 8"}, {VIEW("\1\0\0\0\1x"), "grpc-status: 13"},
        {VIEW("\0\0\0\0\1x\0\0"), "grpc-status: 13"},
    };
    struct world world;

    (void)state;
    begin(&world);
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_call(&world, 1 + 2 * i, "/t.Service/Chat");
        grpc_send_body(&world.on, 1 + 2 * i, cases[i].bytes, 16384, true);
        grpc_run(&world.on);
        assert_grpc_answer(&world.on, 1 + 2 * i, cases[i].status);
    }
    finish(&world);
}

static void streaming__inflates_messages(void **state)
{
    static const struct h2_field fields[] = {{VIEW(":path"), VIEW("/t.Service/Chat")},
                                             {VIEW("grpc-encoding"), VIEW("gzip")}};
    struct world world;
    struct buf body;

    (void)state;
    begin(&world);
    buf_init(&body, 0);
    grpc_put_gzip(&body, 3, 'z');
    grpc_open_with(&world.on, 1, fields, 2, 0);
    grpc_send_body(&world.on, 1, buf_view(&body), 16384, false);
    grpc_run(&world.on);
    assert_said(&world, 1, "zzz|");
    buf_reset(&body);
    grpc_put_gzip(&body, 17000, 'z');
    grpc_send_body(&world.on, 1, buf_view(&body), 16384, false);
    grpc_run(&world.on);
    assert_grpc_answer(&world.on, 1, "grpc-status: 8");
    buf_release(&body);
    finish(&world);
}

/* A peer that does not read its answers is not asked on, and gets no credit. */
static void streaming__waits_for_who_does_not_read(void **state)
{
    struct world world;
    size_t held;

    (void)state;
    begin(&world);
    world.echo_size = 60000; /* Its window is 65,535. */
    open_call(&world, 1, "/t.Service/Chat");
    for (int i = 0; i < 10; i++)
        send_text(&world, 1, "more, please", false);
    grpc_run(&world.on);
    assert_in_range(grpc_seen(&world.on, 1)->body.size, 65535, 65535);
    held = world.on.shared.budget.held;
    assert_in_range(held, 1, 70000);
    grpc_tick(&world.on, NS_PER_S);
    assert_in_range(grpc_seen(&world.on, 1)->body.size, 65535, 65535);
    for (int i = 0; i < 9; i++) {
        h2_peer_window(&world.on.peer, 0, 60005);
        h2_peer_window(&world.on.peer, 1, 60005);
        grpc_run(&world.on);
    }
    h2_peer_window(&world.on.peer, 0, 60005);
    h2_peer_window(&world.on.peer, 1, 60005);
    grpc_send_body(&world.on, 1, VIEW(""), 1, true);
    grpc_run(&world.on);
    assert_int_equal(grpc_seen(&world.on, 1)->body.size, 600050);
    assert_grpc_ok(&world.on, 1);
    finish(&world);
}

static void streaming__bounds_calls_at_once(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    for (uint32_t i = 0; i < ON_ONE_CONNECTION + 1; i++) {
        open_call(&world, 1 + 2 * i, "/t.Service/Watch");
        send_text(&world, 1 + 2 * i, "x", true);
    }
    grpc_run(&world.on);
    assert_said(&world, 1, "1|");
    assert_said(&world, 3, "1|");
    assert_grpc_answer(&world.on, 5, "grpc-status: 14");
    assert_int_equal(grpc_counted(&world.on, RECEIVER_LIMIT_STREAMING), 1);
    h2_peer_reset(&world.on.peer, 1, H2_CANCEL);
    atomic_fetch_add(&world.on.shared.streaming, STREAMING_MAX - 1); /* On other connections. */
    open_call(&world, 7, "/t.Service/Watch");
    grpc_run(&world.on);
    assert_grpc_answer(&world.on, 7, "grpc-status: 14");
    atomic_fetch_sub(&world.on.shared.streaming, STREAMING_MAX - 1);
    open_call(&world, 9, "/t.Service/Watch");
    send_text(&world, 9, "x", true);
    grpc_open(&world.on, 11); /* Telemetry beside them goes on. */
    grpc_send_message(&world.on, 11, 100, 'm', 16384);
    grpc_run(&world.on);
    assert_said(&world, 9, "1|");
    assert_grpc_ok(&world.on, 11);
    finish(&world);
}

static void streaming__keeps_deadlines(void **state)
{
    static const struct h2_field fields[] = {{VIEW(":path"), VIEW("/t.Service/Watch")},
                                             {VIEW("grpc-timeout"), VIEW("100S")}};
    struct world world;

    (void)state;
    begin(&world);
    grpc_open_with(&world.on, 1, fields, 2, 0);
    send_text(&world, 1, "x", true);
    grpc_run(&world.on);
    grpc_tick(&world.on, 99 * NS_PER_S); /* Longer than a request may take. */
    assert_false(grpc_seen(&world.on, 1)->is_ended);
    grpc_tick(&world.on, NS_PER_S);
    assert_grpc_answer(&world.on, 1, "grpc-status: 4");
    open_call(&world, 3, "/t.Service/Watch"); /* Its message does not come, */
    open_call(&world, 5, "/t.Service/Chat");  /* nor does another of this. */
    send_text(&world, 5, "a", false);
    grpc_run(&world.on);
    grpc_tick(&world.on, 59 * NS_PER_S);
    assert_false(grpc_seen(&world.on, 5)->is_ended);
    grpc_tick(&world.on, NS_PER_S);
    assert_grpc_answer(&world.on, 3, "grpc-status: 4");
    assert_grpc_answer(&world.on, 5, "grpc-status: 4");
    finish(&world);
}

/* The last news comes before GOAWAY, and the call ends with the connection. */
static void streaming__tells_the_last_before_it_drains(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    open_call(&world, 1, "/t.Service/Watch");
    send_text(&world, 1, "x", true);
    grpc_run(&world.on);
    world.news = 2;
    assert_int_equal(session_drain(world.on.session, world.on.now), 0);
    assert_int_equal(world.on.peer.goaways, 0);
    grpc_hear(&world.on);
    assert_said(&world, 1, "1|2|");
    assert_int_equal(world.on.peer.goaways, 1);
    assert_false(grpc_seen(&world.on, 1)->is_ended);
    grpc_tick(&world.on, NS_PER_S); /* The second GOAWAY is due. */
    grpc_tick(&world.on, NS_PER_S);
    assert_int_equal(world.on.peer.goaways, 2);
    assert_grpc_answer(&world.on, 1, "grpc-status: 14");
    assert_int_equal(world.on.status, STATUS_CLOSED);
    finish(&world);
}

static int watch_once(void *context)
{
    struct world *world = context;
    struct grpc_fixture *on = &world->on;
    struct buf out;
    int status;
    bool is_told;

    buf_init(&out, 0);
    status = session_new(&on->shared, &on->worker, on->opening, on->now, &on->session);
    if (status != 0)
        return status;
    status = session_receive(on->session, buf_view(&on->peer.out), on->now);
    if (status == 0)
        status = session_produce(on->session, on->now, 1 << 20, &out);
    is_told = status == 0 && memmem(out.data, out.size,
                                    "\0\0\0\0\1"
                                    "1",
                                    6) != NULL;
    session_free(on->session);
    on->session = NULL;
    buf_release(&out);
    assert_int_equal(on->shared.streaming, 0);
    return is_told ? 0 : STATUS_NOMEM;
}

static void streaming__survives_failing_memory(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    session_free(world.on.session);
    h2_peer_release(&world.on.peer);
    h2_peer_init(&world.on.peer);
    open_call(&world, 1, "/t.Service/Watch");
    send_text(&world, 1, "x", true);
    test_sweep_memory(watch_once, &world);
    finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streaming__tells_a_watcher_what_changes),
        cmocka_unit_test(streaming__wants_one_message_of_a_watcher),
        cmocka_unit_test(streaming__answers_each_message_in_turn),
        cmocka_unit_test(streaming__refuses_what_is_no_message),
        cmocka_unit_test(streaming__inflates_messages),
        cmocka_unit_test(streaming__waits_for_who_does_not_read),
        cmocka_unit_test(streaming__bounds_calls_at_once),
        cmocka_unit_test(streaming__keeps_deadlines),
        cmocka_unit_test(streaming__tells_the_last_before_it_drains),
        cmocka_unit_test(streaming__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
