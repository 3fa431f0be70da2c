/* reload.c: fields by their rows; what reloads is a number, a word or a yes. */
#include "engine/reload.h"

#include <string.h>

#include "base/check.h"

static const void *field_of(const struct option_row *row, const struct options *options)
{
    return (const char *)options + row->offset;
}

/* Of a field without memory of its own. */
static size_t size_of(const struct option_row *row)
{
    switch (row->type) {
    case OPTION_BOOL:
        return sizeof(bool);
    case OPTION_ENUM:
        return sizeof(int);
    case OPTION_COUNT:
    case OPTION_BYTES:
    case OPTION_DURATION:
        return sizeof(uint64_t);
    case OPTION_RATIO:
        return sizeof(double);
    case OPTION_TEXT:
    case OPTION_TEXTS:
    case OPTION_PAIRS:
        break;
    }
    return 0;
}

static bool texts_equal(const struct option_texts *a, const struct option_texts *b)
{
    bool is_equal = a->count == b->count;

    for (size_t i = 0; is_equal && i < a->count; i++)
        is_equal = view_equal(a->items[i], b->items[i]);
    return is_equal;
}

static bool pairs_equal(const struct option_pairs *a, const struct option_pairs *b)
{
    bool is_equal = a->count == b->count;

    for (size_t i = 0; is_equal && i < a->count; i++)
        is_equal = view_equal(a->items[i].key, b->items[i].key) &&
                   view_equal(a->items[i].value, b->items[i].value);
    return is_equal;
}

static bool is_equal(const struct option_row *row, const struct options *a, const struct options *b)
{
    switch (row->type) {
    case OPTION_TEXT:
        return view_equal(*(const struct view *)field_of(row, a),
                          *(const struct view *)field_of(row, b));
    case OPTION_TEXTS:
        return texts_equal(field_of(row, a), field_of(row, b));
    case OPTION_PAIRS:
        return pairs_equal(field_of(row, a), field_of(row, b));
    default:
        return memcmp(field_of(row, a), field_of(row, b), size_of(row)) == 0;
    }
}

int reload_compare(const struct options *now, const struct options *fresh, struct buf *out_taken,
                   struct buf *out_left)
{
    for (size_t i = 0; i < spanmap_options.count; i++) {
        const struct option_row *row = &spanmap_options.rows[i];
        struct buf *out = row->reloads ? out_taken : out_left;
        if (!is_equal(row, now, fresh))
            (void)buf_printf(out, "%s%s", out->size != 0 ? " " : "", row->key);
    }
    return out_taken->failed != 0 ? out_taken->failed : out_left->failed;
}

void reload_take(struct options *into, const struct options *from)
{
    for (size_t i = 0; i < spanmap_options.count; i++) {
        const struct option_row *row = &spanmap_options.rows[i];
        if (!row->reloads)
            continue;
        CHECK(size_of(row) != 0);
        memcpy((char *)into + row->offset, field_of(row, from), size_of(row));
    }
}
