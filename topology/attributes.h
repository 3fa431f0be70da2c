/* attributes.h: the few attributes that the topology reads, picked out of all that come.
 * Is:         one slot per meaning; the old and new names of the semantic conventions that share
 *             it are ranked, and the best rank that is there wins. The table of names is generated
 *             from topology/semconv.tsv. Beside them, the values of configured dimensions, as they
 *             came.
 * Invariants: of equal keys the first stays, whatever its value (OTLP A31); an empty value is as
 *             absent.
 * Threads:    plain data; the generated table is constant.
 * Memory:     borrows the texts from the message.
 * Source:     spec SEMCONV; TOPOLOGY N2, N3, E13.
 */
#ifndef SPANMAP_TOPOLOGY_ATTRIBUTES_H
#define SPANMAP_TOPOLOGY_ATTRIBUTES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "topology/dimensions.h"

/* Meanings. The names behind each stand in semconv.tsv. */
enum attribute {
    ATTRIBUTE_SERVICE_NAME, /* Resource. */
    ATTRIBUTE_SERVICE_NAMESPACE,
    ATTRIBUTE_SERVICE_INSTANCE,
    ATTRIBUTE_PEER_NAME,
    ATTRIBUTE_PEER_SERVICE, /* The older peer.service, which stands in for a peer that is the caller. */
    ATTRIBUTE_PEER_NAMESPACE,
    ATTRIBUTE_SERVER_ADDRESS, /* with net.peer.name and older */
    ATTRIBUTE_SERVER_PORT,
    ATTRIBUTE_NETWORK_PEER_ADDRESS,
    ATTRIBUTE_NETWORK_PEER_PORT,
    ATTRIBUTE_URL_FULL,
    ATTRIBUTE_HTTP_ROUTE,
    ATTRIBUTE_HTTP_STATUS,
    ATTRIBUTE_DB_SYSTEM,
    ATTRIBUTE_DB_NAMESPACE, /* db.namespace, db.name and older */
    ATTRIBUTE_MESSAGING_SYSTEM,
    ATTRIBUTE_DESTINATION_TEMPLATE,
    ATTRIBUTE_DESTINATION_NAME,
    ATTRIBUTE_DESTINATION_TEMPORARY, /* boolean */
    ATTRIBUTE_DESTINATION_ANONYMOUS, /* boolean */
    ATTRIBUTE_MESSAGING_OPERATION,   /* messaging.operation.type, messaging.operation */
    ATTRIBUTE_CONSUMER_GROUP,
    ATTRIBUTE_RPC_SYSTEM,
    ATTRIBUTE_RPC_SERVICE, /* legacy: rpc.method without a '/' goes with it */
    ATTRIBUTE_RPC_METHOD,
    ATTRIBUTE_RPC_STATUS,
    ATTRIBUTE_SAMPLING_RATIO, /* Both as a weight: how many spans the span stands for. */
    ATTRIBUTE_SAMPLE_RATE,
    ATTRIBUTE_COUNT,
};

struct attribute_value {
    enum { ATTRIBUTE_ABSENT, ATTRIBUTE_TEXT, ATTRIBUTE_NUMBER, ATTRIBUTE_BOOLEAN } type;
    uint8_t rank; /* 0 is the current name; older names rank higher. */
    struct view text;
    int64_t number; /* Also 0 or 1 for a boolean. */
};

/* Of a dimension: a text, or any other value in the encoding of the message, for which another part
 * is responsible. */
struct attribute_dimension {
    struct view bytes;
    bool is_text;
};

/* In `seen`, beside the rows: any key that starts with "messaging.", or with "rpc.", and a value that is
 * not empty. */
#define ATTRIBUTES_MESSAGING (UINT64_C(1) << 63)
#define ATTRIBUTES_RPC (UINT64_C(1) << 62)

struct attributes {
    struct attribute_value value[ATTRIBUTE_COUNT]; /* To be read by attribute_at(). */
    uint32_t present;  /* Bit i: value[i] is there; else it is left from before. */
    uint64_t seen;     /* Bit i: row i of semconv.tsv came, if only empty; ATTRIBUTES_*. */
    uint32_t repeated; /* Keys that came again and were left; goes on over a reset. */
    const struct dimensions
        *dimensions;             /* NULL: there are none. Set before use, stays over a reset. */
    uint32_t dimensions_present; /* Bit i: dimension[i] is there, */
    uint32_t dimensions_seen;    /* if only empty. */
    struct attribute_dimension dimension[DIMENSIONS_MAX];
};

static inline void attributes_reset(struct attributes *attributes)
{
    attributes->present = 0;
    attributes->seen = 0;
    attributes->dimensions_present = attributes->dimensions_seen = 0;
}

/* Which keys can have an effect at all, for who may leave the others out: bit (first byte & 31) of word
 * min(size, 63). With the keys of dimensions, unless they are NULL. */
enum { ATTRIBUTES_FILTER = 64 };
void attributes_make_filter(const struct dimensions *dimensions,
                            uint32_t out_filter[ATTRIBUTES_FILTER]);

/* Offer one attribute; keeps it if its key is wanted and nothing better is there. */
void attributes_offer_text(struct attributes *attributes, struct view key, struct view text);
void attributes_offer_number(struct attributes *attributes, struct view key, int64_t number);
void attributes_offer_real(struct attributes *attributes, struct view key, double number);
void attributes_offer_boolean(struct attributes *attributes, struct view key, bool value);

/* A value of another type: it only says that the key is there. */
void attributes_offer_other(struct attributes *attributes, struct view key);

/* An empty value, or none: a later one of the same key does not count. */
void attributes_offer_empty(struct attributes *attributes, struct view key);

/* Offers any value to the dimensions, if there are some. An empty one only says that it came. */
void attributes_offer_dimension(struct attributes *attributes, struct view key,
                                struct attribute_dimension value);

static inline bool attributes_has_messaging(const struct attributes *attributes)
{
    return (attributes->seen & ATTRIBUTES_MESSAGING) != 0;
}

static inline bool attributes_has_rpc(const struct attributes *attributes)
{
    return (attributes->seen & ATTRIBUTES_RPC) != 0;
}

static inline bool attribute_is_present(const struct attributes *attributes, enum attribute which)
{
    return (attributes->present >> which & 1) != 0;
}

extern const struct attribute_value attribute_absent;

static inline const struct attribute_value *attribute_at(const struct attributes *attributes,
                                                         enum attribute which)
{
    return attribute_is_present(attributes, which) ? &attributes->value[which] : &attribute_absent;
}

static inline struct view attribute_text(const struct attributes *attributes, enum attribute which)
{
    const struct attribute_value *value = &attributes->value[which];

    return attribute_is_present(attributes, which) && value->type == ATTRIBUTE_TEXT
               ? value->text
               : (struct view){NULL, 0};
}

#endif
