/* remote_write.c: each sample is a TimeSeries of its own, appended to the piece at hand. Its labels are read
 * once from their text, and put in order with the name before them and `le` among them.
 */
#include "exporters/remote_write.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/proto_write.h"
#include "exporters/hex.h"
#include "exporters/number.h"
#include "topology/span.h"

enum { PIECE_BYTES = 512 * 1024, NAME_MAX_SIZE = PROM_NAME_MAX + 16 };

/* Numbers of fields. */
enum { REQUEST_1_SERIES = 1, REQUEST_1_METADATA = 3, REQUEST_2_SERIES = 5 };
enum { SERIES_1_LABELS = 1, SERIES_1_SAMPLES = 2, SERIES_1_EXEMPLARS = 3, SERIES_1_HISTOGRAMS = 4 };
enum {
    SERIES_2_LABELS = 1,
    SERIES_2_SAMPLES = 2,
    SERIES_2_HISTOGRAMS = 3,
    SERIES_2_EXEMPLARS = 4,
    SERIES_2_METADATA = 5,
};
enum { LABEL_NAME = 1, LABEL_VALUE = 2 };
enum { SAMPLE_VALUE = 1, SAMPLE_TIME = 2, SAMPLE_START = 3 };
enum { EXEMPLAR_LABELS = 1, EXEMPLAR_VALUE = 2, EXEMPLAR_TIME = 3 };
enum { METADATA_TYPE = 1, METADATA_1_NAME = 2, METADATA_1_HELP = 4, METADATA_1_UNIT = 5 };
enum { METADATA_2_HELP = 3, METADATA_2_UNIT = 4 };
enum {
    HISTOGRAM_COUNT_INT = 1,
    HISTOGRAM_COUNT_FLOAT = 2,
    HISTOGRAM_SUM = 3,
    HISTOGRAM_SCHEMA = 4,
    HISTOGRAM_ZERO_THRESHOLD = 5,
    HISTOGRAM_ZERO_INT = 6,
    HISTOGRAM_ZERO_FLOAT = 7,
    HISTOGRAM_SPANS = 11,
    HISTOGRAM_DELTAS = 12,
    HISTOGRAM_COUNTS = 13,
    HISTOGRAM_TIME = 15,
    HISTOGRAM_START = 17,
    SPAN_OFFSET = 1,
    SPAN_LENGTH = 2,
};

/* As prom_protobuf.c has it. */
#define ZERO_THRESHOLD 0x1p-128

static double stale(void)
{
    const uint64_t bits = UINT64_C(0x7ff0000000000002);
    double number;

    memcpy(&number, &bits, sizeof(number));
    return number;
}

static bool is_2(const struct remote_write *remote)
{
    return remote->options.version == REMOTE_WRITE_2;
}

static int64_t milliseconds(uint64_t ns)
{
    return (int64_t)(ns / 1000000);
}

/* ------------------------------------------------------------------ labels */

/* Appends the text between quotes that `labels` begins with, without its escapes, and takes it off with
 * the comma behind it. Room is reserved. */
static struct view take_value(struct view *labels, struct buf *text)
{
    size_t begin = text->size;
    size_t at = 1;

    for (; at < labels->size && labels->data[at] != '"'; at++) {
        char byte = labels->data[at];
        if (byte == '\\' && at + 1 < labels->size)
            byte = labels->data[++at] == 'n' ? '\n' : labels->data[at];
        text->data[text->size++] = byte;
    }
    at = at < labels->size ? at + 1 : at;
    at += at < labels->size;
    *labels = (struct view){labels->data + at, labels->size - at};
    return (struct view){text->data + begin, text->size - begin};
}

static void put_in_order(struct remote_write *remote, struct remote_label label)
{
    size_t at = remote->labels_count;

    CHECK(at < REMOTE_LABELS_MAX);
    for (; at != 0 && view_compare(label.name, remote->labels[at - 1].name) < 0; at--)
        remote->labels[at] = remote->labels[at - 1];
    remote->labels[at] = label;
    remote->labels_count++;
}

