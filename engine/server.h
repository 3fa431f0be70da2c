/* server.h: the engine with its doors to the network.
 * Is:         OTLP/gRPC into the engine, and the web door (page, metrics, API) out of it.
 * Is not:     a process: it handles no signal, writes no file, reads no configuration.
 * Invariants: between server_start() and server_drain() all doors are open; afterwards nothing
 *             changes any more and the engine has counted all that was admitted.
 * Threads:    all calls from one thread.
 * Memory:     within the engine's budget; options and log are borrowed as long as it lives.
 */
#ifndef SPANMAP_ENGINE_SERVER_H
#define SPANMAP_ENGINE_SERVER_H

#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "base/view.h"
#include "engine/engine.h"
#include "engine/options.h"

enum server_door { SERVER_GRPC, SERVER_WEB, SERVER_DOOR_COUNT };

struct server_setup {
    const struct log *log;         /* NULL: silent. */
    struct view draw_helper;       /* Path of spanmap-draw; borrowed. */
    struct budget_machine machine; /* A zero is asked of the system. */
};

struct server;

/* On failure out_error has one sentence; at most 255 bytes.
 * Returns: as engine_new(). */
MUST_USE int server_new(const struct options *options, const struct server_setup *setup,
                        char out_error[256], struct server **out_server);
void server_free(struct server *server);

/* Binds and listens on all doors that are not off. On failure out_error says which address and
 * why. Returns: 0; STATUS_SYSTEM; STATUS_NOMEM. */
MUST_USE int server_listen(struct server *server, char out_error[256]);

/* Returns: 0; STATUS_SYSTEM; STATUS_NOMEM. */
MUST_USE int server_start(struct server *server);

/* The address as bound: HOST:PORT or unix:PATH; empty: this door is off. */
struct view server_bound(const struct server *server, enum server_door door);

/* Stops listening, finishes what was taken on (cut after `patience_ns`), judges all that waits,
 * and closes the web door last. */
void server_drain(struct server *server, uint64_t patience_ns);

struct engine *server_engine(struct server *server);

#endif
