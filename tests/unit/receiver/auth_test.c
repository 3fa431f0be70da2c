/* auth_test.c: who is let in, who is not, and what it costs to find out. */
#include "receiver/auth.h"

#include <stdio.h>

#include "receiver/auth_priv.h"
#include "tests/lib/test.h"

#define BCRYPT "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"   /* secret */
#define BCRYPT10 "$2y$10$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW" /* of nothing */
#define SHA256 "$5$rounds=1000$saltsalt$eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2"
#define SHA512                                                                                     \
    "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq."    \
    "H91p5hVO1"
#define USERS "# who\n\nada:" BCRYPT "\r\nbob:" SHA256 "\n  eve:" SHA512

static const struct counter_row rows[AUTH_OUTCOME_COUNT];
static const struct view nothing = {NULL, 0};

struct fixture {
    struct counters counters;
    struct auth_options options;
    struct auth *auth;
    struct mono_time now;
};

static void prepare(struct fixture *on)
{
    memset(on, 0, sizeof(*on));
    assert_int_equal(counters_init(&on->counters, rows, AUTH_OUTCOME_COUNT), 0);
    on->options.counters = &on->counters;
    on->now.ns = NS_PER_S;
}

static void open_auth(struct fixture *on)
{
    assert_int_equal(auth_new(&on->options, &on->auth), 0);
}

static void set_tokens(struct fixture *on, const char *text)
{
    char error[256] = "";

    if (auth_set_tokens(on->auth, view_of(text), error) != 0)
        fail_msg("%s", error);
}

static void set_passwords(struct fixture *on, const char *text)
{
    char error[256] = "";

    if (auth_set_passwords(on->auth, view_of(text), error) != 0)
        fail_msg("%s", error);
}

static void stop(struct fixture *on)
{
    auth_free(on->auth);
    counters_release(&on->counters);
}

static void expect_peer(struct fixture *on, struct auth_peer peer, const char *authorization,
                        enum gate_verdict verdict, enum auth_outcome outcome)
{
    uint64_t before = counters_read(&on->counters, outcome);

    assert_int_equal(auth_judge(on->auth, &peer,
                                authorization != NULL ? view_of(authorization) : nothing, on->now),
                     verdict);
    assert_int_equal(counters_read(&on->counters, outcome), before + 1);
}

static void expect(struct fixture *on, const char *authorization, enum gate_verdict verdict,
                   enum auth_outcome outcome)
{
    expect_peer(on, (struct auth_peer){.names = NULL}, authorization, verdict, outcome);
}

static void auth__takes_its_tokens(void **state)
{
    struct fixture on;

    (void)state;
    prepare(&on);
    on.options.takes_tokens = true;
    on.options.token = VIEW("always");
    open_auth(&on);
    expect(&on, "Bearer always", GATE_PASS, AUTH_TOKEN);
    set_tokens(&on, "# two\nfirst-token\n\n  second.token=\r\n");
    expect(&on, "Bearer always", GATE_PASS, AUTH_TOKEN);
    expect(&on, "Bearer first-token", GATE_PASS, AUTH_TOKEN);
    expect(&on, "bearer   second.token=", GATE_PASS, AUTH_TOKEN);
    expect(&on, "Bearer first-toke", GATE_UNKNOWN, AUTH_WRONG_TOKEN);
    expect(&on, "Bearer first-token2", GATE_UNKNOWN, AUTH_WRONG_TOKEN);
    expect(&on, "Bearer # two", GATE_UNKNOWN, AUTH_WRONG_TOKEN);
    expect(&on, "Bearer ", GATE_UNKNOWN, AUTH_WRONG_TOKEN);
    expect(&on, "Bearer", GATE_UNKNOWN, AUTH_MALFORMED);
    expect(&on, "Bearerfirst-token", GATE_UNKNOWN, AUTH_MALFORMED);
    expect(&on, "first-token", GATE_UNKNOWN, AUTH_MALFORMED);
    expect(&on, "Digest first-token", GATE_UNKNOWN, AUTH_MALFORMED);
    expect(&on, "", GATE_UNKNOWN, AUTH_MALFORMED);
    expect(&on, NULL, GATE_UNKNOWN, AUTH_MISSING);
    /* The new list is the whole list. */
    set_tokens(&on, "third");
    expect(&on, "Bearer first-token", GATE_UNKNOWN, AUTH_WRONG_TOKEN);
    expect(&on, "Bearer third", GATE_PASS, AUTH_TOKEN);
    set_tokens(&on, "");
    expect(&on, "Bearer third", GATE_UNKNOWN, AUTH_WRONG_TOKEN);
    stop(&on);
}

