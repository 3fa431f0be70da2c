/* cost.c: `cost`, a program whose instructions are counted: no clock, no thread, no socket.
 *
 *   cost decode|feed|receive|whole FILE PASSES
 *
 * decode:  requests become records.
 * feed:    the same, and the shard counts them; a clock of its own runs at a million spans a second.
 * receive: gRPC frames of four connections, eight requests in flight each, up to the method's call,
 *          and its answer; the method does nothing.
 * whole:   the same, with the method as in `feed`.
 *
 * Whoever counts collects within measured() alone, and takes the difference of two numbers of passes,
 * so that neither the start nor the client are in it (tests/bench/guard.py). Prints how many spans
 * and requests went through.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "receiver/receiver_counters.h"
#include "receiver/session.h"
#include "tests/bench/tools/load.h"
#include "tests/lib/otlp_build.h"

enum { CONNECTIONS = 4, IN_FLIGHT = 8, READ_MAX = 256 * 1024, SPAN_NS = 1000 };

struct cost {
    struct load load;
    struct connection connections[CONNECTIONS];
    struct session *sessions[CONNECTIONS];
    struct rig rig;
    struct engine *engine;
    struct session_shared shared;
    struct session_worker worker;
    struct counters counters;
    struct mono_time now;
    uint64_t spans;
    uint64_t requests;
    bool is_counting; /* The method feeds the engine. */
};

void load_die(const char *what, const char *why)
{
    (void)fprintf(stderr, "cost: %s%s%s\n", what, why != NULL ? ": " : "", why != NULL ? why : "");
    exit(1);
}

void load_answer(struct connection *connection, struct slot *slot, bool is_accepted)
{
    CHECK(is_accepted);
    connection->load->answered++;
    *slot = (struct slot){.id = 0};
}

/* ------------------------------------------------------------------ without a connection */

static void feed(struct cost *cost, struct view message)
{
    struct engine_fed fed;

    CHECK(engine_feed(cost->engine, DOOR_PROTOBUF, message, cost->now, &fed) == 0);
    cost->spans += fed.spans;
    cost->requests++;
    cost->now.ns += fed.spans * SPAN_NS;
}

__attribute__((noinline)) static void measured_decode(struct cost *cost, struct view message)
{
    const struct otlp_stage *stage;

    CHECK(otlp_decode_protobuf(cost->rig.decoder, message, &stage) == 0);
    cost->spans += stage->count;
    cost->requests++;
}

__attribute__((noinline)) static void measured_feed(struct cost *cost, struct view message)
{
    feed(cost, message);
}

static const struct payload *next_payload(struct cost *cost)
{
    struct load *load = &cost->load;
    const struct payload *payload;

    if (load->begun == load->total)
        return NULL;
    payload = &load->payloads[load->begun++ % load->payloads_count];
    if (load->begun > load->payloads_count)
        load_renew(payload);
    return payload;
}

static void run_messages(struct cost *cost, void (*run)(struct cost *cost, struct view message))
{
    const struct payload *payload;

    while ((payload = next_payload(cost)) != NULL)
        run(cost, (struct view){payload->data, payload->size});
}

/* ------------------------------------------------------------------ with connections */

static void method(void *context, unsigned thread, enum message_format format, struct view message,
                   struct grpc_reply *reply)
{
    struct cost *cost = context;

    (void)thread;
    (void)format;
    (void)reply;
    if (cost->is_counting)
        feed(cost, message);
    else
        cost->requests++;
}

__attribute__((noinline)) static void measured_turn(struct cost *cost, struct session *session,
                                                    struct view bytes, struct buf *out)
{
    CHECK(session_receive(session, bytes, cost->now) == 0);
    CHECK(session_produce(session, cost->now, READ_MAX, out) == 0);
}

static void begin_requests(struct cost *cost, struct connection *connection)
{
    for (uint32_t i = 0; i < connection->slots_count; i++) {
        struct slot *slot = &connection->slots[i];
        if (slot->payload != NULL)
            continue;
        slot->payload = next_payload(cost);
        slot->window = connection->stream_window;
        if (slot->payload == NULL)
            return;
    }
}

