/* naming_key.c: a keyed sum over the deciding texts. What naming.c reads must be here; what it cannot
 * reach for a kind is left out, so that addresses and URLs that change with every request do not defeat
 * the memo.
 *
 * A piece is two words, which hold its text (of a long one, the last 16 bytes and what the others were
 * folded to), and a head, which tells texts of different sizes and types apart. The sum is
 *
 *     (front + k1) * (back + k2) + head * k3     over all pieces, in 128 bits,
 *
 * with random k of each piece: NH, the hash of UMAC, for which two different inputs meet with a chance of
 * 2^-64, whoever chose them, as long as the k are unknown. Nothing is copied, and pieces may come in any
 * order.
 */
#include "topology/naming_key.h"

#include <string.h>

#include "topology/naming_priv.h"
#include "topology/naming_text.h"

_Static_assert(ATTRIBUTE_COUNT <= 32, "`present` has a bit for each");

typedef unsigned __int128 sum;

struct pair {
    uint64_t front;
    uint64_t back;
};

/* ------------------------------------------------------------------ pieces */

static inline uint64_t load64(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint64_t load32(const char *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

/* All of a text of at most 16 bytes: with its size, each byte is told by these. */
static inline struct pair short_text(struct view text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;

    if (text.size >= 8)
        return (struct pair){load64(text.data), load64(text.data + text.size - 8)};
    if (text.size >= 4)
        return (struct pair){load32(text.data), load32(text.data + text.size - 4)};
    if (text.size == 0)
        return (struct pair){0, 0};
    return (struct pair){bytes[0] | (uint64_t)bytes[text.size / 2] << 8, bytes[text.size - 1]};
}

/* The last 16 bytes, and those before them folded into them. */
static inline struct pair long_text(const struct naming_keys *keys, struct view text)
{
    struct pair chain = {keys->chain[0], keys->chain[1]};

    for (; text.size > 16; text.data += 16, text.size -= 16) {
        sum folded = (sum)(load64(text.data) + chain.front) * (load64(text.data + 8) + chain.back);
        chain = (struct pair){(uint64_t)folded ^ keys->chain[1],
                              (uint64_t)(folded >> 64) ^ keys->chain[0]};
    }
    text.data -= 16 - text.size; /* There are as many before it. */
    return (struct pair){load64(text.data) ^ chain.front, load64(text.data + 8) ^ chain.back};
}

static inline sum piece(const struct naming_keys *keys, unsigned which, uint64_t head,
                        struct pair pair)
{
    const struct naming_key_words *words = &keys->words[which];

    return (sum)(pair.front + words->front) * (pair.back + words->back) + (sum)head * words->head;
}

/* `form` is below 256 and not 0. */
static inline sum text_piece(const struct naming_keys *keys, unsigned which, unsigned form,
                             struct view text)
{
    struct pair pair = text.size <= 16 ? short_text(text) : long_text(keys, text);

    return piece(keys, which, form | (uint64_t)text.size << 8, pair);
}

static inline sum attribute_piece(const struct naming_keys *keys,
                                  const struct attributes *attributes, unsigned which)
{
    const struct attribute_value *value = &attributes->value[which];
    unsigned form = (unsigned)value->type << 4 | value->rank;

    if (value->type == ATTRIBUTE_TEXT)
        return text_piece(keys, which, form, value->text);
    return piece(keys, which, form, (struct pair){(uint64_t)value->number, 0});
}

static sum attribute_pieces(const struct naming_keys *keys, const struct attributes *attributes,
                            uint32_t wanted)
{
    sum total = 0;

    for (uint32_t left = attributes->present & wanted; left != 0; left &= left - 1)
        total += attribute_piece(keys, attributes, (unsigned)__builtin_ctz(left));
    return total;
}

/* ------------------------------------------------------------------ what decides */

#define BIT(name) (1U << ATTRIBUTE_##name)

/* What can name a callee, but for URLs. */
static const uint32_t peer_bits = BIT(PEER_NAME) | BIT(PEER_SERVICE) | BIT(PEER_NAMESPACE) |
                                  BIT(SERVER_ADDRESS) | BIT(SERVER_PORT) | BIT(DB_SYSTEM) |
                                  BIT(DB_NAMESPACE) | BIT(MESSAGING_SYSTEM) |
                                  BIT(DESTINATION_TEMPLATE) | BIT(DESTINATION_NAME) |
                                  BIT(DESTINATION_TEMPORARY) | BIT(DESTINATION_ANONYMOUS) |
                                  BIT(MESSAGING_OPERATION) | BIT(CONSUMER_GROUP) |
                                  BIT(RPC_SERVICE) | BIT(RPC_METHOD);

/* And where there is no address of a server. */
static const uint32_t network_bits = BIT(NETWORK_PEER_ADDRESS) | BIT(NETWORK_PEER_PORT);

/* Whether the host of the URL may name the callee. */
static bool reads_url(const struct naming_keys *keys, const struct attributes *span)
{
    if ((span->present & BIT(URL_FULL)) == 0 || keys->url == NAMING_URL_NEVER)
        return false;
    return keys->url == NAMING_URL_ALWAYS || (span->present & BIT(SERVER_ADDRESS)) == 0 ||
           !naming_is_no_ip(span->value[ATTRIBUTE_SERVER_ADDRESS].text);
}

/* A value of a dimension may decide as well. */
static sum dimension_pieces(const struct naming_keys *keys, const struct attributes *attributes)
{
    sum total = 0;

    for (uint32_t left = attributes->dimensions_present; left != 0; left &= left - 1) {
        unsigned which = (unsigned)__builtin_ctz(left);
        const struct attribute_dimension *value = &attributes->dimension[which];
        total += text_piece(keys, NAMING_KEY_DIMENSION + which, value->is_text ? 2 : 1,
                            value->bytes);
    }
    return total;
}

/* ------------------------------------------------------------------ keys */

/* The sum is spread: a memo takes its place from the low bits. */
static inline struct hash128 finish(const struct naming_keys *keys, sum total)
{
    uint64_t low = (uint64_t)total;
    uint64_t high = (uint64_t)(total >> 64);
    sum one = (sum)(low ^ keys->last[0]) * (high ^ keys->last[1]);
    sum other = (sum)(low ^ keys->last[2]) * (high ^ keys->last[3]);

    return (struct hash128){(uint64_t)one ^ (uint64_t)(one >> 64),
                            (uint64_t)other ^ (uint64_t)(other >> 64)};
}

static uint64_t draw(uint64_t seed, uint64_t *number)
{
    (*number)++;
    return hash64(number, sizeof(*number), seed);
}

void naming_keys_init(struct naming_keys *keys, const struct naming *naming, uint64_t seed)
{
    uint64_t number = 0;

    for (size_t i = 0; i < NAMING_KEY_PIECES; i++) {
        keys->words[i].front = draw(seed, &number);
        keys->words[i].back = draw(seed, &number);
        keys->words[i].head = draw(seed, &number);
    }
    for (size_t i = 0; i < 2; i++)
        keys->chain[i] = draw(seed, &number);
    for (size_t i = 0; i < 4; i++)
        keys->last[i] = draw(seed, &number);
    keys->url = naming_url(naming);
}

struct hash128 naming_key_resource(const struct naming_keys *keys,
                                   const struct attributes *resource)
{
    return finish(keys,
                  attribute_pieces(keys, resource, BIT(SERVICE_NAME) | BIT(SERVICE_NAMESPACE)) +
                      dimension_pieces(keys, resource));
}

struct hash128 naming_key_span(const struct naming_keys *keys, const struct hash128 *resource,
                               const struct naming_input *input)
{
    const struct attributes *span = input->span;
    unsigned family = (unsigned)input->kind | (attributes_has_messaging(span) ? 8U : 0) |
                      (attributes_has_rpc(span) ? 16U : 0) | (naming_is_database(span) ? 32U : 0);
    uint32_t wanted = BIT(HTTP_ROUTE);
    sum total = piece(keys, NAMING_KEY_SERVICE, family,
                      (struct pair){resource->low, resource->high}) +
                text_piece(keys, NAMING_KEY_NAME, 1, input->name);

    if (input->kind == SPAN_KIND_CLIENT || input->kind == SPAN_KIND_PRODUCER ||
        input->kind == SPAN_KIND_CONSUMER) {
        wanted |= peer_bits;
        if ((span->present & BIT(SERVER_ADDRESS)) == 0)
            wanted |= network_bits;
        if (reads_url(keys, span))
            total += text_piece(keys, ATTRIBUTE_URL_FULL, 1,
                                naming_url_host(attribute_text(span, ATTRIBUTE_URL_FULL)));
    }
    total += attribute_pieces(keys, span, wanted);
    if (span->dimensions_present != 0)
        total += dimension_pieces(keys, span);
    return finish(keys, total);
}
