/* otlp_attribute_test.c: attributes of all types, by way of the decoder. */
#include "receiver/otlp_attribute.h"

#include "tests/lib/otlp_build.h"
#include "tests/lib/test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode__names_peers_by_attributes),
        cmocka_unit_test(decode__knows_all_types_of_values),
        cmocka_unit_test(decode__reads_a_value_before_its_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
