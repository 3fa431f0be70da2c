/* naming_text.c: addresses, URLs, methods and UTF-8. Each function reads its text once. */
#include "topology/naming_text.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/check.h"
#include "base/utf8.h"
#include "topology/naming_charset.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool naming_parse_ip(struct view text, struct naming_ip *out_ip)
{
    char digits[INET6_ADDRSTRLEN];
    const char *zone;
    struct naming_ip ip;

    if (naming_is_no_ip(text))
        return false;
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

/* Whether `text` begins with a scheme and "://"; how many bytes these are. */
static size_t scheme_size(struct view text)
{
    size_t at = charset_find(text, CHARSET(':', '/', '?', '#', ' ', '@', '@'));

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
    host.size = charset_find(host, CHARSET('/', '?', '#', '\\', '/', '/', '/'));
    at = host.size != 0 ? memrchr(host.data, '@', host.size) : NULL;
    if (at != NULL)
        host = (struct view){at + 1, host.size - (size_t)(at + 1 - host.data)};
    if (host.size != 0 && host.data[0] == '[') {
        host = (struct view){host.data + 1, host.size - 1};
        host.size = charset_find(host, CHARSET(']', ']', ']', ']', ']', ']', ']'));
        return host;
    }
    host.size = charset_find(host, CHARSET(':', ':', ':', ':', ':', ':', ':'));
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

/* Whether eight bytes are printable ASCII: none is below 0x20, and none is 0x7F or above. A borrow or a
 * carry reaches the next byte only from one that is not. */
static bool is_plain(const char *at)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return ((word | (word - each * 0x20) | (word + each)) & each * 0x80) == 0;
}

/* How many bytes at the front are clean. */
static size_t clean_prefix(struct view text)
{
    size_t at = 0;

    while (text.size - at >= 8 && is_plain(text.data + at))
        at += 8;
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
                             charset_find(text, CHARSET('/', '?', '#', '\\', ' ', '"', '\''))};
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
