/* deflate_pack_test.c: what is packed in pieces is one gzip of all of them. */
#include "exporters/deflate_pack.h"

#include "net/http_unpack.h"
#include "tests/lib/random.h"
#include "tests/lib/test.h"

enum { TEXT_BYTES = 300000 };

/* Text as metrics are, or of bytes that nothing can make shorter. */
static void fill(struct buf *text, bool is_random)
{
    struct random random = random_of(7);

    for (uint32_t i = 0; text->size < TEXT_BYTES; i++)
        if (is_random)
            assert_int_equal(buf_append_byte(text, (char)random_below(&random, 256)), 0);
        else
            assert_int_equal(buf_printf(text, "name_bucket{le=\"%u\"} %u\n", i % 20, i), 0);
}

static void pack_in_pieces(struct buf *text, size_t piece_max, struct deflate_pack *pack,
                           struct buf *out)
{
    size_t at = 0;

    for (size_t piece = 1; at < text->size; piece = piece * 2 % piece_max + 1) {
        size_t size = piece < text->size - at ? piece : text->size - at;
        assert_int_equal(buf_append(out, text->data + at, size), 0);
        at += size;
        if (deflate_pack_is_due(pack, out)) {
            deflate_pack_take(pack, out);
            assert_int_equal(out->size, 0);
        }
    }
}

/* Read back in pieces, too. */
static void check(bool is_random, size_t piece_max)
{
    struct buf text, out, plain;
    struct deflate_pack pack;
    struct http_unpack *unpack;

    buf_init(&text, 0);
    buf_init(&out, 0);
    buf_init(&plain, 0);
    fill(&text, is_random);
    deflate_pack_init(&pack, 1000, 0);
    assert_false(deflate_pack_has_begun(&pack));
    pack_in_pieces(&text, piece_max, &pack, &out);
    assert_true(deflate_pack_has_begun(&pack));
    assert_int_equal(deflate_pack_end(&pack, &out), 0);
    assert_int_equal(pack.text_bytes, text.size);
    assert_true(out.size < (is_random ? text.size + text.size / 100 : text.size / 5));
    assert_int_equal(http_unpack_new(buf_view(&out), &unpack), 0);
    for (size_t piece = 1; plain.size < text.size; piece = piece * 3 % 7919 + 1) {
        size_t left = text.size - plain.size;
        assert_int_equal(http_unpack_next(unpack, piece < left ? piece : left, &plain), 0);
    }
    assert_memory_equal(plain.data, text.data, text.size);
    assert_int_equal(http_unpack_next(unpack, 1, &plain), STATUS_INVALID); /* There is no more. */
    http_unpack_free(unpack);
    deflate_pack_release(&pack);
    buf_release(&plain);
    buf_release(&out);
    buf_release(&text);
}

static void pack__is_one_gzip_of_all_pieces(void **state)
{
    (void)state;
    check(false, 50);
    check(false, 100000);
    check(true, 5000);
}

/* The first piece is larger than the others, and so is the memory for it. */
static void pack__may_begin_later(void **state)
{
    struct buf text, out;
    struct deflate_pack pack;

    (void)state;
    buf_init(&text, 0);
    buf_init(&out, 0);
    fill(&text, false);
    deflate_pack_init(&pack, 1000, 0);
    deflate_pack_put_off(&pack, 10); /* It is no sooner for that. */
    deflate_pack_put_off(&pack, 100000);
    pack_in_pieces(&(struct buf){.data = text.data, .size = 99999}, 5000, &pack, &out);
    assert_false(deflate_pack_has_begun(&pack));
    assert_memory_equal(out.data, text.data, 99999);
    assert_int_equal(buf_append_byte(&out, text.data[99999]), 0);
    assert_true(deflate_pack_is_due(&pack, &out));
    deflate_pack_take(&pack, &out);
    assert_int_equal(out.capacity, 0);
    pack_in_pieces(&(struct buf){.data = text.data + 100000, .size = text.size - 100000}, 500,
                   &pack, &out);
    assert_true(out.capacity <= 2048);
    assert_int_equal(deflate_pack_end(&pack, &out), 0);
    assert_int_equal(http_unpack_all(&out, text.size), 0);
    assert_memory_equal(out.data, text.data, text.size);
    deflate_pack_release(&pack);
    buf_release(&out);
    buf_release(&text);
}

static void pack__keeps_to_its_bound(void **state)
{
    struct buf text, out;
    struct deflate_pack pack;

    (void)state;
    buf_init(&text, 0);
    buf_init(&out, 0);
    fill(&text, true);
    deflate_pack_init(&pack, 1000, 100000);
    assert_int_equal(buf_append_view(&out, buf_view(&text)), 0);
    deflate_pack_take(&pack, &out);
    assert_int_equal(out.failed, STATUS_TOO_LARGE);
    assert_int_equal(deflate_pack_end(&pack, &out), STATUS_TOO_LARGE);
    assert_true(pack.packed.capacity <= 100000);
    deflate_pack_release(&pack);
    buf_release(&out);
    buf_release(&text);
}

static void unpack__refuses_what_is_no_gzip(void **state)
{
    struct buf body;

    (void)state;
    buf_init(&body, 0);
    assert_int_equal(buf_append_text(&body, "this is no gzip"), 0);
    assert_int_equal(http_unpack_all(&body, 10), STATUS_INVALID);
    assert_memory_equal(body.data, "this is no gzip", 15);
    buf_release(&body);
}

static int step(void *context)
{
    struct deflate_pack pack;
    struct buf text;
    int status;

    (void)context;
    buf_init(&text, 0);
    deflate_pack_init(&pack, 1, 0);
    status = buf_append_text(&text, "some text");
    deflate_pack_take(&pack, &text);
    if (status == 0)
        status = text.failed;
    if (status == 0)
        status = deflate_pack_end(&pack, &text);
    if (status == 0)
        status = http_unpack_all(&text, 9);
    if (status == 0)
        assert_memory_equal(text.data, "some text", 9);
    deflate_pack_release(&pack);
    buf_release(&text);
    return status;
}

static void pack__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(step, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pack__is_one_gzip_of_all_pieces),
        cmocka_unit_test(pack__may_begin_later),
        cmocka_unit_test(pack__keeps_to_its_bound),
        cmocka_unit_test(unpack__refuses_what_is_no_gzip),
        cmocka_unit_test(pack__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
