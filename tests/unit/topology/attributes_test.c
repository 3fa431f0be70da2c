/* attributes_test.c: what is picked out of the attributes of a span. */
#include "topology/attributes.h"

#include "tests/lib/test.h"
#include "topology/attribute_names.h"
#include "topology/span.h"

static void offer(struct attributes *attributes, const char *key, const char *text)
{
    attributes_offer_text(attributes, view_of(key), view_of(text));
}

static void attributes__keeps_what_is_wanted(void **state)
{
    struct attributes on = {.present = 0};

    (void)state;
    offer(&on, "service.name", "shop");
    offer(&on, "server.address", "db.example");
    offer(&on, "http.request.method", "GET");
    offer(&on, "server.addresz", "x");
    offer(&on, "", "x");
    attributes_offer_number(&on, VIEW("server.port"), 5432);
    attributes_offer_boolean(&on, VIEW("messaging.destination.temporary"), true);
    assert_view_equal(attribute_text(&on, ATTRIBUTE_SERVICE_NAME), "shop");
    assert_view_equal(attribute_text(&on, ATTRIBUTE_SERVER_ADDRESS), "db.example");
    assert_int_equal(attribute_at(&on, ATTRIBUTE_SERVER_PORT)->type, ATTRIBUTE_NUMBER);
    assert_int_equal(on.value[ATTRIBUTE_SERVER_PORT].number, 5432);
    assert_int_equal(attribute_at(&on, ATTRIBUTE_DESTINATION_TEMPORARY)->type, ATTRIBUTE_BOOLEAN);
    assert_int_equal(on.value[ATTRIBUTE_DESTINATION_TEMPORARY].number, 1);
    assert_int_equal(on.present, 1U << ATTRIBUTE_SERVICE_NAME | 1U << ATTRIBUTE_SERVER_ADDRESS |
                                     1U << ATTRIBUTE_SERVER_PORT |
                                     1U << ATTRIBUTE_DESTINATION_TEMPORARY);
    assert_int_equal(on.repeated, 0);
}

static void attributes__prefers_the_current_name(void **state)
{
    static const char *const names[] = {"http.server_name", "http.host", "net.peer.name",
                                        "server.address"};
    struct attributes on = {.present = 0};

    (void)state;
    for (size_t i = 0; i < 4; i++) { /* Each is better than those before it. */
        offer(&on, names[i], names[i]);
        assert_view_equal(attribute_text(&on, ATTRIBUTE_SERVER_ADDRESS), names[i]);
        assert_int_equal(on.value[ATTRIBUTE_SERVER_ADDRESS].rank, 3 - i);
    }
    attributes_reset(&on);
    for (size_t i = 4; i-- > 0;) {
        offer(&on, names[i], names[i]);
        assert_view_equal(attribute_text(&on, ATTRIBUTE_SERVER_ADDRESS), "server.address");
    }
    assert_int_equal(on.repeated, 0);
}

static void attributes__takes_the_first_of_equal_keys(void **state)
{
    struct attributes on = {.present = 0};

    (void)state;
    offer(&on, "peer.service", "a");
    offer(&on, "peer.service", "b");
    assert_view_equal(attribute_text(&on, ATTRIBUTE_PEER_SERVICE), "a");
    assert_int_equal(on.repeated, 1);
    /* Even if it is empty, or of a type that says nothing. */
    offer(&on, "url.full", "");
    offer(&on, "url.full", "http://a/");
    assert_view_equal(attribute_text(&on, ATTRIBUTE_URL_FULL), "");
    attributes_offer_number(&on, VIEW("http.route"), 5);
    offer(&on, "http.route", "/a");
    assert_view_equal(attribute_text(&on, ATTRIBUTE_HTTP_ROUTE), "");
    attributes_offer_empty(&on, VIEW("db.name"));
    offer(&on, "db.name", "a");
    assert_view_equal(attribute_text(&on, ATTRIBUTE_DB_NAMESPACE), "");
    attributes_offer_other(&on, VIEW("server.port"));
    attributes_offer_number(&on, VIEW("server.port"), 1);
    assert_int_equal(attribute_at(&on, ATTRIBUTE_SERVER_PORT)->type, ATTRIBUTE_ABSENT);
    assert_int_equal(on.repeated, 5);
    attributes_reset(&on);
    offer(&on, "peer.service", "b");
    assert_view_equal(attribute_text(&on, ATTRIBUTE_PEER_SERVICE), "b");
    assert_int_equal(on.repeated, 5); /* Goes on over a reset. */
}

