/* option.h: one table of options over one struct.
 * Is:         a row says all about an option: key, type, unit, default, bounds, words, prose; from
 *             it come the parser of its value, its text, its help and its documentation.
 * Is not:     a file format (engine/config.h), and it knows no particular option (engine/options.h).
 * Invariants: a field is inside its row's bounds at any time after option_table_init(). A failed set
 *             leaves the field as it was. What option_print() writes, option_set() reads
 *             back to an equal field.
 * Threads:    plain data; one owner at a time while it is written.
 * Memory:     texts and lists belong to the object, each within its row's `max`.
 */
#ifndef SPANMAP_BASE_OPTION_H
#define SPANMAP_BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

/* With the field that stands at the row's offset. */
enum option_type {
    OPTION_BOOL,     /* bool: true, false */
    OPTION_COUNT,    /* uint64_t: 4096 */
    OPTION_BYTES,    /* uint64_t: 64MiB, 1GB, 65536 */
    OPTION_DURATION, /* uint64_t, nanoseconds: 10s, 1h30m, 250ms */
    OPTION_RATIO,    /* double: 0.25, 25% */
    OPTION_TEXT,     /* struct view, owned and terminated by a zero that it does not count */
    OPTION_ENUM,     /* int: the number of the word among the row's choices */
    OPTION_TEXTS,    /* struct option_texts */
    OPTION_PAIRS,    /* struct option_pairs */
};

struct option_texts {
    struct view *items; /* Owned; each terminated by a zero that it does not count. */
    size_t count;
};

struct option_pair {
    struct view key;
    struct view value;
};

struct option_pairs {
    struct option_pair *items; /* In the order in which they were written; owned likewise. */
    size_t count;
};

struct option_row {
    const char *key; /* Parts joined by dots: "listen.grpc". Rows of one section stand together. */
    enum option_type type;
    size_t offset;
    const char *initial; /* The default's text. NULL for lists, which start empty. */
    const char *unit;    /* Of a count: "connections". NULL: none. */
    uint64_t min;        /* Of a number, in the field's unit; of a text, bytes; of a list, items. */
    uint64_t max;        /* Of a ratio, both are whole numbers. */
    const char *zero;    /* The word for 0, which is allowed then: "auto". NULL: none. */
    const char *const *choices; /* Of an enum; ends with NULL. */
    const char *form;           /* What is allowed, where type and bounds do not say it; or NULL. */
    const char *prose;          /* Sentences. The first stands alone in --help. */
    bool reloads;               /* Takes effect while running. */
    bool secret;                /* Printed as ***; of pairs, their values. Not for lists. */
    /* Judges a field of this row's type beyond its bounds; NULL: nothing more to judge. On failure
     * out_error gets what is wrong with it, without the key; at most 255 bytes.
     * Returns: 0; STATUS_INVALID; STATUS_NOMEM. */
    int (*check)(const void *field, char out_error[256]);
};

struct option_table {
    const struct option_row *rows;
    size_t count;
    size_t object_size; /* Of the struct that the offsets mean. */
};

/* Fills an object with the defaults. Returns: 0; STATUS_NOMEM (the object is released). */
MUST_USE int option_table_init(const struct option_table *table, void *object);
void option_table_release(const struct option_table *table, void *object);

/* NULL: there is no option of this key. */
const struct option_row *option_find(const struct option_table *table, struct view key);

/* Whether some key starts with these parts: "listen" of "listen.grpc". */
bool option_is_section(const struct option_table *table, struct view key);

/* Sets one field from text. Lists take one item, which becomes the whole list; pairs take none.
 * On failure out_error says what is wrong and what is allowed, without the key.
 * Returns: 0; STATUS_INVALID (not of this type, or refused by `check`); STATUS_RANGE; STATUS_NOMEM.
 */
MUST_USE int option_set(const struct option_row *row, void *object, struct view text,
                        char out_error[256]);

/* Sets a list, whose items are copied. out_bad is the number of the item that is at fault.
 * Returns: as option_set(). */
MUST_USE int option_set_texts(const struct option_row *row, void *object, const struct view *items,
                              size_t count, char out_error[256], size_t *out_bad);
MUST_USE int option_set_pairs(const struct option_row *row, void *object,
                              const struct option_pair *items, size_t count, char out_error[256],
                              size_t *out_bad);

/* Appends the field's canonical text: of a number its shortest exact form. Of lists nothing: they
 * have no text of their own (option_yaml.h). Returns: as buf_append(). */
int option_print(const struct option_row *row, const void *object, struct buf *out);

/* Appends what the row allows, in words: "a duration from 1ms to 1h, such as 10s".
 * Returns: as buf_append(). */
int option_print_allowed(const struct option_row *row, struct buf *out);

/* "duration", "bytes", "list of texts", ... */
const char *option_type_name(enum option_type type);

#endif
