/* budget_test.c: shares add up, options are kept, and what does not fit is said. */
#include "engine/budget.h"

#include <malloc.h>
#include <stdio.h>

#include "base/option.h"
#include "engine/engine.h"
#include "tests/lib/test.h"
#include "tests/lib/trace_build.h"
#include "topology/catalog_priv.h"
#include "topology/publisher.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

enum { NAME_BYTES = 256 };

static uint64_t sum(const struct budget *budget)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < BUDGET_SHARE_COUNT; i++)
        bytes += budget->share_bytes[i];
    return bytes;
}

static int make(const struct options *options, uint64_t memory_bytes, unsigned cores, bool threaded,
                struct budget *out_budget)
{
    struct budget_machine machine = {.memory_bytes = memory_bytes, .cores = cores};
    char error[256] = "";
    int status = budget_make(options, &machine, threaded ? BUDGET_THREADED : BUDGET_INLINE, error,
                             out_budget);

    assert_int_equal(status != 0, error[0] != '\0');
    if (status != 0) {
        assert_int_equal(status, STATUS_RANGE);
        assert_non_null(strstr(error, "memory.limit"));
    }
    return status;
}

static void budget__takes_a_quarter_and_at_most_a_gibibyte(void **state)
{
    struct options options;
    struct budget budget;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    assert_int_equal(make(&options, 2 * GIB, 2, true, &budget), 0);
    assert_int_equal(budget.limit_bytes, GIB / 2);
    assert_int_equal(make(&options, 64 * GIB, 2, true, &budget), 0);
    assert_int_equal(budget.limit_bytes, GIB);
    assert_int_equal(make(&options, 20 * MIB, 2, true, &budget), 0);
    assert_int_equal(budget.limit_bytes, 32 * MIB);
    options.memory_limit_bytes = 100 * MIB;
    assert_int_equal(make(&options, 64 * GIB, 2, true, &budget), 0);
    assert_int_equal(budget.limit_bytes, 100 * MIB);
    options_release(&options);
}

/* With up to 16 cores: the protocol recommends to take messages of 64 MiB by default. */
static void budget__takes_the_largest_message_by_default(void **state)
{
    struct options options;
    struct budget budget;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    for (unsigned cores = 1; cores <= 16; cores++) {
        assert_int_equal(make(&options, 64 * GIB, cores, true, &budget), 0);
        assert_int_equal(budget.request_bytes_max, 64 * MIB);
    }
    options_release(&options);
}

static void budget__blames_the_option_that_is_too_little(void **state)
{
    struct budget_machine machine = {.memory_bytes = 64 * GIB, .cores = 2};
    struct options options;
    struct budget budget;
    char error[256] = "";

    (void)state;
    assert_int_equal(options_init(&options), 0);
    options.topology_memory_bytes_max = 4 * MIB;
    options.topology_shards = 5;
    assert_int_equal(budget_make(&options, &machine, BUDGET_THREADED, error, &budget),
                     STATUS_RANGE);
    assert_string_equal(error, "topology.memory_max of 4 MiB is less than 1 MiB for each of 5"
                               " topology.shards; raise it or take fewer");
    options.topology_shards = 4;
    assert_int_equal(budget_make(&options, &machine, BUDGET_THREADED, error, &budget), 0);
    options_release(&options);
}

static void budget__shares_add_up_to_the_limit_at_most(void **state)
{
    static const uint64_t limits[] = {32 * MIB, 64 * MIB, 256 * MIB, GIB, 64 * GIB};
    static const unsigned cores[] = {1, 2, 3, 8, 64, 512};
    struct options options;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        for (size_t j = 0; j < sizeof(cores) / sizeof(cores[0]); j++) {
            struct budget budget;

            options.memory_limit_bytes = limits[i];
            assert_int_equal(make(&options, GIB, cores[j], true, &budget), 0);
            assert_true(sum(&budget) <= limits[i]);
            assert_true(sum(&budget) >= limits[i] / 100 * 95);
            assert_in_range(budget.threads, 1, cores[j]);
            assert_in_range(budget.shards, 1, cores[j]);
            assert_true((budget.ring_spans & (budget.ring_spans - 1)) == 0);
            assert_int_equal(budget.request_spans_max, budget.ring_spans);
            assert_in_range(budget.request_bytes_max, 1,
                            budget.share_bytes[BUDGET_REQUESTS] / 3 * 2);
            assert_true((budget.threads * budget.shards + budget.threads) * budget.ring_spans *
                            64 <=
                        budget.share_bytes[BUDGET_RINGS]);
            assert_true(budget.shard_bytes * budget.shards <= budget.share_bytes[BUDGET_SPANS]);
            assert_true(budget.edges_max > 0 && budget.services_max > 0 && budget.losses_max > 0);
            assert_true(budget.request_bytes_max <= budget.share_bytes[BUDGET_REQUESTS]);
            assert_true(budget.answer_bytes_max + budget.answers_bytes_max <=
                        budget.share_bytes[BUDGET_ANSWERS] + 2 * MIB + 4 * budget.targets_bytes);
            assert_true(budget.answer_bytes_max >= budget.edges_max * UINT64_C(3000));
            assert_true(budget.answers_bytes_max >= budget.edges_max * UINT64_C(1500));
            assert_true(budget.answers_bytes_kept >= budget.answers_bytes_max / 5);
        }
    }
    options_release(&options);
}

