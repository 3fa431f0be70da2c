/* options.h: every option of spanmap.
 * Is:         the one table, and the struct that it fills. Parser, --help, documentation, example
 *             file and /debug/config are made from the table.
 * Is not:     a judgement on how options fit together (the engine's), or a file format
 *             (engine/config.h).
 * Invariants: as base/option.h; a field in its row's bounds.
 * Threads:    plain data.
 * Memory:     owns its texts and lists; options_release() gives them back.
 */
#ifndef SPANMAP_ENGINE_OPTIONS_H
#define SPANMAP_ENGINE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/option.h"
#include "base/status.h"
#include "base/view.h"

/* In the order of enum export_messaging (exporters/exporter.h). */
enum messaging_view { MESSAGING_DIRECT, MESSAGING_BROKER, MESSAGING_BOTH };

enum signal_choice { SIGNAL_REFUSE, SIGNAL_DISCARD };

enum orphan_servers { ORPHAN_SERVERS_NONE, ORPHAN_SERVERS_USER };

enum tls_doors { TLS_DOORS_ALL, TLS_DOORS_GRPC, TLS_DOORS_HTTP };

enum client_auth { CLIENT_AUTH_REQUIRED, CLIENT_AUTH_OPTIONAL };

/* Fields are in the order of their rows, named as their keys. Where 0 is said to be auto, the
 * engine decides, in proportion to the memory limit or by the number of cores. */
/* Of forward and push.otlp. */
enum outlet_compression { OUTLET_PLAIN, OUTLET_GZIP };

struct outlet_options {
    struct view endpoint; /* "off": there is none. */
    struct option_pairs headers;
    int compression; /* enum outlet_compression */
    uint64_t timeout_ns;
    uint64_t retry_initial_ns;
    uint64_t retry_interval_max_ns;
    uint64_t retry_max_ns; /* 0: unlimited */
    struct view tls_ca;    /* Empty: the system's. */
    struct view tls_cert;
    struct view tls_key;
    struct view tls_server_name;
};

/* push.remote_write */
struct remote_options {
    struct view url; /* Empty: off. */
    uint64_t interval_ns;
    int version;    /* enum remote_version (exporters/remote_write.h) */
    int histograms; /* enum remote_histograms */
    struct option_pairs labels;
    uint64_t queue_bytes_max;
    uint64_t timeout_ns;
    uint64_t retry_initial_ns;
    uint64_t retry_wait_max_ns;
    struct view token;
    struct view username;
    struct view password;
    struct view tls_ca;
    struct view tls_cert;
    struct view tls_key;
};