static bool has_label(const struct remote_write *remote, struct view name)
{
    for (size_t i = 0; i < remote->labels_count; i++)
        if (view_equal(remote->labels[i].name, name))
            return true;
    return false;
}

/* Reads `a="x",b="y"`; false: there is no memory, which sticks. */
static bool read_labels(struct remote_write *remote, struct view labels)
{
    struct buf *texts = &remote->texts;

    buf_reset(texts);
    remote->labels_count = 0;
    /* Reserved at once: pointers into the text stay good. */
    if (buf_reserve(texts, labels.size + 1) != 0) {
        remote->series.failed = STATUS_NOMEM;
        return false;
    }
    while (labels.size != 0) {
        const char *equals = memchr(labels.data, '=', labels.size);
        struct remote_label label;
        CHECK(equals != NULL);
        label.name = (struct view){labels.data, (size_t)(equals - labels.data)};
        labels = (struct view){equals + 1, labels.size - label.name.size - 1};
        label.value = take_value(&labels, texts);
        if (label.value.size != 0)
            put_in_order(remote, label);
    }
    for (size_t i = 0; i < remote->options.labels_count; i++)
        if (remote->options.labels[i].value.size != 0 &&
            !has_label(remote, remote->options.labels[i].name))
            put_in_order(remote, remote->options.labels[i]);
    return true;
}

static void write_label(struct remote_write *remote, struct view name, struct view value,
                        uint32_t field)
{
    struct buf *out = &remote->series;
    size_t begin;

    if (is_2(remote)) {
        proto_write_number(out, remote_symbol(&remote->symbols, name));
        proto_write_number(out, remote_symbol(&remote->symbols, value));
        return;
    }
    begin = proto_write_begin(out, field);
    proto_write_bytes(out, LABEL_NAME, name);
    proto_write_bytes(out, LABEL_VALUE, value);
    proto_write_end(out, begin);
}

/* The name, `le` unless it is empty, and all labels, in order: capitals go before underscores. */
static void write_labels(struct remote_write *remote, struct view name, struct view le)
{
    const struct remote_label own[] = {{VIEW("__name__"), name}, {VIEW("le"), le}};
    size_t begin = is_2(remote) ? proto_write_begin(&remote->series, SERIES_2_LABELS) : 0;
    size_t own_count = le.size != 0 ? 2 : 1;
    size_t next = 0;

    for (size_t i = 0; i <= remote->labels_count; i++) {
        const struct remote_label *label = &remote->labels[i];
        bool is_last = i == remote->labels_count;
        for (; next < own_count && (is_last || view_compare(own[next].name, label->name) < 0);
             next++)
            write_label(remote, own[next].name, own[next].value, SERIES_1_LABELS);
        if (!is_last)
            write_label(remote, label->name, label->value, SERIES_1_LABELS);
    }
    if (is_2(remote))
        proto_write_end(&remote->series, begin);
}

/* ------------------------------------------------------------------ pieces */

/* Hands the piece over. */
static void flush(struct remote_write *remote)
{
    struct buf *message = &remote->series;

    if (is_2(remote)) {
        message = &remote->symbols.message;
        (void)buf_append_view(message, buf_view(&remote->series)); /* Failures stick. */
    }
    if (remote->failed == 0)
        remote->failed = remote->series.failed != 0 ? remote->series.failed : message->failed;
    if (remote->failed == 0 && remote->series.size != 0)
        remote->failed = remote->options.take(remote->options.context, buf_view(message),
                                              &remote->counts);
    buf_reset(&remote->series);
    if (is_2(remote))
        remote_symbols_reset(&remote->symbols);
    remote->counts = (struct remote_counts){0};
}

