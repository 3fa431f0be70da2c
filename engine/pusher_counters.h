/* pusher_counters.h: what is counted of what is pushed.
 * Is:         one row a counter; the enum and the table of rows are one list.
 */
#ifndef SPANMAP_ENGINE_PUSHER_COUNTERS_H
#define SPANMAP_ENGINE_PUSHER_COUNTERS_H

#include "base/counters.h"

#define PUSHER_WRITE "protocol=\"remote_write\""

/* X(enum, metric, label or NULL, kind, help) */
#define PUSHER_COUNTERS(X)                                                                         \
    X(SENT, "spanmap_push_requests_total", PUSHER_WRITE ",outcome=\"sent\"", COUNTER_SUM,          \
      "Requests with metrics, by what became of them. Refused: the receiver will not take them; "  \
      "queue_full: older ones gave way; shutdown: there was no time left.")                        \
    X(REFUSED, "spanmap_push_requests_total", PUSHER_WRITE ",outcome=\"refused\"", COUNTER_SUM,    \
      "")                                                                                          \
    X(QUEUE_FULL, "spanmap_push_requests_total", PUSHER_WRITE ",outcome=\"queue_full\"",           \
      COUNTER_SUM, "")                                                                             \
    X(LEFT, "spanmap_push_requests_total", PUSHER_WRITE ",outcome=\"shutdown\"", COUNTER_SUM, "")  \
    X(RETRIED_STATUS, "spanmap_push_retries_total", PUSHER_WRITE ",reason=\"status\"",             \
      COUNTER_SUM, "Requests that are sent again, after a status that asks for it or no answer.")  \
    X(RETRIED_NO_ANSWER, "spanmap_push_retries_total", PUSHER_WRITE ",reason=\"no_answer\"",       \
      COUNTER_SUM, "")                                                                             \
    X(SAMPLES, "spanmap_push_items_total", PUSHER_WRITE ",kind=\"samples\"", COUNTER_SUM,          \
      "What was in requests that were sent.")                                                      \
    X(HISTOGRAMS, "spanmap_push_items_total", PUSHER_WRITE ",kind=\"histograms\"", COUNTER_SUM,    \
      "")                                                                                          \
    X(EXEMPLARS, "spanmap_push_items_total", PUSHER_WRITE ",kind=\"exemplars\"", COUNTER_SUM, "")  \
    X(SAMPLES_WRITTEN, "spanmap_push_items_written_total", PUSHER_WRITE ",kind=\"samples\"",       \
      COUNTER_SUM, "What the receiver says that it wrote, where it says so.")                      \
    X(HISTOGRAMS_WRITTEN, "spanmap_push_items_written_total", PUSHER_WRITE ",kind=\"histograms\"", \
      COUNTER_SUM, "")                                                                             \
    X(EXEMPLARS_WRITTEN, "spanmap_push_items_written_total", PUSHER_WRITE ",kind=\"exemplars\"",   \
      COUNTER_SUM, "")                                                                             \
    X(LOOKS_FAILED, "spanmap_push_failures_total", PUSHER_WRITE, COUNTER_SUM,                      \
      "Looks that failed, for want of memory.")                                                    \
    X(QUEUED_BYTES, "spanmap_push_queue_bytes", PUSHER_WRITE, COUNTER_GAUGE,                       \
      "Requests that wait to be sent.")

#define PUSHER_COUNTER_ENUM(name, metric, label, kind, help) PUSHER_##name,
enum pusher_counter { PUSHER_COUNTERS(PUSHER_COUNTER_ENUM) PUSHER_COUNTER_COUNT };

extern const struct counter_row pusher_counter_rows[PUSHER_COUNTER_COUNT];

#endif
