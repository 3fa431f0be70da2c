/* config_test.c: each thing that can be wrong with a file or a --set, with the very line that a
 * user reads; variables; and that what is printed reads back.
 */
#include "daemon/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/config_priv.h"
#include "tests/lib/test.h"

/* --------------------------------------------------------------------- tools */

/* NAME=value pairs, the only environment of these tests. */
static const char *const variables[] = {
    "PORT=localhost:1234", "EMPTY=", "WAIT=3s", "_u1=under", "NASTY=a: [b, ${env:PORT}]", NULL};

static const char *environment(void *context, const char *name)
{
    size_t size = strlen(name);

    (void)context;
    for (size_t i = 0; variables[i] != NULL; i++) {
        if (strncmp(variables[i], name, size) == 0 && variables[i][size] == '=')
            return variables[i] + size + 1;
    }
    return NULL;
}

struct loaded {
    int status;
    struct options options; /* Where status is 0. */
    struct buf errors;      /* Ends with a zero. */
};

static struct loaded load(const char *file, const char *const *sets, size_t sets_count)
{
    struct config_sources sources = {
        .file = file, .sets = sets, .sets_count = sets_count, .environment = environment};
    struct loaded loaded;

    buf_init(&loaded.errors, 0);
    loaded.status = config_load(&sources, &loaded.errors, &loaded.options);
    assert_int_equal(buf_append_byte(&loaded.errors, '\0'), 0);
    return loaded;
}

static void release(struct loaded *loaded)
{
    if (loaded->status == 0)
        options_release(&loaded->options);
    buf_release(&loaded->errors);
}

/* The text as a file. `name` is where the file is; its faults are told of "f.yaml". */
static struct loaded load_text(struct view text)
{
    struct config_sources sources = {.environment = environment};
    struct config_faults faults = {0};
    struct loaded loaded;

    buf_init(&loaded.errors, 0);
    faults.out = &loaded.errors;
    assert_int_equal(options_init(&loaded.options), 0);
    loaded.status = config_read_yaml(&sources, "f.yaml", VIEW(""), text, &faults, &loaded.options);
    if (loaded.status == 0 && faults.count != 0)
        loaded.status = STATUS_INVALID;
    if (loaded.status != 0)
        options_release(&loaded.options);
    assert_int_equal(buf_append_byte(&loaded.errors, '\0'), 0);
    return loaded;
}

static struct loaded set(const char *text)
{
    return load(NULL, &text, 1);
}

static void assert_loads(struct loaded *loaded)
{
    if (loaded->status != 0)
        fail_msg("refused: %s", loaded->errors.data);
    assert_string_equal(loaded->errors.data, "");
}

/* -------------------------------------------------------------------- faults */

struct bad {
    const char *text;
    const char *errors;
};

static void check_bad(const struct bad *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct loaded loaded = load_text(view_of(samples[i].text));
        if (strcmp(loaded.errors.data, samples[i].errors) != 0)
            fail_msg("%s\ngave\n%sinstead of\n%s", samples[i].text, loaded.errors.data,
                     samples[i].errors);
        assert_int_equal(loaded.status, STATUS_INVALID);
        release(&loaded);
    }
}