static void budget__keeps_what_options_say(void **state)
{
    struct options options;
    struct budget budget;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    options.memory_limit_bytes = GIB;
    options.topology_memory_bytes_max = 100 * MIB;
    options.topology_shards = 4;
    options.receiver_threads = 3;
    options.map_edges_max = 77;
    options.names_services_max = 5;
    options.metrics_losses_max = 9;
    options.receiver_memory_bytes_max = 50 * MIB;
    assert_int_equal(make(&options, GIB, 1, true, &budget), 0);
    assert_int_equal(budget.shards, 4);
    assert_int_equal(budget.threads, 3);
    assert_int_equal(budget.shard_bytes, 25 * MIB);
    assert_int_equal(budget.edges_max, 77);
    assert_int_equal(budget.services_max, 5);
    assert_int_equal(budget.losses_max, 9);
    assert_int_equal(budget.share_bytes[BUDGET_REQUESTS], 50 * MIB);
    assert_true(sum(&budget) <= GIB);
    options_release(&options);
}

static void budget__gives_a_set_share_to_nobody_else(void **state)
{
    struct options options;
    struct budget before;
    struct budget after;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    options.memory_limit_bytes = GIB;
    assert_int_equal(make(&options, GIB, 2, true, &before), 0);
    options.topology_memory_bytes_max = GIB / 2;
    assert_int_equal(make(&options, GIB, 2, true, &after), 0);
    assert_true(after.edges_max < before.edges_max);
    assert_true(after.services_max < before.services_max);
    options_release(&options);
}

static void budget__refuses_what_does_not_fit(void **state)
{
    struct options options;
    struct budget budget;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    options.memory_limit_bytes = 64 * MIB;
    options.topology_memory_bytes_max = GIB;
    assert_int_equal(make(&options, GIB, 2, true, &budget), STATUS_RANGE);
    options.topology_memory_bytes_max = 0;
    options.map_edges_max = 1000000;
    assert_int_equal(make(&options, GIB, 2, true, &budget), STATUS_RANGE);
    options.map_edges_max = 0;
    options.names_services_max = 10000000;
    assert_int_equal(make(&options, GIB, 2, true, &budget), STATUS_RANGE);
    options.names_services_max = 0;
    options.topology_shards = 64;
    assert_int_equal(make(&options, GIB, 2, true, &budget), STATUS_RANGE);
    options.topology_shards = 0;
    options.receiver_threads = 1024;
    assert_int_equal(make(&options, GIB, 2, true, &budget), STATUS_RANGE);
    /* Threads and shards fit, but the rings between them would hold a few spans each. */
    options.memory_limit_bytes = GIB;
    options.receiver_threads = 64;
    options.topology_shards = 200;
    assert_int_equal(make(&options, GIB, 2, true, &budget), STATUS_RANGE);
    options.topology_shards = 4;
    assert_int_equal(make(&options, GIB, 2, true, &budget), 0);
    options_release(&options);
}

static void budget__takes_fewer_threads_where_rings_would_be_small(void **state)
{
    struct options options;
    struct budget budget;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    options.memory_limit_bytes = 128 * MIB;
    assert_int_equal(make(&options, GIB, 64, true, &budget), 0);
    assert_true(budget.threads < 16);
    assert_true(budget.threads == 1 || budget.ring_spans >= 32768);
    /* What was asked for is not lowered. */
    options.topology_shards = 8;
    options.receiver_threads = 8;
    assert_int_equal(make(&options, GIB, 64, true, &budget), 0);
    assert_int_equal(budget.threads, 8);
    assert_int_equal(budget.shards, 8);
    options_release(&options);
}