static void attributes__takes_an_empty_text_as_absent(void **state)
{
    struct attributes on = {.present = 0};

    (void)state;
    offer(&on, "server.address", "");
    offer(&on, "net.peer.name", "old");
    offer(&on, "rpc.service", "");
    offer(&on, "messaging.system", "");
    assert_view_equal(attribute_text(&on, ATTRIBUTE_SERVER_ADDRESS), "old");
    assert_false(attributes_has_rpc(&on));
    assert_false(attributes_has_messaging(&on));
}

static void attributes__reads_numbers_that_are_text(void **state)
{
    static const char *const wrong[] = {"x", "-1", "1x", "1234567890123456789", " 1"};
    struct attributes on = {.present = 0};

    (void)state;
    offer(&on, "server.port", "123456789012345678");
    assert_true(on.value[ATTRIBUTE_SERVER_PORT].number == 123456789012345678);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        attributes_reset(&on);
        offer(&on, "server.port", wrong[i]);
        assert_int_equal(attribute_at(&on, ATTRIBUTE_SERVER_PORT)->type, ATTRIBUTE_ABSENT);
    }
    attributes_reset(&on);
    attributes_offer_number(&on, VIEW("server.address"), 5); /* A number is no address. */
    attributes_offer_number(&on, VIEW("db.namespace"), 5);   /* But may name a database. */
    attributes_offer_boolean(&on, VIEW("server.port"), true);
    assert_int_equal(on.present, 1U << ATTRIBUTE_DB_NAMESPACE);
    assert_int_equal(on.value[ATTRIBUTE_DB_NAMESPACE].number, 5);
}