struct options {
    struct view listen_grpc; /* Valid addresses all (net/address.h). */
    struct view listen_http;
    struct view listen_web;
    struct view listen_unix_mode; /* Empty, as the following: as the process makes it. */
    struct view listen_unix_owner;
    struct view listen_unix_group;
    struct option_texts web_hosts; /* "*": any. */
    uint64_t web_connections_max;
    uint64_t web_header_timeout_ns;
    struct view web_trace_url; /* With {trace_id}; empty: none. */
    struct view web_tls_cert;  /* Paths; empty: none. */
    struct view web_tls_key;
    struct view web_tls_client_ca;
    struct view tls_cert;
    struct view tls_key;
    struct view tls_client_ca;
    int tls_client_auth; /* enum client_auth */
    int tls_doors;       /* enum tls_doors */
    int tls_min_version; /* enum tls_version (net/tls.h) */
    uint64_t tls_handshake_timeout_ns;
    uint64_t tls_reload_interval_ns;
    struct view auth_token; /* Empty: none. */
    struct view auth_token_file;
    struct view auth_password_file;
    struct option_texts auth_client_names;
    struct option_texts auth_unix_users;
    uint64_t memory_limit_bytes;         /* 0: auto */
    uint64_t receiver_threads;           /* 0: auto */
    uint64_t receiver_message_bytes_max; /* One request. */
    uint64_t receiver_memory_bytes_max;  /* All requests in flight. 0: auto */
    uint64_t receiver_connections_max;
    uint64_t receiver_connections_per_address; /* 0: unlimited */
    uint64_t receiver_streams_max;
    uint64_t receiver_streaming_max;
    bool receiver_health;
    bool receiver_reflection;
    uint64_t receiver_idle_timeout_ns; /* 0: none */
    uint64_t receiver_request_timeout_ns;
    uint64_t receiver_header_timeout_ns;
    uint64_t receiver_write_timeout_ns;
    uint64_t receiver_body_rate_min; /* Bytes a second. 0: none */
    uint64_t receiver_age_max_ns;    /* 0: none */
    uint64_t receiver_age_grace_ns;
    uint64_t receiver_keepalive_interval_ns; /* 0: none */
    uint64_t receiver_keepalive_timeout_ns;
    uint64_t receiver_ping_interval_min_ns; /* 0: none */
    uint64_t receiver_resets_max;
    int signals_metrics; /* enum signal_choice */
    int signals_logs;
    struct option_texts cors_origins; /* Empty: no page may send. */
    struct option_texts cors_headers;
    uint64_t cors_max_age_ns;
    uint64_t topology_shards;           /* 0: auto */
    uint64_t topology_memory_bytes_max; /* Remembered spans of all shards. 0: auto */
    bool topology_derive_errors;
    int topology_orphan_servers; /* enum orphan_servers */
    uint64_t pairing_wait_ns;
    uint64_t pairing_parent_wait_ns;
    uint64_t messaging_wait_ns;
    uint64_t messaging_memory_bytes_max; /* Producers and links of all shards. 0: auto */
    uint64_t links_max;
    uint64_t sampling_max_count;
    struct option_texts names_peer_order; /* Empty: the order of TOPOLOGY N3. */
    struct option_pairs names_cidr;
    struct option_pairs names_rewrite;
    uint64_t names_services_max;   /* 0: auto */
    uint64_t names_peers_max;      /* 0: auto */
    uint64_t names_operations_max; /* 0: auto */
    uint64_t names_sites_max;      /* 0: auto */
    uint64_t names_lessons_max;    /* 0: auto */
    uint64_t names_length_bytes_max;
    int map_messaging; /* enum messaging_view */
    bool map_self_edges;
    uint64_t map_edges_max;            /* 0: auto */
    uint64_t windows_span_ns;          /* 0: off */
    uint64_t windows_memory_bytes_max; /* 0: auto */
    int metrics_messaging;             /* enum messaging_view */
    uint64_t metrics_expiration_ns;    /* 0: never */
    int metrics_otlp_histograms;       /* 0: explicit, 1: exponential */
    bool metrics_exemplars;
    struct option_texts metrics_buckets;         /* Durations; empty: the usual bounds. */
    struct option_texts metrics_dimensions;      /* Keys of attributes. */
    uint64_t metrics_dimension_sets_max;         /* 0: auto */
    uint64_t metrics_service_dimension_sets_max; /* 0: unlimited */
    uint64_t metrics_operations_max;             /* 0: auto */
    uint64_t metrics_operations_per_service_max; /* 0: unlimited */
    uint64_t metrics_targets_max;
    uint64_t metrics_losses_max; /* 0: auto */
    struct view draw_helper;     /* Empty: the one that was installed with this program. */
    uint64_t draw_timeout_ns;
    uint64_t draw_memory_bytes_max;
    struct outlet_options forward;
    uint64_t forward_queue_bytes; /* 0: auto */
    uint64_t forward_in_flight;
    struct outlet_options push_otlp;
    uint64_t push_otlp_interval_ns;
    struct remote_options push_remote;
    struct view grpc_module; /* Empty: the one that was installed with this program. */
    int log_level;           /* enum log_level */
    uint64_t shutdown_patience_ns;
};

extern const struct option_table spanmap_options;

/* The defaults. Returns: 0; STATUS_NOMEM. */
MUST_USE int options_init(struct options *options);
void options_release(struct options *options);

/* Appends the effective configuration as YAML, which a configuration file may hold again.
 * Returns: as buf_append(). */
int options_print(const struct options *options, struct buf *out);

#endif
