/* remote_set.h: which series were told.
 * Is:         names and labels of series, found by their texts, with what their families are.
 * Threads:    one owner at a time.
 * Memory:     the texts, and at most 48 bytes a series: bytes_max of all that together; 24 bytes a family.
 */
#ifndef SPANMAP_EXPORTERS_REMOTE_SET_H
#define SPANMAP_EXPORTERS_REMOTE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

/* What a receiver is told of a family. Its texts are there as long as the program is. */
struct remote_meta {
    const char *help;
    const char *unit; /* Empty: it has none. */
    uint32_t type;    /* The receiver's number of it. */
};

struct remote_entry {
    uint32_t text_at; /* Name, then labels as they were given. */
    uint32_t name_size;
    uint32_t labels_size;
    uint16_t meta;     /* Which of the set's. */
    bool is_histogram; /* Stands for all its samples. */
    bool seen;         /* Told again. */
};

struct remote_set {
    size_t bytes_max;
    struct buf texts;
    struct remote_entry *entries;
    uint32_t count;
    uint32_t room;
    uint32_t *slots; /* Number of an entry plus one; 0: free. */
    uint32_t slots_mask;
    struct remote_meta *metas; /* In the order that they came in. */
    uint32_t metas_count;
    uint32_t metas_room;
};

void remote_set_init(struct remote_set *set, size_t bytes_max);
void remote_set_release(struct remote_set *set);
void remote_set_reset(struct remote_set *set);

/* Series of one family come one after the other. Returns: 0; STATUS_TOO_LARGE, STATUS_NOMEM (the set has the
 * series that it had). */
MUST_USE int remote_set_add(struct remote_set *set, struct view name, struct view labels,
                            bool is_histogram, const struct remote_meta *meta);

/* NULL: it is not there. */
struct remote_entry *remote_set_find(const struct remote_set *set, struct view name,
                                     struct view labels);

static inline struct view remote_entry_name(const struct remote_set *set,
                                            const struct remote_entry *entry)
{
    return (struct view){set->texts.data + entry->text_at, entry->name_size};
}

static inline struct view remote_entry_labels(const struct remote_set *set,
                                              const struct remote_entry *entry)
{
    return (struct view){set->texts.data + entry->text_at + entry->name_size, entry->labels_size};
}

#endif
