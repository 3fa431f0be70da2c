/* otlp_attribute_test.c: attributes of all types, by way of the decoder. */
#include "receiver/otlp_attribute.h"

#include "tests/lib/otlp_build.h"
#include "tests/lib/test.h"
#include "topology/attribute_names.h"

static void decode__names_peers_by_attributes(void **state)
{
    char long_host[301];
    struct fixture on;

    (void)state;
    memset(long_host, 'h', 300);
    long_host[300] = '\0';
    start(&on);
    open_client(&on);
    build_attribute(&on.build, 9, "server.address", "db.example");
    build_number_attribute(&on.build, 9, "server.port", 54320);
    assert_view_equal(rig_peer(&on.rig, decode_one(&on)), "db.example");
    open_client(&on);
    build_attribute(&on.build, 9, "server.address", "10.0.0.1");
    build_number_attribute(&on.build, 9, "server.port", 80);
    assert_view_equal(rig_peer(&on.rig, decode_one(&on)), "10.0.0.1:80");
    open_client(&on);
    build_attribute(&on.build, 9, "server.address", "10.0.0.1");
    build_attribute(&on.build, 9, "server.port", "8080"); /* A text where a number belongs. */
    assert_view_equal(rig_peer(&on.rig, decode_one(&on)), "10.0.0.1:8080");
    open_client(&on);
    build_attribute(&on.build, 9, "server.address", long_host); /* Lengths of two bytes. */
    assert_int_equal(rig_peer(&on.rig, decode_one(&on)).size, 256);
    open_client(&on);
    assert_view_equal(rig_peer(&on.rig, decode_one(&on)), "");
    stop(&on);
}

/* Opens an attribute `key` and its value. */
static void open_value(struct fixture *on, const char *key)
{
    open_client(on);
    build_open(&on->build, 9);
    build_text(&on->build, 1, key);
    build_open(&on->build, 2);
}

static enum call_kind decode_call(struct fixture *on)
{
    const struct span *span = decode_one(on);

    return (enum call_kind)catalog_site_at(on->rig.catalog, span->site)->call;
}

static void decode__knows_all_types_of_values(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open_value(&on, "rpc.x");
    build_varint(&on.build, 2, 0);
    assert_int_equal(decode_call(&on), CALL_RPC);
    open_value(&on, "rpc.x");
    build_varint(&on.build, 3, 0);
    assert_int_equal(decode_call(&on), CALL_RPC);
    open_value(&on, "rpc.x");
    build_fixed64(&on.build, 4, 0);
    assert_int_equal(decode_call(&on), CALL_RPC);
    for (unsigned field = 5; field <= 7; field++) {
        open_value(&on, "rpc.x");
        build_open(&on.build, field); /* Empty arrays, lists and bytes are as absent. */
        assert_int_equal(decode_call(&on), CALL_OTHER);
    }
    open_value(&on, "rpc.x");
    build_open(&on.build, 5);
    build_open(&on.build, 1);
    assert_int_equal(decode_call(&on), CALL_RPC);
    open_value(&on, "rpc.x");
    build_bytes(&on.build, 7, VIEW("x"));
    assert_int_equal(decode_call(&on), CALL_RPC);
    open_value(&on, "rpc.x"); /* No value at all. */
    assert_int_equal(decode_call(&on), CALL_OTHER);
    open_value(&on, "db.name"); /* Of a oneof, the last that came is set. */
    build_text(&on.build, 1, "shop");
    build_open(&on.build, 5);
    assert_int_equal(decode_call(&on), CALL_OTHER);
    stop(&on);
}

static void decode__reads_a_value_before_its_key(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open_client(&on);
    build_open(&on.build, 9);
    build_open(&on.build, 2);
    build_text(&on.build, 1, "db.example");
    build_close(&on.build);
    build_text(&on.build, 1, "server.address");
    assert_view_equal(rig_peer(&on.rig, decode_one(&on)), "db.example");
    for (uint64_t is_temporary = 0; is_temporary < 2; is_temporary++) {
        open_client(&on);
        build_attribute(&on.build, 9, "messaging.destination.name", "q-17");
        build_open(&on.build, 9);
        build_open(&on.build, 2);
        build_varint(&on.build, 2, is_temporary);
        build_close(&on.build);
        build_text(&on.build, 1, "messaging.destination.temporary");
        assert_view_equal(rig_peer(&on.rig, decode_one(&on)),
                          is_temporary ? "(temporary)" : "q-17");
    }
    stop(&on);
}

