/* otlp_trace_test.c: requests become staged records; what is wrong in them is found where it is. */
#include "receiver/otlp_trace.h"

#include <sys/resource.h>

#include "base/proto_write.h"
#include "tests/lib/otlp_build.h"
#include "tests/lib/test.h"

#include "receiver/otlp_wire.h"
#include "topology/catalog_sweep.h"

static void decode__stages_a_span(void **state)
{
    struct fixture on;
    const struct span *span;
    const struct site *site;

    (void)state;
    start(&on);
    build_open_service(&on.build, "shop");
    build_open_span(&on.build, 2, 9, "GET /");
    build_varint(&on.build, 6, SPAN_KIND_SERVER);
    build_fixed64(&on.build, 7, 1000);
    build_fixed64(&on.build, 8, 1500);
    build_open(&on.build, 15);
    build_text(&on.build, 2, "no");
    build_varint(&on.build, 3, SPAN_STATUS_ERROR);
    span = decode_one(&on);
    assert_int_equal(span->trace[0], 1);
    assert_int_equal(span->trace[1], 0);
    assert_int_equal(span->id, 2);
    assert_int_equal(span->parent, 9);
    assert_int_equal(span->start_ns, 1000);
    assert_int_equal(span->duration_ns, 500);
    assert_int_equal(span->kind, SPAN_KIND_SERVER);
    assert_int_equal(span->status, SPAN_STATUS_ERROR);
    assert_int_equal(span->weight, WEIGHT_ONE);
    assert_int_equal(span->weight_unknown, 1);
    assert_int_equal(span->parent_bad + span->no_duration + span->skewed + span->weight_cut, 0);
    assert_int_equal(span->has_remote + span->is_remote + span->spare, 0);
    assert_int_equal(span->trace_hash, span_trace_hash(span->trace, RIG_SEED));
    site = catalog_site_at(on.rig.catalog, span->site);
    assert_int_equal(site->kind, SPAN_KIND_SERVER);
    assert_view_equal(rig_service(&on.rig, span), "shop");
    assert_view_equal(rig_operation(&on.rig, span), "GET /");
    stop(&on);
}

static void decode__takes_an_empty_request(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    assert_int_equal(decode(&on), 0);
    assert_int_equal(on.stage->count, 0);
    build_open_service(&on.build, "shop"); /* An envelope without spans. */
    assert_int_equal(decode(&on), 0);
    assert_int_equal(on.stage->count, 0);
    assert_null(on.stage->warning);
    stop(&on);
}

/* ------------------------------------------------------------------ attributes, resources */

static void decode__takes_the_first_of_equal_keys(void **state)
{
    struct fixture on;
    const struct span *span;

    (void)state;
    start(&on);
    build_open(&on.build, 1);
    build_open(&on.build, 1);
    build_attribute(&on.build, 1, "service.name", "first");
    build_attribute(&on.build, 1, "service.name", "second");
    build_close(&on.build);
    build_open(&on.build, 2);
    build_open_span(&on.build, 2, 0, "op");
    build_varint(&on.build, 6, SPAN_KIND_CLIENT);
    build_attribute(&on.build, 9, "peer.service", "a");
    build_attribute(&on.build, 9, "peer.service", "b");
    span = decode_one(&on);
    assert_view_equal(rig_service(&on.rig, span), "first");
    assert_view_equal(rig_peer(&on.rig, span), "a");
    assert_int_equal(on.stage->attributes_repeated, 2);
    open_one(&on);
    (void)decode_one(&on);
    assert_int_equal(on.stage->attributes_repeated, 0);
    stop(&on);
}

static void decode__finds_a_resource_behind_its_spans(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    build_open(&on.build, 1);
    build_open(&on.build, 2);
    build_open_span(&on.build, 2, 0, "a");
    build_close(&on.build);
    build_open_span(&on.build, 3, 0, "b");
    build_close(&on.build);
    build_close(&on.build);
    build_open(&on.build, 1);
    build_attribute(&on.build, 1, "service.name", "behind");
    build_close(&on.build);
    build_open(&on.build, 1); /* Once more: they are one. */
    build_attribute(&on.build, 1, "service.namespace", "ns");
    build_close(&on.build);
    (void)build_done(&on.build);
    build_open_service(&on.build, NULL);
    build_open_span(&on.build, 4, 0, "c");
    assert_int_equal(decode(&on), 0);
    assert_int_equal(on.stage->count, 3);
    assert_view_equal(rig_service(&on.rig, &on.stage->spans[0]), "behind");
    assert_view_equal(rig_service(&on.rig, &on.stage->spans[1]), "behind");
    assert_view_equal(rig_service(&on.rig, &on.stage->spans[2]), "unknown_service");
    assert_int_not_equal(on.stage->spans[0].site, on.stage->spans[1].site);
    stop(&on);
}

