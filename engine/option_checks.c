/* option_checks.c: a text is judged by the code that will use it, where that is possible. */
#include "engine/option_checks.h"

#include <stdio.h>
#include <string.h>

#include "base/option.h"
#include "base/utf8.h"
#include "engine/endpoint.h"
#include "engine/engine_metrics.h"
#include "engine/listen.h"
#include "net/address.h"
#include "receiver/auth.h"
#include "receiver/http_cors.h"
#include "topology/dimensions.h"
#include "topology/naming.h"

enum { ERROR_SIZE = 256 };

int option_check_address(const void *field, char out_error[ERROR_SIZE])
{
    struct address address;

    return address_parse(*(const struct view *)field, out_error, &address);
}

int option_check_endpoint(const void *field, char out_error[ERROR_SIZE])
{
    struct view text = *(const struct view *)field;
    struct endpoint endpoint;

    return view_equal(text, VIEW("off")) ? 0 : endpoint_parse(text, out_error, &endpoint);
}

static bool is_label_name(struct view name)
{
    bool fits = name.size != 0 && name.size <= 128 && !view_starts(name, VIEW("__")) &&
                !view_equal(name, VIEW("le"));

    for (size_t i = 0; i < name.size && fits; i++) {
        char c = name.data[i];
        fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
               (i != 0 && c >= '0' && c <= '9');
    }
    return fits;
}

int option_check_labels(const void *field, char out_error[ERROR_SIZE])
{
    const struct option_pairs *pairs = field;

    for (size_t i = 0; i < pairs->count; i++) {
        struct view name = pairs->items[i].key;
        bool is_again = false;
        for (size_t j = 0; j < i; j++)
            is_again |= view_equal(pairs->items[j].key, name);
        if (is_label_name(name) && !is_again)
            continue;
        (void)snprintf(
            out_error, ERROR_SIZE, "'%.*s' %s", name.size < 60 ? (int)name.size : 60, name.data,
            is_again ? "is there twice"
                     : "is no name of a label: letters, digits and underscores, not two of "
                       "these in front, and not le");
        return STATUS_INVALID;
    }
    return 0;
}

/* What HTTP/2 allows, and is not gRPC's own. */
static bool is_header_name(struct view name)
{
    if (name.size == 0 || view_starts(name, VIEW("grpc-")) || view_equal(name, VIEW("te")) ||
        view_equal(name, VIEW("content-type")) || view_equal(name, VIEW("host")) ||
        view_equal(name, VIEW("user-agent")))
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
            return false;
    }
    return name.size < 4 || memcmp(name.data + name.size - 4, "-bin", 4) != 0;
}

static bool is_header_value(struct view value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < ' ' || value.data[i] > '~')
            return false;
    }
    return value.size != 0;
}

/* The value is not shown: it may be a secret. */
int option_check_outlet_headers(const void *field, char out_error[ERROR_SIZE])
{
    const struct option_pairs *pairs = field;

    for (size_t i = 0; i < pairs->count; i++) {
        struct view name = pairs->items[i].key;
        bool is_name = is_header_name(name);
        if (is_name && is_header_value(pairs->items[i].value))
            continue;
        (void)snprintf(
            out_error, ERROR_SIZE,
            is_name ? "the value of '%.*s' is empty, or holds other than printable ASCII"
                    : "'%.*s' is no header that can be set: in small letters, not gRPC's own, "
                      "not ending in -bin",
            name.size < 60 ? (int)name.size : 60, name.data);
        return STATUS_INVALID;
    }
    return 0;
}

/* Naming compiles its rules itself, so its judgement is asked for by a trial. Its message starts
 * with the key, which is told elsewhere. */
static int try_naming(const struct naming_options *options, const char *key,
                      char out_error[ERROR_SIZE])
{
    struct naming *naming;
    size_t skip = strlen(key);
    int status = naming_new(options, out_error, &naming);

    if (status == 0)
        naming_free(naming);
    else if (status == STATUS_INVALID && strncmp(out_error, key, skip) == 0)
        memmove(out_error, out_error + skip, strlen(out_error + skip) + 1);
    return status;
}

