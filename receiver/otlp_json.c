/* otlp_json.c: walks jansson's tree along protobuf-c's descriptors. A message's length stands before
 * it and is known after it: one byte is kept for it, and what follows is moved where it needs more.
 */
#include "receiver/otlp_json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "receiver/otlp_json_scalar.h"
#include "receiver/otlp_json_tree.h"
#include "receiver/otlp_wire.h"
#include "receiver/otlp_write.h"

/* How deep a value may be nested that belongs to no field. */
enum { UNKNOWN_DEPTH_MAX = 64, VARINT_SIZE_MAX = 10 };

struct converting {
    struct buf *out;
    struct otlp_json_error *error;
    struct otlp_json_path path;
};

/* Names that say where a sender goes wrong. */
static const struct {
    const char *key;
    const char *warning;
} misleading[] = {
    {"stringValueStrindex", "stringValueStrindex belongs to profiles and was ignored"},
    {"keyStrindex", "keyStrindex belongs to profiles and was ignored"},
    {"instrumentationLibrarySpans", "instrumentationLibrarySpans (OTLP before 0.15) were ignored"},
    {"instrumentationLibraryMetrics",
     "instrumentationLibraryMetrics (OTLP before 0.15) were ignored"},
    {"instrumentationLibraryLogs", "instrumentationLibraryLogs (OTLP before 0.15) were ignored"},
};

/* ------------------------------------------------------------------ errors */

/* Says what is wrong with the value that the steps lead to. */
static int fail_value(struct converting *on, const char *what)
{
    return otlp_json_fail(&on->path, what, on->error);
}

static void warn(struct converting *on, const char *text)
{
    if (on->error->text[0] == '\0')
        (void)snprintf(on->error->text, sizeof(on->error->text), "%s", text);
}

/* ------------------------------------------------------------------ names */

/* Whether `key` is `name` in lowerCamelCase. */
static bool is_camel(const char *key, const char *name)
{
    for (; *name != '\0'; name++, key++) {
        char byte = *name;
        if (byte == '_') {
            name++;
            byte = (char)(*name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
        }
        if (*key != byte)
            return false;
    }
    return *key == '\0';
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *type,
                                                  const char *key)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        if (key[0] == type->fields[i].name[0] && is_camel(key, type->fields[i].name))
            return &type->fields[i];
    return NULL;
}

static size_t depth_of(const json_t *value)
{
    size_t deepest = 0;

    if (json_is_object(value)) {
        const char *key;
        json_t *inner;
        json_object_foreach((json_t *)value, key, inner)
        {
            size_t depth = depth_of(inner);
            deepest = depth > deepest ? depth : deepest;
        }
    } else if (json_is_array(value)) {
        size_t i;
        json_t *inner;
        json_array_foreach(value, i, inner)
        {
            size_t depth = depth_of(inner);
            deepest = depth > deepest ? depth : deepest;
        }
    } else {
        return 0;
    }
    return deepest + 1;
}

/* A key that no field has is ignored; one that was meant for a field gives a warning. */
static int pass_over(struct converting *on, const ProtobufCMessageDescriptor *type, const char *key,
                     const json_t *value)
{
    char text[192];

    for (size_t i = 0; i < sizeof(misleading) / sizeof(misleading[0]); i++)
        if (strcmp(key, misleading[i].key) == 0)
            warn(on, misleading[i].warning);
    for (unsigned i = 0; strchr(key, '_') != NULL && i < type->n_fields; i++) {
        if (strcmp(key, type->fields[i].name) != 0)
            continue;
        (void)snprintf(text, sizeof(text), "%s was ignored: names are in lowerCamelCase", key);
        warn(on, text);
    }
    return on->path.depth + depth_of(value) > UNKNOWN_DEPTH_MAX
               ? fail_value(on, "values are nested too deeply")
               : 0;
}

/* ------------------------------------------------------------------ values */

/* The results of appending are kept in `out` and looked at once, at the end. */

static void put_varint(struct buf *out, uint64_t number)
{
    uint8_t bytes[VARINT_SIZE_MAX];

    (void)buf_append(out, bytes, wire_put_varint(bytes, number));
}

static void put_fixed(struct buf *out, uint64_t number, size_t size)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
    (void)buf_append(out, bytes, size);
}

/* The byte that otlp_write_end() needs; where the bytes begin whose length it is. */
static size_t keep_length(struct buf *out)
{
    (void)buf_append_byte(out, 0);
    return out->size;
}

static int convert_message(struct converting *on, const ProtobufCMessageDescriptor *type,
                           const json_t *object);

static int convert_nested(struct converting *on, const ProtobufCFieldDescriptor *field,
                          const json_t *value)
{
    size_t at = keep_length(on->out);
    int status = 0;

    if (!json_is_null(value)) /* Within an array; an empty message. */
        status = convert_message(on, field->descriptor, value);
    otlp_write_end(on->out, at);
    return status;
}

static int convert_bytes(struct converting *on, const ProtobufCFieldDescriptor *field,
                         const json_t *value)
{
    struct view text = {json_string_value(value), json_string_length(value)};
    bool is_id = strstr(field->name, "_id") != NULL;
    size_t at;
    int status;

    if (!json_is_string(value))
        return fail_value(on, "a string is expected");
    at = keep_length(on->out);
    status = is_id ? otlp_json_put_hex(text, on->out) : otlp_json_put_base64(text, on->out);
    if (status == STATUS_INVALID)
        return fail_value(on,
                          is_id ? "an id in hexadecimal digits is expected" : "base64 is expected");
    otlp_write_end(on->out, at);
    return 0;
}

