/* session_fuzz.c: any bytes from a client to a session of both protocols, in pieces, while time
 * passes.
 * The first byte decides the pieces, the second the time between them. Each message that reaches
 * the method is within the limit, and in the end nothing is held.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "receiver/descriptors.h"
#include "receiver/health.h"
#include "receiver/receiver_counters.h"
#include "receiver/reflection.h"
#include "receiver/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGE_MAX = 4096, OUTPUT_MAX = 1 << 20, REFUSALS_MAX = 100 };

static void method(void *context, unsigned thread, enum message_format format, struct view message,
                   struct grpc_reply *reply)
{
    volatile char sum = 0;

    (void)context;
    (void)format;
    CHECK(thread == 0 && message.size <= MESSAGE_MAX);
    for (size_t i = 0; i < message.size; i++)
        sum = (char)(sum ^ message.data[i]);
    if (message.size % 3 == 1)
        reply->code = GRPC_INVALID_ARGUMENT;
    (void)buf_append(&reply->body, message.data, message.size % 100);
}

static const struct view services[] = {VIEW("t.Service")};

struct fixture {
    struct health health;
    struct reflection reflection;
    struct grpc_stream_method stream_methods[2];
    struct grpc_method methods[1];
    struct session_shared shared;
    struct session_worker worker;
    struct counters counters;
    struct session *session;
    struct buf out;
    struct mono_time now;
};

static void start(struct fixture *on)
{
    static const struct view any = VIEW("*");
    static const struct http_cors cors = {.origins = &any, .origins_count = 1, .fields = VIEW("*")};

    on->methods[0] = (struct grpc_method){
        .path = "/t.Service/Export", .http_path = "/v1/traces", .call = method};
    health_init(&on->health, services, 1);
    on->reflection = (struct reflection){
        .services = services,
        .services_count = 1,
        .descriptors = {(const char *)descriptor_set, descriptor_set_size},
    };
    on->stream_methods[0] = health_watch_method(&on->health);
    on->stream_methods[1] = reflection_method(&on->reflection, REFLECTION_PATH);
    CHECK(counters_init(&on->counters, receiver_counter_rows, RECEIVER_COUNTER_COUNT) == 0);
    on->shared = (struct session_shared){
        .methods = on->methods,
        .methods_count = 1,
        .message_bytes_max = MESSAGE_MAX,
        .stream_methods = on->stream_methods,
        .stream_methods_count = 2,
        .streaming_max = 16,
        .response_bytes_max = 90,
        .streams_max = 10,
        .idle_timeout_ns = 20 * NS_PER_S,
        .request_timeout_ns = 10 * NS_PER_S,
        .limits = session_limits_default,
        .counters = &on->counters,
        .cors = &cors,
    };
    on->shared.workers = 1;
    session_shared_bound(&on->shared, 3 * MESSAGE_MAX);
    on->now.ns = NS_PER_S;
    buf_init(&on->out, 0);
    session_worker_init(&on->worker, 0, &on->shared);
    CHECK(session_new(&on->shared, &on->worker,
                      (struct session_opening){.serves = SESSION_GRPC | SESSION_HTTP}, on->now,
                      &on->session) == 0);
}

static void stop(struct fixture *on)
{
    session_free(on->session);
    CHECK(on->shared.streaming == 0);
    CHECK(on->shared.budget.held == 0 && on->shared.budget.accounts == 0);
    session_shared_release(&on->shared);
    CHECK(counters_read(&on->counters, RECEIVER_BODY_BYTES) == 0);
    session_worker_release(&on->worker);
    counters_release(&on->counters);
    buf_release(&on->out);
}

static int produce(struct fixture *on)
{
    int status;

    buf_reset(&on->out);
    status = session_produce(on->session, on->now, OUTPUT_MAX, &on->out);
    CHECK(on->out.size < 2 * OUTPUT_MAX);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fixture on;
    size_t piece_max;
    uint64_t step_ns;
    unsigned refused = 0;
    int status = 0;

    if (size < 2)
        return 0;
    piece_max = (size_t)1 << (data[0] % 14);
    step_ns = (data[1] & 0x7f) * NS_PER_MS * 10;
    start(&on);
    for (size_t at = 2; at < size && status == 0;) {
        size_t piece = size - at < piece_max ? size - at : piece_max;

        if (!session_wants_input(on.session))
            piece = 0;
        if (piece == 0 && ++refused > REFUSALS_MAX)
            break;
        status = session_receive(on.session, (struct view){(const char *)data + at, piece}, on.now);
        if (status == 0)
            status = produce(&on);
        on.now.ns += step_ns;
        health_set(&on.health, at % 2 == 0);
        if (status == 0)
            status = session_tick(on.session, on.now);
        at += piece;
    }
    if (status == 0 && (data[1] & 0x80) != 0)
        status = session_drain(on.session, on.now);
    (void)produce(&on); /* The last words, whatever they are. */
    stop(&on);
    return 0;
}
