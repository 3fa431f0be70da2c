/* decode_bench.c: nanoseconds a span, of decoding into records beside protobuf-c and beside a mere sum
 * of the same bytes.
 * Is:         all contestants in turn in one process, several rounds, medians; one request, from the
 *             file that is given, or of 1000 spans in 10 resources with 8 attributes each.
 * Is not:     a test: it never fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "tests/lib/otlp_build.h"
#include "tests/lib/random.h"

enum {
    RESOURCES = 10,
    SPANS_EACH = 100,
    SPANS = RESOURCES * SPANS_EACH,
    ROUNDS = 15,
    COPIES = 256, /* For the cold runs: together far larger than the caches. */
    ARENA_BYTES = 16 << 20,
};

/* ------------------------------------------------------------------ payload */

static void build_span(struct build *build, struct random *random)
{
    static const char *const routes[] = {"/cart",     "/cart/{id}", "/checkout", "/product/{id}",
                                         "/currency", "/quote",     "/ship",     "/recommend"};
    static const enum span_kind kinds[] = {SPAN_KIND_SERVER, SPAN_KIND_CLIENT, SPAN_KIND_INTERNAL};
    uint64_t trace[2] = {random_next(random), random_next(random)};
    uint64_t ids[2] = {random_next(random), random_next(random)};
    uint64_t pick = random_below(random, 8);
    uint64_t start = UINT64_C(1700000000000000000) + random_below(random, NS_PER_S);
    char name[32];

    (void)snprintf(name, sizeof(name), "GET %s", routes[pick]);
    build_open(build, 2);
    build_bytes(build, 1, BYTES((const char *)trace, 16));
    build_bytes(build, 2, BYTES((const char *)&ids[0], 8));
    build_bytes(build, 4, BYTES((const char *)&ids[1], 8));
    build_text(build, 5, name);
    build_varint(build, 6, kinds[random_below(random, 3)]);
    build_fixed64(build, 7, start);
    build_fixed64(build, 8, start + random_below(random, 10000000));
    build_attribute(build, 9, "http.request.method", "GET");
    build_attribute(build, 9, "http.route", routes[pick]);
    build_attribute(build, 9, "url.scheme", "http");
    build_attribute(build, 9, "server.address", "frontend.shop.svc.cluster.local");
    build_number_attribute(build, 9, "server.port", 8080);
    build_attribute(build, 9, "network.protocol.version", "1.1");
    build_attribute(build, 9, "user_agent.original", "python-requests/2.31.0 (linux)");
    build_number_attribute(build, 9, "http.response.status_code", 200);
    build_open(build, 15);
    build_close(build);
    build_fixed32(build, 16, 0x101);
    build_close(build);
}

static void build_payload(struct build *build)
{
    struct random random = random_of(1);

    for (int i = 0; i < RESOURCES; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "service-%d", i);
        build_open(build, 1);
        build_open(build, 1);
        build_attribute(build, 1, "service.name", name);
        build_attribute(build, 1, "telemetry.sdk.language", "python");
        build_attribute(build, 1, "host.name", "node-17.cluster.local");
        build_close(build);
        build_open(build, 2);
        build_open(build, 1);
        build_text(build, 1, "opentelemetry.instrumentation.requests");
        build_close(build);
        for (int j = 0; j < SPANS_EACH; j++)
            build_span(build, &random);
        build_close(build);
        build_close(build);
    }
    (void)build_done(build);
}

/* ------------------------------------------------------------------ contestants */

struct arena {
    char *begin;
    size_t used;
};

static void *arena_alloc(void *context, size_t size)
{
    struct arena *arena = context;
    void *memory = arena->begin + arena->used;

    arena->used += (size + 15) / 16 * 16;
    CHECK(arena->used <= ARENA_BYTES);
    return memory;
}

static void arena_free(void *context, void *memory)
{
    (void)context;
    (void)memory;
}

struct bench {
    struct rig rig;
    struct arena arena;
    size_t spans; /* Of the request. */
    volatile uint64_t sink;
};

static void run_ours(struct bench *bench, struct view message)
{
    const struct otlp_stage *stage;

    CHECK(otlp_decode_protobuf(bench->rig.decoder, message, &stage) == 0);
    bench->spans = stage->count;
    bench->sink += stage->spans[stage->count - 1].duration_ns;
}

