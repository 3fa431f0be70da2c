/* inflate_test.c: packed messages, whole, damaged and hostile. */
#include "receiver/inflate.h"

#include <zlib.h>
#include <zstd.h>

#include "receiver/inflate_stream.h"
#include "tests/lib/test.h"

enum { BIG = 4 << 20 };

/* Appends `text` packed by zlib, with the wrapper that `bits` says. */
static void pack(struct view text, int bits, struct buf *out)
{
    z_stream zlib = {0};

    assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(buf_reserve(out, deflateBound(&zlib, text.size)), 0);
    zlib.next_in = (Bytef *)(uintptr_t)text.data;
    zlib.avail_in = (unsigned)text.size;
    zlib.next_out = (Bytef *)out->data + out->size;
    zlib.avail_out = (unsigned)(out->capacity - out->size);
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    out->size += zlib.total_out;
    (void)deflateEnd(&zlib);
}

static void pack_gzip(struct view text, struct buf *out)
{
    pack(text, 15 + 16, out);
}

static void pack_zstd(struct view text, struct buf *out)
{
    size_t bound = ZSTD_compressBound(text.size);
    size_t size;

    assert_int_equal(buf_reserve(out, bound), 0);
    size = ZSTD_compress(out->data + out->size, bound, text.data, text.size, 3);
    assert_false(ZSTD_isError(size));
    out->size += size;
}

struct fixture {
    struct buf packed;
    struct buf out;
};

static void start(struct fixture *on)
{
    buf_init(&on->packed, 0);
    buf_init(&on->out, 0);
    assert_int_equal(buf_append_text(&on->out, "before "), 0);
}

static void stop(struct fixture *on)
{
    buf_release(&on->packed);
    buf_release(&on->out);
}

static void inflate__unpacks_every_format(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    pack_gzip(VIEW("text"), &on.packed);
    assert_int_equal(inflate_gzip(buf_view(&on.packed), 4, &on.out), 0);
    assert_view_equal(buf_view(&on.out), "before text");
    on.packed.size = 0;
    pack(VIEW("text"), 15, &on.packed);
    assert_int_equal(inflate_zlib(buf_view(&on.packed), 4, &on.out), 0);
    assert_view_equal(buf_view(&on.out), "before texttext");
    on.packed.size = 0;
    pack_zstd(VIEW("text"), &on.packed);
    assert_int_equal(inflate_zstd(buf_view(&on.packed), 4, &on.out), 0);
    assert_view_equal(buf_view(&on.out), "before texttexttext");
    stop(&on);
}

static void inflate__unpacks_all_members(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    pack_gzip(VIEW("one "), &on.packed);
    pack_gzip(VIEW(""), &on.packed);
    pack_gzip(VIEW("two"), &on.packed);
    assert_int_equal(inflate_gzip(buf_view(&on.packed), 7, &on.out), 0);
    assert_view_equal(buf_view(&on.out), "before one two");
    assert_int_equal(inflate_gzip(buf_view(&on.packed), 6, &on.out), STATUS_TOO_LARGE);
    on.packed.size = 0;
    pack_zstd(VIEW(" three"), &on.packed);
    pack_zstd(VIEW(" four"), &on.packed);
    assert_int_equal(inflate_zstd(buf_view(&on.packed), 11, &on.out), 0);
    assert_view_equal(buf_view(&on.out), "before one two three four");
    assert_int_equal(inflate_zstd(buf_view(&on.packed), 10, &on.out), STATUS_TOO_LARGE);
    assert_view_equal(buf_view(&on.out), "before one two three four");
    buf_release(&on.out);
    buf_init(&on.out, 11); /* Nor is more room asked for than may be filled. */
    assert_int_equal(inflate_zstd(buf_view(&on.packed), 11, &on.out), 0);
    assert_int_equal(on.out.size, 11);
    stop(&on);
}

typedef int (*unpacker)(struct view in, size_t out_max, struct buf *out);

/* Cut at every byte, changed in every byte, something behind it. */
static void damage(struct fixture *on, unpacker unpack, bool has_checksum)
{
    struct view packed = buf_view(&on->packed);

    for (size_t size = 0; size < packed.size; size++) {
        char *exact = mem_dup(packed.data, size);
        assert_non_null(exact);
        assert_int_equal(unpack((struct view){exact, size}, 1000, &on->out), STATUS_INVALID);
        assert_view_equal(buf_view(&on->out), "before ");
        mem_free(exact);
    }
    for (size_t at = packed.size - (has_checksum ? 4 : 0); at < packed.size; at++) {
        on->packed.data[at] ^= 0x10;
        assert_int_equal(unpack(packed, 1000, &on->out), STATUS_INVALID);
        on->packed.data[at] ^= 0x10;
    }
    assert_int_equal(buf_append_byte(&on->packed, 'x'), 0);
    assert_int_equal(unpack(buf_view(&on->packed), 1000, &on->out), STATUS_INVALID);
    assert_view_equal(buf_view(&on->out), "before ");
}

