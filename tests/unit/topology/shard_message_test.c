/* shard_message_test.c: messages by links, and by way of their destinations (E8, E9, E10).
 *
 * A producer `front` sends to destination q; consumers of `back` link to it from other traces, which
 * lie on other shards.
 */
#include <stdio.h>

#include "tests/lib/shard_fixture.h"
#include "topology/shard_priv.h"

#define DIRECT "service//front -> service//back [messaging_system]"
#define SENT "service//front -> messaging//q [messaging_system]"
#define TAKEN "messaging//q -> service//back [messaging_system]"

enum { SHARDS = 3, TRACE_SENT = 1, TRACE_TAKEN = 2 };

static const struct world_options several = {.shards = SHARDS};

struct sites {
    uint32_t sends, sends_nowhere, takes, fetches, takes_for_group, takes_from_r;
};

static struct sites sites_of(struct fixture *fixture)
{
    struct world *world = &fixture->world;
    struct world_site site = {.service = "front",
                              .kind = SPAN_KIND_PRODUCER,
                              .call = CALL_MESSAGING,
                              .peer = "messaging//q",
                              .destination = "messaging//q"};
    struct sites sites;

    sites.sends = world_site(world, &site);
    site.destination = NULL;
    site.peer = "messaging//broker";
    sites.sends_nowhere = world_site(world, &site);
    site = (struct world_site){
        .service = "back", .kind = SPAN_KIND_CONSUMER, .call = CALL_MESSAGING};
    sites.takes = world_site(world, &site);
    site.is_receive = true;
    sites.fetches = world_site(world, &site);
    site.is_receive = false;
    site.group = "g";
    sites.takes_for_group = world_site(world, &site);
    site.group = NULL;
    site.destination = "messaging//r";
    sites.takes_from_r = world_site(world, &site);
    return sites;
}

static struct span producer(uint32_t site, uint64_t id)
{
    return world_span(site, SPAN_KIND_PRODUCER, id, 0);
}

/* A consumer in a trace of its own that starts 5 ms after the producers end. */
static struct span consumer(uint32_t site, uint64_t id)
{
    struct span span = world_span(site, SPAN_KIND_CONSUMER, id, 0);

    span.trace[1] = TRACE_TAKEN + id;
    span.start_ns += 15 * NS_PER_MS;
    span.duration_ns = 20 * NS_PER_MS;
    return span;
}

static void feed_linked(struct fixture *fixture, struct span span, const struct world_link *links,
                        size_t count, uint64_t now_ns)
{
    span.links = count & 0x7FF;
    feed_at(fixture, span, now_ns);
    world_link(&fixture->world, &span, links, count, now_ns);
}

static void feed_link(struct fixture *fixture, struct span span, uint64_t id, uint64_t now_ns)
{
    struct world_link link = {TRACE_SENT, id};

    feed_linked(fixture, span, &link, 1, now_ns);
}

static struct snapshot *finish(struct fixture *fixture)
{
    world_finish(&fixture->world, start_ns);
    return world_snapshot(&fixture->world);
}

static double broker_requests(const struct snapshot *snapshot, const char *name)
{
    const struct snapshot_edge *edge = world_broker_edge(snapshot, name);

    return edge != NULL ? (double)edge->requests / (double)WEIGHT_ONE : 0;
}

static double observed(const struct histogram *histogram)
{
    return histogram != NULL ? (double)histogram->count / (double)WEIGHT_ONE : 0;
}

static void end(struct fixture *fixture, struct snapshot *snapshot)
{
    snapshot_release(snapshot);
    world_release(&fixture->world);
}

/* ------------------------------------------------------------------ links */

/* Shards settle links in the tick in which the consumers' own wait ends; those that tick first must
 * not judge a consumer before the answer has come, however short its wait for a parent is. */
static void messages__wait_for_the_answers_of_other_shards(void **state)
{
    const struct world_options options = {
        .shards = SHARDS, .pairing_wait_ns = NS_PER_S, .parent_wait_ns = NS_PER_S};
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &options);
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(sites.sends, 1), start_ns);
    for (uint64_t id = 2; id < 10; id++)
        feed_link(&fixture, consumer(sites.takes, id), 1, start_ns);
    for (uint64_t tick = 0; tick < 3; tick++)
        world_tick(&fixture.world, start_ns + NS_PER_S + (tick + 1) * 100 * NS_PER_MS);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->accounting.waiting, 0);
    assert_int_equal(snapshot->accounting.paired, 9);
    assert_true(observed(world_broker_edge(snapshot, TAKEN)->server_seconds) == 8);
    end(&fixture, snapshot);
}

