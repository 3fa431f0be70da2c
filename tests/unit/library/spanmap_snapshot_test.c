/* spanmap_snapshot_test.c: nodes, edges and the accounting as plain structs. */
#include "library/spanmap_priv.h"

#include <pthread.h>

#include "base/utf8.h"
#include "tests/lib/library_fixture.h"

static void spanmap_snapshot__has_nodes_and_edges(void **state)
{
    struct spanmap *map = library_open(SPANMAP_CLOCK_GIVEN, NULL);
    struct spanmap_node node = SPANMAP_INIT(struct spanmap_node);
    struct spanmap_edge edge = SPANMAP_INIT(struct spanmap_edge);
    struct spanmap_snapshot *snapshot;

    (void)state;
    library_feed_call(map, 1, LIBRARY_START);
    library_feed_call(map, 2, LIBRARY_START);
    assert_int_equal(spanmap_drain(map, NULL), 0);
    snapshot = library_take(map);
    assert_int_equal(spanmap_get_node(snapshot, 0, &node), 0);
    assert_string_equal(node.id, "service//back");
    assert_string_equal(node.type, "service");
    assert_string_equal(node.name_space, "");
    assert_string_equal(node.name, "back");
    assert_true(node.requests == 2 && node.failed == 0);
    assert_true(node.seconds.count == 2 && node.seconds.sum == 1 && node.seconds.max == 0.5);
    assert_int_equal(spanmap_get_node(snapshot, 1, &node), 0);
    assert_string_equal(node.id, "service//front");
    assert_true(node.requests == 0 && node.seconds.count == 0);
    assert_int_equal(spanmap_get_node(snapshot, 2, &node), SPANMAP_NOT_FOUND);
    assert_int_equal(spanmap_get_node(snapshot, SIZE_MAX, &node), SPANMAP_NOT_FOUND);
    assert_int_equal(spanmap_get_edge(snapshot, 0, &edge), 0);
    assert_string_equal(edge.client, "service//front");
    assert_string_equal(edge.server, "service//back");
    assert_string_equal(edge.connection_type, "");
    assert_true(edge.requests == 2 && edge.failed == 0);
    assert_true(edge.client_seconds.count == 2 && edge.client_seconds.sum == 2);
    assert_true(edge.server_seconds.count == 2 && edge.server_seconds.sum == 1);
    assert_true(edge.client_seconds.p50 > 0.98 && edge.client_seconds.p99 < 1.02);
    assert_true(edge.messaging_seconds.count == 0);
    assert_int_equal(spanmap_get_edge(snapshot, 1, &edge), SPANMAP_NOT_FOUND);
    spanmap_release(snapshot);
    spanmap_close(map);
}

/* Names that strangers chose: zeros, what is no UTF-8, an empty one. */
static void spanmap_snapshot__has_texts_that_c_can_read(void **state)
{
    struct spanmap *map = library_open(SPANMAP_CLOCK_GIVEN, NULL);
    struct spanmap_node node = SPANMAP_INIT(struct spanmap_node);
    struct trace_build_span span = {1, 1, 0, SPAN_KIND_SERVER, "op", 1, 2};
    struct spanmap_snapshot *snapshot;
    struct buf request;
    char *zero;

    (void)state;
    buf_init(&request, 0);
    trace_build_request(&request, "zero!\x80", &span, 1);
    zero = memmem(request.data, request.size, "zero!", 5);
    assert_non_null(zero);
    zero[4] = '\0';
    assert_int_equal(spanmap_feed(map, SPANMAP_PROTOBUF, request.data, request.size, 0, NULL, NULL),
                     0);
    buf_release(&request);
    assert_int_equal(spanmap_drain(map, NULL), 0);
    snapshot = library_take(map);
    assert_int_equal(spanmap_get_node(snapshot, 0, &node), 0);
    assert_string_equal(node.id, "service//zero\xef\xbf\xbd\xef\xbf\xbd");
    assert_string_equal(node.name, "zero\xef\xbf\xbd\xef\xbf\xbd");
    assert_true(utf8_is_valid(view_of(node.name)));
    spanmap_release(snapshot);
    spanmap_close(map);
}

static void spanmap_snapshot__accounts_for_each_span(void **state)
{
    struct spanmap *map = library_open(SPANMAP_CLOCK_GIVEN, NULL);
    struct spanmap_account account = SPANMAP_INIT(struct spanmap_account);
    struct spanmap_snapshot *snapshot;
    uint64_t others = 0;
    size_t i;

    (void)state;
    library_feed_call(map, 1, LIBRARY_START);
    assert_int_equal(library_feed_span(map, "front",
                                       (struct trace_build_span){2, 1, 9, SPAN_KIND_SERVER, "lost",
                                                                 LIBRARY_START, LIBRARY_START + 1},
                                       LIBRARY_START),
                     0);
    assert_int_equal(spanmap_drain(map, NULL), 0);
    snapshot = library_take(map);
    for (i = 0; spanmap_get_account(snapshot, i, &account) == 0; i++) {
        assert_non_null(account.reason);
        if (strcmp(account.name, "received") != 0)
            others += account.spans;
        if (account.spans != 0 && strcmp(account.name, "unpaired") == 0)
            assert_string_equal(account.reason, "parent_missing");
    }
    assert_int_equal(i, 5 + UNPAIRED_REASON_COUNT + DROPPED_REASON_COUNT + REJECTED_REASON_COUNT);
    assert_int_equal(others, 3);
    assert_int_equal(library_account(snapshot, "received"), 3);
    assert_int_equal(library_account(snapshot, "unpaired"), 1);
    assert_int_equal(spanmap_get_account(snapshot, SIZE_MAX, &account), SPANMAP_NOT_FOUND);
    spanmap_release(snapshot);
    spanmap_close(map);
}

static void *look(void *context)
{
    struct spanmap_node node = SPANMAP_INIT(struct spanmap_node);

    assert_int_equal(spanmap_get_node(context, 1, &node), 0);
    return (void *)(uintptr_t)node.id;
}

/* The first look lays it out, whoever looks; what was handed out stays where it is. */
static void spanmap_snapshot__is_laid_out_once(void **state)
{
    struct spanmap *map = library_open(SPANMAP_CLOCK_GIVEN, NULL);
    struct spanmap_snapshot *snapshot;
    pthread_t threads[4];
    void *ids[4];

    (void)state;
    library_feed_call(map, 1, LIBRARY_START);
    assert_int_equal(spanmap_drain(map, NULL), 0);
    snapshot = library_take(map);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look, snapshot), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &ids[i]), 0);
        assert_ptr_equal(ids[i], ids[0]);
    }
    spanmap_release(snapshot);
    spanmap_close(map);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(spanmap_snapshot__has_nodes_and_edges),
        cmocka_unit_test(spanmap_snapshot__has_texts_that_c_can_read),
        cmocka_unit_test(spanmap_snapshot__accounts_for_each_span),
        cmocka_unit_test(spanmap_snapshot__is_laid_out_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
