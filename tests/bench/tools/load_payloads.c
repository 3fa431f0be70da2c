/* load_payloads.c: the file of requests, and the report. */
#include <errno.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/check.h"
#include "base/clock.h"
#include "receiver/otlp_wire.h"
#include "tests/bench/tools/load.h"

enum { GZIP_LEVEL = 6 }; /* That of the SDKs' encoders. */

/* ------------------------------------------------------------------ spans of a request */

static void add_trace(struct payload *payload, struct wire id, size_t *capacity)
{
    if (wire_left(&id) != 16)
        return;
    if (payload->traces_count == *capacity) {
        *capacity = *capacity == 0 ? 16 : *capacity * 2;
        payload->traces = realloc(payload->traces, *capacity * sizeof(*payload->traces));
        CHECK(payload->traces != NULL);
    }
    payload->traces[payload->traces_count++] = (uint32_t)(id.at - (const uint8_t *)payload->data);
}

/* Of the span (its field 1) or of one of its links (their field 1, in field 13). */
static void find_traces(struct payload *payload, struct wire wire, bool is_link, size_t *capacity)
{
    while (wire_left(&wire) != 0) {
        struct wire_field field;
        if (wire_field(&wire, 0, &field) != 0)
            load_die("the file holds something else than trace requests", NULL);
        if (field.tag == WIRE_TAG(1, WIRE_BYTES))
            add_trace(payload, field.bytes, capacity);
        else if (field.tag == WIRE_TAG(13, WIRE_BYTES) && !is_link)
            find_traces(payload, field.bytes, true, capacity);
    }
}

/* Fields 1 (ResourceSpans), 2 (ScopeSpans), 2 (Span), one below the other. */
static void find_spans(struct payload *payload, struct wire wire, unsigned depth, size_t *capacity)
{
    static const uint32_t tags[] = {WIRE_TAG(1, WIRE_BYTES), WIRE_TAG(2, WIRE_BYTES),
                                    WIRE_TAG(2, WIRE_BYTES)};

    while (wire_left(&wire) != 0) {
        struct wire_field field;
        if (wire_field(&wire, 0, &field) != 0)
            load_die("the file holds something else than trace requests", NULL);
        if (field.tag != tags[depth])
            continue;
        if (depth == 2) {
            payload->spans++;
            find_traces(payload, field.bytes, false, capacity);
        } else {
            find_spans(payload, field.bytes, depth + 1, capacity);
        }
    }
}

static void pack(struct libdeflate_compressor *compressor, struct payload *payload)
{
    size_t bound = libdeflate_gzip_compress_bound(compressor, payload->size);
    char *packed = malloc(bound);

    CHECK(packed != NULL);
    payload->size = libdeflate_gzip_compress(compressor, payload->data, payload->size, packed,
                                             bound);
    payload->data = packed;
    free(payload->traces);
    payload->traces = NULL;
}

/* ------------------------------------------------------------------ the file */

static void read_file(const char *path, struct buf *out)
{
    static char buffer[1 << 16];
    FILE *file = fopen(path, "rb");
    size_t size;

    if (file == NULL)
        load_die(path, strerror(errno));
    while ((size = fread(buffer, 1, sizeof(buffer), file)) != 0)
        CHECK(buf_append(out, buffer, size) == 0);
    (void)fclose(file);
}

static void add_payload(struct load *load, char *data, size_t size)
{
    struct payload *payload;
    size_t capacity = 0;

    if ((load->payloads_count & (load->payloads_count - 1)) == 0) {
        size_t wanted = load->payloads_count == 0 ? 1 : load->payloads_count * 2;
        load->payloads = realloc(load->payloads, wanted * sizeof(*load->payloads));
        CHECK(load->payloads != NULL);
    }
    payload = &load->payloads[load->payloads_count++];
    *payload = (struct payload){.data = data, .size = size};
    find_spans(payload, wire_of((struct view){data, size}), 0, &capacity);
}

void load_payloads(struct load *load)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(GZIP_LEVEL);
    struct buf file;

    CHECK(compressor != NULL);
    buf_init(&file, 0); /* Never released: the requests lie in it. */
    read_file(load->options.file, &file);
    for (size_t at = 0; at + 4 <= file.size;) {
        const uint8_t *head = (const uint8_t *)file.data + at;
        size_t size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 |
                      head[3];
        if (size > file.size - at - 4)
            load_die(load->options.file, "ends inside a request");
        add_payload(load, file.data + at + 4, size);
        at += 4 + size;
    }
    if (load->payloads_count == 0)
        load_die(load->options.file, "holds no requests");
    if (load->options.is_gzip && load->options.repeat > 1)
        load_die("--repeat cannot make new traces of packed requests", NULL);
    for (size_t i = 0; load->options.is_gzip && i < load->payloads_count; i++)
        pack(compressor, &load->payloads[i]);
    libdeflate_free_compressor(compressor);
}

void load_renew(const struct payload *payload)
{
    for (uint32_t i = 0; i < payload->traces_count; i++) {
        uint64_t word;
        memcpy(&word, payload->data + payload->traces[i], sizeof(word));
        word += UINT64_C(0x9E3779B97F4A7C15);
        memcpy(payload->data + payload->traces[i], &word, sizeof(word));
    }
}

/* ------------------------------------------------------------------ the report */

static int ascending(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a;
    uint32_t other = *(const uint32_t *)b;

    return (one > other) - (one < other);
}

static double quantile_ms(const struct load *load, double quantile)
{
    return load->latencies[(size_t)((double)(load->answered - 1) * quantile)] / 1e3;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

void load_report(struct load *load)
{
    struct rusage usage;

    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    qsort(load->latencies, load->answered, sizeof(*load->latencies), ascending);
    printf("{\"requests\": %" PRIu64 ", \"spans\": %" PRIu64 ", \"bytes\": %" PRIu64
           ", \"refused\": %" PRIu64 ", \"seconds\": %.6f, \"cpu_seconds\": %.6f, "
           "\"latency_ms\": {\"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"max\": %.3f}}\n",
           load->answered, load->spans, load->bytes, load->refused,
           (double)(load->now_ns - load->begin_ns) / 1e9,
           seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), quantile_ms(load, 0.5),
           quantile_ms(load, 0.9), quantile_ms(load, 0.99), quantile_ms(load, 1));
}
