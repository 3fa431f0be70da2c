/* otlp_target_test.c: what is read of a resource, once. */
#include "receiver/otlp_target.h"

#include <stdio.h>

#include "tests/lib/otlp_build.h"
#include "tests/lib/test.h"

struct world {
    struct targets *targets;
    struct otlp_target_memo memo;
    struct build build;
    struct target **list;
    size_t count;
};

static void world_start(struct world *world)
{
    struct targets_options options = {.targets_max = 3, .bytes_max = 1 << 16, .text_bytes_max = 64};

    *world = (struct world){0};
    assert_int_equal(targets_new(&options, &world->targets), 0);
    build_init(&world->build);
}

static void world_stop(struct world *world)
{
    targets_release_list(world->list, world->count);
    targets_free(world->targets);
    build_release(&world->build);
}

/* Notes what was built, and lists what is there. */
static void note(struct world *world, uint64_t now_ns)
{
    struct wall_time now = {now_ns};

    otlp_note_targets(&world->memo, world->targets, 7, build_done(&world->build), 64, now);
    targets_release_list(world->list, world->count);
    assert_int_equal(targets_list(world->targets, now, &world->list, &world->count), 0);
    build_release(&world->build);
    build_init(&world->build);
}

/* A ResourceSpans with its resource open. */
static void open_resource(struct world *world)
{
    build_open(&world->build, 1);
    build_open(&world->build, 1);
}

static void close_resource(struct world *world, bool has_spans)
{
    build_close(&world->build);
    if (has_spans) {
        build_open(&world->build, 2);
        build_close(&world->build);
    }
    build_close(&world->build);
}

/* A KeyValue whose value's one member is written by the caller, in between. */
static void open_value(struct world *world, const char *key)
{
    build_open(&world->build, 1);
    build_text(&world->build, 1, key);
    build_open(&world->build, 2);
}

static void close_value(struct world *world)
{
    build_close(&world->build);
    build_close(&world->build);
}

static void assert_attribute(const struct world *world, size_t which, const char *key,
                             const char *value)
{
    const struct target *target = world->list[0];

    assert_true(which < target->count);
    assert_view_equal(target->attributes[which].key, key);
    assert_view_equal(target->attributes[which].value, value);
}

static void target__has_all_plain_attributes(void **state)
{
    struct world world;

    (void)state;
    world_start(&world);
    open_resource(&world);
    build_attribute(&world.build, 1, "service.namespace", "eu");
    build_attribute(&world.build, 1, "service.name", "shop");
    build_attribute(&world.build, 1, "service.instance.id", "i-1");
    build_attribute(&world.build, 1, "host.name", "box");
    build_attribute(&world.build, 1, "host.name", "second");
    build_attribute(&world.build, 1, "empty", "");
    build_number_attribute(&world.build, 1, "process.pid", -12);
    open_value(&world, "flag");
    build_varint(&world.build, 2, 1);
    close_value(&world);
    open_value(&world, "ratio");
    build_fixed64(&world.build, 4, UINT64_C(0x3FD0000000000000));
    close_value(&world);
    open_value(&world, "empty list");
    build_open(&world.build, 5);
    build_close(&world.build);
    close_value(&world);
    open_value(&world, "list");
    build_open(&world.build, 5);
    for (uint64_t i = 1; i <= 2; i++) {
        build_open(&world.build, 1);
        build_varint(&world.build, 3, i);
        build_close(&world.build);
    }
    build_close(&world.build);
    close_value(&world);
    open_value(&world, "bytes");
    build_bytes(&world.build, 7, VIEW("hello world"));
    close_value(&world);
    build_attribute(&world.build, 1, "db.url", "pg://me:secret@host/db");
    close_resource(&world, true);
    note(&world, 1000);
    assert_int_equal(world.count, 1);
    assert_view_equal(world.list[0]->job, "eu/shop");
    assert_view_equal(world.list[0]->instance, "i-1");
    assert_int_equal(world.list[0]->count, 7);
    assert_attribute(&world, 0, "host.name", "box");
    assert_attribute(&world, 1, "process.pid", "-12");
    assert_attribute(&world, 2, "flag", "true");
    assert_attribute(&world, 3, "ratio", "0.25");
    assert_attribute(&world, 4, "list", "[1,2]");
    assert_attribute(&world, 5, "bytes", "aGVsbG8gd29ybGQ=");
    assert_attribute(&world, 6, "db.url", "pg://host/db");
    world_stop(&world);
}

static void send(struct world *world, const char *service, bool has_spans, uint64_t now_ns)
{
    open_resource(world);
    build_attribute(&world->build, 1, "service.name", service);
    close_resource(world, has_spans);
    note(world, now_ns);
}

