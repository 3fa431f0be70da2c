/* budget.c: shares by weight.
 *
 * A share whose options are set takes what they cost; what is left is divided among the others by
 * their weights. The costs are what one thing takes at its worst, the allocator's head included;
 * a test that fills each table holds them to it.
 */
#include "engine/budget.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "engine/outlet.h"
#include "receiver/otlp_memo.h"
#include "topology/catalog.h"
#include "topology/exchange.h"
#include "topology/exemplar.h"
#include "topology/histogram.h"
#include "topology/lessons.h"
#include "topology/mail.h"
#include "topology/name_table.h"
#include "topology/publisher.h"
#include "topology/snapshot.h"
#include "topology/span.h"
#include "topology/tally.h"

#define MIB (UINT64_C(1) << 20)

/* gRPC core with its threads and buffers of connections, where something is sent by it. */
#define GRPC_CORE_BYTES (12 * MIB)

enum {
    THREADS_AUTO_MAX = 16, /* Rings grow with the square of it. */
    RING_SPANS_MIN = 256,
    RING_SPANS_WANTED = 32768, /* Below it, `auto` takes fewer threads rather. */
    RING_SPANS_MAX = 1 << 20,
    LETTERS_MIN = 16, /* Of a ring between two shards. */
    LETTERS_MAX = 8192,
    MEMO_ENTRIES_MIN = 1 << 15,
    MEMO_ENTRIES_MAX = 1 << 20,
    MEMOS_SHARE = 64,      /* All of them may take this part of the limit. */
    ANSWERS_KEPT_PART = 4, /* What scrapes have for themselves. */
    LABELS_BYTES = 128,    /* Of a series in /metrics, without dimensions. */
    PACKED_LINE_BYTES = 12,
    PACKED_EXEMPLAR_BYTES = 40,
    NATIVE_BYTES = 512,    /* What a histogram's native buckets take in protobuf. */
    VALUE_TEXT_BYTES = 40, /* What a dimension adds to one beside its key. */
    ALLOCATION_BYTES = 16, /* malloc's head and rounding. */
    TARGET_BYTES = 128,    /* Its place, and the line's name. */
    TARGETS_SHARE = 128,   /* What they say may take this part of the limit. */
    EXEMPLARS_SHARE = 256, /* Of all tallies, until the publisher takes them. */
    PUSH_TEXTS_SHARE = 64,
    EXEMPLARS_MIN = 64,
    EXEMPLARS_MAX = 1 << 14,
    TALLY_PART = 8,      /* Of the bytes of cumulated series, for each tally. */
    USUAL_BUCKETS = 64,  /* Of a histogram, ... */
    USUAL_EXEMPLARS = 8, /* ... and of a series. */
    PAIR_BYTES = 8,      /* Of a service and its operation, at most one a site. */
    SLOT_BYTES = 32,     /* 8-byte slots, a quarter to a half of them in use. */
};

/* Where options leave a share open. */
static const struct {
    const char *name;
    uint64_t weight;
} shares[BUDGET_SHARE_COUNT] = {
    [BUDGET_FIXED] = {"fixed", 5},
    [BUDGET_SPANS] = {"spans", 20},
    [BUDGET_MESSAGES] = {"messages", 4},
    [BUDGET_EDGES] = {"edges", 22},
    [BUDGET_OPERATIONS] = {"operations", 13},
    [BUDGET_LOSSES] = {"losses", 1},
    [BUDGET_NAMES] = {"names", 7},
    [BUDGET_REQUESTS] = {"requests", 12},
    [BUDGET_WINDOWS] = {"windows", 10},
    [BUDGET_RINGS] = {"rings", 9},
    [BUDGET_ANSWERS] = {"answers", 0}, /* Taken off edges and operations. */
    [BUDGET_FORWARD] = {"forward", 6},
    [BUDGET_PUSH] = {"push", 3},
};

const char *budget_share_name(enum budget_share share)
{
    CHECK(share < BUDGET_SHARE_COUNT);
    return shares[share].name;
}