static void decode__keeps_resources_and_scopes_apart(void **state)
{
    static const char *const names[] = {"a", "b", "c"};
    struct fixture on;

    (void)state;
    start(&on);
    for (size_t i = 0; i < 3; i++) {
        build_open_service(&on.build, names[i]);
        build_open(&on.build, 1); /* The scope. */
        build_text(&on.build, 1, "library");
        build_attribute(&on.build, 3, "service.name", "not this");
        build_close(&on.build);
        build_open_span(&on.build, 2, 0, "op");
        build_close(&on.build);
        build_close(&on.build);
        build_open(&on.build, 2); /* A second scope of the resource. */
        build_open_span(&on.build, 3, 0, "op");
        (void)build_done(&on.build);
    }
    assert_int_equal(decode(&on), 0);
    assert_int_equal(on.stage->count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_view_equal(rig_service(&on.rig, &on.stage->spans[i]), names[i / 2]);
    assert_int_equal(on.stage->spans[0].site, on.stage->spans[1].site);
    assert_int_equal(on.stage->sites_missed, 3);
    stop(&on);
}

static void decode__lets_no_names_leak_into_the_next_span(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open_client(&on);
    build_attribute(&on.build, 9, "peer.service", "a");
    build_attribute(&on.build, 9, "db.system", "redis");
    build_close(&on.build);
    build_open_span(&on.build, 3, 0, "");
    build_varint(&on.build, 6, SPAN_KIND_CLIENT);
    assert_int_equal(decode(&on), 0);
    assert_view_equal(rig_peer(&on.rig, &on.stage->spans[1]), "");
    assert_view_equal(rig_operation(&on.rig, &on.stage->spans[1]), "");
    assert_int_equal(catalog_site_at(on.rig.catalog, on.stage->spans[1].site)->call, CALL_OTHER);
    stop(&on);
}

static void decode__keeps_zeros_within_names_apart(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    build_open_service(&on.build, "shop");
    build_open_span(&on.build, 2, 0, "a");
    build_close(&on.build);
    build_open_span(&on.build, 3, 0, "");
    build_bytes(&on.build, 5, BYTES("a\0b", 3));
    assert_int_equal(decode(&on), 0);
    assert_int_not_equal(on.stage->spans[0].site, on.stage->spans[1].site);
    assert_view_equal(rig_operation(&on.rig, &on.stage->spans[1]), "a\xEF\xBF\xBD"
                                                                   "b");
    stop(&on);
}

/* Who takes spans on notes who reported them: a request may still be refused. */
static void decode__marks_no_service_as_reported(void **state)
{
    struct node node = {NODE_SERVICE, {NULL, 0}, VIEW("shop")};
    struct fixture on;
    uint32_t service;

    (void)state;
    start(&on);
    open_one(&on);
    (void)decode_one(&on);
    assert_int_equal(catalog_node(on.rig.catalog, &node, &service), 0);
    assert_false(catalog_is_reported(on.rig.catalog, service));
    stop(&on);
}

static void decode__answers_the_same_with_any_memo(void **state)
{
    struct otlp_decoder_options options = {.memo_entries = 1};
    struct otlp_decoder *small;
    const struct otlp_stage *stage;
    struct fixture on;
    struct view message;

    (void)state;
    start(&on);
    options.naming = on.rig.naming;
    options.catalog = on.rig.catalog;
    options.hash_seed = RIG_SEED;
    assert_int_equal(otlp_decoder_new(&options, &small), 0);
    build_open_service(&on.build, "shop");
    for (uint64_t i = 1; i <= 60; i++) {
        char name[] = "op-a";
        name[3] = (char)('a' + i % 7);
        build_open_span(&on.build, i, 0, name);
        build_close(&on.build);
    }
    message = build_done(&on.build);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(otlp_decode_protobuf(small, message, &stage), 0);
        assert_int_equal(otlp_decode_protobuf(on.rig.decoder, message, &on.stage), 0);
        assert_memory_equal(stage->spans, on.stage->spans, 60 * sizeof(struct span));
        assert_in_range(stage->sites_missed, 8, 60); /* One line has room for four of them. */
        assert_int_equal(on.stage->sites_missed, round == 0 ? 7 : 0);
    }
    otlp_decoder_free(small);
    stop(&on);
}

