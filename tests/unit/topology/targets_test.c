/* targets_test.c: one for each job and instance, first come, and bounded. */
#include "topology/targets.h"

#include <stdio.h>

#include "tests/lib/test.h"

static const struct targets_options roomy = {
    .targets_max = 4, .bytes_max = 1 << 16, .text_bytes_max = 16, .expiration_ns = 100};

static struct targets *make(const struct targets_options *options)
{
    struct targets *targets = NULL;

    assert_int_equal(targets_new(options, &targets), 0);
    return targets;
}

static struct target_number note(struct targets *targets, const char *name, const char *instance,
                                 const char *value, uint64_t now_ns)
{
    struct target_attribute attribute = {VIEW("host.name"), view_of(value)};
    struct target_input input = {.service_name = view_of(name),
                                 .instance = view_of(instance),
                                 .attributes = &attribute,
                                 .count = value[0] != '\0'};
    struct target_number number = {0};

    assert_int_equal(targets_note(targets, &input, (struct wall_time){now_ns}, &number), 0);
    return number;
}

/* "job instance value, ..." */
static void check(struct targets *targets, uint64_t now_ns, const char *expected)
{
    struct target **list;
    size_t count;
    char text[512] = "";

    assert_int_equal(targets_list(targets, (struct wall_time){now_ns}, &list, &count), 0);
    for (size_t i = 0; i < count; i++) {
        size_t at = strlen(text);
        struct view value = {NULL, 0};
        if (list[i]->count != 0)
            value = list[i]->attributes[0].value;
        (void)snprintf(text + at, sizeof(text) - at, "%s%.*s %.*s %.*s", at != 0 ? ", " : "",
                       (int)list[i]->job.size, list[i]->job.data, (int)list[i]->instance.size,
                       list[i]->instance.data, (int)value.size, value.size != 0 ? value.data : "");
    }
    targets_release_list(list, count);
    assert_string_equal(text, expected);
}

static void targets__keep_the_first_of_each_job_and_instance(void **state)
{
    struct targets *targets = make(&roomy);
    struct target_number first, again;

    (void)state;
    first = note(targets, "shop", "1", "a", 1000);
    again = note(targets, "shop", "1", "b", 1001);
    assert_true(first.stamp != 0 && first.stamp == again.stamp && first.slot == again.slot);
    (void)note(targets, "shop", "2", "c", 1001);
    (void)note(targets, "", "", "", 1001);
    check(targets, 1001, "shop 1 a, shop 2 c, unknown_service  ");
    targets_free(targets);
    targets_free(NULL);
}

static void targets__know_a_job_by_its_namespace_too(void **state)
{
    struct targets *targets = make(&roomy);
    struct target_input input = {.service_name = VIEW("shop")};
    struct target_number number;

    (void)state;
    (void)note(targets, "eu/shop", "", "plain", 1000);
    (void)note(targets, "shop", "", "none", 1000);
    input.service_namespace = VIEW("eu");
    assert_int_equal(targets_note(targets, &input, (struct wall_time){1000}, &number), 0);
    /* The job is the same text: one series of it. */
    check(targets, 1000, "eu/shop  plain, shop  none");
    targets_free(targets);
}

static void targets__leave_when_nothing_comes(void **state)
{
    struct targets *targets = make(&roomy);
    struct target_number number;

    (void)state;
    number = note(targets, "shop", "1", "a", 1000);
    assert_true(targets_touch(targets, number, (struct wall_time){1100}));
    check(targets, 1200, "shop 1 a");
    check(targets, 1201, "");
    assert_false(targets_touch(targets, number, (struct wall_time){1201}));
    number = note(targets, "shop", "1", "b", 1201);
    check(targets, 1201, "shop 1 b");
    assert_true(targets_touch(targets, number, (struct wall_time){1202}));
    assert_false(targets_touch(targets, (struct target_number){0}, (struct wall_time){1202}));
    targets_free(targets);
}

static void targets__are_bounded_in_number(void **state)
{
    struct targets *targets = make(&roomy);
    struct targets_counts counts;
    char name[8];

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof(name), "s%u", i);
        assert_true((note(targets, name, "", "", 1000 + i).stamp != 0) == (i < 4));
    }
    targets_read_counts(targets, &counts);
    assert_int_equal(counts.targets, 4);
    assert_int_equal(counts.refused, 2);
    /* s0 is idle by now, and its place another's. */
    assert_true(note(targets, "s4", "", "", 1101).stamp != 0);
    check(targets, 1101, "s1  , s2  , s3  , s4  ");
    targets_free(targets);
}

