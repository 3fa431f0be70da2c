/* otlp_signal.c: requests and what they nest, by a table of which field holds what; data points have a
 * reader each, since their fields are to fit together.
 *
 *   request -> ResourceMetrics -> ScopeMetrics -> Metric -> Gauge, Sum ... -> data point
 *   request -> ResourceLogs ----> ScopeLogs ----> LogRecord
 */
#include "receiver/otlp_signal.h"

#include <string.h>

#include "receiver/otlp_message.h"

enum { FIELDS_MAX = 13, NO_RECORDED_VALUE = 1 };

enum node {
    NODE_NONE, /* Not looked into, but for what otlp_message.h knows. */
    NODE_METRICS_REQUEST,
    NODE_RESOURCE_METRICS,
    NODE_SCOPE_METRICS,
    NODE_METRIC,
    NODE_NUMBERS, /* Gauge and Sum. */
    NODE_HISTOGRAM,
    NODE_EXPONENTIAL,
    NODE_SUMMARY,
    NODE_LOGS_REQUEST,
    NODE_RESOURCE_LOGS,
    NODE_SCOPE_LOGS,
    NODE_COUNT,
    /* Below here by their readers. */
    NODE_NUMBER_POINT = NODE_COUNT,
    NODE_HISTOGRAM_POINT,
    NODE_EXPONENTIAL_POINT,
    NODE_SUMMARY_POINT,
    NODE_LOG_RECORD,
};

/* By node and field number: what that field holds. */
static const uint8_t nodes[NODE_COUNT][FIELDS_MAX] = {
    [NODE_METRICS_REQUEST] = {[1] = NODE_RESOURCE_METRICS},
    [NODE_RESOURCE_METRICS] = {[2] = NODE_SCOPE_METRICS},
    [NODE_SCOPE_METRICS] = {[2] = NODE_METRIC},
    [NODE_METRIC] = {[5] = NODE_NUMBERS,
                     [7] = NODE_NUMBERS,
                     [9] = NODE_HISTOGRAM,
                     [10] = NODE_EXPONENTIAL,
                     [11] = NODE_SUMMARY},
    [NODE_NUMBERS] = {[1] = NODE_NUMBER_POINT},
    [NODE_HISTOGRAM] = {[1] = NODE_HISTOGRAM_POINT},
    [NODE_EXPONENTIAL] = {[1] = NODE_EXPONENTIAL_POINT},
    [NODE_SUMMARY] = {[1] = NODE_SUMMARY_POINT},
    [NODE_LOGS_REQUEST] = {[1] = NODE_RESOURCE_LOGS},
    [NODE_RESOURCE_LOGS] = {[2] = NODE_SCOPE_LOGS},
    [NODE_SCOPE_LOGS] = {[2] = NODE_LOG_RECORD},
};

/* Likewise: which message of otlp_message.h. */
static const uint8_t messages[NODE_LOG_RECORD + 1][FIELDS_MAX] = {
    [NODE_RESOURCE_METRICS] = {[1] = OTLP_RESOURCE},
    [NODE_SCOPE_METRICS] = {[1] = OTLP_SCOPE},
    [NODE_METRIC] = {[12] = OTLP_KEY_VALUE},
    [NODE_RESOURCE_LOGS] = {[1] = OTLP_RESOURCE},
    [NODE_SCOPE_LOGS] = {[1] = OTLP_SCOPE},
    [NODE_NUMBER_POINT] = {[5] = OTLP_EXEMPLAR, [7] = OTLP_KEY_VALUE},
    [NODE_HISTOGRAM_POINT] = {[8] = OTLP_EXEMPLAR, [9] = OTLP_KEY_VALUE},
    [NODE_EXPONENTIAL_POINT] = {[1] = OTLP_KEY_VALUE, [11] = OTLP_EXEMPLAR},
    [NODE_SUMMARY_POINT] = {[6] = OTLP_LEAF, [7] = OTLP_KEY_VALUE},
    [NODE_LOG_RECORD] = {[5] = OTLP_ANY_VALUE, [6] = OTLP_KEY_VALUE},
};

struct walk {
    struct otlp_reading reading;
    struct otlp_signal_counts *counts;
};

/* What of a data point decides whether it can be. */
struct point {
    uint64_t time_ns;
    uint64_t flags;
    bool has_value;
    uint64_t buckets;
    uint64_t bounds;
    double bound; /* The last. */
    bool is_disordered;
};

/* ------------------------------------------------------------------------- points */

static int judge(struct walk *walk, enum node node, const struct point *point)
{
    const char *reason = NULL;

    walk->counts->items++;
    if (point->time_ns == 0)
        reason = "a data point has no time";
    else if (node == NODE_NUMBER_POINT && !point->has_value &&
             (point->flags & NO_RECORDED_VALUE) == 0)
        reason = "a data point has neither a value nor the flag that says so";
    else if (point->is_disordered)
        reason = "a histogram's bounds are not in increasing order";
    else if ((point->buckets != 0 || point->bounds != 0) && point->buckets != point->bounds + 1)
        reason = "a histogram has not one bucket more than bounds";
    if (reason == NULL)
        return 0;
    walk->counts->rejected++;
    if (walk->counts->reason == NULL)
        walk->counts->reason = reason;
    return 0;
}

static void take_bound(struct point *point, uint64_t bits)
{
    double bound;

    memcpy(&bound, &bits, sizeof(bound));
    /* NaN is above nothing. */
    if (bound != bound || (point->bounds != 0 && !(bound > point->bound)))
        point->is_disordered = true;
    point->bound = bound;
    point->bounds++;
}

