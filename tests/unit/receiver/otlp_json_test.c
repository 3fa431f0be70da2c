/* otlp_json_test.c: OTLP/JSON becomes the protobuf that says the same. */
#include "receiver/otlp_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/json_fixture.h"
#include "tests/lib/otlp_build.h"
#include "tests/lib/test.h"

typedef Opentelemetry__Proto__Trace__V1__Span Span;
typedef Opentelemetry__Proto__Common__V1__AnyValue AnyValue;

#define VALUE_BEGIN SPANS_BEGIN "{\"attributes\":[{\"key\":\"k\",\"value\":"
#define VALUE_END "}]}" SPANS_END

static const Span *convert_span(struct fixture_json *on, const char *span)
{
    char text[4096];

    (void)snprintf(text, sizeof(text), SPANS_BEGIN "%s" SPANS_END, span);
    assert_int_equal(convert_text(on, text), 0);
    assert_string_equal(on->error.text, "");
    return on->request->resource_spans[0]->scope_spans[0]->spans[0];
}

static const AnyValue *convert_value(struct fixture_json *on, const char *value)
{
    char text[4096];

    (void)snprintf(text, sizeof(text), "{\"attributes\":[{\"key\":\"k\",\"value\":%s}]}", value);
    return convert_span(on, text)->attributes[0]->value;
}

static void assert_refused(struct fixture_json *on, const char *text, const char *reason)
{
    assert_int_equal(convert_text(on, text), STATUS_INVALID);
    if (strstr(on->error.text, reason) == NULL)
        fail_msg("'%s' is not in '%s'", reason, on->error.text);
}

/* The offset must be that of the `mark` in the text, which a space takes the place of. */
static void assert_refused_at(struct fixture_json *on, const char *marked, const char *reason)
{
    char text[4096];
    char *mark;

    (void)snprintf(text, sizeof(text), "%s", marked);
    mark = strchr(text, '^');
    assert_non_null(mark);
    memmove(mark, mark + 1, strlen(mark));
    assert_refused(on, text, reason);
    assert_int_equal(on->error.offset, mark - text);
}

/* ------------------------------------------------------------------ what is read */

