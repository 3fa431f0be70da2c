/* dimensions_test.c: keys become labels that clash with nothing, and values are packed. */
#include "topology/dimensions.h"

#include "tests/lib/test.h"

#include "topology/attributes.h"

static struct dimensions *make(const char *const *keys, size_t count)
{
    struct view views[DIMENSIONS_MAX];
    struct dimensions *dimensions = NULL;
    char error[256];

    for (size_t i = 0; i < count; i++)
        views[i] = view_of(keys[i]);
    assert_int_equal(dimensions_new(views, count, error, &dimensions), 0);
    return dimensions;
}

static void expect_refused(const char *const *keys, size_t count, const char *sentence)
{
    struct view views[DIMENSIONS_MAX + 1];
    struct dimensions *dimensions = NULL;
    char error[256];

    for (size_t i = 0; i < count; i++)
        views[i] = view_of(keys[i]);
    assert_int_equal(dimensions_new(views, count, error, &dimensions), STATUS_INVALID);
    assert_null(dimensions);
    assert_string_equal(error, sentence);
}

static void dimensions__makes_labels(void **state)
{
    static const struct {
        const char *key, *plain, *client, *server;
    } cases[] = {
        {"http.request.method", "http_request_method", "client_http_request_method",
         "server_http_request_method"},
        {"a..b-c/d", "a_b_c_d", "client_a_b_c_d", "server_a_b_c_d"},
        {"1st", "_1st", "client_1st", "server_1st"},
        {"_x", "_x", "client_x", "server_x"},
        {"__name__", "_name_", "client_name_", "server_name_"},
        {"\xC3\xA4", "_", "client_", "server_"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dimensions *dimensions = make(&cases[i].key, 1);
        assert_view_equal(dimensions->items[0].key, cases[i].key);
        assert_view_equal(dimensions->items[0].label[DIMENSION_PLAIN], cases[i].plain);
        assert_view_equal(dimensions->items[0].label[DIMENSION_CLIENT], cases[i].client);
        assert_view_equal(dimensions->items[0].label[DIMENSION_SERVER], cases[i].server);
        dimensions_free(dimensions);
    }
}

static void dimensions__refuses_what_clashes(void **state)
{
    static const struct {
        const char *keys[2];
        size_t count;
        const char *sentence;
    } cases[] = {
        {{"a", "a"}, 2, "'a' is told twice"},
        {{"a.b", "a_b"}, 2, "'a.b' and 'a_b' would both be the label a_b"},
        {{"x", "_x"}, 2, "'x' and '_x' would both be the label client_x"},
        {{"service"}, 1, "'service' would be the label service, which the metrics have already"},
        {{"span.name"},
         1,
         "'span.name' would be the label span_name, which the metrics have already"},
        {{"service.namespace"},
         1,
         "'service.namespace' would be the label service_namespace, which the metrics have already"},
        {{"le"}, 1, "'le' would be the label le, which the metrics have already"},
        {{"otel.metric.overflow"},
         1,
         "'otel.metric.overflow' would be the label otel_metric_overflow, which the metrics have "
         "already"},
        {{""}, 1, "the name of an attribute is empty"},
        {{"client.address"},
         1,
         "'client.address' cannot be one: the address of a client is never a label"},
        {{"db.query.text"},
         1,
         "'db.query.text' cannot be one: the text of a query is never a label"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_refused(cases[i].keys, cases[i].count, cases[i].sentence);
}

static void dimensions__bounds_keys(void **state)
{
    static const char *const many[DIMENSIONS_MAX + 1] = {
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q"};
    char longest[DIMENSION_KEY_MAX + 2];
    const char *key = longest;
    struct dimensions *dimensions = make(many, DIMENSIONS_MAX);

    (void)state;
    assert_int_equal(dimensions->count, DIMENSIONS_MAX);
    dimensions_free(dimensions);
    expect_refused(many, DIMENSIONS_MAX + 1, "there are 17, and 16 is the most");
    memset(longest, 'k', sizeof(longest));
    longest[DIMENSION_KEY_MAX] = '\0';
    dimensions = make(&key, 1);
    assert_int_equal(dimensions_find(dimensions, view_of(key)), 0);
    dimensions_free(dimensions);
    longest[DIMENSION_KEY_MAX] = 'k';
    longest[DIMENSION_KEY_MAX + 1] = '\0';
    expect_refused(
        &key, 1,
        "'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...' is longer than "
        "255 bytes");
}

static void dimensions__finds_keys(void **state)
{
    static const char *const keys[] = {
        "env",
        "zone",
        "k8s.pod.name",
        "peer.service",
        "a.key.that.is.longer.than.sixty.three.bytes.and.ends.with.one.of.them.0",
        "a.key.that.is.longer.than.sixty.three.bytes.and.ends.with.one.of.them.1"};
    struct dimensions *dimensions = make(keys, 6);

    (void)state;
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(dimensions_find(dimensions, view_of(keys[i])), i);
    assert_int_equal(dimensions_find(dimensions, VIEW("enw")), DIMENSIONS_MAX);
    assert_int_equal(dimensions_find(dimensions, VIEW("en")), DIMENSIONS_MAX);
    dimensions_free(dimensions);
}

static void dimensions__packs_values(void **state)
{
    char packed[64];
    size_t size = 0;
    const char *const values[] = {"one", "", "three"};
    struct view left, value;
    unsigned which = 0, count = 0;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        if (values[i][0] == '\0')
            continue;
        dimension_head(packed + size, i, strlen(values[i]));
        memcpy(packed + size + DIMENSION_HEAD_BYTES, values[i], strlen(values[i]));
        size += DIMENSION_HEAD_BYTES + strlen(values[i]);
    }
    left = (struct view){packed, size};
    while (dimension_next(&left, &which, &value)) {
        assert_view_equal(value, values[which]);
        count++;
    }
    assert_int_equal(count, 2);
    assert_view_equal(dimension_value((struct view){packed, size}, 2), "three");
    assert_int_equal(dimension_value((struct view){packed, size}, 1).size, 0);
}

static void dimensions__keeps_the_first_value(void **state)
{
    static const char *const keys[] = {"env", "peer.service"};
    struct dimensions *dimensions = make(keys, 2);
    struct attributes on = {.dimensions = dimensions};

    (void)state;
    attributes_reset(&on);
    attributes_offer_dimension(&on, VIEW("env"), (struct attribute_dimension){VIEW("prod"), true});
    attributes_offer_dimension(&on, VIEW("env"), (struct attribute_dimension){VIEW("test"), true});
    attributes_offer_dimension(&on, VIEW("other"), (struct attribute_dimension){VIEW("x"), true});
    assert_int_equal(on.dimensions_present, 1);
    assert_int_equal(on.repeated, 1);
    assert_view_equal(on.dimension[0].bytes, "prod");
    attributes_reset(&on);
    assert_int_equal(on.dimensions_present, 0);
    attributes_offer_dimension(&on, VIEW("env"), (struct attribute_dimension){VIEW(""), true});
    attributes_offer_dimension(&on, VIEW("env"), (struct attribute_dimension){VIEW("test"), true});
    assert_int_equal(on.dimensions_present, 0);
    assert_int_equal(on.repeated, 2);
    dimensions_free(dimensions);
}

static int make_with_failures(void *context)
{
    static const struct view keys[] = {{"env", 3}, {"zone", 4}};
    struct dimensions *dimensions;
    char error[256];
    int status = dimensions_new(keys, 2, error, &dimensions);

    (void)context;
    if (status == 0)
        dimensions_free(dimensions);
    return status;
}

static void dimensions__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(make_with_failures, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dimensions__makes_labels),
        cmocka_unit_test(dimensions__refuses_what_clashes),
        cmocka_unit_test(dimensions__bounds_keys),
        cmocka_unit_test(dimensions__finds_keys),
        cmocka_unit_test(dimensions__packs_values),
        cmocka_unit_test(dimensions__keeps_the_first_value),
        cmocka_unit_test(dimensions__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
