/* config_test.c: --set, files, their order, and that what is printed reads back. */
#include "engine/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/config_priv.h"
#include "tests/lib/config_text.h"
#include "tests/lib/test.h"

static struct loaded load(const char *file, const char *const *sets, size_t sets_count)
{
    struct config_sources sources = {.file = file,
                                     .sets = sets,
                                     .sets_count = sets_count,
                                     .environment = config_text_environment};
    struct loaded loaded;

    buf_init(&loaded.errors, 0);
    loaded.status = config_load(&sources, &loaded.errors, &loaded.options);
    assert_int_equal(buf_append_byte(&loaded.errors, '\0'), 0);
    return loaded;
}

static struct loaded set(const char *text)
{
    return load(NULL, &text, 1);
}

struct bad {
    const char *text;
    const char *errors;
};

/* ---------------------------------------------------------------------- text */

static void config__takes_a_text_as_it_is_before_sets(void **state)
{
    static const char *const sets[] = {"pairing.wait=3s", "names.cidr={10.0.0.0/8: a$b}"};
    struct config_sources sources = {
        .text = VIEW("pairing: {wait: 2s, parent_wait: 5s}\ndraw.helper: /a$$/${env:PORT}\n"),
        .sets = sets,
        .sets_count = 2,
    };
    struct options options;
    struct buf errors;

    (void)state;
    buf_init(&errors, 0);
    assert_int_equal(config_load(&sources, &errors, &options), 0);
    assert_int_equal(options.pairing_wait_ns, 3 * NS_PER_S);
    assert_int_equal(options.pairing_parent_wait_ns, 5 * NS_PER_S);
    assert_view_equal(options.draw_helper, "/a$$/${env:PORT}");
    assert_view_equal(options.names_cidr.items[0].value, "a$b");
    options_release(&options);
    buf_release(&errors);
}

static void config__tells_faults_of_a_text_and_of_sets_by_their_name(void **state)
{
    static const char *const sets[] = {"pairing.wait=never", "nothing=1"};
    struct config_sources sources = {.text = VIEW("pairing: {wiat: 2s}\n"),
                                     .sets = sets,
                                     .sets_count = 2,
                                     .sets_label = "setting"};
    struct options options;
    struct buf errors;

    (void)state;
    buf_init(&errors, 0);
    assert_int_equal(config_load(&sources, &errors, &options), STATUS_INVALID);
    assert_int_equal(buf_append_byte(&errors, '\0'), 0);
    assert_non_null(strstr(errors.data, "the text:1:11: pairing.wiat: there is no such option; "
                                        "did you mean pairing.wait?\n"));
    assert_non_null(strstr(errors.data, "setting pairing.wait: "));
    assert_non_null(strstr(errors.data, "setting: nothing: there is no such option"));
    buf_reset(&errors);
    sources = (struct config_sources){.text = {"#", CONFIG_FILE_MAX + 1}};
    assert_int_equal(config_load(&sources, &errors, &options), STATUS_INVALID);
    buf_release(&errors);
}

/* ----------------------------------------------------------------------- set */

static void config__reads_sets(void **state)
{
    static const char *const sets[] = {
        "listen.grpc=[::1]:4317",
        "listen.web=${env:PORT}",
        "draw.helper=/a b/#c: d",
        "web.hosts=[a, \"b,c\"]",
        "names.cidr={10.0.0.0/8: inside, 'fd00::/8': v6}",
        "names.rewrite=[{'a+': b}, {c: d}]",
        "names.peer_order=address",
        "pairing={wait: 2s, parent_wait: 3s}",
        "log.level=warn",
        "log.level=debug",
    };
    struct loaded loaded = load(NULL, sets, sizeof(sets) / sizeof(sets[0]));
    const struct options *options = &loaded.options;

    (void)state;
    config_text_assert_loads(&loaded);
    assert_view_equal(options->listen_grpc, "[::1]:4317");
    assert_view_equal(options->listen_web, "localhost:1234");
    assert_view_equal(options->draw_helper, "/a b/#c: d");
    assert_int_equal(options->web_hosts.count, 2);
    assert_view_equal(options->web_hosts.items[1], "b,c");
    assert_int_equal(options->names_cidr.count, 2);
    assert_view_equal(options->names_cidr.items[1].key, "fd00::/8");
    assert_int_equal(options->names_rewrite.count, 2);
    assert_view_equal(options->names_rewrite.items[1].value, "d");
    assert_int_equal(options->names_peer_order.count, 1);
    assert_int_equal(options->pairing_wait_ns, 2 * NS_PER_S);
    assert_int_equal(options->log_level, 0);
    config_text_release(&loaded);
}

static void config__empties_a_list_by_a_set(void **state)
{
    static const char *const sets[] = {"web.hosts=*", "web.hosts=", "names.cidr={1.0.0.0/8: a}",
                                       "names.cidr={}"};
    struct loaded loaded = load(NULL, sets, 1);

    (void)state;
    config_text_assert_loads(&loaded);
    assert_view_equal(loaded.options.web_hosts.items[0], "*");
    config_text_release(&loaded);
    loaded = load(NULL, sets, 4);
    config_text_assert_loads(&loaded);
    assert_int_equal(loaded.options.web_hosts.count, 0);
    assert_int_equal(loaded.options.names_cidr.count, 0);
    config_text_release(&loaded);
}

