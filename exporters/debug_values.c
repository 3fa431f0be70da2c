/* debug_values.c: which dimensions have most values, and which services most combinations.
 *
 * Equal sets of values are one text of the catalog, so that their addresses tell them apart.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "exporters/debug.h"
#include "exporters/escape.h"
#include "topology/dimensions.h"

enum { ROWS_MAX = 20, EXAMPLES = 3, EXAMPLE_BYTES_MAX = 80 };

/* Appends below drop their status: a failure sticks to the buffer. */

struct used_set {
    uint32_t service; /* Index among the nodes. */
    struct view packed;
};

static int compare_addresses(struct view a, struct view b)
{
    return (a.data > b.data) - (a.data < b.data);
}

static int by_service(const void *a, const void *b)
{
    const struct used_set *one = a;
    const struct used_set *other = b;

    if (one->service != other->service)
        return one->service < other->service ? -1 : 1;
    return compare_addresses(one->packed, other->packed);
}

static int by_set(const void *a, const void *b)
{
    return compare_addresses(((const struct used_set *)a)->packed,
                             ((const struct used_set *)b)->packed);
}

static int by_value(const void *a, const void *b)
{
    return view_compare(*(const struct view *)a, *(const struct view *)b);
}

/* Sorts, and leaves each once; how many there are then. */
static size_t unique(struct used_set *sets, size_t count,
                     int (*compare)(const void *a, const void *b))
{
    size_t kept = 0;

    if (count != 0)
        qsort(sets, count, sizeof(*sets), compare);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare(&sets[kept - 1], &sets[i]) != 0)
            sets[kept++] = sets[i];
    return kept;
}

/* ------------------------------------------------------------------ services */

struct amount {
    uint32_t service;
    uint32_t sets;
};

static int compare_amounts(const void *a, const void *b)
{
    const struct amount *one = a;
    const struct amount *other = b;

    if (one->sets != other->sets)
        return one->sets > other->sets ? -1 : 1;
    return (one->service > other->service) - (one->service < other->service);
}

/* `sets` are those of each service, by_service(); `amounts` has room for as many. */
static void write_services(struct buf *out, const struct snapshot *snapshot,
                           const struct used_set *sets, size_t count, struct amount *amounts)
{
    size_t rows = 0;

    for (size_t i = 0; i < count; i++) {
        if (rows == 0 || amounts[rows - 1].service != sets[i].service)
            amounts[rows++] = (struct amount){.service = sets[i].service};
        amounts[rows - 1].sets++;
    }
    if (rows != 0)
        qsort(amounts, rows, sizeof(*amounts), compare_amounts);
    (void)buf_append_text(out, "\"dimension_sets_by_service\": [");
    for (size_t i = 0; i < rows && i < ROWS_MAX; i++) {
        (void)buf_append_text(out, i != 0 ? ",\n    {\"node\": " : "\n    {\"node\": ");
        debug_write_node(out, &snapshot->nodes[amounts[i].service].node);
        (void)buf_printf(out, ", \"sets\": %u}", amounts[i].sets);
    }
    (void)buf_append_byte(out, ']');
}

/* ------------------------------------------------------------------ dimensions */

struct spread {
    unsigned which;
    size_t sets;   /* That have a value. */
    size_t values; /* That differ. */
    struct view examples[EXAMPLES];
};

static int compare_spreads(const void *a, const void *b)
{
    const struct spread *one = a;
    const struct spread *other = b;

    if (one->values != other->values)
        return one->values > other->values ? -1 : 1;
    return (one->which > other->which) - (one->which < other->which);
}

/* `values` has room for one of each set. */
static struct spread spread_of(unsigned which, const struct used_set *sets, size_t count,
                               struct view *values)
{
    struct spread spread = {.which = which};

    for (size_t i = 0; i < count; i++) {
        values[spread.sets] = dimension_value(sets[i].packed, which);
        spread.sets += values[spread.sets].size != 0;
    }
    if (spread.sets != 0)
        qsort(values, spread.sets, sizeof(*values), by_value);
    for (size_t i = 0; i < spread.sets; i++) {
        if (i != 0 && view_equal(values[i - 1], values[i]))
            continue;
        if (spread.values < EXAMPLES)
            spread.examples[spread.values] = values[i];
        spread.values++;
    }
    return spread;
}

static void write_spread(struct buf *out, const struct dimension *dimension,
                         const struct spread *spread)
{
    (void)buf_append_text(out, "{\"dimension\": \"");
    (void)escape_json(out, dimension->key);
    (void)buf_append_text(out, "\", \"label\": \"");
    (void)escape_json(out, dimension->label[DIMENSION_PLAIN]);
    (void)buf_printf(out, "\", \"values\": %zu, \"sets\": %zu, \"examples\": [", spread->values,
                     spread->sets);
    for (size_t i = 0; i < EXAMPLES && i < spread->values; i++) {
        struct view value = spread->examples[i];
        if (value.size > EXAMPLE_BYTES_MAX)
            value.size = EXAMPLE_BYTES_MAX; /* Half a character is repaired. */
        (void)buf_append_text(out, i != 0 ? ", \"" : "\"");
        (void)escape_json(out, value);
        (void)buf_append_byte(out, '"');
    }
    (void)buf_append_text(out, "]}");
}

static void write_dimensions(struct buf *out, const struct dimensions *dimensions,
                             const struct used_set *sets, size_t count, struct view *values)
{
    struct spread spreads[DIMENSIONS_MAX];
    uint32_t rows = dimensions != NULL ? dimensions->count : 0;

    for (unsigned i = 0; i < rows; i++)
        spreads[i] = spread_of(i, sets, count, values);
    if (rows != 0)
        qsort(spreads, rows, sizeof(*spreads), compare_spreads);
    (void)buf_append_text(out, "\"values_by_dimension\": [");
    for (uint32_t i = 0; i < rows; i++) {
        (void)buf_append_text(out, i != 0 ? ",\n    " : "\n    ");
        write_spread(out, &dimensions->items[spreads[i].which], &spreads[i]);
    }
    (void)buf_append_byte(out, ']');
}

int debug_write_values(const struct snapshot *snapshot, struct buf *out)
{
    size_t most = snapshot->operations_count + 1;
    struct used_set *sets = mem_calloc(most, sizeof(*sets));
    struct view *values = mem_calloc(most, sizeof(*values));
    struct amount *amounts = mem_calloc(most, sizeof(*amounts));
    size_t count = 0;
    int status = STATUS_NOMEM;

    if (sets == NULL || values == NULL || amounts == NULL)
        goto out;
    for (size_t i = 0; i < snapshot->operations_count; i++)
        if (snapshot->operations[i].dimensions.size != 0)
            sets[count++] = (struct used_set){snapshot->operations[i].service,
                                              snapshot->operations[i].dimensions};
    count = unique(sets, count, by_service);
    write_services(out, snapshot, sets, count, amounts);
    (void)buf_append_text(out, ",\n  ");
    count = unique(sets, count, by_set);
    write_dimensions(out, snapshot->dimensions, sets, count, values);
    status = out->failed;
out:
    mem_free(sets);
    mem_free(values);
    mem_free(amounts);
    return status;
}