/* A client with a port that is a number of `size` bytes: `low`, others that add nothing, and `last`. */
static void build_wide_number(struct fixture *on, size_t size, uint8_t low, uint8_t last)
{
    uint8_t bytes[12];

    bytes[0] = WIRE_TAG(3, WIRE_VARINT);
    memset(bytes + 1, 0x80, sizeof(bytes) - 1);
    bytes[1] = (uint8_t)(low | (size > 1 ? 0x80 : 0));
    if (size > 1)
        bytes[size] = last;
    open_client(on);
    build_attribute(&on->build, 9, "server.address", "10.0.0.1");
    build_open(&on->build, 9);
    build_text(&on->build, 1, "server.port");
    build_bytes(&on->build, 2, BYTES((const char *)bytes, size + 1));
    build_close(&on->build);
}

static void decode__reads_numbers_of_any_length(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    for (size_t size = 1; size <= 10; size++) {
        build_wide_number(&on, size, 80, 0);
        assert_view_equal(rig_peer(&on.rig, decode_one(&on)), "10.0.0.1:80");
        if (size == 1)
            continue;
        build_wide_number(&on, size, 80, 0x80); /* More must come, but for the tenth. */
        assert_int_equal(decode(&on), size < 10 ? STATUS_TRUNCATED : STATUS_INVALID);
    }
    build_wide_number(&on, 2, 80, 1);
    assert_view_equal(rig_peer(&on.rig, decode_one(&on)), "10.0.0.1:208");
    build_wide_number(&on, 3, 80, 1);
    assert_view_equal(rig_peer(&on.rig, decode_one(&on)), "10.0.0.1:16464");
    build_wide_number(&on, 3, 80, 3);
    assert_view_equal(rig_peer(&on.rig, decode_one(&on)), "10.0.0.1:49232");
    stop(&on);
}

/* The last member that came is set, though the first is a number of as many bytes as are left. */
static void decode__tells_a_number_from_two_members(void **state)
{
    static const struct view values[] = {VIEW("\x18\x50\x0a"), VIEW("\x18\x50\x0a\x00"),
                                         VIEW("\x18\xd0\x01\x0a\x00")};
    struct fixture on;

    (void)state;
    start(&on);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        open_client(&on);
        build_attribute(&on.build, 9, "server.address", "10.0.0.1");
        build_open(&on.build, 9);
        build_text(&on.build, 1, "server.port");
        build_bytes(&on.build, 2, values[i]);
        build_close(&on.build);
        if (i == 0)
            assert_int_equal(decode(&on), STATUS_TRUNCATED);
        else
            assert_view_equal(rig_peer(&on.rig, decode_one(&on)), "10.0.0.1");
    }
    stop(&on);
}

/* By words that overlap: a difference anywhere is seen. */
static void name_find__tells_any_byte(void **state)
{
    char key[ATTRIBUTE_NAME_SIZE_MAX];
    size_t longest = 0;

    (void)state;
    for (size_t i = 0; i < ATTRIBUTE_NAMES; i++) {
        const struct attribute_name *name = &attribute_names[i];
        if (name->size == 0)
            continue;
        memcpy(key, name->key, name->size);
        longest = name->size > longest ? name->size : longest;
        assert_ptr_equal(attribute_name_find(key, name->size), name);
        for (size_t at = 0; at < name->size; at++) {
            key[at] ^= 0x20;
            assert_null(attribute_name_find(key, name->size));
            key[at] ^= 0x20;
        }
    }
    assert_in_range(longest, 33, ATTRIBUTE_NAME_SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode__names_peers_by_attributes),
        cmocka_unit_test(decode__knows_all_types_of_values),
        cmocka_unit_test(decode__reads_a_value_before_its_key),
        cmocka_unit_test(decode__reads_numbers_of_any_length),
        cmocka_unit_test(decode__tells_a_number_from_two_members),
        cmocka_unit_test(name_find__tells_any_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