/* A shard that never answers holds a consumer up for a while only. */
static void messages__do_not_wait_forever_for_answers(void **state)
{
    const struct world_options options = {
        .shards = SHARDS, .pairing_wait_ns = NS_PER_S, .parent_wait_ns = NS_PER_S};
    struct fixture fixture;
    struct sites sites;
    struct span span;

    (void)state;
    setup(&fixture, &options);
    sites = sites_of(&fixture);
    span = consumer(sites.takes, 2);
    span.links = 1;
    feed_at(&fixture, span, start_ns); /* Its half was lost. */
    world_tick(&fixture.world, start_ns + 5 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 1);
    world_tick(&fixture.world, start_ns + 12 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 0);
    world_release(&fixture.world);
}

static void messages__pair_by_a_link_into_another_trace(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    const struct snapshot_edge *edge;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    feed_link(&fixture, consumer(sites.takes, 2), 1, start_ns);
    feed_at(&fixture, producer(sites.sends, 1), start_ns);
    snapshot = finish(&fixture);
    edge = world_edge(snapshot, DIRECT);
    assert_non_null(edge);
    assert_true(edge->requests == WEIGHT_ONE && edge->failed == 0);
    assert_true(edge->client_seconds->max_ns == 10 * NS_PER_MS);
    assert_true(edge->server_seconds->max_ns == 20 * NS_PER_MS);
    assert_true(edge->messaging_seconds->max_ns == 5 * NS_PER_MS);
    edge = world_broker_edge(snapshot, SENT);
    assert_true(edge->requests == WEIGHT_ONE);
    assert_true(edge->client_seconds->max_ns == 10 * NS_PER_MS && edge->server_seconds == NULL);
    edge = world_broker_edge(snapshot, TAKEN);
    assert_true(edge->requests == WEIGHT_ONE && edge->client_seconds == NULL);
    assert_true(edge->server_seconds->max_ns == 20 * NS_PER_MS);
    assert_true(edge->messaging_seconds->max_ns == 5 * NS_PER_MS);
    assert_int_equal(snapshot->edges_count, 3);
    assert_int_equal(snapshot->accounting.paired, 2);
    assert_int_equal(snapshot->links.paired, 1);
    end(&fixture, snapshot);
}

/* By parent and by link, and linked from several spans of one service, it is one request. */
static void messages__are_one_request_a_key(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    const struct snapshot_edge *edge;
    struct span child;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(sites.sends, 1), start_ns);
    child = world_span(sites.takes, SPAN_KIND_CONSUMER, 2, 1);
    feed_link(&fixture, child, 1, start_ns);
    feed_link(&fixture, consumer(sites.takes, 3), 1, start_ns);
    child = consumer(sites.takes, 4);
    child.status = SPAN_STATUS_ERROR;
    child.weight = 2 * WEIGHT_ONE;
    feed_link(&fixture, child, 1, start_ns);
    snapshot = finish(&fixture);
    edge = world_edge(snapshot, DIRECT);
    assert_true(edge->requests == 2 * WEIGHT_ONE && edge->failed == 2 * WEIGHT_ONE);
    assert_true(observed(edge->client_seconds) == 2);
    assert_true(observed(edge->server_seconds) == 4);    /* 1 + 1 + 2 */
    assert_true(observed(edge->messaging_seconds) == 3); /* The child starts before the end. */
    assert_int_equal(snapshot->counts.negative_messaging, 1);
    assert_true(broker_requests(snapshot, SENT) == 1);
    assert_true(broker_requests(snapshot, TAKEN) == 2);
    assert_int_equal(snapshot->accounting.paired, 4);
    end(&fixture, snapshot);
}

static void messages__are_a_request_for_each_group(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(sites.sends, 1), start_ns);
    feed_link(&fixture, consumer(sites.takes, 2), 1, start_ns);
    feed_link(&fixture, consumer(sites.takes_for_group, 3), 1, start_ns);
    snapshot = finish(&fixture);
    assert_true(requests_on(snapshot, DIRECT) == 2);
    assert_true(broker_requests(snapshot, SENT) == 1);
    assert_true(broker_requests(snapshot, TAKEN) == 2);
    assert_true(observed(world_edge(snapshot, DIRECT)->client_seconds) == 1);
    end(&fixture, snapshot);
}

