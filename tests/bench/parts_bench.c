/* parts_bench.c: what the small parts cost by themselves: memory, names, histograms, merging, snapshots.
 * Is:         a row each, CPU time of one thread, medians of some rounds. `Cold` rows go round more
 *             memory than the caches hold.
 * Is not:     a test: it never fails. What they cost together is topology_bench's and decode_bench's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "tests/lib/random.h"
#include "topology/naming.h"
#include "topology/publisher.h"
#include "topology/snapshot.h"
#include "topology/tally_priv.h"

enum { ROUNDS = 7, MEMORY_BYTES = 256 << 20, PLACES = 4096, COLD = 20000, EDGES = 10000 };

static double now_s(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int ascending(const void *a, const void *b)
{
    double one = *(const double *)a;
    double other = *(const double *)b;

    return (one > other) - (one < other);
}

static double median(double *rounds)
{
    qsort(rounds, ROUNDS, sizeof(*rounds), ascending);
    return rounds[ROUNDS / 2];
}

static void tell(const char *name, double seconds, double count, const char *of)
{
    printf("%-52s %10.1f ns a%s %s\n", name, seconds * 1e9 / count,
           strchr("aeiou", of[0]) != NULL ? "n" : "", of);
}

/* ------------------------------------------------------------------ memory */

static void run_memory(void)
{
    uint64_t *from = malloc(MEMORY_BYTES);
    uint64_t *to = malloc(MEMORY_BYTES);
    double reading[ROUNDS], copying[ROUNDS];
    uint64_t sum = 0;

    CHECK(from != NULL && to != NULL);
    memset(from, 1, MEMORY_BYTES);
    memset(to, 2, MEMORY_BYTES);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t sums[4] = {0, 0, 0, 0};
        double begun = now_s();
        for (size_t j = 0; j < MEMORY_BYTES / sizeof(*from); j += 4)
            for (size_t k = 0; k < 4; k++)
                sums[k] += from[j + k];
        sum += sums[0] + sums[1] + sums[2] + sums[3];
        reading[i] = now_s() - begun;
        begun = now_s();
        memcpy(to, from, MEMORY_BYTES);
        sum += to[(size_t)i * 4096];
        copying[i] = now_s() - begun;
    }
    CHECK(sum != 0); /* So that nobody leaves the reading out. */
    printf("%-52s %10.1f GB a second\n", "memory, read", MEMORY_BYTES / median(reading) / 1e9);
    printf("%-52s %10.1f GB a second\n", "memory, copied", MEMORY_BYTES / median(copying) / 1e9);
    free(from);
    free(to);
}

/* ------------------------------------------------------------------ names */

static struct catalog *make_catalog(void)
{
    struct catalog_limits limits = {.services_max = 2 * EDGES,
                                    .peers_max = 100000,
                                    .operations_max = 1000000,
                                    .sites_max = 1000000,
                                    .text_bytes_max = 200};
    struct catalog *catalog;

    CHECK(catalog_new(&limits, &catalog) == 0);
    return catalog;
}

/* Sites of CLIENT spans, as a decoder asks for what its memo does not have: first all new, then all
 * known. */
static void run_names(void)
{
    struct naming_options options = {.derive_errors = false};
    double fresh[ROUNDS], known[ROUNDS];
    struct naming *naming;
    struct buf scratch;
    char text[2][64];
    char error[256];

    CHECK(naming_new(&options, error, &naming) == 0);
    buf_init(&scratch, 0);
    for (int i = 0; i < 2 * ROUNDS; i++) {
        struct catalog *catalog = i % 2 == 0 ? make_catalog() : NULL;
        static struct catalog *used;
        double begun;
        used = catalog != NULL ? catalog : used;
        begun = now_s();
        for (uint32_t j = 0; j < COLD; j++) {
            struct attributes resource, span;
            struct naming_input input = {&resource, &span, {text[1], 0}, SPAN_KIND_CLIENT, NULL, 0};
            uint32_t site;
            memset(&resource, 0, sizeof(resource));
            memset(&span, 0, sizeof(span));
            (void)snprintf(text[0], sizeof(text[0]), "service-%u", j / 20);
            input.name.size = (size_t)snprintf(text[1], sizeof(text[1]), "GET /items/%u/view",
                                               j % 20);
            attributes_offer_text(&resource, VIEW("service.name"), view_of(text[0]));
            attributes_offer_text(&span, VIEW("http.request.method"), VIEW("GET"));
            attributes_offer_text(&span, VIEW("server.address"), VIEW("payments.example.com"));
            CHECK(naming_site(naming, used, &input, &scratch, &site) == 0);
        }
        (i % 2 == 0 ? fresh : known)[i / 2] = now_s() - begun;
        if (i % 2 != 0)
            catalog_free(used);
    }
    tell("names: a new site of a service", median(fresh), COLD, "site");
    tell("names: a site that is known, past the memo", median(known), COLD, "site");
    buf_release(&scratch);
    naming_free(naming);
}

/* ------------------------------------------------------------------ histograms */

