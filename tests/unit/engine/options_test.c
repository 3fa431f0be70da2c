/* options_test.c: that the table is sound: what its parser, help and documents rely on. */
#include "engine/options.h"

#include <stdio.h>

#include "base/log.h"
#include "tests/lib/test.h"

static struct view section_of(const char *key)
{
    const char *dot = strchr(key, '.');

    assert_non_null(dot);
    return (struct view){key, (size_t)(dot - key)};
}

static void options__keys_are_unique_and_no_sections(void **state)
{
    (void)state;
    for (size_t i = 0; i < spanmap_options.count; i++) {
        struct view key = view_of(spanmap_options.rows[i].key);
        assert_ptr_equal(option_find(&spanmap_options, key), &spanmap_options.rows[i]);
        assert_false(option_is_section(&spanmap_options, key));
        for (size_t j = 0; j < key.size; j++)
            assert_non_null(strchr("abcdefghijklmnopqrstuvwxyz_.", key.data[j]));
    }
}

static void options__sections_stand_together(void **state)
{
    const struct option_row *rows = spanmap_options.rows;

    (void)state;
    for (size_t i = 1; i < spanmap_options.count; i++) {
        struct view section = section_of(rows[i].key);
        if (view_equal(section, section_of(rows[i - 1].key)))
            continue;
        for (size_t j = 0; j < i; j++)
            assert_false(view_equal(section, section_of(rows[j].key)));
    }
}

static void options__rows_say_all_that_is_asked_of_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < spanmap_options.count; i++) {
        const struct option_row *row = &spanmap_options.rows[i];
        bool is_list = row->type == OPTION_TEXTS || row->type == OPTION_PAIRS;
        bool is_number = row->type == OPTION_COUNT || row->type == OPTION_BYTES ||
                         row->type == OPTION_DURATION || row->type == OPTION_RATIO;
        size_t size = strlen(row->prose);
        assert_true(size > 10 && row->prose[size - 1] == '.');
        assert_int_equal(row->initial == NULL, is_list);
        assert_int_equal(row->unit != NULL, row->type == OPTION_COUNT);
        assert_int_equal(row->choices != NULL, row->type == OPTION_ENUM);
        assert_true(row->min <= row->max);
        if (is_list || is_number || row->type == OPTION_TEXT)
            assert_true(row->max != 0);
        if (row->zero != NULL)
            assert_true(is_number && row->min != 0);
    }
}

static void options__defaults_print_as_they_are_written(void **state)
{
    struct options options;
    struct buf text;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    buf_init(&text, 0);
    for (size_t i = 0; i < spanmap_options.count; i++) {
        const struct option_row *row = &spanmap_options.rows[i];
        buf_reset(&text);
        assert_int_equal(option_print(row, &options, &text), 0);
        assert_view_equal(buf_view(&text), row->initial != NULL ? row->initial : "");
    }
    buf_release(&text);
    options_release(&options);
}

static void options__words_are_those_of_their_enums(void **state)
{
    struct options options;
    char error[256];

    (void)state;
    assert_int_equal(options_init(&options), 0);
    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
        static const char *const names[] = {"debug", "info", "warn", "error"};
        enum log_level parsed;
        assert_int_equal(log_level_parse(view_of(names[level]), &parsed), 0);
        assert_int_equal(option_set(option_find(&spanmap_options, VIEW("log.level")), &options,
                                    view_of(names[level]), error),
                         0);
        assert_int_equal(options.log_level, parsed);
    }
    assert_int_equal(option_set(option_find(&spanmap_options, VIEW("topology.orphan_servers")),
                                &options, VIEW("user"), error),
                     0);
    assert_int_equal(options.topology_orphan_servers, ORPHAN_SERVERS_USER);
    options_release(&options);
}

static void check_trace_url(struct options *options, const char *url, const char *fault)
{
    char error[256] = "";
    int status = option_set(option_find(&spanmap_options, VIEW("web.trace_url")), options,
                            view_of(url), error);

    if (fault == NULL) {
        assert_int_equal(status, 0);
        assert_view_equal(options->web_trace_url, url);
        return;
    }
    assert_int_equal(status, STATUS_INVALID);
    if (strstr(error, fault) == NULL)
        fail_msg("%s: '%s' is missing in '%s'", url, fault, error);
}

