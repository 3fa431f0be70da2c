/* otlp_trace.h: an OTLP trace request becomes staged span records.
 * Is:         one pass over the bytes of an ExportTraceServiceRequest; ids, times, status and
 *             weight of each span are read in place, and its names become a site by way of a memo.
 * Is not:     the place where spans are counted or admitted; the caller does both.
 * Invariants: a request that breaks the format leaves an empty stage; one bad span is rejected
 *             alone. What is staged holds no pointer into the request.
 * Threads:    one decoder a thread; naming and catalog are shared by all.
 * Memory:     the memo (24 bytes an entry) and the stage (64 bytes a span of a request and 32
 *             a link, at most spans_max records; a large one is given back with the next request).
 * Source:     opentelemetry-proto collector/trace/v1; OTLP A9-A13, A23-A32, C14; TOPOLOGY E14,
 *             E16, E17.
 */
#ifndef SPANMAP_RECEIVER_OTLP_TRACE_H
#define SPANMAP_RECEIVER_OTLP_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"
#include "topology/catalog.h"
#include "topology/naming.h"
#include "topology/snapshot.h"
#include "topology/span.h"
#include "topology/targets.h"

struct otlp_decoder;

/* A zero stands for the default in brackets, but for the pointers and hash_seed. */
struct otlp_decoder_options {
    const struct naming *naming; /* Both outlive the decoder. */
    struct catalog *catalog;
    struct targets *targets;             /* Likewise; NULL: what resources say is not kept. */
    const struct dimensions *dimensions; /* Likewise; NULL: there are none. */
    uint64_t hash_seed;                  /* The engine's, for span_trace_hash(). */
    uint32_t sampling_count_max;         /* sampling.max_count [65,536] */
    uint32_t depth_max;                  /* Nested messages, the request itself included [64] */
    size_t spans_max;    /* Records of a request: one a good span, two a link [1,048,576]; more:
                       * STATUS_TOO_LARGE */
    size_t links_max;    /* Of a span: links.max [1,024] */
    size_t memo_entries; /* Rounded up to a power of two [32,768] */
    size_t json_tree_bytes_max; /* What jansson may build of one request [512 MiB] */
};

/* A link of a staged CONSUMER to a span, each once. */
struct otlp_link {
    uint64_t trace[2];
    uint64_t id;
    uint32_t span;       /* Index in the stage. */
    uint32_t trace_hash; /* Of the linked trace, whose shard the half goes to. */
};

struct otlp_stage {
    struct span *spans;
    size_t count;
    struct otlp_link *links; /* In the order of their spans. */
    size_t links_count;
    uint64_t rejected[REJECTED_REASON_COUNT];
    uint64_t links_invalid;       /* Links without a trace or span id. */
    uint64_t links_past_max;      /* Links beyond links_max. */
    uint64_t attributes_repeated; /* Equal keys, of which the first was taken. */
    uint64_t sites_missed;        /* Spans whose site was not in the memo. */
    const char *warning;          /* For the sender though all went well; NULL: none. */
    const char *error;            /* What is wrong where decoding failed; NULL: nothing. */
    size_t error_offset;          /* Where, in bytes from the request's start. */
};

/* The two records of a half: a copy of the consumer's, and what it links to. */
static inline void otlp_half(const struct otlp_stage *stage, const struct otlp_link *link,
                             struct span out_records[2])
{
    struct span_target target = {.trace = {link->trace[0], link->trace[1]}, .id = link->id};

    out_records[0] = stage->spans[link->span];
    out_records[0].half = 1;
    memcpy(&out_records[1], &target, sizeof(target));
}

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int otlp_decoder_new(const struct otlp_decoder_options *options,
                              struct otlp_decoder **out_decoder);
void otlp_decoder_free(struct otlp_decoder *decoder);

/* Notes the resources of the request that was decoded last, as targets: for a request that was taken
 * on, before its bytes go. */
void otlp_decoder_note_targets(struct otlp_decoder *decoder, struct wall_time now);

/* The request that was decoded last, in protobuf: as it came, or as JSON became it. Until the next call,
 * or its bytes go. */
struct view otlp_decoder_message(const struct otlp_decoder *decoder);

/* The sites of the stage are no longer needed: they may be given back (topology/catalog_sweep.h). */
void otlp_decoder_rest(struct otlp_decoder *decoder);

/* Decode one ExportTraceServiceRequest. The stage is set in any case, belongs to the decoder and
 * lives until its next call (its sites until otlp_decoder_rest(), too); on failure it is empty but for
 * error and error_offset.
 * Returns: 0; STATUS_INVALID, STATUS_TRUNCATED (not such a message); STATUS_TOO_LARGE (more than
 *          spans_max spans); STATUS_NOMEM. */
MUST_USE int otlp_decode_protobuf(struct otlp_decoder *decoder, struct view message,
                                  const struct otlp_stage **out_stage);

/* The same for one request in OTLP/JSON. STATUS_TOO_LARGE also where the text would become a tree
 * larger than json_tree_bytes_max. */
MUST_USE int otlp_decode_json(struct otlp_decoder *decoder, struct view text,
                              const struct otlp_stage **out_stage);

#endif