/* A consumer of many messages has its own duration once an edge. */
static void messages__of_a_batch_observe_the_consumer_once(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    struct world_link links[50];

    (void)state;
    setup(&fixture, &(struct world_options){.shards = SHARDS, .answers = 2});
    sites = sites_of(&fixture);
    for (uint64_t i = 0; i < 50; i++) {
        struct span span = producer(sites.sends, 100 + i);
        span.trace[1] = 100 + i;
        feed_at(&fixture, span, start_ns);
        links[i] = (struct world_link){100 + i, 100 + i};
    }
    feed_linked(&fixture, consumer(sites.takes, 2), links, 50, start_ns);
    snapshot = finish(&fixture);
    assert_true(requests_on(snapshot, DIRECT) == 50);
    assert_true(observed(world_edge(snapshot, DIRECT)->server_seconds) == 1);
    assert_true(observed(world_edge(snapshot, DIRECT)->messaging_seconds) == 50);
    assert_true(broker_requests(snapshot, SENT) == 50);
    assert_true(broker_requests(snapshot, TAKEN) == 50);
    assert_true(observed(world_broker_edge(snapshot, TAKEN)->server_seconds) == 1);
    assert_int_equal(snapshot->accounting.paired, 51);
    assert_int_equal(snapshot->links.paired, 50);
    end(&fixture, snapshot);
}

static void messages__are_those_of_the_process_span(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(sites.sends, 1), start_ns);
    feed_link(&fixture, consumer(sites.fetches, 2), 1, start_ns);
    feed_link(&fixture, consumer(sites.takes, 3), 1, start_ns);
    snapshot = finish(&fixture);
    assert_true(requests_on(snapshot, DIRECT) == 1);
    assert_true(observed(world_edge(snapshot, DIRECT)->server_seconds) == 1);
    assert_int_equal(snapshot->accounting.paired, 2);
    assert_int_equal(snapshot->accounting.internal, 1);
    assert_int_equal(snapshot->links.paired, 2);
    end(&fixture, snapshot);
}

/* The same where the process span is a child of the producer and comes last. */
static void messages__are_those_of_the_process_span_below(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    feed_link(&fixture, consumer(sites.fetches, 2), 1, start_ns);
    feed_at(&fixture, producer(sites.sends, 1), start_ns);
    feed_at(&fixture, world_span(sites.takes, SPAN_KIND_CONSUMER, 3, 1), start_ns);
    snapshot = finish(&fixture);
    assert_true(requests_on(snapshot, DIRECT) == 1);
    assert_int_equal(snapshot->accounting.internal, 1);
    end(&fixture, snapshot);
}

static void messages__leave_polls_alone(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    feed_link(&fixture, consumer(sites.fetches, 2), 1, start_ns);
    feed_link(&fixture, consumer(sites.takes_from_r, 3), 1, start_ns);
    feed_link(&fixture, consumer(sites.takes, 4), 1, start_ns);
    snapshot = finish(&fixture);
    assert_int_equal(snapshot->accounting.internal, 1);
    assert_int_equal(snapshot->accounting.paired, 1); /* Its destination calls it. */
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_PRODUCER], 1);
    assert_int_equal(snapshot->links.missing, 3);
    assert_true(requests_on(snapshot, "messaging//r -> service//back [messaging_system]") == 1);
    end(&fixture, snapshot);
}

/* A consumer that has a producer is no call of the span that is its parent. */
static void messages__go_before_another_parent(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    struct span span;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(sites.sends, 1), start_ns);
    span = consumer(sites.takes, 3);
    span.parent = 9;
    feed_link(&fixture, span, 1, start_ns);
    span = front_client(&fixture, 9, 0);
    span.trace[1] = TRACE_TAKEN + 3;
    feed_at(&fixture, span, start_ns);
    snapshot = finish(&fixture);
    assert_true(requests_on(snapshot, DIRECT) == 1);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_SERVER], 1);
    assert_true(requests_on(snapshot, "service//front -> external//x [virtual_node]") == 1);
    end(&fixture, snapshot);
}

/* ------------------------------------------------------------------ destinations */