/* All that the client may send goes to the server as one read, and the answers back. */
static void turn(struct cost *cost, uint32_t which, struct buf *in, struct buf *out)
{
    struct connection *connection = &cost->connections[which];
    struct turn *turn = &cost->load.turn;

    if (connection->is_ready)
        begin_requests(cost, connection);
    turn->count = 0;
    turn->bytes = turn->heads_size = 0;
    load_grpc.fill(connection);
    buf_reset(in);
    buf_reset(out);
    CHECK(buf_append_view(in, buf_view(&connection->left)) == 0);
    for (int i = 0; i < turn->count; i++)
        CHECK(buf_append(in, turn->pieces[i].iov_base, turn->pieces[i].iov_len) == 0);
    buf_reset(&connection->left);
    buf_reset(&connection->control);
    for (size_t at = 0; at < in->size; at += READ_MAX) {
        size_t size = in->size - at < READ_MAX ? in->size - at : READ_MAX;
        measured_turn(cost, cost->sessions[which], (struct view){in->data + at, size}, out);
    }
    load_grpc.read(connection, buf_view(out));
}

static void run_connections(struct cost *cost)
{
    struct buf in, out;

    buf_init(&in, 0);
    buf_init(&out, 0);
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        struct connection *connection = &cost->connections[i];
        connection->load = &cost->load;
        connection->slots_count = IN_FLIGHT;
        connection->next_id = 1;
        load_grpc.open(connection);
        CHECK(session_new(&cost->shared, &cost->worker,
                          (struct session_opening){.serves = SESSION_GRPC}, cost->now,
                          &cost->sessions[i]) == 0);
    }
    while (cost->load.answered < cost->load.total)
        for (uint32_t i = 0; i < CONNECTIONS; i++)
            turn(cost, i, &in, &out);
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        session_free(cost->sessions[i]);
        load_grpc.close(&cost->connections[i]);
        buf_release(&cost->connections[i].left);
        buf_release(&cost->connections[i].partly);
        buf_release(&cost->connections[i].control);
    }
    buf_release(&in);
    buf_release(&out);
}

/* ------------------------------------------------------------------ the program */

static void start_engine(struct cost *cost)
{
    struct engine_setup setup = {.machine = {UINT64_C(1) << 30, 1}};
    struct options options;
    char error[256];

    CHECK(options_init(&options) == 0);
    options.memory_limit_bytes = UINT64_C(256) << 20;
    options.topology_shards = 1;
    options.pairing_wait_ns = options.pairing_parent_wait_ns = 20 * NS_PER_MS;
    CHECK(engine_new(&options, &setup, error, &cost->engine) == 0);
    options_release(&options);
    rig_start(&cost->rig, NULL, false);
}

static void start_sessions(struct cost *cost, struct grpc_method *export)
{
    *export = (struct grpc_method){
        .path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        .call = method,
        .context = cost,
    };
    CHECK(counters_init(&cost->counters, receiver_counter_rows, RECEIVER_COUNTER_COUNT) == 0);
    cost->shared = (struct session_shared){
        .methods = export,
        .methods_count = 1,
        .workers = 1,
        .message_bytes_max = 64 << 20,
        .response_bytes_max = 1 << 20,
        .streams_max = 100,
        .request_timeout_ns = 3600 * NS_PER_S,
        .counters = &cost->counters,
    };
    session_shared_bound(&cost->shared, 256 << 20);
    session_worker_init(&cost->worker, 0, &cost->shared);
}

static void stop_all(struct cost *cost)
{
    session_worker_release(&cost->worker);
    counters_release(&cost->counters);
    engine_free(cost->engine);
    rig_stop(&cost->rig);
}

int main(int count, char **words)
{
    static struct cost cost = {.now = {NS_PER_S}};
    struct grpc_method export;

    if (count != 4)
        load_die("usage: cost decode|feed|receive|whole FILE PASSES", NULL);
    cost.load.options.file = words[2];
    cost.load.options.frame_bytes = 16384;
    cost.load.options.host = "127.0.0.1:4317";
    load_payloads(&cost.load);
    load_heads(&cost.load);
    cost.load.total = cost.load.payloads_count * strtoull(words[3], NULL, 10);
    start_engine(&cost);
    start_sessions(&cost, &export);
    cost.is_counting = strcmp(words[1], "whole") == 0;
    if (strcmp(words[1], "decode") == 0)
        run_messages(&cost, measured_decode);
    else if (strcmp(words[1], "feed") == 0)
        run_messages(&cost, measured_feed);
    else if (cost.is_counting || strcmp(words[1], "receive") == 0)
        run_connections(&cost);
    else
        load_die("no such thing to measure", words[1]);
    printf("%" PRIu64 " requests, %" PRIu64 " spans\n", cost.requests, cost.spans);
    stop_all(&cost);
    return 0;
}