/* Whoever finds no room asks again and again: the answer must not be an old one once there is room. */
static void targets__find_room_as_soon_as_there_is_some(void **state)
{
    struct targets *targets = make(&roomy);
    struct target_number kept[4];

    (void)state;
    for (uint64_t i = 0; i < 4; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        kept[i] = note(targets, name, "1", "", 1000 + i);
    }
    for (uint64_t now = 1004; now <= 1100; now += 16)
        assert_int_equal(note(targets, "late", "1", "", now).stamp, 0);
    assert_int_equal(note(targets, "late", "1", "", 1100).stamp, 0);
    assert_true(targets_touch(targets, kept[0], (struct wall_time){1100}));
    assert_true(note(targets, "late", "1", "", 1102).stamp != 0); /* In the place of b. */
    assert_int_equal(note(targets, "later", "1", "", 1102).stamp, 0);
    assert_true(note(targets, "later", "1", "", 1103).stamp != 0); /* c */
    check(targets, 1103, "a 1 , d 1 , late 1 , later 1 ");
    /* A clock that was set back and on again has nobody shut out. */
    assert_int_equal(note(targets, "last", "1", "", 900).stamp, 0);
    assert_true(note(targets, "last", "1", "", 1104).stamp != 0); /* d */
    check(targets, 1104, "a 1 , last 1 , late 1 , later 1 ");
    targets_free(targets);
}

/* A namespace that holds a slash is the same job as a name that does. */
static void targets__know_a_job_wherever_its_namespace_ends(void **state)
{
    struct targets *targets = make(&roomy);
    const struct target_input inputs[] = {
        {.service_namespace = VIEW("a/b"), .service_name = VIEW("c"), .instance = VIEW("1")},
        {.service_namespace = VIEW("a"), .service_name = VIEW("b/c"), .instance = VIEW("1")},
        {.service_name = VIEW("a/b/c"), .instance = VIEW("1")},
        {.service_name = VIEW("a/b/c1"), .instance = VIEW("")}};
    struct target_number numbers[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(
            targets_note(targets, &inputs[i], (struct wall_time){1000 + i}, &numbers[i]), 0);
    assert_int_equal(numbers[1].stamp, numbers[0].stamp);
    assert_int_equal(numbers[2].stamp, numbers[0].stamp);
    assert_true(numbers[3].stamp != numbers[0].stamp);
    targets_free(targets);
}

static void targets__are_bounded_in_bytes(void **state)
{
    struct targets_options options = roomy;
    struct targets *targets;
    struct targets_counts counts;

    (void)state;
    options.bytes_max = 2 * (sizeof(struct target) + sizeof(struct target_attribute) + 20);
    targets = make(&options);
    assert_true(note(targets, "a", "", "x", 1000).stamp != 0);
    assert_true(note(targets, "b", "", "x", 1050).stamp != 0);
    assert_true(note(targets, "c", "", "x", 1050).stamp == 0);
    targets_read_counts(targets, &counts);
    assert_true(counts.bytes <= options.bytes_max);
    assert_true(note(targets, "c", "", "x", 1101).stamp != 0); /* In place of what is idle. */
    check(targets, 1101, "b  x, c  x");
    targets_free(targets);
}

static void targets__cut_long_texts_between_characters(void **state)
{
    struct targets *targets = make(&roomy);

    (void)state;
    (void)note(targets, "0123456789abcde\xc3\xa4z", "", "", 1000);
    check(targets, 1000, "0123456789abcde  ");
    (void)note(targets, "0123456789abcde\xc3\xa5", "", "", 1000);
    check(targets, 1000, "0123456789abcde  ");
    targets_free(targets);
}

static void targets__take_no_more_attributes_than_fit(void **state)
{
    struct targets *targets = make(&roomy);
    struct target_attribute attributes[TARGET_ATTRIBUTES_MAX + 5];
    struct target_input input = {.attributes = attributes, .count = TARGET_ATTRIBUTES_MAX + 5};
    struct target_number number;
    struct target **list;
    size_t count;

    (void)state;
    for (size_t i = 0; i < input.count; i++)
        attributes[i] = (struct target_attribute){VIEW("k"), VIEW("v")};
    assert_int_equal(targets_note(targets, &input, (struct wall_time){1}, &number), 0);
    assert_int_equal(targets_list(targets, (struct wall_time){1}, &list, &count), 0);
    assert_int_equal(list[0]->count, TARGET_ATTRIBUTES_MAX);
    targets_free(targets);
    assert_view_equal(list[0]->job, "unknown_service"); /* A reader's own reference holds. */
    targets_release_list(list, count);
}

static int make_all(void *context)
{
    struct targets *targets = NULL;
    struct target_input input = {.service_name = VIEW("shop")};
    struct target_number number;
    struct target **list;
    size_t count;
    int status = targets_new(&roomy, &targets);

    (void)context;
    if (status == 0)
        status = targets_note(targets, &input, (struct wall_time){1}, &number);
    if (status == 0)
        status = targets_list(targets, (struct wall_time){1}, &list, &count);
    if (status == 0)
        targets_release_list(list, count);
    targets_free(targets);
    return status;
}

static void targets__survive_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(make_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets__keep_the_first_of_each_job_and_instance),
        cmocka_unit_test(targets__know_a_job_by_its_namespace_too),
        cmocka_unit_test(targets__leave_when_nothing_comes),
        cmocka_unit_test(targets__are_bounded_in_number),
        cmocka_unit_test(targets__find_room_as_soon_as_there_is_some),
        cmocka_unit_test(targets__know_a_job_wherever_its_namespace_ends),
        cmocka_unit_test(targets__are_bounded_in_bytes),
        cmocka_unit_test(targets__cut_long_texts_between_characters),
        cmocka_unit_test(targets__take_no_more_attributes_than_fit),
        cmocka_unit_test(targets__survive_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