/* An empty option is no token. */
static void auth__takes_no_token_that_is_not_set(void **state)
{
    struct fixture on;

    (void)state;
    prepare(&on);
    on.options.takes_passwords = true;
    open_auth(&on);
    expect(&on, "Bearer ", GATE_UNKNOWN, AUTH_WRONG_TOKEN);
    expect(&on, "Bearer x", GATE_UNKNOWN, AUTH_WRONG_TOKEN);
    expect(&on, "Basic YWRhOnNlY3JldA==", GATE_UNKNOWN, AUTH_WRONG_PASSWORD); /* No users yet. */
    stop(&on);
}

static void auth__takes_passwords(void **state)
{
    struct fixture on;

    (void)state;
    prepare(&on);
    on.options.takes_passwords = true;
    open_auth(&on);
    set_passwords(&on, USERS);
    for (int i = 0; i < 2; i++) { /* Judged, and remembered. */
        on.now.ns += 60 * NS_PER_S;
        expect(&on, "Basic YWRhOnNlY3JldA==", GATE_PASS, AUTH_PASSWORD);      /* ada:secret */
        expect(&on, "basic YmI6c2VjcmV0", GATE_UNKNOWN, AUTH_WRONG_PASSWORD); /* bb:secret */
        expect(&on, "Basic Ym9iOnNlY3JldA", GATE_PASS, AUTH_PASSWORD);        /* bob:secret */
        on.now.ns += 60 * NS_PER_S;
        expect(&on, "Basic ZXZlOnNlY3JldA==", GATE_PASS, AUTH_PASSWORD);          /* eve:secret */
        expect(&on, "Basic YWRhOlNlY3JldA==", GATE_UNKNOWN, AUTH_WRONG_PASSWORD); /* ada:Secret */
        expect(&on, "Basic YWRhOnNlY3JldAA=", GATE_UNKNOWN, AUTH_WRONG_PASSWORD); /* secret\0 */
        expect(&on, "Basic YWRhOg==", GATE_UNKNOWN, AUTH_WRONG_PASSWORD);         /* ada: */
        expect(&on, "Basic OnNlY3JldA==", GATE_UNKNOWN, AUTH_WRONG_PASSWORD);     /* :secret */
    }
    expect(&on, "Basic YWRh", GATE_UNKNOWN, AUTH_MALFORMED); /* ada */
    expect(&on, "Basic !!!!", GATE_UNKNOWN, AUTH_MALFORMED);
    expect(&on, "Basic ", GATE_UNKNOWN, AUTH_MALFORMED);
    expect(&on, "Bearer secret", GATE_UNKNOWN, AUTH_WRONG_TOKEN);
    stop(&on);
}

static void auth__forgets_what_it_judged_when_the_list_changes(void **state)
{
    struct fixture on;

    (void)state;
    prepare(&on);
    on.options.takes_passwords = true;
    open_auth(&on);
    set_passwords(&on, "ada:" BCRYPT);
    expect(&on, "Basic YWRhOnNlY3JldA==", GATE_PASS, AUTH_PASSWORD);
    on.now.ns += 60 * NS_PER_S;
    set_passwords(&on, "bob:" BCRYPT);
    expect(&on, "Basic YWRhOnNlY3JldA==", GATE_UNKNOWN, AUTH_WRONG_PASSWORD);
    on.now.ns += 60 * NS_PER_S;
    expect(&on, "Basic Ym9iOnNlY3JldA==", GATE_PASS, AUTH_PASSWORD);
    stop(&on);
}

static void encode(const char *text, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0;
    unsigned count = 0;

    for (; *text != '\0'; text++) {
        bits = bits << 8 | (unsigned char)*text;
        for (count += 8; count >= 6; count -= 6)
            *out++ = digits[bits >> (count - 6) & 63];
    }
    if (count != 0)
        *out++ = digits[bits << (6 - count) & 63];
    *out = '\0';
}

static enum gate_verdict judge_pair(struct fixture *on, int user, const char *password)
{
    char pair[32];
    char field[64] = "Basic ";

    (void)snprintf(pair, sizeof(pair), "%03d:%s", user, password);
    encode(pair, field + 6);
    return auth_judge(on->auth, &(struct auth_peer){.names = NULL}, view_of(field), on->now);
}

