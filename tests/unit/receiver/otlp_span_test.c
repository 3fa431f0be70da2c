/* otlp_span_test.c: each field of a span, by way of the decoder. */
#include "receiver/otlp_span.h"

#include "tests/lib/otlp_build.h"
#include "tests/lib/test.h"

static void decode__judges_times(void **state)
{
    static const struct {
        uint64_t start, end, duration;
        unsigned no_duration, skewed;
    } cases[] = {
        {10, 30, 20, 0, 0},
        {10, 10, 0, 0, 0},
        {30, 10, 0, 0, 1},
        {0, 10, 0, 1, 0},
        {10, 0, 0, 1, 0},
        {0, 0, 0, 1, 0},
        {1, 1 + DURATION_NS_MAX, DURATION_NS_MAX, 0, 0},
        {1, 2 + DURATION_NS_MAX, DURATION_NS_MAX, 0, 1},
        {1, UINT64_MAX, DURATION_NS_MAX, 0, 1},
    };
    struct fixture on;

    (void)state;
    start(&on);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct span *span;
        open_one(&on);
        build_fixed64(&on.build, 7, cases[i].start);
        build_fixed64(&on.build, 8, cases[i].end);
        span = decode_one(&on);
        assert_int_equal(span->start_ns, cases[i].start);
        assert_int_equal(span->duration_ns, cases[i].duration);
        assert_int_equal(span->no_duration, cases[i].no_duration);
        assert_int_equal(span->skewed, cases[i].skewed);
    }
    stop(&on);
}

/* A tag is a varint, and may be written with more bytes than it needs. */
static void decode__knows_tags_with_bytes_too_many(void **state)
{
    struct fixture on;
    const struct span *span;

    (void)state;
    start(&on);
    open_one(&on);
    build_raw(&on.build, BYTES("\xB9\x00\x0A\0\0\0\0\0\0\0", 10));     /* 7: fixed64 */
    build_raw(&on.build, BYTES("\xC1\x80\x00\x1E\0\0\0\0\0\0\0", 11)); /* 8: fixed64 */
    build_raw(&on.build, BYTES("\xB0\x00\x02", 3));                    /* 6: varint */
    span = decode_one(&on);
    assert_int_equal(span->start_ns, 10);
    assert_int_equal(span->duration_ns, 20);
    assert_int_equal(span->kind, SPAN_KIND_SERVER);
    stop(&on);
}

enum { FIELDS = 10 };

static void build_field(struct build *build, unsigned which, const char *name)
{
    switch (which) {
    case 0:
        build_bytes(build, 1, BYTES(sixteen, 16));
        break;
    case 1:
        build_bytes(build, 2, BYTES(sixteen, 8));
        break;
    case 2:
        build_bytes(build, 4, BYTES(sixteen + 4, 8));
        break;
    case 3:
        build_text(build, 5, name);
        break;
    case 4:
        build_varint(build, 6, SPAN_KIND_CLIENT);
        break;
    case 5:
        build_fixed64(build, 7, 1000);
        break;
    case 6:
        build_fixed64(build, 8, 3000);
        break;
    case 7:
        build_attribute(build, 9, "server.address", "cart");
        build_number_attribute(build, 9, "server.port", 8080);
        break;
    case 8:
        build_open(build, 15);
        build_varint(build, 3, SPAN_STATUS_ERROR);
        build_close(build);
        break;
    default:
        build_fixed32(build, 16, 0x301);
    }
}

/* What encoders write first is looked for at one place; elsewhere it is read all the same. */
static void decode__reads_the_same_in_any_order(void **state)
{
    static const char long_name[] =
        "a name of more than 127 bytes whose length has two bytes and "
        "that goes on and on about what it does and why it does so until "
        "it is long enough";
    const char *const names[] = {"GET", long_name, ""};
    struct fixture on;

    (void)state;
    start(&on);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct span first = {.id = 0};
        for (unsigned turn = 0; turn < 2 * FIELDS; turn++) {
            const struct span *span;
            build_open_service(&on.build, "shop");
            build_open(&on.build, 2);
            for (unsigned at = 0; at < FIELDS; at++) {
                unsigned which = (at + turn) % FIELDS;
                build_field(&on.build, turn < FIELDS ? which : FIELDS - 1 - which, names[i]);
            }
            span = decode_one(&on);
            if (turn == 0)
                first = *span;
            assert_memory_equal(span, &first, sizeof(first));
        }
        assert_int_equal(first.duration_ns, 2000);
        assert_int_equal(first.status, SPAN_STATUS_ERROR);
        assert_int_equal(first.is_remote, 1);
        assert_view_equal(rig_operation(&on.rig, &first), names[i]);
        assert_view_equal(rig_peer(&on.rig, &first), "cart");
    }
    stop(&on);
}

