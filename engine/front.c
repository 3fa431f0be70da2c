/* front.c: what the routes ask for, answered by the engine. */
#include "engine/front.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/check.h"
#include "base/mem.h"
#include "engine/reload.h"
#include "exporters/courier_counters.h"
#include "exporters/routes.h"
#include "receiver/receiver_counters.h"

struct front {
    struct front_setup setup;
    struct routes *routes;
    _Atomic bool is_ready;
    pthread_mutex_t lock; /* Over those options that change while running. */
};

/* ------------------------------------------------------ what the routes show */

static struct snapshot *take_snapshot(void *context)
{
    struct front *front = context;
    struct snapshot *snapshot;

    return engine_snapshot(front->setup.engine, &snapshot) == 0 ? snapshot : NULL;
}

static bool is_ready(void *context)
{
    struct front *front = context;

    return atomic_load(&front->is_ready);
}

static int show_config(void *context, struct buf *out)
{
    struct front *front = context;
    int status;

    CHECK(pthread_mutex_lock(&front->lock) == 0);
    status = options_print(front->setup.options, out);
    CHECK(pthread_mutex_unlock(&front->lock) == 0);
    return status;
}

static int show_page(void *context, enum engine_page page, struct buf *out)
{
    struct front *front = context;
    const struct counters *counters = front->setup.receiver;
    struct engine_bodies bodies = {0};

    if (counters != NULL) {
        bodies.bytes = counters_read(counters, RECEIVER_BODY_BYTES);
        bodies.refused = counters_read(counters, RECEIVER_LIMIT_MEMORY);
    }
    if (front->setup.forward != NULL) {
        bodies.forward_bytes = counters_read(front->setup.forward, COURIER_QUEUE_BYTES);
        bodies.forward_dropped = counters_read(front->setup.forward, COURIER_REQUESTS_FULL);
    }
    return engine_page(front->setup.engine, page, &bodies, out);
}

static int show_cardinality(void *context, struct buf *out)
{
    return show_page(context, ENGINE_PAGE_CARDINALITY, out);
}

static int show_budgets(void *context, struct buf *out)
{
    return show_page(context, ENGINE_PAGE_BUDGETS, out);
}

static int show_lateness(void *context, struct buf *out)
{
    return show_page(context, ENGINE_PAGE_LATENESS, out);
}

static int take_window(void *context, const struct window_want *want, struct window_look **out_look)
{
    struct front *front = context;

    return engine_window(front->setup.engine, want, out_look);
}

static int reach_of_windows(void *context, struct windows_reach *out_reach)
{
    struct front *front = context;

    return engine_windows(front->setup.engine, out_reach);
}

/* What routes show where a query says nothing else. */
static struct export_options defaults_of(const struct front *front, const struct options *options)
{
    return (struct export_options){
        .self_edges = options->map_self_edges,
        .map_messaging = (enum export_messaging)options->map_messaging,
        .metrics_messaging = (enum export_messaging)options->metrics_messaging,
        .expiration_ns = options->metrics_expiration_ns,
        .otlp_exponential = options->metrics_otlp_histograms != 0,
        .draw_helper = front->setup.draw_helper,
        .draw_timeout_ns = options->draw_timeout_ns,
        .draw_memory_bytes_max = options->draw_memory_bytes_max,
    };
}

/* ----------------------------------------------------------------- the ends */

int front_new(const struct front_setup *setup, struct front **out_front)
{
    struct front *front = mem_calloc(1, sizeof(*front));
    struct routes_options routes = {
        .source =
            {
                .context = front,
                .snapshot = take_snapshot,
                .is_ready = is_ready,
                .config = show_config,
                .cardinality = show_cardinality,
                .budgets = show_budgets,
                .lateness = show_lateness,
                .windows = {front, take_window, reach_of_windows},
            },
        .targets = engine_targets(setup->engine),
        .health = setup->health,
        .health_count = setup->health_count,
        .trace_url = setup->options->web_trace_url,
        .body_bytes_max = engine_budget(setup->engine)->answer_bytes_max,
    };
    int status;

    if (front == NULL)
        return STATUS_NOMEM;
    front->setup = *setup;
    CHECK(pthread_mutex_init(&front->lock, NULL) == 0);
    routes.defaults = defaults_of(front, setup->options);
    status = routes_new(&routes, &front->routes);
    if (status != 0) {
        front_free(front);
        return status;
    }
    *out_front = front;
    return 0;
}

void front_free(struct front *front)
{
    if (front == NULL)
        return;
    routes_free(front->routes);
    CHECK(pthread_mutex_destroy(&front->lock) == 0);
    mem_free(front);
}

void front_set_ready(struct front *front, bool is_ready_now)
{
    atomic_store(&front->is_ready, is_ready_now);
}

void front_stop_drawing(struct front *front)
{
    routes_stop_drawing(front->routes);
}

void front_reload(struct front *front, const struct options *fresh)
{
    struct export_options defaults;

    CHECK(pthread_mutex_lock(&front->lock) == 0);
    reload_take(front->setup.options, fresh);
    defaults = defaults_of(front, front->setup.options);
    CHECK(pthread_mutex_unlock(&front->lock) == 0);
    routes_set_defaults(front->routes, &defaults);
}

void front_handle(void *context, const struct http_request *request, struct http_reply *reply)
{
    struct front *front = context;

    routes_handle(front->routes, request, reply);
}

struct export_input front_input(struct front *front, const struct snapshot *snapshot)
{
    struct export_input input = {
        .snapshot = snapshot,
        .targets = engine_targets(front->setup.engine),
        .health = front->setup.health,
        .health_count = front->setup.health_count,
    };

    CHECK(pthread_mutex_lock(&front->lock) == 0);
    input.options = defaults_of(front, front->setup.options);
    CHECK(pthread_mutex_unlock(&front->lock) == 0);
    return input;
}
