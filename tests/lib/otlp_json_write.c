/* otlp_json_write.c: recursion over protobuf-c's descriptors. */
#include "tests/lib/otlp_json_write.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/check.h"

typedef ProtobufCFieldDescriptor Field;
typedef ProtobufCBinaryData Bytes;

static void append(struct buf *out, const char *text)
{
    CHECK(buf_append_text(out, text) == 0);
}

static void byte(struct buf *out, char letter)
{
    CHECK(buf_append_byte(out, letter) == 0);
}

static void quote(const char *text, struct buf *out)
{
    byte(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            byte(out, '\\');
        if ((unsigned char)*text < ' ')
            CHECK(buf_printf(out, "\\u%04x", (unsigned)*text) == 0);
        else
            byte(out, *text);
    }
    byte(out, '"');
}

/* resource_spans -> "resourceSpans" */
static void name(const char *text, struct buf *out)
{
    byte(out, '"');
    for (; *text != '\0'; text++) {
        bool is_upper = *text == '_' && text[1] >= 'a' && text[1] <= 'z';
        text += is_upper;
        byte(out, is_upper ? (char)(*text - 'a' + 'A') : *text);
    }
    byte(out, '"');
}

static void hex(const Bytes *bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes->len; i++)
        CHECK(buf_printf(out, "%02x", bytes->data[i]) == 0);
}

static void base64(const Bytes *bytes, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t at = 0; at < bytes->len; at += 3) {
        uint32_t three = 0;
        size_t size = bytes->len - at < 3 ? bytes->len - at : 3;
        for (size_t i = 0; i < 3; i++)
            three = three << 8 | (i < size ? bytes->data[at + i] : 0);
        for (size_t i = 0; i < 4; i++)
            byte(out, i <= size ? digits[three >> (18 - 6 * i) & 63] : '=');
    }
}

static bool is_id(const Field *field)
{
    return strcmp(field->name, "trace_id") == 0 || strcmp(field->name, "span_id") == 0 ||
           strcmp(field->name, "parent_span_id") == 0;
}

static void real(double number, struct buf *out)
{
    if (isnan(number))
        append(out, "\"NaN\"");
    else if (isinf(number))
        append(out, number > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    else
        CHECK(buf_printf(out, "%.17g", number) == 0);
}

/* What a scalar is made of: as many bytes as its type has. */
static size_t size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(Bytes);
    default:
        return 4;
    }
}

static void value(const Field *field, const void *member, struct buf *out)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        CHECK(buf_printf(out, "\"%" PRId64 "\"", *(const int64_t *)member) == 0);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        CHECK(buf_printf(out, "\"%" PRIu64 "\"", *(const uint64_t *)member) == 0);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        CHECK(buf_printf(out, "%" PRIu32, *(const uint32_t *)member) == 0);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        real(*(const double *)member, out);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        real((double)*(const float *)member, out);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        append(out, *(const protobuf_c_boolean *)member != 0 ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_STRING:
        quote(*(const char *const *)member, out);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        byte(out, '"');
        (is_id(field) ? hex : base64)(member, out);
        byte(out, '"');
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        otlp_json_write(*(const ProtobufCMessage *const *)member, out);
        break;
    default: /* int32, its kin and enums */
        CHECK(buf_printf(out, "%" PRId32, *(const int32_t *)member) == 0);
    }
}

static bool is_set(const Field *field, const char *message)
{
    static const char zeros[sizeof(Bytes)];
    const char *member = message + field->offset;

    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        return *(const uint32_t *)(message + field->quantifier_offset) == field->id;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)(message + field->quantifier_offset) != 0;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return **(const char *const *)member != '\0';
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return ((const Bytes *)member)->len != 0;
    return memcmp(member, zeros, size_of(field->type)) != 0;
}

static void member_of(const Field *field, const char *message, struct buf *out)
{
    const char *member = message + field->offset;
    size_t count;

    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        value(field, member, out);
        return;
    }
    count = *(const size_t *)(message + field->quantifier_offset);
    for (size_t i = 0; i < count; i++) {
        byte(out, i == 0 ? '[' : ',');
        value(field, *(const char *const *)member + i * size_of(field->type), out);
    }
    byte(out, ']');
}

void otlp_json_write(const ProtobufCMessage *message, struct buf *out)
{
    bool is_first = true;

    byte(out, '{');
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const Field *field = &message->descriptor->fields[i];
        if (!is_set(field, (const char *)message))
            continue;
        if (!is_first)
            byte(out, ',');
        is_first = false;
        name(field->name, out);
        byte(out, ':');
        member_of(field, (const char *)message, out);
    }
    byte(out, '}');
}
