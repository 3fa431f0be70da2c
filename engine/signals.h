/* signals.h: which signals are taken, and from which pages.
 * Is:         the receiver's table of methods and its judgement of browsers' origins, by the options.
 * Threads:    init and release from one thread; what is made is read by all.
 * Memory:     borrows the options and the engine; owns the rest.
 */
#ifndef SPANMAP_ENGINE_SIGNALS_H
#define SPANMAP_ENGINE_SIGNALS_H

#include "base/buf.h"
#include "base/counters.h"
#include "base/status.h"
#include "engine/engine.h"
#include "engine/options.h"
#include "receiver/grpc_reply.h"
#include "receiver/http_cors.h"

enum { SIGNALS_METHODS = 4 }; /* Traces, metrics, logs, profiles. */

struct signals {
    struct grpc_method methods[SIGNALS_METHODS];
    struct otlp_sink *sink; /* NULL: nothing is discarded. */
    struct http_cors cors;
    struct buf cors_fields;
    char cors_max_age[24];
};

/* `counters` over receiver_counter_rows. Returns: 0; STATUS_NOMEM (release is still due). */
MUST_USE int signals_init(const struct options *options, struct engine *engine,
                          struct counters *counters, struct signals *signals);
void signals_release(struct signals *signals);

/* NULL: no page may send. */
const struct http_cors *signals_cors(const struct signals *signals);

#endif