int option_check_mode(const void *field, char out_error[ERROR_SIZE])
{
    struct view text = *(const struct view *)field;
    uint32_t mode;

    if (text.size == 0 || listen_mode(text, &mode) == 0)
        return 0;
    (void)snprintf(out_error, ERROR_SIZE, "'%.*s' is not a mode of three octal digits",
                   (int)text.size, text.data);
    return STATUS_INVALID;
}

/* Why a text is no address of HTTP; NULL: it is one, whose host and port are `out_host`, and `out_rest`
 * all from there on. The library judges it too, which has no libcurl. */
static const char *fault_of_url(struct view url, struct view *out_host, struct view *out_rest)
{
    struct view rest = url;
    size_t host = 0;

    for (size_t i = 0; i < url.size; i++) {
        char byte = url.data[i];
        if (byte <= ' ' || byte > '~' || strchr("\"'<>\\^`|", byte) != NULL)
            return "it has a character that must be percent-encoded in a URL";
    }
    if (view_starts(url, VIEW("https://")))
        rest = (struct view){url.data + 8, url.size - 8};
    else if (view_starts(url, VIEW("http://")))
        rest = (struct view){url.data + 7, url.size - 7};
    else
        return "it starts with neither http:// nor https://";
    while (host < rest.size && strchr("/?#", rest.data[host]) == NULL)
        host++;
    *out_host = (struct view){rest.data, host};
    *out_rest = rest;
    return NULL;
}

/* Whether it is HOST or HOST:PORT. */
static bool is_host(struct view host)
{
    const char *colon = host.size != 0 ? memrchr(host.data, ':', host.size) : NULL;
    const char *bracket = host.size != 0 ? memchr(host.data, ']', host.size) : NULL;
    size_t name = host.size;
    unsigned port = 0;

    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        name = (size_t)(colon - host.data);
        if (host.size - name < 2 || host.size - name > 6)
            return false;
        for (size_t i = name + 1; i < host.size; i++) {
            if (host.data[i] < '0' || host.data[i] > '9')
                return false;
            port = port * 10 + (unsigned)(host.data[i] - '0');
        }
        if (port == 0 || port > UINT16_MAX)
            return false;
    }
    if (bracket != NULL)
        return host.data[0] == '[' && name > 2 && bracket == host.data + name - 1;
    return name != 0 && memchr(host.data, ':', name) == NULL;
}

int option_check_url(const void *field, char out_error[ERROR_SIZE])
{
    struct view url = *(const struct view *)field;
    struct view host;
    struct view rest;
    const char *fault = url.size != 0 ? fault_of_url(url, &host, &rest) : NULL;

    if (url.size != 0 && fault == NULL) {
        if (memchr(host.data, '@', host.size) != NULL)
            fault = "a user's name, which is shown to others, stands in it";
        else if (!is_host(host))
            fault = "it names no host, or no port from 1 to 65535";
    }
    if (fault == NULL)
        return 0;
    (void)snprintf(out_error, ERROR_SIZE,
                   "no address of the form http://HOST:PORT/PATH or https://...: %s", fault);
    return STATUS_INVALID;
}

/* Why a text is no template of a URL; NULL: it is one. */
static const char *fault_of_trace_url(struct view url)
{
    struct view host;
    struct view rest;
    const char *fault = fault_of_url(url, &host, &rest);

    if (fault != NULL)
        return fault;
    if (host.size == 0 || memchr(host.data, '{', host.size) != NULL ||
        memchr(host.data, '@', host.size) != NULL)
        return "it names no host, or a part of it is to be put in, or it has a user's name";
    if (memmem(rest.data, rest.size, "{trace_id}", strlen("{trace_id}")) == NULL)
        return "it has no {trace_id}";
    return NULL;
}

int option_check_trace_url(const void *field, char out_error[ERROR_SIZE])
{
    struct view url = *(const struct view *)field;
    const char *fault = url.size != 0 ? fault_of_trace_url(url) : NULL;

    if (fault == NULL)
        return 0;
    (void)snprintf(out_error, ERROR_SIZE, "no address of a trace: %s", fault);
    return STATUS_INVALID;
}

