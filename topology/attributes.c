/* attributes.c: the way for any key and value; attribute_names.h has the short one.
 */
#include "topology/attributes.h"

#include <string.h>

#include "topology/attribute_names.h"
#include "topology/sampling.h"

#include "semconv_table.inc"

_Static_assert(ATTRIBUTE_COUNT <= 32, "`present` has a bit for each attribute");
_Static_assert(SEMCONV_ROWS <= 62, "`seen` has one for each row");

const struct attribute_value attribute_absent = {.type = ATTRIBUTE_ABSENT};

/* Notes the families whose mere presence says what a call is made to (N2). */
static void note_family(struct attributes *attributes, struct view key)
{
    if (key.size > 4 && memcmp(key.data, "rpc.", 4) == 0)
        attributes->seen |= ATTRIBUTES_RPC;
    else if (key.size > 10 && memcmp(key.data, "messaging.", 10) == 0)
        attributes->seen |= ATTRIBUTES_MESSAGING;
}

static const struct attribute_name *look_up(struct view key)
{
    if (key.size >= ATTRIBUTE_NAME_SIZE_MIN)
        return attribute_name_find(key.data, key.size);
    for (size_t i = 0; i < sizeof(short_names) / sizeof(short_names[0]); i++)
        if (view_equal(key, (struct view){short_names[i].key, short_names[i].size}))
            return &short_names[i];
    return NULL;
}

/* The name of a wanted key that comes for the first time. */
static const struct attribute_name *find(struct attributes *attributes, struct view key)
{
    const struct attribute_name *name = look_up(key);

    if (name == NULL)
        return NULL;
    if ((attributes->seen & name->row) != 0) {
        attributes->repeated++;
        return NULL;
    }
    attributes->seen |= name->row;
    return name;
}

/* Likewise, of a value that is not empty. */
static const struct attribute_name *find_value(struct attributes *attributes, struct view key)
{
    note_family(attributes, key);
    return find(attributes, key);
}

/* The place for a value of this name; NULL where a better one is there. */
static struct attribute_value *place(struct attributes *attributes,
                                     const struct attribute_name *name)
{
    struct attribute_value *into = &attributes->value[name->slot];

    if ((attributes->present & name->present) != 0 && into->rank < name->rank)
        return NULL;
    into->rank = name->rank;
    attributes->present |= name->present;
    return into;
}

static void keep_text(struct attributes *attributes, const struct attribute_name *name,
                      struct view text)
{
    struct attribute_value *into = place(attributes, name);

    if (into == NULL)
        return;
    into->type = ATTRIBUTE_TEXT;
    into->text = text;
}

static void keep_number(struct attributes *attributes, const struct attribute_name *name,
                        int64_t number)
{
    struct attribute_value *into = place(attributes, name);

    if (into == NULL)
        return;
    into->type = name->type == ATTRIBUTE_NAME_BOOLEAN ? ATTRIBUTE_BOOLEAN : ATTRIBUTE_NUMBER;
    into->number = number;
}

/* Digits only, at most 18 of them. */
static bool parse_number(struct view text, int64_t *out_number)
{
    int64_t number = 0;

    if (text.size == 0 || text.size > 18)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (text.data[i] - '0');
    }
    *out_number = number;
    return true;
}

/* At most 15 digits, one '.' among them: such a number is the nearest there is to the text. */
static bool parse_real(struct view text, double *out_number)
{
    static const double tens[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6, 1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};
    const char *point = memchr(text.data, '.', text.size);
    size_t whole = point != NULL ? (size_t)(point - text.data) : text.size;
    size_t places = point != NULL ? text.size - whole - 1 : 0;
    double number = 0;

    if (whole == 0 || (point != NULL && places == 0) || whole + places > 15)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (i == whole)
            continue;
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (text.data[i] - '0');
    }
    *out_number = number / tens[places];
    return true;
}

/* E16: what cannot be a ratio or a rate is as absent. */
static void keep_weight(struct attributes *attributes, const struct attribute_name *name,
                        double number)
{
    uint64_t weight = name->type == ATTRIBUTE_NAME_RATIO ? sampling_ratio_weight(number)
                                                         : sampling_rate_weight(number);

    if (weight != 0)
        keep_number(attributes, name, (int64_t)weight);
}

/* The host of `host`, `host:port` and `[v6]:port`. */
static struct view authority_host(struct view text)
{
    const char *colon;

    if (text.data[0] == '[') {
        const char *end = memchr(text.data, ']', text.size);
        return end != NULL ? (struct view){text.data + 1, (size_t)(end - text.data) - 1} : text;
    }
    colon = memchr(text.data, ':', text.size);
    if (colon == NULL ||
        memchr(colon + 1, ':', text.size - (size_t)(colon + 1 - text.data)) != NULL)
        return text; /* Without a port, or a bare IPv6 address. */
    return (struct view){text.data, (size_t)(colon - text.data)};
}