/* -------------------------------------------------------------------- costs */

/* How often a loss may exist at once: in each shard's tally and the one that is being added, cumulated,
 * as it was when it expired, in the newest snapshot and in an old one that is still being read. */
static uint64_t series_copies(unsigned shards)
{
    return (uint64_t)shards + 5;
}

/* A tally has a part of what the cumulated series have: one of each shard and the one that is being
 * added. */
static uint64_t with_tallies(const struct budget *budget, uint64_t bytes)
{
    return bytes + ((uint64_t)budget->shards + 1) * (bytes / TALLY_PART);
}

static uint64_t without_tallies(const struct budget *budget, uint64_t bytes)
{
    return bytes / (TALLY_PART + budget->shards + 1) * TALLY_PART;
}

/* Of a series that is as wide as can be, and came last: an eighth of the bytes is not for new ones. */
static uint64_t widest_bytes(const struct options *options, const struct budget *budget,
                             uint64_t (*bytes)(uint32_t buckets, uint32_t exemplars),
                             uint32_t exemplars)
{
    uint64_t widest = bytes(HISTOGRAM_BUCKETS_MAX, options->metrics_exemplars ? exemplars : 0);

    return with_tallies(budget, widest + widest / 7 + 1);
}

static uint64_t edge_bytes(const struct options *options, const struct budget *budget)
{
    return widest_bytes(options, budget, publisher_edge_bytes, EXEMPLARS_OF_EDGE_MAX);
}

static uint64_t operation_bytes(const struct options *options, const struct budget *budget)
{
    return widest_bytes(options, budget, publisher_operation_bytes, EXEMPLARS_OF_OPERATION_MAX);
}

/* Buckets, the one of infinity too, sum, count and time of creation. */
static uint64_t histogram_lines(const struct options *options)
{
    uint64_t bounds = options->metrics_buckets.count;

    return (bounds != 0 ? bounds : histogram_bounds_default.count) + 4;
}

/* What the dimensions of one side add to a line. */
static uint64_t dimensions_text_bytes(const struct options *options)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < options->metrics_dimensions.count; i++)
        bytes += options->metrics_dimensions.items[i].size + VALUE_TEXT_BYTES;
    return bytes;
}

/* Of a series in an answer of metrics while that waits for its reader: text is packed then, in which
 * labels cost what they are once a family, and a line little more than its number. */
static uint64_t packed_bytes(const struct options *options, uint64_t histograms, uint64_t families,
                             uint64_t dimensions_bytes, uint64_t exemplars)
{
    uint64_t lines = histograms * histogram_lines(options) + families;

    return (histograms + families) * (LABELS_BYTES + dimensions_bytes) + lines * PACKED_LINE_BYTES +
           (options->metrics_exemplars ? exemplars / 2 * PACKED_EXEMPLAR_BYTES : 0);
}

/* In the one that is being made, which may be protobuf with native histograms, and in one that waits. */
static uint64_t answer_bytes(uint64_t packed, uint64_t histograms)
{
    return 2 * packed + histograms * NATIVE_BYTES;
}

static uint64_t packed_edge_bytes(const struct options *options)
{
    return packed_bytes(options, 3, 2, 2 * dimensions_text_bytes(options), EXEMPLARS_OF_EDGE_MAX);
}

static uint64_t packed_operation_bytes(const struct options *options)
{
    return packed_bytes(options, 2, 1, dimensions_text_bytes(options), EXEMPLARS_OF_OPERATION_MAX);
}

static uint64_t edge_text_bytes(const struct options *options, const struct budget *budget)
{
    return budget->threads != 0 ? answer_bytes(packed_edge_bytes(options), 3) : 0;
}

static uint64_t operation_text_bytes(const struct options *options, const struct budget *budget)
{
    return budget->threads != 0 ? answer_bytes(packed_operation_bytes(options), 2) : 0;
}

static uint64_t loss_bytes(unsigned shards)
{
    return series_copies(shards) * (sizeof(struct snapshot_loss) + SLOT_BYTES + ALLOCATION_BYTES);
}

