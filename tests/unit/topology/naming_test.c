/* naming_test.c: kinds of calls and names of callees, by the rules N1 to N5. */
#include "topology/naming.h"

#include "tests/lib/test.h"

struct fixture {
    struct naming *naming;
    struct attributes resource;
    struct attributes span;
    struct buf scratch;
    struct naming_result result;
};

static void start_with(struct fixture *on, const struct naming_options *options)
{
    char error[256];

    *on = (struct fixture){.naming = NULL};
    assert_int_equal(naming_new(options, error, &on->naming), 0);
    attributes_offer_text(&on->resource, VIEW("service.name"), VIEW("me"));
    buf_init(&on->scratch, 0);
}

static void start(struct fixture *on)
{
    const struct naming_options options = {.derive_errors = false};

    start_with(on, &options);
}

static void stop(struct fixture *on)
{
    naming_free(on->naming);
    buf_release(&on->scratch);
}

static const struct naming_result *resolve_named(struct fixture *on, enum span_kind kind,
                                                 const char *name)
{
    const struct naming_input input = {&on->resource, &on->span, view_of(name), kind, NULL, 0};

    assert_int_equal(naming_resolve(on->naming, &input, &on->scratch, &on->result), 0);
    return &on->result;
}

/* One row of a table: attributes in pairs of key and text, up to a NULL; a text of digits behind '#'
 * is a number. */
static const struct naming_result *resolve(struct fixture *on, enum span_kind kind,
                                           const char *const *pairs)
{
    attributes_reset(&on->span);
    for (; *pairs != NULL; pairs += 2) {
        const char *text = pairs[1];
        if (text[0] == '#')
            attributes_offer_number(&on->span, view_of(pairs[0]), text[1] - '0');
        else if (strcmp(text, "true") == 0)
            attributes_offer_boolean(&on->span, view_of(pairs[0]), true);
        else
            attributes_offer_text(&on->span, view_of(pairs[0]), view_of(text));
    }
    return resolve_named(on, kind, "op");
}

#define PAIRS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void assert_peer(const struct naming_result *result, enum node_type type, const char *name)
{
    assert_true(result->has_peer);
    assert_view_equal(result->peer.name, name);
    assert_int_equal(result->peer.type, type);
}

static void naming__names_the_service(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    attributes_offer_text(&on.resource, VIEW("service.namespace"), VIEW("shop"));
    (void)resolve(&on, SPAN_KIND_SERVER, PAIRS());
    assert_int_equal(on.result.service.type, NODE_SERVICE);
    assert_view_equal(on.result.service.name, "me");
    assert_view_equal(on.result.service.namespace, "shop");
    assert_false(on.result.has_peer || on.result.has_destination);
    attributes_reset(&on.resource);
    (void)resolve(&on, SPAN_KIND_SERVER, PAIRS("service.name", "of the span"));
    assert_view_equal(on.result.service.name, "unknown_service");
    assert_view_equal(on.result.service.namespace, "");
    stop(&on);
}

static void naming__templates_the_operation(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    assert_view_equal(resolve_named(&on, SPAN_KIND_SERVER, "GET /a/7")->operation, "GET /a/{id}");
    attributes_offer_text(&on.span, VIEW("http.route"), VIEW("/a/{b}"));
    assert_view_equal(resolve_named(&on, SPAN_KIND_SERVER, "GET /a/7")->operation, "GET /a/{b}");
    assert_view_equal(resolve_named(&on, SPAN_KIND_SERVER, "")->operation, "");
    stop(&on);
}

