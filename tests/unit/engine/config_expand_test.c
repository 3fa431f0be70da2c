/* config_expand_test.c: what becomes of dollars. */
#include "engine/config_priv.h"
#include "tests/lib/config_text.h"
#include "tests/lib/test.h"

static void config_expand__expands_variables(void **state)
{
    static const struct {
        const char *text;
        const char *expanded;
    } samples[] = {
        {"${env:PORT}", "localhost:1234"},
        {"${PORT}", "localhost:1234"},
        {"a${env:_u1}b${env:_u1}", "aunderbunder"},
        {"${env:EMPTY}", ""},
        {"${env:EMPTY:-x}", ""},
        {"${env:MISSING:-}", ""},
        {"${env:MISSING:-a:-b c}", "a:-b c"},
        {"${env:MISSING:-${env:ALSO:-${env:_u1}}}!", "under!"},
        {"$${env:PORT}", "${env:PORT}"},
        {"$$", "$"},
        {"$$$$", "$$"},
        {"$1 ^x$", "$1 ^x$"},
        {"$", "$"},
        {"a}b", "a}b"},
        {"${env:NASTY}", "a: [b, ${env:PORT}]"},
        {"${env:MISSING:-$${x}}", "${x}"},
    };
    struct config_sources sources = {.environment = config_text_environment};

    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        char error[256] = "";
        struct buf out;
        buf_init(&out, 0);
        if (config_expand(&sources, view_of(samples[i].text), error, &out) != 0)
            fail_msg("%s: %s", samples[i].text, error);
        assert_view_equal(buf_view(&out), samples[i].expanded);
        buf_release(&out);
    }
}

static int expand(void *context)
{
    struct config_sources sources = {.environment = config_text_environment};
    char error[256] = "";
    struct buf out;
    int status;

    (void)context;
    buf_init(&out, 0);
    status = config_expand(&sources, VIEW("a${env:MISSING:-${PORT}}$$"), error, &out);
    buf_release(&out);
    return status;
}

static void config_expand__survives_without_memory(void **state)
{
    (void)state;
    test_sweep_memory(expand, NULL);
}

static void config_expand__keeps_its_bound(void **state)
{
    struct config_sources sources = {.environment = config_text_environment};
    char error[256] = "";
    struct buf out;

    (void)state;
    buf_init(&out, 20);
    assert_int_equal(config_expand(&sources, VIEW("${PORT}${PORT}"), error, &out), STATUS_INVALID);
    assert_string_equal(error, "${PORT}${PORT}: this is too long with its variables");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_expand__expands_variables),
        cmocka_unit_test(config_expand__survives_without_memory),
        cmocka_unit_test(config_expand__keeps_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
