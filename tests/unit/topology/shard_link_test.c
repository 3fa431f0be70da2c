/* shard_link_test.c: whose links count (E8, E15, E17): the consumer's shard has a word in it.
 *
 * Producers of `front` lie in trace 1, consumers of `back` in other traces, on other shards.
 */
#include "tests/lib/shard_fixture.h"
#include "topology/shard_priv.h"

#define DIRECT "service//front -> service//back [messaging_system]"
#define SENT "service//front -> messaging//q [messaging_system]"

enum { SHARDS = 3, TRACE_SENT = 1, TRACE_TAKEN = 2 };

static const struct world_options several = {.shards = SHARDS};

struct sites {
    uint32_t sends, takes, fetches;
};

static struct sites sites_of(struct fixture *fixture)
{
    struct world_site site = {.service = "front",
                              .kind = SPAN_KIND_PRODUCER,
                              .call = CALL_MESSAGING,
                              .peer = "messaging//q",
                              .destination = "messaging//q"};
    struct sites sites;

    sites.sends = world_site(&fixture->world, &site);
    site = (struct world_site){
        .service = "back", .kind = SPAN_KIND_CONSUMER, .call = CALL_MESSAGING};
    sites.takes = world_site(&fixture->world, &site);
    site.is_receive = true;
    sites.fetches = world_site(&fixture->world, &site);
    return sites;
}

static struct span producer(const struct sites *sites, uint64_t id, uint64_t parent)
{
    return world_span(sites->sends, SPAN_KIND_PRODUCER, id, parent);
}

/* A consumer that links to one producer, in a trace of its own. */
static struct span consumer(uint32_t site, uint64_t id)
{
    struct span span = world_span(site, SPAN_KIND_CONSUMER, id, 0);

    span.trace[1] = TRACE_TAKEN + id;
    span.links = 1;
    return span;
}

static void feed_link(struct fixture *fixture, const struct span *span, uint64_t id,
                      uint64_t now_ns)
{
    struct world_link link = {TRACE_SENT, id};

    world_link(&fixture->world, span, &link, 1, now_ns);
}

static void feed_linked(struct fixture *fixture, const struct span *span, uint64_t id,
                        uint64_t now_ns)
{
    feed_at(fixture, *span, now_ns);
    feed_link(fixture, span, id, now_ns);
}

/* Eight spans of the id that a consumer has, so that it is the ninth. */
static void use_up_id_of(struct fixture *fixture, const struct span *span, uint64_t now_ns)
{
    for (char name = 'a'; name < 'i'; name++) {
        const char service[] = {'s', name, '\0'};
        struct world_site site = {.service = service, .kind = SPAN_KIND_INTERNAL};
        struct span other = world_span(world_site(&fixture->world, &site), SPAN_KIND_INTERNAL,
                                       span->id, 0);
        other.trace[1] = span->trace[1];
        feed_at(fixture, other, now_ns);
    }
}

/* Ticks as the daemon does, up to and with `to_ns`. */
static void run(struct fixture *fixture, uint64_t from_ns, uint64_t to_ns)
{
    for (uint64_t now_ns = from_ns; now_ns <= to_ns; now_ns += 100 * NS_PER_MS)
        world_tick(&fixture->world, now_ns);
}

static double broker_requests(const struct snapshot *snapshot, const char *name)
{
    const struct snapshot_edge *edge = world_broker_edge(snapshot, name);

    return edge != NULL ? (double)edge->requests / (double)WEIGHT_ONE : 0;
}

static void end(struct fixture *fixture, struct snapshot *snapshot)
{
    snapshot_release(snapshot);
    world_release(&fixture->world);
}

/* ------------------------------------------------------------------ copies and rejected ones */

static void links__of_a_rejected_span_are_refused(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    struct span ninth;
    struct span good;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    ninth = consumer(sites.takes, 50);
    good = consumer(sites.takes, 51);
    use_up_id_of(&fixture, &ninth, start_ns);
    feed_at(&fixture, producer(&sites, 1, 0), start_ns);
    feed_at(&fixture, producer(&sites, 2, 0), start_ns);
    feed_linked(&fixture, &ninth, 1, start_ns);
    feed_linked(&fixture, &good, 2, start_ns);
    run(&fixture, start_ns, start_ns + 11 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_true(requests_on(snapshot, DIRECT) == 1);
    assert_int_equal(snapshot->accounting.rejected[REJECTED_ID_REUSED], 1);
    assert_int_equal(snapshot->accounting.paired, 2);
    assert_int_equal(snapshot->accounting.waiting, 1);
    assert_int_equal(snapshot->links.paired, 1);
    assert_int_equal(snapshot->links.dropped, 1);
    assert_int_equal(snapshot->links.waiting, 0);
    snapshot_release(snapshot);
    world_tick(&fixture.world, start_ns + 3601 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_CONSUMER], 1);
    end(&fixture, snapshot);
}