/* ------------------------------------------------------------------ what is wrong */

static void decode__skips_what_it_does_not_know(void **state)
{
    struct fixture on;
    const struct span *span;

    (void)state;
    start(&on);
    build_varint(&on.build, 99, 1);
    build_fixed64(&on.build, 1, 1); /* Wrong wire types of known fields. */
    build_open_service(&on.build, "shop");
    build_fixed32(&on.build, 2, 1);
    build_open_span(&on.build, 2, 0, "op");
    build_varint(&on.build, 1, 5);
    build_fixed64(&on.build, 2, 5);
    build_fixed32(&on.build, 5, 5);
    build_text(&on.build, 6, "kind");
    build_varint(&on.build, 7, 5);
    build_varint(&on.build, 9, 5);
    build_varint(&on.build, 15, 5);
    build_varint(&on.build, 16, 768);
    build_bytes(&on.build, 5000, VIEW("new"));
    build_raw(&on.build, VIEW("\x9B\x06\x08\x01\xA3\x06\x0A\x01x\xA4\x06\x9C\x06")); /* Groups. */
    build_open(&on.build, 9); /* Likewise in an attribute. */
    build_fixed64(&on.build, 1, 5);
    build_text(&on.build, 1, "peer.service");
    build_varint(&on.build, 2, 5);
    span = decode_one(&on);
    assert_view_equal(rig_operation(&on.rig, span), "op");
    assert_int_equal(span->kind, SPAN_KIND_UNSPECIFIED);
    assert_int_equal(span->start_ns, 0);
    assert_int_equal(span->has_remote, 0);
    stop(&on);
}

