/* attribute_names.h: the table of wanted attributes, for a decoder that has a key's bytes before it.
 * Is:         a place for each name that is found by its size and four of its bytes; generated from
 *             topology/semconv.tsv (scripts/semconv.sh). And the short way to keep a usual value of
 *             such a name; attributes.h has the way for any key and value.
 * Invariants: no two names share a place.
 * Threads:    the table is constant.
 */
#ifndef SPANMAP_TOPOLOGY_ATTRIBUTE_NAMES_H
#define SPANMAP_TOPOLOGY_ATTRIBUTE_NAMES_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/view.h"
#include "topology/attributes.h"

/* What a value must be. Those that take a text as it is come first, then, with one in common, those that
 * take a number so. */
enum attribute_name_type {
    ATTRIBUTE_NAME_TEXT,
    ATTRIBUTE_NAME_ANY,
    ATTRIBUTE_NAME_NUMBER,
    ATTRIBUTE_NAME_BOOLEAN,
    ATTRIBUTE_NAME_AUTHORITY,
    ATTRIBUTE_NAME_RATIO,
    ATTRIBUTE_NAME_RATE,
};

enum { ATTRIBUTE_NAMES = 256, ATTRIBUTE_NAME_SIZE_MIN = 8, ATTRIBUTE_NAME_SIZE_MAX = 40 };

struct attribute_name {
    alignas(64) char key[ATTRIBUTE_NAME_SIZE_MAX];
    uint64_t row;     /* The bit in attributes.seen that says that it came. */
    uint64_t meaning; /* The bit of its family there, or 0. */
    uint32_t present; /* The bit of its slot in attributes.present. */
    uint8_t size;     /* Of the key; 0: nothing stands here. */
    uint8_t slot;     /* enum attribute */
    uint8_t rank;
    uint8_t type; /* enum attribute_name_type */
};

_Static_assert(sizeof(struct attribute_name) == 64, "a line of the cache");

extern const struct attribute_name attribute_names[ATTRIBUTE_NAMES];
extern const uint32_t attribute_names_factor;

/* Where a key of at least ATTRIBUTE_NAME_SIZE_MIN bytes stands, if it is one of the wanted. */
static inline const struct attribute_name *attribute_name_place(const char *key, size_t size)
{
    uint32_t word;

    memcpy(&word, key + size - 6, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return &attribute_names[(word + (uint32_t)size) * attribute_names_factor >> 24];
}

/* Whether texts of `size` bytes, 8 to ATTRIBUTE_NAME_SIZE_MAX, are equal: by words that overlap. */
static inline bool attribute_name_equal(const char *a, const char *b, size_t size)
{
    if (size <= 16)
        return memcmp(a, b, 8) == 0 && memcmp(a + size - 8, b + size - 8, 8) == 0;
    return memcmp(a, b, 16) == 0 && memcmp(a + size - 16, b + size - 16, 16) == 0 &&
           (size <= 32 || memcmp(a + 16, b + 16, 8) == 0);
}

/* NULL: it is none of the wanted. */
static inline const struct attribute_name *attribute_name_find(const char *key, size_t size)
{
    const struct attribute_name *name = attribute_name_place(key, size);

    return name->size == size && attribute_name_equal(name->key, key, size) ? name : NULL;
}

/* Whether a key that is none of the wanted says something all the same: it may be of one of the families
 * whose mere presence does. */
static inline bool attribute_name_may_tell(const char *key)
{
    return memcmp(key, "rpc.", 4) == 0 || memcmp(key, "messagin", 8) == 0;
}

/* A copy of two members of the attributes, for who takes several and puts it back then. */
struct attributes_came {
    uint64_t seen;
    uint32_t present;
};

/* The place for a value of this name, and of the slot it shares, that comes first; NULL: it is not the
 * first. What is kept is written into it member by member: a whole value, put together elsewhere, would
 * have to wait for its parts. */
static inline struct attribute_value *attributes_first(struct attributes *attributes,
                                                       struct attributes_came *came,
                                                       const struct attribute_name *name)
{
    struct attribute_value *into = &attributes->value[name->slot];

    if ((came->seen & name->row) != 0 || (came->present & name->present) != 0)
        return NULL;
    came->seen |= name->row | name->meaning;
    came->present |= name->present;
    into->rank = name->rank;
    return into;
}

/* Keeps a value that is not empty. False: this is not its way, and nothing was done. */
static inline bool attributes_take_text(struct attributes *attributes, struct attributes_came *came,
                                        const struct attribute_name *name, struct view text)
{
    struct attribute_value *into;

    if (name->type > ATTRIBUTE_NAME_ANY)
        return false;
    into = attributes_first(attributes, came, name);
    if (into == NULL)
        return false;
    into->type = ATTRIBUTE_TEXT;
    into->text.data = text.data;
    into->text.size = text.size;
    return true;
}

static inline bool attributes_take_number(struct attributes *attributes,
                                          struct attributes_came *came,
                                          const struct attribute_name *name, int64_t number)
{
    struct attribute_value *into;

    if (name->type != ATTRIBUTE_NAME_NUMBER && name->type != ATTRIBUTE_NAME_ANY)
        return false;
    into = attributes_first(attributes, came, name);
    if (into == NULL)
        return false;
    into->type = ATTRIBUTE_NUMBER;
    into->number = number;
    return true;
}

#endif
