/* shard_fixture.h: two services with a site of each kind, and short ways to feed and to look. */
#ifndef SPANMAP_TESTS_LIB_SHARD_FIXTURE_H
#define SPANMAP_TESTS_LIB_SHARD_FIXTURE_H

#include "tests/lib/shard_world.h"
#include "tests/lib/test.h"
#include "topology/span.h"

static const uint64_t start_ns = 5 * NS_PER_S;

struct fixture {
    struct world world;
    uint32_t front_client, front_server, front_internal, front_producer;
    uint32_t back_server, back_client, back_internal, back_consumer;
};

static inline void setup(struct fixture *fixture, const struct world_options *options)
{
    struct world *world = &fixture->world;
    struct world_site front = {.service = "front", .peer = "external//x"};
    struct world_site back = {.service = "back", .peer = "external//y"};

    world_init(world, options);
    front.kind = SPAN_KIND_CLIENT;
    fixture->front_client = world_site(world, &front);
    front.kind = SPAN_KIND_SERVER;
    fixture->front_server = world_site(world, &front);
    front.kind = SPAN_KIND_INTERNAL;
    fixture->front_internal = world_site(world, &front);
    front.kind = SPAN_KIND_PRODUCER;
    front.call = CALL_MESSAGING;
    front.peer = "messaging//q";
    fixture->front_producer = world_site(world, &front);
    back.kind = SPAN_KIND_SERVER;
    fixture->back_server = world_site(world, &back);
    back.kind = SPAN_KIND_CLIENT;
    fixture->back_client = world_site(world, &back);
    back.kind = SPAN_KIND_INTERNAL;
    fixture->back_internal = world_site(world, &back);
    back.kind = SPAN_KIND_CONSUMER;
    fixture->back_consumer = world_site(world, &back);
}

static const struct world_options plain;

static inline void feed_at(struct fixture *fixture, struct span span, uint64_t now_ns)
{
    world_feed(&fixture->world, &span, 1, now_ns);
}

static inline struct span front_client(const struct fixture *fixture, uint64_t id, uint64_t parent)
{
    return world_span(fixture->front_client, SPAN_KIND_CLIENT, id, parent);
}

static inline struct span back_server(const struct fixture *fixture, uint64_t id, uint64_t parent)
{
    return world_span(fixture->back_server, SPAN_KIND_SERVER, id, parent);
}

/* The sum of requests on an edge in units of one; 0: there is no such edge. */
static inline double requests_on(const struct snapshot *snapshot, const char *edge)
{
    const struct snapshot_edge *found = world_edge(snapshot, edge);

    return found != NULL ? (double)found->requests / (double)WEIGHT_ONE : 0;
}

/* Takes a snapshot and gives its accounting. */
static inline struct accounting look(struct fixture *fixture)
{
    struct snapshot *snapshot = world_snapshot(&fixture->world);
    struct accounting accounting = snapshot->accounting;

    snapshot_release(snapshot);
    return accounting;
}

static inline double look_at(struct fixture *fixture, const char *edge)
{
    struct snapshot *snapshot = world_snapshot(&fixture->world);
    double requests = requests_on(snapshot, edge);

    snapshot_release(snapshot);
    return requests;
}

#endif
