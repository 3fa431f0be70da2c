/* endpoint.c: net/address.h knows the addresses; here are the schemes before them. */
#include "engine/endpoint.h"

#include <stdio.h>
#include <string.h>

/* Off the front of `text`, where it is there. */
static bool take(struct view *text, struct view start)
{
    if (!view_starts(*text, start))
        return false;
    *text = (struct view){text->data + start.size, text->size - start.size};
    return true;
}

/* gRPC's targets are URIs. */
static void encode_path(const char *path, struct endpoint *endpoint)
{
    bool is_abstract = path[0] == '@';
    size_t size = (size_t)snprintf(endpoint->target, sizeof(endpoint->target), "%s",
                                   is_abstract ? "unix-abstract:" : "unix:");

    for (const char *at = path + is_abstract; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= '0' && byte <= '9') || strchr("/-._~", byte) != NULL;
        size += (size_t)snprintf(endpoint->target + size, sizeof(endpoint->target) - size,
                                 is_plain ? "%c" : "%%%02X", byte);
    }
}

static int fail(char out_error[256], struct view text)
{
    (void)snprintf(out_error, 256,
                   "'%.*s' is no endpoint such as HOST:PORT, https://HOST:PORT or unix:PATH",
                   text.size < 100 ? (int)text.size : 100, text.data);
    return STATUS_INVALID;
}

int endpoint_parse(struct view text, char out_error[256], struct endpoint *out_endpoint)
{
    struct endpoint endpoint = {.has_tls = false};
    struct view rest = text;
    bool is_url = take(&rest, VIEW("http://"));

    if (!is_url && take(&rest, VIEW("https://")))
        is_url = endpoint.has_tls = true;
    if (is_url && rest.size != 0 && rest.data[rest.size - 1] == '/')
        rest.size--;
    if (address_parse(rest, out_error, &endpoint.address) != 0)
        return STATUS_INVALID;
    if (endpoint.address.type == ADDRESS_UNIX && !is_url) {
        encode_path(endpoint.address.path, &endpoint);
    } else if (endpoint.address.type == ADDRESS_TCP && endpoint.address.port != 0) {
        bool is_ipv6 = strchr(endpoint.address.host, ':') != NULL;
        (void)snprintf(endpoint.target, sizeof(endpoint.target),
                       is_ipv6 ? "dns:///[%s]:%u" : "dns:///%s:%u", endpoint.address.host,
                       (unsigned)endpoint.address.port);
    } else {
        return fail(out_error, text);
    }
    *out_endpoint = endpoint;
    return 0;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

static bool is_any(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

bool endpoint_is_at(const struct endpoint *endpoint, const struct address *own)
{
    const struct address *other = &endpoint->address;

    if (own->type != other->type)
        return false;
    if (own->type == ADDRESS_UNIX)
        return strcmp(own->path, other->path) == 0;
    if (own->type != ADDRESS_TCP || own->port != other->port)
        return false;
    if (strcmp(own->host, other->host) == 0)
        return true;
    /* Another address of that port may be somebody else's, unless we listen there, too. */
    if (is_any(own->host) || strcmp(own->host, "localhost") == 0)
        return is_loopback(other->host) || is_any(other->host);
    return is_loopback(own->host) && strcmp(other->host, "localhost") == 0;
}