/* A node keeps namespace and name, a service its entry among those that have reported. */
static uint64_t node_bytes(uint64_t name_bytes)
{
    return sizeof(struct node) + 16 + 2 * (name_bytes + ALLOCATION_BYTES) + 2 * SLOT_BYTES + 24 +
           2 * NAME_TABLE_BYTES;
}

static uint64_t text_bytes(uint64_t name_bytes)
{
    return sizeof(struct view) + name_bytes + ALLOCATION_BYTES + SLOT_BYTES + NAME_TABLE_BYTES;
}

static uint64_t bare_site_bytes(void)
{
    return sizeof(struct site) + SLOT_BYTES + NAME_TABLE_BYTES;
}

/* With the sites that each has beyond names.sites_max. */
static uint64_t service_bytes(uint64_t name_bytes)
{
    return node_bytes(name_bytes) + CATALOG_SITES_OF_SERVICE * bare_site_bytes();
}

/* With its operation, and its set of values, as one of its service. */
static uint64_t site_bytes(const struct options *options)
{
    uint64_t pairs = options->metrics_dimensions.count != 0 ? 2 : 1;

    return bare_site_bytes() + pairs * (PAIR_BYTES + SLOT_BYTES + NAME_TABLE_BYTES);
}

static uint64_t set_bytes(const struct options *options)
{
    uint64_t value = options->names_length_bytes_max + DIMENSION_HEAD_BYTES;

    return text_bytes(options->metrics_dimensions.count * value);
}

/* The rings of all pairs, and each thread's stage, which is as large as the largest request. */
static uint64_t ring_units(const struct budget *budget)
{
    return (uint64_t)budget->threads * budget->shards + budget->threads;
}

static uint64_t decoders_of(const struct budget *budget)
{
    return budget->threads != 0 ? budget->threads : 1;
}

/* A decoder asks the catalog anew for what its memo has no room for, which costs ten times as much
 * as all the rest of decoding. A power of two. */
static uint32_t memo_entries(const struct budget *budget)
{
    uint64_t bytes = budget->limit_bytes / MEMOS_SHARE / decoders_of(budget);
    uint32_t entries = MEMO_ENTRIES_MIN;

    while (entries < MEMO_ENTRIES_MAX && 2 * (uint64_t)entries * OTLP_MEMO_ENTRY_BYTES <= bytes)
        entries *= 2;
    return entries;
}

static uint64_t memo_bytes(const struct budget *budget)
{
    uint64_t decoders = decoders_of(budget);

    return decoders * budget->memo_entries * OTLP_MEMO_ENTRY_BYTES;
}

/* What resources say, twice while one list is being written, and its text in the answer that is being
 * made and in those that are being read; escaped, a text may be twice as long. */
static uint64_t targets_bytes(const struct options *options, const struct budget *budget)
{
    return budget->keeps_targets
               ? 6 * budget->targets_bytes + options->metrics_targets_max * TARGET_BYTES
               : 0;
}

/* What a tally keeps of them: one of each shard and the one that goes round. A power of two. */
static uint32_t exemplars_max(const struct options *options, const struct budget *budget)
{
    uint64_t bytes = budget->limit_bytes / EXEMPLARS_SHARE / (budget->shards + 1);
    uint32_t count = EXEMPLARS_MIN;

    while (count < EXEMPLARS_MAX && 2 * (uint64_t)count * TALLY_EXEMPLAR_BYTES <= bytes)
        count *= 2;
    return options->metrics_exemplars ? count : 0;
}

static uint64_t exemplar_tallies_bytes(const struct budget *budget)
{
    return (budget->shards + 1) * (uint64_t)budget->exemplars_max * TALLY_EXEMPLAR_BYTES;
}

/* ------------------------------------------------------------------- shares */

