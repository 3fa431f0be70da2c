/* engine.c: builds the parts in the order in which they need each other, and drives them. */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "engine/engine_counters.h"
#include "engine/engine_debug.h"
#include "engine/engine_metrics.h"
#include "engine/engine_naming.h"
#include "engine/engine_priv.h"
#include "engine/machine.h"
#include "receiver/otlp_json.h"

/* ----------------------------------------------------------------- building */

static struct tally_options tally_options(const struct engine *engine)
{
    return (struct tally_options){
        .bounds = &engine->bounds,
        .edges_max = engine->budget.edges_max,
        .operations_max = engine->budget.operation_series_max,
        .losses_max = engine->budget.losses_max,
        .exemplars_max = engine->budget.exemplars_max,
        .edges_bytes_max = engine->budget.tally_edges_bytes,
        .operations_bytes_max = engine->budget.tally_operations_bytes,
    };
}

static int make_catalog(struct engine *engine)
{
    struct catalog_limits limits = {
        .services_max = engine->budget.services_max,
        .peers_max = engine->budget.peers_max,
        .operations_max = engine->budget.operations_max,
        .sites_max = engine->budget.sites_max,
        .text_bytes_max = engine->budget.name_bytes_max,
        .service_operations_max = engine->budget.service_operations_max,
        .sets_max = engine->budget.sets_max,
        .service_sets_max = engine->budget.service_sets_max,
    };

    return catalog_new(&limits, &engine->catalog);
}

struct wall_time engine_wall_now(const struct engine *engine)
{
    return engine->clock_is_given ? (struct wall_time){atomic_load(&engine->given_ns)}
                                  : clock_wall();
}

static int make_windows(struct engine *engine, const struct options *options,
                        struct wall_time start)
{
    struct windows_options windows = {
        .catalog = engine->catalog,
        .bounds = &engine->bounds,
        .dimensions = engine->dimensions,
        .edges_max = engine->budget.edges_max,
        .operations_max = engine->budget.operation_series_max,
        .losses_max = engine->budget.losses_max,
        .span_ns = options->windows_span_ns,
        .bytes_max = engine->budget.windows_bytes,
        .answer_bytes_max = engine->budget.windows_answer_bytes,
        .start = start,
    };

    return windows.bytes_max != 0 ? windows_new(&windows, &engine->windows) : 0;
}

static int make_publisher(struct engine *engine, const struct options *options)
{
    int status;
    struct publisher_options publisher = {
        .catalog = engine->catalog,
        .bounds = &engine->bounds,
        .dimensions = engine->dimensions,
        .edges_max = engine->budget.edges_max,
        .operations_max = engine->budget.operation_series_max,
        .losses_max = engine->budget.losses_max,
        .edges_bytes_max = engine->budget.edges_bytes,
        .operations_bytes_max = engine->budget.operations_bytes,
        .expiration_ns = options->metrics_expiration_ns,
        .exemplars = options->metrics_exemplars,
        .shards = engine->budget.shards,
        .start = engine_wall_now(engine),
    };

    counters_set(&engine->counters, ENGINE_START_TIME, publisher.start.ns / NS_PER_S);
    status = make_windows(engine, options, publisher.start);
    if (status != 0)
        return status;
    publisher.windows = engine->windows;
    return publisher_new(&publisher, &engine->publisher);
}

static int make_targets(struct engine *engine, const struct options *options)
{
    struct targets_options targets = {
        .targets_max = engine->budget.targets_max,
        .bytes_max = engine->budget.targets_bytes,
        .text_bytes_max = engine->budget.name_bytes_max,
        .expiration_ns = options->metrics_expiration_ns,
    };

    return engine->budget.keeps_targets ? targets_new(&targets, &engine->targets) : 0;
}

static int make_exchange(struct engine *engine)
{
    if (engine->budget.shards == 1)
        return 0;
    return exchange_new(engine->budget.shards, engine->budget.exchange_letters, &engine->exchange);
}

