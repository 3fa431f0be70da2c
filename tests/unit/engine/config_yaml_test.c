/* config_yaml_test.c: each thing that can be wrong with a file, with the very line that a user
 * reads, and what is read of a right one.
 */
#include "base/clock.h"
#include "engine/config_priv.h"
#include "tests/lib/config_text.h"
#include "tests/lib/test.h"

/* -------------------------------------------------------------------- faults */

struct bad {
    const char *text;
    const char *errors;
};

static void check_bad(const struct bad *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct loaded loaded = config_text_load(view_of(samples[i].text));
        if (strcmp(loaded.errors.data, samples[i].errors) != 0)
            fail_msg("%s\ngave\n%sinstead of\n%s", samples[i].text, loaded.errors.data,
                     samples[i].errors);
        assert_int_equal(loaded.status, STATUS_INVALID);
        config_text_release(&loaded);
    }
}

static void config_yaml__tells_where_a_key_is_wrong(void **state)
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
        {"http: off\n", "f.yaml:1:1: http: there is no such option; did you mean listen.http?\n"},
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

static void config_yaml__tells_what_a_value_may_be(void **state)
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
         "unix:PATH, fd:NAME or off\n"},
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

static void config_yaml__tells_which_item_of_a_list_is_wrong(void **state)
{
    static const struct bad samples[] = {
        {"names.peer_order:\n  - peer\n  - address\n  - peer\n",
         "f.yaml:4:5: names.peer_order: 'peer' is told twice or is none of destination, lesson, peer, "
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

static void config_yaml__takes_each_option_once(void **state)
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

static void config_yaml__refuses_aliases_and_second_documents(void **state)
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

static void config_yaml__tells_where_yaml_is_broken(void **state)
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

static void config_yaml__is_bounded_in_depth_and_faults(void **state)
{
    char text[4096];
    struct loaded loaded;
    size_t lines = 0;

    (void)state;
    memset(text, '[', sizeof(text));
    loaded = config_text_load((struct view){text, sizeof(text)});
    assert_int_equal(loaded.status, STATUS_INVALID);
    assert_string_equal(loaded.errors.data, "f.yaml:1:1: a map of options is expected\n"
                                            "f.yaml:1:33: this is nested more than 32 deep\n");
    config_text_release(&loaded);
    for (size_t i = 0; i + 8 <= sizeof(text); i += 8)
        memcpy(text + i, "zzz: 1 \n", 8);
    loaded = config_text_load((struct view){text, sizeof(text)});
    assert_int_equal(loaded.status, STATUS_INVALID);
    for (const char *at = loaded.errors.data; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, CONFIG_FAULTS_MAX + 1);
    assert_non_null(strstr(loaded.errors.data, "\nFurther faults are not listed.\n"));
    config_text_release(&loaded);
}

static void config_yaml__refuses_wrong_variables(void **state)
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

static void config_yaml__uses_variables_in_values(void **state)
{
    struct loaded loaded = config_text_load(VIEW("listen.grpc: ${env:PORT}\n"
                                                 "pairing.wait: \"${WAIT}\"\n"
                                                 "map.self_edges: ${env:SELF:-true}\n"
                                                 "web.hosts: [\"${_u1}\"]\n"));

    (void)state;
    config_text_assert_loads(&loaded);
    assert_view_equal(loaded.options.listen_grpc, "localhost:1234");
    assert_int_equal(loaded.options.pairing_wait_ns, 3 * NS_PER_S);
    assert_true(loaded.options.map_self_edges);
    assert_view_equal(loaded.options.web_hosts.items[0], "under");
    config_text_release(&loaded);
}

/* ----------------------------------------------------------------- what loads */

static void config_yaml__reads_nested_and_dotted_keys(void **state)
{
    struct loaded loaded = config_text_load(
        VIEW("# a comment\n"
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
    config_text_assert_loads(&loaded);
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
    config_text_release(&loaded);
}

static void config_yaml__takes_files_that_say_nothing(void **state)
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
        struct loaded loaded = config_text_load(view_of(texts[i]));
        config_text_assert_loads(&loaded);
        assert_view_equal(loaded.options.listen_grpc, "localhost:4317");
        config_text_release(&loaded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_yaml__tells_where_a_key_is_wrong),
        cmocka_unit_test(config_yaml__tells_what_a_value_may_be),
        cmocka_unit_test(config_yaml__tells_which_item_of_a_list_is_wrong),
        cmocka_unit_test(config_yaml__takes_each_option_once),
        cmocka_unit_test(config_yaml__refuses_aliases_and_second_documents),
        cmocka_unit_test(config_yaml__tells_where_yaml_is_broken),
        cmocka_unit_test(config_yaml__is_bounded_in_depth_and_faults),
        cmocka_unit_test(config_yaml__refuses_wrong_variables),
        cmocka_unit_test(config_yaml__uses_variables_in_values),
        cmocka_unit_test(config_yaml__reads_nested_and_dotted_keys),
        cmocka_unit_test(config_yaml__takes_files_that_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
