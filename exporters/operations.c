/* operations.c: the series of one service stand together; those of one name and kind are one row. */
#include "exporters/operations.h"

#include <stdlib.h>

#include "base/mem.h"
#include "exporters/debug.h"
#include "exporters/json.h"
#include "exporters/map_graph.h"
#include "exporters/node_find.h"
#include "exporters/number.h"
#include "topology/span.h"

struct row {
    const struct snapshot_operation *first; /* Of its series in the snapshot. */
    size_t parts;
    uint64_t calls; /* Sums of weights. */
    uint64_t failed;
};

/* ---------------------------------------------------------------------- rows */

static bool is_same_row(const struct snapshot_operation *a, const struct snapshot_operation *b)
{
    return a->kind == b->kind && a->overflow == b->overflow && view_equal(a->name, b->name);
}

static size_t gather(const struct snapshot *snapshot, uint32_t node, struct row *rows)
{
    size_t count = 0;

    for (size_t i = 0; i < snapshot->operations_count; i++) {
        const struct snapshot_operation *operation = &snapshot->operations[i];
        if (operation->service != node)
            continue;
        if (count == 0 || !is_same_row(rows[count - 1].first, operation))
            rows[count++] = (struct row){.first = operation};
        rows[count - 1].parts++;
        rows[count - 1].calls += operation->calls;
        if (operation->status == SPAN_STATUS_ERROR)
            rows[count - 1].failed += operation->calls;
    }
    return count;
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *one = a;
    const struct row *other = b;

    if (one->calls != other->calls)
        return one->calls > other->calls ? -1 : 1;
    return (one->first > other->first) - (one->first < other->first); /* In the snapshot's order. */
}

/* ------------------------------------------------------------------- writing */

static const struct histogram *latency_of(const struct snapshot_operation *operation, bool is_self)
{
    return is_self ? operation->self_seconds : operation->latency;
}

static int write_seconds(struct buf *out, const char *name, const struct row *row, bool is_self)
{
    const struct histogram *seen = NULL;
    struct histogram *sum = NULL;
    int status = 0;

    for (size_t i = 0; status == 0 && i < row->parts; i++) {
        const struct histogram *part = latency_of(&row->first[i], is_self);
        if (part == NULL)
            continue;
        if (seen == NULL) {
            seen = part;
            continue;
        }
        if (sum == NULL)
            status = histogram_copy(seen, &sum);
        if (status == 0)
            status = histogram_merge(sum, part);
        seen = sum;
    }
    if (status == 0)
        json_append_seconds(out, name, seen);
    histogram_free(sum);
    return status;
}

static int write_row(struct buf *out, const struct row *row)
{
    int status;

    (void)buf_append_text(out, "{\"operation\": ");
    if (row->first->overflow)
        (void)buf_append_text(out, "null");
    else
        json_append_text(out, row->first->name);
    (void)buf_printf(out, ", \"kind\": \"%s\", \"requests\": ", debug_kind_name(row->first->kind));
    (void)number_append_weight(out, row->calls);
    (void)buf_append_text(out, ", \"failed\": ");
    (void)number_append_weight(out, row->failed);
    status = write_seconds(out, "seconds", row, false);
    if (status == 0)
        status = write_seconds(out, "self_seconds", row, true);
    (void)buf_append_byte(out, '}');
    return status;
}

static int write_rows(struct buf *out, struct view id, const struct row *rows, size_t count)
{
    size_t shown = count < OPERATIONS_ROWS_MAX ? count : OPERATIONS_ROWS_MAX;
    int status = 0;

    (void)buf_append_text(out, "{\"node\": ");
    json_append_text(out, id);
    (void)buf_append_text(out, ",\n \"operations\": [");
    for (size_t i = 0; status == 0 && i < shown; i++) {
        (void)buf_append_text(out, i == 0 ? "\n  " : ",\n  ");
        status = write_row(out, &rows[i]);
    }
    (void)buf_printf(out, "],\n \"left_out\": %zu}\n", count - shown);
    return status != 0 ? status : out->failed;
}

int operations_render(const struct export_input *input, char out_error[256], struct buf *out)
{
    const struct snapshot *snapshot = input->snapshot;
    struct view id = input->options.focus;
    size_t size_before = out->size;
    struct row *rows;
    size_t count;
    uint32_t node = 0;
    int status = node_find(snapshot, "node", id, out_error, &node);

    if (status != 0)
        return status;
    rows = mem_calloc(snapshot->operations_count + 1, sizeof(*rows));
    status = STATUS_NOMEM;
    if (rows != NULL) {
        count = gather(snapshot, node, rows);
        qsort(rows, count, sizeof(*rows), compare_rows);
        status = write_rows(out, id, rows, count);
        mem_free(rows);
    }
    if (status == 0)
        return 0;
    out->size = size_before;
    return export_fail(out_error, status, "the operations are not written: %s",
                       status_text(status));
}
