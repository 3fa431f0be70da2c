/* snapshot_samples.c: figures are made up, and fixed: golden texts depend on them. */
#include "tests/lib/snapshot_samples.h"

#include <stdio.h>

#include "tests/lib/random.h"

#define MS NS_PER_MS

/* Both sides, and what lies between them. */
static void observe_all(struct snapshot_build *build, struct snapshot_edge *edge,
                        uint64_t server_ns, uint64_t times)
{
    snapshot_build_observe(build, &edge->client_seconds, server_ns + server_ns / 8, times);
    snapshot_build_observe(build, &edge->server_seconds, server_ns, times);
    snapshot_build_observe(build, &edge->network_seconds, server_ns / 8, times);
}

void snapshot_sample_shop(struct snapshot_build *build)
{
    uint32_t user = snapshot_build_node(build, NODE_USER, VIEW(""), VIEW("user"));
    uint32_t front = snapshot_build_service(build, "frontend");
    uint32_t checkout = snapshot_build_service(build, "checkout");
    uint32_t payment = snapshot_build_service(build, "payment");
    uint32_t inventory = snapshot_build_service(build, "inventory");
    uint32_t mail = snapshot_build_service(build, "mailer");
    uint32_t worker = snapshot_build_service(build, "worker");
    uint32_t orders = snapshot_build_node(build, NODE_DATABASE, VIEW(""), VIEW("orders"));
    uint32_t queue = snapshot_build_node(build, NODE_MESSAGING, VIEW(""), VIEW("order-events"));
    uint32_t bank = snapshot_build_node(build, NODE_EXTERNAL, VIEW(""), VIEW("api.bank.example"));
    struct snapshot_edge *edge;

    edge = snapshot_build_edge(build, user, front, CONNECTION_VIRTUAL, 6000, 30);
    snapshot_build_observe(build, &edge->server_seconds, 40 * MS, 5500);
    snapshot_build_observe(build, &edge->server_seconds, 700 * MS, 500);
    edge = snapshot_build_edge(build, front, checkout, CONNECTION_DIRECT, 1200, 25);
    observe_all(build, edge, 90 * MS, 1200);
    edge = snapshot_build_edge(build, front, inventory, CONNECTION_DIRECT, 9000, 0);
    observe_all(build, edge, 4 * MS, 9000);
    edge = snapshot_build_edge(build, checkout, payment, CONNECTION_DIRECT, 1150, 92);
    observe_all(build, edge, 300 * MS, 1150);
    edge = snapshot_build_edge(build, checkout, inventory, CONNECTION_DIRECT, 1200, 3);
    observe_all(build, edge, 6 * MS, 1200);
    edge = snapshot_build_edge(build, checkout, queue, CONNECTION_MESSAGING, 1100, 0);
    snapshot_build_observe(build, &edge->client_seconds, 2 * MS, 1100);
    edge = snapshot_build_edge(build, queue, worker, CONNECTION_MESSAGING, 1090, 4);
    snapshot_build_observe(build, &edge->server_seconds, 55 * MS, 1090);
    snapshot_build_observe(build, &edge->messaging_seconds, 1500 * MS, 1090);
    edge = snapshot_build_edge(build, worker, mail, CONNECTION_DIRECT, 2, 0);
    observe_all(build, edge, 12 * MS, 2);
    edge = snapshot_build_edge(build, inventory, orders, CONNECTION_DATABASE, 10200, 0);
    snapshot_build_observe(build, &edge->client_seconds, 1 * MS, 10200);
    edge = snapshot_build_edge(build, payment, bank, CONNECTION_VIRTUAL, 1150, 90);
    snapshot_build_observe(build, &edge->client_seconds, 280 * MS, 1150);
    edge = snapshot_build_edge(build, inventory, inventory, CONNECTION_DIRECT, 7, 0);
    observe_all(build, edge, 1 * MS, 7);
    build->snapshot.accounting = (struct accounting){.received = 100,
                                                     .internal = 20,
                                                     .paired = 60,
                                                     .waiting = 5,
                                                     .duplicate = 1,
                                                     .unpaired = {2, 1, 0, 0, 9, 0},
                                                     .dropped = {1},
                                                     .rejected = {1, 0}};
}

