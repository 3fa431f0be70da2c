/* receiver_counters.h: what the receiver counts about itself.
 * Is:         one row a counter; the enum and the table of rows are one list.
 */
#ifndef SPANMAP_RECEIVER_RECEIVER_COUNTERS_H
#define SPANMAP_RECEIVER_RECEIVER_COUNTERS_H

#include "base/counters.h"

/* X(enum, metric, label or NULL, gauge, help) */
#define RECEIVER_COUNTERS(X)                                                                       \
    X(CONNECTIONS, "spanmap_receiver_connections", NULL, true, "Connections that are open.")       \
    X(CONNECTIONS_TOTAL, "spanmap_receiver_connections_total", NULL, false,                        \
      "Connections that were accepted.")                                                           \
    X(CONNECTIONS_REFUSED, "spanmap_receiver_connections_refused_total", NULL, false,              \
      "Connections that were closed at once, since receiver.connections_max was reached.")         \
    X(CONNECTIONS_TIMED_OUT, "spanmap_receiver_connections_timed_out_total", NULL, false,          \
      "Connections that were closed for being silent, idle, or not read from.")                    \
    X(ACCEPT_FAILURES, "spanmap_receiver_accept_failures_total", NULL, false,                      \
      "Connections that could not be accepted for want of descriptors or memory.")                 \
    X(REQUESTS_OK, "spanmap_receiver_requests_total", "code=\"OK\"", false,                        \
      "Requests that were answered, by gRPC status.")                                              \
    X(REQUESTS_INVALID, "spanmap_receiver_requests_total", "code=\"INVALID_ARGUMENT\"", false, "") \
    X(REQUESTS_EXHAUSTED, "spanmap_receiver_requests_total", "code=\"RESOURCE_EXHAUSTED\"", false, \
      "")                                                                                          \
    X(REQUESTS_UNIMPLEMENTED, "spanmap_receiver_requests_total", "code=\"UNIMPLEMENTED\"", false,  \
      "")                                                                                          \
    X(REQUESTS_INTERNAL, "spanmap_receiver_requests_total", "code=\"INTERNAL\"", false, "")        \
    X(REQUESTS_UNAVAILABLE, "spanmap_receiver_requests_total", "code=\"UNAVAILABLE\"", false, "")  \
    X(REQUESTS_LATE, "spanmap_receiver_requests_total", "code=\"DEADLINE_EXCEEDED\"", false, "")   \
    X(REQUESTS_OTHER, "spanmap_receiver_requests_total", "code=\"OTHER\"", false, "")              \
    X(STREAMS_LOST, "spanmap_receiver_streams_lost_total", NULL, false,                            \
      "Requests that ended without an answer: reset by the peer, or their connection was lost.")   \
    X(BYTES, "spanmap_receiver_bytes_total", NULL, false, "Bytes read from connections.")          \
    X(MESSAGE_BYTES, "spanmap_receiver_message_bytes_total", NULL, false,                          \
      "Bytes of whole messages, after decompression.")                                             \
    X(BODY_BYTES, "spanmap_receiver_body_bytes", NULL, true,                                       \
      "Bytes of messages that are held while they come in.")                                       \
    X(LIMIT_ADDRESS, "spanmap_receiver_limits_total", "limit=\"connections_per_address\"", false,  \
      "How often a limit closed a connection or refused a request, by limit.")                     \
    X(LIMIT_DISPLACED, "spanmap_receiver_limits_total", "limit=\"displaced\"", false, "")          \
    X(PROTOCOL_ERRORS, "spanmap_receiver_protocol_errors_total", NULL, false,                      \
      "Connections that were ended because the peer broke HTTP/2 or a limit.")

#define RECEIVER_COUNTER_ENUM(name, metric, label, gauge, help) RECEIVER_##name,
enum receiver_counter { RECEIVER_COUNTERS(RECEIVER_COUNTER_ENUM) RECEIVER_COUNTER_COUNT };

extern const struct counter_row receiver_counter_rows[RECEIVER_COUNTER_COUNT];

#endif
