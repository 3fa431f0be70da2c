/* naming_rules_test.c: configured prefixes and patterns. */
#include "topology/naming_rules.h"

#include "tests/lib/test.h"

struct rules {
    struct naming_rules rules;
    char error[256];
    struct buf into;
};

static int start(struct rules *on, const struct naming_rule *cidr, size_t cidr_count,
                 const struct naming_rule *rewrite, size_t rewrite_count)
{
    const struct naming_options options = {
        .cidr = cidr, .cidr_count = cidr_count, .rewrite = rewrite, .rewrite_count = rewrite_count};

    on->error[0] = '\0';
    buf_init(&on->into, 0);
    assert_int_equal(buf_reserve(&on->into, NAMING_REWRITE_MAX), 0);
    return naming_rules_init(&on->rules, &options, on->error);
}

static void stop(struct rules *on)
{
    naming_rules_release(&on->rules);
    buf_release(&on->into);
}

static struct view collapse(const struct rules *on, const char *address)
{
    struct naming_ip ip;

    assert_true(naming_parse_ip(view_of(address), &ip));
    return naming_rules_collapse(&on->rules, &ip);
}

static struct view rewrite(struct rules *on, struct view name)
{
    struct view out = {NULL, 0};

    buf_reset(&on->into);
    assert_int_equal(naming_rules_rewrite(&on->rules, name, &on->into, &out), 0);
    return out;
}

static void rules__collapse_addresses(void **state)
{
    static const struct naming_rule cidr[] = {
        {VIEW("10.0.0.0/8"), VIEW("office")},   {VIEW("10.1.0.0/16"), VIEW("lab")},
        {VIEW("10.1.2.3"), VIEW("printer")},    {VIEW("2001:db8::/33"), VIEW("six")},
        {VIEW("192.168.0.1/31"), VIEW("pair")}, {VIEW("fe80::1"), VIEW("link")},
    };
    struct rules on;

    (void)state;
    assert_int_equal(start(&on, cidr, sizeof(cidr) / sizeof(cidr[0]), NULL, 0), 0);
    assert_view_equal(collapse(&on, "10.255.255.255"), "office");
    assert_view_equal(collapse(&on, "10.1.9.9"), "lab"); /* The longest prefix. */
    assert_view_equal(collapse(&on, "10.1.2.3"), "printer");
    assert_view_equal(collapse(&on, "::ffff:10.1.2.3"), "printer");
    assert_view_equal(collapse(&on, "2001:db8:7fff::1"), "six");
    assert_view_equal(collapse(&on, "2001:db8:8000::1"), "");
    assert_view_equal(collapse(&on, "192.168.0.0"), "pair");
    assert_view_equal(collapse(&on, "192.168.0.2"), "");
    assert_view_equal(collapse(&on, "11.0.0.1"), "");
    assert_view_equal(collapse(&on, "fe80::1%eth0"), "link");
    stop(&on);
}

static void rules__know_the_whole_of_an_address_family(void **state)
{
    static const struct naming_rule all[] = {{VIEW("0.0.0.0/0"), VIEW("four")},
                                             {VIEW("::/0"), VIEW("any")}};
    struct rules on;

    (void)state;
    assert_int_equal(start(&on, all, 2, NULL, 0), 0);
    assert_view_equal(collapse(&on, "8.8.8.8"), "four");
    assert_view_equal(collapse(&on, "::1"), "any");
    stop(&on);
}

static void rules__refuse_wrong_prefixes(void **state)
{
    static const char *const wrong[] = {"",           "a",  "10.0.0.0/33", "10.0.0.0/", "::/129",
                                        "10.0.0.0/x", "/8", "10.0.0.0/-1", "10.0.0/24", "::/1234"};
    struct rules on;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct naming_rule rule = {view_of(wrong[i]), VIEW("name")};
        assert_int_equal(start(&on, &rule, 1, NULL, 0), STATUS_INVALID);
        assert_non_null(strstr(on.error, "names.cidr: '"));
        stop(&on);
    }
    assert_int_equal(start(&on, &(struct naming_rule){VIEW("::/1"), VIEW("")}, 1, NULL, 0),
                     STATUS_INVALID);
    stop(&on);
}