static void messages__without_a_destination_are_drawn_direct(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(sites.sends_nowhere, 1), start_ns);
    feed_link(&fixture, consumer(sites.takes, 2), 1, start_ns);
    snapshot = finish(&fixture);
    assert_int_equal(snapshot->edges_count, 2);
    assert_true(requests_on(snapshot, DIRECT) == 1);
    assert_true(broker_requests(snapshot, DIRECT) == 1);
    assert_true(observed(world_broker_edge(snapshot, DIRECT)->server_seconds) == 1);
    end(&fixture, snapshot);
}

static void messages__take_the_destination_of_their_consumer(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(sites.sends_nowhere, 1), start_ns);
    feed_link(&fixture, consumer(sites.takes_from_r, 2), 1, start_ns);
    feed_link(&fixture, consumer(sites.takes_from_r, 3), 1, start_ns);
    snapshot = finish(&fixture);
    assert_true(broker_requests(snapshot, "service//front -> messaging//r [messaging_system]") ==
                1);
    assert_true(broker_requests(snapshot, "messaging//r -> service//back [messaging_system]") == 1);
    assert_true(requests_on(snapshot, DIRECT) == 1);
    end(&fixture, snapshot);
}

/* From the destination on, only the consumer's status counts. */
static void messages__fail_on_their_own_side_of_the_destination(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    struct span span;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    span = producer(sites.sends, 1);
    span.status = SPAN_STATUS_ERROR;
    feed_at(&fixture, span, start_ns);
    feed_link(&fixture, consumer(sites.takes, 2), 1, start_ns);
    snapshot = finish(&fixture);
    assert_true(world_edge(snapshot, DIRECT)->failed == WEIGHT_ONE);
    assert_true(world_broker_edge(snapshot, SENT)->failed == WEIGHT_ONE);
    assert_true(world_broker_edge(snapshot, TAKEN)->failed == 0);
    end(&fixture, snapshot);
}

/* ------------------------------------------------------------------ time */

static void messages__are_on_their_way_at_the_end_of_the_pairing_wait(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(sites.sends, 1), start_ns);
    world_tick(&fixture.world, start_ns + 11 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->accounting.waiting, 1);
    assert_true(broker_requests(snapshot, SENT) == 1 && requests_on(snapshot, SENT) == 0);
    snapshot_release(snapshot);
    world_tick(&fixture.world, start_ns + 3601 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_CONSUMER], 1);
    assert_true(broker_requests(snapshot, SENT) == 1 && requests_on(snapshot, SENT) == 1);
    end(&fixture, snapshot);
}

/* Hours later, when the producer's span has left the slab. */
static void messages__wait_for_late_consumers_without_their_span(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    uint64_t now_ns = start_ns + 11 * NS_PER_S;

    (void)state;
    setup(&fixture, &(struct world_options){.memory_bytes_max = 1 << 20,
                                            .messaging_wait_ns = 24 * 3600 * NS_PER_S});
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(sites.sends, 1), start_ns);
    feed_at(&fixture, producer(sites.sends, 2), start_ns);
    feed_at(&fixture, producer(sites.sends, 3), start_ns);
    world_tick(&fixture.world, now_ns);
    for (uint64_t i = 0; i < 30000; i++)
        feed_at(&fixture, world_span(fixture.front_client, SPAN_KIND_CLIENT, 100 + i, 0), now_ns);
    assert_int_equal(fixture.world.shards[0]->mail.left_waiting, 3);
    now_ns += 5 * 3600 * NS_PER_S;
    world_tick(&fixture.world, now_ns);
    feed_link(&fixture, consumer(sites.takes, 2), 1, now_ns);
    feed_at(&fixture, world_span(sites.takes, SPAN_KIND_CONSUMER, 50, 2), now_ns);
    now_ns += 11 * NS_PER_S;
    world_tick(&fixture.world, now_ns);
    snapshot = world_snapshot(&fixture.world);
    assert_true(requests_on(snapshot, DIRECT) == 2);
    assert_true(broker_requests(snapshot, SENT) == 3);
    assert_int_equal(fixture.world.shards[0]->mail.left_waiting, 2);
    snapshot_release(snapshot);
    world_tick(&fixture.world, now_ns + 20 * 3600 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->accounting.paired, 4);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_CONSUMER], 1);
    assert_int_equal(snapshot->accounting.waiting, 0);
    end(&fixture, snapshot);
}