static uint64_t names_wanted(const struct options *options)
{
    uint64_t length = options->names_length_bytes_max;

    return options->names_services_max * service_bytes(length) +
           options->names_peers_max * node_bytes(length) +
           options->names_operations_max * text_bytes(length) +
           options->names_sites_max * site_bytes(options) +
           options->names_lessons_max * LESSON_BYTES +
           (options->metrics_dimensions.count != 0
                ? options->metrics_dimension_sets_max * set_bytes(options)
                : 0);
}

/* What the options ask for; 0: nothing. */
static void wanted_shares(const struct options *options, const struct budget *budget,
                          uint64_t out_wanted[BUDGET_SHARE_COUNT])
{
    memset(out_wanted, 0, BUDGET_SHARE_COUNT * sizeof(*out_wanted));
    out_wanted[BUDGET_SPANS] = options->topology_memory_bytes_max;
    out_wanted[BUDGET_MESSAGES] = options->messaging_memory_bytes_max;
    out_wanted[BUDGET_EDGES] = options->map_edges_max *
                               (edge_bytes(options, budget) + edge_text_bytes(options, budget));
    out_wanted[BUDGET_OPERATIONS] = options->metrics_operations_max *
                                    (operation_bytes(options, budget) +
                                     operation_text_bytes(options, budget));
    out_wanted[BUDGET_LOSSES] = options->metrics_losses_max * loss_bytes(budget->shards);
    out_wanted[BUDGET_REQUESTS] = options->receiver_memory_bytes_max;
    out_wanted[BUDGET_WINDOWS] = options->windows_memory_bytes_max;
    if (budget->threads != 0 && outlet_is_on(&options->forward))
        out_wanted[BUDGET_FORWARD] = options->forward_queue_bytes;
    if (options->names_services_max != 0 && options->names_peers_max != 0 &&
        options->names_operations_max != 0 && options->names_sites_max != 0 &&
        options->names_lessons_max != 0 &&
        (options->metrics_dimensions.count == 0 || options->metrics_dimension_sets_max != 0))
        out_wanted[BUDGET_NAMES] = names_wanted(options);
}

static int too_little(const struct budget *budget, const char *what, char out_error[256])
{
    snprintf(out_error, 256,
             "memory.limit of %" PRIu64 " MiB is too little for %s; raise it or lower the others",
             budget->limit_bytes / MIB, what);
    return STATUS_RANGE;
}

static int too_little_a_shard(const struct options *options, const struct budget *budget,
                              char out_error[256])
{
    if (options->topology_memory_bytes_max == 0)
        return too_little(budget, "this many topology.shards", out_error);
    snprintf(out_error, 256,
             "topology.memory_max of %" PRIu64 " MiB is less than 1 MiB for each of %u"
             " topology.shards; raise it or take fewer",
             options->topology_memory_bytes_max / MIB, budget->shards);
    return STATUS_RANGE;
}

static bool sends_on(const struct options *options, const struct budget *budget)
{
    return budget->threads != 0 &&
           (outlet_is_on(&options->forward) || outlet_is_on(&options->push_otlp));
}

/* Without threads there is no hand-off, nothing leaves, and nobody looks while time goes on. */
static bool is_left_out(const struct options *options, const struct budget *budget, size_t share)
{
    switch (share) {
    case BUDGET_ANSWERS:
        return true;
    case BUDGET_RINGS:
        return budget->threads == 0;
    case BUDGET_WINDOWS:
        return budget->threads == 0 || options->windows_span_ns == 0;
    case BUDGET_FORWARD:
        return budget->threads == 0 || !outlet_is_on(&options->forward);
    case BUDGET_PUSH:
        return budget->threads == 0 || !outlet_is_on(&options->push_otlp);
    default:
        return false;
    }
}

/* Its queue, what was told, one request twice, and libcurl. */
static uint64_t remote_bytes(const struct options *options, const struct budget *budget)
{
    if (budget->threads == 0 || options->push_remote.url.size == 0)
        return 0;
    return options->push_remote.queue_bytes_max + 2 * budget->push_texts_bytes + 4 * MIB;
}