static int make_workers(struct engine *engine, const struct options *options)
{
    struct worker_options worker = {
        .shard =
            {
                .catalog = engine->catalog,
                .lessons = engine->lessons,
                .tally = tally_options(engine),
                .hash_seed = engine->hash_seed,
                .pairing_wait_ns = options->pairing_wait_ns,
                .parent_wait_ns = options->pairing_parent_wait_ns,
                .messaging_wait_ns = options->messaging_wait_ns,
                .memory_bytes_max = engine->budget.shard_bytes,
                .message_bytes_max = engine->budget.shard_message_bytes,
                .exchange = engine->exchange,
                .shards = engine->budget.shards,
                .orphan_servers_as_user = options->topology_orphan_servers == ORPHAN_SERVERS_USER,
            },
        .producers = engine->budget.threads,
        .ring_spans = engine->budget.ring_spans,
    };

    engine->workers = mem_calloc(engine->budget.shards, sizeof(*engine->workers));
    if (engine->workers == NULL)
        return STATUS_NOMEM;
    for (; engine->workers_count < engine->budget.shards; engine->workers_count++) {
        int status;

        worker.number = worker.shard.number = engine->workers_count;
        status = worker_new(&worker, &engine->workers[engine->workers_count]);
        if (status != 0)
            return status;
    }
    return 0;
}

static int make_doors(struct engine *engine, const struct options *options)
{
    unsigned doors = engine->budget.threads != 0 ? engine->budget.threads : 1;
    struct door_options door = {
        .decoder =
            {
                .naming = engine->naming,
                .catalog = engine->catalog,
                .targets = engine->targets,
                .dimensions = engine->dimensions,
                .hash_seed = engine->hash_seed,
                .sampling_count_max = (uint32_t)options->sampling_max_count,
                .spans_max = engine->budget.request_spans_max,
                .links_max = (size_t)options->links_max,
                .memo_entries = engine->budget.memo_entries,
                .json_tree_bytes_max = engine->budget.json_tree_bytes_max,
            },
        .workers = engine->workers,
        .workers_count = engine->workers_count,
        .publisher = engine->publisher,
        .counters = &engine->counters,
    };

    engine->doors = mem_calloc(doors, sizeof(*engine->doors));
    if (engine->doors == NULL)
        return STATUS_NOMEM;
    for (; engine->doors_count < doors; engine->doors_count++) {
        int status;

        door.number = engine->doors_count;
        status = door_new(&door, &engine->doors[engine->doors_count]);
        if (status != 0)
            return status;
    }
    return 0;
}

/* The owner of the windows calls it. */
static void note_windows(struct engine *engine)
{
    struct counters *counters = &engine->counters;
    struct windows_reach reach;

    if (engine->windows == NULL)
        return;
    windows_reach(engine->windows, &reach);
    counters_set(counters, ENGINE_WINDOWS_BYTES, reach.bytes);
    counters_set(counters, ENGINE_WINDOWS_ANSWER_BYTES, reach.answer_bytes);
    counters_set(counters, ENGINE_WINDOWS_SLOTS, reach.slots);
    counters_set(counters, ENGINE_WINDOWS_OLDEST, reach.oldest.ns / NS_PER_S);
    counters_set(counters, ENGINE_WINDOWS_PUSHED_OUT, reach.pushed_out);
    counters_set(counters, ENGINE_WINDOWS_HOLES, reach.holes);
}