static void set_text(struct options *options, const char *key, const char *text)
{
    char error[256];

    assert_int_equal(
        option_set(option_find(&spanmap_options, view_of(key)), options, view_of(text), error), 0);
}

static void budget__has_shares_for_what_leaves_where_it_does(void **state)
{
    struct options options;
    struct budget budget;
    uint64_t before;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    assert_int_equal(make(&options, 4 * GIB, 2, true, &budget), 0);
    assert_int_equal(budget.share_bytes[BUDGET_FORWARD] + budget.share_bytes[BUDGET_PUSH], 0);
    before = budget.share_bytes[BUDGET_FIXED];
    set_text(&options, "forward.endpoint", "a:1");
    set_text(&options, "push.otlp.endpoint", "a:1");
    assert_int_equal(make(&options, 4 * GIB, 2, true, &budget), 0);
    assert_true(budget.share_bytes[BUDGET_FORWARD] >= 32 * MIB);
    assert_true(budget.share_bytes[BUDGET_PUSH] >= 16 * MIB);
    assert_true(budget.share_bytes[BUDGET_FIXED] > before);
    assert_int_equal(budget.request_bytes_max, 64 * MIB); /* What OTLP asks of a receiver. */
    assert_true(sum(&budget) <= GIB);
    options.forward_queue_bytes = 200 * MIB;
    assert_int_equal(make(&options, 4 * GIB, 2, true, &budget), 0);
    assert_int_equal(budget.share_bytes[BUDGET_FORWARD], 200 * MIB);
    assert_true(sum(&budget) <= GIB);
    options.forward_queue_bytes = 2 * GIB;
    assert_int_equal(make(&options, 4 * GIB, 2, true, &budget), STATUS_RANGE);
    assert_int_equal(make(&options, 4 * GIB, 2, false, &budget), 0); /* `map` sends nothing on. */
    assert_int_equal(budget.share_bytes[BUDGET_FORWARD] + budget.share_bytes[BUDGET_PUSH], 0);
    options_release(&options);
}

static void budget__without_threads_has_no_rings(void **state)
{
    struct options options;
    struct budget budget;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    options.memory_limit_bytes = GIB;
    assert_int_equal(make(&options, GIB, 8, false, &budget), 0);
    assert_int_equal(budget.threads, 0);
    assert_int_equal(budget.shards, 1);
    assert_int_equal(budget.ring_spans, 0);
    assert_int_equal(budget.share_bytes[BUDGET_RINGS], 0);
    assert_int_equal(budget.share_bytes[BUDGET_ANSWERS], 0);
    assert_true(sum(&budget) <= GIB);
    assert_true(budget.request_bytes_max + budget.json_tree_bytes_max <=
                budget.share_bytes[BUDGET_REQUESTS]);
    options.topology_shards = 5;
    assert_int_equal(make(&options, GIB, 8, false, &budget), 0);
    assert_int_equal(budget.shards, 5);
    options_release(&options);
}

/* Heap in use; 0 where a sanitizer's allocator does not say. */
static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* What a catalog has beside the heap: pages of the row of its sites. */
static size_t row_bytes(const struct catalog *catalog)
{
    size_t chunks = (catalog->sites.count + NAME_TABLE_CHUNK - 1) / NAME_TABLE_CHUNK;

    return chunks * NAME_TABLE_CHUNK * sizeof(struct site_entry);
}

/* A name of the longest kind, unlike all others. */
static struct view longest_name(char text[256], const char *kind, uint32_t number)
{
    memset(text, 'x', 256);
    snprintf(text, 256, "%s%u", kind, number);
    text[strlen(text)] = '-';
    return (struct view){text, 256};
}

/* What services keep of spans where sites are full, and of judged ones. */
static void fill_small_sites(struct catalog *catalog, const struct budget *budget)
{
    for (uint32_t i = 0; i < (budget->services_max + 1) * CATALOG_SITES_OF_SERVICE; i++) {
        struct site site = {.service = 3 + i / CATALOG_SITES_OF_SERVICE,
                            .kind = (uint8_t)(i % CATALOG_SITES_OF_SERVICE / 2),
                            .is_receive = (uint8_t)(i % 2),
                            .peer = CATALOG_NONE,
                            .peer_else = CATALOG_NONE,
                            .destination = CATALOG_NONE,
                            .group = CATALOG_NONE};
        uint32_t number;
        assert_int_equal(catalog_site(catalog, &site, &number), 0);
        assert_int_not_equal(number, CATALOG_OVERFLOW);
    }
}