static void naming__knows_kinds_of_calls(void **state)
{
    static const struct {
        enum span_kind kind;
        const char *key;
        enum call_kind call;
    } cases[] = {
        {SPAN_KIND_CLIENT, "db.system.name", CALL_DATABASE},
        {SPAN_KIND_CLIENT, "db.system", CALL_DATABASE},
        {SPAN_KIND_SERVER, "db.namespace", CALL_DATABASE},
        {SPAN_KIND_PRODUCER, "db.name", CALL_DATABASE},
        {SPAN_KIND_CLIENT, "db.cassandra.keyspace", CALL_OTHER}, /* Not of N2's list. */
        {SPAN_KIND_CLIENT, "db.statement", CALL_OTHER},
        {SPAN_KIND_PRODUCER, "x", CALL_MESSAGING},
        {SPAN_KIND_CONSUMER, "rpc.system", CALL_MESSAGING},
        {SPAN_KIND_CLIENT, "messaging.anything", CALL_MESSAGING},
        {SPAN_KIND_CLIENT, "rpc.anything", CALL_RPC},
        {SPAN_KIND_CLIENT, "http.route", CALL_OTHER},
    };
    struct fixture on;

    (void)state;
    start(&on);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)resolve(&on, cases[i].kind, PAIRS(cases[i].key, "x"));
        if (on.result.call != cases[i].call)
            fail_msg("%s", cases[i].key);
    }
    (void)resolve(&on, SPAN_KIND_CLIENT, PAIRS("rpc.x", "x", "messaging.x", "x", "db.name", "x"));
    assert_int_equal(on.result.call, CALL_DATABASE);
    (void)resolve(&on, SPAN_KIND_CLIENT, PAIRS("rpc.x", "x", "messaging.x", "x"));
    assert_int_equal(on.result.call, CALL_MESSAGING);
    (void)resolve(&on, SPAN_KIND_CLIENT, PAIRS("db.namespace", "#5"));
    assert_int_equal(on.result.call, CALL_DATABASE);
    stop(&on);
}

static void naming__names_databases(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    assert_peer(resolve(&on, SPAN_KIND_CLIENT,
                        PAIRS("db.system", "mysql", "db.name", "orders", "server.address", "db.a")),
                NODE_DATABASE, "db.a");
    assert_peer(
        resolve(&on, SPAN_KIND_CLIENT,
                PAIRS("db.system", "mysql", "db.name", "orders", "server.address", "10.0.0.1")),
        NODE_DATABASE, "orders");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT,
                        PAIRS("db.system", "redis", "db.redis.database_index", "#3")),
                NODE_DATABASE, "3");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT,
                        PAIRS("db.system", "mysql", "server.address", "10.0.0.1", "server.port",
                              "3306", "url.full", "mysql://no.example")),
                NODE_DATABASE, "10.0.0.1:3306");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT, PAIRS("db.system", "mysql")), NODE_DATABASE,
                "mysql");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT, PAIRS("db.system", "mssql")), NODE_DATABASE,
                "microsoft.sql_server");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT, PAIRS("db.system.name", "microsoft.sql_server")),
                NODE_DATABASE, "microsoft.sql_server");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT, PAIRS("db.system", "h2")), NODE_DATABASE,
                "h2database");
    stop(&on);
}

