/* courier_counters.h: what a courier counts.
 * Is:         one list of rows; each courier has a table of its own names from it.
 * Invariants: of requests and of items alike: what was offered is what was sent, plus what was
 *             dropped, plus what waits or is under way. What was rejected is of what was sent.
 */
#ifndef SPANMAP_EXPORTERS_COURIER_COUNTERS_H
#define SPANMAP_EXPORTERS_COURIER_COUNTERS_H

#include "base/counters.h"

/* Those of outcomes stand in the order of enum courier_outcome. */
#define COURIER_COUNTERS(X, metric, items)                                                         \
    X(REQUESTS_SENT, metric "_requests_total", "outcome=\"sent\"", false,                          \
      "Requests that were to be passed on, by what became of them.")                               \
    X(REQUESTS_FULL, metric "_requests_total", "outcome=\"queue_full\"", false, "")                \
    X(REQUESTS_NO_MEMORY, metric "_requests_total", "outcome=\"no_memory\"", false, "")            \
    X(REQUESTS_REFUSED, metric "_requests_total", "outcome=\"refused\"", false, "")                \
    X(REQUESTS_GAVE_UP, metric "_requests_total", "outcome=\"gave_up\"", false, "")                \
    X(REQUESTS_SUPERSEDED, metric "_requests_total", "outcome=\"superseded\"", false, "")          \
    X(REQUESTS_SHUTDOWN, metric "_requests_total", "outcome=\"shutdown\"", false, "")              \
    X(REJECTED, metric "_rejected_" items "_total", NULL, false,                                   \
      "What the other side did not take of requests that it took.")                                \
    X(FAILED_UNAVAILABLE, metric "_attempts_failed_total", "code=\"UNAVAILABLE\"", false,          \
      "Tries that failed in a way that lets them be repeated, by gRPC status.")                    \
    X(FAILED_EXHAUSTED, metric "_attempts_failed_total", "code=\"RESOURCE_EXHAUSTED\"", false, "") \
    X(FAILED_LATE, metric "_attempts_failed_total", "code=\"DEADLINE_EXCEEDED\"", false, "")       \
    X(FAILED_OTHER, metric "_attempts_failed_total", "code=\"OTHER\"", false, "")                  \
    X(BYTES_SENT, metric "_bytes_total", NULL, false,                                              \
      "Bytes of the requests that were sent, before compression.")                                 \
    X(IS_FAILING, metric "_failing", NULL, true,                                                   \
      "1 while the last try failed: then requests go one at a time.")                              \
    X(IN_FLIGHT, metric "_in_flight", NULL, true, "Requests that wait for their answer.")          \
    X(QUEUED, metric "_queue_requests", NULL, true,                                                \
      "Requests that are held: those that wait and those in flight.")                              \
    X(QUEUE_BYTES, metric "_queue_bytes", NULL, true, "Memory that they take.")                    \
    X(QUEUE_BYTES_MAX, metric "_queue_bytes_max", NULL, true, "Memory that they may take.")

/* Where what is in a request is counted as it is offered. */
#define COURIER_ITEM_COUNTERS(X, metric, items)                                                    \
    X(ITEMS_SENT, metric "_" items "_total", "outcome=\"sent\"", false,                            \
      "What was in those requests, by what became of it.")                                         \
    X(ITEMS_FULL, metric "_" items "_total", "outcome=\"queue_full\"", false, "")                  \
    X(ITEMS_NO_MEMORY, metric "_" items "_total", "outcome=\"no_memory\"", false, "")              \
    X(ITEMS_REFUSED, metric "_" items "_total", "outcome=\"refused\"", false, "")                  \
    X(ITEMS_GAVE_UP, metric "_" items "_total", "outcome=\"gave_up\"", false, "")                  \
    X(ITEMS_SUPERSEDED, metric "_" items "_total", "outcome=\"superseded\"", false, "")            \
    X(ITEMS_SHUTDOWN, metric "_" items "_total", "outcome=\"shutdown\"", false, "")

#define COURIER_COUNTER_ENUM(name, metric, label, gauge, help) COURIER_##name,
enum courier_counter {
    COURIER_COUNTERS(COURIER_COUNTER_ENUM, "", "") COURIER_COUNTER_COUNT,
    COURIER_BEFORE_ITEMS = COURIER_COUNTER_COUNT - 1,
    COURIER_ITEM_COUNTERS(COURIER_COUNTER_ENUM, "", "") COURIER_ALL_COUNT,
};

/* forward counts items, too. */
extern const struct counter_row forward_counter_rows[COURIER_ALL_COUNT];
extern const struct counter_row push_otlp_counter_rows[COURIER_COUNTER_COUNT];

#endif
