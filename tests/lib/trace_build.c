/* trace_build.c: length-delimited messages from the inside out. */
#include "tests/lib/trace_build.h"

#include "tests/lib/test.h"

static void put_varint(struct buf *out, uint64_t number)
{
    while (number >= 0x80) {
        buf_append_byte(out, (char)(number | 0x80));
        number >>= 7;
    }
    buf_append_byte(out, (char)number);
}

static void put_bytes(struct buf *out, unsigned field, const void *data, size_t size)
{
    put_varint(out, field << 3 | 2);
    put_varint(out, size);
    buf_append(out, data, size);
}

static void put_fixed64(struct buf *out, unsigned field, uint64_t number)
{
    put_varint(out, field << 3 | 1);
    for (unsigned i = 0; i < 8; i++)
        buf_append_byte(out, (char)(number >> 8 * i));
}

static void put_id(struct buf *out, unsigned field, uint64_t high, uint64_t low, size_t size)
{
    uint8_t id[16];

    for (unsigned i = 0; i < 8; i++) {
        id[i] = (uint8_t)(high >> (56 - 8 * i));
        id[8 + i] = (uint8_t)(low >> (56 - 8 * i));
    }
    put_bytes(out, field, id + sizeof(id) - size, size);
}

static void put_span(struct buf *out, const struct trace_build_span *span)
{
    put_id(out, 1, span->trace != 0, span->trace, 16);
    put_id(out, 2, 0, span->id, 8);
    if (span->parent != 0)
        put_id(out, 4, 0, span->parent, 8);
    put_bytes(out, 5, span->name, strlen(span->name));
    put_varint(out, 6 << 3);
    put_varint(out, span->kind);
    put_fixed64(out, 7, span->start_ns);
    put_fixed64(out, 8, span->end_ns);
}

/* Resource { attributes: [{ key: "service.name", value: { string_value: service } }] } */
static void put_resource(struct buf *out, const char *service)
{
    struct buf value, attribute, resource;

    buf_init(&value, 0);
    buf_init(&attribute, 0);
    buf_init(&resource, 0);
    put_bytes(&value, 1, service, strlen(service));
    put_bytes(&attribute, 1, "service.name", strlen("service.name"));
    put_bytes(&attribute, 2, value.data, value.size);
    put_bytes(&resource, 1, attribute.data, attribute.size);
    put_bytes(out, 1, resource.data, resource.size);
    buf_release(&value);
    buf_release(&attribute);
    buf_release(&resource);
}

void trace_build_request(struct buf *out, const char *service, const struct trace_build_span *spans,
                         size_t count)
{
    struct buf of_resource, of_scope, span;

    buf_init(&of_resource, 0);
    buf_init(&of_scope, 0);
    buf_init(&span, 0);
    put_resource(&of_resource, service);
    for (size_t i = 0; i < count; i++) {
        buf_reset(&span);
        put_span(&span, &spans[i]);
        put_bytes(&of_scope, 2, span.data, span.size);
    }
    put_bytes(&of_resource, 2, of_scope.data, of_scope.size);
    put_bytes(out, 1, of_resource.data, of_resource.size);
    assert_int_equal(of_resource.failed | of_scope.failed | span.failed | out->failed, 0);
    buf_release(&of_resource);
    buf_release(&of_scope);
    buf_release(&span);
}