static void note_gauges(void *context)
{
    struct engine *engine = context;
    struct counters *counters = &engine->counters;
    struct catalog_counts names;
    struct lessons_counts lessons;
    uint64_t waiting = 0, remembered = 0, bytes = 0;

    for (unsigned i = 0; i < engine->workers_count; i++) {
        waiting += worker_waiting(engine->workers[i]);
        remembered += worker_remembered(engine->workers[i]);
        bytes += worker_memory_bytes(engine->workers[i]);
    }
    catalog_read_counts(engine->catalog, &names);
    lessons_read_counts(engine->lessons, &lessons);
    if (engine->targets != NULL) {
        struct targets_counts targets;
        targets_read_counts(engine->targets, &targets);
        counters_set(counters, ENGINE_NAMES_TARGETS, targets.targets);
        counters_set(counters, ENGINE_REFUSED_TARGETS, targets.refused);
    }
    counters_set(counters, ENGINE_RING_SPANS, waiting);
    counters_set(counters, ENGINE_REMEMBERED_SPANS, remembered);
    counters_set(counters, ENGINE_REMEMBERED_BYTES, bytes);
    engine_note_names(counters, &names, &lessons);
    note_windows(engine);
    counters_set(counters, ENGINE_NAME_SWEEPS, merger_sweeps(engine->merger));
    counters_set(counters, ENGINE_MEMORY_RESIDENT, machine_resident_bytes());
}

static int make_merger(struct engine *engine)
{
    struct merger_options options = {
        .tally = tally_options(engine),
        .publisher = engine->publisher,
        .catalog = engine->catalog,
        .lessons = engine->lessons,
        .windows = engine->windows,
        .workers = engine->workers,
        .workers_count = engine->workers_count,
        .counters = &engine->counters,
        .given_ns = engine->clock_is_given ? &engine->given_ns : NULL,
        .note = note_gauges,
        .context = engine,
    };

    return merger_new(&options, &engine->merger);
}

static int make_counters(struct engine *engine)
{
    const struct budget *budget = &engine->budget;
    int status = counters_init(&engine->counters, engine_counter_rows, ENGINE_COUNTER_COUNT);

    if (status != 0)
        return status;
    engine->counters_made = true;
    counters_set(&engine->counters, ENGINE_BUILD_INFO, 1);
    counters_set(&engine->counters, ENGINE_RING_SPANS_MAX,
                 (uint64_t)budget->threads * budget->shards * budget->ring_spans);
    counters_set(&engine->counters, ENGINE_NAMES_SERVICES_MAX, budget->services_max);
    counters_set(&engine->counters, ENGINE_NAMES_PEERS_MAX, budget->peers_max);
    counters_set(&engine->counters, ENGINE_NAMES_OPERATIONS_MAX, budget->operations_max);
    counters_set(&engine->counters, ENGINE_NAMES_SETS_MAX, budget->sets_max);
    counters_set(&engine->counters, ENGINE_NAMES_SITES_MAX, budget->sites_max);
    counters_set(&engine->counters, ENGINE_NAMES_LESSONS_MAX, budget->lessons_max);
    counters_set(&engine->counters, ENGINE_NAMES_TARGETS_MAX, budget->targets_max);
    counters_set(&engine->counters, ENGINE_MEMORY_LIMIT, budget->limit_bytes);
    for (size_t i = 0; i < BUDGET_SHARE_COUNT; i++)
        counters_set(&engine->counters, ENGINE_MEMORY_FIXED + i, budget->share_bytes[i]);
    return 0;
}

static int make_parts(struct engine *engine, const struct options *options, char out_error[256])
{
    int status = make_counters(engine);

    if (status == 0)
        status = engine_make_bounds(&options->metrics_buckets, out_error, &engine->bounds);
    if (status == 0)
        status = engine_make_dimensions(options, out_error, &engine->dimensions);
    if (status == 0)
        status = make_catalog(engine);
    if (status == 0)
        status = lessons_new(engine->budget.lessons_max, &engine->lessons);
    if (status == 0)
        status = engine_make_naming(options, out_error, &engine->naming);
    if (status == 0)
        status = make_publisher(engine, options);
    if (status == 0)
        status = make_targets(engine, options);
    if (status == 0)
        status = make_exchange(engine);
    if (status == 0)
        status = make_workers(engine, options);
    if (status == 0)
        status = make_doors(engine, options);
    if (status == 0)
        status = make_merger(engine);
    return status;
}

