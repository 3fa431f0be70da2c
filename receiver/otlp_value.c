/* otlp_value.c: two loops over a message, one to find which member is set, one to write it.
 *
 * Of a oneof the member that came last is set. One that is a message goes on where it came before
 * without another in between, as protobuf merges them.
 */
#include "receiver/otlp_value.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "receiver/otlp_wire.h"

enum {
    TAG_TEXT = WIRE_TAG(1, WIRE_BYTES),
    TAG_BOOLEAN = WIRE_TAG(2, WIRE_VARINT),
    TAG_NUMBER = WIRE_TAG(3, WIRE_VARINT),
    TAG_DOUBLE = WIRE_TAG(4, WIRE_FIXED64),
    TAG_ARRAY = WIRE_TAG(5, WIRE_BYTES),
    TAG_LIST = WIRE_TAG(6, WIRE_BYTES),
    TAG_BYTES = WIRE_TAG(7, WIRE_BYTES),
    TAG_ELEMENT = WIRE_TAG(1, WIRE_BYTES), /* Of an array or a list. */
    TAG_KEY = WIRE_TAG(1, WIRE_BYTES),
    TAG_VALUE = WIRE_TAG(2, WIRE_BYTES),
    DEPTH_MAX = 64, /* Of messages; the decoder has refused what is deeper. */
};

struct writing {
    struct buf *out;
    size_t size_max; /* Of all that is in `out`. */
};

static bool is_full(const struct writing *writing)
{
    return writing->out->size >= writing->size_max || writing->out->failed != 0;
}

/* Appends below drop their status: a failure sticks to the buffer, which is looked at once. */

static void write_double(struct buf *out, double number, bool in_json)
{
    char text[40];
    const char *quote = in_json ? "\"" : "";

    if (isnan(number) || isinf(number)) {
        (void)buf_printf(out, "%s%s%s", quote,
                         isnan(number) ? "NaN"
                         : number < 0  ? "-Infinity"
                                       : "Infinity",
                         quote);
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        (void)snprintf(text, sizeof(text), "%.*g", precision, number);
        if (strtod(text, NULL) == number)
            break;
    }
    for (char *at = text; *at != '\0'; at++)
        if (strchr("0123456789+-e", *at) == NULL)
            *at = '.'; /* The host's locale may have another point. */
    (void)buf_append_text(out, text);
}

/* Cut after whole letters' bytes, once it is full. */
static void write_base64(struct writing *writing, struct view bytes)
{
    size_t room = is_full(writing) ? 0 : writing->size_max - writing->out->size;
    size_t most = (room + 3) / 4 * 3;

    bytes.size = bytes.size < most ? bytes.size : most;
    base64_append(bytes, BASE64_PADDED, writing->out);
}

/* It may be cut within a character. */
static void write_text(struct writing *writing, struct view text)
{
    size_t room = is_full(writing) ? 0 : writing->size_max - writing->out->size;

    (void)buf_append(writing->out, text.data, text.size < room ? text.size : room);
}

/* What is no UTF-8 stays as it is: whoever makes a label of it sees to that. */
static void write_json_text(struct writing *writing, struct view text)
{
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";

    (void)buf_append_byte(writing->out, '"');
    for (size_t i = 0; i < text.size && !is_full(writing); i++) {
        char c = text.data[i];
        const char *short_for = c != '\0' ? strchr(from, c) : NULL;
        if (short_for != NULL)
            (void)buf_printf(writing->out, "\\%c", to[short_for - from]);
        else if ((unsigned char)c < 0x20)
            (void)buf_printf(writing->out, "\\u%04x", (unsigned)c);
        else
            (void)buf_append_byte(writing->out, c);
    }
    (void)buf_append_byte(writing->out, '"');
}

/* ------------------------------------------------------------------ lists and maps */

static void write_value(struct writing *writing, struct wire wire, unsigned depth, bool in_json);

static void write_pair(struct writing *writing, struct wire wire, unsigned depth)
{
    struct view key = {NULL, 0};
    struct wire value = wire_of(key);
    struct wire_field field;

    while (wire_left(&wire) != 0 && wire_field(&wire, DEPTH_MAX, &field) == 0) {
        if (field.tag == TAG_KEY)
            key = wire_view(field.bytes);
        else if (field.tag == TAG_VALUE)
            value = field.bytes;
    }
    write_json_text(writing, key);
    (void)buf_append_byte(writing->out, ':');
    write_value(writing, value, depth, true);
}

