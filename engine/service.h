/* service.h: the engine with its doors to the network.
 * Is:         OTLP/gRPC and OTLP/HTTP into the engine, and the web door (page, metrics, API) out of it.
 * Is not:     a process: it handles no signal, writes no file, reads no configuration.
 * Invariants: between service_start() and service_drain() all doors are open; afterwards nothing
 *             changes any more and the engine has counted all that was admitted.
 * Threads:    all calls from one thread.
 * Memory:     within the engine's budget; options and log are borrowed as long as it lives, and the
 *             options are changed by service_reload() alone.
 */
#ifndef SPANMAP_ENGINE_SERVICE_H
#define SPANMAP_ENGINE_SERVICE_H

#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "base/view.h"
#include "engine/engine.h"
#include "engine/listen.h"
#include "engine/options.h"

enum service_door { SERVICE_GRPC, SERVICE_HTTP, SERVICE_WEB, SERVICE_DOOR_COUNT };

struct service_setup {
    const struct log *log;         /* NULL: silent. */
    struct view draw_helper;       /* Path of spanmap-draw; borrowed. */
    const char *grpc_module;       /* Path of spanmap-grpc.so; borrowed. */
    struct passed_sockets passed;  /* For addresses of the form fd:NAME; borrowed. */
    struct budget_machine machine; /* A zero is asked of the system. */
};

struct service;

/* On failure out_error has one sentence; at most 255 bytes.
 * Returns: as engine_new(). */
MUST_USE int service_new(struct options *options, const struct service_setup *setup,
                         char out_error[256], struct service **out_service);
void service_free(struct service *service);

/* Binds and listens on all doors that are not off. On failure out_error says which address and
 * why. Returns: 0; STATUS_SYSTEM; STATUS_NOMEM. */
MUST_USE int service_listen(struct service *service, char out_error[256]);

/* Returns: 0; STATUS_SYSTEM; STATUS_NOMEM. */
MUST_USE int service_start(struct service *service);

/* The address as bound: HOST:PORT or unix:PATH; empty: this door is off. */
struct view service_bound(const struct service *service, enum service_door door);

/* What of `fresh` takes effect while running (reload.h) does so from here on, for answers that are
 * begun; the service's options are `fresh` in these. */
void service_reload(struct service *service, const struct options *fresh);

/* Stops listening, finishes what was taken on (cut after `patience_ns`), judges all that waits, sends on
 * what waits for that (until the same moment), and closes the web door last. */
void service_drain(struct service *service, uint64_t patience_ns);

struct engine *service_engine(struct service *service);

#endif
