/* dimensions.c: keys are made labels once, at the start; everything that could clash is refused here. */
#include "topology/dimensions.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

enum { LABEL_EXTRA = 8, NAME_IN_ERROR = 60 };

_Static_assert(DIMENSIONS_MAX <= 16, "`of_size` has a bit for each");

static const char *const prefixes[DIMENSION_SIDES] = {"", "client.", "server."};

/* Labels that the metrics have without any dimension. */
static const char *const built_in[] = {
    "service",
    "service_namespace",
    "span_name",
    "span_kind",
    "status_code",
    "otel_metric_overflow",
    "le",
    "client_service_namespace",
    "server_service_namespace",
};

/* SEMCONV, TOPOLOGY section 3: what is never a label, and why. On the spans of servers the older names of
 * a peer mean the client. */
static const struct {
    const char *key;
    const char *why;
} refused[] = {
    {"client.address", "the address of a client is never a label"},
    {"client.port", "the address of a client is never a label"},
    {"client.socket.address", "the address of a client is never a label"},
    {"client.socket.port", "the address of a client is never a label"},
    {"http.client_ip", "the address of a client is never a label"},
    {"net.peer.ip", "on spans of servers it is the address of a client, which is never a label"},
    {"net.peer.name", "on spans of servers it is the address of a client, which is never a label"},
    {"net.peer.port", "on spans of servers it is the address of a client, which is never a label"},
    {"net.sock.peer.addr",
     "on spans of servers it is the address of a client, which is never a label"},
    {"net.sock.peer.name",
     "on spans of servers it is the address of a client, which is never a label"},
    {"net.sock.peer.port",
     "on spans of servers it is the address of a client, which is never a label"},
    {"network.peer.address",
     "on spans of servers it is the address of a client, which is never a label"},
    {"network.peer.port",
     "on spans of servers it is the address of a client, which is never a label"},
    {"db.query.text", "the text of a query is never a label"},
    {"db.statement", "the text of a query is never a label"},
    {"db.connection_string", "it holds credentials"},
};

__attribute__((format(printf, 2, 3))) static int fail(char out_error[256], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(out_error, 256, format, args); /* A cut message is still a message. */
    va_end(args);
    return STATUS_INVALID;
}

static int shown(struct view text)
{
    return text.size < NAME_IN_ERROR ? (int)text.size : NAME_IN_ERROR;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Appends what of `text` may stand in a label: all else becomes one underscore. */
static size_t write_label(char *label, size_t size, const char *text, size_t text_size)
{
    if (size == 0 && text_size != 0 && text[0] >= '0' && text[0] <= '9')
        label[size++] = '_';
    for (size_t i = 0; i < text_size; i++) {
        char c = is_plain(text[i]) ? text[i] : '_';
        if (c != '_' || size == 0 || label[size - 1] != '_')
            label[size++] = c;
    }
    return size;
}

static int check_key(struct view key, char out_error[256])
{
    if (key.size == 0)
        return fail(out_error, "the name of an attribute is empty");
    if (key.size > DIMENSION_KEY_MAX)
        return fail(out_error, "'%.*s...' is longer than %d bytes", shown(key), key.data,
                    DIMENSION_KEY_MAX);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (view_equal(key, view_of(refused[i].key)))
            return fail(out_error, "'%s' cannot be one: %s", refused[i].key, refused[i].why);
    return 0;
}

static int check_labels(const struct dimensions *dimensions, const struct dimension *item,
                        char out_error[256])
{
    for (size_t i = 0; i < dimensions->count; i++) {
        const struct dimension *other = &dimensions->items[i];
        if (view_equal(item->key, other->key))
            return fail(out_error, "'%.*s' is told twice", shown(item->key), item->key.data);
        for (size_t side = 0; side < DIMENSION_SIDES; side++)
            if (view_equal(item->label[side], other->label[side]))
                return fail(out_error, "'%.*s' and '%.*s' would both be the label %.*s",
                            shown(other->key), other->key.data, shown(item->key), item->key.data,
                            shown(item->label[side]), item->label[side].data);
    }
    for (size_t side = 0; side < DIMENSION_SIDES; side++)
        for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
            if (view_equal(item->label[side], view_of(built_in[i])))
                return fail(out_error,
                            "'%.*s' would be the label %s, which the metrics have already",
                            shown(item->key), item->key.data, built_in[i]);
    return 0;
}

/* One piece of memory holds the key and its labels; the key stands first. */
static int make_item(struct view key, struct dimension *out_item)
{
    char *text = mem_calloc(1 + DIMENSION_SIDES, key.size + LABEL_EXTRA);
    char *at = text;

    if (text == NULL)
        return STATUS_NOMEM;
    memcpy(at, key.data, key.size);
    out_item->key = (struct view){at, key.size};
    at += key.size;
    for (size_t side = 0; side < DIMENSION_SIDES; side++) {
        size_t size = write_label(at, 0, prefixes[side], strlen(prefixes[side]));
        size = write_label(at, size, key.data, key.size);
        out_item->label[side] = (struct view){at, size};
        at += size;
    }
    return 0;
}

static void add_to_sizes(struct dimensions *dimensions, unsigned which)
{
    struct view key = dimensions->items[which].key;
    size_t size = key.size < DIMENSION_SIZES ? key.size : DIMENSION_SIZES - 1;

    dimensions->of_size[size] |= (uint16_t)(1U << which);
}

static void sort_labels(struct dimensions *dimensions)
{
    for (size_t side = 0; side < DIMENSION_SIDES; side++)
        for (uint32_t i = 0; i < dimensions->count; i++) {
            uint8_t *order = dimensions->order[side];
            uint32_t at = i;
            for (; at != 0 && view_compare(dimensions->items[i].label[side],
                                           dimensions->items[order[at - 1]].label[side]) < 0;
                 at--)
                order[at] = order[at - 1];
            order[at] = (uint8_t)i;
        }
}

int dimensions_new(const struct view *keys, size_t count, char out_error[256],
                   struct dimensions **out_dimensions)
{
    struct dimensions *dimensions;
    int status = 0;

    out_error[0] = '\0';
    if (count > DIMENSIONS_MAX)
        return fail(out_error, "there are %zu, and %d is the most", count, DIMENSIONS_MAX);
    dimensions = mem_calloc(1, sizeof(*dimensions));
    if (dimensions == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < count && status == 0; i++) {
        struct dimension item;
        status = check_key(keys[i], out_error);
        if (status == 0)
            status = make_item(keys[i], &item);
        if (status != 0)
            break;
        status = check_labels(dimensions, &item, out_error);
        dimensions->items[dimensions->count++] = item; /* Also a clashing one, to be freed. */
    }
    if (status != 0) {
        dimensions_free(dimensions);
        return status;
    }
    for (unsigned i = 0; i < dimensions->count; i++)
        add_to_sizes(dimensions, i);
    sort_labels(dimensions);
    *out_dimensions = dimensions;
    return 0;
}

void dimensions_free(struct dimensions *dimensions)
{
    if (dimensions == NULL)
        return;
    for (uint32_t i = 0; i < dimensions->count; i++)
        mem_free((void *)(uintptr_t)dimensions->items[i].key.data);
    mem_free(dimensions);
}

struct view dimension_value(struct view packed, unsigned which)
{
    struct view value;
    unsigned number;

    while (dimension_next(&packed, &number, &value))
        if (number == which)
            return value;
    return (struct view){NULL, 0};
}
