/* budget.h: how the memory limit is divided among all that grows.
 * Is:         every bound of the engine, computed once at the start from the options, the machine's
 *             memory and its cores. What an option sets stays as it says; the rest is shared in
 *             proportion.
 * Invariants: the sum of all shares is at most the limit, each share counted at its worst: longest
 *             names, full tables, and as many copies of a series as there can be at once. What series
 *             take beyond their rows is bounded by bytes, since the widest takes twice the usual.
 * Threads:    plain data.
 */
#ifndef SPANMAP_ENGINE_BUDGET_H
#define SPANMAP_ENGINE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "engine/options.h"

/* What grows. */
enum budget_share {
    BUDGET_FIXED,    /* Program, stacks, memos of names, the allocator's waste. */
    BUDGET_SPANS,    /* Remembered spans of all shards. */
    BUDGET_MESSAGES, /* Producers, links and their answers. */
    BUDGET_EDGES,
    BUDGET_OPERATIONS, /* Series of operations. */
    BUDGET_LOSSES,
    BUDGET_NAMES,
    BUDGET_REQUESTS, /* Messages in flight; without threads, the request that is being decoded. */
    BUDGET_WINDOWS,  /* What was counted lately, and answers from it. */
    BUDGET_RINGS,    /* Decoded spans on their way to the shards. */
    BUDGET_ANSWERS,  /* Of the web door: the one that is being made, those that are being read. */
    BUDGET_FORWARD,  /* Requests that are to be passed on. */
    BUDGET_PUSH, /* Metrics that are pushed: half for one that is written, half for one that leaves. */
    BUDGET_SHARE_COUNT,
};

const char *budget_share_name(enum budget_share share);

struct budget_machine {
    uint64_t memory_bytes;
    unsigned cores;
};

/* How an engine is fed. */
enum budget_kind {
    BUDGET_INLINE,              /* By its owner, for a look at the end (map). */
    BUDGET_INLINE_WITH_TARGETS, /* By its owner, who asks what services say of themselves. */
    BUDGET_THREADED,
};

struct budget {
    uint64_t limit_bytes;
    uint64_t share_bytes[BUDGET_SHARE_COUNT];
    unsigned threads; /* Receiver threads; 0 without threads. */
    bool keeps_targets;
    unsigned shards;
    size_t ring_spans;        /* Room of each ring, a power of two; 0 without threads. */
    size_t request_spans_max; /* Of one request: what an empty ring takes. */
    size_t request_bytes_max; /* Of one message. */
    size_t json_tree_bytes_max;
    size_t answer_bytes_max;   /* Of one answer of the web door. */
    size_t answers_bytes_max;  /* Of all that wait for their readers. */
    size_t answers_bytes_kept; /* Of these for scrapes alone. */
    size_t shard_bytes;        /* Remembered spans of one shard. */
    size_t shard_message_bytes;
    size_t windows_bytes;        /* What is kept; 0: no windows. */
    size_t windows_answer_bytes; /* All snapshots of windows. */
    size_t exchange_letters;     /* From one shard to another. */
    size_t name_bytes_max;
    uint32_t memo_entries; /* Of one decoder. */
    uint32_t services_max;
    uint32_t peers_max;
    uint32_t operations_max;
    uint32_t service_operations_max; /* Of one service; 0: as many as there are. */
    uint32_t sites_max;
    uint32_t sets_max; /* Of values of dimensions; 0: there are none. */
    uint32_t service_sets_max;
    uint32_t lessons_max;
    uint32_t edges_max; /* At most: bytes may be out before. */
    uint32_t operation_series_max;
    uint64_t edges_bytes; /* All copies, but those in tallies. */
    uint64_t operations_bytes;
    uint64_t tally_edges_bytes; /* Of one tally. */
    uint64_t tally_operations_bytes;
    uint32_t losses_max;
    size_t push_texts_bytes; /* Names of what was told by remote write; twice, in BUDGET_FIXED. */
    uint32_t exemplars_max;  /* Of one tally; 0: none are kept. Part of BUDGET_FIXED. */
    uint32_t targets_max;
    size_t
        targets_bytes; /* Of what they say; part of BUDGET_FIXED, as their text in an answer is. */
};

/* On failure out_error has one sentence that names the option; at most 255 bytes.
 * Returns: 0; STATUS_RANGE (what is asked for does not fit). */
MUST_USE int budget_make(const struct options *options, const struct budget_machine *machine,
                         enum budget_kind kind, char out_error[256], struct budget *out_budget);

#endif
