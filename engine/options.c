/* options.c: the one table. A new option is a row here and a field in options.h, and comes only
 * together with its effect; `make docs` then writes its documentation.
 */
#include "engine/options.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/option_yaml.h"
#include "engine/option_checks.h"
#include "engine/options_limits.h"
#include "engine/outlet_options.h"
#include "engine/secure_options.h"
#include "topology/histogram.h"
#include "topology/naming.h"
#include "topology/naming_text.h"
#include "topology/span.h"

#define AT(member) offsetof(struct options, member)
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS (60 * MINUTE_NS)

/* --------------------------------------------------------------------- table */

/* A file's path, or an empty text. */
#define PATH_ROW(name, member, text)                                                               \
    {                                                                                              \
        .key = (name), .type = OPTION_TEXT, .offset = AT(member), .initial = "", .max = 4095,      \
        .prose = (text)                                                                            \
    }

/* Where a door listens. */
#define DOOR_ROW(name, member, address, text)                                                      \
    {                                                                                              \
        .key = (name), .type = OPTION_TEXT, .offset = AT(member), .initial = (address), .min = 1,  \
        .max = 512, .form = "HOST:PORT, unix:PATH, fd:NAME or off", .check = option_check_address, \
        .prose = (text)                                                                            \
    }

/* In the order of the enums. */
static const char *const signal_words[] = {"refuse", "discard", NULL};
static const char *const orphan_words[] = {"none", "user", NULL};
static const char *const histogram_words[] = {"explicit", "exponential", NULL};
static const char *const messaging_words[] = {"direct", "broker", "both", NULL};
static const char *const client_auth_words[] = {"required", "optional", NULL};
static const char *const tls_doors_words[] = {"all", "grpc", "http", NULL};
static const char *const tls_version_words[] = {"1.2", "1.3", NULL};
static const char *const remote_version_words[] = {"1.0", "2.0", NULL};
static const char *const remote_histogram_words[] = {"classic", "native", "both", NULL};
static const char *const outlet_compression_words[] = {"none", "gzip", NULL};
static const char *const log_words[] = {"debug", "info", "warn", "error", NULL};

