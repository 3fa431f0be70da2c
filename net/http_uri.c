/* http_uri.c: what a request's target and Host mean. */
#include "net/http_uri.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "net/http_server.h"

int http_uri_decode(struct view text, bool plus_is_space, struct buf *out)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        int status;

        if (c == '%') {
            int high = text.size - i > 2 ? view_hex_digit(text.data[i + 1]) : -1;
            int low = high >= 0 ? view_hex_digit(text.data[i + 2]) : -1;
            if (low < 0)
                return STATUS_INVALID;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        status = buf_append_byte(out, c);
        if (status != 0)
            return status;
    }
    return 0;
}

/* What stands before the next `end`, which is taken off too. */
static struct view take_until(struct view *text, char end)
{
    const char *at = text->size != 0 ? memchr(text->data, end, text->size) : NULL;
    struct view taken = {text->data, at != NULL ? (size_t)(at - text->data) : text->size};
    size_t size = taken.size + (at != NULL);

    if (size == 0)
        return taken; /* Which may be no place at all. */
    *text = (struct view){text->data + size, text->size - size};
    return taken;
}

int http_query_get(struct view query, struct view name, struct buf *out_value)
{
    while (query.size != 0) {
        struct view value = take_until(&query, '&');
        struct view key = take_until(&value, '=');
        struct buf decoded;
        bool is_it;
        int status;

        buf_init(&decoded, 0);
        status = http_uri_decode(key, true, &decoded);
        is_it = view_equal(buf_view(&decoded), name);
        buf_release(&decoded);
        if (status == STATUS_NOMEM)
            return status;
        if (status != 0 || !is_it)
            continue; /* Somebody else's damaged parameter is not ours to judge. */
        decoded = *out_value;
        status = http_uri_decode(value, true, out_value);
        if (status != 0)
            out_value->size = decoded.size;
        return status;
    }
    return STATUS_NOT_FOUND;
}

static bool is_ip(int family, struct view host)
{
    char text[INET6_ADDRSTRLEN];
    char address[sizeof(struct in6_addr)];

    if (host.size == 0 || host.size >= sizeof(text))
        return false;
    memcpy(text, host.data, host.size);
    text[host.size] = '\0';
    return inet_pton(family, text, address) == 1;
}

static bool is_same_name(struct view a, struct view b)
{
    return a.size == b.size && (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

bool http_host_is_ours(struct view host, const struct view *names, size_t names_count)
{
    struct view rest = host;

    for (size_t i = 0; i < names_count; i++) {
        if (view_equal(names[i], VIEW("*")))
            return true;
    }
    if (host.size != 0 && host.data[0] == '[') {
        rest = (struct view){host.data + 1, host.size - 1};
        host = take_until(&rest, ']');
        return is_ip(AF_INET6, host) && (rest.size == 0 || rest.data[0] == ':');
    }
    host = take_until(&rest, ':');
    if (is_same_name(host, VIEW("localhost")) || is_ip(AF_INET, host))
        return true;
    for (size_t i = 0; i < names_count; i++) {
        if (is_same_name(host, names[i]))
            return true;
    }
    return false;
}