static int divide(const struct options *options, struct budget *budget, char out_error[256])
{
    uint64_t wanted[BUDGET_SHARE_COUNT];
    uint64_t left = budget->limit_bytes;
    uint64_t weights = 0;
    uint64_t fixed = 10 * MIB + memo_bytes(budget) + targets_bytes(options, budget) +
                     exemplar_tallies_bytes(budget) + remote_bytes(options, budget) +
                     (sends_on(options, budget) ? GRPC_CORE_BYTES : 0);

    wanted_shares(options, budget, wanted);
    if (fixed > left)
        return too_little(budget, "the program itself", out_error);
    left -= fixed;
    for (size_t i = 0; i < BUDGET_SHARE_COUNT; i++) {
        if (is_left_out(options, budget, i))
            continue;
        if (wanted[i] > left)
            return too_little(budget, shares[i].name, out_error);
        left -= wanted[i];
        if (wanted[i] == 0)
            weights += shares[i].weight;
    }
    for (size_t i = 0; i < BUDGET_SHARE_COUNT; i++) {
        if (is_left_out(options, budget, i))
            continue;
        budget->share_bytes[i] = wanted[i] != 0 ? wanted[i] : left / weights * shares[i].weight;
    }
    budget->share_bytes[BUDGET_FIXED] += fixed;
    return 0;
}

/* ------------------------------------------------------------------- bounds */

static uint32_t bound(uint64_t asked, uint64_t bytes, uint64_t each)
{
    uint64_t count = asked != 0 ? asked : bytes / each;

    return count < UINT32_MAX / 2 ? (uint32_t)count : UINT32_MAX / 2;
}

static size_t power_of_two_below(uint64_t number)
{
    size_t power = 1;

    while (power <= number / 2)
        power *= 2;
    return power;
}

/* Names that options leave open share what the others leave of it. */
static int bound_names(const struct options *options, struct budget *budget, char out_error[256])
{
    uint64_t length = options->names_length_bytes_max;
    uint64_t asked = names_wanted(options);
    uint64_t bytes = budget->share_bytes[BUDGET_NAMES];
    bool has_sets = options->metrics_dimensions.count != 0;
    uint64_t part;

    if (asked > bytes)
        return too_little(budget, "names", out_error);
    part = (bytes - asked) / (has_sets ? 30 : 24);
    budget->name_bytes_max = (size_t)length;
    budget->services_max = bound(options->names_services_max, 8 * part, service_bytes(length));
    budget->peers_max = bound(options->names_peers_max, 4 * part, node_bytes(length));
    budget->operations_max = bound(options->names_operations_max, 6 * part, text_bytes(length));
    budget->sites_max = bound(options->names_sites_max, 5 * part, site_bytes(options));
    budget->lessons_max = bound(options->names_lessons_max, part, LESSON_BYTES);
    if (has_sets)
        budget->sets_max = bound(options->metrics_dimension_sets_max, 6 * part, set_bytes(options));
    budget->service_sets_max = (uint32_t)options->metrics_service_dimension_sets_max;
    budget->service_operations_max = (uint32_t)options->metrics_operations_per_service_max;
    return 0;
}

/* How a share of series is divided. */
struct division {
    uint64_t asked; /* Series; 0: as many as there is room for. */
    uint64_t usual_bytes;
    uint64_t first_bytes; /* The least that one takes. */
    uint64_t text_bytes;
    uint64_t answered; /* Series whose texts there is room for. */
    uint64_t bytes;    /* For all copies but those in tallies. */
    uint32_t most;
};

/* Texts have room for as many series as usual ones find room beside them. */
static void divide_share(struct budget *budget, enum budget_share share, struct division *division)
{
    uint64_t each = with_tallies(budget, division->usual_bytes) + division->text_bytes;
    uint64_t texts;

    division->answered = division->asked != 0 ? division->asked : budget->share_bytes[share] / each;
    texts = division->answered * division->text_bytes;
    budget->share_bytes[share] -= texts;
    budget->share_bytes[BUDGET_ANSWERS] += texts;
    division->bytes = without_tallies(budget, budget->share_bytes[share]);
    division->most = bound(division->asked, division->bytes, division->first_bytes);
}