static enum budget_kind kind_of(const struct engine_setup *setup)
{
    if (setup->threaded)
        return BUDGET_THREADED;
    return setup->keeps_targets ? BUDGET_INLINE_WITH_TARGETS : BUDGET_INLINE;
}

int engine_new(const struct options *options, const struct engine_setup *setup, char out_error[256],
               struct engine **out_engine)
{
    struct budget_machine machine = setup->machine;
    struct engine *engine = mem_calloc(1, sizeof(*engine));
    int status;

    out_error[0] = '\0';
    if (engine == NULL) {
        snprintf(out_error, 256, "%s", status_text(STATUS_NOMEM));
        return STATUS_NOMEM;
    }
    if (machine.memory_bytes == 0)
        machine.memory_bytes = machine_memory_bytes("");
    if (machine.cores == 0)
        machine.cores = machine_cores("");
    CHECK(pthread_mutex_init(&engine->lock, NULL) == 0);
    engine->clock_is_given = setup->clock_is_given && !setup->threaded;
    atomic_store(&engine->given_ns, setup->start.ns);
    if (engine->clock_is_given)
        engine->now.ns = setup->start.ns;
    /* Which shard a trace goes to follows from it, and so what is judged and dropped when. */
    engine->hash_seed = engine->clock_is_given
                            ? hash64(&setup->start.ns, sizeof(setup->start.ns), 0)
                            : hash_seed();
    engine->pairing_wait_ns = options->pairing_wait_ns;
    engine->parent_wait_ns = options->pairing_parent_wait_ns;
    engine->waits_ns = 2 * (options->pairing_wait_ns + options->pairing_parent_wait_ns +
                            options->messaging_wait_ns);
    status = budget_make(options, &machine, kind_of(setup), out_error, &engine->budget);
    if (status == 0)
        status = make_parts(engine, options, out_error);
    if (status != 0) {
        if (out_error[0] == '\0')
            snprintf(out_error, 256, "%s", status_text(status));
        engine_free(engine);
        return status;
    }
    *out_engine = engine;
    return 0;
}

void engine_free(struct engine *engine)
{
    if (engine == NULL)
        return;
    engine_stop(engine);
    merger_free(engine->merger);
    for (unsigned i = 0; i < engine->doors_count; i++)
        door_free(engine->doors[i]);
    mem_free(engine->doors);
    for (unsigned i = 0; i < engine->workers_count; i++)
        worker_free(engine->workers[i]);
    mem_free(engine->workers);
    exchange_free(engine->exchange);
    publisher_free(engine->publisher);
    windows_free(engine->windows);
    targets_free(engine->targets);
    naming_free(engine->naming);
    lessons_free(engine->lessons);
    catalog_free(engine->catalog);
    dimensions_free(engine->dimensions);
    if (engine->counters_made)
        counters_release(&engine->counters);
    CHECK(pthread_mutex_destroy(&engine->lock) == 0);
    mem_free(engine);
}

const struct budget *engine_budget(const struct engine *engine)
{
    return &engine->budget;
}

const struct histogram_bounds *engine_bounds(const struct engine *engine)
{
    return &engine->bounds;
}

struct counters *engine_counters(struct engine *engine)
{
    return &engine->counters;
}

struct targets *engine_targets(struct engine *engine)
{
    return engine->targets;
}

void engine_make_filter(const struct engine *engine, uint32_t out_filter[ATTRIBUTES_FILTER])
{
    attributes_make_filter(engine->dimensions, out_filter);
}

/* ------------------------------------------------------------- with threads */

void engine_set_onward(struct engine *engine, const struct door_onward *onward)
{
    for (unsigned i = 0; i < engine->doors_count; i++)
        door_set_onward(engine->doors[i], onward);
}

