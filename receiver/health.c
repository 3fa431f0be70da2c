/* health.c: a name in, a number out. The messages are so small that they are written by hand. */
#include "receiver/health.h"

#include "receiver/otlp_wire.h"

enum { SERVICE_FIELD = 1, STATUS_FIELD = 1, GROUPS_MAX = 16 };

/* HealthCheckResponse.ServingStatus */
enum serving_status { SERVING = 1, NOT_SERVING = 2, SERVICE_UNKNOWN = 3 };

/* Of one watcher. */
struct watch {
    bool is_known; /* The service is one of ours. */
    enum serving_status told;
};

void health_init(struct health *health, const struct view *services, size_t services_count)
{
    *health = (struct health){.services = services, .services_count = services_count};
    atomic_init(&health->is_serving, false);
}

void health_set(struct health *health, bool is_serving)
{
    atomic_store(&health->is_serving, is_serving);
}

bool health_is_serving(const struct health *health)
{
    return atomic_load(&health->is_serving);
}

/* The last field of that number counts. Returns: 0; STATUS_INVALID; STATUS_TRUNCATED. */
static int read_request(struct view message, struct view *out_service)
{
    struct wire wire = wire_of(message);
    struct view service = {"", 0};
    struct wire_field field;

    while (wire_left(&wire) != 0) {
        int status = wire_field(&wire, GROUPS_MAX, &field);

        if (status != 0)
            return status;
        if (field.tag == WIRE_TAG(SERVICE_FIELD, WIRE_BYTES))
            service = wire_view(field.bytes);
    }
    *out_service = service;
    return 0;
}

static bool is_served(const struct health *health, struct view service)
{
    if (service.size == 0)
        return true;
    for (size_t i = 0; i < health->services_count; i++) {
        if (view_equal(health->services[i], service))
            return true;
    }
    return false;
}

static enum serving_status status_now(const struct health *health, bool is_known)
{
    if (!is_known)
        return SERVICE_UNKNOWN;
    return health_is_serving(health) ? SERVING : NOT_SERVING;
}

static void fail(struct grpc_reply *reply, enum grpc_code code, const char *message)
{
    reply->code = code;
    (void)buf_append_text(&reply->message, message); /* Without memory the code goes out alone. */
}

/* Returns: as buf_append(). */
static int write_response(enum serving_status status, struct grpc_reply *reply)
{
    char bytes[] = {(char)WIRE_TAG(STATUS_FIELD, WIRE_VARINT), (char)status};

    return buf_append(&reply->body, bytes, sizeof(bytes));
}

static void check(void *context, unsigned thread, enum message_format format, struct view message,
                  struct grpc_reply *reply)
{
    const struct health *health = context;
    struct view service;

    (void)thread;
    (void)format; /* No http_path: it is protobuf. */
    if (read_request(message, &service) != 0)
        fail(reply, GRPC_INVALID_ARGUMENT, "the message is no HealthCheckRequest");
    else if (!is_served(health, service))
        fail(reply, GRPC_NOT_FOUND, "there is no such service here");
    else if (write_response(status_now(health, true), reply) != 0)
        fail(reply, GRPC_UNAVAILABLE, "no memory for the answer");
}

/* Says what is so now, if it is not what was said last. */
static enum grpc_step tell(const struct health *health, struct watch *watch,
                           struct grpc_reply *reply)
{
    enum serving_status status = status_now(health, watch->is_known);

    if (status == watch->told)
        return GRPC_STEP_QUIET;
    if (write_response(status, reply) != 0) {
        fail(reply, GRPC_UNAVAILABLE, "no memory for the answer");
        return GRPC_STEP_END;
    }
    watch->told = status;
    return GRPC_STEP_SAY;
}

static enum grpc_step begin_watch(void *context, void *state, struct view message,
                                  struct grpc_reply *reply)
{
    const struct health *health = context;
    struct watch *watch = state;
    struct view service;

    if (read_request(message, &service) != 0) {
        fail(reply, GRPC_INVALID_ARGUMENT, "the message is no HealthCheckRequest");
        return GRPC_STEP_END;
    }
    watch->is_known = is_served(health, service);
    return tell(health, watch, reply);
}

static enum grpc_step go_on_watching(void *context, void *state, struct grpc_reply *reply)
{
    return tell(context, state, reply);
}

struct grpc_method health_check_method(struct health *health)
{
    return (struct grpc_method){
        .path = HEALTH_CHECK_PATH,
        .is_open = true,
        .call = check,
        .context = health,
    };
}

struct grpc_stream_method health_watch_method(struct health *health)
{
    return (struct grpc_stream_method){
        .path = HEALTH_WATCH_PATH,
        .state_bytes = sizeof(struct watch),
        .is_open = true,
        .message = begin_watch,
        .poll = go_on_watching,
        .context = health,
    };
}