static void decode__refuses_a_span_that_is_cut(void **state)
{
    struct fixture on;
    struct build span;
    bool is_end[256] = {true};

    (void)state;
    start(&on);
    build_init(&span);
    for (unsigned i = 0; i < FIELDS; i++) {
        build_field(&span, i, "GET");
        is_end[span.out.size] = true;
    }
    is_end[63 + 26] = true; /* Between the two attributes. */
    for (size_t size = 0; size <= span.out.size; size++) {
        int status;
        build_open_service(&on.build, "shop");
        build_bytes(&on.build, 2, (struct view){span.out.data, size});
        status = decode(&on);
        /* What is left where a field ended is a span; anything else is none. */
        assert_int_equal(status == 0, is_end[size]);
        assert_true(status == 0 || status == STATUS_TRUNCATED || status == STATUS_INVALID);
    }
    build_release(&span);
    stop(&on);
}

static void decode__rejects_spans_of_invalid_ids_alone(void **state)
{
    const struct {
        struct view trace, id;
    } cases[] = {
        {BYTES(sixteen, 15), BYTES(sixteen, 8)}, {BYTES(sixteen, 17), BYTES(sixteen, 8)},
        {BYTES(sixteen, 0), BYTES(sixteen, 8)},  {BYTES(zeros, 16), BYTES(sixteen, 8)},
        {BYTES(sixteen, 16), BYTES(sixteen, 7)}, {BYTES(sixteen, 16), BYTES(sixteen, 9)},
        {BYTES(sixteen, 16), BYTES(sixteen, 0)}, {BYTES(sixteen, 16), BYTES(zeros, 8)},
    };
    size_t count = sizeof(cases) / sizeof(cases[0]);
    struct fixture on;

    (void)state;
    start(&on);
    for (size_t i = 0; i < count; i++) {
        build_ids(&on.build, cases[i].trace, cases[i].id, BYTES(zeros, 0));
        (void)build_done(&on.build);
    }
    open_one(&on);
    assert_int_equal(decode(&on), 0);
    assert_int_equal(on.stage->count, 1);
    assert_int_equal(on.stage->rejected[REJECTED_INVALID_ID], count);
    /* If every span is invalid, that is all there is to say. */
    build_ids(&on.build, cases[0].trace, cases[0].id, BYTES(zeros, 0));
    assert_int_equal(decode(&on), 0);
    assert_int_equal(on.stage->count, 0);
    assert_int_equal(on.stage->rejected[REJECTED_INVALID_ID], 1);
    stop(&on);
}

static void decode__judges_parents(void **state)
{
    const struct {
        struct view parent;
        bool is_there, is_bad;
    } cases[] = {
        {BYTES(zeros, 0), false, false},      {BYTES(zeros, 8), false, false},
        {BYTES(sixteen + 1, 8), true, false}, {BYTES(sixteen, 8), false, true}, /* Itself. */
        {BYTES(sixteen, 7), false, true},     {BYTES(sixteen, 16), false, true},
        {BYTES(zeros, 9), false, true},
    };
    struct fixture on;

    (void)state;
    start(&on);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct span *span;
        build_ids(&on.build, BYTES(sixteen, 16), BYTES(sixteen, 8), cases[i].parent);
        span = decode_one(&on);
        assert_int_equal(span->parent != 0, cases[i].is_there);
        assert_int_equal(span->parent_bad, cases[i].is_bad);
    }
    stop(&on);
}

static void decode__reads_kinds_statuses_and_flags(void **state)
{
    struct fixture on;
    const struct span *span;

    (void)state;
    start(&on);
    for (uint64_t kind = 0; kind < 9; kind++) {
        open_one(&on);
        build_varint(&on.build, 6, kind);
        build_open(&on.build, 15);
        build_varint(&on.build, 3, kind);
        span = decode_one(&on);
        assert_int_equal(span->kind, kind <= SPAN_KIND_CONSUMER ? kind : SPAN_KIND_UNSPECIFIED);
        assert_int_equal(span->status, kind <= SPAN_STATUS_ERROR ? kind : SPAN_STATUS_UNSET);
        assert_int_equal(catalog_site_at(on.rig.catalog, span->site)->kind, span->kind);
    }
    /* An enum has 32 bits on the wire, and may be negative. */
    open_one(&on);
    build_varint(&on.build, 6, (UINT64_C(1) << 32) + 2);
    assert_int_equal(decode_one(&on)->kind, SPAN_KIND_SERVER);
    open_one(&on);
    build_varint(&on.build, 6, UINT64_MAX);
    assert_int_equal(decode_one(&on)->kind, SPAN_KIND_UNSPECIFIED);
    for (uint32_t bits = 0; bits < 4; bits++) {
        open_one(&on);
        build_fixed32(&on.build, 16, bits << 8 | 0xFFFFFC01);
        span = decode_one(&on);
        assert_int_equal(span->has_remote, bits & 1);
        assert_int_equal(span->is_remote, bits == 3);
    }
    stop(&on);
}

