/* outlet_options.h: the rows of forward and push.otlp, for the table in options.c.
 * Is:         a list that is written in the macros and words of that table. What both have is one macro.
 */
#ifndef SPANMAP_ENGINE_OUTLET_OPTIONS_H
#define SPANMAP_ENGINE_OUTLET_OPTIONS_H

#include "engine/remote_options.h"

#define OUTLET_ENDPOINT_ROW(section, member, text)                                                 \
    {                                                                                              \
        .key = section ".endpoint", .type = OPTION_TEXT, .offset = AT(member.endpoint),            \
        .initial = "off", .min = 1, .max = 512,                                                    \
        .form = "HOST:PORT, http://HOST:PORT, https://HOST:PORT, unix:PATH or off",                \
        .check = option_check_endpoint, .prose = (text)                                            \
    }

#define OUTLET_ROWS(section, member)                                                               \
    {.key = section ".headers",                                                                    \
     .type = OPTION_PAIRS,                                                                         \
     .offset = AT(member.headers),                                                                 \
     .max = 64,                                                                                    \
     .secret = true,                                                                               \
     .form = "a map, or a list of maps, of at most 64 pairs: a header and its value",              \
     .check = option_check_outlet_headers,                                                         \
     .prose =                                                                                      \
         "Headers of each request, such as authorization: Bearer ${env:TOKEN}. Nothing of what "   \
         "senders' own requests bore is sent."},                                                   \
        {.key = section ".compression",                                                            \
         .type = OPTION_ENUM,                                                                      \
         .offset = AT(member.compression),                                                         \
         .initial = "none",                                                                        \
         .choices = outlet_compression_words,                                                      \
         .prose = "How requests are packed on their way: none or gzip."},                          \
        {.key = section ".timeout",                                                                \
         .type = OPTION_DURATION,                                                                  \
         .offset = AT(member.timeout_ns),                                                          \
         .initial = "10s",                                                                         \
         .min = NS_PER_MS,                                                                         \
         .max = HOUR_NS,                                                                           \
         .prose = "How long one try may take until its answer."},                                  \
        {.key = section ".retry_initial",                                                          \
         .type = OPTION_DURATION,                                                                  \
         .offset = AT(member.retry_initial_ns),                                                    \
         .initial = "1s",                                                                          \
         .min = NS_PER_MS,                                                                         \
         .max = HOUR_NS,                                                                           \
         .prose =                                                                                  \
             "How long nothing is sent after a try that failed and may be repeated, a half less "  \
             "or more. It doubles with each failure that follows. What the other side asks for "   \
             "(RetryInfo) stands above it."},                                                      \
        {.key = section ".retry_interval_max",                                                     \
         .type = OPTION_DURATION,                                                                  \
         .offset = AT(member.retry_interval_max_ns),                                               \
         .initial = "30s",                                                                         \
         .min = NS_PER_MS,                                                                         \
         .max = HOUR_NS,                                                                           \
         .prose = "Up to which it doubles."},                                                      \
        {.key = section ".retry_max",                                                              \
         .type = OPTION_DURATION,                                                                  \
         .offset = AT(member.retry_max_ns),                                                        \
         .initial = "5m",                                                                          \
         .min = NS_PER_MS,                                                                         \
         .max = 168 * HOUR_NS,                                                                     \
         .zero = "unlimited",                                                                      \
         .prose = "How old a request may become before it is dropped, once tries fail."},          \
        PATH_ROW(                                                                                  \
            section ".tls_ca", member.tls_ca,                                                      \
            "Path of the certificates of those who sign the other side's, as PEM, where the "      \
            "endpoint is https://. Empty: the system's. It and the next two are read again when "  \
            "they change."),                                                                       \
        PATH_ROW(section ".tls_cert", member.tls_cert,                                             \
                 "Path of the certificate to show to the other side, as PEM. Empty: none."),       \
        PATH_ROW(section ".tls_key", member.tls_key,                                               \
                 "Path of its private key, as PEM, without passphrase."),                          \
    {                                                                                              \
        .key = section ".tls_server_name", .type = OPTION_TEXT,                                    \
        .offset = AT(member.tls_server_name), .initial = "", .max = 253,                           \
        .prose =                                                                                   \
            "The name that the other side's certificate must bear. Empty: the endpoint's host."    \
    }

#define OUTLET_OPTION_ROWS                                                                              \
    OUTLET_ENDPOINT_ROW(                                                                                \
        "forward", forward,                                                                             \
        "Where requests with spans that were taken are passed on to, unchanged, by OTLP/gRPC; "         \
        "https:// is with TLS. Needs the gRPC module. Ingestion never waits for it."),                  \
        {.key = "forward.queue",                                                                        \
         .type = OPTION_BYTES,                                                                          \
         .offset = AT(forward_queue_bytes),                                                             \
         .initial = "auto",                                                                             \
         .min = MIB,                                                                                    \
         .max = 1024 * GIB,                                                                             \
         .zero = "auto",                                                                                \
         .prose = "Memory for requests that wait to be passed on. Past it, what comes is counted "      \
                  "here and not passed on. auto is a share of memory.limit."},                          \
        {.key = "forward.in_flight",                                                                    \
         .type = OPTION_COUNT,                                                                          \
         .offset = AT(forward_in_flight),                                                               \
         .initial = "16",                                                                               \
         .unit = "requests",                                                                            \
         .min = 1,                                                                                      \
         .max = 1024,                                                                                   \
         .prose = "Requests that may wait for their answers at once; one while tries fail."},           \
        OUTLET_ROWS("forward", forward),                                                                \
        OUTLET_ENDPOINT_ROW(                                                                            \
            "push.otlp", push_otlp,                                                                     \
            "Where the metrics of /metrics are pushed to, by OTLP/gRPC, as cumulative ones. Needs the " \
            "gRPC module."),                                                                            \
        {.key = "push.otlp.interval",                                                                   \
         .type = OPTION_DURATION,                                                                       \
         .offset = AT(push_otlp_interval_ns),                                                           \
         .initial = "1m",                                                                               \
         .min = 100 * NS_PER_MS,                                                                        \
         .max = HOUR_NS,                                                                                \
         .prose =                                                                                       \
             "How often. The figures are cumulative, so that newer ones stand for older ones "          \
             "that could not be sent, which are dropped and counted as superseded."},                   \
        OUTLET_ROWS("push.otlp", push_otlp), REMOTE_OPTION_ROWS,                                        \
        PATH_ROW(                                                                                       \
            "grpc.module", grpc_module,                                                                 \
            "Path of spanmap-grpc.so, which forward and push.otlp send by. Empty is the one that "      \
            "was installed with this program.")

#endif
