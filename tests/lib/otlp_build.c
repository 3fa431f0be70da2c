/* otlp_build.c: a length is written when its message is closed; the bytes behind it move. */
#include "tests/lib/otlp_build.h"

#include <string.h>

#include "base/check.h"
#include "base/proto_write.h"
#include "receiver/otlp_wire.h"

void build_init(struct build *build)
{
    *build = (struct build){.depth = 0};
    buf_init(&build->out, 0);
}

void build_release(struct build *build)
{
    buf_release(&build->out);
}

static void put(struct build *build, const void *data, size_t size)
{
    CHECK(buf_append(&build->out, data, size) == 0);
}

static void put_varint(struct build *build, uint64_t number)
{
    uint8_t bytes[10];

    put(build, bytes, proto_put_varint(bytes, number));
}

void build_open(struct build *build, unsigned field)
{
    CHECK(build->depth < BUILD_DEPTH_MAX);
    put_varint(build, WIRE_TAG(field, WIRE_BYTES));
    build->open[build->depth++] = build->out.size;
}

void build_close(struct build *build)
{
    uint8_t bytes[10];
    size_t at;
    size_t length;
    size_t size;

    CHECK(build->depth > 0);
    at = build->open[--build->depth];
    length = build->out.size - at;
    size = proto_put_varint(bytes, length);
    put(build, bytes, size);
    if (length != 0)
        memmove(build->out.data + at + size, build->out.data + at, length);
    memcpy(build->out.data + at, bytes, size);
}

struct view build_done(struct build *build)
{
    while (build->depth != 0)
        build_close(build);
    return buf_view(&build->out);
}

void build_varint(struct build *build, unsigned field, uint64_t number)
{
    put_varint(build, WIRE_TAG(field, WIRE_VARINT));
    put_varint(build, number);
}

void build_fixed64(struct build *build, unsigned field, uint64_t number)
{
    put_varint(build, WIRE_TAG(field, WIRE_FIXED64));
    put(build, &number, sizeof(number));
}

void build_fixed32(struct build *build, unsigned field, uint32_t number)
{
    put_varint(build, WIRE_TAG(field, WIRE_FIXED32));
    put(build, &number, sizeof(number));
}

void build_bytes(struct build *build, unsigned field, struct view bytes)
{
    put_varint(build, WIRE_TAG(field, WIRE_BYTES));
    put_varint(build, bytes.size);
    put(build, bytes.data, bytes.size);
}

void build_text(struct build *build, unsigned field, const char *text)
{
    build_bytes(build, field, view_of(text));
}

void build_raw(struct build *build, struct view bytes)
{
    put(build, bytes.data, bytes.size);
}

void build_attribute(struct build *build, unsigned field, const char *key, const char *text)
{
    build_open(build, field);
    build_text(build, 1, key);
    build_open(build, 2);
    build_text(build, 1, text);
    build_close(build);
    build_close(build);
}

void build_real_attribute(struct build *build, unsigned field, const char *key, double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    build_open(build, field);
    build_text(build, 1, key);
    build_open(build, 2);
    build_fixed64(build, 4, bits);
    build_close(build);
    build_close(build);
}

void build_number_attribute(struct build *build, unsigned field, const char *key, int64_t number)
{
    build_open(build, field);
    build_text(build, 1, key);
    build_open(build, 2);
    build_varint(build, 3, (uint64_t)number);
    build_close(build);
    build_close(build);
}

void build_open_service(struct build *build, const char *service)
{
    build_open(build, 1);
    if (service != NULL) {
        build_open(build, 1);
        build_attribute(build, 1, "service.name", service);
        build_close(build);
    }
    build_open(build, 2);
}

void build_open_span(struct build *build, uint64_t id, uint64_t parent, const char *name)
{
    static const char trace[16] = {1, 0};

    build_open(build, 2);
    build_bytes(build, 1, (struct view){trace, sizeof(trace)});
    build_bytes(build, 2, (struct view){(const char *)&id, sizeof(id)});
    if (parent != 0)
        build_bytes(build, 4, (struct view){(const char *)&parent, sizeof(parent)});
    build_text(build, 5, name);
}

