/* outlet.h: a way out by OTLP/gRPC: a courier as options describe it.
 * Is:         endpoint, files of certificates, headers and limits, made into what exporters/courier.h
 *             takes, and what answers of OTLP mean.
 * Threads:    as the courier.
 * Memory:     the courier's queue.
 */
#ifndef SPANMAP_ENGINE_OUTLET_H
#define SPANMAP_ENGINE_OUTLET_H

#include <stddef.h>

#include "base/counters.h"
#include "base/log.h"
#include "base/status.h"
#include "engine/endpoint.h"
#include "engine/options.h"
#include "exporters/courier.h"

struct outlet_setup {
    const struct outlet_options *options; /* Borrowed, as all below. */
    const char *section;                  /* "forward": what errors begin with. */
    const char *what;                     /* The thread's name, and in the log. */
    const char *method;                   /* "/package.Service/Method" */
    const char *module;                   /* Path of spanmap-grpc.so. */
    uint64_t reload_ns;                   /* How often certificates are read again. */
    size_t bytes_max;                     /* Of the queue. */
    size_t in_flight_max;
    const struct counter_row *rows; /* Of courier_counters.h */
    size_t rows_count;
    const struct log *log;
};

struct outlet {
    struct endpoint endpoint;
    struct counters counters;
    struct courier *courier;
};

/* Whether there is one at all. */
bool outlet_is_on(const struct outlet_options *options);

/* Whether the options can be what they say: the endpoint, the files. On failure out_error has one
 * sentence, which names the option; at most 255 bytes. Returns: 0; STATUS_INVALID. */
MUST_USE int outlet_check(const struct outlet_options *options, const char *section,
                          char out_error[256]);

/* Likewise; outlet is released by outlet_release() in any case.
 * Returns: 0; STATUS_INVALID; STATUS_NOT_FOUND, STATUS_UNSUPPORTED (the module); STATUS_NOMEM;
 * STATUS_SYSTEM. */
MUST_USE int outlet_init(struct outlet *outlet, const struct outlet_setup *setup,
                         char out_error[256]);
void outlet_release(struct outlet *outlet); /* A zeroed one, too. */

/* What an answer says, for struct courier_options. */
void outlet_read(const struct grpc_port_reply *reply, struct courier_verdict *out_verdict);

#endif