/* Passwords cost time: guesses get a share of it, and those who are known none of the delay. */
static void auth__bounds_the_work_for_guesses(void **state)
{
    struct fixture on;
    unsigned guesses = 0;

    (void)state;
    prepare(&on);
    on.options.takes_passwords = true;
    open_auth(&on);
    set_passwords(&on, "ada:" BCRYPT);
    expect(&on, "Basic YWRhOnNlY3JldA==", GATE_PASS, AUTH_PASSWORD);
    while (counters_read(&on.counters, AUTH_BUSY) == 0) {
        char pair[32];
        char field[64] = "Basic ";

        (void)snprintf(pair, sizeof(pair), "ada:guess%u", guesses++);
        encode(pair, field + 6);
        (void)auth_judge(on.auth, &(struct auth_peer){.names = NULL}, view_of(field), on.now);
        assert_true(guesses < 100000);
    }
    expect(&on, "Basic YWRhOmxhdGU=", GATE_BUSY, AUTH_BUSY); /* ada:late */
    expect(&on, "Basic YWRhOnNlY3JldA==", GATE_PASS, AUTH_PASSWORD);
    on.now.ns += 3600 * NS_PER_S;
    expect(&on, "Basic YWRhOmxhdGU=", GATE_UNKNOWN, AUTH_WRONG_PASSWORD);
    stop(&on);
}

/* Of more users than there are places for wrong passwords each one's right one is kept. */
static void auth__remembers_the_right_password_of_each_user(void **state)
{
    enum { USERS_COUNT = 150 };
    struct fixture on;
    struct buf users;
    char guess[16];

    (void)state;
    prepare(&on);
    on.options.takes_passwords = true;
    open_auth(&on);
    buf_init(&users, 0);
    for (int i = 0; i < USERS_COUNT; i++)
        assert_int_equal(buf_printf(&users, "%03d:" BCRYPT "\n", i), 0);
    assert_int_equal(buf_append_byte(&users, '\0'), 0);
    set_passwords(&on, users.data);
    for (int i = 0; i < USERS_COUNT; i++) {
        assert_int_equal(judge_pair(&on, i, "secret"), GATE_PASS);
        on.now.ns += 10 * NS_PER_S;
    }
    /* When guesses have used up the work, what is known is still served. */
    for (int i = 0; counters_read(&on.counters, AUTH_BUSY) == 0; i++) {
        assert_true(i < 100000);
        (void)snprintf(guess, sizeof(guess), "%d", i);
        (void)judge_pair(&on, 0, guess);
    }
    for (int i = 0; i < USERS_COUNT; i++)
        assert_int_equal(judge_pair(&on, i, "secret"), GATE_PASS);
    /* But for a list that was read anew, of which nothing is known. */
    set_passwords(&on, users.data);
    assert_int_equal(judge_pair(&on, 7, "secret"), GATE_BUSY);
    buf_release(&users);
    stop(&on);
}

/* Whoever is not there takes as long as who takes longest. */
static void auth__knows_the_costliest_hash(void **state)
{
    static const struct {
        const char *text;
        size_t costliest;
    } cases[] = {
        {"a:" SHA256 "\nb:" SHA512, 1},
        {"a:" SHA512 "\nb:" SHA256, 0},
        {"a:" BCRYPT "\nb:" SHA256, 0},
        {"a:" BCRYPT "\nb:" SHA512, 1},
        {"a:" SHA512 "\nb:" BCRYPT "\nc:" BCRYPT10, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct auth_users users;
        char error[256] = "";

        assert_int_equal(auth_users_read(view_of(cases[i].text), error, &users), 0);
        assert_int_equal(users.costliest, cases[i].costliest);
        auth_users_release(&users);
    }
}

static void auth__takes_listed_names(void **state)
{
    static const struct view patterns[] = {
        {"cn:collector", 12}, {"*.prod.example", 14}, {"uri:spiffe://x/ns/*/sa/otel", 27}};
    static const struct {
        struct tls_name name;
        bool passes;
    } cases[] = {
        {{TLS_NAME_CN, {"collector", 9}}, true},
        {{TLS_NAME_CN, {"Collector", 9}}, false},
        {{TLS_NAME_DNS, {"collector", 9}}, false},
        {{TLS_NAME_DNS, {"a.prod.example", 14}}, true},
        {{TLS_NAME_DNS, {"A.PROD.example", 14}}, true},
        {{TLS_NAME_CN, {"a.prod.example", 14}}, true},
        {{TLS_NAME_DNS, {".prod.example", 13}}, false},
        {{TLS_NAME_DNS, {"prod.example", 12}}, false},
        {{TLS_NAME_DNS, {"a.prod.example.evil", 19}}, false},
        {{TLS_NAME_URI, {"spiffe://x/ns/a/sa/otel", 23}}, true},
        {{TLS_NAME_URI, {"spiffe://x/ns//sa/otel", 22}}, false},
        {{TLS_NAME_URI, {"spiffe://x/ns/sa/otel", 21}}, false},
        {{TLS_NAME_DNS, {"spiffe://x/ns/a/sa/otel", 23}}, false},
    };
    struct fixture on;

    (void)state;
    prepare(&on);
    on.options.names = patterns;
    on.options.names_count = 3;
    open_auth(&on);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_name names[] = {{TLS_NAME_CN, {"somebody", 8}}, cases[i].name};
        struct tls_names list = {names, 2};

        expect_peer(&on, (struct auth_peer){.names = &list}, NULL,
                    cases[i].passes ? GATE_PASS : GATE_FORBIDDEN,
                    cases[i].passes ? AUTH_NAME : AUTH_UNLISTED_NAME);
    }
    /* No Authorization would help: there is nothing to ask for. */
    assert_int_equal(auth_challenge(on.auth).size, 0);
    expect(&on, NULL, GATE_FORBIDDEN, AUTH_MISSING);
    stop(&on);
}