/* What waits for its reader is packed where it can be long, so that it takes less than what is made. A
 * MiB more of each for the page and pictures is fixed. */
static void bound_answers(struct budget *budget, uint64_t packed)
{
    budget->answers_bytes_max = (size_t)(packed + MIB) + 2 * budget->targets_bytes;
    budget->answers_bytes_kept = budget->answers_bytes_max / ANSWERS_KEPT_PART;
    budget->answer_bytes_max = (size_t)(budget->share_bytes[BUDGET_ANSWERS] - packed + MIB) +
                               2 * budget->targets_bytes;
}

static void bound_series(const struct options *options, struct budget *budget)
{
    uint32_t exemplars = options->metrics_exemplars ? USUAL_EXEMPLARS : 0;
    struct division edges = {
        .asked = options->map_edges_max,
        .usual_bytes = publisher_edge_bytes(USUAL_BUCKETS, exemplars),
        .first_bytes = publisher_edge_bytes(0, 0),
        .text_bytes = edge_text_bytes(options, budget),
    };
    struct division operations = {
        .asked = options->metrics_operations_max,
        .usual_bytes = publisher_operation_bytes(USUAL_BUCKETS, exemplars),
        .first_bytes = publisher_operation_bytes(0, 0),
        .text_bytes = operation_text_bytes(options, budget),
    };
    uint64_t packed;

    divide_share(budget, BUDGET_EDGES, &edges);
    divide_share(budget, BUDGET_OPERATIONS, &operations);
    budget->edges_max = edges.most;
    budget->edges_bytes = edges.bytes;
    budget->tally_edges_bytes = edges.bytes / TALLY_PART;
    budget->operation_series_max = operations.most;
    budget->operations_bytes = operations.bytes;
    budget->tally_operations_bytes = operations.bytes / TALLY_PART;
    budget->losses_max = bound(options->metrics_losses_max, budget->share_bytes[BUDGET_LOSSES],
                               loss_bytes(budget->shards));
    packed = edges.answered * packed_edge_bytes(options) +
             operations.answered * packed_operation_bytes(options);
    bound_answers(budget, budget->threads != 0 ? packed : 0);
}

static void bound_rings(struct budget *budget)
{
    uint64_t bytes = budget->share_bytes[BUDGET_RINGS];

    if (budget->threads == 0) {
        budget->ring_spans = 0;
        budget->request_spans_max = RING_SPANS_MAX;
        return;
    }
    budget->ring_spans = power_of_two_below(bytes / ring_units(budget) / sizeof(struct span));
    if (budget->ring_spans > RING_SPANS_MAX)
        budget->ring_spans = RING_SPANS_MAX;
    budget->request_spans_max = budget->ring_spans;
}

/* A message is held packed and unpacked for a moment, so that one alone takes at most two thirds of
 * the share. Without threads there is one request at a time: half of the share holds its text, the
 * other its tree or its spans. */
static void bound_requests(const struct options *options, struct budget *budget)
{
    uint64_t bytes = budget->share_bytes[BUDGET_REQUESTS];
    uint64_t most = budget->threads != 0 ? bytes / 3 * 2 : bytes / 2;
    uint64_t message = options->receiver_message_bytes_max;
    uint64_t spans = bytes / 2 / sizeof(struct span);

    budget->request_bytes_max = (size_t)(message < most ? message : most);
    budget->json_tree_bytes_max = (size_t)(budget->threads != 0 ? bytes / 4 : bytes / 2);
    if (budget->threads == 0 && budget->request_spans_max > spans)
        budget->request_spans_max = (size_t)spans;
}

/* A third for answers, of which two may be compared. What is kept takes the rest, but for a part that
 * merging slots takes for a moment. */
static void bound_windows(struct budget *budget)
{
    uint64_t bytes = budget->share_bytes[BUDGET_WINDOWS];

    budget->windows_answer_bytes = (size_t)(bytes / 3);
    budget->windows_bytes = (size_t)(bytes / 3 * 2 / 8 * 7);
}