static void naming__names_other_callees(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    assert_peer(resolve(&on, SPAN_KIND_CLIENT,
                        PAIRS("server.address", "a.example", "server.port", "80", "url.full",
                              "http://b.example")),
                NODE_EXTERNAL, "a.example");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT,
                        PAIRS("server.address", "10.0.0.1", "url.full", "http://b.example:1/")),
                NODE_EXTERNAL, "b.example");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT, PAIRS("server.address", "::1", "server.port", "80")),
                NODE_EXTERNAL, "[::1]:80");
    assert_peer(
        resolve(&on, SPAN_KIND_CLIENT, PAIRS("server.address", "[::1]", "server.port", "80")),
        NODE_EXTERNAL, "[::1]:80");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT,
                        PAIRS("network.peer.address", "10.0.0.2", "network.peer.port", "81",
                              "server.port", "80")),
                NODE_EXTERNAL, "10.0.0.2:81");
    assert_peer(
        resolve(&on, SPAN_KIND_CLIENT, PAIRS("net.peer.ip", "10.0.0.3", "net.peer.port", "82")),
        NODE_EXTERNAL, "10.0.0.3:82");
    /* A port of another age belongs to another address. */
    assert_peer(
        resolve(&on, SPAN_KIND_CLIENT, PAIRS("server.address", "10.0.0.1", "net.peer.port", "82")),
        NODE_EXTERNAL, "10.0.0.1");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT,
                        PAIRS("network.peer.address", "10.0.0.2", "net.sock.peer.port", "82")),
                NODE_EXTERNAL, "10.0.0.2");
    assert_peer(
        resolve(&on, SPAN_KIND_CLIENT, PAIRS("server.address", "10.0.0.1", "server.port", "65536")),
        NODE_EXTERNAL, "10.0.0.1");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT,
                        PAIRS("rpc.method", "shop.Cart/Add", "server.address", "a.example")),
                NODE_EXTERNAL, "shop.Cart");
    assert_peer(
        resolve(&on, SPAN_KIND_CLIENT, PAIRS("rpc.service", "shop.Cart", "rpc.method", "Add")),
        NODE_EXTERNAL, "shop.Cart");
    assert_false(resolve(&on, SPAN_KIND_CLIENT, PAIRS("http.request.method", "GET"))->has_peer);
    assert_false(resolve(&on, SPAN_KIND_SERVER, PAIRS("server.address", "a.example"))->has_peer);
    assert_false(resolve(&on, SPAN_KIND_INTERNAL, PAIRS("peer.service", "a"))->has_peer);
    stop(&on);
}

static void naming__names_destinations(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    assert_peer(resolve(&on, SPAN_KIND_PRODUCER,
                        PAIRS("messaging.destination.name", "user/7",
                              "messaging.destination.template", "user/{id}", "peer.service", "no")),
                NODE_MESSAGING, "user/{id}");
    assert_true(on.result.has_destination);
    assert_view_equal(on.result.destination.name, "user/{id}");
    assert_int_equal(on.result.destination.type, NODE_MESSAGING);
    assert_peer(resolve(&on, SPAN_KIND_PRODUCER,
                        PAIRS("messaging.destination.template", "reply-{}",
                              "messaging.destination.temporary", "true")),
                NODE_MESSAGING, "(temporary)");
    assert_peer(resolve(&on, SPAN_KIND_PRODUCER, PAIRS("messaging.destination.anonymous", "true")),
                NODE_MESSAGING, "(temporary)");
    assert_peer(resolve(&on, SPAN_KIND_PRODUCER,
                        PAIRS("messaging.system", "kafka", "server.address", "10.0.0.1")),
                NODE_MESSAGING, "10.0.0.1");
    assert_false(on.result.has_destination);
    assert_peer(resolve(&on, SPAN_KIND_PRODUCER, PAIRS("messaging.system", "kafka")),
                NODE_MESSAGING, "kafka");
    /* A consumer's own address names no caller, its peer does. */
    (void)resolve(&on, SPAN_KIND_CONSUMER,
                  PAIRS("messaging.destination.name", "q", "server.address", "broker"));
    assert_false(on.result.has_peer);
    assert_view_equal(on.result.destination.name, "q");
    assert_peer(resolve(&on, SPAN_KIND_CONSUMER, PAIRS("peer.service", "bus")), NODE_MESSAGING,
                "bus");
    /* No destination where the call is none of messaging. */
    (void)resolve(&on, SPAN_KIND_CLIENT,
                  PAIRS("db.system", "x", "messaging.destination.name", "q"));
    assert_false(on.result.has_destination);
    stop(&on);
}