/* However much has to be written anew, nothing is written past its room, and no credentials show. */
static void target__bounds_what_it_writes(void **state)
{
    struct world world;
    char key[16];

    (void)state;
    world_start(&world);
    open_resource(&world);
    build_attribute(&world.build, 1, "service.name", "shop");
    for (int i = 0; i < 60; i++) {
        snprintf(key, sizeof(key), "list%02d", i);
        open_value(&world, key);
        build_open(&world.build, 5);
        for (int j = 0; j < 600; j++) {
            build_open(&world.build, 1);
            build_text(&world.build, 1, "an element");
            build_close(&world.build);
        }
        build_close(&world.build);
        close_value(&world);
    }
    build_attribute(&world.build, 1, "url", "pg://me:secret@host/db");
    build_attribute(&world.build, 1, "plain", "text");
    close_resource(&world, true);
    note(&world, 1000);
    assert_int_equal(world.count, 1);
    assert_in_range(world.list[0]->count, 10, 60);
    for (size_t i = 0; i < world.list[0]->count; i++) {
        struct view value = world.list[0]->attributes[i].value;
        assert_null(memmem(value.data, value.size, "secret", 6));
    }
    assert_view_equal(world.list[0]->attributes[world.list[0]->count - 1].key, "plain");
    world_stop(&world);
}

/* A field of a later OTLP behind a long text makes it no other than a text, and moves nothing. */
static void target__takes_long_texts_beside_unknown_fields(void **state)
{
    enum { LONG = 100 << 10 };
    static char text[LONG];
    struct world world;

    (void)state;
    memset(text, 'x', sizeof(text));
    world_start(&world);
    open_resource(&world);
    build_attribute(&world.build, 1, "service.name", "shop");
    build_number_attribute(&world.build, 1, "process.pid", 12);
    for (int i = 0; i < 4; i++) {
        char key[16];
        snprintf(key, sizeof(key), "long%d", i);
        open_value(&world, key);
        build_bytes(&world.build, 1, (struct view){text, sizeof(text)});
        build_varint(&world.build, 15, 1);
        close_value(&world);
    }
    open_value(&world, "short");
    build_text(&world.build, 1, "text");
    build_varint(&world.build, 15, 1);
    close_value(&world);
    close_resource(&world, true);
    note(&world, 1000);
    assert_int_equal(world.count, 1);
    assert_int_equal(world.list[0]->count, 6);
    assert_attribute(&world, 0, "process.pid", "12");
    assert_view_equal(world.list[0]->attributes[1].key, "long0");
    assert_attribute(&world, 5, "short", "text");
    world_stop(&world);
}

static void target__needs_spans(void **state)
{
    struct world world;

    (void)state;
    world_start(&world);
    send(&world, "quiet", false, 1000);
    assert_int_equal(world.count, 0);
    build_open(&world.build, 1);
    build_open(&world.build, 2);
    note(&world, 1000); /* Spans without a resource. */
    assert_int_equal(world.count, 0);
    world_stop(&world);
}

static void target__is_refused_without_being_read_again_at_once(void **state)
{
    struct world world;
    struct targets_counts counts;

    (void)state;
    world_start(&world);
    send(&world, "a", true, 1000);
    send(&world, "b", true, 1000);
    send(&world, "c", true, 1000);
    for (unsigned i = 0; i < 5; i++)
        send(&world, "d", true, 2000);
    targets_read_counts(world.targets, &counts);
    assert_int_equal(counts.refused, 1);
    send(&world, "d", true, 2000 + NS_PER_S);
    targets_read_counts(world.targets, &counts);
    assert_int_equal(counts.refused, 2);
    world_stop(&world);
}

/* More of them in one request than are looked up at once, and most of them again. */
static void target__notes_many_of_one_request(void **state)
{
    struct world world;

    (void)state;
    world_start(&world);
    for (int round = 1; round <= 2; round++) {
        for (int i = 0; i < 40; i++) {
            char instance[] = "a";
            instance[0] = (char)('a' + i % 3);
            open_resource(&world);
            build_attribute(&world.build, 1, "service.name", "shop");
            build_attribute(&world.build, 1, "service.instance.id", instance);
            build_attribute(&world.build, 1, "host.name", i < 3 ? "first" : "other");
            close_resource(&world, i != 0);
        }
        note(&world, (uint64_t)round * NS_PER_S);
        assert_int_equal(world.count, 3);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(world.list[i]->instance.data[0], 'a' + (int)i);
    }
    world_stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(target__has_all_plain_attributes),
        cmocka_unit_test(target__bounds_what_it_writes),
        cmocka_unit_test(target__takes_long_texts_beside_unknown_fields),
        cmocka_unit_test(target__needs_spans),
        cmocka_unit_test(target__is_refused_without_being_read_again_at_once),
        cmocka_unit_test(target__notes_many_of_one_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
