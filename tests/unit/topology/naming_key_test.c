/* naming_key_test.c: what decides a site is in the key, and little else. */
#include "topology/naming_key.h"

#include "tests/lib/random.h"
#include "tests/lib/test.h"

enum { ROUNDS = 40000, SEEN = 1 << 12 };

static const char *const keys[] = {
    "service.peer.name",
    "peer.service",
    "service.peer.namespace",
    "server.address",
    "net.peer.name",
    "network.peer.address",
    "net.peer.ip",
    "url.full",
    "http.route",
    "http.status_code",
    "db.system",
    "db.name",
    "db.cassandra.keyspace",
    "messaging.system",
    "messaging.destination.template",
    "messaging.destination.name",
    "rpc.service",
    "rpc.method",
    "rpc.other",
    "messaging.other",
    "http.host",
};
static const char *const numbers[] = {"server.port", "net.peer.port", "network.peer.port",
                                      "db.namespace"};
static const char *const flags[] = {"messaging.destination.temporary",
                                    "messaging.destination.anonymous"};
static const char *const texts[] = {"a", "b", "10.0.0.1", "x/y", "http://u@h:1/p"};

enum { VALUES = 2 };
static const struct view dimension_keys[VALUES] = {{"one", 3}, {"two", 3}};

#define PICK(list) (list[random_below(random, sizeof(list) / sizeof(list[0]))])

static void fill(struct random *random, struct attributes *resource, struct attributes *span)
{
    attributes_reset(resource);
    attributes_reset(span);
    if (random_below(random, 4) != 0)
        attributes_offer_text(resource, VIEW("service.name"), view_of(PICK(texts)));
    if (random_below(random, 4) == 0)
        attributes_offer_text(resource, VIEW("service.namespace"), view_of(PICK(texts)));
    for (uint64_t i = random_below(random, 4); i > 0; i--)
        attributes_offer_text(span, view_of(PICK(keys)), view_of(PICK(texts)));
    if (random_below(random, 2) == 0)
        attributes_offer_number(span, view_of(PICK(numbers)), 1 + (int64_t)random_below(random, 2));
    if (random_below(random, 8) == 0)
        attributes_offer_boolean(span, view_of(PICK(flags)), random_below(random, 2) == 0);
    for (unsigned i = 0; i < VALUES; i++) {
        struct attributes *where = random_below(random, 2) == 0 ? span : resource;
        struct attribute_dimension value = {view_of(PICK(texts)), true};
        if (random_below(random, 2) == 0)
            attributes_offer_dimension(where, dimension_keys[i], value);
    }
}

/* The span's, else the resource's. */
static void find_values(const struct attributes *resource, const struct attributes *span,
                        struct view out_values[VALUES])
{
    for (unsigned i = 0; i < VALUES; i++) {
        const struct attributes *from = (span->dimensions_present >> i & 1) != 0 ? span : resource;
        bool is_there = (from->dimensions_present >> i & 1) != 0;
        out_values[i] = is_there ? from->dimension[i].bytes : (struct view){NULL, 0};
    }
}

struct seen {
    struct hash128 key;
    uint32_t site;
};

/* Equal keys have equal sites: of few names many come twice. */
static void key__decides_the_site(void **state)
{
    const struct naming_options options = {.derive_errors = false};
    const struct catalog_limits limits = {1000, 10000, 10000, 100000, 256, 0, 1000, 0};
    static struct seen seen[SEEN];
    struct random random = random_of(5);
    struct attributes resource = {.present = 0};
    struct attributes span = {.present = 0};
    struct dimensions *dimensions = NULL;
    struct view values[VALUES];
    struct catalog *catalog;
    struct naming_keys naming_keys;
    struct naming *naming;
    struct buf scratch;
    char error[256];
    unsigned met = 0;

    (void)state;
    assert_int_equal(dimensions_new(dimension_keys, VALUES, error, &dimensions), 0);
    resource.dimensions = span.dimensions = dimensions;
    assert_int_equal(naming_new(&options, error, &naming), 0);
    assert_int_equal(catalog_new(&limits, &catalog), 0);
    naming_keys_init(&naming_keys, naming, 9);
    buf_init(&scratch, 0);
    for (int i = 0; i < ROUNDS; i++) {
        struct naming_input input = {&resource,
                                     &span,
                                     view_of(texts[random_below(&random, 4)]),
                                     (enum span_kind)random_below(&random, SPAN_KIND_COUNT),
                                     values,
                                     VALUES};
        struct hash128 key;
        struct seen *slot;
        uint32_t site;
        fill(&random, &resource, &span);
        find_values(&resource, &span, values);
        key = naming_key_resource(&naming_keys, &resource);
        key = naming_key_span(&naming_keys, &key, &input);
        assert_int_equal(naming_site(naming, catalog, &input, &scratch, &site), 0);
        slot = &seen[key.low % SEEN];
        if (slot->key.low == key.low && slot->key.high == key.high) {
            assert_int_equal(slot->site, site);
            met++;
        }
        *slot = (struct seen){key, site};
    }
    assert_true(met > ROUNDS / 20);
    buf_release(&scratch);
    catalog_free(catalog);
    dimensions_free(dimensions);
    naming_free(naming);
}