static void json__knows_every_field(void **state)
{
    static const char text[] =
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
        "{\"stringValue\":\"shop\"}}],\"droppedAttributesCount\":1,\"entityRefs\":[{\"schemaUrl\":"
        "\"u\",\"type\":\"t\",\"idKeys\":[\"a\",\"b\"],\"descriptionKeys\":[]}]},\"scopeSpans\":[{"
        "\"scope\":{\"name\":\"lib\",\"version\":\"1\",\"attributes\":[],"
        "\"droppedAttributesCount\":2},"
        "\"spans\":[{\"traceId\":\"5B8EFFF798038103D269B633813FC60C\",\"spanId\":"
        "\"eee19b7ec3c1b174\",\"parentSpanId\":\"eee19b7ec3c1b173\",\"traceState\":\"ot=th:8\","
        "\"flags\":257,\"name\":\"I'm a \\u00fcser\",\"startTimeUnixNano\":\"1544712660000000000\","
        "\"endTimeUnixNano\":1544712661000000000,\"kind\":2,\"droppedAttributesCount\":3,"
        "\"attributes\":[],\"events\":[{\"timeUnixNano\":\"5\",\"name\":\"e\",\"attributes\":[],"
        "\"droppedAttributesCount\":4}],\"droppedEventsCount\":5,\"links\":[{\"traceId\":"
        "\"5b8efff798038103d269b633813fc60d\",\"spanId\":\"eee19b7ec3c1b175\",\"traceState\":\"\","
        "\"attributes\":[],\"droppedAttributesCount\":6,\"flags\":7}],\"droppedLinksCount\":8,"
        "\"status\":{\"message\":\"m\",\"code\":2}}],\"schemaUrl\":\"s\"}],\"schemaUrl\":\"r\"}]}";
    struct fixture_json on = {.request = NULL};
    const Opentelemetry__Proto__Resource__V1__Resource *resource;
    const Opentelemetry__Proto__Trace__V1__ScopeSpans *scope;
    const Span *span;

    (void)state;
    assert_int_equal(convert_text(&on, text), 0);
    assert_string_equal(on.error.text, "");
    resource = on.request->resource_spans[0]->resource;
    assert_string_equal(resource->attributes[0]->key, "service.name");
    assert_string_equal(resource->attributes[0]->value->string_value, "shop");
    assert_int_equal(resource->dropped_attributes_count, 1);
    assert_int_equal(resource->entity_refs[0]->n_id_keys, 2);
    assert_string_equal(resource->entity_refs[0]->id_keys[1], "b");
    assert_string_equal(on.request->resource_spans[0]->schema_url, "r");
    scope = on.request->resource_spans[0]->scope_spans[0];
    assert_string_equal(scope->scope->version, "1");
    assert_string_equal(scope->schema_url, "s");
    span = scope->spans[0];
    assert_int_equal(span->trace_id.len, 16);
    assert_memory_equal(span->trace_id.data,
                        "\x5B\x8E\xFF\xF7\x98\x03\x81\x03\xD2\x69\xB6\x33\x81"
                        "\x3F\xC6\x0C",
                        16);
    assert_memory_equal(span->span_id.data, "\xEE\xE1\x9B\x7E\xC3\xC1\xB1\x74", 8);
    assert_memory_equal(span->parent_span_id.data, "\xEE\xE1\x9B\x7E\xC3\xC1\xB1\x73", 8);
    assert_string_equal(span->trace_state, "ot=th:8");
    assert_int_equal(span->flags, 257);
    assert_string_equal(span->name, "I'm a \xC3\xBCser");
    assert_int_equal(span->kind, 2);
    assert_int_equal(span->start_time_unix_nano, 1544712660000000000);
    assert_int_equal(span->end_time_unix_nano, 1544712661000000000);
    assert_int_equal(span->dropped_attributes_count, 3);
    assert_int_equal(span->events[0]->time_unix_nano, 5);
    assert_int_equal(span->events[0]->dropped_attributes_count, 4);
    assert_int_equal(span->dropped_events_count, 5);
    assert_int_equal(span->links[0]->trace_id.data[15], 0x0D);
    assert_int_equal(span->links[0]->flags, 7);
    assert_int_equal(span->dropped_links_count, 8);
    assert_string_equal(span->status->message, "m");
    assert_int_equal(span->status->code, 2);
    finish(&on);
}

static void json__takes_absent_things_as_empty(void **state)
{
    static const char *const texts[] = {
        "{}",
        " {\n} ",
        "{\"resourceSpans\":null}",
        "{\"resourceSpans\":[]}",
    };
    struct fixture_json on = {.request = NULL};
    const Span *span;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(convert_text(&on, texts[i]), 0);
        assert_int_equal(on.out.size, 0);
    }
    assert_int_equal(convert_text(&on, "{\"resourceSpans\":[{},{\"scopeSpans\":[{}]}]}"), 0);
    assert_int_equal(on.request->n_resource_spans, 2);
    assert_null(on.request->resource_spans[0]->resource);
    span = convert_span(&on, "{\"traceId\":null,\"spanId\":\"\",\"kind\":null,\"status\":null,"
                             "\"attributes\":null,\"links\":[null]}");
    assert_int_equal(span->trace_id.len, 0);
    assert_int_equal(span->span_id.len, 0);
    assert_null(span->status);
    assert_int_equal(span->n_links, 1);
    finish(&on);
}

static void json__ignores_unknown_fields_everywhere(void **state)
{
    struct fixture_json on = {.request = NULL};

    (void)state;
    assert_int_equal(convert_text(&on, "{\"x\":{\"resourceSpans\":[1]},\"resourceSpans\":[{\"y\":"
                                       "[[],{}],\"scopeSpans\":[{\"z\":1.5,\"spans\":[{\"name\":"
                                       "\"n\",\"w\":true,\"status\":{\"v\":null}}]}]}]}"),
                     0);
    assert_string_equal(on.error.text, "");
    assert_string_equal(on.request->resource_spans[0]->scope_spans[0]->spans[0]->name, "n");
    finish(&on);
}

