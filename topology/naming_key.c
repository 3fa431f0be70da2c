/* naming_key.c: lays the deciding texts side by side, each behind its length, and hashes them at once. What naming.c reads must be here; what it cannot reach for a kind is left out, so that
 * addresses and URLs that change with every request do not defeat the memo.
 */
#include "topology/naming_key.h"

#include <string.h>

#include "topology/naming_priv.h"
#include "topology/naming_text.h"

enum { HEAD_SIZE = 4, LONG_SIZE = 0xFFFF, KEY_SIZE_USUAL = 512, DIMENSION_FIRST = 0x40 };

_Static_assert((int)ATTRIBUTE_COUNT <= (int)DIMENSION_FIRST &&
                   DIMENSION_FIRST + DIMENSIONS_MAX <= 0x80,
               "heads tell attributes, dimensions and the rest apart");

/* The texts are short: two words that overlap are quicker than a call. */
static inline void copy(char *to, const char *from, size_t size)
{
    if (size >= 16) {
        if (size > 32) {
            memcpy(to, from, size);
            return;
        }
        memcpy(to, from, 16);
        memcpy(to + size - 16, from + size - 16, 16);
    } else if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else {
        for (size_t i = 0; i < size; i++)
            to[i] = from[i];
    }
}

/* Appends a piece behind 16 bits that say which it is and 16 that say how long; a long one has its
 * length in full between. A failure is kept in `into`. */
static void add(struct buf *into, unsigned which, struct view text)
{
    uint32_t head = which | (uint32_t)(text.size < LONG_SIZE ? text.size : LONG_SIZE) << 16;
    char *at;

    if (into->capacity - into->size < HEAD_SIZE + sizeof(text.size) + text.size &&
        buf_reserve(into, HEAD_SIZE + sizeof(text.size) + text.size) != 0)
        return;
    at = into->data + into->size;
    memcpy(at, &head, HEAD_SIZE);
    at += HEAD_SIZE;
    if (text.size >= LONG_SIZE) {
        memcpy(at, &text.size, sizeof(text.size));
        at += sizeof(text.size);
    }
    copy(at, text.data, text.size);
    into->size = (size_t)(at - into->data) + text.size;
}

static void add_attribute(struct buf *into, const struct attributes *attributes,
                          enum attribute which)
{
    const struct attribute_value *value = &attributes->value[which];
    unsigned type = (unsigned)value->type << 8 | (unsigned)value->rank << 12;

    if (value->type == ATTRIBUTE_TEXT)
        add(into, which | type, value->text);
    else if (value->type != ATTRIBUTE_ABSENT)
        add(into, which | type, (struct view){(const char *)&value->number, 8});
}

static bool is_present(const struct attributes *attributes, enum attribute which)
{
    return (attributes->present >> which & 1) != 0;
}

/* What can name a callee. */
static void add_peer(struct buf *into, const struct attributes *span)
{
    const uint32_t direct = 1U << ATTRIBUTE_PEER_NAME | 1U << ATTRIBUTE_PEER_SERVICE |
                            1U << ATTRIBUTE_PEER_NAMESPACE | 1U << ATTRIBUTE_SERVER_ADDRESS |
                            1U << ATTRIBUTE_SERVER_PORT | 1U << ATTRIBUTE_DB_SYSTEM |
                            1U << ATTRIBUTE_DB_NAMESPACE | 1U << ATTRIBUTE_MESSAGING_SYSTEM |
                            1U << ATTRIBUTE_DESTINATION_TEMPLATE |
                            1U << ATTRIBUTE_DESTINATION_NAME |
                            1U << ATTRIBUTE_DESTINATION_TEMPORARY |
                            1U << ATTRIBUTE_DESTINATION_ANONYMOUS |
                            1U << ATTRIBUTE_MESSAGING_OPERATION | 1U << ATTRIBUTE_CONSUMER_GROUP |
                            1U << ATTRIBUTE_RPC_SERVICE | 1U << ATTRIBUTE_RPC_METHOD;

    for (uint32_t left = span->present & direct; left != 0; left &= left - 1)
        add_attribute(into, span, (enum attribute)__builtin_ctz(left));
    if (!is_present(span, ATTRIBUTE_SERVER_ADDRESS)) {
        add_attribute(into, span, ATTRIBUTE_NETWORK_PEER_ADDRESS);
        add_attribute(into, span, ATTRIBUTE_NETWORK_PEER_PORT);
    }
    if (is_present(span, ATTRIBUTE_URL_FULL))
        add(into, ATTRIBUTE_URL_FULL, naming_url_host(attribute_text(span, ATTRIBUTE_URL_FULL)));
}

/* A value of a dimension may decide as well; its number stands behind those of all attributes. */
static void add_dimensions(struct buf *into, const struct attributes *attributes)
{
    for (uint32_t left = attributes->dimensions_present; left != 0; left &= left - 1) {
        unsigned which = (unsigned)__builtin_ctz(left);
        const struct attribute_dimension *value = &attributes->dimension[which];
        add(into, (DIMENSION_FIRST + which) | (value->is_text ? 0x100U : 0), value->bytes);
    }
}

static void begin(struct buf *scratch)
{
    buf_reset(scratch);
    (void)buf_reserve(scratch, KEY_SIZE_USUAL); /* add() would try again. */
}

static int finish(const struct buf *scratch, uint64_t seed, struct hash128 *out_key)
{
    if (scratch->failed != 0)
        return STATUS_NOMEM;
    *out_key = hash128(scratch->data, scratch->size, seed);
    return 0;
}

int naming_key_resource(const struct attributes *resource, uint64_t seed, struct buf *scratch,
                        struct hash128 *out_key)
{
    begin(scratch);
    add_attribute(scratch, resource, ATTRIBUTE_SERVICE_NAME);
    add_attribute(scratch, resource, ATTRIBUTE_SERVICE_NAMESPACE);
    add_dimensions(scratch, resource);
    return finish(scratch, seed, out_key);
}

int naming_key_span(const struct hash128 *resource, const struct naming_input *input, uint64_t seed,
                    struct buf *scratch, struct hash128 *out_key)
{
    const struct attributes *span = input->span;
    unsigned family = (unsigned)input->kind | (span->has_messaging ? 8U : 0) |
                      (span->has_rpc ? 16U : 0) | (naming_is_database(span) ? 32U : 0);

    begin(scratch);
    add(scratch, 0x80 + family, (struct view){(const char *)resource, sizeof(*resource)});
    add(scratch, 0xFF, input->name);
    add_attribute(scratch, span, ATTRIBUTE_HTTP_ROUTE);
    if (input->kind == SPAN_KIND_CLIENT || input->kind == SPAN_KIND_PRODUCER ||
        input->kind == SPAN_KIND_CONSUMER)
        add_peer(scratch, span);
    add_dimensions(scratch, span);
    return finish(scratch, seed, out_key);
}
