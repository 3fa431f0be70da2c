/* address.c: takes apart HOST:PORT, [IPv6]:PORT, unix:PATH, fd:NAME and off. */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A user's text in a message is shown this far. */
enum { SHOWN_MAX = 80 };

static int refuse(char out_error[256], struct view text, const char *reason)
{
    int shown = text.size < SHOWN_MAX ? (int)text.size : SHOWN_MAX;

    (void)snprintf(out_error, 256, "'%.*s' is not an address: %s", shown,
                   shown != 0 ? text.data : "", reason);
    return STATUS_INVALID;
}

static int parse_unix(struct view text, struct view path, char out_error[256],
                      struct address *address)
{
    if (path.size == 0)
        return refuse(out_error, text, "unix: needs the socket's path behind it");
    if (path.size >= sizeof(address->path))
        return refuse(out_error, text, "the socket's path is longer than 107 bytes");
    if (memchr(path.data, '\0', path.size) != NULL)
        return refuse(out_error, text, "the socket's path holds a zero byte");
    address->type = ADDRESS_UNIX;
    memcpy(address->path, path.data, path.size);
    return 0;
}

/* Of the form that systemd allows: no colon, no control characters. */
static int parse_passed(struct view text, struct view name, char out_error[256],
                        struct address *address)
{
    if (name.size == 0)
        return refuse(out_error, text, "fd: needs the name or number of a socket behind it");
    if (name.size >= sizeof(address->path))
        return refuse(out_error, text, "the socket's name is longer than 107 bytes");
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~' || name.data[i] == ':')
            return refuse(out_error, text, "the socket's name holds a character that none has");
    }
    address->type = ADDRESS_PASSED;
    memcpy(address->path, name.data, name.size);
    return 0;
}

static bool parse_port(struct view text, uint16_t *out_port)
{
    unsigned port = 0;

    if (text.size == 0 || text.size > 5)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    if (port > UINT16_MAX)
        return false;
    *out_port = (uint16_t)port;
    return true;
}

static bool is_name(struct view host)
{
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '_')
            return false;
    }
    return host.size != 0;
}

/* An IPv6 address, perhaps with a zone: fe80::1%eth0. */
static bool is_ipv6(struct view host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    const char *zone = host.size != 0 ? memchr(host.data, '%', host.size) : NULL;
    size_t size = zone != NULL ? (size_t)(zone - host.data) : host.size;

    if (size == 0 || size >= sizeof(text) || (zone != NULL && size + 1 == host.size))
        return false;
    if (zone != NULL && !is_name((struct view){zone + 1, host.size - size - 1}))
        return false;
    memcpy(text, host.data, size);
    text[size] = '\0';
    return inet_pton(AF_INET6, text, &parsed) == 1;
}

static int parse_tcp(struct view text, char out_error[256], struct address *address)
{
    const char *colon = text.size != 0 ? memrchr(text.data, ':', text.size) : NULL;
    struct view host;
    struct view port;

    if (colon == NULL)
        return refuse(out_error, text, "write HOST:PORT, [IPV6]:PORT, unix:PATH, fd:NAME or off");
    host = (struct view){text.data, (size_t)(colon - text.data)};
    port = (struct view){colon + 1, text.size - host.size - 1};
    if (!parse_port(port, &address->port))
        return refuse(out_error, text, "the port is not a number from 0 to 65535");
    if (host.size == 0)
        return refuse(out_error, text, "the host is missing; 0.0.0.0 means every interface");
    if (host.data[0] == '[') {
        if (host.data[host.size - 1] != ']')
            return refuse(out_error, text, "the bracket of the IPv6 address is not closed");
        host = (struct view){host.data + 1, host.size - 2};
        if (!is_ipv6(host))
            return refuse(out_error, text, "there is no IPv6 address between the brackets");
    } else if (memchr(host.data, ':', host.size) != NULL) {
        return refuse(out_error, text, "an IPv6 address stands in brackets: [::1]:4317");
    } else if (!is_name(host)) {
        return refuse(out_error, text, "the host holds a character that no name has");
    }
    if (host.size >= sizeof(address->host))
        return refuse(out_error, text, "the host is longer than 255 bytes");
    address->type = ADDRESS_TCP;
    memcpy(address->host, host.data, host.size);
    return 0;
}

int address_parse(struct view text, char out_error[256], struct address *out_address)
{
    struct address address = {.type = ADDRESS_OFF};
    int status = 0;

    if (view_starts(text, VIEW("unix:")))
        status = parse_unix(text, (struct view){text.data + 5, text.size - 5}, out_error, &address);
    else if (view_starts(text, VIEW("fd:")))
        status = parse_passed(text, (struct view){text.data + 3, text.size - 3}, out_error,
                              &address);
    else if (!view_equal(text, VIEW("off")))
        status = parse_tcp(text, out_error, &address);
    if (status == 0)
        *out_address = address;
    return status;
}
