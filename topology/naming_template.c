/* naming_template.c: splits at '/' and judges each segment by its characters alone, so that one
 * name always gives one template, whatever came before it.
 */
#include "topology/naming_template.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "topology/naming_charset.h"

enum { UUID_SIZE = 36, HEX_ID_SIZE_MIN = 8, MIXED_ID_SIZE_MIN = 16, METHOD_SIZE_MAX = 16 };

static void append(struct buf *into, const char *data, size_t size)
{
    CHECK(buf_append(into, data, size) == 0); /* The caller has made room. */
}

static struct view after(struct view text, size_t size)
{
    return (struct view){text.data + size, text.size - size};
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_upper(char byte)
{
    return byte >= 'A' && byte <= 'Z';
}

static bool is_letter(char byte)
{
    return is_upper(byte) || (byte >= 'a' && byte <= 'z');
}

static bool is_hex(char byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static bool begins_with_uuid(struct view text)
{
    if (text.size < UUID_SIZE)
        return false;
    for (size_t i = 0; i < UUID_SIZE; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.data[i] != '-' : !is_hex(text.data[i]))
            return false;
    }
    return true;
}

/* A number; a hexadecimal id; or a long mixture of letters and digits. All have a digit. */
static bool is_id(struct view text)
{
    size_t digits = 0;
    size_t hex = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (!is_digit(text.data[i]) && !is_letter(text.data[i]))
            return false;
        digits += is_digit(text.data[i]);
        hex += is_hex(text.data[i]);
    }
    if (digits == 0)
        return false;
    return digits == text.size || (hex == text.size && hex >= HEX_ID_SIZE_MIN) ||
           (text.size >= MIXED_ID_SIZE_MIN && digits * 8 >= text.size);
}

static void append_segment(struct buf *into, struct view segment)
{
    const struct charset dividers = charset_both(CHARSET('-', '_', ':', ',', ';', '=', '~'),
                                                 CHARSET('(', ')', '@', '*', '!', '\'', ' '));
    struct naming_ip ip;

    if (naming_parse_ip(segment, &ip)) {
        append(into, "{id}", 4);
        return;
    }
    while (segment.size != 0) {
        bool uuid = begins_with_uuid(segment);
        struct view part = {segment.data, uuid ? UUID_SIZE : charset_find(segment, dividers)};
        if (uuid || is_id(part))
            append(into, "{id}", 4);
        else
            append(into, part.data, part.size);
        segment = after(segment, part.size);
        if (segment.size != 0 && !uuid) {
            append(into, segment.data, 1);
            segment = after(segment, 1);
        }
    }
}

/* The path's segments, up to a query or fragment. */
static void append_path(struct buf *into, struct view path)
{
    path.size = charset_find(path, CHARSET('?', '#', '#', '#', '#', '#', '#'));
    while (path.size != 0) {
        struct view segment = {path.data,
                               charset_find(path, CHARSET('/', '/', '/', '/', '/', '/', '/'))};
        append_segment(into, segment);
        path = after(path, segment.size);
        if (path.size != 0) {
            append(into, "/", 1);
            path = after(path, 1);
        }
    }
}

/* "GET " and the like: how many bytes at the front, the space included. 0: there is none. */
static size_t method_size(struct view name)
{
    size_t at = 0;

    while (at < name.size && at < METHOD_SIZE_MAX &&
           (is_upper(name.data[at]) || name.data[at] == '_'))
        at++;
    return at != 0 && at < name.size && name.data[at] == ' ' ? at + 1 : 0;
}

/* An absolute URL: how many bytes "scheme://" has. */
static size_t scheme_size(struct view text)
{
    size_t at = 0;

    while (at < text.size && (is_letter(text.data[at]) || is_digit(text.data[at]) ||
                              text.data[at] == '+' || text.data[at] == '-'))
        at++;
    return at != 0 && text.size - at >= 3 && memcmp(text.data + at, "://", 3) == 0 ? at + 3 : 0;
}

/* "https://host:port" without credentials, and what follows it. */
static struct view append_origin(struct buf *into, struct view url, size_t scheme)
{
    struct view authority = after(url, scheme);
    struct view rest;
    const char *at;

    authority.size = charset_find(authority, CHARSET('/', '?', '#', '#', '#', '#', '#'));
    rest = after(url, scheme + authority.size);
    append(into, url.data, scheme);
    at = authority.size != 0 ? memrchr(authority.data, '@', authority.size) : NULL;
    if (at != NULL)
        authority = after(authority, (size_t)(at + 1 - authority.data));
    append(into, authority.data, authority.size);
    return rest;
}

struct view naming_template(struct view name, struct view route, struct buf *into)
{
    size_t begin = into->size;
    size_t method = method_size(name);
    struct view rest = after(name, method);
    size_t scheme = scheme_size(rest);
    bool raw = scheme != 0 || (rest.size != 0 && rest.data[0] == '/');

    CHECK(name.size <= NAMING_TEXT_MAX && route.size <= NAMING_TEXT_MAX);
    if (name.size == 0 || memchr(name.data, '/', name.size) == NULL)
        return name;
    append(into, name.data, method);
    if (raw && route.size != 0) {
        append(into, route.data, route.size);
    } else {
        if (scheme != 0)
            rest = append_origin(into, rest, scheme);
        append_path(into, rest);
    }
    return (struct view){into->data + begin, into->size - begin};
}