static uint32_t type_of(enum prom_type type)
{
    switch (type) { /* The same numbers in both versions. */
    case PROM_COUNTER:
        return 1;
    case PROM_GAUGE:
        return 2;
    case PROM_HISTOGRAM:
        return 3;
    case PROM_INFO:
        return 6;
    case PROM_UNKNOWN:
        break;
    }
    return 0;
}

static struct remote_meta meta_of(const struct prom_family *family)
{
    const char *unit = prom_unit(family->name);

    return (struct remote_meta){
        .help = family->help, .unit = unit != NULL ? unit : "", .type = type_of(family->type)};
}

static size_t begin_series(struct remote_write *remote)
{
    if (remote->series.size + remote->symbols.message.size >= remote->options.piece_bytes_max)
        flush(remote);
    return proto_write_begin(&remote->series, is_2(remote) ? REQUEST_2_SERIES : REQUEST_1_SERIES);
}

/* Stale markers have it too: a receiver may make labels of type and unit, and without them would look for
 * another series. */
static void end_series(struct remote_write *remote, size_t begin)
{
    const struct remote_meta *meta = &remote->meta;

    if (is_2(remote)) {
        size_t metadata = proto_write_begin(&remote->series, SERIES_2_METADATA);
        proto_write_varint(&remote->series, METADATA_TYPE, meta->type);
        proto_write_varint(&remote->series, METADATA_2_HELP,
                           remote_symbol(&remote->symbols, view_of(meta->help)));
        proto_write_varint(&remote->series, METADATA_2_UNIT,
                           remote_symbol(&remote->symbols, view_of(meta->unit)));
        proto_write_end(&remote->series, metadata);
    }
    proto_write_end(&remote->series, begin);
}

/* ------------------------------------------------------------------ samples */

/* When what a sample of that time counts began: before it, or it is not said. */
static void write_start(struct remote_write *remote, uint32_t field, int64_t time_ms)
{
    int64_t start_ms = milliseconds(remote->created.ns);

    if (is_2(remote) && !remote->is_stale && start_ms != 0 && start_ms < time_ms)
        proto_write_varint(&remote->series, field, (uint64_t)start_ms);
}

static void write_sample(struct remote_write *remote, double value, int64_t time_ms)
{
    size_t begin = proto_write_begin(&remote->series,
                                     is_2(remote) ? SERIES_2_SAMPLES : SERIES_1_SAMPLES);

    proto_write_double(&remote->series, SAMPLE_VALUE, value);
    proto_write_varint(&remote->series, SAMPLE_TIME, (uint64_t)time_ms);
    write_start(remote, SAMPLE_START, time_ms);
    proto_write_end(&remote->series, begin);
    remote->counts.samples++;
}

/* Where a 0 stands before the first value of what counts; 0: nowhere. In 2.0 too: receivers may keep no
 * times of beginning, as Prometheus 3 does not unless it is told to. At the beginning itself
 * it is the one that a receiver would make of it. */
static int64_t zero_time(const struct remote_write *remote)
{
    int64_t time_ms = milliseconds(remote->created.ns);
    int64_t least_ms = remote->time_ms - milliseconds(remote->options.interval_ns);

    if (!remote->is_new || remote->created.ns == 0)
        return 0;
    time_ms = time_ms > least_ms ? time_ms : least_ms;
    time_ms = time_ms > remote->last_ms ? time_ms : remote->last_ms + 1;
    return time_ms < remote->time_ms ? time_ms : 0;
}

static void write_exemplar(struct remote_write *remote, const struct exemplar *exemplar,
                           double value)
{
    char trace[HEX_TRACE_SIZE + 1];
    char span[HEX_SPAN_SIZE + 1];
    struct buf *out = &remote->series;
    size_t begin = proto_write_begin(out, is_2(remote) ? SERIES_2_EXEMPLARS : SERIES_1_EXEMPLARS);
    size_t labels = is_2(remote) ? proto_write_begin(out, EXEMPLAR_LABELS) : 0;

    hex_trace(trace, exemplar->trace);
    hex_span(span, exemplar->span);
    write_label(remote, VIEW("span_id"), view_of(span), EXEMPLAR_LABELS);
    write_label(remote, VIEW("trace_id"), view_of(trace), EXEMPLAR_LABELS);
    if (is_2(remote))
        proto_write_end(out, labels);
    proto_write_double(out, EXEMPLAR_VALUE, value);
    proto_write_varint(out, EXEMPLAR_TIME, (uint64_t)milliseconds(exemplar->ns));
    proto_write_end(out, begin);
    remote->counts.exemplars++;
}