static int convert_string(struct converting *on, const json_t *value)
{
    if (!json_is_string(value))
        return fail_value(on, "a string is expected");
    put_varint(on->out, json_string_length(value));
    (void)buf_append(on->out, json_string_value(value), json_string_length(value));
    return 0;
}

static int convert_integer(struct converting *on, const ProtobufCFieldDescriptor *field,
                           const json_t *value)
{
    uint64_t number = 0;
    bool is_zigzag = field->type == PROTOBUF_C_TYPE_SINT32;
    bool is_fixed = field->type == PROTOBUF_C_TYPE_FIXED64 ||
                    field->type == PROTOBUF_C_TYPE_SFIXED64;
    bool is_signed = is_zigzag || field->type == PROTOBUF_C_TYPE_INT64 ||
                     field->type == PROTOBUF_C_TYPE_SFIXED64;
    bool is_wide = is_fixed || field->type == PROTOBUF_C_TYPE_INT64 ||
                   field->type == PROTOBUF_C_TYPE_UINT64;

    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        if (!otlp_json_read_enum(value, &number))
            return fail_value(on, "an enum's number is expected, and not its name");
        put_varint(on->out, number);
        return 0;
    }
    if (!otlp_json_read_integer(value, is_signed, is_wide ? 64 : 32, &number))
        return fail_value(on, is_wide ? "a 64-bit integer, as a number or a string, is expected"
                                      : "a 32-bit integer is expected");
    if (is_zigzag)
        number = number << 1 ^ (0 - (number >> 63));
    if (is_fixed)
        put_fixed(on->out, number, 8);
    else if (field->type == PROTOBUF_C_TYPE_FIXED32)
        put_fixed(on->out, number, 4);
    else
        put_varint(on->out, number);
    return 0;
}

static int convert_double(struct converting *on, const json_t *value)
{
    uint64_t bits;
    double number = 0;
    int status = otlp_json_read_double(value, &number);

    if (status == STATUS_INVALID)
        return fail_value(on, "a number, \"NaN\", \"Infinity\" or \"-Infinity\" is expected");
    if (status != 0)
        return status;
    memcpy(&bits, &number, sizeof(bits));
    put_fixed(on->out, bits, 8);
    return 0;
}

static uint32_t wire_type_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        return WIRE_BYTES;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_FIXED64;
    case PROTOBUF_C_TYPE_FIXED32:
        return WIRE_FIXED32;
    default:
        return WIRE_VARINT;
    }
}

static int convert_one(struct converting *on, const ProtobufCFieldDescriptor *field,
                       const json_t *value)
{
    put_varint(on->out, WIRE_TAG(field->id, wire_type_of(field)));
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return convert_nested(on, field, value);
    case PROTOBUF_C_TYPE_STRING:
        return convert_string(on, value);
    case PROTOBUF_C_TYPE_BYTES:
        return convert_bytes(on, field, value);
    case PROTOBUF_C_TYPE_DOUBLE:
        return convert_double(on, value);
    case PROTOBUF_C_TYPE_BOOL:
        if (!json_is_boolean(value))
            return fail_value(on, "true or false is expected");
        put_varint(on->out, json_is_true(value));
        return 0;
    default:
        return convert_integer(on, field, value);
    }
}

static int convert_field(struct converting *on, const ProtobufCFieldDescriptor *field,
                         const json_t *value)
{
    size_t i;
    json_t *element;
    int status = 0;

    if (json_is_null(value))
        return 0;
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return convert_one(on, field, value);
    if (!json_is_array(value))
        return fail_value(on, "an array is expected");
    json_array_foreach(value, i, element)
    {
        on->path.steps[on->path.depth++] = (struct otlp_json_step){NULL, i};
        status = convert_one(on, field, element);
        if (status != 0)
            return status; /* With the steps that lead there. */
        on->path.depth--;
    }
    return 0;
}

static int convert_message(struct converting *on, const ProtobufCMessageDescriptor *type,
                           const json_t *object)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return fail_value(on, "an object is expected");
    json_object_foreach((json_t *)object, key, value)
    {
        const ProtobufCFieldDescriptor *field = find_field(type, key);
        int status;
        on->path.steps[on->path.depth++] = (struct otlp_json_step){key, 0};
        status = field != NULL ? convert_field(on, field, value) : pass_over(on, type, key, value);
        if (status != 0)
            return status;
        on->path.depth--;
    }
    return 0;
}

/* ------------------------------------------------------------------ requests */

static const ProtobufCMessageDescriptor *type_of(enum otlp_signal signal)
{
    switch (signal) {
    case OTLP_METRICS:
        return &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor;
    case OTLP_LOGS:
        return &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor;
    default:
        return &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor;
    }
}

int otlp_json_to_protobuf(enum otlp_signal signal, struct view text, size_t tree_bytes_max,
                          struct buf *out, struct otlp_json_error *out_error)
{
    const ProtobufCMessageDescriptor *type = type_of(signal);
    struct converting on = {.out = out, .error = out_error};
    size_t begin = out->size;
    json_t *root = NULL;
    int status = otlp_json_load(text, tree_bytes_max, &root, out_error);

    if (status != 0)
        return status;
    status = convert_message(&on, type, root);
    if (status != 0)
        out_error->offset = otlp_json_locate(text, on.path.steps, on.path.depth);
    else
        status = out->failed;
    json_decref(root);
    if (status != 0)
        out->size = begin;
    return status;
}

size_t otlp_json_memory(enum message_format format, struct view text)
{
    size_t tree_bytes = 0;
    size_t offset = 0;

    /* What is nested too deeply is refused before a tree is made of it. */
    if (format != MESSAGE_JSON || otlp_json_scan(text, &tree_bytes, &offset) != 0)
        return 0;
    return tree_bytes + 2 * text.size; /* Its copy with quoted integers, and what it becomes. */
}