static void config__tells_where_a_key_is_wrong(void **state)
{
    static const struct bad samples[] = {
        {"listen:\n  grcp: off\n",
         "f.yaml:2:3: listen.grcp: there is no such option; did you mean listen.grpc?\n"},
        {"listne:\n  grpc: off\n",
         "f.yaml:1:1: listne: there is no such option; did you mean listen?\n"},
        {"server:\n  grpc: {a: [b, c]}\nlog.level: debg\n",
         "f.yaml:1:1: server: there is no such option\n"
         "f.yaml:3:12: log.level: 'debg' is none of the words; allowed: debug, info, warn or "
         "error\n"},
        {"server.grpc: off\n",
         "f.yaml:1:1: server.grpc: there is no such option; did you mean listen.grpc?\n"},
        {"grpc: off\n", "f.yaml:1:1: grpc: there is no such option; did you mean listen.grpc?\n"},
        {"zzz: 1\n", "f.yaml:1:1: zzz: there is no such option\n"},
        {"\"a\\e[1m\\0\": 1\n", "f.yaml:1:1: a?[1m?: there is no such option\n"},
        {"listen.grpc.x: 1\n",
         "f.yaml:1:1: listen.grpc.x: there is no such option; did you mean listen.grpc?\n"},
        {"\"\": 1\n", "f.yaml:1:1: : there is no such option\n"},
        {"? [a, b]\n: 1\nlog.level: x\n",
         "f.yaml:1:3: a key is expected here\n"
         "f.yaml:3:12: log.level: 'x' is none of the words; allowed: debug, info, warn or error\n"},
        {"<<: {log.level: warn}\n", "f.yaml:1:1: <<: there is no such option\n"},
    };

    (void)state;
    check_bad(samples, sizeof(samples) / sizeof(samples[0]));
}

static void config__tells_what_a_value_may_be(void **state)
{
    static const struct bad samples[] = {
        {"pairing:\n  wait: 10\n",
         "f.yaml:2:9: pairing.wait: '10' is no duration; allowed: a duration from 1ms to 1h, such "
         "as 10s\n"},
        {"pairing: {wait: 2h}\n",
         "f.yaml:1:17: pairing.wait: '2h' is out of range; allowed: a duration from 1ms to 1h, such "
         "as 10s\n"},
        {"listen.grpc: 4317\n",
         "f.yaml:1:14: listen.grpc: '4317' is not an address: write HOST:PORT, [IPV6]:PORT, "
         "unix:PATH or off\n"},
        {"memory:\n  limit:\n    64MiB: 1\n",
         "f.yaml:3:5: memory.limit: a single value is expected here\n"},
        {"memory.limit: [64MiB]\n", "f.yaml:1:15: memory.limit: a single value is expected here\n"},
        {"memory.limit:\n", "f.yaml:1:14: memory.limit: there is no value\n"},
        {"memory.limit: ~\nlog.level: null\n",
         "f.yaml:1:15: memory.limit: there is no value\nf.yaml:2:12: log.level: there is no "
         "value\n"},
        {"map:\n  self_edges: yes\n",
         "f.yaml:2:15: map.self_edges: 'yes' is neither; allowed: true or false\n"},
        {"listen: off\n", "f.yaml:1:9: listen: this is a section: options are expected below it\n"},
        {"listen: [a]\n", "f.yaml:1:9: listen: this is a section: options are expected below it\n"},
        {"just words\n", "f.yaml:1:1: a map of options is expected\n"},
        {"- a\n- b\n", "f.yaml:1:1: a map of options is expected\n"},
    };

    (void)state;
    check_bad(samples, sizeof(samples) / sizeof(samples[0]));
}

