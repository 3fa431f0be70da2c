/* json_fixture.c: one conversion, done in five ways. */
#include "tests/lib/json_fixture.h"

#include "tests/lib/test.h"

static void unpack(struct fixture_json *on)
{
    if (on->request != NULL)
        opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(
            on->request, NULL);
    on->request = opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
        NULL, on->out.size, (const uint8_t *)on->out.data);
    assert_non_null(on->request);
}

static bool is_no_json(const struct otlp_json_error *error)
{
    return strncmp(error->text, "this is no JSON", 15) == 0;
}

/* Members that came twice may stand in another order: as protobuf-c writes them. */
static void put_in_order(struct buf *out)
{
    Request
        *request = opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
            NULL, out->size, (const uint8_t *)out->data);
    size_t size;

    assert_non_null(request);
    size =
        opentelemetry__proto__collector__trace__v1__export_trace_service_request__get_packed_size(
            request);
    buf_reset(out);
    assert_int_equal(buf_reserve(out, size + 1), 0);
    out->size = opentelemetry__proto__collector__trace__v1__export_trace_service_request__pack(
        request, (uint8_t *)out->data);
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(request,
                                                                                            NULL);
}

static void assert_same(const struct buf *out, const struct buf *other)
{
    struct buf a;
    struct buf b;

    assert_int_equal(out->size, other->size);
    buf_init(&a, 0);
    buf_init(&b, 0);
    assert_int_equal(buf_append_view(&a, buf_view(out)), 0);
    assert_int_equal(buf_append_view(&b, buf_view(other)), 0);
    put_in_order(&a);
    put_in_order(&b);
    assert_true(view_equal(buf_view(&a), buf_view(&b)));
    buf_release(&a);
    buf_release(&b);
}

/* A text that is walked over, more or less deeply, becomes the same. */
static void compare_walks(const struct fixture_json *on, struct view text, int status)
{
    static const size_t whole[] = {0, 2, 20, 60};

    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        struct otlp_json_bounds bounds = {.tree_bytes_max = TREE_MAX, .whole_bytes_max = whole[i]};
        struct otlp_json_error error;
        struct buf out;

        buf_init(&out, 0);
        if (otlp_json_to_protobuf_by(OTLP_TRACES, text, &bounds, &out, &error) != status)
            fail_msg("%zu: %s, but %s: %.*s", whole[i], error.text, on->error.text,
                     (int)(text.size < 200 ? text.size : 200), text.data);
        assert_same(&out, &on->out);
        if (is_no_json(&on->error) || text.size == 0) {
            assert_true(error.offset <= text.size);
        } else {
            assert_string_equal(error.text, on->error.text);
            assert_int_equal(error.offset, on->error.offset);
        }
        buf_release(&out);
    }
}

int convert(struct fixture_json *on, struct view text)
{
    int status;

    buf_reset(&on->out);
    status = otlp_json_to_protobuf(OTLP_TRACES, text, TREE_MAX, &on->out, &on->error);
    if (status == 0)
        unpack(on);
    else
        assert_int_equal(on->out.size, 0);
    compare_walks(on, text, status);
    return status;
}

void finish(struct fixture_json *on)
{
    buf_release(&on->out);
    if (on->request != NULL)
        opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(
            on->request, NULL);
}

int convert_text(struct fixture_json *on, const char *text)
{
    return convert(on, view_of(text));
}