static void naming__uses_peer_names(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    assert_peer(resolve(&on, SPAN_KIND_CLIENT,
                        PAIRS("peer.service", "old", "service.peer.name", "bank",
                              "service.peer.namespace", "far")),
                NODE_EXTERNAL, "bank");
    assert_view_equal(on.result.peer.namespace, "far");
    assert_true(on.result.peer_by_name && on.result.peer_has_namespace);
    assert_false(on.result.has_peer_else);
    assert_peer(resolve(&on, SPAN_KIND_CLIENT, PAIRS("peer.service", "bank", "db.system", "x")),
                NODE_DATABASE, "bank");
    (void)resolve(&on, SPAN_KIND_CLIENT,
                  PAIRS("server.address", "a.example", "service.peer.namespace", "far"));
    assert_view_equal(on.result.peer.namespace, "");
    assert_false(on.result.peer_by_name || on.result.peer_has_namespace);
    stop(&on);
}

/* Only the set of services that have reported tells whether the caller's own name means it. */
static void naming__keeps_a_choice_where_the_peer_may_be_the_caller(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    assert_peer(
        resolve(&on, SPAN_KIND_CLIENT, PAIRS("service.peer.name", "me", "peer.service", "bank")),
        NODE_EXTERNAL, "me");
    assert_true(on.result.peer_by_name && on.result.has_peer_else && on.result.peer_else_by_name);
    assert_view_equal(on.result.peer_else.name, "bank");
    assert_peer(
        resolve(&on, SPAN_KIND_CLIENT, PAIRS("peer.service", "me", "server.address", "a.example")),
        NODE_EXTERNAL, "me");
    assert_true(on.result.has_peer_else && !on.result.peer_else_by_name);
    assert_view_equal(on.result.peer_else.name, "a.example");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT, PAIRS("peer.service", "me")), NODE_EXTERNAL, "me");
    assert_false(on.result.has_peer_else);
    /* With its namespace it is the caller for sure. */
    attributes_offer_text(&on.resource, VIEW("service.namespace"), VIEW("n"));
    assert_peer(resolve(&on, SPAN_KIND_CLIENT,
                        PAIRS("peer.service", "me", "service.peer.namespace", "n", "server.address",
                              "a.example")),
                NODE_EXTERNAL, "a.example");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT,
                        PAIRS("peer.service", "me", "service.peer.namespace", "other")),
                NODE_EXTERNAL, "me");
    assert_false(on.result.has_peer_else);
    stop(&on);
}

static void naming__collapses_and_rewrites(void **state)
{
    const struct naming_rule cidr = {VIEW("10.0.0.0/8"), VIEW("office")};
    const struct naming_rule rewrite = {VIEW("^(.*)-[0-9]+$"), VIEW("$1")};
    const struct naming_options options = {
        .cidr = &cidr, .cidr_count = 1, .rewrite = &rewrite, .rewrite_count = 1};
    struct fixture on;

    (void)state;
    start_with(&on, &options);
    assert_peer(
        resolve(&on, SPAN_KIND_CLIENT, PAIRS("server.address", "10.1.1.1", "server.port", "80")),
        NODE_EXTERNAL, "office");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT, PAIRS("url.full", "http://10.1.1.1:80/")),
                NODE_EXTERNAL, "office");
    assert_peer(resolve(&on, SPAN_KIND_CLIENT, PAIRS("server.address", "web-12")), NODE_EXTERNAL,
                "web");
    (void)resolve(&on, SPAN_KIND_PRODUCER, PAIRS("messaging.destination.name", "q-7"));
    assert_view_equal(on.result.destination.name, "q");
    stop(&on);
}