static void fill_catalog(struct catalog *catalog, const struct budget *budget)
{
    static const char *const kinds[] = {"service", "peer"};
    const uint32_t counts[] = {budget->services_max, budget->peers_max};
    char name[256];
    char namespace[256];
    uint32_t number;

    for (uint32_t kind = 0; kind < 2; kind++) {
        for (uint32_t i = 0; i < counts[kind] + 10; i++) {
            struct node node = {kind == 0 ? NODE_SERVICE : NODE_EXTERNAL,
                                longest_name(namespace, "space", i),
                                longest_name(name, kinds[kind], i)};

            assert_int_equal(catalog_node(catalog, &node, &number), 0);
            if (kind == 0)
                catalog_mark_reported(catalog, number);
        }
    }
    for (uint32_t i = 0; i < budget->operations_max + 10; i++)
        assert_int_equal(catalog_text(catalog, longest_name(name, "operation", i), &number), 0);
    fill_small_sites(catalog, budget);
    for (uint32_t i = 0; i < budget->sites_max + 10; i++) {
        struct site site = {.service = i};
        struct view operation = longest_name(name, "operation", i / budget->services_max);
        assert_int_equal(catalog_site(catalog, &site, &number), 0);
        assert_int_equal(
            catalog_operation(catalog, 3 + i % budget->services_max, operation, &number), 0);
    }
}

static void budget__counts_names_at_their_worst(void **state)
{
    struct options options;
    struct budget budget;
    struct catalog_counts counts;
    struct catalog *catalog;
    size_t before = heap_bytes();
    size_t used;

    (void)state;
    if (before == 0)
        skip();
    assert_int_equal(options_init(&options), 0);
    options.memory_limit_bytes = 256 * MIB;
    assert_int_equal(make(&options, GIB, 2, true, &budget), 0);
    assert_int_equal(budget.name_bytes_max, 256);
    struct catalog_limits limits = {budget.services_max,
                                    budget.peers_max,
                                    budget.operations_max,
                                    budget.sites_max,
                                    budget.name_bytes_max,
                                    budget.service_operations_max,
                                    0,
                                    0};
    before = heap_bytes();
    assert_int_equal(catalog_new(&limits, &catalog), 0);
    fill_catalog(catalog, &budget);
    used = heap_bytes() - before + row_bytes(catalog);
    catalog_read_counts(catalog, &counts);
    assert_true(counts.services_refused > 0 && counts.peers_refused > 0 &&
                counts.operations_refused > 0 && counts.sites_refused > 0 &&
                counts.service_operations_refused > 0);
    assert_true(used <= budget.share_bytes[BUDGET_NAMES]);
    /* A share that is far too large would starve the others. */
    assert_true(used >= budget.share_bytes[BUDGET_NAMES] / 4 * 3);
    catalog_free(catalog);
    options_release(&options);
}

/* Sites, each with a set of the longest values, and more sets than there is room for. */
static void fill_values(struct catalog *catalog, const struct budget *budget, unsigned dimensions)
{
    static char packed[4 * (DIMENSION_HEAD_BYTES + NAME_BYTES)];
    size_t size = 0;

    for (unsigned i = 0; i < dimensions; i++) {
        dimension_head(packed + size, i, NAME_BYTES);
        memset(packed + size + DIMENSION_HEAD_BYTES, 'v', NAME_BYTES);
        size += DIMENSION_HEAD_BYTES + NAME_BYTES;
    }
    for (uint32_t i = 0; i < budget->sets_max + budget->sites_max; i++) {
        struct site site = {.service = 3 + i % budget->services_max};
        uint32_t number;
        memcpy(packed + DIMENSION_HEAD_BYTES, &i, sizeof(i));
        assert_int_equal(catalog_dimensions(catalog, site.service, (struct view){packed, size},
                                            &site.dimensions),
                         0);
        assert_int_equal(catalog_site(catalog, &site, &number), 0);
    }
}