int option_check_token(const void *field, char out_error[ERROR_SIZE])
{
    struct view token = *(const struct view *)field;

    if (token.size == 0 || auth_is_token(token))
        return 0;
    (void)snprintf(out_error, ERROR_SIZE, "a token has no blanks and only visible characters");
    return STATUS_INVALID;
}

int option_check_client_names(const void *field, char out_error[ERROR_SIZE])
{
    const struct option_texts *texts = field;

    for (size_t i = 0; i < texts->count; i++) {
        if (auth_is_pattern(texts->items[i]))
            continue;
        (void)snprintf(out_error, ERROR_SIZE, "'%.100s' is empty, or has more than one star",
                       texts->items[i].data);
        return STATUS_INVALID;
    }
    return 0;
}

int option_check_peer_order(const void *field, char out_error[ERROR_SIZE])
{
    const struct option_texts *texts = field;
    struct naming_options options = {.peer_order = texts->items, .peer_order_count = texts->count};

    return try_naming(&options, "names.peer_order: ", out_error);
}

int option_check_cidr(const void *field, char out_error[ERROR_SIZE])
{
    const struct option_pairs *pairs = field;

    for (size_t i = 0; i < pairs->count; i++) {
        struct naming_rule rule = {pairs->items[i].key, pairs->items[i].value};
        struct naming_options options = {.cidr = &rule, .cidr_count = 1};
        int status = try_naming(&options, "names.cidr: ", out_error);
        if (status != 0)
            return status;
    }
    return 0;
}

int option_check_rewrite(const void *field, char out_error[ERROR_SIZE])
{
    const struct option_pairs *pairs = field;

    for (size_t i = 0; i < pairs->count; i++) {
        struct naming_rule rule = {pairs->items[i].key, pairs->items[i].value};
        struct naming_options options = {.rewrite = &rule, .rewrite_count = 1};
        int status = try_naming(&options, "names.rewrite: ", out_error);
        if (status != 0)
            return status;
    }
    return 0;
}

int option_check_origins(const void *field, char out_error[ERROR_SIZE])
{
    const struct option_texts *texts = field;

    for (size_t i = 0; i < texts->count; i++) {
        if (http_cors_is_pattern(texts->items[i]))
            continue;
        (void)snprintf(out_error, ERROR_SIZE,
                       "'%.*s' is no origin: write SCHEME://HOST or SCHEME://HOST:PORT, without a "
                       "path",
                       (int)utf8_cut(texts->items[i], 64).size, texts->items[i].data);
        return STATUS_INVALID;
    }
    return 0;
}

static bool is_header(struct view name)
{
    for (size_t i = 0; i < name.size; i++) {
        char byte = name.data[i];
        bool is_word = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9');
        if (!is_word && byte != '-' && byte != '_')
            return false;
    }
    return name.size != 0;
}

int option_check_headers(const void *field, char out_error[ERROR_SIZE])
{
    const struct option_texts *texts = field;

    for (size_t i = 0; i < texts->count; i++) {
        if (is_header(texts->items[i]) || view_equal(texts->items[i], VIEW("*")))
            continue;
        (void)snprintf(out_error, ERROR_SIZE, "'%.*s' is no name of a header",
                       (int)utf8_cut(texts->items[i], 64).size, texts->items[i].data);
        return STATUS_INVALID;
    }
    return 0;
}

int option_check_buckets(const void *field, char out_error[ERROR_SIZE])
{
    struct histogram_bounds bounds;

    return engine_make_bounds(field, out_error, &bounds);
}

int option_check_dimensions(const void *field, char out_error[ERROR_SIZE])
{
    const struct option_texts *texts = field;
    struct dimensions *dimensions;
    int status = dimensions_new(texts->items, texts->count, out_error, &dimensions);

    if (status == 0)
        dimensions_free(dimensions);
    return status;
}