/* One that was told already is told no more. */
static bool is_due(const struct remote_write *remote, const struct exemplar *exemplar)
{
    return exemplar != NULL && exemplar->ns > remote->last_ns && !remote->is_stale;
}

static double seconds_of(const struct exemplar *exemplar)
{
    return (double)exemplar->duration_ns / (double)NS_PER_S;
}

/* A series of one sample. A value in the past goes before it, where it is new. */
static void write_plain(struct remote_write *remote, struct view name, struct view le, double value,
                        const struct exemplar *exemplar, double exemplar_value)
{
    size_t begin = begin_series(remote);
    int64_t zero_ms = zero_time(remote);

    write_labels(remote, name, le);
    if (zero_ms != 0)
        write_sample(remote, 0, zero_ms);
    write_sample(remote, value, remote->time_ms);
    if (is_due(remote, exemplar))
        write_exemplar(remote, exemplar, exemplar_value);
    end_series(remote, begin);
}

/* Notes that a series is told, and whether it is new. */
static void note(struct remote_write *remote, struct view name, struct view labels,
                 bool is_histogram)
{
    struct remote_entry *known = remote_set_find(&remote->before, name, labels);

    if (known != NULL)
        known->seen = true;
    /* Of those that find no room nobody can tell later. */
    if (remote_set_add(&remote->now, name, labels, is_histogram, &remote->meta) != 0)
        remote->now_whole = false;
    remote->is_new = known == NULL && remote->before_whole && remote->now_whole;
    /* It ended and began anew between two looks. */
    if (known != NULL && remote->created.ns > remote->last_ns)
        remote->is_new = true;
}

static struct view name_of(const struct prom_family *family, const char *suffix,
                           char out[NAME_MAX_SIZE])
{
    int size = snprintf(out, NAME_MAX_SIZE, "%s%s", family->name, suffix);

    CHECK(size > 0 && size < NAME_MAX_SIZE);
    return (struct view){out, (size_t)size};
}

void remote_write_family(struct remote_write *remote, const struct prom_family *family)
{
    char text[NAME_MAX_SIZE];
    struct buf *out = &remote->series;
    size_t begin;

    remote->family = family;
    remote->meta = meta_of(family);
    if (is_2(remote))
        return;
    begin = proto_write_begin(out, REQUEST_1_METADATA);
    proto_write_varint(out, METADATA_TYPE, remote->meta.type);
    proto_write_bytes(out, METADATA_1_NAME, name_of(family, prom_type_suffix(family->type), text));
    proto_write_bytes(out, METADATA_1_HELP, view_of(family->help));
    proto_write_bytes(out, METADATA_1_UNIT, view_of(remote->meta.unit));
    proto_write_end(out, begin);
}

void remote_write_value(struct remote_write *remote, struct view labels, double value,
                        struct wall_time created, const struct exemplar *exemplar)
{
    char text[NAME_MAX_SIZE];
    struct view name = name_of(remote->family, prom_type_suffix(remote->family->type), text);

    if (!read_labels(remote, labels))
        return;
    remote->created = created;
    note(remote, name, labels, false);
    write_plain(remote, name, VIEW(""), value, exemplar, 1);
}

/* ------------------------------------------------------------------ histograms */

/* What Prometheus would have read in OpenMetrics. */
static struct view le_of(const struct remote_write *remote, uint32_t which, char out[64])
{
    size_t size;