static void json__warns_of_names_in_snake_case(void **state)
{
    struct fixture_json on = {.request = NULL};

    (void)state;
    assert_int_equal(convert_text(&on, "{\"resource_spans\":[{}]}"), 0);
    assert_int_equal(on.request->n_resource_spans, 0);
    assert_string_equal(on.error.text, "resource_spans was ignored: names are in lowerCamelCase");
    assert_int_equal(convert_text(&on, SPANS_BEGIN "{\"trace_id\":\"00\"}" SPANS_END), 0);
    assert_string_equal(on.error.text, "trace_id was ignored: names are in lowerCamelCase");
    assert_int_equal(convert_text(&on, "{\"some_thing\":1}"), 0);
    assert_string_equal(on.error.text, "");
    assert_int_equal(
        convert_text(&on, "{\"resourceSpans\":[{\"instrumentationLibrarySpans\":[]}]}"), 0);
    assert_non_null(strstr(on.error.text, "instrumentationLibrarySpans"));
    assert_int_equal(convert_text(&on, VALUE_BEGIN "{\"stringValueStrindex\":1}" VALUE_END), 0);
    assert_non_null(strstr(on.error.text, "stringValueStrindex"));
    finish(&on);
}

static void json__takes_the_last_of_equal_keys(void **state)
{
    struct fixture_json on = {.request = NULL};
    const Span *span = convert_span(&on, "{\"name\":\"a\",\"links\":[{},{}],\"status\":{\"code\":2,"
                                         "\"message\":\"m\"},\"name\":\"b\",\"links\":[{}],"
                                         "\"status\":{\"code\":1}}");

    (void)state;
    assert_string_equal(span->name, "b");
    assert_int_equal(span->n_links, 1);
    assert_int_equal(span->status->code, 1);
    assert_string_equal(span->status->message, "");
    finish(&on);
}

/* ------------------------------------------------------------------ values */

static void json__reads_integers(void **state)
{
    static const struct {
        const char *value;
        int64_t number;
    } cases[] = {
        {"1", 1},
        {"\"1\"", 1},
        {"-7", -7},
        {"\"-7\"", -7},
        {"2.0", 2},
        {"1e3", 1000},
        {"9223372036854775807", INT64_MAX},
        {"\"-9223372036854775808\"", INT64_MIN},
        {"-9223372036854775808", INT64_MIN},
    };
    static const char *const wrong[] = {
        "1.5",
        "\"\"",
        "\"1.5\"",
        "\"x\"",
        "\"1x\"",
        "\" 1\"",
        "\"0x1\"",
        "\"+1\"",
        "true",
        "[]",
        "{}",
        "\"-\"",
        "9223372036854775808",
        "\"-9223372036854775809\"",
        "1e19",
    };
    struct fixture_json on = {.request = NULL};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const AnyValue *value;
        (void)snprintf(text, sizeof(text), "{\"intValue\":%s}", cases[i].value);
        value = convert_value(&on, text);
        assert_int_equal(value->value_case,
                         OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE);
        assert_true(value->int_value == cases[i].number);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(text, sizeof(text), VALUE_BEGIN "{\"intValue\":^%s}" VALUE_END, wrong[i]);
        assert_refused_at(&on, text, ".value.intValue: a 64-bit integer");
    }
    assert_int_equal(
        convert_span(&on, "{\"startTimeUnixNano\":18446744073709551615}")->start_time_unix_nano ==
            UINT64_MAX,
        1);
    assert_int_equal(
        convert_span(&on, "{\"endTimeUnixNano\":\"18446744073709551615\"}")->end_time_unix_nano ==
            UINT64_MAX,
        1);
    assert_refused_at(&on, SPANS_BEGIN "{\"startTimeUnixNano\":^-1}" SPANS_END,
                      "spans[0].startTimeUnixNano: a 64-bit integer");
    assert_refused_at(&on, SPANS_BEGIN "{\"startTimeUnixNano\":^18446744073709551616}" SPANS_END,
                      "a 64-bit integer");
    assert_int_equal(convert_span(&on, "{\"flags\":4294967295}")->flags, UINT32_MAX);
    assert_refused_at(&on, SPANS_BEGIN "{\"flags\":^4294967296}" SPANS_END, "a 32-bit integer");
    assert_refused_at(&on, SPANS_BEGIN "{},{\"droppedLinksCount\":^-1}" SPANS_END,
                      "resourceSpans[0].scopeSpans[0].spans[1].droppedLinksCount: a 32-bit");
    finish(&on);
}

