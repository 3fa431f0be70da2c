/* options_limits.h: rows of the table of options.c: limits on senders' patience and manners.
 * Is:         a part of that table, in a file of its own for its length.
 */
#ifndef SPANMAP_ENGINE_OPTIONS_LIMITS_H
#define SPANMAP_ENGINE_OPTIONS_LIMITS_H

#define OPTIONS_LIMIT_ROWS                                                                            \
    {.key = "receiver.header_timeout",                                                                \
     .type = OPTION_DURATION,                                                                         \
     .offset = AT(receiver_header_timeout_ns),                                                        \
     .initial = "10s",                                                                                \
     .min = 100 * NS_PER_MS,                                                                          \
     .max = HOUR_NS,                                                                                  \
     .prose =                                                                                         \
         "How long a new connection may take to say what it speaks, the handshake of TLS and "        \
         "HTTP/2's SETTINGS included, and each request's head to come."},                             \
        {.key = "receiver.write_timeout",                                                             \
         .type = OPTION_DURATION,                                                                     \
         .offset = AT(receiver_write_timeout_ns),                                                     \
         .initial = "20s",                                                                            \
         .min = 100 * NS_PER_MS,                                                                      \
         .max = HOUR_NS,                                                                              \
         .prose =                                                                                     \
             "How long a sender may leave an answer unread before its request, or its connection, "   \
             "is ended."},                                                                            \
        {.key = "receiver.body_rate_min",                                                             \
         .type = OPTION_BYTES,                                                                        \
         .offset = AT(receiver_body_rate_min),                                                        \
         .initial = "1KiB",                                                                           \
         .min = 1,                                                                                    \
         .max = GIB,                                                                                  \
         .zero = "off",                                                                               \
         .prose =                                                                                     \
             "How many bytes of a request must come each second, over ten of them, while it is not "  \
             "held back. A slower one is ended, with a status to send it again."},                    \
        {.key = "receiver.age_max",                                                                   \
         .type = OPTION_DURATION,                                                                     \
         .offset = AT(receiver_age_max_ns),                                                           \
         .initial = "off",                                                                            \
         .min = NS_PER_S,                                                                             \
         .max = 168 * HOUR_NS,                                                                        \
         .zero = "off",                                                                               \
         .prose =                                                                                     \
             "After which time, a tenth more or less, a connection is asked to end, so that senders " \
             "spread anew over instances behind a balancer. No request is lost by it."},              \
        {.key = "receiver.age_grace",                                                                 \
         .type = OPTION_DURATION,                                                                     \
         .offset = AT(receiver_age_grace_ns),                                                         \
         .initial = "1m",                                                                             \
         .min = 100 * NS_PER_MS,                                                                      \
         .max = HOUR_NS,                                                                              \
         .prose = "How long requests may go on behind receiver.age_max before they are cut off."},    \
        {.key = "receiver.keepalive_interval",                                                        \
         .type = OPTION_DURATION,                                                                     \
         .offset = AT(receiver_keepalive_interval_ns),                                                \
         .initial = "2h",                                                                             \
         .min = NS_PER_S,                                                                             \
         .max = 168 * HOUR_NS,                                                                        \
         .zero = "off",                                                                               \
         .prose =                                                                                     \
             "How long an HTTP/2 connection may be silent before its other end is asked, by a PING, " \
             "whether it is there."},                                                                 \
        {.key = "receiver.keepalive_timeout",                                                         \
         .type = OPTION_DURATION,                                                                     \
         .offset = AT(receiver_keepalive_timeout_ns),                                                 \
         .initial = "20s",                                                                            \
         .min = 100 * NS_PER_MS,                                                                      \
         .max = HOUR_NS,                                                                              \
         .prose = "How long the answer to such a PING may take before the connection is closed."},    \
        {.key = "receiver.ping_interval_min",                                                         \
         .type = OPTION_DURATION,                                                                     \
         .offset = AT(receiver_ping_interval_min_ns),                                                 \
         .initial = "10s",                                                                            \
         .min = NS_PER_MS,                                                                            \
         .max = HOUR_NS,                                                                              \
         .zero = "off",                                                                               \
         .prose =                                                                                     \
             "How far apart a sender's PINGs must be while nothing is answered to it. A third one "   \
             "that comes too soon ends the connection with too_many_pings."},                         \
        {.key = "receiver.resets_max",                                                                \
         .type = OPTION_COUNT,                                                                        \
         .offset = AT(receiver_resets_max),                                                           \
         .initial = "1000",                                                                           \
         .unit = "requests",                                                                          \
         .min = 10,                                                                                   \
         .max = 1000000,                                                                              \
         .prose =                                                                                     \
             "Requests that a connection's sender may take back at once, and a tenth of it each "     \
             "second; each that is served allows for one more. Beyond it the connection ends."},

#endif