static void config__tells_which_item_of_a_list_is_wrong(void **state)
{
    static const struct bad samples[] = {
        {"names.peer_order:\n  - peer\n  - address\n  - peer\n",
         "f.yaml:4:5: names.peer_order: 'peer' is told twice or is none of destination, peer, "
         "rpc_service, address, url_host, db_namespace, address_port, db_system, "
         "messaging_system\n"},
        {"names:\n  cidr:\n    10.0.0.0/8: a\n    10.0.0.0/33: b\n",
         "f.yaml:4:5: names.cidr: '10.0.0.0/33' is not a prefix such as 10.0.0.0/8 with a name\n"},
        {"names:\n  cidr:\n    - 10.0.0.0/8: a\n    - nonsense: b\n    - 1.0.0.0/8: ''\n",
         "f.yaml:4:7: names.cidr: 'nonsense' is not a prefix such as 10.0.0.0/8 with a name\n"},
        {"names.rewrite: {a: b, '(': c}\n",
         "f.yaml:1:23: names.rewrite: '(': missing closing parenthesis\n"},
        {"names.cidr: {1.0.0.0/8: a, 1.0.0.0/8: b}\n",
         "f.yaml:1:28: names.cidr: '1.0.0.0/8' is told twice; allowed: a map, or a list of maps, of "
         "at most 4096 pairs: a prefix and its name\n"},
        {"names.cidr: [a]\nweb.hosts: {a: b}\n",
         "f.yaml:1:14: names.cidr: a pair is expected here, KEY: VALUE\n"
         "f.yaml:2:12: web.hosts: a list of texts is expected here\n"},
        {"names.cidr: a\n",
         "f.yaml:1:13: names.cidr: 'a' is no list of pairs; allowed: a map, or a list of maps, of "
         "at most 4096 pairs: a prefix and its name\n"},
        {"web.hosts: [a, [b, c], {d: e}, ]\n", "f.yaml:1:16: web.hosts: a text is expected here\n"
                                               "f.yaml:1:24: web.hosts: a text is expected here\n"},
        {"web.hosts:\n- a\n-\n", "f.yaml:3:2: web.hosts: a text is expected here\n"},
        {"names.cidr:\n  1.0.0.0/8:\n", "f.yaml:2:13: names.cidr: a text is expected here\n"},
        {"names.cidr:\n  1.0.0.0/8: [x]\n  [y]: z\n",
         "f.yaml:2:14: names.cidr: a text is expected here\n"
         "f.yaml:3:3: names.cidr: a text is expected here\n"},
    };

    (void)state;
    check_bad(samples, sizeof(samples) / sizeof(samples[0]));
}

static void config__takes_each_option_once(void **state)
{
    static const struct bad samples[] = {
        {"log.level: info\nlog.level: warn\n", "f.yaml:2:12: log.level: told before, in line 1\n"},
        {"log:\n  level: info\nlog.level: warn\n",
         "f.yaml:3:12: log.level: told before, in line 2\n"},
        {"listen:\n  grpc: off\nlisten:\n  web: off\n", "f.yaml:4:3: listen: told before\n"},
    };

    (void)state;
    check_bad(samples, sizeof(samples) / sizeof(samples[0]));
}

static void config__refuses_aliases_and_second_documents(void **state)
{
    static const struct bad samples[] = {
        {"web.hosts: &a [x, x]\nnames.peer_order: *a\nlog.level: *a\n",
         "f.yaml:2:19: names.peer_order: aliases are not taken; write the value itself\n"
         "f.yaml:3:12: log.level: aliases are not taken; write the value itself\n"},
        {"web.hosts: [&a x, *a]\n",
         "f.yaml:1:19: web.hosts: aliases are not taken; write the value itself\n"},
        {"log.level: info\n---\nlog.level: warn\n",
         "f.yaml:2:1: a second document starts here; one is taken\n"},
    };

    (void)state;
    check_bad(samples, sizeof(samples) / sizeof(samples[0]));
}

static void config__tells_where_yaml_is_broken(void **state)
{
    static const struct bad samples[] = {
        {"listen:\n\tgrpc: off\n",
         "f.yaml:2:1: this is no YAML: found character that cannot start any token while scanning "
         "for the next token\n"},
        {"listen: {grpc: off\n",
         "f.yaml:2:1: this is no YAML: did not find expected ',' or '}' while parsing a flow "
         "mapping\n"},
        {"listen.grpc: [::1]:4317\n",
         "f.yaml:1:14: listen.grpc: a text is expected here; one that starts with [ or { needs "
         "quotes\n"
         "f.yaml:1:15: this is no YAML: did not find expected node content while parsing a flow "
         "node\n"},
        {"log.level: debg\nlisten: 'off\n",
         "f.yaml:1:12: log.level: 'debg' is none of the words; allowed: debug, info, warn or "
         "error\n"
         "f.yaml:3:1: this is no YAML: found unexpected end of stream while scanning a quoted "
         "scalar\n"},
        {"log.level: info\nweb.hosts: [a, \xff]\n",
         "f.yaml:2:16: this is no YAML: invalid leading UTF-8 octet\n"},
        {"log.level: \x01\n", "f.yaml:1:12: this is no YAML: control characters are not allowed\n"},
        {"\xff\xfel\n", "f.yaml:1:1: this is no YAML: invalid leading UTF-8 octet\n"},
    };

    (void)state;
    check_bad(samples, sizeof(samples) / sizeof(samples[0]));
}

