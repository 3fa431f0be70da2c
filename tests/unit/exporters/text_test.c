/* text_test.c: the tree shows every edge once, also in circles and long chains. */
#include "exporters/text.h"

#include <stdio.h>

#include "tests/lib/exporter_fixture.h"

static void text__is_a_tree(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter_text, snapshot_sample_shop);
    assert_string_equal(
        fixture_text(&fixture),
        "10 nodes, 10 edges, over 1 min\n"
        "\n"
        "CALLS                                               RATE    ERRORS       P50       P95  "
        "VIA\n"
        "user\n"
        "└─ frontend                                        100/s      0.5%   40.1 ms    699 ms  "
        "virtual_node\n"
        "   ├─ checkout                                      20/s      2.1%    101 ms    101 ms\n"
        "   │  ├─ order-events (messaging)                 18.3/s        0%      2 ms      2 ms  "
        "messaging_system\n"
        "   │  │  └─ worker                                18.2/s      0.4%     55 ms     55 ms  "
        "messaging_system\n"
        "   │  │     └─ mailer                             0.03/s        0%   13.5 ms   13.5 ms\n"
        "   │  ├─ inventory                                  20/s      0.3%   6.75 ms   6.75 ms\n"
        "   │  │  └─ orders (database)                      170/s        0%      1 ms      1 ms  "
        "database\n"
        "   │  └─ payment                                  19.2/s        8%    338 ms    338 ms\n"
        "   │     └─ api.bank.example (external)           19.2/s      7.8%    280 ms    280 ms  "
        "virtual_node\n"
        "   └─ inventory ↑                                  150/s        0%    4.5 ms    4.5 ms\n"
        "\n"
        "100 spans: 60 paired, 20 internal, 5 waiting, 1 duplicate, 2 unpaired parent_missing, 1 "
        "unpaired late, 9 unpaired no_server, 1 dropped evicted, 1 rejected invalid_id\n");
    fixture_end(&fixture);
}

static size_t count(const char *text, const char *part)
{
    size_t found = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        found++;
    return found;
}

static void text__shows_circles_once(void **state)
{
    struct exporter_fixture fixture;
    uint32_t nodes[3];
    const char *text;

    (void)state;
    fixture_begin(&fixture, &exporter_text, NULL);
    nodes[0] = snapshot_build_service(&fixture.build, "a");
    nodes[1] = snapshot_build_service(&fixture.build, "b");
    nodes[2] = snapshot_build_service(&fixture.build, "c");
    for (size_t i = 0; i < 3; i++)
        (void)snapshot_build_edge(&fixture.build, nodes[i], nodes[(i + 1) % 3], CONNECTION_DIRECT,
                                  6, 0);
    (void)snapshot_build_edge(&fixture.build, nodes[1], nodes[1], CONNECTION_DIRECT, 6, 0);
    fixture.input.options.self_edges = true;
    text = fixture_text(&fixture);
    assert_int_equal(count(text, "0.1/s"), 4);
    assert_has(text, "\na\n└─ b ");
    assert_has(text, "\n   ├─ b ↑");
    assert_has(text, "\n      └─ a ↑");
    fixture_end(&fixture);
}

static void text__goes_down_long_chains(void **state)
{
    struct exporter_fixture fixture;
    uint32_t last;
    char name[16];

    (void)state;
    fixture_begin(&fixture, &exporter_text, NULL);
    last = snapshot_build_service(&fixture.build, "head");
    for (int i = 0; i < 2000; i++) {
        uint32_t next;
        int size = snprintf(name, sizeof(name), "link-%d", i);
        next = snapshot_build_node(
            &fixture.build, NODE_SERVICE, VIEW(""),
            snapshot_build_text(&fixture.build, (struct view){name, (size_t)size}));
        (void)snapshot_build_edge(&fixture.build, last, next, CONNECTION_DIRECT, 60, 0);
        last = next;
    }
    assert_int_equal(count(fixture_text(&fixture), "└─ link-"), 2000);
    assert_true(fixture.out.size < 2000 * 200);
    fixture_end(&fixture);
}

static void text__keeps_hostile_names_on_their_line(void **state)
{
    struct exporter_fixture fixture;
    const char *text;
    size_t lines = 0;

    (void)state;
    fixture_begin(&fixture, &exporter_text, snapshot_sample_hostile);
    text = fixture_text(&fixture);
    for (; *text != '\0'; text++) {
        lines += *text == '\n';
        assert_true(*text == '\n' || (unsigned char)*text >= 0x20);
    }
    assert_int_equal(lines, snapshot_hostile_names_count + 6);
    fixture_end(&fixture);
}

static void text__leaves_the_buffer_as_it_was_on_failure(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter_text, snapshot_sample_shop);
    check_leaves_buffer(&fixture);
    fixture_end(&fixture);
}

static void text__survives_failing_memory(void **state)
{
    struct exporter_fixture fixture;

    (void)state;
    fixture_begin(&fixture, &exporter_text, snapshot_sample_shop);
    fixture.input.snapshot = snapshot_build_finish(&fixture.build);
    test_sweep_memory(fixture_render, &fixture);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text__is_a_tree),
        cmocka_unit_test(text__shows_circles_once),
        cmocka_unit_test(text__goes_down_long_chains),
        cmocka_unit_test(text__keeps_hostile_names_on_their_line),
        cmocka_unit_test(text__leaves_the_buffer_as_it_was_on_failure),
        cmocka_unit_test(text__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