static void config__tells_which_set_is_wrong(void **state)
{
    static const struct bad samples[] = {
        {"log.level", "--set log.level: there is no '=' behind the key\n"},
        {"", "--set : there is no '=' behind the key\n"},
        {"log.levle=info", "--set: log.levle: there is no such option; did you mean log.level?\n"},
        {"=x", "--set: : there is no such option\n"},
        {"log.level=loud",
         "--set log.level: 'loud' is none of the words; allowed: debug, info, warn or error\n"},
        {"log.level=${env:MISSING}", "--set log.level: ${env:MISSING}: this variable of the "
                                     "environment is not set, and has no default\n"},
        {"names.cidr={10.0.0.0/8: a, 10.0.0.0/99: b}",
         "--set names.cidr: column 17: names.cidr: '10.0.0.0/99' is not a prefix such as "
         "10.0.0.0/8 with a name\n"},
        {"listen={grcp: off}", "--set listen: column 2: listen.grcp: there is no such option; did "
                               "you mean listen.grpc?\n"},
        {"listen={grpc: off, grpc: off}", "--set listen: column 19: listen.grpc: told before\n"},
        {"listen=off", "--set listen: column 1: listen: this is a section: options are expected "
                       "below it\n"},
        {"web.hosts=[a", "--set web.hosts: this is no YAML: did not find expected ',' or "
                         "']' while parsing a flow sequence\n"},
        {"web.hosts=[\xff]",
         "--set web.hosts: column 2: this is no YAML: invalid leading UTF-8 octet\n"},
        {"log.level=\xff",
         "--set log.level: '?' is none of the words; allowed: debug, info, warn or error\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct loaded loaded = set(samples[i].text);
        assert_string_equal(loaded.errors.data, samples[i].errors);
        assert_int_equal(loaded.status, STATUS_INVALID);
        config_text_release(&loaded);
    }
}

/* ---------------------------------------------------------------------- files */

static void write_file(char path[32], struct view text)
{
    int fd;

    memcpy(path, "/tmp/config_test.XXXXXX", 24);
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.data, text.size), text.size);
    assert_int_equal(close(fd), 0);
}

static void config__lets_sets_win_over_the_file(void **state)
{
    static const char *const sets[] = {"log.level=warn", "web.hosts=[c]"};
    char path[32];
    struct loaded loaded;

    (void)state;
    write_file(path, VIEW("log.level: error\nweb.hosts: [a, b]\nmap.self_edges: true\n"));
    loaded = load(path, sets, 2);
    config_text_assert_loads(&loaded);
    assert_int_equal(loaded.options.log_level, 2);
    assert_int_equal(loaded.options.web_hosts.count, 1);
    assert_true(loaded.options.map_self_edges);
    config_text_release(&loaded);
    assert_int_equal(unlink(path), 0);
}

static void config__tells_faults_of_all_sources(void **state)
{
    static const char *const sets[] = {"log.level=loud", "x=y"};
    char path[32];
    char expected[512];
    struct loaded loaded;

    (void)state;
    write_file(path, VIEW("map.self_edges: 1\n"));
    loaded = load(path, sets, 2);
    assert_int_equal(loaded.status, STATUS_INVALID);
    (void)snprintf(expected, sizeof(expected),
                   "%s:1:17: map.self_edges: '1' is neither; allowed: true or false\n"
                   "--set log.level: 'loud' is none of the words; allowed: debug, info, warn or "
                   "error\n"
                   "--set: x: there is no such option\n",
                   path);
    assert_string_equal(loaded.errors.data, expected);
    config_text_release(&loaded);
    assert_int_equal(unlink(path), 0);
}

static void config__tells_why_a_file_cannot_be_read(void **state)
{
    struct loaded loaded = load("/nowhere/x.yaml", NULL, 0);

    (void)state;
    assert_int_equal(loaded.status, STATUS_SYSTEM);
    assert_string_equal(loaded.errors.data,
                        "/nowhere/x.yaml: cannot be read: No such file or directory\n");
    config_text_release(&loaded);
    loaded = load("/", NULL, 0);
    assert_int_equal(loaded.status, STATUS_SYSTEM);
    assert_string_equal(loaded.errors.data, "/: cannot be read: Is a directory\n");
    config_text_release(&loaded);
}