static void run_histograms(void)
{
    static struct histogram *histograms[COLD];
    static uint64_t durations[PLACES];
    struct random random = random_of(3);
    double hot[ROUNDS], cold[ROUNDS], merged[ROUNDS];
    struct histogram *into;

    for (uint32_t i = 0; i < PLACES; i++)
        durations[i] = 1000000 + (random_next(&random) >> (random_below(&random, 8) + 36));
    CHECK(histogram_new(&into) == 0);
    for (uint32_t i = 0; i < COLD; i++)
        CHECK(histogram_new(&histograms[i]) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        double begun = now_s();
        for (uint32_t j = 0; j < 100 * PLACES; j++)
            CHECK(histogram_observe(histograms[0], &histogram_bounds_default, durations[j % PLACES],
                                    WEIGHT_ONE) == 0);
        hot[i] = now_s() - begun;
        begun = now_s();
        for (uint32_t j = 0; j < 20 * COLD; j++)
            CHECK(histogram_observe(histograms[j * 7919U % COLD], &histogram_bounds_default,
                                    durations[j % PLACES], WEIGHT_ONE) == 0);
        cold[i] = now_s() - begun;
        begun = now_s();
        for (uint32_t j = 0; j < COLD; j++)
            CHECK(histogram_merge(into, histograms[j]) == 0);
        merged[i] = now_s() - begun;
    }
    tell("histogram: a duration observed", median(hot), 100 * PLACES, "observation");
    tell("histogram: the same, 20,000 of them in turn", median(cold), 20 * COLD, "observation");
    tell("histogram: one added to another", median(merged), COLD, "histogram");
    for (uint32_t i = 0; i < COLD; i++)
        histogram_free(histograms[i]);
    histogram_free(into);
}

/* ------------------------------------------------------------------ snapshots */

/* Some requests on so many edges. */
static void count(struct tally *tally, uint32_t edges)
{
    for (uint32_t i = 0; i < edges; i++)
        for (uint64_t j = 0; j < 4; j++) {
            struct tally_request request = {
                .client = 3 + i, .server = 3 + (i + 1) % EDGES, .weight = WEIGHT_ONE};
            tally_observe(&request.seconds[SECONDS_CLIENT], (j + 3) * NS_PER_MS, WEIGHT_ONE);
            tally_observe(&request.seconds[SECONDS_SERVER], (j + 2) * NS_PER_MS, WEIGHT_ONE);
            tally_observe(&request.seconds[SECONDS_NETWORK], NS_PER_MS, WEIGHT_ONE);
            tally_add_request(tally, &request);
        }
    tally_flush(tally);
}

struct snapshots {
    double absorbed[ROUNDS];
    double taken[ROUNDS];
};

/* Merges a tally in which so many of the edges were counted, and takes a snapshot. */
static void run_snapshots(struct publisher *publisher, struct tally *tally, uint32_t edges,
                          struct snapshots *out)
{
    static uint64_t time_ns = NS_PER_S;

    for (int i = 0; i < ROUNDS; i++) {
        struct snapshot *snapshot;
        double begun;
        count(tally, edges);
        time_ns += NS_PER_S;
        begun = now_s();
        CHECK(publisher_absorb(publisher, 0, tally, (struct wall_time){time_ns}) == 0);
        out->absorbed[i] = now_s() - begun;
        begun = now_s();
        CHECK(publisher_snapshot(publisher, (struct wall_time){time_ns}, &snapshot) == 0);
        out->taken[i] = now_s() - begun;
        CHECK(snapshot->edges_count == EDGES);
        snapshot_release(snapshot);
    }
}

static void run_publisher(void)
{
    struct catalog *catalog = make_catalog();
    struct publisher_options options = {.catalog = catalog,
                                        .bounds = &histogram_bounds_default,
                                        .edges_max = 2 * EDGES,
                                        .operations_max = 8,
                                        .losses_max = 8,
                                        .shards = 1,
                                        .start = {1}};
    struct tally_options tally_options = {&histogram_bounds_default, 2 * EDGES, 8, 8, 0, 0, 0};
    struct publisher *publisher;
    struct snapshots all, few;
    struct tally *tally;
    char text[32];

    for (uint32_t i = 0; i < EDGES; i++) {
        struct node node = {.type = NODE_SERVICE};
        uint32_t number;
        (void)snprintf(text, sizeof(text), "service-%u", i);
        node.name = view_of(text);
        CHECK(catalog_node(catalog, &node, &number) == 0 && number == 3 + i);
    }
    CHECK(publisher_new(&options, &publisher) == 0);
    CHECK(tally_new(&tally_options, &tally) == 0);
    run_snapshots(publisher, tally, EDGES, &all);
    run_snapshots(publisher, tally, EDGES / 100, &few);
    tell("merging: 10,000 edges that changed", median(all.absorbed), EDGES, "edge");
    tell("snapshot: 10,000 edges, all changed", median(all.taken), EDGES, "edge");
    tell("snapshot: 10,000 edges, a hundred changed", median(few.taken), EDGES, "edge");
    tally_free(tally);
    publisher_free(publisher);
    catalog_free(catalog);
}

int main(void)
{
    run_memory();
    run_names();
    run_histograms();
    run_publisher();
    return 0;
}