void attributes_offer_text(struct attributes *attributes, struct view key, struct view text)
{
    const struct attribute_name *name = text.size != 0 ? find_value(attributes, key)
                                                       : find(attributes, key);
    int64_t number = 0;
    double real = 0;

    if (name == NULL || text.size == 0)
        return;
    switch ((enum attribute_name_type)name->type) {
    case ATTRIBUTE_NAME_TEXT:
    case ATTRIBUTE_NAME_ANY:
        keep_text(attributes, name, text);
        break;
    case ATTRIBUTE_NAME_NUMBER:
        if (parse_number(text, &number))
            keep_number(attributes, name, number);
        break;
    case ATTRIBUTE_NAME_BOOLEAN:
        keep_number(attributes, name,
                    view_equal(text, VIEW("true")) || view_equal(text, VIEW("True")));
        break;
    case ATTRIBUTE_NAME_AUTHORITY:
        text = authority_host(text);
        if (text.size != 0)
            keep_text(attributes, name, text);
        break;
    case ATTRIBUTE_NAME_RATIO:
    case ATTRIBUTE_NAME_RATE:
        if (parse_real(text, &real))
            keep_weight(attributes, name, real);
        break;
    }
}

void attributes_offer_number(struct attributes *attributes, struct view key, int64_t number)
{
    const struct attribute_name *name = find_value(attributes, key);

    if (name != NULL && (name->type == ATTRIBUTE_NAME_NUMBER || name->type == ATTRIBUTE_NAME_ANY))
        keep_number(attributes, name, number);
    else if (name != NULL &&
             (name->type == ATTRIBUTE_NAME_RATIO || name->type == ATTRIBUTE_NAME_RATE))
        keep_weight(attributes, name, (double)number);
}

void attributes_offer_real(struct attributes *attributes, struct view key, double number)
{
    const struct attribute_name *name = find_value(attributes, key);

    if (name != NULL && (name->type == ATTRIBUTE_NAME_RATIO || name->type == ATTRIBUTE_NAME_RATE))
        keep_weight(attributes, name, number);
}

void attributes_offer_boolean(struct attributes *attributes, struct view key, bool value)
{
    const struct attribute_name *name = find_value(attributes, key);

    if (name != NULL && name->type == ATTRIBUTE_NAME_BOOLEAN)
        keep_number(attributes, name, value);
}

void attributes_offer_other(struct attributes *attributes, struct view key)
{
    (void)find_value(attributes, key); /* Notes the key's family. */
}

void attributes_offer_empty(struct attributes *attributes, struct view key)
{
    (void)find(attributes, key); /* Notes that it came. */
}

void attributes_offer_dimension(struct attributes *attributes, struct view key,
                                struct attribute_dimension value)
{
    unsigned which = dimensions_find(attributes->dimensions, key);

    if (which == DIMENSIONS_MAX)
        return;
    if ((attributes->dimensions_seen >> which & 1) != 0) {
        /* A key that has a meaning of its own was counted there. */
        attributes->repeated += look_up(key) == NULL;
        return;
    }
    attributes->dimensions_seen |= 1U << which;
    if (value.bytes.size == 0)
        return;
    attributes->dimensions_present |= 1U << which;
    attributes->dimension[which] = value;
}

static void let_through(uint32_t filter[ATTRIBUTES_FILTER], const char *key, size_t size)
{
    if (size != 0)
        filter[size < ATTRIBUTES_FILTER ? size : ATTRIBUTES_FILTER - 1] |= 1U << (key[0] & 31);
}

void attributes_make_filter(const struct dimensions *dimensions,
                            uint32_t out_filter[ATTRIBUTES_FILTER])
{
    const struct view families[] = {VIEW("messaging."), VIEW("rpc.")};

    memset(out_filter, 0, ATTRIBUTES_FILTER * sizeof(*out_filter));
    for (size_t i = 0; i < ATTRIBUTE_NAMES; i++)
        let_through(out_filter, attribute_names[i].key, attribute_names[i].size);
    for (size_t i = 0; i < sizeof(short_names) / sizeof(short_names[0]); i++)
        let_through(out_filter, short_names[i].key, short_names[i].size);
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        for (size_t size = families[i].size + 1; size <= ATTRIBUTES_FILTER; size++)
            let_through(out_filter, families[i].data, size);
    for (size_t i = 0; dimensions != NULL && i < dimensions->count; i++)
        let_through(out_filter, dimensions->items[i].key.data, dimensions->items[i].key.size);
}