/* The elements of one occurrence of an array or a list; how many there are now. */
static size_t write_elements(struct writing *writing, struct wire wire, bool is_array,
                             unsigned depth, size_t count)
{
    struct wire_field field;

    while (wire_left(&wire) != 0 && !is_full(writing) &&
           wire_field(&wire, DEPTH_MAX, &field) == 0) {
        if (field.tag != TAG_ELEMENT)
            continue;
        if (count++ != 0)
            (void)buf_append_byte(writing->out, ',');
        if (is_array)
            write_value(writing, field.bytes, depth, true);
        else
            write_pair(writing, field.bytes, depth);
    }
    return count;
}

/* `wire` begins with the first of the occurrences of `tag` that are merged. */
static void write_all(struct writing *writing, struct wire wire, uint32_t tag, unsigned depth)
{
    bool is_array = tag == TAG_ARRAY;
    struct wire_field field;
    size_t count = 0;

    (void)buf_append_byte(writing->out, is_array ? '[' : '{');
    while (wire_left(&wire) != 0 && wire_field(&wire, DEPTH_MAX, &field) == 0)
        if (field.tag == tag)
            count = write_elements(writing, field.bytes, is_array, depth + 1, count);
    (void)buf_append_byte(writing->out, is_array ? ']' : '}');
}

/* ------------------------------------------------------------------ one value */

static bool is_member(uint32_t tag)
{
    return tag == TAG_TEXT || tag == TAG_BOOLEAN || tag == TAG_NUMBER || tag == TAG_DOUBLE ||
           tag == TAG_ARRAY || tag == TAG_LIST || tag == TAG_BYTES;
}

/* The member that is set; `out_from` begins with its first occurrence after all others. */
static struct wire_field find_member(struct wire wire, struct wire *out_from)
{
    struct wire_field member = {.tag = 0};
    struct wire_field field;

    *out_from = wire;
    while (wire_left(&wire) != 0) {
        struct wire before = wire;
        if (wire_field(&wire, DEPTH_MAX, &field) != 0)
            break;
        if (!is_member(field.tag))
            continue;
        if (field.tag != member.tag)
            *out_from = before;
        member = field;
    }
    return member;
}

static void write_number(struct buf *out, uint64_t number)
{
    int64_t value;

    memcpy(&value, &number, sizeof(value));
    (void)buf_printf(out, "%lld", (long long)value);
}

static void write_value(struct writing *writing, struct wire wire, unsigned depth, bool in_json)
{
    struct wire from;
    struct wire_field member = find_member(wire, &from);
    double real;

    if (depth > DEPTH_MAX)
        return;
    switch (member.tag) {
    case TAG_TEXT:
        if (in_json)
            write_json_text(writing, wire_view(member.bytes));
        else
            write_text(writing, wire_view(member.bytes));
        break;
    case TAG_BOOLEAN:
        (void)buf_append_text(writing->out, member.number != 0 ? "true" : "false");
        break;
    case TAG_NUMBER:
        write_number(writing->out, member.number);
        break;
    case TAG_DOUBLE:
        memcpy(&real, &member.number, sizeof(real));
        write_double(writing->out, real, in_json);
        break;
    case TAG_ARRAY:
    case TAG_LIST:
        write_all(writing, from, member.tag, depth);
        break;
    case TAG_BYTES:
        (void)buf_append_text(writing->out, in_json ? "\"" : "");
        write_base64(writing, wire_view(member.bytes));
        (void)buf_append_text(writing->out, in_json ? "\"" : "");
        break;
    default:
        (void)buf_append_text(writing->out, in_json ? "null" : "");
    }
}

bool otlp_value_is_text(struct view value, struct view *out_text)
{
    struct wire from;
    struct wire_field member = find_member(wire_of(value), &from);

    if (member.tag != TAG_TEXT)
        return false;
    *out_text = wire_view(member.bytes);
    return true;
}

int otlp_value_text(struct view value, size_t size_max, struct buf *out)
{
    struct writing writing = {out, out->size + size_max};

    write_value(&writing, wire_of(value), 1, false);
    return out->failed;
}