/* It becomes a link in the page. */
static void options__trace_url_is_a_template_of_a_web_address(void **state)
{
    struct options options;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    check_trace_url(&options, "https://jaeger.example/trace/{trace_id}?uiFind={span_id}", NULL);
    check_trace_url(&options, "http://[::1]:3000/explore?left=%7B%22q%22:{trace_id}}", NULL);
    check_trace_url(&options, "javascript:alert('{trace_id}')", "percent-encoded");
    check_trace_url(&options, "javascript:alert({trace_id})", "neither http://");
    check_trace_url(&options, "//jaeger.example/{trace_id}", "neither http://");
    check_trace_url(&options, " https://jaeger.example/{trace_id}", "percent-encoded");
    check_trace_url(&options, "https://jaeger.example/\"{trace_id}", "percent-encoded");
    check_trace_url(&options, "https://j\xc3\xa4ger.example/{trace_id}", "percent-encoded");
    check_trace_url(&options, "https:///{trace_id}", "no host");
    check_trace_url(&options, "https://{trace_id}.example/", "no host");
    check_trace_url(&options, "https://user:word@jaeger.example/{trace_id}", "user's name");
    check_trace_url(&options, "https://jaeger.example/trace/", "no {trace_id}");
    check_trace_url(&options, "", NULL);
    options_release(&options);
}

static void check_write_url(struct options *options, const char *url, const char *fault)
{
    char error[256] = "";
    int status = option_set(option_find(&spanmap_options, VIEW("push.remote_write.url")), options,
                            view_of(url), error);

    assert_int_equal(status, fault == NULL ? 0 : STATUS_INVALID);
    if (fault != NULL && strstr(error, fault) == NULL)
        fail_msg("%s: '%s' is missing in '%s'", url, fault, error);
}

/* It is shown as it is written, so that it has no room for secrets. */
static void options__write_url_is_an_address_of_http(void **state)
{
    struct options options;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    check_write_url(&options, "", NULL);
    check_write_url(&options, "http://localhost:9090/api/v1/write", NULL);
    check_write_url(&options, "https://metrics.example?tenant=a", NULL);
    check_write_url(&options, "http://[::1]:9090/", NULL);
    check_write_url(&options, "http://[::1]", NULL);
    check_write_url(&options, "ftp://host/", "neither http://");
    check_write_url(&options, "localhost:9090", "neither http://");
    check_write_url(&options, "http://", "no host");
    check_write_url(&options, "http:///api", "no host");
    check_write_url(&options, "http://:9090/", "no host");
    check_write_url(&options, "http://host:/", "no host");
    check_write_url(&options, "http://host:0/", "no port");
    check_write_url(&options, "http://host:65536/", "no port");
    check_write_url(&options, "http://host:9o/", "no port");
    check_write_url(&options, "http://::1/", "no host");
    check_write_url(&options, "http://[]:1/", "no host");
    check_write_url(&options, "http://host/a b", "percent-encoded");
    check_write_url(&options, "http://me:secret@host/", "user's name");
    options_release(&options);
}

static void options__print_is_yaml_of_all_keys(void **state)
{
    struct options options;
    struct buf text;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    buf_init(&text, 0);
    assert_int_equal(options_print(&options, &text), 0);
    assert_int_equal(buf_append_byte(&text, '\0'), 0);
    for (size_t i = 0; i < spanmap_options.count; i++) {
        const char *key = spanmap_options.rows[i].key;
        char line[80];
        int depth = 0;
        for (const char *dot = strchr(key, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
            depth++;
        assert_true(snprintf(line, sizeof(line), "\n%*s%s:", 2 * depth, "", strrchr(key, '.') + 1) >
                    0);
        assert_non_null(strstr(text.data, line));
    }
    buf_release(&text);
    options_release(&options);
}

static void options__print_keeps_secrets(void **state)
{
    struct option_pair header = {VIEW("authorization"), VIEW("Bearer geheim")};
    const struct option_row *row = option_find(&spanmap_options, VIEW("forward.headers"));
    struct options options;
    struct buf text;
    char error[256];
    size_t bad;

    (void)state;
    assert_int_equal(options_init(&options), 0);
    buf_init(&text, 0);
    assert_int_equal(option_set_pairs(row, &options, &header, 1, error, &bad), 0);
    assert_int_equal(options_print(&options, &text), 0);
    assert_int_equal(buf_append_byte(&text, '\0'), 0);
    assert_non_null(strstr(text.data, "- authorization: \"***\"\n"));
    assert_null(strstr(text.data, "geheim"));
    buf_release(&text);
    options_release(&options);
}

static int init(void *context)
{
    struct options options;
    int status = options_init(&options);

    (void)context;
    if (status == 0)
        options_release(&options);
    return status;
}

static void options__survive_without_memory(void **state)
{
    (void)state;
    test_sweep_memory(init, NULL);
    options_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options__keys_are_unique_and_no_sections),
        cmocka_unit_test(options__sections_stand_together),
        cmocka_unit_test(options__rows_say_all_that_is_asked_of_them),
        cmocka_unit_test(options__defaults_print_as_they_are_written),
        cmocka_unit_test(options__words_are_those_of_their_enums),
        cmocka_unit_test(options__trace_url_is_a_template_of_a_web_address),
        cmocka_unit_test(options__write_url_is_an_address_of_http),
        cmocka_unit_test(options__print_is_yaml_of_all_keys),
        cmocka_unit_test(options__print_keeps_secrets),
        cmocka_unit_test(options__survive_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
