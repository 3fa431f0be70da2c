/* option_yaml_test.c: the text of texts, lists, sections and comments. That the text reads back is
 * tested beside the reader (engine/config_test.c).
 */
#include "base/option_yaml.h"

#include "tests/lib/test.h"

struct thing {
    uint64_t size;
    uint64_t wait_ns;
    struct view name;
    struct option_texts hosts;
    struct option_pairs rules;
    bool deep;
    int mode;
};

static const char *const modes[] = {"off", "fast", NULL};

#define AT(member) offsetof(struct thing, member)

static const struct option_row rows[] = {
    {.key = "size",
     .type = OPTION_BYTES,
     .offset = AT(size),
     .initial = "auto",
     .min = 1,
     .max = 1 << 20,
     .zero = "auto",
     .prose = "How large."},
    {.key = "a.wait",
     .type = OPTION_DURATION,
     .offset = AT(wait_ns),
     .initial = "off",
     .min = 1000,
     .max = 1000000,
     .zero = "off",
     .prose = "How long. A sentence that goes on and on until it must be broken somewhere between "
              "two of its words."},
    {.key = "a.name",
     .type = OPTION_TEXT,
     .offset = AT(name),
     .initial = "",
     .max = 80,
     .prose = ""},
    {.key = "a.hosts", .type = OPTION_TEXTS, .offset = AT(hosts), .max = 8, .prose = "Hosts."},
    {.key = "b.rules", .type = OPTION_PAIRS, .offset = AT(rules), .max = 8, .prose = "Rules."},
    {.key = "b.c.deep",
     .type = OPTION_BOOL,
     .offset = AT(deep),
     .initial = "true",
     .prose = "Deep."},
    {.key = "b.c.mode",
     .type = OPTION_ENUM,
     .offset = AT(mode),
     .initial = "off",
     .choices = modes,
     .prose = "Mode."},
};

static const struct option_table table = {rows, sizeof(rows) / sizeof(rows[0]),
                                          sizeof(struct thing)};

static void option_yaml__quotes_what_could_be_misread(void **state)
{
    static const struct {
        const char *text;
        const char *printed;
    } samples[] = {
        {"localhost:4317", "localhost:4317"},
        {"/run/spanmap.sock", "/run/spanmap.sock"},
        {"unix:/run/a_b-c", "unix:/run/a_b-c"},
        {"", "\"\""},
        {"off", "\"off\""},
        {"True", "\"True\""},
        {"null", "\"null\""},
        {"~", "\"~\""},
        {"12", "\"12\""},
        {"0.0.0.0:4317", "\"0.0.0.0:4317\""},
        {"[::1]:4317", "\"[::1]:4317\""},
        {"a: b", "\"a: b\""},
        {"a:", "\"a:\""},
        {"a #b", "\"a #b\""},
        {"*", "\"*\""},
        {" a", "\" a\""},
        {"^(\\d+)\"$", "\"^(\\\\d+)\\\"$$\""},
        {"$1${x}", "\"$$1$${x}\""},
        {"a\tb\n", "\"a\\u0009b\\u000a\""},
        {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
        {"\xc2\x85\xe2\x80\xa8\xef\xbb\xbf", "\"\\u0085\\u2028\\ufeff\""},
        {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
        {"\xff", "\"\\ufffd\""},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        buf_reset(&out);
        assert_int_equal(option_yaml_text(view_of(samples[i].text), &out), 0);
        assert_view_equal(buf_view(&out), samples[i].printed);
    }
    buf_release(&out);
}

static int fill(struct thing *thing)
{
    struct view hosts[] = {VIEW("one"), VIEW("*")};
    struct option_pair rules[] = {{VIEW("10.0.0.0/8"), VIEW("inside")}, {VIEW("a"), VIEW("")}};
    char error[256] = "";
    size_t bad;
    int status = option_table_init(&table, thing);

    if (status != 0)
        return status;
    status = option_set_texts(&rows[3], thing, hosts, 2, error, &bad);
    if (status == 0)
        status = option_set_pairs(&rows[4], thing, rules, 2, error, &bad);
    if (status == 0)
        status = option_set(&rows[0], thing, VIEW("4KiB"), error);
    if (status != 0)
        option_table_release(&table, thing);
    return status;
}

static void option_yaml__nests_sections(void **state)
{
    struct thing thing;
    struct buf out;

    (void)state;
    assert_int_equal(fill(&thing), 0);
    buf_init(&out, 0);
    assert_int_equal(option_yaml_print(&table, &thing, (struct option_yaml_style){0}, &out), 0);
    assert_view_equal(buf_view(&out), "size: 4KiB\n"
                                      "a:\n"
                                      "  wait: \"off\"\n"
                                      "  name: \"\"\n"
                                      "  hosts:\n"
                                      "    - one\n"
                                      "    - \"*\"\n"
                                      "b:\n"
                                      "  rules:\n"
                                      "    - \"10.0.0.0/8\": inside\n"
                                      "    - a: \"\"\n"
                                      "  c:\n"
                                      "    deep: true\n"
                                      "    mode: \"off\"\n");
    buf_release(&out);
    option_table_release(&table, &thing);
}

static void option_yaml__explains_each_option(void **state)
{
    struct option_yaml_style style = {.comments = true};
    struct thing thing;
    struct buf out;

    (void)state;
    assert_int_equal(option_table_init(&table, &thing), 0);
    buf_init(&out, 0);
    assert_int_equal(option_yaml_print(&table, &thing, style, &out), 0);
    assert_int_equal(buf_append_byte(&out, '\0'), 0);
    assert_non_null(strstr(out.data, "# How large.\n"
                                     "# Allowed: bytes from 1B to 1MiB, or auto.\n"
                                     "size: auto\n"
                                     "\n"
                                     "a:\n"
                                     "  # How long. A sentence that goes on and on until it must "
                                     "be broken somewhere between two of its\n"
                                     "  # words.\n"
                                     "  # Allowed: a duration from 1us to 1ms, or "
                                     "off.\n"
                                     "  wait: \"off\"\n"));
    assert_non_null(strstr(out.data, "  hosts: []\n"));
    assert_non_null(strstr(out.data, "    # Allowed: off or fast.\n    mode: \"off\"\n"));
    buf_release(&out);
    option_table_release(&table, &thing);
}

static int print(void *context)
{
    struct option_yaml_style style = {.comments = true};
    struct thing thing;
    struct buf out;
    int status = fill(&thing);

    (void)context;
    if (status != 0)
        return status;
    buf_init(&out, 0);
    status = option_yaml_print(&table, &thing, style, &out);
    buf_release(&out);
    option_table_release(&table, &thing);
    return status;
}

static void option_yaml__survives_without_memory(void **state)
{
    (void)state;
    test_sweep_memory(print, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(option_yaml__quotes_what_could_be_misread),
        cmocka_unit_test(option_yaml__nests_sections),
        cmocka_unit_test(option_yaml__explains_each_option),
        cmocka_unit_test(option_yaml__survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
