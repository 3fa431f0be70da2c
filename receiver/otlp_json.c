/* otlp_json.c: walks jansson's tree along protobuf-c's descriptors. A message's length stands before
 * it and is known after it: one byte is kept for it, and what follows is moved where it needs more.
 */
#include "receiver/otlp_json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/proto_write.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "receiver/otlp_json_scalar.h"
#include "receiver/otlp_json_tree.h"
#include "receiver/otlp_wire.h"

/* How deep a value may be nested that belongs to no field. */
enum { UNKNOWN_DEPTH_MAX = 64 };

enum {
    WHOLE_BYTES_MAX = 16 << 10, /* A larger text is not made a tree of as a whole, */
    TREE_BYTES_MAX = 16 << 20,  /* and no value takes more than that. */
    FIELDS_MAX = 32,            /* Of a message; none has as many. */
    WALK_STEPS_MAX = 12,        /* No deeper than the elements of a list in a span's attribute. */
};

struct converting {
    struct buf *out;
    struct otlp_json_error *error;
    struct otlp_json_path path;
    /* Of a large text. */
    struct view text;
    size_t tree_bytes_max;
    size_t whole_bytes_max;
    bool is_placed; /* The error's offset is that in `text`. */
    size_t passed_bytes;
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

static int convert_message(struct converting *on, const ProtobufCMessageDescriptor *type,
                           const json_t *object);

static int convert_nested(struct converting *on, const ProtobufCFieldDescriptor *field,
                          const json_t *value)
{
    size_t at = proto_write_begin_length(on->out);
    int status = 0;

    if (!json_is_null(value)) /* Within an array; an empty message. */
        status = convert_message(on, field->descriptor, value);
    proto_write_end(on->out, at);
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
    at = proto_write_begin_length(on->out);
    status = is_id ? otlp_json_put_hex(text, on->out) : otlp_json_put_base64(text, on->out);
    if (status == STATUS_INVALID)
        return fail_value(on,
                          is_id ? "an id in hexadecimal digits is expected" : "base64 is expected");
    proto_write_end(on->out, at);
    return 0;
}

static int convert_string(struct converting *on, const json_t *value)
{
    if (!json_is_string(value))
        return fail_value(on, "a string is expected");
    proto_write_number(on->out, json_string_length(value));
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
        proto_write_number(on->out, number);
        return 0;
    }
    if (!otlp_json_read_integer(value, is_signed, is_wide ? 64 : 32, &number))
        return fail_value(on, is_wide ? "a 64-bit integer, as a number or a string, is expected"
                                      : "a 32-bit integer is expected");
    if (is_zigzag)
        number = number << 1 ^ (0 - (number >> 63));
    if (is_fixed)
        proto_write_fixed(on->out, number, 8);
    else if (field->type == PROTOBUF_C_TYPE_FIXED32)
        proto_write_fixed(on->out, number, 4);
    else
        proto_write_number(on->out, number);
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
    proto_write_fixed(on->out, bits, 8);
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
    proto_write_number(on->out, WIRE_TAG(field->id, wire_type_of(field)));
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
        proto_write_number(on->out, json_is_true(value));
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

/* ------------------------------------------------------------------ large texts */

/* A tree takes twenty times its text and more. So what is large is walked over member by member and
 * element by element, and only what is small becomes a tree, one after the other. The walk checks what
 * stands between values; that each value is JSON is jansson's to say.
 *
 * To find where a value ends all of it is gone over, once for each level that is walked. Values of
 * attributes nest as deeply as their sender likes, so that levels are walked only as far as
 * WALK_STEPS_MAX: what is deeper becomes a tree, or is too large for one. */

/* What the members of one object became: of a key that comes again the earlier is taken out. */
struct members {
    struct {
        size_t begin;
        size_t end;
    } ranges[FIELDS_MAX];
};

/* The error's place, while what its path consists of is still there. */
static int place(struct converting *on, int status)
{
    size_t steps = on->path.depth;

    if (status == 0 || on->is_placed)
        return status;
    /* In a large text it is that of the value on the last level that is walked. */
    if (on->text.size > on->whole_bytes_max && steps > WALK_STEPS_MAX)
        steps = WALK_STEPS_MAX;
    on->error->offset = otlp_json_locate(on->text, on->path.steps, steps);
    on->is_placed = true;
    return status;
}

static int fail_text(struct converting *on, const char *at)
{
    (void)snprintf(on->error->text, sizeof(on->error->text),
                   "this is no JSON: something is missing or wrong between values");
    on->error->offset = (size_t)(at - on->text.data);
    on->is_placed = true;
    return STATUS_INVALID;
}

static int load_value(struct converting *on, struct view value, json_t **out_tree)
{
    struct otlp_json_error error;
    int status = otlp_json_load_any(value, on->tree_bytes_max, out_tree, &error);

    on->passed_bytes += value.size;
    if (status == 0)
        return 0;
    *on->error = error;
    on->error->offset = error.offset + (size_t)(value.data - on->text.data);
    on->is_placed = true;
    return status;
}

static bool begins_with(struct view value, char byte)
{
    return value.size != 0 && value.data[0] == byte;
}

/* Takes the value at the front of `rest`, which begins with no space. */
static struct view take_value(struct converting *on, struct view *rest)
{
    size_t end = otlp_json_skip_value(*rest, 0);
    struct view value = {rest->data, end};
    size_t next = otlp_json_skip_space(*rest, end);