static void decode__refuses_a_broken_wire_format(void **state)
{
    static const struct {
        struct view bytes;
        int status;
    } cases[] = {
        {{"\x00\x01", 2}, STATUS_INVALID}, /* Field 0. */
        {{"\x0E", 1}, STATUS_INVALID},     /* Types 6, 7. */
        {{"\x0F", 1}, STATUS_INVALID},
        {{"\x0C", 1}, STATUS_INVALID}, /* Stray end. */
        {{"\xA8\x06\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 13}, STATUS_INVALID},
        {{"\x80\x80\x80\x80\x80\x01\x01", 7}, STATUS_INVALID}, /* A long tag. */
        {{"\xA3\x06\xAC\x06", 4}, STATUS_INVALID},             /* Wrong end. */
        {{"\xA3\x06", 2}, STATUS_TRUNCATED},
        {{"\xA8\x06\x80", 3}, STATUS_TRUNCATED},
        {{"\xA8\x06", 2}, STATUS_TRUNCATED},
        {{"\xA9\x06zzzzzzz", 9}, STATUS_TRUNCATED},
        {{"\xAD\x06zzz", 5}, STATUS_TRUNCATED},
        {{"\xAA\x06\x02z", 4}, STATUS_TRUNCATED},
        {{"\xAA", 1}, STATUS_TRUNCATED},
    };
    struct fixture on;

    (void)state;
    start(&on);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* At each depth, behind a good span. */
        for (unsigned closed = 0; closed < 4; closed++) {
            size_t at;
            open_one(&on);
            for (unsigned j = 0; j < closed; j++)
                build_close(&on.build);
            build_raw(&on.build, cases[i].bytes);
            assert_int_equal(decode(&on), cases[i].status);
            assert_int_equal(on.stage->count, 0);
            assert_non_null(on.stage->error);
            at = on.stage->error_offset;
            assert_true(at >= 16 && at <= 80);
        }
    }
    stop(&on);
}

static void decode__refuses_what_is_broken_in_parts_it_does_not_use(void **state)
{
    static const unsigned fields[] = {9, 11, 13, 15};
    struct fixture on;

    (void)state;
    start(&on);
    for (size_t i = 0; i < 4; i++) {
        open_one(&on);
        build_bytes(&on.build, fields[i], VIEW("\x07"));
        assert_int_equal(decode(&on), STATUS_INVALID);
        open_one(&on);
        build_open(&on.build, fields[i] == 15 ? 11 : fields[i]); /* Within an attribute's value. */
        if (fields[i] == 9)
            build_bytes(&on.build, 2, VIEW("\x2A\x02\x0A\x05"));
        else
            build_bytes(&on.build, fields[i] == 13 ? 4 : 3, VIEW("\x12\x04\x2A\x02\x0A\x05"));
        assert_int_equal(decode(&on), STATUS_TRUNCATED);
    }
    build_open(&on.build, 1);
    build_bytes(&on.build, 1, VIEW("\x1A\x01\x07")); /* An EntityRef of a resource. */
    assert_int_equal(decode(&on), STATUS_INVALID);
    build_open_service(&on.build, "shop");
    build_bytes(&on.build, 1, VIEW("\x1A\x01\x07")); /* A scope's attribute. */
    assert_int_equal(decode(&on), STATUS_INVALID);
    stop(&on);
}

static void decode__says_where_it_is_wrong(void **state)
{
    struct fixture on;
    size_t at;

    (void)state;
    start(&on);
    open_one(&on);
    at = on.build.out.size;
    build_raw(&on.build, VIEW("\x07"));
    assert_int_equal(decode(&on), STATUS_INVALID);
    /* Each of the three open messages got a length of one byte in front. */
    assert_int_equal(on.stage->error_offset, at + 3);
    assert_string_equal(on.stage->error, "a field breaks protobuf's wire format");
    assert_int_equal(otlp_decode_protobuf(on.rig.decoder, VIEW("\x0A\x05"), &on.stage),
                     STATUS_TRUNCATED);
    assert_int_equal(on.stage->error_offset, 1);
    stop(&on);
}

static void decode__recovers_from_a_bad_request(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open_one(&on);
    build_raw(&on.build, VIEW("\x07"));
    assert_int_equal(decode(&on), STATUS_INVALID);
    open_one(&on);
    (void)decode_one(&on);
    assert_null(on.stage->error);
    stop(&on);
}

/* An attribute whose value is nested `levels` arrays deep. */
static void build_nested(struct build *build, unsigned levels)
{
    build_open(build, 9);
    build_open(build, 2);
    for (unsigned i = 0; i < levels; i++) {
        build_open(build, 5);
        build_open(build, 1);
    }
}

static void decode__bounds_depth(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open_one(&on);
    build_nested(&on.build, 29); /* Request to value are 6 messages, each level has 2: 64. */
    (void)decode_one(&on);
    open_one(&on);
    build_nested(&on.build, 30);
    assert_int_equal(decode(&on), STATUS_INVALID);
    assert_string_equal(on.stage->error, "messages are nested too deeply");
    open_one(&on);
    for (int i = 0; i < 60; i++)
        build_raw(&on.build, VIEW("\xA3\x06"));
    for (int i = 0; i < 60; i++)
        build_raw(&on.build, VIEW("\xA4\x06"));
    (void)decode_one(&on);
    open_one(&on);
    for (int i = 0; i < 61; i++)
        build_raw(&on.build, VIEW("\xA3\x06"));
    for (int i = 0; i < 61; i++)
        build_raw(&on.build, VIEW("\xA4\x06"));
    assert_int_equal(decode(&on), STATUS_INVALID);
    stop(&on);
}

/* Nested 100,000 deep: written from the inside, so that the lengths need no moving. */
static void decode__survives_deep_nesting(void **state)
{
    enum { LEVELS = 100000 };
    uint8_t *bytes = mem_alloc(LEVELS * 5);
    size_t at = LEVELS * 5;
    struct fixture on;

    (void)state;
    assert_non_null(bytes);
    for (int i = 0; i < LEVELS; i++) {
        uint8_t length[10];
        size_t size = proto_put_varint(length, LEVELS * 5 - at);
        at -= size;
        memcpy(bytes + at, length, size);
        bytes[--at] = i % 2 == 0 ? 0x0A : 0x2A;
    }
    start(&on);
    open_one(&on);
    build_open(&on.build, 9);
    build_bytes(&on.build, 2, BYTES((const char *)bytes + at, LEVELS * 5 - at));
    assert_int_equal(decode(&on), STATUS_INVALID);
    assert_string_equal(on.stage->error, "messages are nested too deeply");
    open_one(&on);
    for (int i = 0; i < LEVELS; i++)
        build_raw(&on.build, VIEW("\x0B"));
    assert_int_equal(decode(&on), STATUS_INVALID);
    mem_free(bytes);
    stop(&on);
}

static long peak_kib(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* 60 MiB of messages of two bytes each, as spans, attributes and events. */
static void decode__survives_masses_of_empty_messages(void **state)
{
    enum { BYTES_OF_SPANS = 60 << 20 };
    static const char tags[] = {0x12, 0x4A, 0x5A, 0x6A};
    char *bytes = mem_alloc(BYTES_OF_SPANS);
    struct fixture on;

    (void)state;
    assert_non_null(bytes);
    start(&on);
    for (size_t i = 0; i < sizeof(tags); i++) {
        long before;
        for (size_t at = 0; at < BYTES_OF_SPANS; at += 2) {
            bytes[at] = tags[i];
            bytes[at + 1] = 0;
        }
        build_open_service(&on.build, "shop");
        if (tags[i] != 0x12)
            build_open_span(&on.build, 2, 0, "op");
        build_raw(&on.build, BYTES(bytes, BYTES_OF_SPANS));
        (void)build_done(&on.build);
        before = peak_kib();
        assert_int_equal(decode(&on), 0);
        assert_true(peak_kib() - before < 8 << 10);
        assert_int_equal(on.stage->rejected[REJECTED_INVALID_ID],
                         tags[i] == 0x12 ? BYTES_OF_SPANS / 2 : 0);
        assert_int_equal(on.stage->links_invalid, tags[i] == 0x6A ? BYTES_OF_SPANS / 2 : 0);
    }
    mem_free(bytes);
    stop(&on);
}

static void decode__bounds_the_spans_of_a_request(void **state)
{
    const struct otlp_decoder_options options = {.spans_max = 3};
    struct fixture on;

    (void)state;
    start_with(&on, &options, false);
    for (uint64_t spans = 3; spans <= 4; spans++) {
        build_open_service(&on.build, "shop");
        for (uint64_t i = 1; i <= spans; i++) {
            build_open_span(&on.build, i, 0, "op");
            build_close(&on.build);
        }
        assert_int_equal(decode(&on), spans == 3 ? 0 : STATUS_TOO_LARGE);
        assert_int_equal(on.stage->count, spans == 3 ? 3 : 0);
    }
    stop(&on);
}

static void decode__gives_large_stages_back(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    for (uint64_t spans = 20000; spans >= 1; spans /= 20000) {
        build_open_service(&on.build, "shop");
        for (uint64_t i = 1; i <= spans; i++) {
            build_open_span(&on.build, i, 0, "op");
            build_close(&on.build);
        }
        assert_int_equal(decode(&on), 0);
        assert_int_equal(on.stage->count, spans);
        assert_int_equal(on.stage->spans[spans - 1].id, spans);
    }
    assert_int_equal(otlp_decode_protobuf(on.rig.decoder, VIEW(""), &on.stage), 0);
    assert_int_equal(on.stage->count, 0);
    stop(&on);
}

/* ------------------------------------------------------------------ warnings, answers */

static void decode__warns_of_what_it_ignores(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    open_client(&on);
    build_open(&on.build, 9);
    build_text(&on.build, 1, "peer.service");
    build_open(&on.build, 2);
    build_varint(&on.build, 8, 3); /* string_value_strindex */
    assert_view_equal(rig_peer(&on.rig, decode_one(&on)), "");
    assert_non_null(strstr(on.stage->warning, "strindex"));
    open_one(&on);
    build_open(&on.build, 9);
    build_varint(&on.build, 3, 3); /* key_strindex */
    (void)decode_one(&on);
    assert_non_null(strstr(on.stage->warning, "strindex"));
    build_open(&on.build, 1);
    build_text(&on.build, 1000, "");
    assert_int_equal(decode(&on), 0);
    assert_non_null(strstr(on.stage->warning, "instrumentation_library_spans"));
    open_one(&on);
    (void)decode_one(&on);
    assert_null(on.stage->warning);
    stop(&on);
}

struct sweep {
    struct otlp_decoder_options options;
    struct view message;
};

static int decode_step(void *context)
{
    const struct sweep *sweep = context;
    const struct otlp_stage *stage;
    struct otlp_decoder *decoder;
    int status = otlp_decoder_new(&sweep->options, &decoder);

    if (status != 0)
        return status;
    status = otlp_decode_protobuf(decoder, sweep->message, &stage);
    assert_int_equal(stage->count, status == 0 ? 300 : 0);
    otlp_decoder_free(decoder);
    return status;
}

static void decode__survives_failing_memory(void **state)
{
    struct sweep sweep = {.options = {.hash_seed = RIG_SEED}};
    struct fixture on;

    (void)state;
    start(&on);
    build_open_service(&on.build, "shop");
    for (uint64_t i = 1; i <= 300; i++) {
        build_open_span(&on.build, i, 0, i < 200 ? "a" : "b");
        build_varint(&on.build, 6, SPAN_KIND_CLIENT);
        build_attribute(&on.build, 9, "peer.service", "other");
        build_close(&on.build);
    }
    sweep.message = build_done(&on.build);
    sweep.options.naming = on.rig.naming;
    sweep.options.catalog = on.rig.catalog;
    test_sweep_memory(decode_step, &sweep);
    stop(&on);
}

/* What a memo said of names may be somebody else's by now. */
static void decode__looks_names_up_anew_after_a_sweep(void **state)
{
    struct fixture fixture;
    struct catalog *catalog;
    uint32_t number, stamp;

    (void)state;
    start(&fixture);
    catalog = fixture.rig.catalog;
    open_one(&fixture);
    number = decode_one(&fixture)->site;
    stamp = catalog_sweep_begin(catalog);
    assert_false(catalog_readers_passed(catalog)); /* The stage is still in use. */
    otlp_decoder_rest(fixture.rig.decoder);
    assert_true(catalog_readers_passed(catalog));
    catalog_sweep(catalog, stamp);
    assert_true(catalog_give_back(catalog));
    build_open_service(&fixture.build, "other");
    build_open_span(&fixture.build, 7, 0, "squat");
    assert_int_equal(decode_one(&fixture)->site, number);
    open_one(&fixture);
    assert_view_equal(rig_service(&fixture.rig, decode_one(&fixture)), "shop");
    open_one(&fixture);
    assert_int_not_equal(decode_one(&fixture)->site, number);
    assert_int_equal(fixture.stage->sites_missed, 0);
    stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode__stages_a_span),
        cmocka_unit_test(decode__takes_an_empty_request),
        cmocka_unit_test(decode__takes_the_first_of_equal_keys),
        cmocka_unit_test(decode__finds_a_resource_behind_its_spans),
        cmocka_unit_test(decode__keeps_resources_and_scopes_apart),
        cmocka_unit_test(decode__lets_no_names_leak_into_the_next_span),
        cmocka_unit_test(decode__keeps_zeros_within_names_apart),
        cmocka_unit_test(decode__marks_no_service_as_reported),
        cmocka_unit_test(decode__answers_the_same_with_any_memo),
        cmocka_unit_test(decode__skips_what_it_does_not_know),
        cmocka_unit_test(decode__refuses_a_broken_wire_format),
        cmocka_unit_test(decode__refuses_what_is_broken_in_parts_it_does_not_use),
        cmocka_unit_test(decode__says_where_it_is_wrong),
        cmocka_unit_test(decode__recovers_from_a_bad_request),
        cmocka_unit_test(decode__bounds_depth),
        cmocka_unit_test(decode__survives_deep_nesting),
        cmocka_unit_test(decode__survives_masses_of_empty_messages),
        cmocka_unit_test(decode__bounds_the_spans_of_a_request),
        cmocka_unit_test(decode__gives_large_stages_back),
        cmocka_unit_test(decode__warns_of_what_it_ignores),
        cmocka_unit_test(decode__survives_failing_memory),
        cmocka_unit_test(decode__looks_names_up_anew_after_a_sweep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