static void inflate__refuses_damaged_messages(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    pack_gzip(VIEW("some text, some text"), &on.packed);
    damage(&on, inflate_gzip, true);
    on.packed.size = 0;
    pack(VIEW("some text, some text"), 15, &on.packed);
    damage(&on, inflate_zlib, true);
    on.packed.size = 0;
    pack_zstd(VIEW("some text, some text"), &on.packed);
    damage(&on, inflate_zstd, false);
    stop(&on);
}

static void inflate__takes_no_more_than_the_bound(void **state)
{
    struct fixture on;
    struct buf text;

    (void)state;
    start(&on);
    buf_init(&text, 0);
    for (int i = 0; i < 100000; i++)
        (void)buf_append_u64(&text, (uint64_t)i * 7919);
    assert_int_equal(text.failed, 0);
    pack_gzip(buf_view(&text), &on.packed);
    assert_int_equal(inflate_gzip(buf_view(&on.packed), text.size - 1, &on.out), STATUS_TOO_LARGE);
    assert_true(on.out.capacity <= 2 * text.size);
    assert_int_equal(inflate_gzip(buf_view(&on.packed), text.size, &on.out), 0);
    assert_int_equal(on.out.size, text.size + 7);
    buf_release(&on.out);
    buf_init(&on.out, 1000); /* The buffer's own bound. */
    assert_int_equal(inflate_gzip(buf_view(&on.packed), text.size, &on.out), STATUS_TOO_LARGE);
    on.packed.size = 0;
    pack_zstd(buf_view(&text), &on.packed);
    assert_int_equal(inflate_zstd(buf_view(&on.packed), text.size, &on.out), STATUS_TOO_LARGE);
    buf_release(&text);
    stop(&on);
}

/* The size that gzip's trailer tells is a peer's word. */
static void inflate__does_not_believe_the_trailer(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    pack_gzip(VIEW("text"), &on.packed);
    memset(on.packed.data + on.packed.size - 4, 0xFF, 4);
    assert_int_equal(inflate_gzip(buf_view(&on.packed), (size_t)1 << 30, &on.out), STATUS_INVALID);
    assert_true(on.out.capacity <= 2 << 20);
    stop(&on);
}

static void inflate__guards_the_ratio(void **state)
{
    struct fixture on;
    struct buf zeros;

    (void)state;
    start(&on);
    buf_init(&zeros, 0);
    assert_int_equal(buf_reserve(&zeros, BIG), 0);
    memset(zeros.data, 0, BIG);
    zeros.size = BIG;
    pack_zstd(buf_view(&zeros), &on.packed); /* About 30,000 : 1. */
    assert_int_equal(inflate_zstd(buf_view(&on.packed), BIG, &on.out), STATUS_TOO_LARGE);
    on.packed.size = 0;
    zeros.size = 1 << 20; /* So much is allowed of anything. */
    pack_zstd(buf_view(&zeros), &on.packed);
    assert_int_equal(inflate_zstd(buf_view(&on.packed), BIG, &on.out), 0);
    on.packed.size = 0;
    zeros.size = BIG;
    pack_gzip(buf_view(&zeros), &on.packed); /* 1,020 : 1, the most that deflate can do. */
    assert_int_equal(inflate_gzip(buf_view(&on.packed), BIG, &on.out), STATUS_TOO_LARGE);
    buf_release(&zeros);
    stop(&on);
}

static void inflate__refuses_nothing(void **state)
{
    static const unpacker unpackers[] = {inflate_gzip, inflate_zlib, inflate_zstd};
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(unpackers[i]((struct view){NULL, 0}, 100, &out), STATUS_INVALID);
    assert_int_equal(out.size, 0);
    buf_release(&out);
}

static void inflate__refuses_old_and_wide_zstd(void **state)
{
    /* A frame of zstd 0.5, which libzstd would read; and one that asks for a window of 2 GiB. */
    static const char old[] = "\x25\xB5\x2F\xFD\x00\x00\x00\x00";
    static const char wide[] = "\x28\xB5\x2F\xFD\x00\xA8\x01\x00\x00";
    struct fixture on;

    (void)state;
    start(&on);
    assert_int_equal(inflate_zstd(VIEW(old), 1000, &on.out), STATUS_INVALID);
    assert_int_equal(inflate_zstd(VIEW(wide), 1000, &on.out), STATUS_TOO_LARGE);
    stop(&on);
}

/* What inflate_stream_read() says of the whole of `in`. */
static int stream_all(enum inflate_format format, struct view in)
{
    struct inflate_stream *stream;
    char out[64];
    size_t size = sizeof(out);
    int status = 0;

    assert_int_equal(inflate_stream_new(format, &stream), 0);
    while (status == 0 && (in.size != 0 || size == sizeof(out)))
        status = inflate_stream_read(stream, &in, out, sizeof(out), &size);
    if (status == 0)
        status = inflate_stream_finish(stream);
    inflate_stream_free(stream);
    return status;
}

