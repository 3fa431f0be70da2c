/* front.h: what the web door shows of an engine.
 * Is:         the routes over an engine's snapshots, its options and its counters.
 * Is not:     the server in front of them (net/http_server.h): a host program may ask it without any.
 * Threads:    new and free from one thread; all else from any.
 * Memory:     borrows options, engine and counters; owns the routes and what they keep.
 */
#ifndef SPANMAP_ENGINE_FRONT_H
#define SPANMAP_ENGINE_FRONT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/counters.h"
#include "base/status.h"
#include "base/view.h"
#include "engine/engine.h"
#include "engine/options.h"
#include "exporters/exporter.h"
#include "net/http_server.h"

struct front_setup {
    struct options *options; /* Changed by front_reload() alone. */
    struct engine *engine;
    struct view draw_helper;              /* Path of spanmap-draw. */
    const struct counters *const *health; /* Of all stages, the engine's among them. */
    size_t health_count;
    const struct counters *receiver; /* Over receiver_counter_rows; NULL: there is no receiver. */
    const struct counters *forward;  /* Over forward_counter_rows; NULL: nothing is passed on. */
};

struct front;

/* Is not ready yet. Returns: 0; STATUS_NOMEM. */
MUST_USE int front_new(const struct front_setup *setup, struct front **out_front);
void front_free(struct front *front);

/* What /readyz says. */
void front_set_ready(struct front *front, bool is_ready);

/* For the end: who waits for a picture is told so at once. */
void front_stop_drawing(struct front *front);

/* The options that may change while running take their values of `fresh` (reload.h), for answers that
 * are begun from here on. */
void front_reload(struct front *front, const struct options *fresh);

/* Answers a request, as an http_handler does; `context` is the front. */
void front_handle(void *context, const struct http_request *request, struct http_reply *reply);

/* A look at the snapshot as the options say. The texts are borrowed. */
struct export_input front_input(struct front *front, const struct snapshot *snapshot);

#endif