static const struct option_row rows[] = {
    DOOR_ROW("listen.grpc", listen_grpc, "localhost:4317",
             "Where OTLP/gRPC is received. Port 0 is any free one. "
             "localhost means 127.0.0.1 and ::1; 0.0.0.0 opens the door to other machines; "
             "unix:@NAME is an abstract Unix socket; fd:NAME is a socket that systemd passes under "
             "that name, or descriptor number."),
    DOOR_ROW("listen.http", listen_http, "localhost:4318",
             "Where OTLP/HTTP is received, protobuf or JSON, by HTTP/1.1 or HTTP/2. Where it says "
             "the same as listen.grpc, one address serves both."),
    DOOR_ROW("listen.web", listen_web, "localhost:9464",
             "Where the page, the metrics and the API are served."),
    {.key = "listen.unix_mode",
     .type = OPTION_TEXT,
     .offset = AT(listen_unix_mode),
     .initial = "",
     .max = 4,
     .form = "octal digits such as 0660, or empty",
     .check = option_check_mode,
     .prose =
         "Who may connect to a door that is a Unix socket: the mode of its file. Empty is what "
         "the process's mask leaves."},
    {.key = "listen.unix_owner",
     .type = OPTION_TEXT,
     .offset = AT(listen_unix_owner),
     .initial = "",
     .max = 100,
     .prose = "The user that such a file is given to, by name or number. Empty: the process's."},
    {.key = "listen.unix_group",
     .type = OPTION_TEXT,
     .offset = AT(listen_unix_group),
     .initial = "",
     .max = 100,
     .prose = "The group that such a file is given to, by name or number. Empty: the process's."},
    {.key = "web.hosts",
     .type = OPTION_TEXTS,
     .offset = AT(web_hosts),
     .max = 64,
     .prose = "Further names by which the web door may be called in a request's Host, beside IP "
              "addresses and localhost. A request for another name is refused with 421, which "
              "stops DNS rebinding. \"*\" allows any."},
    {.key = "web.connections_max",
     .type = OPTION_COUNT,
     .offset = AT(web_connections_max),
     .initial = "256",
     .unit = "connections",
     .min = 1,
     .max = 65536,
     .prose = "Connections of the web door at once. For a new one, one is closed that has not yet "
              "sent a request, the oldest first; without such, one that waits between requests; "
              "else the new one is turned away."},
    {.key = "web.header_timeout",
     .type = OPTION_DURATION,
     .offset = AT(web_header_timeout_ns),
     .initial = "10s",
     .min = 100 * NS_PER_MS,
     .max = HOUR_NS,
     .prose = "How long the head of a request to the web door may take, and a new connection to "
              "begin one."},
    {.key = "web.trace_url",
     .type = OPTION_TEXT,
     .offset = AT(web_trace_url),
     .initial = "",
     .max = 2048,
     .form = "a URL with {trace_id}",
     .check = option_check_trace_url,
     .prose =
         "Where the page's example traces lead: the address of a trace in your trace viewer, "
         "as a browser reaches it, with {trace_id} (and {span_id}) in place of the ids, such as "
         "https://jaeger.example.org/trace/{trace_id}. Empty: the page shows ids alone."},
    PATH_ROW("web.tls_cert", web_tls_cert,
             "Path of the web door's certificate, with those up to its root, as PEM. Empty: the "
             "web door is plain HTTP. It is read again when it changes, as tls.cert is."),
    PATH_ROW("web.tls_key", web_tls_key, "Path of its private key, as PEM, without passphrase."),
    PATH_ROW(
        "web.tls_client_ca", web_tls_client_ca,
        "Path of the certificates of those who sign clients' certificates, as PEM. Where it is "
        "set, only clients with such a certificate come in by the web door."),
    SECURE_OPTION_ROWS,
    {.key = "memory.limit",
     .type = OPTION_BYTES,
     .offset = AT(memory_limit_bytes),
     .initial = "auto",
     .min = 32 * MIB,
     .max = 1024 * GIB,
     .zero = "auto",
     .prose =
         "Memory that all parts together may use; each option that is auto gets its share of "
         "it. auto is a quarter of the memory of the control group or machine, at least 32MiB and at "
         "most 1GiB."},
    {.key = "receiver.threads",
     .type = OPTION_COUNT,
     .offset = AT(receiver_threads),
     .initial = "auto",
     .unit = "threads",
     .min = 1,
     .max = 256,
     .zero = "auto",
     .prose =
         "Threads that read and decode. auto is one a core, at most 16, and fewer where memory.limit "
         "leaves them too little room."},
    {.key = "receiver.message_bytes_max",
     .type = OPTION_BYTES,
     .offset = AT(receiver_message_bytes_max),
     .initial = "64MiB",
     .min = KIB,
     .max = GIB,
     .prose = "The largest request, before and after decompression. A larger one is refused as "
              "RESOURCE_EXHAUSTED, over HTTP by 413, which senders do not try again."},
    {.key = "receiver.memory_max",
     .type = OPTION_BYTES,
     .offset = AT(receiver_memory_bytes_max),
     .initial = "auto",
     .min = MIB,
     .max = 1024 * GIB,
     .zero = "auto",
     .prose =
         "Memory for all requests that are being received. Past it senders are held back, or "
         "told to try again. JSON takes three times its size of it while it is decoded, and up to "
         "16MiB, or a quarter, more. auto is a share of memory.limit."},
    {.key = "receiver.connections_max",
     .type = OPTION_COUNT,
     .offset = AT(receiver_connections_max),
     .initial = "4096",
     .unit = "connections",
     .min = 1,
     .max = 1000000,
     .prose = "Connections of senders at once. For a new one, one is closed that has never sent a "
              "request, the oldest first; without such, the new one is turned away."},
    {.key = "receiver.connections_per_address",
     .type = OPTION_COUNT,
     .offset = AT(receiver_connections_per_address),
     .initial = "unlimited",
     .unit = "connections",
     .min = 1,
     .max = 1000000,
     .zero = "unlimited",
     .prose =
         "Connections of senders at once from one IP address, or from one user where they come "
         "by a Unix socket; more are turned away. Senders behind one proxy share an address."},
    {.key = "receiver.streams_max",
     .type = OPTION_COUNT,
     .offset = AT(receiver_streams_max),
     .initial = "100",
     .unit = "requests",
     .min = 1,
     .max = 10000,
     .prose = "Requests at once on one connection."},
    {.key = "receiver.streaming_max",
     .type = OPTION_COUNT,
     .offset = AT(receiver_streaming_max),
     .initial = "256",
     .unit = "calls",
     .min = 1,
     .max = 100000,
     .prose =
         "Calls at once that go on until their callers end them: watchers of health, and "
         "reflection. One connection may have an eighth of them; more are told to come again."},
    {.key = "receiver.health",
     .type = OPTION_BOOL,
     .offset = AT(receiver_health),
     .initial = "true",
     .prose =
         "Answer grpc.health.v1.Health (Check and Watch) on the door of OTLP/gRPC, also without "
         "the credentials that senders need."},
    {.key = "receiver.reflection",
     .type = OPTION_BOOL,
     .offset = AT(receiver_reflection),
     .initial = "true",
     .prose =
         "Answer gRPC server reflection (v1 and v1alpha) on the door of OTLP/gRPC, so that tools "
         "such as grpcurl find the services by themselves."},
    {.key = "receiver.idle_timeout",
     .type = OPTION_DURATION,
     .offset = AT(receiver_idle_timeout_ns),
     .initial = "15m",
     .min = NS_PER_S,
     .max = 168 * HOUR_NS,
     .zero = "off",
     .prose = "How long a connection may stay without a request before it is closed."},
    {.key = "receiver.request_timeout",
     .type = OPTION_DURATION,
     .offset = AT(receiver_request_timeout_ns),
     .initial = "1m",
     .min = 100 * NS_PER_MS,
     .max = HOUR_NS,
     .prose = "How long one request may take from its first byte to its answer."},
    OPTIONS_LIMIT_ROWS{
        .key = "signals.metrics",
        .type = OPTION_ENUM,
        .offset = AT(signals_metrics),
        .initial = "refuse",
        .choices = signal_words,
        .prose =
            "What becomes of metrics that are sent. refuse: they are not taken (UNIMPLEMENTED, 404), "
            "and their sender is told of this setting; discard: they are checked, counted and let go, "
            "for senders that cannot leave them out."},
    {.key = "signals.logs",
     .type = OPTION_ENUM,
     .offset = AT(signals_logs),
     .initial = "refuse",
     .choices = signal_words,
     .prose = "What becomes of logs that are sent; the words are those of signals.metrics."},
    {.key = "cors.origins",
     .type = OPTION_TEXTS,
     .offset = AT(cors_origins),
     .max = 256,
     .form = "a list of origins, such as https://shop.example",
     .check = option_check_origins,
     .prose =
         "Origins whose pages may send telemetry from a browser, by OTLP/HTTP. "
         "https://*.shop.example is any host below; \"*\" is any page at all, but then without "
         "the browser's own credentials, such as cookies. Empty: none."},
    {.key = "cors.headers",
     .type = OPTION_TEXTS,
     .offset = AT(cors_headers),
     .max = 64,
     .form = "a list of names of request headers",
     .check = option_check_headers,
     .prose = "Request headers that such pages may set beside Content-Type and Content-Encoding. "
              "\"*\": any."},
    {.key = "cors.max_age",
     .type = OPTION_DURATION,
     .offset = AT(cors_max_age_ns),
     .initial = "2h",
     .min = NS_PER_S,
     .max = 24 * HOUR_NS,
     .prose = "How long a browser may remember what it was allowed."},
    {.key = "topology.shards",
     .type = OPTION_COUNT,
     .offset = AT(topology_shards),
     .initial = "auto",
     .unit = "threads",
     .min = 1,
     .max = 256,
     .zero = "auto",
     .prose = "Threads that pair spans and count. auto is as for receiver.threads."},
    {.key = "topology.memory_max",
     .type = OPTION_BYTES,
     .offset = AT(topology_memory_bytes_max),
     .initial = "auto",
     .min = MIB,
     .max = 1024 * GIB,
     .zero = "auto",
     .prose = "Memory for remembered spans, of all shards together. Past it the oldest leave; one "
              "that leaves before its wait is over is counted as dropped. auto is a share of "
              "memory.limit."},
    {.key = "topology.derive_errors",
     .type = OPTION_BOOL,
     .offset = AT(topology_derive_errors),
     .initial = "false",
     .prose = "Derive a span's status from its HTTP or gRPC status code where it brings none."},
    {.key = "topology.orphan_servers",
     .type = OPTION_ENUM,
     .offset = AT(topology_orphan_servers),
     .initial = "none",
     .choices = orphan_words,
     .prose = "What calls a server whose named parent never came. none: nothing, it is counted as "
              "unpaired; user: it is drawn as called by the user."},
    {.key = "pairing.wait",
     .type = OPTION_DURATION,
     .offset = AT(pairing_wait_ns),
     .initial = "10s",
     .min = NS_PER_MS,
     .max = HOUR_NS,
     .prose = "How long a call waits for its other side. What is shown is what came up to this "
              "long ago. It should be longer than senders hold spans back, in SDKs usually 5s."},
    {.key = "pairing.parent_wait",
     .type = OPTION_DURATION,
     .offset = AT(pairing_parent_wait_ns),
     .initial = "5m",
     .min = NS_PER_MS,
     .max = 24 * HOUR_NS,
     .prose = "How long a span waits for a parent that it names, since parents end last."},
    {.key = "messaging.wait",
     .type = OPTION_DURATION,
     .offset = AT(messaging_wait_ns),
     .initial = "1h",
     .min = NS_PER_MS,
     .max = 168 * HOUR_NS,
     .prose = "How long a message that was sent waits for its consumer."},
    {.key = "messaging.memory_max",
     .type = OPTION_BYTES,
     .offset = AT(messaging_memory_bytes_max),
     .initial = "auto",
     .min = MIB,
     .max = 1024 * GIB,
     .zero = "auto",
     .prose = "Memory for messages that wait for their consumer and for span links, of all shards "
              "together. Past it the oldest leave, counted as dropped. auto is a share of "
              "memory.limit."},
    {.key = "links.max",
     .type = OPTION_COUNT,
     .offset = AT(links_max),
     .initial = "1024",
     .unit = "links",
     .min = 1,
     .max = LINKS_MAX,
     .prose = "Links of one span that are looked at; more are counted and left."},
    {.key = "sampling.max_count",
     .type = OPTION_COUNT,
     .offset = AT(sampling_max_count),
     .initial = "65536",
     .unit = "spans",
     .min = 1,
     .max = 65536,
     .prose = "How many spans one sampled span may stand for at most; more is cut and counted."},
    {.key = "names.peer_order",
     .type = OPTION_TEXTS,
     .offset = AT(names_peer_order),
     .max = 16,
     .form = "a list of words, each at most once",
     .check = option_check_peer_order,
     .prose =
         "Where the name of a callee that sends no spans is taken from, first that is there. "
         "Empty is the usual order: destination, lesson, peer, rpc_service, address, url_host, "
         "db_namespace, address_port, db_system, messaging_system."},
    {.key = "names.cidr",
     .type = OPTION_PAIRS,
     .offset = AT(names_cidr),
     .max = 4096,
     .form = "a map, or a list of maps, of at most 4096 pairs: a prefix and its name",
     .check = option_check_cidr,
     .prose = "Names for ranges of IP addresses, such as 10.0.0.0/8: internal. The longest prefix "
              "that fits is taken."},
    {.key = "names.rewrite",
     .type = OPTION_PAIRS,
     .offset = AT(names_rewrite),
     .max = 256,
     .form = "a map, or a list of maps, of at most 256 pairs: an expression and its replacement",
     .check = option_check_rewrite,
     .prose =
         "Regular expressions (PCRE2) and what stands for what they match in a callee's name; "
         "$1 is a group. The first that fits is applied. ${name} is written $${name}, since ${NAME} is a "
         "variable of the environment."},
    {.key = "names.services_max",
     .type = OPTION_COUNT,
     .offset = AT(names_services_max),
     .initial = "auto",
     .unit = "names",
     .min = 1,
     .max = 10000000,
     .zero = "auto",
     .prose = "Services that are told apart at a time; further ones are counted together, until "
              "a name that nothing uses any more is given back."},
    {.key = "names.peers_max",
     .type = OPTION_COUNT,
     .offset = AT(names_peers_max),
     .initial = "auto",
     .unit = "names",
     .min = 1,
     .max = 10000000,
     .zero = "auto",
     .prose = "Callees without spans that are told apart at a time, likewise."},
    {.key = "names.operations_max",
     .type = OPTION_COUNT,
     .offset = AT(names_operations_max),
     .initial = "auto",
     .unit = "names",
     .min = 1,
     .max = 10000000,
     .zero = "auto",
     .prose = "Operation names that are told apart at a time, likewise."},
    {.key = "names.sites_max",
     .type = OPTION_COUNT,
     .offset = AT(names_sites_max),
     .initial = "auto",
     .unit = "combinations",
     .min = 1,
     .max = 10000000,
     .zero = "auto",
     .prose = "Combinations of service, operation, kind and callee that are told apart."},
    {.key = "names.lessons_max",
     .type = OPTION_COUNT,
     .offset = AT(names_lessons_max),
     .initial = "auto",
     .unit = "addresses",
     .min = 1,
     .max = 10000000,
     .zero = "auto",
     .prose = "Addresses and RPC services of which it is remembered who answered there, so that a "
              "service which went silent stays on the map as itself. Nothing is learned of further "
              "ones."},
    {.key = "names.length_max",
     .type = OPTION_BYTES,
     .offset = AT(names_length_bytes_max),
     .initial = "256B",
     .min = 16,
     .max = NAMING_TEXT_MAX,
     .prose = "A longer name is cut to this."},
    {.key = "map.messaging",
     .type = OPTION_ENUM,
     .offset = AT(map_messaging),
     .initial = "broker",
     .choices = messaging_words,
     .reloads = true,
     .prose = "How messages are drawn. broker: by way of their destination, which is a node; "
              "direct: from the service that sends to the one that takes; both."},
    {.key = "map.self_edges",
     .type = OPTION_BOOL,
     .offset = AT(map_self_edges),
     .initial = "false",
     .reloads = true,
     .prose = "Draw calls of a service to itself. Metrics have them in any case."},
    {.key = "map.edges_max",
     .type = OPTION_COUNT,
     .offset = AT(map_edges_max),
     .initial = "auto",
     .unit = "edges",
     .min = 1,
     .max = 10000000,
     .zero = "auto",
     .prose = "Edges that are told apart; calls on further ones are counted together. A number has "
              "memory set aside for so many, however wide their histograms; auto is as many as fit "
              "by the bytes that they take (/debug/budgets)."},
    {.key = "windows.span",
     .type = OPTION_DURATION,
     .offset = AT(windows_span_ns),
     .initial = "1h",
     .min = 300 * NS_PER_S,
     .max = 24 * HOUR_NS,
     .zero = "off",
     .prose =
         "How long it is kept what was counted when, for maps of a window (window=5m) and of the "
         "past (at=...): by 10s for the last 5m, by 1m before. off keeps only the sums since the "
         "start."},
    {.key = "windows.memory_max",
     .type = OPTION_BYTES,
     .offset = AT(windows_memory_bytes_max),
     .initial = "auto",
     .min = MIB,
     .max = 1024 * GIB,
     .zero = "auto",
     .prose =
         "Memory for that, a third of it for answers. Where it is full the oldest leaves first, and "
         "the window of an answer says what it covers. auto is a share of memory.limit."},
    {.key = "metrics.messaging",
     .type = OPTION_ENUM,
     .offset = AT(metrics_messaging),
     .initial = "direct",
     .choices = messaging_words,
     .reloads = true,
     .prose = "Which edges of messages the metrics have; the words are those of map.messaging."},
    {.key = "metrics.expiration",
     .type = OPTION_DURATION,
     .offset = AT(metrics_expiration_ns),
     .initial = "15m",
     .min = NS_PER_S,
     .max = 8760 * HOUR_NS,
     .zero = "never",
     .prose = "A series to which nothing was added for this long leaves the metrics, and the map "
              "too where there is no room for others, or for names."},
    {.key = "metrics.exemplars",
     .type = OPTION_BOOL,
     .offset = AT(metrics_exemplars),
     .initial = "true",
     .prose =
         "Whether series keep ids of a few of their spans: exemplars in OpenMetrics, protobuf and "
         "what is pushed, examples on the page."},
    {.key = "metrics.buckets",
     .type = OPTION_TEXTS,
     .offset = AT(metrics_buckets),
     .max = HISTOGRAM_BOUNDS_MAX,
     .form =
         "a list of at most 40 durations, each longer than the one before, such as [5ms, 100ms, 1s]",
     .check = option_check_buckets,
     .prose =
         "Upper bounds of the classic buckets of all histograms. Empty is the usual ones: 2, 4, "
         "6, 8, 10, 50, 100, 200, 400, 800ms, 1, 1.4, 2, 5, 10, 15s. Metrics say them in "
         "seconds."},
    {.key = "metrics.otlp_histograms",
     .type = OPTION_ENUM,
     .offset = AT(metrics_otlp_histograms),
     .initial = "explicit",
     .choices = histogram_words,
     .reloads = true,
     .prose = "Histograms of OTLP metrics: explicit ones have the bounds of metrics.buckets, "
              "exponential ones at most 160 buckets that follow what is observed."},
    {.key = "metrics.dimensions",
     .type = OPTION_TEXTS,
     .offset = AT(metrics_dimensions),
     .max = DIMENSIONS_MAX,
     .form = "a list of at most 16 keys of attributes",
     .check = option_check_dimensions,
     .prose =
         "Attributes whose values become labels, from the span or, where it has none, from its "
         "resource: deployment.environment.name is the label deployment_environment_name of "
         "traces_spanmetrics_*, and client_deployment_environment_name and "
         "server_deployment_environment_name of traces_service_graph_*, each from its side's own span. Each "
         "combination of values is a series of its own."},
    {.key = "metrics.dimension_sets_max",
     .type = OPTION_COUNT,
     .offset = AT(metrics_dimension_sets_max),
     .initial = "auto",
     .unit = "combinations",
     .min = 1,
     .max = 2000000,
     .zero = "auto",
     .prose =
         "Combinations of the values of metrics.dimensions that are told apart; further ones are "
         "counted without labels of theirs, with otel_metric_overflow=\"true\". auto is by "
         "memory.limit."},
    {.key = "metrics.service_dimension_sets_max",
     .type = OPTION_COUNT,
     .offset = AT(metrics_service_dimension_sets_max),
     .initial = "1000",
     .unit = "combinations",
     .min = 1,
     .max = 2000000,
     .zero = "unlimited",
     .prose =
         "The same of one service, so that a service whose values never end takes no room from "
         "others."},
    {.key = "metrics.operations_max",
     .type = OPTION_COUNT,
     .offset = AT(metrics_operations_max),
     .initial = "auto",
     .unit = "series",
     .min = 1,
     .max = 10000000,
     .zero = "auto",
     .prose = "Series of traces_spanmetrics_calls_total; further ones are counted together. auto "
              "is as many as fit, as of map.edges_max."},
    {.key = "metrics.operations_per_service_max",
     .type = OPTION_COUNT,
     .offset = AT(metrics_operations_per_service_max),
     .initial = "1000",
     .unit = "names",
     .min = 1,
     .max = 10000000,
     .zero = "unlimited",
     .prose = "Operation names of one service that are told apart; its further ones are counted "
              "together, with otel_metric_overflow=\"true\", so that a service whose names never "
              "end takes no room from others."},
    {.key = "metrics.targets_max",
     .type = OPTION_COUNT,
     .offset = AT(metrics_targets_max),
     .initial = "1000",
     .unit = "series",
     .min = 1,
     .max = 10000,
     .prose = "Series of traces_target_info: resources that are told apart by job and instance. "
              "Further ones have none; their spans are counted as all others."},
    {.key = "metrics.losses_max",
     .type = OPTION_COUNT,
     .offset = AT(metrics_losses_max),
     .initial = "auto",
     .unit = "series",
     .min = 1,
     .max = 10000000,
     .zero = "auto",
     .prose = "Series of unpaired and dropped spans; further ones are counted together. auto is by "
              "memory.limit."},
    PATH_ROW("draw.helper", draw_helper,
             "Path of spanmap-draw, the program that draws. Empty is the one that was installed "
             "with this program."),
    {.key = "draw.timeout",
     .type = OPTION_DURATION,
     .offset = AT(draw_timeout_ns),
     .initial = "10s",
     .min = 100 * NS_PER_MS,
     .max = 10 * MINUTE_NS,
     .reloads = true,
     .prose = "How long one drawing may take."},
    {.key = "draw.memory_max",
     .type = OPTION_BYTES,
     .offset = AT(draw_memory_bytes_max),
     .initial = "1GiB",
     .min = 64 * MIB,
     .max = 64 * GIB,
     .reloads = true,
     .prose = "Memory that one drawing may take, in a process of its own."},
    OUTLET_OPTION_ROWS,
    {.key = "log.level",
     .type = OPTION_ENUM,
     .offset = AT(log_level),
     .initial = "info",
     .choices = log_words,
     .reloads = true,
     .prose = "The least important lines that are logged."},
    {.key = "shutdown.patience",
     .type = OPTION_DURATION,
     .offset = AT(shutdown_patience_ns),
     .initial = "20s",
     .min = NS_PER_MS,
     .max = HOUR_NS,
     .zero = "off",
     .reloads = true,
     .prose = "How long requests that were taken on may go on after SIGTERM."},
};

const struct option_table spanmap_options = {
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
    .object_size = sizeof(struct options),
};

int options_init(struct options *options)
{
    return option_table_init(&spanmap_options, options);
}

void options_release(struct options *options)
{
    option_table_release(&spanmap_options, options);
}

int options_print(const struct options *options, struct buf *out)
{
    struct option_yaml_style style = {.comments = false};

    return option_yaml_print(&spanmap_options, options, style, out);
}