static void naming__follows_the_configured_order(void **state)
{
    const struct view order[] = {VIEW("address_port"), VIEW("peer")};
    const struct view twice[] = {VIEW("peer"), VIEW("peer")};
    const struct view wrong[] = {VIEW("pear")};
    struct naming_options options = {.peer_order = order, .peer_order_count = 2};
    struct naming *naming;
    struct fixture on;
    char error[256];

    (void)state;
    start_with(&on, &options);
    assert_peer(resolve(&on, SPAN_KIND_CLIENT,
                        PAIRS("peer.service", "bank", "server.address", "a", "server.port", "80")),
                NODE_EXTERNAL, "a:80");
    assert_peer(
        resolve(&on, SPAN_KIND_CLIENT, PAIRS("peer.service", "bank", "url.full", "http://a/")),
        NODE_EXTERNAL, "bank");
    assert_false(resolve(&on, SPAN_KIND_CLIENT, PAIRS("url.full", "http://a/"))->has_peer);
    stop(&on);
    options.peer_order = twice;
    assert_int_equal(naming_new(&options, error, &naming), STATUS_INVALID);
    assert_non_null(strstr(error, "'peer' is told twice"));
    options.peer_order = wrong;
    options.peer_order_count = 1;
    assert_int_equal(naming_new(&options, error, &naming), STATUS_INVALID);
    assert_non_null(strstr(error, "'pear'"));
}

/* N5: keys of lessons. */
static uint64_t address_key(struct fixture *on, enum span_kind kind, const char *const *pairs)
{
    return resolve(on, kind, pairs)->address_key;
}

static uint64_t rpc_key(struct fixture *on, const char *const *pairs)
{
    return resolve(on, SPAN_KIND_CLIENT, pairs)->rpc_key;
}

static void naming__makes_keys_of_addresses(void **state)
{
    struct fixture on;
    uint64_t key;

    (void)state;
    start(&on);
    key = address_key(&on, SPAN_KIND_CLIENT, PAIRS("server.address", "a", "server.port", "#8"));
    assert_true(key != 0);
    assert_true(key == address_key(&on, SPAN_KIND_CLIENT,
                                   PAIRS("net.peer.name", "a", "net.peer.port", "#8")));
    assert_true(key == address_key(&on, SPAN_KIND_CLIENT,
                                   PAIRS("network.peer.address", "a", "network.peer.port", "#8")));
    assert_true(key == address_key(&on, SPAN_KIND_CLIENT,
                                   PAIRS("server.address", "a", "server.port", "#8",
                                         "network.peer.address", "b", "peer.service", "x")));
    assert_true(key != address_key(&on, SPAN_KIND_CLIENT,
                                   PAIRS("server.address", "a", "server.port", "#9")));
    assert_true(key != address_key(&on, SPAN_KIND_CLIENT, PAIRS("server.address", "a")));
    assert_true(0 != address_key(&on, SPAN_KIND_CLIENT, PAIRS("server.address", "10.0.0.1")));
    assert_true(0 == address_key(&on, SPAN_KIND_CLIENT, PAIRS("url.full", "http://a:8/")));
    assert_true(0 == address_key(&on, SPAN_KIND_SERVER, PAIRS("server.address", "a")));
    assert_true(0 == address_key(&on, SPAN_KIND_PRODUCER, PAIRS("server.address", "a")));
    stop(&on);
}

static void naming__makes_no_keys_of_loopback(void **state)
{
    static const char *const hosts[] = {"127.0.0.1",        "127.9.9.9",  "::1",       "[::1]",
                                        "::ffff:127.0.0.1", "0.0.0.0",    "::",        "[::]",
                                        "::ffff:0.0.0.0",   "localhost",  "LocalHost", "::1%lo",
                                        "localhost.",       "a.localhost"};
    static const char *const others[] = {"128.0.0.1", "0.0.0.1",       "::2",
                                         "1::1",      "localhost.lan", "mylocalhost"};
    struct fixture on;

    (void)state;
    start(&on);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        assert_true(0 == address_key(&on, SPAN_KIND_CLIENT,
                                     PAIRS("server.address", hosts[i], "rpc.method", "s.S/M")));
    assert_true(on.result.rpc_key != 0);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_true(0 != address_key(&on, SPAN_KIND_CLIENT, PAIRS("server.address", others[i])));
    stop(&on);
}