    on->passed_bytes += end;
    *rest = (struct view){rest->data + next, rest->size - next};
    return value;
}

/* Goes over one byte that must be there, and the spaces behind it. */
static bool take_byte(struct view *rest, char byte)
{
    size_t next;

    if (!begins_with(*rest, byte))
        return false;
    next = otlp_json_skip_space(*rest, 1);
    *rest = (struct view){rest->data + next, rest->size - next};
    return true;
}

/* Whether it is taken apart, rather than made a tree of. */
static bool is_walked(const struct converting *on, const ProtobufCFieldDescriptor *field,
                      struct view value, char bracket)
{
    return value.size > on->whole_bytes_max && on->path.depth < WALK_STEPS_MAX &&
           field->type == PROTOBUF_C_TYPE_MESSAGE && begins_with(value, bracket);
}

static int walk_message(struct converting *on, const ProtobufCMessageDescriptor *type,
                        struct view object);

/* One value of a field: an element, or all of it. */
static int walk_one(struct converting *on, const ProtobufCFieldDescriptor *field, struct view value)
{
    json_t *tree = NULL;
    size_t at;
    int status;

    if (is_walked(on, field, value, '{')) {
        at = proto_write_begin(on->out, field->id);
        status = walk_message(on, field->descriptor, value);
        proto_write_end(on->out, at);
        return status;
    }
    status = load_value(on, value, &tree);
    if (status != 0)
        return status;
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        status = place(on, convert_field(on, field, tree));
    else
        status = place(on, convert_one(on, field, tree));
    json_decref(tree);
    return status;
}

static int walk_array(struct converting *on, const ProtobufCFieldDescriptor *field,
                      struct view array)
{
    struct view rest = array;
    size_t index = 0;

    (void)take_byte(&rest, '[');
    if (take_byte(&rest, ']'))
        return rest.size == 0 ? 0 : fail_text(on, rest.data);
    do {
        struct view value = take_value(on, &rest);
        int status;
        on->path.steps[on->path.depth++] = (struct otlp_json_step){NULL, index++};
        status = walk_one(on, field, value);
        if (status != 0)
            return status;
        on->path.depth--;
    } while (take_byte(&rest, ','));
    return take_byte(&rest, ']') && rest.size == 0 ? 0 : fail_text(on, rest.data);
}

static int walk_field(struct converting *on, const ProtobufCFieldDescriptor *field,
                      struct view value)
{
    json_t *tree = NULL;
    int status;

    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return walk_one(on, field, value);
    if (is_walked(on, field, value, '['))
        return walk_array(on, field, value);
    status = load_value(on, value, &tree);
    if (status != 0)
        return status;
    status = place(on, convert_field(on, field, tree));
    json_decref(tree);
    return status;
}

static void take_out(struct converting *on, struct members *members, size_t which)
{
    size_t begin = members->ranges[which].begin;
    size_t end = members->ranges[which].end;
    size_t size = end - begin;

    if (size == 0 || on->out->failed != 0)
        return;
    memmove(on->out->data + begin, on->out->data + end, on->out->size - end);
    on->out->size -= size;
    for (size_t i = 0; i < FIELDS_MAX; i++) {
        if (members->ranges[i].begin < end)
            continue;
        members->ranges[i].begin -= size;
        members->ranges[i].end -= size;
    }
}

static int walk_member(struct converting *on, const ProtobufCMessageDescriptor *type,
                       const char *key, struct view value, struct members *members)
{
    const ProtobufCFieldDescriptor *field = find_field(type, key);
    json_t *tree = NULL;
    size_t which;
    size_t begin;
    int status;

    if (field == NULL) {
        status = load_value(on, value, &tree);
        if (status == 0)
            status = place(on, pass_over(on, type, key, tree));
        json_decref(tree);
        return status;
    }
    which = (size_t)(field - type->fields);
    CHECK(which < FIELDS_MAX);
    take_out(on, members, which);
    begin = on->out->size;
    status = walk_field(on, field, value);
    members->ranges[which].begin = begin;
    members->ranges[which].end = on->out->size;
    return status;
}

static int load_key(struct converting *on, struct view *rest, json_t **out_key)
{
    struct view text = {rest->data, 0};
    int status;

    if (!begins_with(*rest, '"'))
        return fail_text(on, rest->data);
    text = take_value(on, rest);
    status = load_value(on, text, out_key);
    /* jansson's objects have no such keys either. */
    if (status == 0 && strlen(json_string_value(*out_key)) != json_string_length(*out_key)) {
        json_decref(*out_key);
        *out_key = NULL;
        return fail_text(on, text.data);
    }
    return status;
}

static int walk_message(struct converting *on, const ProtobufCMessageDescriptor *type,
                        struct view object)
{
    struct members members = {.ranges = {{0, 0}}};
    struct view rest = object;