#define UNPACK opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack
#define FREE opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked

static void run_protobuf_c(struct bench *bench, struct view message)
{
    Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *request = UNPACK(
        NULL, message.size, (const uint8_t *)message.data);

    CHECK(request != NULL);
    bench->sink += request->n_resource_spans;
    FREE(request, NULL);
}

static void run_protobuf_c_arena(struct bench *bench, struct view message)
{
    ProtobufCAllocator allocator = {arena_alloc, arena_free, &bench->arena};

    bench->arena.used = 0;
    CHECK(UNPACK(&allocator, message.size, (const uint8_t *)message.data) != NULL);
    bench->sink += bench->arena.used;
}

static void run_sum(struct bench *bench, struct view message)
{
    uint64_t sum = 0;

    for (size_t i = 0; i + 8 <= message.size; i += 8) {
        uint64_t word;
        memcpy(&word, message.data + i, 8);
        sum += word;
    }
    bench->sink += sum;
}

static const struct {
    const char *name;
    void (*run)(struct bench *bench, struct view message);
    unsigned repeats;
} contestants[] = {
    {"records and sites (ours)", run_ours, 8},
    {"protobuf-c, malloc", run_protobuf_c, 1},
    {"protobuf-c, arena", run_protobuf_c_arena, 2},
    {"sum of the bytes", run_sum, 32},
};

enum { CONTESTANTS = sizeof(contestants) / sizeof(contestants[0]) };

/* ------------------------------------------------------------------ measuring */

static uint64_t cpu_ns(void)
{
    struct timespec now;

    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(*values), by_value);
    return values[ROUNDS / 2];
}

/* Nanoseconds a span; each run takes the next of `copies` copies. */
static double measure(struct bench *bench, size_t which, const char *bytes, size_t size,
                      size_t copies, size_t *next)
{
    unsigned repeats = contestants[which].repeats * (copies > 1 ? 2 : 8);
    uint64_t begin = cpu_ns();

    for (unsigned i = 0; i < repeats; i++) {
        contestants[which].run(bench, BYTES(bytes + *next * size, size));
        *next = (*next + 1) % copies;
    }
    return (double)(cpu_ns() - begin) / repeats / (double)bench->spans;
}

static void compare(struct bench *bench, const char *title, const char *bytes, size_t size,
                    size_t copies)
{
    double values[CONTESTANTS][ROUNDS];
    double medians[CONTESTANTS];
    size_t next = 0;

    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < CONTESTANTS; i++)
            values[i][round] = measure(bench, i, bytes, size, copies, &next);
    for (size_t i = 0; i < CONTESTANTS; i++)
        medians[i] = median(values[i]);
    printf("%s\n", title);
    for (size_t i = 0; i < CONTESTANTS; i++)
        printf("  %-26s %8.1f ns a span   %6.2f x ours\n", contestants[i].name, medians[i],
               medians[i] / medians[0]);
}

static void read_payload(const char *path, struct build *build)
{
    static char buffer[1 << 16];
    FILE *file = fopen(path, "rb");
    size_t size;

    CHECK(file != NULL);
    while ((size = fread(buffer, 1, sizeof(buffer), file)) != 0)
        build_raw(build, BYTES(buffer, size));
    (void)fclose(file);
}

int main(int count, char **words)
{
    static struct bench bench;
    struct build build;
    size_t size;
    char *copies;

    rig_start(&bench.rig, NULL, false);
    bench.arena.begin = mem_alloc(ARENA_BYTES);
    build_init(&build);
    if (count > 1)
        read_payload(words[1], &build);
    else
        build_payload(&build);
    size = build.out.size;
    copies = mem_alloc(size * COPIES);
    CHECK(copies != NULL && bench.arena.begin != NULL);
    for (size_t i = 0; i < COPIES; i++)
        memcpy(copies + i * size, build.out.data, size);
    run_ours(&bench, buf_view(&build.out));
    printf("decode: %zu spans, %zu bytes a span, CPU time, medians of %d rounds in turn\n",
           bench.spans, size / bench.spans, ROUNDS);
    compare(&bench, "the same request again and again", build.out.data, size, 1);
    compare(&bench, "requests that are not in the caches", copies, size, COPIES);
    mem_free(copies);
    mem_free(bench.arena.begin);
    build_release(&build);
    rig_stop(&bench.rig);
    return 0;
}