static void config__is_bounded_in_depth_and_faults(void **state)
{
    char text[4096];
    struct loaded loaded;
    size_t lines = 0;

    (void)state;
    memset(text, '[', sizeof(text));
    loaded = load_text((struct view){text, sizeof(text)});
    assert_int_equal(loaded.status, STATUS_INVALID);
    assert_string_equal(loaded.errors.data, "f.yaml:1:1: a map of options is expected\n"
                                            "f.yaml:1:33: this is nested more than 32 deep\n");
    release(&loaded);
    for (size_t i = 0; i + 8 <= sizeof(text); i += 8)
        memcpy(text + i, "zzz: 1 \n", 8);
    loaded = load_text((struct view){text, sizeof(text)});
    assert_int_equal(loaded.status, STATUS_INVALID);
    for (const char *at = loaded.errors.data; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, CONFIG_FAULTS_MAX + 1);
    assert_non_null(strstr(loaded.errors.data, "\nFurther faults are not listed.\n"));
    release(&loaded);
}

/* ----------------------------------------------------------------- what loads */

static void config__reads_nested_and_dotted_keys(void **state)
{
    struct loaded loaded = load_text(VIEW("# a comment\n"
                                          "listen:\n"
                                          "  grpc: 'unix:/run/x'\n"
                                          "  web: \"[::1]:0\"\n"
                                          "listen.http: off\n"
                                          "web:\n"
                                          "  hosts: [map.example.org, \"*\"]\n"
                                          "pairing: {wait: 1h, parent_wait: 90s}\n"
                                          "sampling:\n"
                                          "memory.limit: 1GB\n"
                                          "topology: {derive_errors: true, orphan_servers: user}\n"
                                          "names:\n"
                                          "  cidr:\n"
                                          "    10.0.0.0/8: inside\n"
                                          "    \"::/0\": else\n"
                                          "  rewrite:\n"
                                          "    - '^(a+)-\\d+$': $1\n"
                                          "    - b: ''\n"
                                          "      c: d\n"
                                          "  peer_order: [address, peer]\n"));
    const struct options *options = &loaded.options;

    (void)state;
    assert_loads(&loaded);
    assert_view_equal(options->listen_grpc, "unix:/run/x");
    assert_view_equal(options->listen_web, "[::1]:0");
    assert_view_equal(options->listen_http, "off");
    assert_int_equal(options->web_hosts.count, 2);
    assert_view_equal(options->web_hosts.items[0], "map.example.org");
    assert_view_equal(options->web_hosts.items[1], "*");
    assert_int_equal(options->pairing_wait_ns, 3600 * NS_PER_S);
    assert_int_equal(options->pairing_parent_wait_ns, 90 * NS_PER_S);
    assert_int_equal(options->memory_limit_bytes, 1000000000);
    assert_true(options->topology_derive_errors);
    assert_int_equal(options->topology_orphan_servers, ORPHAN_SERVERS_USER);
    assert_int_equal(options->names_cidr.count, 2);
    assert_view_equal(options->names_cidr.items[1].key, "::/0");
    assert_view_equal(options->names_cidr.items[1].value, "else");
    assert_int_equal(options->names_rewrite.count, 3);
    assert_view_equal(options->names_rewrite.items[0].key, "^(a+)-\\d+$");
    assert_view_equal(options->names_rewrite.items[0].value, "$1");
    assert_view_equal(options->names_rewrite.items[1].value, "");
    assert_view_equal(options->names_rewrite.items[2].key, "c");
    assert_int_equal(options->names_peer_order.count, 2);
    release(&loaded);
}