    if (which == remote->options.bounds->count)
        return VIEW("+Inf");
    size = number_write_double(out,
                               (double)remote->options.bounds->upper_ns[which] / (double)NS_PER_S);
    if (memchr(out, '.', size) == NULL && memchr(out, 'e', size) == NULL) {
        memcpy(out + size, ".0", 2);
        size += 2;
    }
    return (struct view){out, size};
}

static double in_requests(uint64_t weight)
{
    return (double)weight / (double)WEIGHT_ONE;
}

static void write_classic(struct remote_write *remote, const struct prom_histogram *histogram,
                          const struct histogram *past)
{
    const struct histogram *now = histogram->now;
    char text[NAME_MAX_SIZE];
    struct view name = name_of(remote->family, "_bucket", text);
    uint64_t below = 0;
    char le[64];

    for (uint32_t i = 0; i <= remote->options.bounds->count; i++) {
        const struct exemplar *exemplar = exemplars_find(histogram->exemplars, histogram->which, i);
        below += now->classic[i] - past->classic[i];
        write_plain(remote, name, le_of(remote, i, le),
                    remote->is_stale ? stale() : in_requests(below), exemplar,
                    exemplar != NULL ? seconds_of(exemplar) : 0);
    }
    write_plain(remote, name_of(remote->family, "_sum", text), VIEW(""),
                remote->is_stale ? stale()
                                 : (double)(now->sum - past->sum) / (double)WEIGHT_ONE / 1e9,
                NULL, 0);
    write_plain(remote, name_of(remote->family, "_count", text), VIEW(""),
                remote->is_stale ? stale() : in_requests(now->count - past->count), NULL, 0);
}

static bool has_fractions(const uint64_t *weights, const struct histogram *now,
                          const struct histogram *past)
{
    uint64_t all = (now->count - past->count) | (now->zero_count - past->zero_count);

    for (uint32_t i = 0; i < now->length; i++)
        all |= weights[i];
    return all % WEIGHT_ONE != 0;
}

static void write_number(struct buf *out, bool is_float, uint32_t field_int, uint32_t field_float,
                         uint64_t weight)
{
    if (is_float)
        proto_write_double(out, field_float, in_requests(weight));
    else
        proto_write_varint(out, field_int, weight / WEIGHT_ONE);
}

static void write_buckets(struct buf *out, bool is_float, const uint64_t *weights, uint32_t length,
                          int32_t offset)
{
    size_t begin = proto_write_begin(out, HISTOGRAM_SPANS);
    int64_t before = 0;

    proto_write_zigzag(out, SPAN_OFFSET, length != 0 ? offset + 1 : 0);
    proto_write_varint(out, SPAN_LENGTH, length);
    proto_write_end(out, begin);
    begin = proto_write_begin(out, is_float ? HISTOGRAM_COUNTS : HISTOGRAM_DELTAS);
    for (uint32_t i = 0; i < length; i++) {
        int64_t count = (int64_t)(weights[i] / WEIGHT_ONE);
        int64_t delta = count - before;
        double number = in_requests(weights[i]);
        uint64_t bits;
        memcpy(&bits, &number, sizeof(bits));
        if (is_float)
            proto_write_fixed(out, bits, sizeof(bits));
        else
            proto_write_number(out, (uint64_t)delta << 1 ^ (uint64_t)(delta >> 63));
        before = count;
    }
    proto_write_end(out, begin);
}