void rig_start(struct rig *rig, const struct otlp_decoder_options *options, bool derive_errors)
{
    const struct naming_options naming = {.derive_errors = derive_errors};
    const struct catalog_limits limits = {1000, 10000, 10000, 20000, 256, 0, 1000, 0};
    struct otlp_decoder_options own = {.hash_seed = RIG_SEED};
    char error[256];

    *rig = (struct rig){.dimensions = NULL};
    if (options != NULL)
        own = *options;
    own.hash_seed = RIG_SEED;
    CHECK(naming_new(&naming, error, &rig->naming) == 0);
    CHECK(catalog_new(&limits, &rig->catalog) == 0);
    own.naming = rig->naming;
    own.catalog = rig->catalog;
    CHECK(otlp_decoder_new(&own, &rig->decoder) == 0);
}

void rig_start_with_dimensions(struct rig *rig, const struct view *keys, size_t count)
{
    struct dimensions *dimensions = NULL;
    struct otlp_decoder_options options = {.depth_max = 0};
    char error[256];

    CHECK(dimensions_new(keys, count, error, &dimensions) == 0);
    options.dimensions = dimensions;
    rig_start(rig, &options, false);
    rig->dimensions = dimensions;
}

void rig_stop(struct rig *rig)
{
    otlp_decoder_free(rig->decoder);
    dimensions_free(rig->dimensions);
    catalog_free(rig->catalog);
    naming_free(rig->naming);
}

struct view rig_service(const struct rig *rig, const struct span *span)
{
    const struct site *site = catalog_site_at(rig->catalog, span->site);

    return catalog_node_at(rig->catalog, site->service)->name;
}

struct view rig_operation(const struct rig *rig, const struct span *span)
{
    return catalog_text_at(rig->catalog, catalog_site_at(rig->catalog, span->site)->operation);
}

struct view rig_peer(const struct rig *rig, const struct span *span)
{
    uint32_t peer = catalog_site_at(rig->catalog, span->site)->peer;

    return peer == CATALOG_NONE ? (struct view){NULL, 0}
                                : catalog_node_at(rig->catalog, peer)->name;
}

/* ------------------------------------------------------------------ fixtures */

const char sixteen[17] = "abcdefghijklmnop";
const char zeros[17] = "";

void start_with(struct fixture *fixture, const struct otlp_decoder_options *options,
                bool derive_errors)
{
    rig_start(&fixture->rig, options, derive_errors);
    build_init(&fixture->build);
}

void start(struct fixture *fixture)
{
    start_with(fixture, NULL, false);
}

void stop(struct fixture *fixture)
{
    build_release(&fixture->build);
    rig_stop(&fixture->rig);
}

int decode(struct fixture *fixture)
{
    int status = otlp_decode_protobuf(fixture->rig.decoder, build_done(&fixture->build),
                                      &fixture->stage);

    buf_reset(&fixture->build.out);
    return status;
}

const struct span *decode_one(struct fixture *fixture)
{
    CHECK(decode(fixture) == 0);
    CHECK(fixture->stage->count == 1);
    CHECK(fixture->stage->rejected[REJECTED_INVALID_ID] == 0);
    return &fixture->stage->spans[0];
}

void open_one(struct fixture *fixture)
{
    build_open_service(&fixture->build, "shop");
    build_open_span(&fixture->build, 2, 0, "op");
}

void open_client(struct fixture *fixture)
{
    open_one(fixture);
    build_varint(&fixture->build, 6, SPAN_KIND_CLIENT);
}

void build_ids(struct build *build, struct view trace, struct view id, struct view parent)
{
    build_open_service(build, "shop");
    build_open(build, 2);
    build_bytes(build, 1, trace);
    build_bytes(build, 2, id);
    build_bytes(build, 4, parent);
}