/* One that was answered long ago may have further consumers at any time. */
static void messages__of_a_busy_producer_hold_up_no_other(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    uint64_t now_ns = start_ns + 11 * NS_PER_S;

    (void)state;
    setup(&fixture, &(struct world_options){.memory_bytes_max = 1 << 20});
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(sites.sends, 1), start_ns);
    feed_at(&fixture, producer(sites.sends, 2), start_ns);
    feed_link(&fixture, consumer(sites.takes, 3), 1, start_ns);
    world_tick(&fixture.world, now_ns);
    for (uint64_t i = 0; i < 30000; i++)
        feed_at(&fixture, world_span(fixture.front_client, SPAN_KIND_CLIENT, 100 + i, 0), now_ns);
    world_tick(&fixture.world, start_ns + 3500 * NS_PER_S);
    assert_int_equal(fixture.world.shards[0]->mail.left_waiting, 1);
    feed_link(&fixture, consumer(sites.takes, 4), 1, start_ns + 3598 * NS_PER_S);
    assert_int_equal(fixture.world.shards[0]->mail.halves_hanging, 1);
    world_tick(&fixture.world, start_ns + 3601 * NS_PER_S);
    assert_int_equal(fixture.world.shards[0]->mail.halves_hanging, 1);
    assert_int_equal(fixture.world.shards[0]->mail.left_waiting, 0);
    world_finish(&fixture.world, start_ns + 3601 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_CONSUMER], 1);
    assert_true(requests_on(snapshot, DIRECT) == 1 && requests_on(snapshot, SENT) == 1);
    end(&fixture, snapshot);
}

/* A span may leave after messaging.wait, since one in it is about to be answered: it is judged then. */
static void messages__are_judged_when_their_span_leaves_after_the_wait(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    struct mail *mail;
    uint64_t id = 100;
    uint64_t now_ns = start_ns + 21 * NS_PER_S;

    (void)state;
    setup(&fixture,
          &(struct world_options){.memory_bytes_max = 1 << 20, .messaging_wait_ns = 20 * NS_PER_S});
    mail = &fixture.world.shards[0]->mail;
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(sites.sends, 1), start_ns);
    feed_at(&fixture, world_span(sites.sends, SPAN_KIND_PRODUCER, 2, 1), start_ns);
    for (; id < 1000; id++) /* Blocks that leave first. */
        feed_at(&fixture, front_client(&fixture, id, 0), start_ns);
    feed_link(&fixture, consumer(sites.takes, 3), 2, start_ns + 19 * NS_PER_S);
    world_tick(&fixture.world, now_ns);
    for (; mail->left_waiting == 0; id++)
        feed_at(&fixture, front_client(&fixture, id, 0), now_ns);
    assert_int_equal(mail->left_waiting, 2);
    world_tick(&fixture.world, start_ns + 30 * NS_PER_S);
    assert_int_equal(mail->left_waiting, 0);
    snapshot = world_snapshot(&fixture.world);
    assert_true(requests_on(snapshot, DIRECT) == 1 && requests_on(snapshot, SENT) == 0);
    end(&fixture, snapshot);
}

/* A consumer waits pairing.wait for the producers that it links to. */
static void messages__call_a_producer_late_that_comes_after_the_wait(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    feed_link(&fixture, consumer(sites.takes, 2), 1, start_ns);
    world_tick(&fixture.world, start_ns + 11 * NS_PER_S);
    feed_at(&fixture, producer(sites.sends, 1), start_ns + 12 * NS_PER_S);
    world_tick(&fixture.world, start_ns + 4000 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_true(requests_on(snapshot, DIRECT) == 0);
    assert_true(requests_on(snapshot, SENT) == 1);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_LATE], 1);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_PRODUCER], 1);
    assert_int_equal(snapshot->links.missing, 1);
    end(&fixture, snapshot);
}

/* A consumer that comes after messaging.wait is late, and its message is not drawn twice. */
static void messages__call_a_consumer_late_that_comes_after_the_wait(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    uint64_t now_ns = start_ns + 3700 * NS_PER_S;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(sites.sends, 1), start_ns);
    world_tick(&fixture.world, now_ns);
    feed_link(&fixture, consumer(sites.takes_from_r, 2), 1, now_ns);
    for (int i = 0; i < 3; i++)
        world_tick(&fixture.world, now_ns + 11 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->edges_count, 2);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_LATE], 1);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_CONSUMER], 1);
    end(&fixture, snapshot);
}

