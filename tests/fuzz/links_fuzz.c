/* links_fuzz.c: producers, consumers, halves, letters between shards, time and want of memory in any
 * order: both accountings' laws and every invariant hold after each step, and in the end nothing waits.
 *
 * The first four bytes say how large the world is; then each step is a byte that says what, and bytes
 * that say with what.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/shard_world.h"
#include "topology/shard_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 150, LINKS_MOST = 7, TRACES = 5, IDS = 6, BURST = 70, BURSTS_MAX = 3 };

struct run {
    const uint8_t *data;
    size_t left;
    struct world world;
    uint32_t sites[8];
    enum span_kind kinds[8];
    uint64_t now_ns;
    uint64_t fed;
    unsigned bursts;
};

static uint8_t take(struct run *run)
{
    if (run->left == 0)
        return 0;
    run->left--;
    return *run->data++;
}

static void set_up(struct run *run)
{
    static const uint64_t waits_ns[] = {50 * NS_PER_MS, NS_PER_S, 10 * NS_PER_S, 60 * NS_PER_S};
    static const struct world_site sites[] = {
        {.service = "a", .kind = SPAN_KIND_PRODUCER, .destination = "messaging//q"},
        {.service = "b", .kind = SPAN_KIND_PRODUCER},
        {.service = "c", .kind = SPAN_KIND_CONSUMER},
        {.service = "c", .kind = SPAN_KIND_CONSUMER, .is_receive = true},
        {.service = "a", .kind = SPAN_KIND_CONSUMER, .group = "g", .destination = "messaging//r"},
        {.service = "a", .kind = SPAN_KIND_CLIENT, .peer = "external//x"},
        {.service = "a", .kind = SPAN_KIND_INTERNAL},
        {.service = "c", .kind = SPAN_KIND_SERVER},
    };
    uint8_t shape = take(run);
    uint8_t bounds = take(run);
    struct world_options options = {
        .shards = 1 + shape % 4,
        .answers = (size_t)2 << (shape >> 2) % 3,
        .pairing_wait_ns = waits_ns[shape >> 4 & 3],
        .parent_wait_ns = waits_ns[shape >> 6],
        .messaging_wait_ns = waits_ns[bounds & 3],
        .message_bytes_max = bounds & 4 ? MAIL_BYTES_MIN : 1 << 20,
        .memory_bytes_max = 1 << 20,
        .edges_max = 20,
        .operations_max = 20,
        .losses_max = 20,
        .orphan_servers_as_user = (bounds & 8) != 0,
    };

    world_init(&run->world, &options);
    for (size_t i = 0; i < 8; i++) {
        run->sites[i] = world_site(&run->world, &sites[i]);
        run->kinds[i] = sites[i].kind;
    }
    run->now_ns = NS_PER_S;
}

/* Spans of few ids: copies, shared and reused ids, all kinds of parents. */
static struct span take_span(struct run *run)
{
    uint8_t which = take(run);
    uint8_t ids = take(run);
    struct span span = world_span(run->sites[which & 7], run->kinds[which & 7], 1 + ids % IDS, 0);

    span.trace[1] = 1 + (ids / IDS) % TRACES;
    span.parent = ids >> 6 != 0 ? 1 + (uint64_t)(which >> 3) % IDS : 0;
    if (span.parent == span.id)
        span.parent = 0;
    span.status = which >> 7 != 0 ? SPAN_STATUS_ERROR : SPAN_STATUS_UNSET;
    return span;
}

/* A span with its links: of the record and each half any may be missing, and in any order. */
static void feed(struct run *run)
{
    struct span span = take_span(run);
    uint8_t how = take(run);
    struct world_link links[LINKS_MOST];
    size_t count = span.kind == SPAN_KIND_CONSUMER ? how & 7 : 0;
    size_t first = count < (size_t)(how >> 5) ? count : (size_t)(how >> 5);

    for (size_t i = 0; i < count; i++) {
        uint8_t target = take(run);
        links[i] = (struct world_link){1 + (target / IDS) % TRACES, 1 + target % IDS};
        span.links_mark = span.links_mark ^ (i + target);
    }
    span.links = count & 0x7FF;
    world_link(&run->world, &span, links, first, run->now_ns);
    if ((how >> 3 & 3) != 3) {
        world_feed(&run->world, &span, 1, run->now_ns);
        run->fed++;
    }
    world_link(&run->world, &span, links + first, count - first, run->now_ns);
}

/* Many messages, each in a trace of its own, so that tables overflow. */
static void feed_burst(struct run *run)
{
    uint8_t which = take(run);

    for (uint64_t i = 0; i < BURST; i++) {
        struct span sent = world_span(run->sites[which & 1], SPAN_KIND_PRODUCER, 1, 0);
        struct span taken = world_span(run->sites[2 + which % 3], SPAN_KIND_CONSUMER, 2, 0);
        struct world_link link = {100 + run->fed, 1};
        sent.trace[1] = 100 + run->fed;
        taken.trace[1] = 1000000 + run->fed;
        taken.links = 1;
        world_feed(&run->world, &sent, 1, run->now_ns);
        world_feed(&run->world, &taken, 1, run->now_ns);
        world_link(&run->world, &taken, &link, 1, run->now_ns);
        run->fed += 2;
    }
}

/* One shard ticks alone: the others' letters wait meanwhile. */
static void tick(struct run *run)
{
    uint8_t shard = take(run);

    shard_tick(run->world.shards[shard % run->world.shards_count], (struct mono_time){run->now_ns});
}

static void pass_time(struct run *run)
{
    static const uint64_t steps_ns[] = {NS_PER_MS, 100 * NS_PER_MS, 900 * NS_PER_MS, 8 * NS_PER_S};

    run->now_ns += steps_ns[take(run) & 3];
}

static void step(struct run *run)
{
    uint8_t what = take(run);

    if (what >= 0xF0)
        mem_fail_after(what & 0xF);
    switch (what % 8) {
    case 0:
    case 1:
    case 2:
        feed(run);
        break;
    case 3:
        pass_time(run);
        break;
    case 4:
    case 5:
        tick(run);
        break;
    case 6:
        if (what / 8 % 4 == 0 && run->bursts++ < BURSTS_MAX)
            feed_burst(run);
        else
            feed(run);
        break;
    default:
        world_tick(&run->world, run->now_ns);
    }
    mem_fail_after(-1);
}

static void look(struct run *run, bool is_end)
{
    struct snapshot *snapshot = world_snapshot(&run->world);

    if (snapshot->accounting.received != run->fed)
        abort();
    if (is_end && (snapshot->accounting.waiting != 0 || snapshot->links.waiting != 0))
        abort();
    snapshot_release(snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run run;

    run = (struct run){.data = data, .left = size};
    set_up(&run);
    for (unsigned i = 0; i < STEPS_MAX && run.left != 0; i++) {
        step(&run);
        look(&run, false);
    }
    world_finish(&run.world, run.now_ns);
    look(&run, true);
    world_release(&run.world);
    return 0;
}