static struct hash128 key_under(const struct naming_options *options, const struct attributes *span,
                                enum span_kind kind, uint64_t seed)
{
    const struct hash128 resource = {1, 2};
    const struct naming_input input = {NULL, span, VIEW("op"), kind, NULL, 0};
    struct naming_keys naming_keys;
    struct naming *naming;
    char error[256];

    assert_int_equal(naming_new(options, error, &naming), 0);
    naming_keys_init(&naming_keys, naming, seed);
    naming_free(naming);
    return naming_key_span(&naming_keys, &resource, &input);
}

static struct hash128 key_of(const struct attributes *span, enum span_kind kind, uint64_t seed)
{
    return key_under(&(struct naming_options){.derive_errors = false}, span, kind, seed);
}

static bool same(struct hash128 a, struct hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

/* What changes with every request must not defeat the memo. */
static void key__leaves_out_what_cannot_matter(void **state)
{
    struct attributes a = {.present = 0};
    struct attributes b = {.present = 0};

    (void)state;
    attributes_offer_text(&a, VIEW("url.full"), VIEW("http://h/1?q=1"));
    attributes_offer_text(&b, VIEW("url.full"), VIEW("http://h/2?q=2"));
    attributes_offer_text(&a, VIEW("server.address"), VIEW("h"));
    attributes_offer_text(&b, VIEW("server.address"), VIEW("h"));
    attributes_offer_text(&a, VIEW("network.peer.address"), VIEW("10.0.0.1"));
    attributes_offer_text(&b, VIEW("network.peer.address"), VIEW("10.0.0.2"));
    attributes_offer_number(&a, VIEW("http.status_code"), 200);
    attributes_offer_number(&b, VIEW("http.status_code"), 500);
    assert_true(same(key_of(&a, SPAN_KIND_CLIENT, 1), key_of(&b, SPAN_KIND_CLIENT, 1)));
    assert_false(same(key_of(&a, SPAN_KIND_CLIENT, 1), key_of(&a, SPAN_KIND_CLIENT, 2)));
    assert_false(same(key_of(&a, SPAN_KIND_CLIENT, 1), key_of(&a, SPAN_KIND_PRODUCER, 1)));
    attributes_reset(&b);
    attributes_offer_text(&b, VIEW("server.address"), VIEW("other"));
    assert_false(same(key_of(&a, SPAN_KIND_CLIENT, 1), key_of(&b, SPAN_KIND_CLIENT, 1)));
    assert_true(same(key_of(&a, SPAN_KIND_SERVER, 1), key_of(&b, SPAN_KIND_SERVER, 1)));
}

/* Texts must not run into each other. */
static void key__keeps_pieces_apart(void **state)
{
    struct attributes a = {.present = 0};
    struct attributes b = {.present = 0};

    (void)state;
    attributes_offer_text(&a, VIEW("peer.service"), VIEW("ab"));
    attributes_offer_text(&a, VIEW("service.peer.namespace"), VIEW("c"));
    attributes_offer_text(&b, VIEW("peer.service"), VIEW("a"));
    attributes_offer_text(&b, VIEW("service.peer.namespace"), VIEW("bc"));
    assert_false(same(key_of(&a, SPAN_KIND_CLIENT, 1), key_of(&b, SPAN_KIND_CLIENT, 1)));
}

/* Texts of all sizes, which differ in one byte wherever it is, or in their size alone. */
static void key__tells_texts_of_all_sizes_apart(void **state)
{
    enum { SIZE_MAX_TRIED = 100 };
    char one[SIZE_MAX_TRIED];
    char other[SIZE_MAX_TRIED];

    (void)state;
    memset(one, 'a', sizeof(one));
    memset(other, 'a', sizeof(other));
    for (size_t size = 1; size <= SIZE_MAX_TRIED; size++) {
        struct attributes a = {.present = 0};
        struct attributes b = {.present = 0};
        attributes_offer_text(&a, VIEW("peer.service"), (struct view){one, size});
        attributes_offer_text(&b, VIEW("peer.service"), (struct view){other, size});
        assert_true(same(key_of(&a, SPAN_KIND_CLIENT, 1), key_of(&b, SPAN_KIND_CLIENT, 1)));
        for (size_t i = 0; i < size; i++) {
            other[i] = 'b';
            assert_false(same(key_of(&a, SPAN_KIND_CLIENT, 1), key_of(&b, SPAN_KIND_CLIENT, 1)));
            other[i] = 'a';
        }
        b.value[ATTRIBUTE_PEER_SERVICE].text.size--;
        assert_false(same(key_of(&a, SPAN_KIND_CLIENT, 1), key_of(&b, SPAN_KIND_CLIENT, 1)));
    }
}

/* A text means another thing in another place, and a number is no text. */
static void key__tells_places_and_types_apart(void **state)
{
    struct attributes a = {.present = 0};
    struct attributes b = {.present = 0};

    (void)state;
    attributes_offer_text(&a, VIEW("peer.service"), VIEW("same"));
    attributes_offer_text(&b, VIEW("service.peer.name"), VIEW("same"));
    assert_false(same(key_of(&a, SPAN_KIND_CLIENT, 1), key_of(&b, SPAN_KIND_CLIENT, 1)));
    attributes_reset(&a);
    attributes_reset(&b);
    attributes_offer_text(&a, VIEW("db.namespace"), VIEW("1\0\0\0\0\0\0\0"));
    attributes_offer_number(&b, VIEW("db.namespace"), '1');
    assert_false(same(key_of(&a, SPAN_KIND_CLIENT, 1), key_of(&b, SPAN_KIND_CLIENT, 1)));
    attributes_reset(&a);
    attributes_reset(&b);
    attributes_offer_text(&a, VIEW("server.address"), VIEW("same"));
    attributes_offer_text(&b, VIEW("net.peer.name"), VIEW("same"));
    assert_false(same(key_of(&a, SPAN_KIND_CLIENT, 1), key_of(&b, SPAN_KIND_CLIENT, 1)));
}

/* The host of a URL is left out where a name goes before it, and only there. */
static void key__has_urls_that_may_name_a_callee(void **state)
{
    static const struct view words[][2] = {{{"address", 7}, {"url_host", 8}},
                                           {{"url_host", 8}, {"address", 7}},
                                           {{"address", 7}, {"peer", 4}}};
    static const struct naming_rule rule = {{"^h$", 3}, {"", 0}};
    static const struct {
        const char *address;
        struct naming_options options;
        bool decides;
    } cases[] = {
        {"h", {.derive_errors = false}, false},
        {"cart", {.derive_errors = false}, false},
        {"10.0.0.1", {.derive_errors = false}, true},
        {"fe80::1", {.derive_errors = false}, true},
        {"::1", {.derive_errors = false}, true},
        {"[::1]", {.derive_errors = false}, true},
        {"h", {.rewrite = &rule, .rewrite_count = 1}, true},
        {"h", {.peer_order = words[0], .peer_order_count = 2}, false},
        {"h", {.peer_order = words[1], .peer_order_count = 2}, true},
        {"10.0.0.1", {.peer_order = words[2], .peer_order_count = 2}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct attributes a = {.present = 0};
        struct attributes b = {.present = 0};
        attributes_offer_text(&a, VIEW("server.address"), view_of(cases[i].address));
        attributes_offer_text(&b, VIEW("server.address"), view_of(cases[i].address));
        attributes_offer_text(&a, VIEW("url.full"), VIEW("http://one/"));
        attributes_offer_text(&b, VIEW("url.full"), VIEW("http://two/"));
        assert_int_equal(same(key_under(&cases[i].options, &a, SPAN_KIND_CLIENT, 1),
                              key_under(&cases[i].options, &b, SPAN_KIND_CLIENT, 1)),
                         !cases[i].decides);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key__decides_the_site),
        cmocka_unit_test(key__leaves_out_what_cannot_matter),
        cmocka_unit_test(key__keeps_pieces_apart),
        cmocka_unit_test(key__tells_texts_of_all_sizes_apart),
        cmocka_unit_test(key__tells_places_and_types_apart),
        cmocka_unit_test(key__has_urls_that_may_name_a_callee),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