void snapshot_sample_large(struct snapshot_build *build, size_t services, size_t fan)
{
    struct random random = random_of(7);
    char name[32];

    for (size_t i = 0; i < services; i++) {
        int size = snprintf(name, sizeof(name), "service-%05zu", i);
        uint32_t node = snapshot_build_node(
            build, i % 9 == 8 ? NODE_DATABASE : NODE_SERVICE, VIEW(""),
            snapshot_build_text(build, (struct view){name, (size_t)size}));
        build->nodes[node].reported = i % 9 != 8;
    }
    for (uint32_t i = 0; i < services; i++) {
        uint32_t used = i;
        for (size_t j = 0; j < fan && i % 9 != 8; j++) {
            struct snapshot_edge *edge;
            uint64_t requests;
            used += 1 + (uint32_t)random_below(&random, services / 8 + 1);
            if (used >= services)
                break;
            requests = 1 + random_below(&random, 5000);
            edge = snapshot_build_edge(build, i, used, CONNECTION_DIRECT, requests,
                                       random_below(&random, 10) == 0 ? requests / 12 : 0);
            observe_all(build, edge, (1 + random_below(&random, 400)) * MS, requests);
        }
    }
}

#define LONG_10 "0123456789"
#define LONG_100 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10
#define LONG_1000                                                                                  \
    LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100
#define LONG_10000                                                                                 \
    LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000      \
        LONG_1000

const struct view snapshot_hostile_names[] = {
    VIEW("<script>alert(1)</script>"),
    VIEW("\"><img src=x onerror=alert(1)>"),
    VIEW("javascript:alert(1)\" onload=\"x"),
    VIEW("back\\slash\\"),
    VIEW("\\N\\G\\E\\T\\H\\L\\n\\l\\r"),
    VIEW("&amp;&#0;&lt;&#x1b;&nbsp;"),
    VIEW("]]><!-- --><![CDATA["),
    VIEW("line\nbreak\r\n\ttab"),
    VIEW("bell\a escape\x1b[31m nul\0 del\x7f c1\xc2\x9b"),
    VIEW("bad\xff\xfe utf\xc3 \xe2\x82 \xf0\x9f\x98 \xed\xa0\x80 \xc0\xaf \xf5\x80\x80\x80"),
    VIEW("nonchars \xef\xbf\xbe \xef\xbf\xbf \xf0\x9f\xbf\xbf"),
    VIEW("turned \xe2\x80\xae txet \xe2\x81\xa6"),
    VIEW("line separators \xe2\x80\xa8\xe2\x80\xa9"),
    VIEW("gr\xc3\xbc\xc3\x9f\x65 \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80"),
    VIEW("}\"];digraph{a->b[URL=\"javascript:x\"]}"),
    VIEW("<table><tr><td>"),
    VIEW("{a|b}<port>"),
    VIEW("le=\"1\"} 5\n# EOF\nx_total 1"),
    VIEW("%n%s%%"),
    VIEW("a/b//c"),
    VIEW(" "),
    VIEW("]"),
    VIEW("]]>"),
    VIEW("#"),
    VIEW("--"),
    VIEW("%%{init: {}}%% end graph subgraph"),
    VIEW(LONG_10000),
};
const size_t snapshot_hostile_names_count = sizeof(snapshot_hostile_names) /
                                            sizeof(snapshot_hostile_names[0]);

void snapshot_sample_hostile(struct snapshot_build *build)
{
    uint32_t caller = snapshot_build_service(build, "caller");

    for (size_t i = 0; i < snapshot_hostile_names_count; i++) {
        struct view name = snapshot_hostile_names[i];
        enum node_type type = i % 2 == 0 ? NODE_SERVICE : NODE_EXTERNAL;
        uint32_t node = snapshot_build_node(build, type, i % 3 == 0 ? name : VIEW(""), name);
        struct snapshot_edge *edge = snapshot_build_edge(build, caller, node, CONNECTION_DIRECT,
                                                         10 + i, i % 4);
        build->nodes[node].reported = type == NODE_SERVICE;
        observe_all(build, edge, 3 * MS, 10 + i);
        (void)snapshot_build_loss(build, node, SPAN_KIND_CLIENT, false, UNPAIRED_LATE, 1);
        snapshot_build_operation(build, node, "GET", SPAN_KIND_SERVER, SPAN_STATUS_UNSET, 1)
            ->name = name;
    }
}
