/* naming_status_test.c: errors that are derived from codes (E13). */
#include <stdio.h>

#include "tests/lib/test.h"
#include "topology/naming.h"

static struct naming *make(bool derive_errors)
{
    const struct naming_options options = {.derive_errors = derive_errors};
    struct naming *naming;
    char error[256];

    assert_int_equal(naming_new(&options, error, &naming), 0);
    return naming;
}

static bool fails(const struct naming *naming, const char *key, const char *text, int64_t number,
                  enum span_kind kind)
{
    struct attributes span = {.present = 0};

    if (text != NULL)
        attributes_offer_text(&span, view_of(key), view_of(text));
    else
        attributes_offer_number(&span, view_of(key), number);
    return naming_status(naming, &span, kind, SPAN_STATUS_UNSET) == SPAN_STATUS_ERROR;
}

static void status__follows_http_codes(void **state)
{
    static const struct {
        int64_t code;
        bool client, server;
    } cases[] = {{200, false, false}, {302, false, false}, {399, false, false}, {400, true, false},
                 {404, true, false},  {499, true, false},  {500, true, true},   {503, true, true},
                 {599, true, true},   {600, false, false}, {0, false, false},   {-1, false, false}};
    static const char *const keys[] = {"http.response.status_code", "http.status_code"};
    struct naming *naming = make(true);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t j = 0; j < 2; j++) {
            assert_int_equal(fails(naming, keys[j], NULL, cases[i].code, SPAN_KIND_CLIENT),
                             cases[i].client);
            assert_int_equal(fails(naming, keys[j], NULL, cases[i].code, SPAN_KIND_SERVER),
                             cases[i].server);
        }
    assert_true(fails(naming, "http.status_code", "404", 0, SPAN_KIND_CLIENT));
    naming_free(naming);
}

static void status__follows_grpc_codes(void **state)
{
    static const struct {
        const char *name;
        bool server;
    } codes[] = {{"OK", false},
                 {"CANCELLED", false},
                 {"UNKNOWN", true},
                 {"INVALID_ARGUMENT", false},
                 {"DEADLINE_EXCEEDED", true},
                 {"NOT_FOUND", false},
                 {"ALREADY_EXISTS", false},
                 {"PERMISSION_DENIED", false},
                 {"RESOURCE_EXHAUSTED", false},
                 {"FAILED_PRECONDITION", false},
                 {"ABORTED", false},
                 {"OUT_OF_RANGE", false},
                 {"UNIMPLEMENTED", true},
                 {"INTERNAL", true},
                 {"UNAVAILABLE", true},
                 {"DATA_LOSS", true},
                 {"UNAUTHENTICATED", false}};
    struct naming *naming = make(true);

    (void)state;
    for (int64_t i = 0; i < 17; i++) {
        char digits[4];
        (void)snprintf(digits, sizeof(digits), "%d", (int)i);
        assert_int_equal(fails(naming, "rpc.grpc.status_code", NULL, i, SPAN_KIND_CLIENT), i != 0);
        assert_int_equal(fails(naming, "rpc.grpc.status_code", NULL, i, SPAN_KIND_SERVER),
                         codes[i].server);
        assert_int_equal(fails(naming, "rpc.response.status_code", digits, 0, SPAN_KIND_SERVER),
                         codes[i].server);
        assert_int_equal(fails(naming, "rpc.status_code", codes[i].name, 0, SPAN_KIND_SERVER),
                         codes[i].server);
        assert_int_equal(fails(naming, "rpc.status_code", codes[i].name, 0, SPAN_KIND_CLIENT),
                         i != 0);
    }
    assert_true(fails(naming, "rpc.status_code", "internal", 0, SPAN_KIND_SERVER));
    assert_true(fails(naming, "rpc.status_code", "odd", 0, SPAN_KIND_CLIENT));
    assert_false(fails(naming, "rpc.status_code", "odd", 0, SPAN_KIND_SERVER));
    assert_false(fails(naming, "rpc.status_code", NULL, 99, SPAN_KIND_SERVER));
    naming_free(naming);
}

static void status__leaves_a_set_status_alone(void **state)
{
    struct naming *on = make(true);
    struct naming *off = make(false);
    struct attributes span = {.present = 0};

    (void)state;
    attributes_offer_number(&span, VIEW("http.status_code"), 500);
    assert_int_equal(naming_status(on, &span, SPAN_KIND_SERVER, SPAN_STATUS_OK), SPAN_STATUS_OK);
    assert_int_equal(naming_status(off, &span, SPAN_KIND_SERVER, SPAN_STATUS_UNSET),
                     SPAN_STATUS_UNSET);
    assert_int_equal(naming_status(off, &span, SPAN_KIND_SERVER, SPAN_STATUS_ERROR),
                     SPAN_STATUS_ERROR);
    naming_free(on);
    naming_free(off);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status__follows_http_codes),
        cmocka_unit_test(status__follows_grpc_codes),
        cmocka_unit_test(status__leaves_a_set_status_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