static void decode__reads_the_weight(void **state)
{
    const struct otlp_decoder_options options = {.sampling_count_max = 4};
    struct fixture on;
    const struct span *span;

    (void)state;
    start_with(&on, &options, false);
    open_one(&on);
    build_text(&on.build, 3, "a=b,ot=th:8");
    span = decode_one(&on);
    assert_int_equal(span->weight, 2 * WEIGHT_ONE);
    assert_int_equal(span->weight_unknown, 0);
    open_one(&on);
    build_text(&on.build, 3, "ot=th:ff");
    span = decode_one(&on);
    assert_int_equal(span->weight, 4 * WEIGHT_ONE);
    assert_int_equal(span->weight_cut, 1);
    open_one(&on);
    build_text(&on.build, 3, "ot=p:63");
    assert_int_equal(decode_one(&on)->weight, 0);
    open_one(&on);
    build_real_attribute(&on.build, 9, "sampling.ratio", 0.5);
    span = decode_one(&on);
    assert_int_equal(span->weight, 2 * WEIGHT_ONE);
    assert_int_equal(span->weight_unknown, 0);
    open_one(&on);
    build_number_attribute(&on.build, 9, "SampleRate", 5);
    span = decode_one(&on);
    assert_int_equal(span->weight, 4 * WEIGHT_ONE);
    assert_int_equal(span->weight_cut, 1);
    open_one(&on); /* The tracestate goes before them, wherever it stands. */
    build_number_attribute(&on.build, 9, "SampleRate", 3);
    build_text(&on.build, 3, "ot=th:8");
    assert_int_equal(decode_one(&on)->weight, 2 * WEIGHT_ONE);
    open_one(&on);
    build_real_attribute(&on.build, 9, "sampling.ratio", 1.5);
    span = decode_one(&on);
    assert_int_equal(span->weight, WEIGHT_ONE);
    assert_int_equal(span->weight_unknown, 1);
    stop(&on);
}

static void decode__derives_errors_if_told_to(void **state)
{
    struct fixture on;

    (void)state;
    start_with(&on, NULL, true);
    open_one(&on);
    build_varint(&on.build, 6, SPAN_KIND_CLIENT);
    build_number_attribute(&on.build, 9, "http.response.status_code", 404);
    assert_int_equal(decode_one(&on)->status, SPAN_STATUS_ERROR);
    stop(&on);
}

static void decode__takes_the_last_of_a_repeated_scalar(void **state)
{
    struct fixture on;
    const struct span *span;

    (void)state;
    start(&on);
    open_one(&on);
    build_text(&on.build, 5, "last");
    build_varint(&on.build, 6, SPAN_KIND_SERVER);
    build_varint(&on.build, 6, SPAN_KIND_CLIENT);
    build_open(&on.build, 15);
    build_varint(&on.build, 3, SPAN_STATUS_ERROR);
    build_close(&on.build);
    build_open(&on.build, 15); /* Merged: says nothing of the code. */
    build_text(&on.build, 2, "message");
    span = decode_one(&on);
    assert_view_equal(rig_operation(&on.rig, span), "last");
    assert_int_equal(span->kind, SPAN_KIND_CLIENT);
    assert_int_equal(span->status, SPAN_STATUS_ERROR);
    stop(&on);
}

static void decode__counts_invalid_links(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open_one(&on);
    for (size_t i = 0; i < 4; i++) {
        build_open(&on.build, 13);
        build_bytes(&on.build, 1, BYTES(sixteen, i == 1 ? 15 : 16));
        build_bytes(&on.build, 2, BYTES(i == 2 ? zeros : sixteen, i == 3 ? 0 : 8));
        build_attribute(&on.build, 4, "key", "value");
        build_close(&on.build);
    }
    (void)decode_one(&on);
    assert_int_equal(on.stage->links_invalid, 3);
    stop(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode__judges_times),
        cmocka_unit_test(decode__knows_tags_with_bytes_too_many),
        cmocka_unit_test(decode__reads_the_same_in_any_order),
        cmocka_unit_test(decode__refuses_a_span_that_is_cut),
        cmocka_unit_test(decode__rejects_spans_of_invalid_ids_alone),
        cmocka_unit_test(decode__judges_parents),
        cmocka_unit_test(decode__reads_kinds_statuses_and_flags),
        cmocka_unit_test(decode__reads_the_weight),
        cmocka_unit_test(decode__derives_errors_if_told_to),
        cmocka_unit_test(decode__takes_the_last_of_a_repeated_scalar),
        cmocka_unit_test(decode__counts_invalid_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