static void budget__counts_values_at_their_worst(void **state)
{
    static const struct view keys[] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}};
    const struct option_row *row = option_find(&spanmap_options, VIEW("metrics.dimensions"));
    struct options options;
    struct budget budget;
    struct catalog_counts counts;
    struct catalog_limits limits;
    struct catalog *catalog;
    char error[256];
    size_t before = heap_bytes(), bad, used;

    (void)state;
    if (before == 0)
        skip();
    assert_int_equal(options_init(&options), 0);
    options.memory_limit_bytes = 256 * MIB;
    assert_int_equal(option_set_texts(row, &options, keys, 4, error, &bad), 0);
    assert_int_equal(make(&options, GIB, 2, true, &budget), 0);
    limits = (struct catalog_limits){.services_max = budget.services_max,
                                     .peers_max = budget.peers_max,
                                     .operations_max = budget.operations_max,
                                     .sites_max = budget.sites_max,
                                     .text_bytes_max = budget.name_bytes_max,
                                     .service_operations_max = budget.service_operations_max,
                                     .sets_max = budget.sets_max};
    before = heap_bytes();
    assert_int_equal(catalog_new(&limits, &catalog), 0);
    fill_catalog(catalog, &budget);
    fill_values(catalog, &budget, 4);
    used = heap_bytes() - before + row_bytes(catalog);
    catalog_read_counts(catalog, &counts);
    assert_int_equal(counts.sets, budget.sets_max);
    assert_true(counts.sets_refused > 0);
    assert_true(used <= budget.share_bytes[BUDGET_NAMES]);
    assert_true(used >= budget.share_bytes[BUDGET_NAMES] / 4 * 3);
    catalog_free(catalog);
    options_release(&options);
}

/* One call from service `client` to service `server`: a CLIENT and its SERVER, both so long. */
static void feed_call(struct engine *engine, uint64_t trace, uint32_t client, uint32_t server,
                      uint64_t duration_ns)
{
    struct trace_build_span caller = {trace, 1, 0, SPAN_KIND_CLIENT, "", 1000, 0};
    struct trace_build_span callee = {trace, 2, 1, SPAN_KIND_SERVER, "", 1000, 0};
    struct mono_time now = {1000 + trace * NS_PER_MS};
    char name[32];
    char service[32];
    struct buf request;
    struct engine_fed fed;

    caller.end_ns = 1000 + 3 * duration_ns;
    callee.end_ns = 1000 + duration_ns;
    snprintf(name, sizeof(name), "op-%u", client);
    caller.name = callee.name = name;
    buf_init(&request, 0);
    snprintf(service, sizeof(service), "service-%u", client);
    trace_build_request(&request, service, &caller, 1);
    snprintf(service, sizeof(service), "service-%u", server);
    trace_build_request(&request, service, &callee, 1);
    assert_int_equal(engine_feed(engine, DOOR_PROTOBUF, buf_view(&request), now, &fed), 0);
    buf_release(&request);
}

/* More edges than there is room for, which have two calls each, that long. Returns the number of the next
 * trace. */
static uint64_t feed_all_edges(struct engine *engine, uint64_t trace, uint64_t shortest_ns,
                               uint64_t longest_ns)
{
    const struct budget *budget = engine_budget(engine);

    for (uint32_t edge = 0; edge < budget->edges_max + 10; edge++) {
        feed_call(engine, trace++, 0, 1 + edge, shortest_ns);
        feed_call(engine, trace++, 0, 1 + edge, longest_ns);
    }
    /* The next request comes when this one's wait is over. */
    trace += 10;
    engine_tick(engine, (struct mono_time){1000 + trace * NS_PER_MS});
    return trace;
}

/* Whatever found no room of its own: each call is on one edge, its durations too. */
static void assert_all_counted(const struct snapshot *snapshot, uint64_t calls)
{
    uint64_t requests = 0, client = 0, server = 0, buckets = 0, classic = 0, spans = 0;

    for (size_t i = 0; i < snapshot->edges_count; i++) {
        const struct snapshot_edge *edge = &snapshot->edges[i];
        requests += edge->requests;
        client += edge->client_seconds->count;
        server += edge->server_seconds->count;
        buckets += edge->client_seconds->zero_count;
        for (size_t j = 0; j < edge->client_seconds->length; j++)
            buckets += edge->client_seconds->buckets[j];
        for (size_t j = 0; j <= histogram_bounds_default.count; j++)
            classic += edge->client_seconds->classic[j];
        assert_int_equal(edge->requests, edge->client_seconds->count);
    }
    for (size_t i = 0; i < snapshot->operations_count; i++)
        spans += snapshot->operations[i].calls;
    assert_int_equal(requests, calls * WEIGHT_ONE);
    assert_int_equal(client, calls * WEIGHT_ONE);
    assert_int_equal(server, calls * WEIGHT_ONE);
    assert_int_equal(buckets, calls * WEIGHT_ONE);
    assert_int_equal(classic, calls * WEIGHT_ONE);
    assert_int_equal(spans, 2 * calls * WEIGHT_ONE);
    assert_int_equal(snapshot->counts.memory_failures, 0);
}