static void json__reads_doubles(void **state)
{
    static const struct {
        const char *value;
        double number;
    } cases[] = {
        {"1.5", 1.5},
        {"2", 2},
        {"\"-2.5\"", -2.5},
        {"10000000000000000000", 1e19},
        {"-123456789012345678901234567890", -123456789012345678901234567890.0},
        {"\"Infinity\"", 1 / 0.0},
        {"\"-Infinity\"", -1 / 0.0},
    };
    static const char *const wrong[] = {"\"nan\"", "true", "\"\"", "\"1x\"", "\"true\"", "[]"};
    struct fixture_json on = {.request = NULL};
    char text[256];
    double number;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(text, sizeof(text), "{\"doubleValue\":%s}", cases[i].value);
        number = convert_value(&on, text)->double_value;
        assert_memory_equal(&number, &cases[i].number, sizeof(number));
    }
    number = convert_value(&on, "{\"doubleValue\":\"NaN\"}")->double_value;
    assert_true(number != number);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(text, sizeof(text), VALUE_BEGIN "{\"doubleValue\":^%s}" VALUE_END, wrong[i]);
        assert_refused_at(&on, text, "a number");
    }
    finish(&on);
}

static void json__reads_other_values(void **state)
{
    struct fixture_json on = {.request = NULL};
    const AnyValue *value = convert_value(&on, "{\"boolValue\":true}");

    (void)state;
    assert_int_equal(value->bool_value, 1);
    assert_int_equal(convert_value(&on, "{\"boolValue\":false}")->value_case,
                     OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BOOL_VALUE);
    value = convert_value(&on, "{\"arrayValue\":{\"values\":[{\"intValue\":1},{}]}}");
    assert_int_equal(value->array_value->n_values, 2);
    value = convert_value(&on, "{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":"
                               "{\"stringValue\":\"b\"}}]}}");
    assert_string_equal(value->kvlist_value->values[0]->value->string_value, "b");
    assert_int_equal(convert_value(&on, "{}")->value_case,
                     OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE__NOT_SET);
    value = convert_value(&on, "{\"stringValue\":\"a\",\"intValue\":5}");
    assert_int_equal(value->int_value, 5);
    assert_refused_at(&on, VALUE_BEGIN "{\"boolValue\":^1}" VALUE_END, "true or false");
    assert_refused_at(&on, VALUE_BEGIN "{\"stringValue\":^1}" VALUE_END, "a string");
    assert_refused_at(&on, VALUE_BEGIN "^\"x\"" VALUE_END, "value: an object is expected");
    assert_refused_at(&on, VALUE_BEGIN "{\"arrayValue\":^[]}" VALUE_END, "an object is expected");
    assert_refused_at(&on, "{\"resourceSpans\": ^{}}", "resourceSpans: an array is expected");
    finish(&on);
}

static void json__reads_bytes(void **state)
{
    static const struct {
        const char *text;
        struct view bytes;
    } cases[] = {
        {"", {"", 0}},
        {"AA==", {"\0", 1}},
        {"AA", {"\0", 1}},
        {"+/+/", {"\xFB\xFF\xBF", 3}},
        {"-_-_", {"\xFB\xFF\xBF", 3}},
        {"AAE=", {"\0\1", 2}},
        {"AAE", {"\0\1", 2}},
        {"AAECAw==", {"\0\1\2\3", 4}},
    };
    static const char *const wrong[] = {"A",
                                        "A===",
                                        "AA=",
                                        "A=A=",
                                        "====",
                                        "AAECA",
                                        "AA E",
                                        ("AA=="
                                         "AA==")};
    struct fixture_json on = {.request = NULL};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const AnyValue *value;
        (void)snprintf(text, sizeof(text), "{\"bytesValue\":\"%s\"}", cases[i].text);
        value = convert_value(&on, text);
        assert_int_equal(value->bytes_value.len, cases[i].bytes.size);
        if (value->bytes_value.len != 0)
            assert_memory_equal(value->bytes_value.data, cases[i].bytes.data, cases[i].bytes.size);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(text, sizeof(text), VALUE_BEGIN "{\"bytesValue\":^\"%s\"}" VALUE_END,
                       wrong[i]);
        assert_refused_at(&on, text, "base64 is expected");
    }
    finish(&on);
}