/* Equal in all but what they link to; and in all, long after. */
static void links__of_copies_are_refused(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    struct span span;
    struct span copy;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    copy = span = consumer(sites.takes, 50);
    copy.links_mark = 1;
    feed_at(&fixture, producer(&sites, 1, 0), start_ns);
    feed_at(&fixture, producer(&sites, 2, 0), start_ns);
    feed_linked(&fixture, &span, 1, start_ns);
    feed_linked(&fixture, &copy, 2, start_ns);
    feed_linked(&fixture, &copy, 1, start_ns);
    run(&fixture, start_ns, start_ns + 11 * NS_PER_S);
    feed_at(&fixture, span, start_ns + 60 * NS_PER_S);
    feed_link(&fixture, &span, 2, start_ns + 60 * NS_PER_S);
    run(&fixture, start_ns + 60 * NS_PER_S, start_ns + 71 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_true(requests_on(snapshot, DIRECT) == 1);
    assert_int_equal(snapshot->accounting.duplicate, 3);
    assert_int_equal(snapshot->links.paired, 1);
    assert_int_equal(snapshot->links.dropped, 3);
    assert_int_equal(snapshot->accounting.waiting, 1);
    end(&fixture, snapshot);
}

/* E8: of a receive and a process span it is the latter's request, unless that was rejected. */
static void links__of_a_rejected_process_span_leave_the_message_to_a_receive_span(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    struct span ninth;
    struct span fetched;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    ninth = consumer(sites.takes, 50);
    fetched = consumer(sites.fetches, 51);
    use_up_id_of(&fixture, &ninth, start_ns);
    feed_at(&fixture, producer(&sites, 1, 0), start_ns);
    feed_linked(&fixture, &fetched, 1, start_ns);
    feed_linked(&fixture, &ninth, 1, start_ns);
    run(&fixture, start_ns, start_ns + 11 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_true(requests_on(snapshot, DIRECT) == 1);
    assert_int_equal(snapshot->accounting.paired, 2);
    end(&fixture, snapshot);
}

/* E4: a CLIENT around a producer waits for what becomes of a half, and is the call if it is refused,
 * even where its own wait and the producer's end before that. */
static void links__that_are_refused_leave_the_call_to_the_client_around(void **state)
{
    for (uint64_t refused = 0; refused < 2; refused++) {
        const uint64_t late_ns = 900 * NS_PER_MS;
        struct fixture fixture;
        struct sites sites;
        struct snapshot *snapshot;
        struct span taken;
        (void)state;
        setup(&fixture, &(struct world_options){.shards = SHARDS,
                                                .pairing_wait_ns = NS_PER_S,
                                                .parent_wait_ns = NS_PER_S,
                                                .messaging_wait_ns = NS_PER_S});
        sites = sites_of(&fixture);
        taken = consumer(sites.takes, 50);
        if (refused != 0)
            use_up_id_of(&fixture, &taken, start_ns);
        feed_at(&fixture, front_client(&fixture, 1, 0), start_ns);
        feed_at(&fixture, producer(&sites, 2, 1), start_ns);
        feed_linked(&fixture, &taken, 2, start_ns + late_ns);
        run(&fixture, start_ns + late_ns, start_ns + late_ns + 4 * NS_PER_S);
        snapshot = world_snapshot(&fixture.world);
        assert_int_equal(snapshot->accounting.waiting, 0);
        assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_SERVER], refused);
        assert_int_equal(snapshot->accounting.paired, refused != 0 ? 0 : 2);
        assert_true(requests_on(snapshot, DIRECT) == (refused != 0 ? 0 : 1));
        assert_true(requests_on(snapshot, "service//front -> external//x [virtual_node]") ==
                    (refused != 0 ? 1 : 0));
        end(&fixture, snapshot);
    }
}

/* ------------------------------------------------------------------ time */

/* A shard may be behind: its consumer is waited for a little longer than pairing.wait where that is
 * short, but not forever. */