/* Four bytes show it; what else would come is not waited for. */
static void inflate__refuses_old_zstd_at_once(void **state)
{
    (void)state;
    for (char version = 0x22; version < 0x28; version++) {
        const char magic[] = {version, '\xB5', '\x2F', '\xFD'};
        assert_int_equal(stream_all(INFLATE_ZSTD, (struct view){magic, 4}), STATUS_INVALID);
    }
    assert_int_equal(stream_all(INFLATE_ZSTD, VIEW("\x28\xB5\x2F\xFD")), STATUS_TRUNCATED);
}

/* Members one behind the other are gzip's; in zlib's format nothing may follow. */
static void inflate__takes_one_member_of_zlib(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    pack(VIEW("text"), 15, &on.packed);
    assert_int_equal(stream_all(INFLATE_ZLIB, buf_view(&on.packed)), 0);
    pack(VIEW("text"), 15, &on.packed);
    assert_int_equal(stream_all(INFLATE_ZLIB, buf_view(&on.packed)), STATUS_INVALID);
    stop(&on);
}

static void inflate__guesses_by_the_first_bytes(void **state)
{
    (void)state;
    assert_int_equal(inflate_guess(VIEW("\x1F\x8B\x08")), INFLATE_GZIP);
    assert_int_equal(inflate_guess(VIEW("\x28\xB5\x2F\xFD")), INFLATE_ZSTD);
    assert_int_equal(inflate_guess(VIEW("\x5E\x2A\x4D\x18")), INFLATE_ZSTD);
    assert_int_equal(inflate_guess(VIEW("\x28\xB5\x2F")), INFLATE_PLAIN);
    assert_int_equal(inflate_guess(VIEW("{}")), INFLATE_PLAIN);
    assert_int_equal(inflate_guess((struct view){NULL, 0}), INFLATE_PLAIN);
}

static int gzip_step(void *context)
{
    struct view packed = *(struct view *)context;
    struct buf out;
    int status;

    buf_init(&out, 0);
    status = inflate_gzip(packed, 1000, &out);
    buf_release(&out);
    return status;
}

static int zstd_step(void *context)
{
    struct view packed = *(struct view *)context;
    struct buf out;
    int status;

    buf_init(&out, 0);
    status = inflate_zstd(packed, 1000, &out);
    buf_release(&out);
    return status;
}

static void inflate__survives_failing_memory(void **state)
{
    struct fixture on;
    struct view packed;

    (void)state;
    start(&on);
    pack_gzip(VIEW("text"), &on.packed);
    packed = buf_view(&on.packed);
    test_sweep_memory(gzip_step, &packed);
    on.packed.size = 0;
    pack_zstd(VIEW("text"), &on.packed);
    packed = buf_view(&on.packed);
    test_sweep_memory(zstd_step, &packed);
    stop(&on);
}

static void inflate__tells_what_is_likely(void **state)
{
    const struct view nothing = {NULL, 0};
    size_t least = inflate_likely(INFLATE_GZIP, nothing);

    (void)state;
    assert_in_range(least, 1, 1 << 20);
    assert_int_equal(inflate_likely(INFLATE_ZSTD, nothing), least);
    assert_int_equal(inflate_likely(INFLATE_GZIP, VIEW("\x00\x00\x10")), least);
    assert_int_equal(inflate_likely(INFLATE_GZIP, VIEW("....\x01\x00\x00\x10")), 0x10000001);
    assert_int_equal(inflate_most(0, SIZE_MAX), INFLATE_FREE_BYTES);
    assert_int_equal(inflate_most(0, 10), 10);
    assert_int_equal(inflate_most(10000, SIZE_MAX), 10000 * INFLATE_RATIO_MAX);
    assert_int_equal(inflate_most(SIZE_MAX, SIZE_MAX), SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inflate__tells_what_is_likely),
        cmocka_unit_test(inflate__unpacks_every_format),
        cmocka_unit_test(inflate__unpacks_all_members),
        cmocka_unit_test(inflate__refuses_damaged_messages),
        cmocka_unit_test(inflate__takes_no_more_than_the_bound),
        cmocka_unit_test(inflate__does_not_believe_the_trailer),
        cmocka_unit_test(inflate__guards_the_ratio),
        cmocka_unit_test(inflate__refuses_nothing),
        cmocka_unit_test(inflate__refuses_old_and_wide_zstd),
        cmocka_unit_test(inflate__refuses_old_zstd_at_once),
        cmocka_unit_test(inflate__takes_one_member_of_zlib),
        cmocka_unit_test(inflate__guesses_by_the_first_bytes),
        cmocka_unit_test(inflate__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