static void attributes__keeps_weights(void **state)
{
    static const struct {
        const char *text;
        uint64_t ratio, rate; /* 0: it is none. */
    } cases[] = {
        {"0.25", 4 * WEIGHT_ONE, 0},
        {"1", WEIGHT_ONE, WEIGHT_ONE},
        {"10.0", 0, 10 * WEIGHT_ONE},
        {"0.1", 10 * WEIGHT_ONE, 0},
        {"0.00000000000001", 2 * WEIGHT_MAX, 0},
        {"99999999999999.9", 0, 2 * WEIGHT_MAX},
        {"0.000000000000001", 0, 0}, /* 16 digits. */
        {"0", 0, 0},
        {"", 0, 0},
        {".5", 0, 0},
        {"5.", 0, 0},
        {".", 0, 0},
        {"1.2.3", 0, 0},
        {"-1", 0, 0},
        {"1e3", 0, 0},
        {"inf", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct attributes on = {.present = 0};
        offer(&on, "sampling.ratio", cases[i].text);
        offer(&on, "SampleRate", cases[i].text);
        assert_int_equal(on.value[ATTRIBUTE_SAMPLING_RATIO].number, cases[i].ratio);
        assert_int_equal(on.value[ATTRIBUTE_SAMPLE_RATE].number, cases[i].rate);
        assert_int_equal(on.present >> ATTRIBUTE_SAMPLING_RATIO & 1, cases[i].ratio != 0);
    }
}

static void attributes__reads_booleans_that_are_text(void **state)
{
    static const struct {
        const char *text;
        int64_t number;
    } cases[] = {{"true", 1}, {"True", 1}, {"false", 0}, {"x", 0}};
    struct attributes on = {.present = 0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        attributes_reset(&on);
        offer(&on, "messaging.destination.anonymous", cases[i].text);
        assert_int_equal(attribute_at(&on, ATTRIBUTE_DESTINATION_ANONYMOUS)->type,
                         ATTRIBUTE_BOOLEAN);
        assert_int_equal(on.value[ATTRIBUTE_DESTINATION_ANONYMOUS].number, cases[i].number);
    }
}

static void attributes__keeps_the_host_of_an_authority(void **state)
{
    static const struct {
        const char *text;
        const char *host;
    } cases[] = {
        {"a.example", "a.example"},
        {"a.example:80", "a.example"},
        {"[::1]:80", "::1"},
        {"[::1]", "::1"},
        {"::1", "::1"},
        {"[::1", "[::1"},
        {":80", ""},
        {"[]", ""},
        {"a:", "a"},
    };
    struct attributes on = {.present = 0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        attributes_reset(&on);
        offer(&on, "http.host", cases[i].text);
        assert_view_equal(attribute_text(&on, ATTRIBUTE_SERVER_ADDRESS), cases[i].host);
    }
}

static void attributes__notes_families(void **state)
{
    struct attributes on = {.present = 0};

    (void)state;
    offer(&on, "rpc.", "x");
    offer(&on, "messaging.", "x");
    offer(&on, "rpcx.y", "x");
    offer(&on, "messagingx.y", "x");
    attributes_offer_empty(&on, VIEW("rpc.anything"));
    assert_false(attributes_has_rpc(&on));
    assert_false(attributes_has_messaging(&on));
    attributes_offer_other(&on, VIEW("messaging.an.array.of.some.length.that.no.row.has.at.all"));
    attributes_offer_boolean(&on, VIEW("rpc.x"), false);
    assert_true(attributes_has_rpc(&on));
    assert_true(attributes_has_messaging(&on));
    attributes_reset(&on);
    assert_false(attributes_has_rpc(&on) || attributes_has_messaging(&on));
    attributes_offer_number(&on, VIEW("rpc.x"), 0);
    offer(&on, "messaging.x", "y");
    assert_true(attributes_has_rpc(&on) && attributes_has_messaging(&on));
}

static bool is_let_through(const uint32_t *filter, const char *key, size_t size)
{
    return (filter[size < 63 ? size : 63] >> (key[0] & 31) & 1) != 0;
}

static void attributes_make_filter__lets_through_what_has_an_effect(void **state)
{
    uint32_t filter[ATTRIBUTES_FILTER];
    struct attributes on = {.present = 0};
    char key[80];
    size_t left_out = 0;

    (void)state;
    attributes_make_filter(NULL, filter);
    for (size_t i = 0; i < ATTRIBUTE_NAMES; i++)
        if (attribute_names[i].size != 0)
            assert_true(is_let_through(filter, attribute_names[i].key, attribute_names[i].size));
    assert_true(is_let_through(filter, "SampleRate", 10));
    for (size_t size = 1; size < sizeof(key); size++) {
        for (unsigned letter = 0; letter < 256; letter++) {
            static const char *const heads[] = {"", "rpc.", "messaging.", "messaging.operation."};
            for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
                memset(key, (int)letter, sizeof(key));
                memcpy(key, heads[i], strlen(heads[i]));
                if (is_let_through(filter, key, size))
                    continue;
                left_out++;
                attributes_offer_number(&on, (struct view){key, size}, 1);
                assert_true(on.present == 0 && on.seen == 0 && on.repeated == 0);
            }
        }
    }
    assert_true(left_out > 10000);
}

static void attributes_make_filter__has_dimensions(void **state)
{
    const struct view keys[] = {VIEW("x"),
                                VIEW("a.key.of.more.than.sixty.three.bytes.which.all.stand."
                                     "together.in.the.last.place")};
    uint32_t without[ATTRIBUTES_FILTER];
    uint32_t filter[ATTRIBUTES_FILTER];
    struct dimensions *dimensions;
    char error[256];

    (void)state;
    assert_int_equal(dimensions_new(keys, 2, error, &dimensions), 0);
    attributes_make_filter(NULL, without);
    attributes_make_filter(dimensions, filter);
    for (size_t i = 0; i < ATTRIBUTES_FILTER; i++)
        assert_int_equal(filter[i], without[i] | (i == 1    ? 1U << ('x' & 31)
                                                  : i == 63 ? 1U << ('a' & 31)
                                                            : 0));
    dimensions_free(dimensions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes__keeps_what_is_wanted),
        cmocka_unit_test(attributes__prefers_the_current_name),
        cmocka_unit_test(attributes__takes_the_first_of_equal_keys),
        cmocka_unit_test(attributes__takes_an_empty_text_as_absent),
        cmocka_unit_test(attributes__reads_numbers_that_are_text),
        cmocka_unit_test(attributes__keeps_weights),
        cmocka_unit_test(attributes__reads_booleans_that_are_text),
        cmocka_unit_test(attributes__keeps_the_host_of_an_authority),
        cmocka_unit_test(attributes__notes_families),
        cmocka_unit_test(attributes_make_filter__lets_through_what_has_an_effect),
        cmocka_unit_test(attributes_make_filter__has_dimensions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
