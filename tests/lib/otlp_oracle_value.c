/* otlp_oracle_value.c: printf and recursion; what is long is not cut. */
#include "tests/lib/otlp_oracle_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CASE(name) OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_##name

typedef Opentelemetry__Proto__Common__V1__KeyValue KeyValue;
typedef Opentelemetry__Proto__Common__V1__AnyValue AnyValue;

bool oracle_is_empty(const AnyValue *value)
{
    switch (value != NULL ? value->value_case : CASE(_NOT_SET)) {
    case CASE(STRING_VALUE):
        return value->string_value[0] == '\0';
    case CASE(ARRAY_VALUE):
        return protobuf_c_message_get_packed_size(&value->array_value->base) == 0;
    case CASE(KVLIST_VALUE):
        return protobuf_c_message_get_packed_size(&value->kvlist_value->base) == 0;
    case CASE(BYTES_VALUE):
        return value->bytes_value.len == 0;
    case CASE(INT_VALUE):
    case CASE(DOUBLE_VALUE):
    case CASE(BOOL_VALUE):
        return false;
    default:
        return true;
    }
}

static void quote(const char *text, struct buf *out)
{
    static const char *const shorts[128] = {
        ['"'] = "\\\"", ['\\'] = "\\\\", ['\b'] = "\\b", ['\f'] = "\\f",
        ['\n'] = "\\n", ['\r'] = "\\r",  ['\t'] = "\\t"};

    buf_append_byte(out, '"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 128 && shorts[c] != NULL)
            buf_append_text(out, shorts[c]);
        else if (c < ' ')
            buf_printf(out, "\\u%04x", c);
        else
            buf_append_byte(out, *text);
    }
    buf_append_byte(out, '"');
}

static void base64(const ProtobufCBinaryData *bytes, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t bits = bytes->len * 8;

    for (size_t at = 0; at < bits; at += 6) {
        unsigned digit = 0;
        for (size_t bit = at; bit < at + 6; bit++) {
            unsigned is_set = bit < bits && (bytes->data[bit / 8] >> (7 - bit % 8) & 1) != 0;
            digit = digit << 1 | is_set;
        }
        buf_append_byte(out, digits[digit]);
    }
    for (size_t size = (bits + 5) / 6; size % 4 != 0; size++)
        buf_append_byte(out, '=');
}

static void real(double number, bool in_json, struct buf *out)
{
    char text[40];

    if (isnan(number) || isinf(number)) {
        const char *name = isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
        buf_printf(out, in_json ? "\"%s\"" : "%s", name);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    buf_append_text(out, text);
}

static void write(const AnyValue *value, bool in_json, struct buf *out)
{
    switch (value != NULL ? value->value_case : CASE(_NOT_SET)) {
    case CASE(STRING_VALUE):
        if (in_json)
            quote(value->string_value, out);
        else
            buf_append_text(out, value->string_value);
        break;
    case CASE(BOOL_VALUE):
        buf_append_text(out, value->bool_value ? "true" : "false");
        break;
    case CASE(INT_VALUE):
        buf_printf(out, "%" PRId64, value->int_value);
        break;
    case CASE(DOUBLE_VALUE):
        real(value->double_value, in_json, out);
        break;
    case CASE(BYTES_VALUE):
        buf_append_text(out, in_json ? "\"" : "");
        base64(&value->bytes_value, out);
        buf_append_text(out, in_json ? "\"" : "");
        break;
    case CASE(ARRAY_VALUE):
        for (size_t i = 0; i < value->array_value->n_values; i++) {
            buf_append_byte(out, i == 0 ? '[' : ',');
            write(value->array_value->values[i], true, out);
        }
        buf_append_text(out, value->array_value->n_values == 0 ? "[]" : "]");
        break;
    case CASE(KVLIST_VALUE):
        for (size_t i = 0; i < value->kvlist_value->n_values; i++) {
            const KeyValue *pair = value->kvlist_value->values[i];
            buf_append_byte(out, i == 0 ? '{' : ',');
            quote(pair->key, out);
            buf_append_byte(out, ':');
            write(pair->value, true, out);
        }
        buf_append_text(out, value->kvlist_value->n_values == 0 ? "{}" : "}");
        break;
    default:
        buf_append_text(out, in_json ? "null" : "");
    }
}

struct view oracle_value(KeyValue *const *attributes, size_t count, struct view key,
                         struct buf *text)
{
    size_t begin = text->size;

    for (size_t i = 0; i < count; i++) {
        if (!view_equal(view_of(attributes[i]->key), key))
            continue;
        if (!oracle_is_empty(attributes[i]->value))
            write(attributes[i]->value, false, text);
        break;
    }
    return (struct view){text->data + begin, text->size - begin};
}