/* Bucket i of ours reaches up to b^(i+1), Prometheus' of index n up to b^n. */
static void write_native_sample(struct remote_write *remote, const struct histogram *now,
                                const struct histogram *past, int64_t time_ms)
{
    struct buf *out = &remote->series;
    size_t begin = proto_write_begin(out, is_2(remote) ? SERIES_2_HISTOGRAMS : SERIES_1_HISTOGRAMS);
    uint64_t weights[HISTOGRAM_BUCKETS_MAX];
    bool is_float;

    histogram_buckets_since(now, past, weights);
    is_float = has_fractions(weights, now, past);
    write_number(out, is_float, HISTOGRAM_COUNT_INT, HISTOGRAM_COUNT_FLOAT,
                 now->count - past->count);
    proto_write_double(
        out, HISTOGRAM_SUM,
        remote->is_stale ? stale() : (double)(now->sum - past->sum) / (double)WEIGHT_ONE / 1e9);
    proto_write_zigzag(out, HISTOGRAM_SCHEMA, now->scale);
    proto_write_double(out, HISTOGRAM_ZERO_THRESHOLD, ZERO_THRESHOLD);
    write_number(out, is_float, HISTOGRAM_ZERO_INT, HISTOGRAM_ZERO_FLOAT,
                 now->zero_count - past->zero_count);
    write_buckets(out, is_float, weights, now->length, now->offset);
    proto_write_varint(out, HISTOGRAM_TIME, (uint64_t)time_ms);
    write_start(remote, HISTOGRAM_START, time_ms);
    proto_write_end(out, begin);
    remote->counts.histograms++;
}

/* By time, as receivers want those of one series; of one time by value, as buckets come. */
static void write_native_exemplars(struct remote_write *remote,
                                   const struct prom_histogram *histogram)
{
    const struct exemplar *due[HISTOGRAM_BOUNDS_MAX + 1];
    size_t count = 0;

    for (uint32_t i = 0; i <= remote->options.bounds->count; i++) {
        const struct exemplar *exemplar = exemplars_find(histogram->exemplars, histogram->which, i);
        size_t at = count;
        if (!is_due(remote, exemplar))
            continue;
        for (; at != 0 && milliseconds(due[at - 1]->ns) > milliseconds(exemplar->ns); at--)
            due[at] = due[at - 1];
        due[at] = exemplar;
        count++;
    }
    for (size_t i = 0; i < count; i++)
        write_exemplar(remote, due[i], seconds_of(due[i]));
}

static void write_native(struct remote_write *remote, const struct prom_histogram *histogram,
                         const struct histogram *past)
{
    size_t begin = begin_series(remote);
    int64_t zero_ms = zero_time(remote);
    char text[NAME_MAX_SIZE];

    write_labels(remote, name_of(remote->family, "", text), VIEW(""));
    if (zero_ms != 0)
        write_native_sample(remote, past, past, zero_ms);
    write_native_sample(remote, histogram->now, past, remote->time_ms);
    write_native_exemplars(remote, histogram);
    end_series(remote, begin);
}

static void write_histogram(struct remote_write *remote, const struct prom_histogram *histogram)
{
    static const struct histogram nothing = {.scale = HISTOGRAM_SCALE_MAX};
    const struct histogram *past = histogram->past != NULL ? histogram->past : &nothing;

    if (remote->options.histograms != REMOTE_NATIVE)
        write_classic(remote, histogram, past);
    if (remote->options.histograms != REMOTE_CLASSIC)
        write_native(remote, histogram, past);
}

void remote_write_histogram(struct remote_write *remote, struct view labels,
                            const struct prom_histogram *histogram)
{
    if (!read_labels(remote, labels))
        return;
    remote->created = histogram->created;
    note(remote, view_of(remote->family->name), labels, true);
    write_histogram(remote, histogram);
}

/* Told by counts, each sample is a series by itself. `le="0.5"` */
void remote_write_bucket(struct remote_write *remote, struct view le, uint64_t count)
{
    char text[NAME_MAX_SIZE];
    struct view name = name_of(remote->family, "_bucket", text);

    if (!read_labels(remote, le))
        return;
    remote->created = (struct wall_time){0};
    note(remote, name, le, false);
    write_plain(remote, name, VIEW(""), (double)count, NULL, 0);
}