static void rules__rewrite_by_the_first_pattern_that_fits(void **state)
{
    static const struct naming_rule patterns[] = {
        {VIEW("^(\\w+)-\\d+\\.shop$"), VIEW("$1.shop")},
        {VIEW("^(?<name>[a-z]+)\\.example$"), VIEW("${name}")},
        {VIEW("shop"), VIEW("never, where the first fits")},
        {VIEW("^empty$"), VIEW("")},
        {VIEW("\xC3\xBC"), VIEW("ue")},
        {VIEW("a|(b)"), VIEW("[$1]")},
    };
    struct rules on;

    (void)state;
    assert_int_equal(start(&on, NULL, 0, patterns, sizeof(patterns) / sizeof(patterns[0])), 0);
    assert_view_equal(rewrite(&on, VIEW("cart-17.shop")), "cart.shop");
    assert_view_equal(rewrite(&on, VIEW("bank.example")), "bank");
    assert_view_equal(rewrite(&on, VIEW("my shop")), "my never, where the first fits");
    assert_view_equal(rewrite(&on, VIEW("other.test")), "other.test");
    assert_view_equal(rewrite(&on, VIEW("empty")), "");
    assert_view_equal(rewrite(&on, VIEW("f\xC3\xBCr")), "fuer");
    assert_view_equal(rewrite(&on, VIEW("a")), "[]"); /* A group that was not part of it. */
    stop(&on);
}

static void rules__refuse_wrong_patterns(void **state)
{
    static const struct naming_rule wrong[] = {
        {VIEW("("), VIEW("x")},       {VIEW("[z-a]"), VIEW("x")}, {VIEW("a"), VIEW("$1")},
        {VIEW("a"), VIEW("${nope}")}, {VIEW("a"), VIEW("${")},    {VIEW("\\C"), VIEW("x")},
        {VIEW("\xFF"), VIEW("x")},
    };
    struct rules on;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(start(&on, NULL, 0, &wrong[i], 1), STATUS_INVALID);
        assert_non_null(strstr(on.error, "names.rewrite: '"));
        stop(&on);
    }
}

/* A pattern that would take forever does not fit, and says so soon. */
static void rules__bound_a_match(void **state)
{
    static const struct naming_rule slow = {VIEW("^(a+)+$"), VIEW("x")};
    static const struct naming_rule large = {VIEW("a"), VIEW("$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0")};
    static const struct naming_rule all = {VIEW("^(.*)$"), VIEW("$1$1$1$1$1$1$1$1$1")};
    char name[1000];
    struct rules on;

    (void)state;
    memset(name, 'a', sizeof(name));
    name[40] = '!';
    assert_int_equal(start(&on, NULL, 0, &slow, 1), 0);
    assert_true(view_equal(rewrite(&on, (struct view){name, 41}), (struct view){name, 41}));
    stop(&on);
    assert_int_equal(start(&on, NULL, 0, &large, 1), 0);
    assert_view_equal(rewrite(&on, VIEW("ba")), "baaaaaaaaaaaaaaaa");
    stop(&on);
    name[40] = 'a';
    assert_int_equal(start(&on, NULL, 0, &all, 1), 0); /* 9,000 bytes are too long. */
    assert_int_equal(rewrite(&on, (struct view){name, sizeof(name)}).size, sizeof(name));
    stop(&on);
}

static int init_step(void *context)
{
    static const struct naming_rule cidr[] = {{VIEW("10.0.0.0/8"), VIEW("office")}};
    static const struct naming_rule patterns[] = {{VIEW("(a)"), VIEW("$1")}};
    const struct naming_options options = {
        .cidr = cidr, .cidr_count = 1, .rewrite = patterns, .rewrite_count = 1};
    struct buf *into = context;
    struct naming_rules rules;
    struct view out;
    char error[256];
    int status = naming_rules_init(&rules, &options, error);

    if (status != 0)
        return status;
    into->size = 0;
    status = naming_rules_rewrite(&rules, VIEW("a"), into, &out);
    naming_rules_release(&rules);
    return status;
}

static void rules__survive_failing_memory(void **state)
{
    struct buf into;

    (void)state;
    buf_init(&into, 0);
    assert_int_equal(buf_reserve(&into, NAMING_REWRITE_MAX), 0);
    test_sweep_memory(init_step, &into);
    buf_release(&into);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules__collapse_addresses),
        cmocka_unit_test(rules__know_the_whole_of_an_address_family),
        cmocka_unit_test(rules__refuse_wrong_prefixes),
        cmocka_unit_test(rules__rewrite_by_the_first_pattern_that_fits),
        cmocka_unit_test(rules__refuse_wrong_patterns),
        cmocka_unit_test(rules__bound_a_match),
        cmocka_unit_test(rules__survive_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