static struct engine *make_small_engine(struct options *options)
{
    struct engine_setup setup = {.threaded = false, .machine = {GIB, 2}};
    struct engine *engine;
    char error[256];

    assert_int_equal(options_init(options), 0);
    options->memory_limit_bytes = 64 * MIB;
    options->topology_shards = 2;
    options->names_length_bytes_max = 32;
    options->names_services_max = 2000; /* More than there are edges. */
    options->topology_memory_bytes_max = 4 * MIB;
    options->pairing_wait_ns = NS_PER_MS;
    options->pairing_parent_wait_ns = NS_PER_MS;
    assert_int_equal(engine_new(options, &setup, error, &engine), 0);
    return engine;
}

/* An old snapshot is still being read while a new one is made, and all has changed between. In the
 * first round series are narrow, so that as many as can be come in; then they become as wide as can be. */
static void check_series(bool begins_narrow)
{
    struct snapshot *snapshots[4];
    const struct budget *budget;
    struct options options;
    struct engine *engine;
    uint64_t trace = 1, calls = 0;
    size_t before = heap_bytes();
    size_t used;

    if (before == 0)
        skip();
    engine = make_small_engine(&options);
    budget = engine_budget(engine);
    before = heap_bytes();
    for (size_t i = 0; i < 4; i++) {
        bool is_narrow = i == 0 && begins_narrow;
        trace = feed_all_edges(engine, trace, is_narrow ? 1000 : 1,
                               is_narrow ? 1000 : UINT64_C(1) << 51);
        calls += 2 * (budget->edges_max + 10);
        assert_int_equal(engine_snapshot(engine, &snapshots[i]), 0);
        assert_all_counted(snapshots[i], calls);
        if (i > 0)
            snapshot_release(snapshots[i - 1]);
    }
    assert_true(snapshots[3]->counts.edges_overflowed > 0);
    assert_true(snapshots[3]->counts.resolutions_cut > 0 || !begins_narrow);
    assert_in_range(snapshots[3]->edges_count,
                    budget->edges_bytes / publisher_edge_bytes(HISTOGRAM_BUCKETS_MAX, 24) / 8 * 7,
                    budget->edges_max + 1);
    assert_true(snapshots[3]->edges_bytes <= budget->edges_bytes);
    used = heap_bytes() - before;
    assert_true(used <= budget->share_bytes[BUDGET_EDGES] + budget->share_bytes[BUDGET_OPERATIONS] +
                            budget->share_bytes[BUDGET_LOSSES] + budget->share_bytes[BUDGET_NAMES] +
                            budget->share_bytes[BUDGET_SPANS]);
    assert_true(used >= budget->share_bytes[BUDGET_EDGES] / 2);
    snapshot_release(snapshots[3]);
    engine_free(engine);
    options_release(&options);
}

static void budget__counts_series_at_their_worst(void **state)
{
    (void)state;
    check_series(false);
}

static void budget__holds_when_all_series_widen(void **state)
{
    (void)state;
    check_series(true);
}

static void budget__names_each_share(void **state)
{
    (void)state;
    for (size_t i = 0; i < BUDGET_SHARE_COUNT; i++)
        assert_true(strlen(budget_share_name((enum budget_share)i)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budget__takes_a_quarter_and_at_most_a_gibibyte),
        cmocka_unit_test(budget__takes_the_largest_message_by_default),
        cmocka_unit_test(budget__blames_the_option_that_is_too_little),
        cmocka_unit_test(budget__shares_add_up_to_the_limit_at_most),
        cmocka_unit_test(budget__keeps_what_options_say),
        cmocka_unit_test(budget__gives_a_set_share_to_nobody_else),
        cmocka_unit_test(budget__refuses_what_does_not_fit),
        cmocka_unit_test(budget__takes_fewer_threads_where_rings_would_be_small),
        cmocka_unit_test(budget__without_threads_has_no_rings),
        cmocka_unit_test(budget__counts_names_at_their_worst),
        cmocka_unit_test(budget__counts_values_at_their_worst),
        cmocka_unit_test(budget__counts_series_at_their_worst),
        cmocka_unit_test(budget__holds_when_all_series_widen),
        cmocka_unit_test(budget__has_shares_for_what_leaves_where_it_does),
        cmocka_unit_test(budget__names_each_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