/* Packed numbers of 64 bits: buckets or bounds. */
static int read_packed(struct walk *walk, struct wire wire, bool are_bounds, struct point *point)
{
    if (wire_left(&wire) % 8 != 0)
        return otlp_fail(&walk->reading, wire.at, "packed numbers end inside a number",
                         STATUS_TRUNCATED);
    if (!are_bounds) {
        point->buckets += wire_left(&wire) / 8;
        return 0;
    }
    for (; wire_left(&wire) != 0; wire.at += 8)
        take_bound(point, wire_load64(wire.at));
    return 0;
}

/* The buckets of one sign of an exponential histogram: packed varints, or not packed. */
static int read_buckets(struct walk *walk, struct wire wire, unsigned depth)
{
    int status = otlp_check_depth(&walk->reading, wire.at, depth);

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        uint64_t number = 0;
        status = otlp_next_field(&walk->reading, &wire, depth, &field);
        if (status != 0 || field.tag != WIRE_TAG(2, WIRE_BYTES))
            continue;
        while (status == 0 && wire_left(&field.bytes) != 0)
            status = wire_varint(&field.bytes, &number);
        if (status != 0)
            return otlp_fail_wire(&walk->reading, &field.bytes, status);
    }
    return status;
}

static int take_field(struct walk *walk, enum node node, const struct wire_field *field,
                      unsigned depth, struct point *point)
{
    bool is_histogram = node == NODE_HISTOGRAM_POINT;

    switch (field->tag) {
    case WIRE_TAG(3, WIRE_FIXED64):
        point->time_ns = field->number;
        break;
    case WIRE_TAG(4, WIRE_FIXED64): /* as_double; of histograms their count, */
    case WIRE_TAG(6, WIRE_FIXED64): /* as_int, of histograms a bucket, not packed. */
        point->has_value = true;
        if (is_histogram && field->tag == WIRE_TAG(6, WIRE_FIXED64))
            point->buckets++;
        break;
    case WIRE_TAG(7, WIRE_FIXED64):
        if (is_histogram)
            take_bound(point, field->number);
        break;
    case WIRE_TAG(6, WIRE_BYTES):
    case WIRE_TAG(7, WIRE_BYTES):
        if (is_histogram)
            return read_packed(walk, field->bytes, field->tag == WIRE_TAG(7, WIRE_BYTES), point);
        break;
    case WIRE_TAG(8, WIRE_BYTES):
    case WIRE_TAG(9, WIRE_BYTES):
        if (node == NODE_EXPONENTIAL_POINT)
            return read_buckets(walk, field->bytes, depth + 1);
        break;
    case WIRE_TAG(8, WIRE_VARINT):
        if (node == NODE_NUMBER_POINT)
            point->flags = field->number;
        break;
    default:
        break;
    }
    return 0;
}

/* A message of otlp_message.h where there is one in that field. */
static int skim(struct walk *walk, enum node node, const struct wire_field *field, unsigned depth)
{
    uint32_t number = field->tag >> 3;

    if ((field->tag & 7) != WIRE_BYTES || number >= FIELDS_MAX ||
        messages[node][number] == OTLP_SCALAR)
        return 0;
    return otlp_skim(&walk->reading, field->bytes, (enum otlp_message)messages[node][number],
                     depth + 1);
}

static int read_point(struct walk *walk, enum node node, struct wire wire, unsigned depth)
{
    struct point point = {.time_ns = 0};
    int status = otlp_check_depth(&walk->reading, wire.at, depth);

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        status = otlp_next_field(&walk->reading, &wire, depth, &field);
        if (status == 0)
            status = skim(walk, node, &field, depth);
        if (status == 0 && node != NODE_LOG_RECORD)
            status = take_field(walk, node, &field, depth, &point);
    }
    if (status != 0)
        return status;
    if (node != NODE_LOG_RECORD)
        return judge(walk, node, &point);
    walk->counts->items++; /* A record whose ids cannot be belongs to no trace, and is one still. */
    return 0;
}

/* ----------------------------------------------------------------------- requests */

static int read_node(struct walk *walk, enum node node, struct wire wire, unsigned depth)
{
    int status = otlp_check_depth(&walk->reading, wire.at, depth);

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        uint32_t number;
        enum node child = NODE_NONE;
        status = otlp_next_field(&walk->reading, &wire, depth, &field);
        if (status != 0)
            break;
        number = field.tag >> 3;
        if ((field.tag & 7) == WIRE_BYTES && number < FIELDS_MAX)
            child = (enum node)nodes[node][number];
        if (child == NODE_NONE)
            status = skim(walk, node, &field, depth);
        else if (child < NODE_COUNT)
            status = read_node(walk, child, field.bytes, depth + 1);
        else
            status = read_point(walk, child, field.bytes, depth + 1);
    }
    return status;
}

int otlp_signal_read(enum otlp_signal signal, struct view message, unsigned depth_max,
                     struct otlp_signal_counts *out_counts)
{
    struct walk walk = {.reading = {.depth_max = depth_max}, .counts = out_counts};
    struct wire wire = wire_of(message);
    int status;

    *out_counts = (struct otlp_signal_counts){.items = 0};
    status = read_node(&walk, signal == OTLP_LOGS ? NODE_LOGS_REQUEST : NODE_METRICS_REQUEST, wire,
                       OTLP_DEPTH_REQUEST);
    if (status != 0) {
        *out_counts = (struct otlp_signal_counts){
            .error = walk.reading.error, .error_offset = (size_t)(walk.reading.error_at - wire.at)};
        return status;
    }
    out_counts->warning = walk.reading.warning;
    return 0;
}
