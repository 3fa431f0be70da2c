/* http_counters.h: what the web door counts about itself.
 * Is:         one row a counter; the enum and the table of rows are one list.
 */
#ifndef SPANMAP_NET_HTTP_COUNTERS_H
#define SPANMAP_NET_HTTP_COUNTERS_H

#include "base/counters.h"

/* X(enum, metric, label or NULL, gauge, help) */
#define HTTP_COUNTERS(X)                                                                           \
    X(CONNECTIONS, "spanmap_web_connections", NULL, true,                                          \
      "Connections of the web door that are open.")                                                \
    X(CONNECTIONS_TOTAL, "spanmap_web_connections_total", NULL, false,                             \
      "Connections of the web door that were accepted.")                                           \
    X(FULL, "spanmap_web_limits_total", "limit=\"connections\"", false,                            \
      "How often a limit of the web door closed or refused something, by limit.")                  \
    X(DISPLACED, "spanmap_web_limits_total", "limit=\"displaced\"", false, "")                     \
    X(ACCEPT_FAILURES, "spanmap_web_limits_total", "limit=\"files\"", false, "")                   \
    X(WRITE_TIMEOUTS, "spanmap_web_limits_total", "limit=\"write_timeout\"", false, "")            \
    X(HEADER_TIMEOUTS, "spanmap_web_limits_total", "limit=\"header_timeout\"", false, "")          \
    X(IDLE_TIMEOUTS, "spanmap_web_limits_total", "limit=\"idle_timeout\"", false, "")              \
    X(ANSWERS, "spanmap_web_limits_total", "limit=\"answers\"", false, "")                         \
    X(BYTES, "spanmap_web_bytes_total", NULL, false, "Bytes read by the web door.")

#define HTTP_COUNTER_ENUM(name, metric, label, gauge, help) HTTP_COUNTER_##name,
enum http_counter { HTTP_COUNTERS(HTTP_COUNTER_ENUM) HTTP_COUNTER_COUNT };

extern const struct counter_row http_counter_rows[HTTP_COUNTER_COUNT];

#endif