int engine_start(struct engine *engine)
{
    int status = 0;

    CHECK(engine->budget.threads != 0 && !engine->started);
    engine->started = true;
    for (unsigned i = 0; i < engine->workers_count && status == 0; i++)
        status = worker_start(engine->workers[i]);
    if (status == 0)
        status = merger_start(engine->merger);
    if (status != 0)
        engine_stop(engine);
    return status;
}

void engine_stop(struct engine *engine)
{
    if (!engine->started)
        return;
    merger_stop(engine->merger);
    engine->started = false;
}

void engine_export(void *context, unsigned thread, enum message_format format, struct view message,
                   struct grpc_reply *reply)
{
    struct engine *engine = context;

    CHECK(thread < engine->doors_count);
    door_export(engine->doors[thread], format == MESSAGE_JSON ? DOOR_JSON : DOOR_PROTOBUF, message,
                reply);
}

void engine_note_fed(const struct otlp_stage *stage, int status, struct engine_fed *out_fed)
{
    *out_fed = (struct engine_fed){
        .warning = stage->warning, .error = stage->error, .error_offset = stage->error_offset};
    if (status != 0)
        return;
    out_fed->spans = stage->count;
    for (size_t reason = 0; reason < REJECTED_REASON_COUNT; reason++)
        out_fed->rejected += stage->rejected[reason];
}

int engine_admit(struct engine *engine, unsigned thread, enum door_format format,
                 struct view request, struct engine_fed *out_fed)
{
    const struct otlp_stage *stage;
    int status;

    CHECK(thread < engine->doors_count);
    status = door_admit(engine->doors[thread], format, request, &stage);
    engine_note_fed(stage, status, out_fed);
    return status;
}

size_t engine_export_memory(void *context, enum message_format format, struct view message)
{
    const struct engine *engine = context;

    return format == MESSAGE_JSON ? otlp_json_memory(message, engine->budget.json_tree_bytes_max)
                                  : 0;
}

/* --------------------------------------------------------------------- both */

int engine_snapshot(struct engine *engine, struct snapshot **out_snapshot)
{
    int status;

    engine_lock(engine);
    status = merger_snapshot(engine->merger, out_snapshot);
    engine_unlock(engine);
    return status;
}

static int write_page(const struct engine_debug *debug, enum engine_page page, struct buf *out)
{
    switch (page) {
    case ENGINE_PAGE_CARDINALITY:
        return engine_debug_cardinality(debug, out);
    case ENGINE_PAGE_BUDGETS:
        return engine_debug_budgets(debug, out);
    case ENGINE_PAGE_LATENESS:
        return engine_debug_lateness(debug, out);
    }
    return STATUS_INVALID;
}

int engine_window(struct engine *engine, const struct window_want *want,
                  struct window_look **out_look)
{
    int status;

    engine_lock(engine);
    status = merger_window(engine->merger, want, out_look);
    engine_unlock(engine);
    return status;
}

int engine_windows(struct engine *engine, struct windows_reach *out_reach)
{
    return merger_windows(engine->merger, out_reach);
}

int engine_page(struct engine *engine, enum engine_page page, const struct engine_bodies *bodies,
                struct buf *out)
{
    struct engine_debug debug = {
        .budget = &engine->budget,
        .catalog = engine->catalog,
        .lessons = engine->lessons,
        .targets = engine->targets,
        .counters = &engine->counters,
        .workers = engine->workers,
        .workers_count = engine->workers_count,
        .pairing_wait_ns = engine->pairing_wait_ns,
        .parent_wait_ns = engine->parent_wait_ns,
        .bodies = *bodies,
    };
    struct windows_reach windows;
    struct snapshot *snapshot;
    int status;

    engine_lock(engine);
    status = merger_snapshot(engine->merger, &snapshot);
    if (status == 0) {
        debug.snapshot = snapshot;
        debug.windows = merger_windows(engine->merger, &windows) == 0 ? &windows : NULL;
        status = write_page(&debug, page, out);
        snapshot_release(snapshot);
    }
    engine_unlock(engine);
    return status;
}