    if (!take_byte(&rest, '{'))
        return place(on, fail_value(on, "an object is expected"));
    if (take_byte(&rest, '}'))
        return rest.size == 0 ? 0 : fail_text(on, rest.data);
    do {
        json_t *key = NULL;
        int status = load_key(on, &rest, &key);
        if (status == 0 && !take_byte(&rest, ':'))
            status = fail_text(on, rest.data);
        if (status == 0) {
            on->path.steps[on->path.depth++] = (struct otlp_json_step){json_string_value(key), 0};
            status = walk_member(on, type, json_string_value(key), take_value(on, &rest), &members);
            status = place(on, status);
        }
        json_decref(key);
        if (status != 0)
            return status;
        on->path.depth--;
    } while (take_byte(&rest, ','));
    return take_byte(&rest, '}') && rest.size == 0 ? 0 : fail_text(on, rest.data);
}

static int walk_request(struct converting *on, const ProtobufCMessageDescriptor *type)
{
    size_t begin = otlp_json_skip_space(on->text, 0);
    struct view rest = {on->text.data + begin, on->text.size - begin};
    size_t tree_bytes = 0;

    *on->error = (struct otlp_json_error){.offset = 0};
    on->passed_bytes = on->text.size;
    if (otlp_json_scan(on->text, &tree_bytes, &on->error->offset) != 0) {
        (void)snprintf(on->error->text, sizeof(on->error->text),
                       "objects and arrays are nested too deeply");
        return STATUS_INVALID;
    }
    return walk_message(on, type, rest);
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

static int convert_whole(struct converting *on, const ProtobufCMessageDescriptor *type)
{
    json_t *root = NULL;
    int status = otlp_json_load(on->text, on->tree_bytes_max, &root, on->error);

    if (status != 0)
        return status;
    status = place(on, convert_message(on, type, root));
    json_decref(root);
    return status;
}

int otlp_json_to_protobuf_by(enum otlp_signal signal, struct view text,
                             const struct otlp_json_bounds *bounds, struct buf *out,
                             struct otlp_json_error *out_error)
{
    const ProtobufCMessageDescriptor *type = type_of(signal);
    struct converting on = {
        .out = out,
        .error = out_error,
        .text = text,
        .tree_bytes_max = bounds->tree_bytes_max,
        .whole_bytes_max = bounds->whole_bytes_max,
    };
    size_t begin = out->size;
    int status = text.size > on.whole_bytes_max ? walk_request(&on, type)
                                                : convert_whole(&on, type);

    if (bounds->out_passed_bytes != NULL)
        *bounds->out_passed_bytes = on.passed_bytes;
    if (status == 0)
        status = out->failed;
    if (status != 0)
        out->size = begin;
    return status;
}

int otlp_json_to_protobuf(enum otlp_signal signal, struct view text, size_t tree_bytes_max,
                          struct buf *out, struct otlp_json_error *out_error)
{
    struct otlp_json_bounds bounds = {
        .tree_bytes_max = tree_bytes_max < TREE_BYTES_MAX ? tree_bytes_max : TREE_BYTES_MAX,
        .whole_bytes_max = WHOLE_BYTES_MAX,
    };

    return otlp_json_to_protobuf_by(signal, text, &bounds, out, out_error);
}

size_t otlp_json_memory(struct view text, size_t tree_bytes_max)
{
    size_t most = tree_bytes_max < TREE_BYTES_MAX ? tree_bytes_max : TREE_BYTES_MAX;
    size_t tree_bytes = 0;
    size_t offset = 0;

    if (otlp_json_scan(text, &tree_bytes, &offset) != 0)
        return 0;
    /* Beside the tree a copy with quoted integers, and what it becomes. */
    return (tree_bytes < most ? tree_bytes : most) + 2 * text.size;
}
