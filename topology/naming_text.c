/* naming_text.c: addresses, URLs, methods and UTF-8. Each function reads its text once. */
#include "topology/naming_text.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/check.h"
#include "base/utf8.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool naming_parse_ip(struct view text, struct naming_ip *out_ip)
{
    char digits[INET6_ADDRSTRLEN];
    const char *zone;
    struct naming_ip ip;

    if (text.size >= 2 && text.data[0] == '[' && text.data[text.size - 1] == ']')
        text = (struct view){text.data + 1, text.size - 2};
    zone = text.size != 0 ? memchr(text.data, '%', text.size) : NULL;
    if (zone != NULL)
        text.size = (size_t)(zone - text.data);
    if (text.size == 0 || text.size >= sizeof(digits) || memchr(text.data, '\0', text.size) != NULL)
        return false;
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    if (inet_pton(AF_INET6, digits, ip.bytes) == 1) {
        *out_ip = ip;
        return true;
    }
    memcpy(ip.bytes, mapped_prefix, sizeof(mapped_prefix));
    if (zone != NULL || inet_pton(AF_INET, digits, ip.bytes + 12) != 1)
        return false;
    *out_ip = ip;
    return true;
}

/* A set of characters below 128, a bit each. */
struct charset {
    uint64_t low, high;
};

#define BIT_OF(c, from) ((c) >= (from) && (c) < (from) + 64 ? UINT64_C(1) << ((c) % 64) : 0)
#define BITS_OF(from, a, b, c, d, e, f, g)                                                         \
    (BIT_OF(a, from) | BIT_OF(b, from) | BIT_OF(c, from) | BIT_OF(d, from) | BIT_OF(e, from) |     \
     BIT_OF(f, from) | BIT_OF(g, from))
/* Of seven; who has fewer names one of them again. */
#define CHARSET(...) ((struct charset){BITS_OF(0, __VA_ARGS__), BITS_OF(64, __VA_ARGS__)})

/* Where the first of the set is; the size of the text: there is none. */
static inline size_t find_any(struct view text, struct charset set)
{
    for (size_t at = 0; at < text.size; at++) {
        uint8_t c = (uint8_t)text.data[at];
        uint64_t half = c < 64 ? set.low : set.high;
        if (c < 128 && (half >> (c & 63) & 1) != 0)
            return at;
    }
    return text.size;
}

/* Whether `text` begins with a scheme and "://"; how many bytes these are. */
static size_t scheme_size(struct view text)
{
    size_t at = find_any(text, CHARSET(':', '/', '?', '#', ' ', '@', '@'));

    if (at == 0 || text.size - at < 3 || memcmp(text.data + at, "://", 3) != 0)
        return 0;
    return at + 3;
}

struct view naming_url_host(struct view url)
{
    size_t scheme = scheme_size(url);
    struct view host;
    const char *at;

    if (scheme == 0)
        return (struct view){NULL, 0};
    host = (struct view){url.data + scheme, url.size - scheme};
    host.size = find_any(host, CHARSET('/', '?', '#', '\\', '/', '/', '/'));
    at = host.size != 0 ? memrchr(host.data, '@', host.size) : NULL;
    if (at != NULL)
        host = (struct view){at + 1, host.size - (size_t)(at + 1 - host.data)};
    if (host.size != 0 && host.data[0] == '[') {
        host = (struct view){host.data + 1, host.size - 1};
        host.size = find_any(host, CHARSET(']', ']', ']', ']', ']', ']', ']'));
        return host;
    }
    host.size = find_any(host, CHARSET(':', ':', ':', ':', ':', ':', ':'));
    return host;
}

struct view naming_rpc_service(struct view method)
{
    const char *slash;

    if (method.size != 0 && method.data[0] == '/')
        method = (struct view){method.data + 1, method.size - 1};
    slash = method.size != 0 ? memrchr(method.data, '/', method.size) : NULL;
    if (slash == NULL)
        return (struct view){NULL, 0};
    return (struct view){method.data, (size_t)(slash - method.data)};
}

/* How many bytes the valid, printable character at the front has; 0: it is not one. */
static size_t character_size(struct view text)
{
    uint8_t first = (uint8_t)text.data[0];

    if (first >= 0x20 && first < 0x7F)
        return 1;
    return utf8_is_control(text) ? 0 : utf8_size(text);
}

struct view naming_cut(struct view text)
{
    return utf8_cut(text, NAMING_TEXT_MAX);
}

/* How many bytes at the front are clean. */
static size_t clean_prefix(struct view text)
{
    size_t at = 0;

    while (at < text.size) {
        size_t size = character_size((struct view){text.data + at, text.size - at});
        if (size == 0)
            break;
        at += size;
    }
    return at;
}

static void append(struct buf *into, const void *data, size_t size)
{
    CHECK(buf_append(into, data, size) == 0); /* The caller has made room. */
}

struct view naming_clean(struct view text, struct buf *into)
{
    size_t begin = into->size;
    size_t good;

    text = naming_cut(text);
    good = clean_prefix(text);
    if (good == text.size)
        return text;
    while (text.size != 0) {
        append(into, text.data, good);
        text = (struct view){text.data + good, text.size - good};
        if (text.size != 0) {
            append(into, "\xEF\xBF\xBD", 3);
            text = (struct view){text.data + 1, text.size - 1};
        }
        good = clean_prefix(text);
    }
    return (struct view){into->data + begin, into->size - begin};
}

/* Where the user's part of a URL, whose "//" is in front of `text`, ends; 0: there is none. */
static size_t user_size(struct view text)
{
    struct view authority = {text.data,
                             find_any(text, CHARSET('/', '?', '#', '\\', ' ', '"', '\''))};
    const char *at = authority.size != 0 ? memrchr(authority.data, '@', authority.size) : NULL;

    return at != NULL ? (size_t)(at + 1 - authority.data) : 0;
}

struct view naming_scrub(struct view text, struct buf *into)
{
    size_t begin = into->size;
    struct view left = text;
    bool any = false;

    while (left.size != 0) {
        const char *slashes = memmem(left.data, left.size, "://", 3);
        size_t front = slashes != NULL ? (size_t)(slashes + 3 - left.data) : left.size;
        size_t room = NAMING_TEXT_MAX - (into->size - begin);
        size_t user;
        append(into, left.data, front < room ? front : room);
        left = (struct view){left.data + front, left.size - front};
        user = slashes != NULL ? user_size(left) : 0;
        any |= user != 0;
        left = (struct view){left.data + user, left.size - user};
    }
    if (any)
        return (struct view){into->data + begin, into->size - begin};
    into->size = begin;
    return text;
}
