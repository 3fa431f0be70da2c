/* reflection_fuzz.c: any bytes as a request for reflection, and as one for health. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "receiver/descriptors.h"
#include "receiver/health.h"
#include "receiver/otlp_wire.h"
#include "receiver/reflection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct view services[] = {VIEW("grpc.health.v1.Health")};

/* Its fields can be read, and the request stands in it as it came. */
static void check_response(struct view response, struct view request)
{
    struct wire wire = wire_of(response);
    bool is_echoed = false;
    unsigned answers = 0;
    struct wire_field field;

    while (wire_left(&wire) != 0) {
        CHECK(wire_field(&wire, 16, &field) == 0);
        if (field.tag == WIRE_TAG(2, WIRE_BYTES))
            is_echoed = view_equal(wire_view(field.bytes), request);
        else if (field.tag != WIRE_TAG(1, WIRE_BYTES))
            answers++;
    }
    CHECK(is_echoed && answers == 1);
}

static void reflect(struct view request)
{
    struct reflection reflection = {
        .services = services,
        .services_count = 1,
        .descriptors = {(const char *)descriptor_set, descriptor_set_size},
    };
    struct grpc_stream_method method = reflection_method(&reflection, REFLECTION_PATH);
    struct grpc_reply reply = {.code = GRPC_OK};

    if (method.message(method.context, NULL, request, &reply) == GRPC_STEP_SAY)
        check_response(buf_view(&reply.body), request);
    else
        CHECK(reply.code == GRPC_INVALID_ARGUMENT);
    buf_release(&reply.body);
    buf_release(&reply.message);
}

static void ask_health(struct view request)
{
    struct health health;
    struct grpc_method method;
    struct grpc_reply reply = {.code = GRPC_OK};

    health_init(&health, services, 1);
    method = health_check_method(&health);
    method.call(method.context, 0, MESSAGE_PROTOBUF, request, &reply);
    CHECK(reply.code == GRPC_OK ? reply.body.size == 2 : reply.message.size != 0);
    buf_release(&reply.body);
    buf_release(&reply.message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view bytes = {(const char *)data, size};

    reflect(bytes);
    ask_health(bytes);
    return 0;
}