static void auth__takes_listed_users_of_unix_sockets(void **state)
{
    static const uint32_t users[] = {0, 1000};
    struct fixture on;

    (void)state;
    prepare(&on);
    on.options.users = users;
    on.options.users_count = 2;
    open_auth(&on);
    expect_peer(&on, (struct auth_peer){.has_user = true, .user = 1000}, NULL, GATE_PASS,
                AUTH_USER);
    expect_peer(&on, (struct auth_peer){.has_user = true, .user = 0}, NULL, GATE_PASS, AUTH_USER);
    expect_peer(&on, (struct auth_peer){.has_user = true, .user = 1}, NULL, GATE_FORBIDDEN,
                AUTH_UNLISTED_USER);
    /* Nobody's user is not root. */
    expect_peer(&on, (struct auth_peer){.has_user = false, .user = 0}, NULL, GATE_FORBIDDEN,
                AUTH_MISSING);
    stop(&on);
}

static void auth__needs_one_witness_only(void **state)
{
    static const struct view patterns[] = {{"collector", 9}};
    struct tls_name other = {TLS_NAME_CN, {"other", 5}};
    struct tls_names names = {&other, 1};
    struct fixture on;

    (void)state;
    prepare(&on);
    on.options.names = patterns;
    on.options.names_count = 1;
    on.options.takes_tokens = true;
    on.options.token = VIEW("t");
    open_auth(&on);
    expect_peer(&on, (struct auth_peer){.names = &names}, "Bearer t", GATE_PASS, AUTH_TOKEN);
    expect_peer(&on, (struct auth_peer){.names = &names}, NULL, GATE_UNKNOWN, AUTH_UNLISTED_NAME);
    expect_peer(&on, (struct auth_peer){.names = &names}, "Bearer u", GATE_UNKNOWN,
                AUTH_WRONG_TOKEN);
    stop(&on);
}

static void auth__asks_for_what_it_takes(void **state)
{
    struct fixture on;

    (void)state;
    prepare(&on);
    on.options.takes_tokens = true;
    open_auth(&on);
    assert_view_equal(auth_challenge(on.auth), "Bearer realm=\"spanmap\"");
    auth_free(on.auth);
    on.options.takes_passwords = true;
    open_auth(&on);
    assert_view_equal(auth_challenge(on.auth),
                      "Bearer realm=\"spanmap\", Basic realm=\"spanmap\", charset=\"UTF-8\"");
    stop(&on);
}