static void json__keeps_ids_of_wrong_lengths_wrong(void **state)
{
    struct fixture_json on = {.request = NULL};
    char text[256];
    char digits[40];

    (void)state;
    for (size_t length = 0; length <= 36; length++) {
        const Span *span;
        memset(digits, 'a', length);
        digits[length] = '\0';
        (void)snprintf(text, sizeof(text),
                       "{\"traceId\":\"%s\",\"spanId\":\"%s\",\"parentSpanId\":\"%s\"}", digits,
                       digits, digits);
        span = convert_span(&on, text);
        assert_int_equal(span->trace_id.len == 16, length == 32);
        assert_int_equal(span->span_id.len == 8, length == 16);
        assert_int_equal(span->parent_span_id.len == 8, length == 16);
        assert_int_equal(span->parent_span_id.len == 0, length == 0);
    }
    assert_refused_at(&on, SPANS_BEGIN "{\"traceId\":^\"xx\"}" SPANS_END,
                      "spans[0].traceId: an id in hexadecimal digits");
    assert_refused_at(&on, SPANS_BEGIN "{\"links\":[{},{\"spanId\":^\"0g\"}]}" SPANS_END,
                      "links[1].spanId: an id in hexadecimal digits");
    assert_refused_at(&on, SPANS_BEGIN "{\"spanId\":^12}" SPANS_END, "a string is expected");
    finish(&on);
}

static void json__takes_enums_by_number_only(void **state)
{
    struct fixture_json on = {.request = NULL};

    (void)state;
    assert_refused_at(&on, SPANS_BEGIN "{\"kind\":^\"SPAN_KIND_SERVER\"}" SPANS_END,
                      "spans[0].kind: an enum's number is expected");
    assert_refused_at(&on, SPANS_BEGIN "{\"status\":{\"code\":^\"2\"}}" SPANS_END,
                      "status.code: an enum's number is expected");
    assert_refused_at(&on, SPANS_BEGIN "{\"kind\":^2147483648}" SPANS_END, "an enum's number");
    assert_int_equal(convert_span(&on, "{\"kind\":77}")->kind, 77);
    assert_int_equal((int)convert_span(&on, "{\"kind\":-1}")->kind, -1);
    finish(&on);
}

/* ------------------------------------------------------------------ what is no JSON */

static void json__refuses_what_is_no_json(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "x",
        "1",
        "null",
        "[]",
        "\"\"",
        "{",
        "{}x",
        "{}{}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{'a':1}",
        "{\"a\":\"\xFF\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\\ud800\"}",
        "\xEF\xBB\xBF{}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":1e999}",
        "{\"a\":NaN}",
        "{\"a\":\"\n\"}",
        "{\"a\":tru}",
        "{\"a\"",
        "{\"a\":\"\\x\"}",
        "{a:1}",
        "{\"a\":\"\xED\xA0\x80\"}",
    };
    struct fixture_json on = {.request = NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(convert_text(&on, texts[i]), STATUS_INVALID);
        assert_string_not_equal(on.error.text, "");
        assert_true(on.error.offset <= strlen(texts[i]));
    }
    assert_refused(&on, "[]", "the request: an object is expected");
    finish(&on);
}

static void json__says_where_text_is_wrong(void **state)
{
    struct fixture_json on = {.request = NULL};

    (void)state;
    assert_int_equal(convert_text(&on, "{\"a\": 12, x}"), STATUS_INVALID);
    assert_in_range(on.error.offset, 10, 11);
    /* Behind integers that get quotation marks on the way. */
    assert_int_equal(convert_text(&on, "{\"a\":[99999999999999999999,99999999999999999999], x}"),
                     STATUS_INVALID);
    assert_in_range(on.error.offset, 50, 51);
    finish(&on);
}

