/* engine_counters.h: what the engine counts about itself.
 * Is:         one row a counter; the enum and the table of rows are one list.
 */
#ifndef SPANMAP_ENGINE_ENGINE_COUNTERS_H
#define SPANMAP_ENGINE_ENGINE_COUNTERS_H

#include "base/counters.h"
#include "topology/catalog.h"
#include "topology/lessons.h"

/* How long something took: LATENCY_BUCKETS rows and their sum (latency.h). */
#define ENGINE_LATENCY(X, name, metric, help)                                                      \
    X(name##_SECONDS, metric "_bucket", "le=\"0.0001\"", false, help)                              \
    X(name##_300US, metric "_bucket", "le=\"0.0003\"", false, "")                                  \
    X(name##_1MS, metric "_bucket", "le=\"0.001\"", false, "")                                     \
    X(name##_3MS, metric "_bucket", "le=\"0.003\"", false, "")                                     \
    X(name##_10MS, metric "_bucket", "le=\"0.01\"", false, "")                                     \
    X(name##_30MS, metric "_bucket", "le=\"0.03\"", false, "")                                     \
    X(name##_100MS, metric "_bucket", "le=\"0.1\"", false, "")                                     \
    X(name##_300MS, metric "_bucket", "le=\"0.3\"", false, "")                                     \
    X(name##_1S, metric "_bucket", "le=\"1.0\"", false, "")                                        \
    X(name##_3S, metric "_bucket", "le=\"3.0\"", false, "")                                        \
    X(name##_MORE, metric "_bucket", "le=\"+Inf\"", false, "")                                     \
    X(name##_SUM, metric "_sum", NULL, COUNTER_NANOSECONDS, "")

/* X(enum, metric, label or NULL, gauge, help). Rows of memory stand in the order of enum
 * budget_share. */
#define ENGINE_COUNTERS(X)                                                                         \
    X(BUILD_INFO, "spanmap_build_info", ENGINE_VERSION_LABEL, true, "1; the version is a label.")  \
    X(START_TIME, "spanmap_start_time_seconds", NULL, true,                                        \
      "When counting began, in seconds since 1970.")                                               \
    X(REQUESTS_ADMITTED, "spanmap_engine_requests_total", "outcome=\"admitted\"", false,           \
      "Requests with spans, by what became of them.")                                              \
    X(REQUESTS_BUSY, "spanmap_engine_requests_total", "outcome=\"busy\"", false, "")               \
    X(REQUESTS_MALFORMED, "spanmap_engine_requests_total", "outcome=\"malformed\"", false, "")     \
    X(REQUESTS_TOO_LARGE, "spanmap_engine_requests_total", "outcome=\"too_large\"", false, "")     \
    X(REQUESTS_NO_MEMORY, "spanmap_engine_requests_total", "outcome=\"no_memory\"", false, "")     \
    X(SPANS_ADMITTED, "spanmap_engine_spans_total", "outcome=\"admitted\"", false,                 \
      "Spans of decoded requests, by what became of them.")                                        \
    X(SPANS_REJECTED, "spanmap_engine_spans_total", "outcome=\"rejected\"", false, "")             \
    X(SPANS_BUSY, "spanmap_engine_spans_total", "outcome=\"busy\"", false, "")                     \
    X(LINKS_INVALID, "spanmap_engine_links_invalid_total", NULL, false,                            \
      "Span links without a trace or span id, which were left out.")                               \
    X(LINKS_PAST_MAX, "spanmap_engine_links_past_max_total", NULL, false,                          \
      "Span links beyond links.max of one span, which were left out.")                             \
    X(ATTRIBUTES_REPEATED, "spanmap_engine_attributes_repeated_total", NULL, false,                \
      "Attributes whose key came before in the same span; the first was taken.")                   \
    X(LATENESS_0, "spanmap_span_lateness_seconds_bucket", "le=\"0.0\"", false,                     \
      "Time from the end of a span to its arrival; 0: it ended later, by its sender's clock.")     \
    X(LATENESS_1S, "spanmap_span_lateness_seconds_bucket", "le=\"1.0\"", false, "")                \
    X(LATENESS_2S, "spanmap_span_lateness_seconds_bucket", "le=\"2.0\"", false, "")                \
    X(LATENESS_5S, "spanmap_span_lateness_seconds_bucket", "le=\"5.0\"", false, "")                \
    X(LATENESS_10S, "spanmap_span_lateness_seconds_bucket", "le=\"10.0\"", false, "")              \
    X(LATENESS_30S, "spanmap_span_lateness_seconds_bucket", "le=\"30.0\"", false, "")              \
    X(LATENESS_1M, "spanmap_span_lateness_seconds_bucket", "le=\"60.0\"", false, "")               \
    X(LATENESS_5M, "spanmap_span_lateness_seconds_bucket", "le=\"300.0\"", false, "")              \
    X(LATENESS_15M, "spanmap_span_lateness_seconds_bucket", "le=\"900.0\"", false, "")             \
    X(LATENESS_1H, "spanmap_span_lateness_seconds_bucket", "le=\"3600.0\"", false, "")             \
    X(LATENESS_1D, "spanmap_span_lateness_seconds_bucket", "le=\"86400.0\"", false, "")            \
    X(LATENESS_MORE, "spanmap_span_lateness_seconds_bucket", "le=\"+Inf\"", false, "")             \
    X(LATENESS_SUM, "spanmap_span_lateness_seconds_sum", NULL, false, "")                          \
    ENGINE_LATENCY(X, REQUEST, "spanmap_engine_request_seconds",                                   \
                   "Time that decoding a request and handing its spans on took.")                  \
    ENGINE_LATENCY(X, MERGE, "spanmap_engine_merge_seconds",                                       \
                   "Time that adding up what the shards counted took.")                            \
    X(SITES_MISSED, "spanmap_engine_sites_missed_total", NULL, false,                              \
      "Spans whose names were not in a receiver's memo and had to be resolved.")                   \
    X(MERGES, "spanmap_engine_merges_total", NULL, false,                                          \
      "How often what the shards counted was added up.")                                           \
    X(MERGE_FAILURES, "spanmap_engine_merge_failures_total", NULL, false,                          \
      "Merges and snapshots that were put off because memory was out.")                            \
    X(SNAPSHOTS, "spanmap_engine_snapshots_total", NULL, false, "Snapshots that were made.")       \
    X(RING_SPANS, "spanmap_engine_ring_spans", NULL, true,                                         \
      "Admitted spans, and link halves as two, on their way to the shards.")                       \
    X(RING_SPANS_MAX, "spanmap_engine_ring_spans_max", NULL, true, "Room for them.")               \
    X(REMEMBERED_SPANS, "spanmap_engine_remembered_spans", NULL, true,                             \
      "Spans that the shards remember.")                                                           \
    X(REMEMBERED_BYTES, "spanmap_engine_remembered_bytes", NULL, true,                             \
      "Memory of the spans that the shards remember, their index included.")                       \
    X(NAMES_SERVICES, "spanmap_engine_names", "table=\"services\"", true,                          \
      "Names that are known, by table.")                                                           \
    X(NAMES_PEERS, "spanmap_engine_names", "table=\"peers\"", true, "")                            \
    X(NAMES_OPERATIONS, "spanmap_engine_names", "table=\"operations\"", true, "")                  \
    X(NAMES_SETS, "spanmap_engine_names", "table=\"dimension_sets\"", true, "")                    \
    X(NAMES_SITES, "spanmap_engine_names", "table=\"sites\"", true, "")                            \
    X(NAMES_LESSONS, "spanmap_engine_names", "table=\"lessons\"", true, "")                        \
    X(NAMES_TARGETS, "spanmap_engine_names", "table=\"targets\"", true, "")                        \
    X(NAMES_SERVICES_MAX, "spanmap_engine_names_max", "table=\"services\"", true,                  \
      "Room for names, by table.")                                                                 \
    X(NAMES_PEERS_MAX, "spanmap_engine_names_max", "table=\"peers\"", true, "")                    \
    X(NAMES_OPERATIONS_MAX, "spanmap_engine_names_max", "table=\"operations\"", true, "")          \
    X(NAMES_SETS_MAX, "spanmap_engine_names_max", "table=\"dimension_sets\"", true, "")            \
    X(NAMES_SITES_MAX, "spanmap_engine_names_max", "table=\"sites\"", true, "")                    \
    X(NAMES_LESSONS_MAX, "spanmap_engine_names_max", "table=\"lessons\"", true, "")                \
    X(NAMES_TARGETS_MAX, "spanmap_engine_names_max", "table=\"targets\"", true, "")                \
    X(REFUSED_SERVICES, "spanmap_engine_names_refused_total", "table=\"services\"", false,         \
      "Look-ups of a new name that found its table full and got the overflow entry.")              \
    X(REFUSED_PEERS, "spanmap_engine_names_refused_total", "table=\"peers\"", false, "")           \
    X(REFUSED_OPERATIONS, "spanmap_engine_names_refused_total", "table=\"operations\"", false, "") \
    X(REFUSED_SITES, "spanmap_engine_names_refused_total", "table=\"sites\"", false, "")           \
    X(REFUSED_LESSONS, "spanmap_engine_names_refused_total", "table=\"lessons\"", false, "")       \
    X(REFUSED_TARGETS, "spanmap_engine_names_refused_total", "table=\"targets\"", false, "")       \
    X(REFUSED_SERVICE_OPERATIONS, "spanmap_engine_names_refused_total",                            \
      "table=\"service_operations\"", false, "")                                                   \
    X(REFUSED_SETS, "spanmap_engine_names_refused_total", "table=\"dimension_sets\"", false, "")   \
    X(REFUSED_SERVICE_SETS, "spanmap_engine_names_refused_total",                                  \
      "table=\"service_dimension_sets\"", false, "")                                               \
    X(GIVEN_SERVICES, "spanmap_engine_names_given_back_total", "table=\"services\"", false,        \
      "Names that nothing used any more, whose room is free for others, by table.")                \
    X(GIVEN_PEERS, "spanmap_engine_names_given_back_total", "table=\"peers\"", false, "")          \
    X(GIVEN_OPERATIONS, "spanmap_engine_names_given_back_total", "table=\"operations\"", false,    \
      "")                                                                                          \
    X(GIVEN_SITES, "spanmap_engine_names_given_back_total", "table=\"sites\"", false, "")          \
    X(GIVEN_DIMENSIONS, "spanmap_engine_names_given_back_total", "table=\"dimension_sets\"",       \
      false, "")                                                                                   \
    X(NAME_SWEEPS, "spanmap_engine_name_sweeps_total", NULL, false,                                \
      "How often it was looked through which names are in use, since some table was filling.")     \
    X(WINDOWS_BYTES, "spanmap_windows_bytes", NULL, true,                                          \
      "Memory of what was counted lately, for maps of a window.")                                  \
    X(WINDOWS_ANSWER_BYTES, "spanmap_windows_answer_bytes", NULL, true,                            \
      "Memory of maps of a window that are being written.")                                        \
    X(WINDOWS_SLOTS, "spanmap_windows_slots", NULL, true,                                          \
      "Pieces of time in which what was counted is kept by itself.")                               \
    X(WINDOWS_OLDEST, "spanmap_windows_oldest_seconds", NULL, true,                                \
      "When the oldest of them begins, in seconds since 1970.")                                    \
    X(WINDOWS_PUSHED_OUT, "spanmap_windows_pushed_out_total", NULL, false,                         \
      "Pieces that left before windows.span was over, for want of room.")                          \
    X(WINDOWS_HOLES, "spanmap_windows_holes_total", NULL, false,                                   \
      "Times of which nothing is kept: memory was out, or the clock went back.")                   \
    X(MEMORY_LIMIT, "spanmap_memory_limit_bytes", NULL, true, "memory.limit, as it is in force.")  \
    X(MEMORY_RESIDENT, "spanmap_memory_resident_bytes", NULL, true,                                \
      "Memory of this process that is in use, as the system sees it.")                             \
    X(MEMORY_FIXED, "spanmap_memory_share_bytes", "share=\"fixed\"", true,                         \
      "How memory.limit is divided.")                                                              \
    X(MEMORY_SPANS, "spanmap_memory_share_bytes", "share=\"spans\"", true, "")                     \
    X(MEMORY_MESSAGES, "spanmap_memory_share_bytes", "share=\"messages\"", true, "")               \
    X(MEMORY_EDGES, "spanmap_memory_share_bytes", "share=\"edges\"", true, "")                     \
    X(MEMORY_OPERATIONS, "spanmap_memory_share_bytes", "share=\"operations\"", true, "")           \
    X(MEMORY_LOSSES, "spanmap_memory_share_bytes", "share=\"losses\"", true, "")                   \
    X(MEMORY_NAMES, "spanmap_memory_share_bytes", "share=\"names\"", true, "")                     \
    X(MEMORY_REQUESTS, "spanmap_memory_share_bytes", "share=\"requests\"", true, "")               \
    X(MEMORY_WINDOWS, "spanmap_memory_share_bytes", "share=\"windows\"", true, "")                 \
    X(MEMORY_RINGS, "spanmap_memory_share_bytes", "share=\"rings\"", true, "")                     \
    X(MEMORY_ANSWERS, "spanmap_memory_share_bytes", "share=\"answers\"", true, "")                 \
    X(MEMORY_FORWARD, "spanmap_memory_share_bytes", "share=\"forward\"", true, "")                 \
    X(MEMORY_PUSH, "spanmap_memory_share_bytes", "share=\"push\"", true, "")

#define ENGINE_COUNTER_ENUM(name, metric, label, gauge, help) ENGINE_##name,
enum engine_counter { ENGINE_COUNTERS(ENGINE_COUNTER_ENUM) ENGINE_COUNTER_COUNT };

extern const struct counter_row engine_counter_rows[ENGINE_COUNTER_COUNT];

/* How full the tables of names are. */
void engine_note_names(struct counters *counters, const struct catalog_counts *names,
                       const struct lessons_counts *lessons);

#endif