static void naming__makes_keys_of_rpc_services(void **state)
{
    struct fixture on;
    uint64_t key;

    (void)state;
    start(&on);
    key = rpc_key(&on, PAIRS("rpc.method", "s.S/One"));
    assert_true(key != 0);
    assert_true(key == rpc_key(&on, PAIRS("rpc.method", "s.S/Two")));
    assert_true(key == rpc_key(&on, PAIRS("rpc.service", "s.S", "rpc.method", "One")));
    assert_true(key != rpc_key(&on, PAIRS("rpc.method", "s.T/One")));
    assert_true(0 == rpc_key(&on, PAIRS("rpc.method", "One")));
    stop(&on);
}

/* Where a lesson stands among the names that were found. */
static uint8_t lesson_place(const struct view *order, size_t order_count, const char *const *pairs)
{
    const struct naming_options options = {.peer_order = order, .peer_order_count = order_count};
    struct fixture on;
    uint8_t place;

    start_with(&on, &options);
    place = resolve(&on, SPAN_KIND_CLIENT, pairs)->lesson_place;
    stop(&on);
    return place;
}

static void naming__keeps_the_place_of_a_lesson(void **state)
{
    const struct view last[] = {VIEW("peer"), VIEW("address"), VIEW("lesson")};
    const struct view middle[] = {VIEW("peer"), VIEW("lesson"), VIEW("address")};
    const struct view never[] = {VIEW("peer"), VIEW("address")};
    const char *const *named = PAIRS("peer.service", "bank", "server.address", "a");
    const char *const *own = PAIRS("peer.service", "me", "server.address", "a");
    const struct naming_options options = {.peer_order = never, .peer_order_count = 2};
    struct fixture on;

    (void)state;
    assert_int_equal(lesson_place(NULL, 0, named), 0);
    assert_int_equal(lesson_place(NULL, 0, own), 0);
    assert_int_equal(lesson_place(middle, 3, named), 1);
    assert_int_equal(lesson_place(middle, 3, own), 1);
    assert_int_equal(lesson_place(last, 3, named), 1);
    assert_int_equal(lesson_place(last, 3, own), 2);
    start_with(&on, &options);
    assert_true(resolve(&on, SPAN_KIND_CLIENT, own)->address_key == 0);
    stop(&on);
}

static void naming__cleans_what_it_names(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    attributes_reset(&on.resource);
    attributes_offer_text(&on.resource, VIEW("service.name"), VIEW("a\nb"));
    assert_peer(resolve(&on, SPAN_KIND_CLIENT, PAIRS("server.address", "a\xFF")), NODE_EXTERNAL,
                "a\xEF\xBF\xBD");
    assert_view_equal(on.result.service.name, "a\xEF\xBF\xBD"
                                              "b");
    stop(&on);
}

/* The longest texts that can come together fit into the scratch buffer. */
static void naming__has_room_for_long_texts(void **state)
{
    static char text[3 * 4096];
    static const char *const keys[] = {
        "service.peer.name",
        "peer.service",
        "service.peer.namespace",
        "server.address",
        "messaging.destination.name",
        "http.route",
        "url.full",
        "rpc.method",
        "messaging.system",
    };
    const struct naming_rule rewrite = {VIEW("^"), VIEW("x")};
    const struct naming_options options = {.rewrite = &rewrite, .rewrite_count = 1};
    struct fixture on;

    (void)state;
    memset(text, '\x01', sizeof(text));
    start_with(&on, &options);
    attributes_reset(&on.resource);
    attributes_offer_text(&on.resource, VIEW("service.name"), (struct view){text, sizeof(text)});
    attributes_offer_text(&on.resource, VIEW("service.namespace"),
                          (struct view){text, sizeof(text)});
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        attributes_offer_text(&on.span, view_of(keys[i]), (struct view){text, sizeof(text)});
    attributes_offer_number(&on.span, VIEW("server.port"), 80);
    for (int kind = 0; kind < SPAN_KIND_COUNT; kind++) {
        const struct naming_input input = {&on.resource,         &on.span, {text, sizeof(text)},
                                           (enum span_kind)kind, NULL,     0};
        assert_int_equal(naming_resolve(on.naming, &input, &on.scratch, &on.result), 0);
    }
    stop(&on);
}