/* A quarter for letters on their way, the rest for the shards' tables. */
static void bound_messages(struct budget *budget)
{
    uint64_t bytes = budget->share_bytes[BUDGET_MESSAGES];
    uint64_t rings = (uint64_t)budget->shards * (budget->shards - 1);

    budget->exchange_letters = 0;
    if (rings != 0) {
        budget->exchange_letters = power_of_two_below(bytes / 4 / rings / sizeof(struct letter));
        if (budget->exchange_letters > LETTERS_MAX)
            budget->exchange_letters = LETTERS_MAX;
        bytes -= rings * budget->exchange_letters * sizeof(struct letter);
    }
    budget->shard_message_bytes = (size_t)(bytes / budget->shards);
}

static int attempt(const struct options *options, struct budget *budget, char out_error[256])
{
    int status = divide(options, budget, out_error);

    if (status == 0)
        status = bound_names(options, budget, out_error);
    if (status != 0)
        return status;
    bound_series(options, budget);
    bound_rings(budget);
    bound_requests(options, budget);
    bound_messages(budget);
    bound_windows(budget);
    budget->shard_bytes = (size_t)(budget->share_bytes[BUDGET_SPANS] / budget->shards);
    if (budget->shard_bytes < MIB)
        return too_little_a_shard(options, budget, out_error);
    if (budget->shard_message_bytes < MAIL_BYTES_MIN ||
        (budget->shards > 1 && budget->exchange_letters < LETTERS_MIN))
        return too_little(budget, "this many topology.shards", out_error);
    if (budget->threads != 0 && budget->ring_spans < RING_SPANS_MIN)
        return too_little(budget, "this many receiver.threads and topology.shards", out_error);
    return 0;
}

/* Below the least, which is that of the option, nothing useful fits. */
static uint64_t automatic_limit(uint64_t memory_bytes)
{
    uint64_t quarter = memory_bytes / 4;

    if (quarter < 32 * MIB)
        return 32 * MIB;
    return quarter < 1024 * MIB ? quarter : 1024 * MIB;
}

static unsigned count_or(uint64_t asked, unsigned automatic)
{
    return asked != 0 ? (unsigned)asked : automatic;
}

int budget_make(const struct options *options, const struct budget_machine *machine,
                enum budget_kind kind, char out_error[256], struct budget *out_budget)
{
    bool threaded = kind == BUDGET_THREADED;
    unsigned automatic = machine->cores < THREADS_AUTO_MAX ? machine->cores : THREADS_AUTO_MAX;
    int status;

    if (automatic == 0 || !threaded)
        automatic = 1;
    for (;; automatic = (automatic + 1) / 2) {
        struct budget budget = {.threads = 0};
        bool settled = options->receiver_threads != 0 && options->topology_shards != 0;

        budget.limit_bytes = options->memory_limit_bytes;
        if (budget.limit_bytes == 0)
            budget.limit_bytes = automatic_limit(machine->memory_bytes);
        budget.threads = threaded ? count_or(options->receiver_threads, automatic) : 0;
        budget.keeps_targets = kind != BUDGET_INLINE;
        budget.shards = count_or(options->topology_shards, automatic);
        budget.memo_entries = memo_entries(&budget);
        budget.push_texts_bytes = (size_t)(budget.limit_bytes / PUSH_TEXTS_SHARE);
        budget.exemplars_max = exemplars_max(options, &budget);
        budget.targets_max = (uint32_t)options->metrics_targets_max;
        budget.targets_bytes = (size_t)(budget.limit_bytes / TARGETS_SHARE);
        status = attempt(options, &budget, out_error);
        if (automatic > 1 && !settled && (status != 0 || budget.ring_spans < RING_SPANS_WANTED))
            continue;
        if (status == 0) {
            out_error[0] = '\0'; /* Of an attempt with more threads. */
            *out_budget = budget;
        }
        return status;
    }
}
