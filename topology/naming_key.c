/* naming_key.c: lays the deciding texts side by side, each behind its length, and hashes them at
 * once. What naming.c reads must be here; what it cannot reach for a kind is left out, so that
 * addresses and URLs that change with every request do not defeat the memo.
 */
#include "topology/naming_key.h"

#include <string.h>

#include "topology/naming_priv.h"
#include "topology/naming_text.h"

enum { PIECES_MAX = 24, PIECE_HEAD = 8 };

/* What one key is made of, gathered first, so that the buffer is reserved once. */
struct pieces {
    struct view text[PIECES_MAX];
    uint64_t head[PIECES_MAX]; /* Which piece, its type and its length. */
    size_t count;
    size_t size;
};

static void add(struct pieces *pieces, unsigned which, struct view text)
{
    pieces->text[pieces->count] = text;
    pieces->head[pieces->count++] = (uint64_t)text.size << 16 | which;
    pieces->size += text.size + PIECE_HEAD;
}

static void add_attribute(struct pieces *pieces, const struct attributes *attributes,
                          enum attribute which)
{
    const struct attribute_value *value = &attributes->value[which];
    unsigned type = (unsigned)value->type << 8 | (unsigned)value->rank << 12;

    if (value->type == ATTRIBUTE_TEXT)
        add(pieces, which | type, value->text);
    else if (value->type != ATTRIBUTE_ABSENT)
        add(pieces, which | type, (struct view){(const char *)&value->number, 8});
}

static bool is_present(const struct attributes *attributes, enum attribute which)
{
    return (attributes->present >> which & 1) != 0;
}

/* What can name a callee. */
static void add_peer(struct pieces *pieces, const struct attributes *span)
{
    const uint32_t direct = 1U << ATTRIBUTE_PEER_NAME | 1U << ATTRIBUTE_PEER_SERVICE |
                            1U << ATTRIBUTE_PEER_NAMESPACE | 1U << ATTRIBUTE_SERVER_ADDRESS |
                            1U << ATTRIBUTE_SERVER_PORT | 1U << ATTRIBUTE_DB_SYSTEM |
                            1U << ATTRIBUTE_DB_NAMESPACE | 1U << ATTRIBUTE_MESSAGING_SYSTEM |
                            1U << ATTRIBUTE_DESTINATION_TEMPLATE |
                            1U << ATTRIBUTE_DESTINATION_NAME |
                            1U << ATTRIBUTE_DESTINATION_TEMPORARY |
                            1U << ATTRIBUTE_DESTINATION_ANONYMOUS | 1U << ATTRIBUTE_RPC_SERVICE |
                            1U << ATTRIBUTE_RPC_METHOD;

    for (uint32_t left = span->present & direct; left != 0; left &= left - 1)
        add_attribute(pieces, span, (enum attribute)__builtin_ctz(left));
    if (!is_present(span, ATTRIBUTE_SERVER_ADDRESS)) {
        add_attribute(pieces, span, ATTRIBUTE_NETWORK_PEER_ADDRESS);
        add_attribute(pieces, span, ATTRIBUTE_NETWORK_PEER_PORT);
    }
    if (is_present(span, ATTRIBUTE_URL_FULL))
        add(pieces, ATTRIBUTE_URL_FULL, naming_url_host(attribute_text(span, ATTRIBUTE_URL_FULL)));
}

static int hash(const struct pieces *pieces, uint64_t seed, struct buf *scratch,
                struct hash128 *out_key)
{
    char *at;

    buf_reset(scratch);
    if (buf_reserve(scratch, pieces->size) != 0)
        return STATUS_NOMEM;
    at = scratch->data;
    for (size_t i = 0; i < pieces->count; i++) {
        memcpy(at, &pieces->head[i], PIECE_HEAD);
        at += PIECE_HEAD;
        if (pieces->text[i].size != 0)
            memcpy(at, pieces->text[i].data, pieces->text[i].size);
        at += pieces->text[i].size;
    }
    *out_key = hash128(scratch->data, pieces->size, seed);
    return 0;
}

int naming_key_resource(const struct attributes *resource, uint64_t seed, struct buf *scratch,
                        struct hash128 *out_key)
{
    struct pieces pieces;

    pieces.count = pieces.size = 0;
    add_attribute(&pieces, resource, ATTRIBUTE_SERVICE_NAME);
    add_attribute(&pieces, resource, ATTRIBUTE_SERVICE_NAMESPACE);
    return hash(&pieces, seed, scratch, out_key);
}

int naming_key_span(const struct hash128 *resource, const struct naming_input *input, uint64_t seed,
                    struct buf *scratch, struct hash128 *out_key)
{
    const struct attributes *span = input->span;
    struct pieces pieces;
    unsigned family = (unsigned)input->kind | (span->has_messaging ? 8U : 0) |
                      (span->has_rpc ? 16U : 0) | (naming_is_database(span) ? 32U : 0);

    pieces.count = pieces.size = 0;
    add(&pieces, 0x80 + family, (struct view){(const char *)resource, sizeof(*resource)});
    add(&pieces, 0xFF, input->name);
    add_attribute(&pieces, span, ATTRIBUTE_HTTP_ROUTE);
    if (input->kind == SPAN_KIND_CLIENT || input->kind == SPAN_KIND_PRODUCER ||
        input->kind == SPAN_KIND_CONSUMER)
        add_peer(&pieces, span);
    return hash(&pieces, seed, scratch, out_key);
}
