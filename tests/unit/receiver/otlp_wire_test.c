/* otlp_wire_test.c: varints, tags, lengths and groups, at their edges. */
#include "receiver/otlp_wire.h"

#include "base/proto_write.h"
#include "tests/lib/test.h"

static void wire__reads_varints(void **state)
{
    static const struct {
        struct view bytes;
        uint64_t number;
    } cases[] = {
        {{"\x00", 1}, 0},
        {{"\x7F", 1}, 127},
        {{"\x80\x01", 2}, 128},
        {{"\x80\x80\x00", 3}, 0}, /* Longer than need be. */
        {{"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 10}, UINT64_MAX},
        {{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10}, UINT64_C(1) << 63},
        {{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 10}, 0}, /* Bits past the 64th go. */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wire wire = wire_of(cases[i].bytes);
        uint64_t number = 1;
        assert_int_equal(wire_varint(&wire, &number), 0);
        assert_true(number == cases[i].number);
        assert_int_equal(wire_left(&wire), 0);
    }
}

static void wire__refuses_varints_that_do_not_end(void **state)
{
    static const char bytes[12] = "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01";
    struct wire wire = wire_of((struct view){bytes, 11});
    uint64_t number;

    (void)state;
    assert_int_equal(wire_varint(&wire, &number), STATUS_INVALID);
    assert_ptr_equal(wire.at, bytes);
    for (size_t size = 0; size < 10; size++) {
        wire = wire_of((struct view){bytes, size});
        assert_int_equal(wire_varint(&wire, &number), STATUS_TRUNCATED);
        assert_int_equal(wire_left(&wire), size);
    }
}

static void wire__writes_what_it_reads(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++)
        for (uint64_t less = 0; less < 2; less++) {
            uint64_t number = (UINT64_C(1) << bit) - less;
            uint64_t back = 0;
            uint8_t bytes[10];
            size_t size = proto_put_varint(bytes, number);
            struct wire wire = {bytes, bytes + size};
            assert_in_range(size, 1, 10);
            assert_int_equal(wire_varint(&wire, &back), 0);
            assert_true(back == number);
            assert_int_equal(wire_left(&wire), 0);
        }
}

static void wire__judges_tags(void **state)
{
    static const struct {
        struct view bytes;
        int status;
        uint32_t tag;
    } cases[] = {
        {{"\x08", 1}, 0, WIRE_TAG(1, WIRE_VARINT)},
        {{"\x0A", 1}, 0, WIRE_TAG(1, WIRE_BYTES)},
        {{"\xC2\x3E", 2}, 0, WIRE_TAG(1000, WIRE_BYTES)},
        {{"\x8A\x00", 2}, 0, WIRE_TAG(1, WIRE_BYTES)}, /* Longer than need be. */
        {{"\xFD\xFF\xFF\xFF\x0F", 5}, 0, WIRE_TAG(0x1FFFFFFF, WIRE_FIXED32)},
        {{"\xFD\xFF\xFF\xFF\x1F", 5}, STATUS_INVALID, 0},
        {{"\x88\x80\x80\x80\x80\x00", 6}, STATUS_INVALID, 0},
        {{"\x00", 1}, STATUS_INVALID, 0},
        {{"\x05", 1}, STATUS_INVALID, 0},
        {{"\x0E", 1}, STATUS_INVALID, 0},
        {{"\x0F", 1}, STATUS_INVALID, 0},
        {{"\x80", 1}, STATUS_TRUNCATED, 0},
        {{"", 0}, STATUS_TRUNCATED, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wire wire = wire_of(cases[i].bytes);
        uint32_t tag = 0;
        assert_int_equal(wire_tag(&wire, &tag), cases[i].status);
        assert_int_equal(tag, cases[i].tag);
        assert_int_equal(wire_left(&wire), cases[i].status == 0 ? 0 : cases[i].bytes.size);
    }
}

static void wire__takes_fields(void **state)
{
    struct wire wire = wire_of((struct view){"\x08\x96\x01"
                                             "\x11\x01\x02\x03\x04\x05\x06\x07\x08"
                                             "\x1D\x01\x02\x03\x04"
                                             "\x22\x02hi"
                                             "\x2A\x00",
                                             23});
    struct wire_field field;

    (void)state;
    assert_int_equal(wire_field(&wire, 0, &field), 0);
    assert_int_equal(field.tag, WIRE_TAG(1, WIRE_VARINT));
    assert_int_equal(field.number, 150);
    assert_int_equal(wire_field(&wire, 0, &field), 0);
    assert_true(field.number == UINT64_C(0x0807060504030201));
    assert_int_equal(wire_field(&wire, 0, &field), 0);
    assert_int_equal(field.number, 0x04030201);
    assert_int_equal(wire_field(&wire, 0, &field), 0);
    assert_view_equal(wire_view(field.bytes), "hi");
    assert_int_equal(wire_field(&wire, 0, &field), 0);
    assert_int_equal(wire_left(&field.bytes), 0);
    assert_int_equal(wire_left(&wire), 0);
}

static void wire__goes_over_groups(void **state)
{
    /* Field 1: a group with a varint and, in it, a group with a text; then field 2. */
    static const char bytes[] = "\x0B\x08\x01\x13\x0A\x01x\x14\x0C\x10\x07";
    struct wire_field field;

    (void)state;
    for (unsigned depth = 0; depth <= 3; depth++) {
        struct wire wire = wire_of(VIEW(bytes));
        int status = wire_field(&wire, depth, &field);
        assert_int_equal(status, depth >= 2 ? 0 : STATUS_INVALID);
        if (status != 0)
            continue;
        assert_int_equal(field.tag, WIRE_TAG(1, WIRE_GROUP));
        assert_int_equal(wire_field(&wire, depth, &field), 0);
        assert_int_equal(field.number, 7);
    }
    for (size_t size = 1; size < 9; size++) {
        struct wire wire = wire_of((struct view){bytes, size});
        assert_int_equal(wire_field(&wire, 9, &field), STATUS_TRUNCATED);
    }
}

/* The cursor stands at the element that is wrong. */
static void wire__stays_where_it_is_wrong(void **state)
{
    static const struct {
        struct view bytes;
        size_t at;
        int status;
    } cases[] = {
        {{"\x0C", 1}, 0, STATUS_INVALID},         /* The end of no group. */
        {{"\x0A\x05xx", 4}, 1, STATUS_TRUNCATED}, /* The length. */
        {{"\x09xx", 3}, 1, STATUS_TRUNCATED},
        {{"\x0Dxx", 3}, 1, STATUS_TRUNCATED},
        {{"\x08\x80", 2}, 1, STATUS_TRUNCATED},
        {{"\x0B\x08\x01\x14", 4}, 3, STATUS_INVALID}, /* The end of another group. */
        {{"\x0B\x08\x01\x07", 4}, 3, STATUS_INVALID},
        {{"\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11}, 1, STATUS_TRUNCATED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wire wire = wire_of(cases[i].bytes);
        struct wire_field field;
        assert_int_equal(wire_field(&wire, 9, &field), cases[i].status);
        assert_int_equal((const char *)wire.at - cases[i].bytes.data, cases[i].at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wire__reads_varints),
        cmocka_unit_test(wire__refuses_varints_that_do_not_end),
        cmocka_unit_test(wire__writes_what_it_reads),
        cmocka_unit_test(wire__judges_tags),
        cmocka_unit_test(wire__takes_fields),
        cmocka_unit_test(wire__goes_over_groups),
        cmocka_unit_test(wire__stays_where_it_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