static void json__keeps_zeros_in_strings(void **state)
{
    struct fixture_json on = {.request = NULL};
    const struct otlp_stage *stage;
    struct rig rig;

    (void)state;
    assert_int_equal(convert_text(&on, SPANS_BEGIN "{\"name\":\"a\\u0000b\"}" SPANS_END), 0);
    assert_non_null(memmem(on.out.data, on.out.size,
                           "\x2A\x03"
                           "a\0b",
                           5));
    rig_start(&rig, NULL, false);
    assert_int_equal(
        otlp_decode_json(
            rig.decoder,
            VIEW(SPANS_BEGIN
                 "{\"name\":\"a\\u0000b\",\"traceId\":\"00000000000000000000000000000001"
                 "\",\"spanId\":\"0000000000000001\"}" SPANS_END),
            &stage),
        0);
    assert_view_equal(rig_operation(&rig, &stage->spans[0]), "a\xEF\xBF\xBD"
                                                             "b");
    rig_stop(&rig);
    finish(&on);
}

static void json__bounds_depth(void **state)
{
    struct fixture_json on = {.request = NULL};
    struct buf text;

    (void)state;
    buf_init(&text, 0);
    for (int levels = 63; levels <= 64; levels++) { /* The object itself, and the arrays. */
        buf_reset(&text);
        (void)buf_append_text(&text, "{\"x\":");
        for (int i = 0; i < levels; i++)
            (void)buf_append_byte(&text, '[');
        for (int i = 0; i < levels; i++)
            (void)buf_append_byte(&text, ']');
        (void)buf_append_byte(&text, '}');
        assert_int_equal(convert(&on, buf_view(&text)), levels == 63 ? 0 : STATUS_INVALID);
    }
    assert_non_null(strstr(on.error.text, "nested too deeply"));
    buf_reset(&text);
    for (int i = 0; i < 100000; i++)
        (void)buf_append_text(&text, i % 2 == 0 ? "[" : "{\"a\":");
    assert_int_equal(text.failed, 0);
    assert_int_equal(convert(&on, buf_view(&text)), STATUS_INVALID);
    assert_non_null(strstr(on.error.text, "nested too deeply"));
    buf_release(&text);
    finish(&on);
}

/* A value that protobuf may nest so deep is as deep as JSON may be (A35). */
static void json__bounds_values_as_protobuf_does(void **state)
{
    const struct otlp_stage *stage;
    struct rig rig;
    struct buf text;

    (void)state;
    rig_start(&rig, NULL, false);
    buf_init(&text, 0);
    for (int levels = 29; levels <= 30; levels++) {
        buf_reset(&text);
        (void)buf_append_text(&text, VALUE_BEGIN);
        for (int i = 0; i < levels; i++)
            (void)buf_append_text(&text, "{\"arrayValue\":{\"values\":[");
        for (int i = 0; i < levels; i++)
            (void)buf_append_text(&text, "]}}");
        (void)buf_append_text(&text, VALUE_END);
        assert_int_equal(text.failed, 0);
        /* The innermost array is empty and not a level of messages more. */
        assert_int_equal(otlp_decode_json(rig.decoder, buf_view(&text), &stage),
                         levels == 29 ? 0 : STATUS_INVALID);
    }
    buf_release(&text);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json__knows_every_field),
        cmocka_unit_test(json__takes_absent_things_as_empty),
        cmocka_unit_test(json__ignores_unknown_fields_everywhere),
        cmocka_unit_test(json__warns_of_names_in_snake_case),
        cmocka_unit_test(json__takes_the_last_of_equal_keys),
        cmocka_unit_test(json__reads_integers),
        cmocka_unit_test(json__reads_doubles),
        cmocka_unit_test(json__reads_other_values),
        cmocka_unit_test(json__reads_bytes),
        cmocka_unit_test(json__keeps_ids_of_wrong_lengths_wrong),
        cmocka_unit_test(json__takes_enums_by_number_only),
        cmocka_unit_test(json__refuses_what_is_no_json),
        cmocka_unit_test(json__says_where_text_is_wrong),
        cmocka_unit_test(json__keeps_zeros_in_strings),
        cmocka_unit_test(json__bounds_depth),
        cmocka_unit_test(json__bounds_values_as_protobuf_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
