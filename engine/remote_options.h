/* remote_options.h: the rows of push.remote_write, for the table in options.c.
 * Is:         a list that is written in the macros and words of that table.
 */
#ifndef SPANMAP_ENGINE_REMOTE_OPTIONS_H
#define SPANMAP_ENGINE_REMOTE_OPTIONS_H

#define REMOTE_OPTION_ROWS                                                                         \
    {.key = "push.remote_write.url",                                                               \
     .type = OPTION_TEXT,                                                                          \
     .offset = AT(push_remote.url),                                                                \
     .initial = "",                                                                                \
     .max = 2048,                                                                                  \
     .form = "http://HOST:PORT/PATH or https://...",                                               \
     .check = option_check_url,                                                                    \
     .prose = "Where the metrics of /metrics are pushed to by Prometheus' remote write, such as "  \
              "http://localhost:9090/api/v1/write. Empty: nowhere."},                              \
        {.key = "push.remote_write.interval",                                                      \
         .type = OPTION_DURATION,                                                                  \
         .offset = AT(push_remote.interval_ns),                                                    \
         .initial = "15s",                                                                         \
         .min = 100 * NS_PER_MS,                                                                   \
         .max = HOUR_NS,                                                                           \
         .prose = "How often metrics are pushed."},                                                \
        {.key = "push.remote_write.version",                                                       \
         .type = OPTION_ENUM,                                                                      \
         .offset = AT(push_remote.version),                                                        \
         .initial = "1.0",                                                                         \
         .choices = remote_version_words,                                                          \
         .prose = "The protocol. 2.0 says when each series began and what it is, and needs less "  \
                  "room; receivers of 2.0 usually take 1.0 as well."},                             \
        {.key = "push.remote_write.histograms",                                                    \
         .type = OPTION_ENUM,                                                                      \
         .offset = AT(push_remote.histograms),                                                     \
         .initial = "classic",                                                                     \
         .choices = remote_histogram_words,                                                        \
         .prose =                                                                                  \
             "Histograms with classic buckets, which Grafana's service graph reads, as native "    \
             "ones, which some receivers must be told to take, or both."},                         \
        {.key = "push.remote_write.labels",                                                        \
         .type = OPTION_PAIRS,                                                                     \
         .offset = AT(push_remote.labels),                                                         \
         .max = 32,                                                                                \
         .form = "a map, or a list of maps, of at most 32 pairs: a label and its value",           \
         .check = option_check_labels,                                                             \
         .prose =                                                                                  \
             "Labels of every series that has none of that name. Of several spanmaps that push "   \
             "to one place each needs its own. Where there are none: job: spanmap and instance: "  \
             "the host's name."},                                                                  \
        {.key = "push.remote_write.queue_max",                                                     \
         .type = OPTION_BYTES,                                                                     \
         .offset = AT(push_remote.queue_bytes_max),                                                \
         .initial = "16MiB",                                                                       \
         .min = 64 * KIB,                                                                          \
         .max = 1024 * GIB,                                                                        \
         .prose =                                                                                  \
             "Memory for packed requests that wait to be sent. Past it the oldest are dropped, "   \
             "counted."},                                                                          \
        {.key = "push.remote_write.timeout",                                                       \
         .type = OPTION_DURATION,                                                                  \
         .offset = AT(push_remote.timeout_ns),                                                     \
         .initial = "10s",                                                                         \
         .min = 100 * NS_PER_MS,                                                                   \
         .max = HOUR_NS,                                                                           \
         .prose = "How long one request may take until its answer."},                              \
        {.key = "push.remote_write.retry_initial",                                                 \
         .type = OPTION_DURATION,                                                                  \
         .offset = AT(push_remote.retry_initial_ns),                                               \
         .initial = "1s",                                                                          \
         .min = NS_PER_MS,                                                                         \
         .max = HOUR_NS,                                                                           \
         .prose =                                                                                  \
             "How long nothing is sent after a request without an answer, or with status 429 or "  \
             "5xx, a half less or more. It doubles with each that follows. A Retry-After "         \
             "stands above it. Other refusals are dropped."},                                      \
        {.key = "push.remote_write.retry_wait_max",                                                \
         .type = OPTION_DURATION,                                                                  \
         .offset = AT(push_remote.retry_wait_max_ns),                                              \
         .initial = "30s",                                                                         \
         .min = NS_PER_MS,                                                                         \
         .max = HOUR_NS,                                                                           \
         .prose = "Up to which it doubles."},                                                      \
        {.key = "push.remote_write.token",                                                         \
         .type = OPTION_TEXT,                                                                      \
         .offset = AT(push_remote.token),                                                          \
         .initial = "",                                                                            \
         .max = 4096,                                                                              \
         .secret = true,                                                                           \
         .check = option_check_token,                                                              \
         .prose = "Bearer token, such as ${env:TOKEN}. Empty: none."},                             \
        {.key = "push.remote_write.username",                                                      \
         .type = OPTION_TEXT,                                                                      \
         .offset = AT(push_remote.username),                                                       \
         .initial = "",                                                                            \
         .max = 255,                                                                               \
         .prose = "Name for basic authentication, where there is no token. Empty: none."},         \
        {.key = "push.remote_write.password",                                                      \
         .type = OPTION_TEXT,                                                                      \
         .offset = AT(push_remote.password),                                                       \
         .initial = "",                                                                            \
         .max = 4096,                                                                              \
         .secret = true,                                                                           \
         .prose = "Its password."},                                                                \
        PATH_ROW("push.remote_write.tls_ca", push_remote.tls_ca,                                   \
                 "Path of the certificates of those who sign the receiver's, as PEM. Empty: the "  \
                 "system's."),                                                                     \
        PATH_ROW("push.remote_write.tls_cert", push_remote.tls_cert,                               \
                 "Path of the certificate to show to the receiver, as PEM. Empty: none."),         \
        PATH_ROW("push.remote_write.tls_key", push_remote.tls_key,                                 \
                 "Path of its private key, as PEM, without passphrase.")

#endif