/* What is wrong is told by its line, and its text is not. */
static void auth__refuses_lists_and_keeps_the_old_ones(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"ada:" BCRYPT "\nbob\n", "line 2: write USER:HASH"},
        {":" BCRYPT, "line 1: write USER:HASH"},
        {"ada:plain-secret", "line 1: the hash is"},
        {"ada:$apr1$saltsalt$aaaaaaaaaaaaaaaaaaaaaa", "line 1: the hash is"},
        {"ada:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "line 1: the hash is"},
        {"ada:$2y$13$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "line 1: the hash is"},
        {"ada:$2y$03$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "line 1: the hash is"},
        {"ada:$5$rounds=9999999$saltsalt$eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2",
         "line 1: the hash is"},
        {"ada:$5$saltsalt$short", "line 1: the hash is"},
        {"ada:$6$", "line 1: the hash is"},
        {"ada:" BCRYPT "\n\nada:" SHA256, "line 3: this user is there already"},
    };
    struct fixture on;
    char error[256];

    (void)state;
    prepare(&on);
    on.options.takes_passwords = true;
    on.options.takes_tokens = true;
    open_auth(&on);
    set_passwords(&on, "ada:" BCRYPT);
    set_tokens(&on, "good");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        error[0] = '\0';
        assert_int_equal(auth_set_passwords(on.auth, view_of(cases[i].text), error),
                         STATUS_INVALID);
        if (strstr(error, cases[i].words) == NULL)
            fail_msg("'%s' for '%s'", error, cases[i].text);
        assert_null(strstr(error, "plain-secret"));
    }
    assert_int_equal(auth_set_tokens(on.auth, VIEW("one\ntwo words\n"), error), STATUS_INVALID);
    assert_non_null(strstr(error, "line 2: a token is"));
    assert_null(strstr(error, "two words"));
    expect(&on, "Basic YWRhOnNlY3JldA==", GATE_PASS, AUTH_PASSWORD);
    expect(&on, "Bearer good", GATE_PASS, AUTH_TOKEN);
    expect(&on, "Bearer one", GATE_UNKNOWN, AUTH_WRONG_TOKEN);
    stop(&on);
}

static void auth__has_room_for_so_many(void **state)
{
    struct fixture on;
    struct buf text;
    char error[256];

    (void)state;
    prepare(&on);
    on.options.takes_tokens = true;
    open_auth(&on);
    buf_init(&text, 0);
    for (int i = 0; i < 4096; i++)
        assert_int_equal(buf_printf(&text, "token%d\n", i), 0);
    assert_int_equal(auth_set_tokens(on.auth, buf_view(&text), error), 0);
    expect(&on, "Bearer token4095", GATE_PASS, AUTH_TOKEN);
    assert_int_equal(buf_append_text(&text, "more"), 0);
    assert_int_equal(auth_set_tokens(on.auth, buf_view(&text), error), STATUS_FULL);
    buf_release(&text);
    stop(&on);
}

static void auth__knows_patterns(void **state)
{
    static const char *const good[] = {"a", "*", "dns:*.a", "cn:a*b", "uri:spiffe://a/*"};
    static const char *const bad[] = {"", "cn:", "a*b*", "**"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(auth_is_pattern(view_of(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(auth_is_pattern(view_of(bad[i])));
}

static int step(void *context)
{
    struct auth_options options = {
        .takes_tokens = true, .takes_passwords = true, .token = VIEW("t")};
    struct auth *auth;
    char error[256];
    int status = auth_new(&options, &auth);

    (void)context;
    if (status != 0)
        return status;
    status = auth_set_tokens(auth, VIEW("a\nb\n"), error);
    if (status == 0)
        status = auth_set_passwords(auth, VIEW(USERS), error);
    if (status == 0 &&
        auth_judge(auth, &(struct auth_peer){.names = NULL}, VIEW("Basic YWRhOnNlY3JldA=="),
                   (struct mono_time){NS_PER_S}) == GATE_BUSY)
        status = STATUS_NOMEM;
    auth_free(auth);
    return status;
}

static void auth__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(step, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auth__takes_its_tokens),
        cmocka_unit_test(auth__takes_no_token_that_is_not_set),
        cmocka_unit_test(auth__takes_passwords),
        cmocka_unit_test(auth__forgets_what_it_judged_when_the_list_changes),
        cmocka_unit_test(auth__bounds_the_work_for_guesses),
        cmocka_unit_test(auth__remembers_the_right_password_of_each_user),
        cmocka_unit_test(auth__knows_the_costliest_hash),
        cmocka_unit_test(auth__takes_listed_names),
        cmocka_unit_test(auth__takes_listed_users_of_unix_sockets),
        cmocka_unit_test(auth__needs_one_witness_only),
        cmocka_unit_test(auth__asks_for_what_it_takes),
        cmocka_unit_test(auth__refuses_lists_and_keeps_the_old_ones),
        cmocka_unit_test(auth__has_room_for_so_many),
        cmocka_unit_test(auth__knows_patterns),
        cmocka_unit_test(auth__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