static void links__of_a_consumer_that_is_on_its_way_wait_for_it(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    struct span slow;
    struct span lost;
    struct span good;

    (void)state;
    setup(&fixture, &(struct world_options){.shards = SHARDS, .pairing_wait_ns = 50 * NS_PER_MS});
    sites = sites_of(&fixture);
    slow = consumer(sites.takes, 50);
    lost = consumer(sites.takes, 51);
    good = consumer(sites.takes, 52);
    for (uint64_t id = 1; id < 4; id++)
        feed_at(&fixture, producer(&sites, id, 0), start_ns);
    feed_link(&fixture, &slow, 1, start_ns);
    feed_link(&fixture, &lost, 2, start_ns);
    feed_linked(&fixture, &good, 3, start_ns);
    run(&fixture, start_ns, start_ns + 1500 * NS_PER_MS);
    assert_true(look_at(&fixture, DIRECT) == 0);
    feed_at(&fixture, slow, start_ns + 1500 * NS_PER_MS);
    run(&fixture, start_ns + 1500 * NS_PER_MS, start_ns + 3 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_true(requests_on(snapshot, DIRECT) == 2);
    assert_int_equal(snapshot->accounting.paired, 4);
    assert_int_equal(snapshot->links.paired, 2);
    assert_int_equal(snapshot->links.dropped, 1);
    assert_int_equal(snapshot->links.waiting, 0);
    end(&fixture, snapshot);
}

/* A message that was just taken when messaging.wait ends is no message that nobody took, and no call
 * of the CLIENT around it. */
static void links__keep_a_producer_past_its_wait(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    struct span taken;
    const uint64_t last_ns = start_ns + 3595 * NS_PER_S;

    (void)state;
    setup(&fixture, &several);
    sites = sites_of(&fixture);
    taken = consumer(sites.takes, 50);
    feed_at(&fixture, front_client(&fixture, 2, 0), start_ns);
    feed_at(&fixture, producer(&sites, 1, 2), start_ns);
    world_tick(&fixture.world, last_ns);
    feed_linked(&fixture, &taken, 1, last_ns);
    world_tick(&fixture.world, start_ns + 3601 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->accounting.waiting, 3);
    assert_int_equal(snapshot->edges_count, 0);
    snapshot_release(snapshot);
    world_tick(&fixture.world, last_ns + 11 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->accounting.paired, 2);
    assert_int_equal(snapshot->accounting.internal, 1);
    assert_int_equal(snapshot->accounting.waiting, 0);
    assert_true(requests_on(snapshot, DIRECT) == 1 && requests_on(snapshot, SENT) == 0);
    assert_true(broker_requests(snapshot, SENT) == 1);
    end(&fixture, snapshot);
}

/* ------------------------------------------------------------------ memory */

/* A consumer that is dropped takes nothing. */
static void links__of_a_consumer_that_was_evicted_are_refused(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;
    struct span taken;

    (void)state;
    setup(&fixture, &(struct world_options){.memory_bytes_max = 1 << 20});
    sites = sites_of(&fixture);
    taken = consumer(sites.takes, 50);
    feed_linked(&fixture, &taken, 1, start_ns);
    for (uint64_t i = 0; i < 30000; i++)
        feed_at(&fixture, world_span(fixture.front_client, SPAN_KIND_CLIENT, 100 + i, 0),
                start_ns + NS_PER_S);
    feed_at(&fixture, producer(&sites, 1, 0), start_ns + NS_PER_S);
    run(&fixture, start_ns + NS_PER_S, start_ns + 11 * NS_PER_S);
    snapshot = world_snapshot(&fixture.world);
    assert_true(requests_on(snapshot, DIRECT) == 0);
    assert_int_equal(snapshot->links.dropped, 1);
    assert_int_equal(snapshot->accounting.paired, 0);
    end(&fixture, snapshot);
}

/* Halves that leave because their table is full free the producers that waited for them. */
static void links__that_are_evicted_free_their_producer(void **state)
{
    struct fixture fixture;
    struct sites sites;
    struct snapshot *snapshot;

    (void)state;
    setup(&fixture, &(struct world_options){.message_bytes_max = MAIL_BYTES_MIN,
                                            .messaging_wait_ns = 10 * NS_PER_S});
    sites = sites_of(&fixture);
    feed_at(&fixture, producer(&sites, 1, 0), start_ns);
    for (uint64_t i = 0; i < 64; i++) {
        struct span taken = consumer(sites.takes, 50 + i);
        feed_linked(&fixture, &taken, 1, start_ns + 9 * NS_PER_S);
    }
    run(&fixture, start_ns + 9 * NS_PER_S, start_ns + 11 * NS_PER_S);
    assert_int_equal(look(&fixture).waiting, 65); /* The producer waits for them. */
    for (uint64_t i = 0; i < 400; i++) {
        struct span taken = consumer(sites.takes, 1000 + i);
        feed_linked(&fixture, &taken, 2, start_ns + 11 * NS_PER_S);
    }
    snapshot = world_snapshot(&fixture.world);
    assert_int_equal(snapshot->accounting.unpaired[UNPAIRED_NO_CONSUMER], 1);
    assert_true(snapshot->links.dropped >= 64);
    end(&fixture, snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links__of_a_rejected_span_are_refused),
        cmocka_unit_test(links__of_copies_are_refused),
        cmocka_unit_test(links__of_a_rejected_process_span_leave_the_message_to_a_receive_span),
        cmocka_unit_test(links__that_are_refused_leave_the_call_to_the_client_around),
        cmocka_unit_test(links__of_a_consumer_that_is_on_its_way_wait_for_it),
        cmocka_unit_test(links__keep_a_producer_past_its_wait),
        cmocka_unit_test(links__of_a_consumer_that_was_evicted_are_refused),
        cmocka_unit_test(links__that_are_evicted_free_their_producer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