static void config__refuses_a_large_file(void **state)
{
    char *text = mem_calloc(1, CONFIG_FILE_MAX + 1);
    char path[32];
    char expected[128];
    struct loaded loaded;

    (void)state;
    assert_non_null(text);
    memset(text, '#', CONFIG_FILE_MAX + 1);
    write_file(path, (struct view){text, CONFIG_FILE_MAX});
    loaded = load(path, NULL, 0);
    config_text_assert_loads(&loaded);
    config_text_release(&loaded);
    assert_int_equal(unlink(path), 0);
    write_file(path, (struct view){text, CONFIG_FILE_MAX + 1});
    loaded = load(path, NULL, 0);
    assert_int_equal(loaded.status, STATUS_INVALID);
    (void)snprintf(expected, sizeof(expected),
                   "%s: is larger than 1MiB, which no configuration is\n", path);
    assert_string_equal(loaded.errors.data, expected);
    config_text_release(&loaded);
    assert_int_equal(unlink(path), 0);
    mem_free(text);
}

/* ----------------------------------------------------------------- round trip */

static void assert_reads_back(const struct options *options)
{
    struct loaded again;
    struct buf text;
    struct buf text_again;

    buf_init(&text, 0);
    buf_init(&text_again, 0);
    assert_int_equal(options_print(options, &text), 0);
    again = config_text_load(buf_view(&text));
    config_text_assert_loads(&again);
    assert_int_equal(options_print(&again.options, &text_again), 0);
    assert_true(view_equal(buf_view(&text), buf_view(&text_again)));
    config_text_release(&again);
    buf_release(&text);
    buf_release(&text_again);
}

static void config__reads_back_what_is_printed(void **state)
{
    static const char *const sets[] = {
        "listen.grpc=[fe80::1]:0",
        "draw.helper=$${HOME}/\"a\\b' \t#\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80",
        "web.hosts=['', null]",
        "web.hosts=['*', 'null', '- a', '12', \"\\e\\n\"]",
        "names.cidr={'::/0': 'off', 10.0.0.0/8: '0x1'}",
        "names.rewrite=[{'^(?<x>a+)-\\d+$': '$${x}'}, {': ': '{}'}]",
        "receiver.idle_timeout=off",
        "metrics.expiration=never",
        "memory.limit=99999999",
        "pairing.wait=1001us",
    };
    struct loaded loaded = load(NULL, sets, sizeof(sets) / sizeof(sets[0]));

    (void)state;
    assert_int_equal(loaded.status, STATUS_INVALID); /* An empty and a missing host. */
    config_text_release(&loaded);
    loaded = load(NULL, sets, 2);
    config_text_assert_loads(&loaded);
    assert_view_equal(loaded.options.draw_helper,
                      "${HOME}/\"a\\b' \t#\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80");
    assert_reads_back(&loaded.options);
    config_text_release(&loaded);
    loaded = load(NULL, sets + 3, sizeof(sets) / sizeof(sets[0]) - 3);
    config_text_assert_loads(&loaded);
    assert_view_equal(loaded.options.names_rewrite.items[0].value, "${x}");
    assert_reads_back(&loaded.options);
    config_text_release(&loaded);
    loaded = load(NULL, NULL, 0);
    config_text_assert_loads(&loaded);
    assert_reads_back(&loaded.options);
    config_text_release(&loaded);
}

/* -------------------------------------------------------------------- memory */

static int load_all(void *context)
{
    static const char *const sets[] = {
        "listen.grpc=${env:MISSING:-localhost:1}", "web.hosts=[a, b]",
        "names.cidr={10.0.0.0/8: a, 11.0.0.0/8: b}", "pairing={wait: 1s}"};
    struct config_sources sources = {
        .file = context, .sets = sets, .sets_count = 4, .environment = config_text_environment};
    struct options options;
    struct buf errors;
    int status;

    buf_init(&errors, 0);
    status = config_load(&sources, &errors, &options);
    if (status == 0)
        options_release(&options);
    buf_release(&errors);
    return status;
}

static int load_faulty(void *context)
{
    int status = load_all(context);

    return status == STATUS_INVALID ? 0 : status;
}

static void config__survives_without_memory(void **state)
{
    char path[32];

    (void)state;
    write_file(path, VIEW("log.level: ${env:MISSING:-warn}\nweb.hosts: [a, b, c]\n"
                          "names.rewrite: [{a: b}]\n"));
    test_sweep_memory(load_all, path);
    assert_int_equal(unlink(path), 0);
    write_file(path, VIEW("log.levl: warn\nweb.hosts: [a, *b, c]\nnames.rewrite: [{(: b}]\n"));
    test_sweep_memory(load_faulty, path);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config__takes_a_text_as_it_is_before_sets),
        cmocka_unit_test(config__tells_faults_of_a_text_and_of_sets_by_their_name),
        cmocka_unit_test(config__reads_sets),
        cmocka_unit_test(config__empties_a_list_by_a_set),
        cmocka_unit_test(config__tells_which_set_is_wrong),
        cmocka_unit_test(config__lets_sets_win_over_the_file),
        cmocka_unit_test(config__tells_faults_of_all_sources),
        cmocka_unit_test(config__tells_why_a_file_cannot_be_read),
        cmocka_unit_test(config__refuses_a_large_file),
        cmocka_unit_test(config__reads_back_what_is_printed),
        cmocka_unit_test(config__survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