static int site_step(void *context)
{
    const struct catalog_limits limits = {10, 10, 10, 10, 256, 0, 1000, 0};
    struct fixture *on = context;
    const struct naming_input input = {&on->resource,      &on->span, VIEW("/a/1"),
                                       SPAN_KIND_PRODUCER, NULL,      0};
    struct catalog *catalog;
    struct buf scratch;
    uint32_t site;
    int status = catalog_new(&limits, &catalog);

    if (status != 0)
        return status;
    buf_init(&scratch, 0);
    status = naming_site(on->naming, catalog, &input, &scratch, &site);
    if (status == 0)
        assert_view_equal(catalog_node_at(catalog, catalog_site_at(catalog, site)->peer)->name,
                          "q");
    buf_release(&scratch);
    catalog_free(catalog);
    return status;
}

/* Values of dimensions are cut as names are, at a character's boundary. */
static void naming__cuts_values(void **state)
{
    const struct catalog_limits limits = {.services_max = 10,
                                          .peers_max = 10,
                                          .operations_max = 10,
                                          .sites_max = 10,
                                          .text_bytes_max = 20,
                                          .sets_max = 10};
    const struct view values[] = {VIEW("short"), VIEW("nineteen letters...\xC3\xA4"), VIEW("")};
    struct catalog *catalog = NULL;
    struct view packed;
    struct fixture on;
    uint32_t site = 0;

    (void)state;
    start(&on);
    const struct naming_input input = {&on.resource,       &on.span, VIEW("op"),
                                       SPAN_KIND_INTERNAL, values,   3};
    assert_int_equal(catalog_new(&limits, &catalog), 0);
    assert_int_equal(naming_site(on.naming, catalog, &input, &on.scratch, &site), 0);
    packed = catalog_dimensions_at(catalog, catalog_site_at(catalog, site)->dimensions);
    assert_int_equal(packed.size, 5 + 19 + 2 * DIMENSION_HEAD_BYTES);
    assert_view_equal(dimension_value(packed, 0), "short");
    assert_view_equal(dimension_value(packed, 1), "nineteen letters...");
    catalog_free(catalog);
    stop(&on);
}

static void naming__survives_failing_memory(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    attributes_offer_text(&on.span, VIEW("messaging.destination.name"), VIEW("q"));
    test_sweep_memory(site_step, &on);
    stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(naming__names_the_service),
        cmocka_unit_test(naming__templates_the_operation),
        cmocka_unit_test(naming__knows_kinds_of_calls),
        cmocka_unit_test(naming__names_databases),
        cmocka_unit_test(naming__names_other_callees),
        cmocka_unit_test(naming__names_destinations),
        cmocka_unit_test(naming__uses_peer_names),
        cmocka_unit_test(naming__keeps_a_choice_where_the_peer_may_be_the_caller),
        cmocka_unit_test(naming__collapses_and_rewrites),
        cmocka_unit_test(naming__follows_the_configured_order),
        cmocka_unit_test(naming__makes_keys_of_addresses),
        cmocka_unit_test(naming__makes_no_keys_of_loopback),
        cmocka_unit_test(naming__makes_keys_of_rpc_services),
        cmocka_unit_test(naming__keeps_the_place_of_a_lesson),
        cmocka_unit_test(naming__cleans_what_it_names),
        cmocka_unit_test(naming__has_room_for_long_texts),
        cmocka_unit_test(naming__cuts_values),
        cmocka_unit_test(naming__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