/* An answer that finds no room is sent later; nobody waits for it meanwhile. */
static void messages__keep_answers_that_find_no_room(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &(struct world_options){.shards = 2, .answers = 2});
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(sites.sends, 1), start_ns);
    for (uint64_t i = 0; i < 200; i++)
        feed_link(&fixture, consumer(sites.takes, 10 + i), 1, start_ns);
    for (uint64_t i = 0; i < 300; i++)
        world_tick(&fixture.world, start_ns + 11 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->accounting.waiting, 0);
    assert_int_equal(snapshot->accounting.paired, 201);
    assert_true(requests_on(snapshot, DIRECT) == 1);
    assert_true(observed(world_edge(snapshot, DIRECT)->server_seconds) == 200);
    end(&fixture, snapshot);
}

/* ------------------------------------------------------------------ copies and memory */

static void messages__ignore_copies_of_consumers_and_links(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    for (int i = 0; i < 3; i++) {
        feed_link(&fixture, consumer(sites.takes, 2), 1, start_ns);
        feed_at(&fixture, producer(sites.sends, 1), start_ns);
    }
    snapshot = finish(&fixture);
    assert_int_equal(snapshot->accounting.duplicate, 4);
    assert_int_equal(snapshot->links.links, 1);
    assert_true(observed(world_edge(snapshot, DIRECT)->messaging_seconds) == 1);
    end(&fixture, snapshot);
}

/* Far more producers and links than fit: both accountings hold, memory stays in its bound. */
static void messages__stay_within_their_bytes(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &(struct world_options){.shards = 2, .message_bytes_max = MAIL_BYTES_MIN});
    sites = sites_of(&fixture);
    for (uint64_t i = 0; i < 20000; i++) {
        struct span span = producer(sites.sends, 10 + i);
        struct span taken = consumer(sites.takes, 100000 + i);
        struct world_link link = {500 + i % 7, 10 + i / 2};
        span.trace[1] = 500 + i % 7;
        feed_at(&fixture, span, start_ns + i * NS_PER_MS);
        feed_linked(&fixture, taken, &link, 1, start_ns + i * NS_PER_MS);
        if (i % 1000 == 0) {
            world_tick(&fixture.world, start_ns + i * NS_PER_MS);
            snapshot_release(world_snapshot(&fixture.world));
        }
    }
    for (unsigned i = 0; i < 2; i++)
        assert_true(shard_message_bytes(fixture.world.shards[i]) <= MAIL_BYTES_MIN * 5 / 4);
    world_finish(&fixture.world, start_ns + 20000 * NS_PER_MS);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->links.links, 20000);
    assert_true(snapshot->links.dropped > 1000 && snapshot->links.waiting == 0);
    assert_int_equal(snapshot->accounting.waiting, 0);
    end(&fixture, snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages__wait_for_the_answers_of_other_shards),
        cmocka_unit_test(messages__do_not_wait_forever_for_answers),
        cmocka_unit_test(messages__pair_by_a_link_into_another_trace),
        cmocka_unit_test(messages__are_one_request_a_key),
        cmocka_unit_test(messages__are_a_request_for_each_group),
        cmocka_unit_test(messages__of_a_batch_observe_the_consumer_once),
        cmocka_unit_test(messages__are_those_of_the_process_span),
        cmocka_unit_test(messages__are_those_of_the_process_span_below),
        cmocka_unit_test(messages__leave_polls_alone),
        cmocka_unit_test(messages__go_before_another_parent),
        cmocka_unit_test(messages__without_a_destination_are_drawn_direct),
        cmocka_unit_test(messages__take_the_destination_of_their_consumer),
        cmocka_unit_test(messages__fail_on_their_own_side_of_the_destination),
        cmocka_unit_test(messages__are_on_their_way_at_the_end_of_the_pairing_wait),
        cmocka_unit_test(messages__wait_for_late_consumers_without_their_span),
        cmocka_unit_test(messages__of_a_busy_producer_hold_up_no_other),
        cmocka_unit_test(messages__are_judged_when_their_span_leaves_after_the_wait),
        cmocka_unit_test(messages__call_a_producer_late_that_comes_after_the_wait),
        cmocka_unit_test(messages__call_a_consumer_late_that_comes_after_the_wait),
        cmocka_unit_test(messages__keep_answers_that_find_no_room),
        cmocka_unit_test(messages__ignore_copies_of_consumers_and_links),
        cmocka_unit_test(messages__stay_within_their_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
