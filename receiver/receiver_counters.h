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
    X(REQUESTS_UNAUTHENTICATED, "spanmap_receiver_requests_total", "code=\"UNAUTHENTICATED\"",     \
      false, "")                                                                                   \
    X(REQUESTS_DENIED, "spanmap_receiver_requests_total", "code=\"PERMISSION_DENIED\"", false, "") \
    X(REQUESTS_OTHER, "spanmap_receiver_requests_total", "code=\"OTHER\"", false, "")              \
    X(HTTP_200, "spanmap_receiver_http_requests_total", "status=\"200\"", false,                   \
      "OTLP/HTTP requests that were answered, by status.")                                         \
    X(HTTP_204, "spanmap_receiver_http_requests_total", "status=\"204\"", false, "")               \
    X(HTTP_400, "spanmap_receiver_http_requests_total", "status=\"400\"", false, "")               \
    X(HTTP_401, "spanmap_receiver_http_requests_total", "status=\"401\"", false, "")               \
    X(HTTP_403, "spanmap_receiver_http_requests_total", "status=\"403\"", false, "")               \
    X(HTTP_404, "spanmap_receiver_http_requests_total", "status=\"404\"", false, "")               \
    X(HTTP_405, "spanmap_receiver_http_requests_total", "status=\"405\"", false, "")               \
    X(HTTP_408, "spanmap_receiver_http_requests_total", "status=\"408\"", false, "")               \
    X(HTTP_413, "spanmap_receiver_http_requests_total", "status=\"413\"", false, "")               \
    X(HTTP_415, "spanmap_receiver_http_requests_total", "status=\"415\"", false, "")               \
    X(HTTP_503, "spanmap_receiver_http_requests_total", "status=\"503\"", false, "")               \
    X(HTTP_OTHER, "spanmap_receiver_http_requests_total", "status=\"other\"", false, "")           \
    X(MESSAGES_GRPC_PROTOBUF, "spanmap_receiver_messages_total",                                   \
      "transport=\"grpc\",format=\"protobuf\"", false,                                             \
      "Messages that were given to the decoder, by how they came.")                                \
    X(MESSAGES_HTTP1_PROTOBUF, "spanmap_receiver_messages_total",                                  \
      "transport=\"http/1.1\",format=\"protobuf\"", false, "")                                     \
    X(MESSAGES_HTTP1_JSON, "spanmap_receiver_messages_total",                                      \
      "transport=\"http/1.1\",format=\"json\"", false, "")                                         \
    X(MESSAGES_HTTP2_PROTOBUF, "spanmap_receiver_messages_total",                                  \
      "transport=\"http/2\",format=\"protobuf\"", false, "")                                       \
    X(MESSAGES_HTTP2_JSON, "spanmap_receiver_messages_total",                                      \
      "transport=\"http/2\",format=\"json\"", false, "")                                           \
    X(MESSAGES_GZIP, "spanmap_receiver_messages_compressed_total", "encoding=\"gzip\"", false,     \
      "Messages that came compressed, by encoding.")                                               \
    X(MESSAGES_DEFLATE, "spanmap_receiver_messages_compressed_total", "encoding=\"deflate\"",      \
      false, "")                                                                                   \
    X(MESSAGES_ZSTD, "spanmap_receiver_messages_compressed_total", "encoding=\"zstd\"", false, "") \
    X(METRICS_REQUESTS, "spanmap_receiver_discarded_requests_total", "signal=\"metrics\"", false,  \
      "Requests of a signal that is taken and discarded.")                                         \
    X(LOGS_REQUESTS, "spanmap_receiver_discarded_requests_total", "signal=\"logs\"", false, "")    \
    X(METRICS_ITEMS, "spanmap_receiver_discarded_items_total", "signal=\"metrics\"", false,        \
      "Data points and log records of such requests.")                                             \
    X(LOGS_ITEMS, "spanmap_receiver_discarded_items_total", "signal=\"logs\"", false, "")          \
    X(METRICS_REJECTED, "spanmap_receiver_discarded_rejected_total", "signal=\"metrics\"", false,  \
      "Of these, what was rejected as invalid.")                                                   \
    X(LOGS_REJECTED, "spanmap_receiver_discarded_rejected_total", "signal=\"logs\"", false, "")    \
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
    X(LIMIT_HEADER_TIMEOUT, "spanmap_receiver_limits_total", "limit=\"header_timeout\"", false,    \
      "")                                                                                          \
    X(LIMIT_HEADER_BYTES, "spanmap_receiver_limits_total", "limit=\"header_bytes\"", false, "")    \
    X(LIMIT_REQUEST_TIMEOUT, "spanmap_receiver_limits_total", "limit=\"request_timeout\"", false,  \
      "")                                                                                          \
    X(LIMIT_BODY_RATE, "spanmap_receiver_limits_total", "limit=\"body_rate_min\"", false, "")      \
    X(LIMIT_WRITE_TIMEOUT, "spanmap_receiver_limits_total", "limit=\"write_timeout\"", false, "")  \
    X(LIMIT_IDLE, "spanmap_receiver_limits_total", "limit=\"idle_timeout\"", false, "")            \
    X(LIMIT_AGE, "spanmap_receiver_limits_total", "limit=\"age_max\"", false, "")                  \
    X(LIMIT_AGE_GRACE, "spanmap_receiver_limits_total", "limit=\"age_grace\"", false, "")          \
    X(LIMIT_KEEPALIVE, "spanmap_receiver_limits_total", "limit=\"keepalive_timeout\"", false, "")  \
    X(LIMIT_STREAMS, "spanmap_receiver_limits_total", "limit=\"streams_max\"", false, "")          \
    X(LIMIT_REFUSALS, "spanmap_receiver_limits_total", "limit=\"refused_streams\"", false, "")     \
    X(LIMIT_RESETS, "spanmap_receiver_limits_total", "limit=\"resets_max\"", false, "")            \
    X(LIMIT_OWN_RESETS, "spanmap_receiver_limits_total", "limit=\"own_resets\"", false, "")        \
    X(LIMIT_PINGS, "spanmap_receiver_limits_total", "limit=\"ping_interval_min\"", false, "")      \
    X(LIMIT_EMPTY_FRAMES, "spanmap_receiver_limits_total", "limit=\"empty_frames\"", false, "")    \
    X(LIMIT_CONTINUATIONS, "spanmap_receiver_limits_total", "limit=\"continuations\"", false, "")  \
    X(LIMIT_MEMORY, "spanmap_receiver_limits_total", "limit=\"memory\"", false, "")                \
    X(LIMIT_STREAMING, "spanmap_receiver_limits_total", "limit=\"streaming_max\"", false, "")      \
    X(LIMIT_SHARE, "spanmap_receiver_limits_total", "limit=\"memory_share\"", false, "")           \
    X(PROTOCOL_ERRORS, "spanmap_receiver_protocol_errors_total", NULL, false,                      \
      "Connections that were ended because the peer broke HTTP or a limit.")

#define RECEIVER_COUNTER_ENUM(name, metric, label, gauge, help) RECEIVER_##name,
enum receiver_counter { RECEIVER_COUNTERS(RECEIVER_COUNTER_ENUM) RECEIVER_COUNTER_COUNT };

extern const struct counter_row receiver_counter_rows[RECEIVER_COUNTER_COUNT];

#endif
