/* otlp_trace_test.c: requests become staged records. */
#include "receiver/otlp_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct rig {
    struct naming *naming;
    struct catalog *catalog;
    struct otlp_decoder *decoder;
};

static void rig_start(struct rig *rig)
{
    const struct naming_options naming = {.derive_errors = false};
    const struct catalog_limits limits = {100, 100, 100, 100, 256};
    struct otlp_decoder_options options = {.hash_seed = 7};
    char error[256];

    assert_int_equal(naming_new(&naming, error, &rig->naming), 0);
    assert_int_equal(catalog_new(&limits, &rig->catalog), 0);
    options.naming = rig->naming;
    options.catalog = rig->catalog;
    assert_int_equal(otlp_decoder_new(&options, &rig->decoder), 0);
}

static void rig_stop(struct rig *rig)
{
    otlp_decoder_free(rig->decoder);
    catalog_free(rig->catalog);
    naming_free(rig->naming);
}

static void decode__stages_a_span(void **state)
{
    static const char text[] =
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"GET /\",\"kind\":2,"
        "\"traceId\":\"000102030405060708090a0b0c0d0e0f\",\"spanId\":\"1011121314151617\","
        "\"startTimeUnixNano\":\"1000\",\"endTimeUnixNano\":1500,\"status\":{\"code\":2}}]}],"
        "\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
        "\"shop\"}}]}}]}";
    const struct otlp_stage *stage;
    const struct site *site;
    struct rig rig;

    (void)state;
    rig_start(&rig);
    assert_int_equal(otlp_decode_json(rig.decoder, VIEW(text), &stage), 0);
    assert_int_equal(stage->count, 1);
    assert_int_equal(stage->spans[0].start_ns, 1000);
    assert_int_equal(stage->spans[0].duration_ns, 500);
    assert_int_equal(stage->spans[0].kind, SPAN_KIND_SERVER);
    assert_int_equal(stage->spans[0].status, SPAN_STATUS_ERROR);
    site = catalog_site_at(rig.catalog, stage->spans[0].site);
    assert_true(view_equal(catalog_node_at(rig.catalog, site->service)->name, VIEW("shop")));
    assert_true(view_equal(catalog_text_at(rig.catalog, site->operation), VIEW("GET /")));
    assert_true(catalog_is_reported(rig.catalog, site->service));
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(decode__stages_a_span)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