static void config__takes_files_that_say_nothing(void **state)
{
    static const char *const texts[] = {"",
                                        "# only a comment\n",
                                        "---\n",
                                        "---\n...\n",
                                        "{}\n",
                                        "~\n",
                                        "\xef\xbb\xbf# with a mark\nlog.level: info\n",
                                        "log.level: info\r\n",
                                        "listen:\nweb:\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct loaded loaded = load_text(view_of(texts[i]));
        assert_loads(&loaded);
        assert_view_equal(loaded.options.listen_grpc, "localhost:4317");
        release(&loaded);
    }
}

/* ----------------------------------------------------------------- variables */

static void config__expands_variables(void **state)
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
    struct config_sources sources = {.environment = environment};

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

static void config__refuses_wrong_variables(void **state)
{
    static const struct bad samples[] = {
        {"log.level: ${env:MISSING}\n",
         "f.yaml:1:12: log.level: ${env:MISSING}: this variable of the environment is not set, and "
         "has no default\n"},
        {"log:\n  level: x${env:PORT\n",
         "f.yaml:2:10: log.level: ${env:PORT: the '}' is missing\n"},
        {"log.level: ${file:/etc/passwd}\n",
         "f.yaml:1:12: log.level: ${file:/etc/passwd}: this is not of the form ${env:NAME} or "
         "${env:NAME:-default}\n"},
        {"log.level: ${env:}\n",
         "f.yaml:1:12: log.level: ${env:}: this is not of the form ${env:NAME} or "
         "${env:NAME:-default}\n"},
        {"log.level: ${env:1A:-x}\n",
         "f.yaml:1:12: log.level: ${env:1A:-x}: this is not of the form ${env:NAME} or "
         "${env:NAME:-default}\n"},
        {"web.hosts: [a, \"${env:MISSING}\", b]\n",
         "f.yaml:1:16: web.hosts: ${env:MISSING}: this variable of the environment is not set, and "
         "has no default\n"},
        {"log.level: ${a:-${a:-${a:-${a:-${a:-${a:-${a:-${a:-${a:-x}}}}}}}}}\n",
         "f.yaml:1:12: log.level: x: the defaults are nested too deeply\n"},
        {"pairing.wait: ${env:PORT}\n",
         "f.yaml:1:15: pairing.wait: 'localhost:1234' is no duration; allowed: a duration from 1ms "
         "to 1h, such as 10s\n"},
    };

    (void)state;
    check_bad(samples, sizeof(samples) / sizeof(samples[0]));
}

static void config__uses_variables_in_values(void **state)
{
    struct loaded loaded = load_text(VIEW("listen.grpc: ${env:PORT}\n"
                                          "pairing.wait: \"${WAIT}\"\n"
                                          "map.self_edges: ${env:SELF:-true}\n"
                                          "web.hosts: [\"${_u1}\"]\n"));

    (void)state;
    assert_loads(&loaded);
    assert_view_equal(loaded.options.listen_grpc, "localhost:1234");
    assert_int_equal(loaded.options.pairing_wait_ns, 3 * NS_PER_S);
    assert_true(loaded.options.map_self_edges);
    assert_view_equal(loaded.options.web_hosts.items[0], "under");
    release(&loaded);
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
    assert_loads(&loaded);
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
    release(&loaded);
}