void remote_write_sum(struct remote_write *remote, double sum, uint64_t count)
{
    char text[NAME_MAX_SIZE];
    struct view name = name_of(remote->family, "_sum", text);

    if (!read_labels(remote, VIEW("")))
        return;
    remote->created = (struct wall_time){0};
    note(remote, name, VIEW(""), false);
    write_plain(remote, name, VIEW(""), sum, NULL, 0);
    name = name_of(remote->family, "_count", text);
    note(remote, name, VIEW(""), false);
    write_plain(remote, name, VIEW(""), (double)count, NULL, 0);
}

/* ------------------------------------------------------------------ looks */

/* Marks the end of all that was told before, and is not seen now. */
static void end_unseen(struct remote_write *remote)
{
    static const struct histogram nothing = {.scale = HISTOGRAM_SCALE_MAX};
    static const struct prom_histogram ended = {.now = &nothing};
    struct remote_set *before = &remote->before;

    remote->is_stale = true;
    for (uint32_t i = 0; i < before->count; i++) {
        const struct remote_entry *entry = &before->entries[i];
        struct prom_family family = {.type = PROM_HISTOGRAM, .help = ""};
        char name[NAME_MAX_SIZE];
        if (entry->seen || !read_labels(remote, remote_entry_labels(before, entry)))
            continue;
        remote->is_new = false;
        remote->meta = before->metas[entry->meta];
        if (!entry->is_histogram) {
            write_plain(remote, remote_entry_name(before, entry), VIEW(""), stale(), NULL, 0);
            continue;
        }
        CHECK(entry->name_size < sizeof(name));
        memcpy(name, remote_entry_name(before, entry).data, entry->name_size);
        name[entry->name_size] = '\0';
        family.name = name;
        remote->family = &family;
        write_histogram(remote, &ended);
    }
    remote->family = NULL;
    remote->is_stale = false;
}

/* What is told now is what was told before from here on. */
static void turn(struct remote_write *remote)
{
    struct remote_set before = remote->before;

    remote->before = remote->now;
    remote->now = before;
    remote_set_reset(&remote->now);
    remote->before_whole = remote->now_whole;
    remote->last_ms = remote->time_ms;
    remote->last_ns = remote->now_ns;
}

void remote_write_begin(struct remote_write *remote, struct wall_time now)
{
    int64_t now_ms = milliseconds(now.ns);

    remote->failed = 0;
    remote->now_whole = true;
    remote->now_ns = now.ns;
    remote->time_ms = now_ms > remote->last_ms ? now_ms : remote->last_ms + 1;
    remote_set_reset(&remote->now);
    for (uint32_t i = 0; i < remote->before.count; i++)
        remote->before.entries[i].seen = false;
}

int remote_write_finish(struct remote_write *remote)
{
    if (remote->failed == 0)
        end_unseen(remote);
    flush(remote);
    if (remote->failed != 0) {
        remote->before_whole = false;      /* Some was told that is not there, */
        remote->last_ms = remote->time_ms; /* and at this time. */
        return remote->failed;
    }
    turn(remote);
    return 0;
}

int remote_write_end(struct remote_write *remote, struct wall_time now)
{
    remote_write_begin(remote, now);
    end_unseen(remote);
    flush(remote);
    remote_set_reset(&remote->before);
    remote->last_ms = remote->time_ms;
    return remote->failed;
}

int remote_write_init(struct remote_write *remote, const struct remote_write_options *options)
{
    *remote = (struct remote_write){.options = *options, .before_whole = true};
    if (options->piece_bytes_max == 0)
        remote->options.piece_bytes_max = PIECE_BYTES;
    buf_init(&remote->series, 0);
    buf_init(&remote->texts, 0);
    remote_set_init(&remote->before, options->texts_bytes_max);
    remote_set_init(&remote->now, options->texts_bytes_max);
    return remote_symbols_init(&remote->symbols);
}

void remote_write_release(struct remote_write *remote)
{
    buf_release(&remote->series);
    buf_release(&remote->texts);
    remote_symbols_release(&remote->symbols);
    remote_set_release(&remote->before);
    remote_set_release(&remote->now);
}