static void config__empties_a_list_by_a_set(void **state)
{
    static const char *const sets[] = {"web.hosts=*", "web.hosts=", "names.cidr={1.0.0.0/8: a}",
                                       "names.cidr={}"};
    struct loaded loaded = load(NULL, sets, 1);

    (void)state;
    assert_loads(&loaded);
    assert_view_equal(loaded.options.web_hosts.items[0], "*");
    release(&loaded);
    loaded = load(NULL, sets, 4);
    assert_loads(&loaded);
    assert_int_equal(loaded.options.web_hosts.count, 0);
    assert_int_equal(loaded.options.names_cidr.count, 0);
    release(&loaded);
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
        release(&loaded);
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
    assert_loads(&loaded);
    assert_int_equal(loaded.options.log_level, 2);
    assert_int_equal(loaded.options.web_hosts.count, 1);
    assert_true(loaded.options.map_self_edges);
    release(&loaded);
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
    release(&loaded);
    assert_int_equal(unlink(path), 0);
}

static void config__tells_why_a_file_cannot_be_read(void **state)
{
    struct loaded loaded = load("/nowhere/x.yaml", NULL, 0);

    (void)state;
    assert_int_equal(loaded.status, STATUS_SYSTEM);
    assert_string_equal(loaded.errors.data,
                        "/nowhere/x.yaml: cannot be read: No such file or directory\n");
    release(&loaded);
    loaded = load("/", NULL, 0);
    assert_int_equal(loaded.status, STATUS_SYSTEM);
    assert_string_equal(loaded.errors.data, "/: cannot be read: Is a directory\n");
    release(&loaded);
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
    assert_loads(&loaded);
    release(&loaded);
    assert_int_equal(unlink(path), 0);
    write_file(path, (struct view){text, CONFIG_FILE_MAX + 1});
    loaded = load(path, NULL, 0);
    assert_int_equal(loaded.status, STATUS_INVALID);
    (void)snprintf(expected, sizeof(expected),
                   "%s: is larger than 1MiB, which no configuration is\n", path);
    assert_string_equal(loaded.errors.data, expected);
    release(&loaded);
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
    again = load_text(buf_view(&text));
    assert_loads(&again);
    assert_int_equal(options_print(&again.options, &text_again), 0);
    assert_true(view_equal(buf_view(&text), buf_view(&text_again)));
    release(&again);
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
    release(&loaded);
    loaded = load(NULL, sets, 2);
    assert_loads(&loaded);
    assert_view_equal(loaded.options.draw_helper,
                      "${HOME}/\"a\\b' \t#\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80");
    assert_reads_back(&loaded.options);
    release(&loaded);
    loaded = load(NULL, sets + 3, sizeof(sets) / sizeof(sets[0]) - 3);
    assert_loads(&loaded);
    assert_view_equal(loaded.options.names_rewrite.items[0].value, "${x}");
    assert_reads_back(&loaded.options);
    release(&loaded);
    loaded = load(NULL, NULL, 0);
    assert_loads(&loaded);
    assert_reads_back(&loaded.options);
    release(&loaded);
}

/* -------------------------------------------------------------------- memory */

static int load_all(void *context)
{
    static const char *const sets[] = {
        "listen.grpc=${env:MISSING:-localhost:1}", "web.hosts=[a, b]",
        "names.cidr={10.0.0.0/8: a, 11.0.0.0/8: b}", "pairing={wait: 1s}"};
    struct config_sources sources = {
        .file = context, .sets = sets, .sets_count = 4, .environment = environment};
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
        cmocka_unit_test(config__tells_where_a_key_is_wrong),
        cmocka_unit_test(config__tells_what_a_value_may_be),
        cmocka_unit_test(config__tells_which_item_of_a_list_is_wrong),
        cmocka_unit_test(config__takes_each_option_once),
        cmocka_unit_test(config__refuses_aliases_and_second_documents),
        cmocka_unit_test(config__tells_where_yaml_is_broken),
        cmocka_unit_test(config__is_bounded_in_depth_and_faults),
        cmocka_unit_test(config__reads_nested_and_dotted_keys),
        cmocka_unit_test(config__takes_files_that_say_nothing),
        cmocka_unit_test(config__expands_variables),
        cmocka_unit_test(config__refuses_wrong_variables),
        cmocka_unit_test(config__uses_variables_in_values),
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
