/* tls_test.c: handshakes and bytes through memory, against OpenSSL's client. */
#include "net/tls.h"

#include "tests/lib/test.h"
#include "tests/lib/tls_peer.h"

struct world {
    struct tls_pair authority;
    struct tls_pair other_authority;
    struct tls_pair server;
    struct tls_pair client;
    struct tls_context *plain;   /* Asks for no certificate. */
    struct tls_context *mutual;  /* Needs one. */
    struct tls_context *perhaps; /* Takes one. */
};

static struct world world;

static struct tls_context *make_context(struct tls_options options, bool asks)
{
    struct tls_material material = {
        .cert = buf_view(&world.server.cert_text),
        .key = buf_view(&world.server.key_text),
    };
    struct tls_context *context;
    char error[256];

    if (asks)
        material.client_ca = buf_view(&world.authority.cert_text);
    if (tls_context_new(&options, &material, error, &context) != 0)
        fail_msg("%s", error);
    return context;
}

static int make_world(void **state)
{
    struct tls_subject authority = {.common_name = "root", .is_authority = true};
    struct tls_subject server = {.common_name = "server",
                                 .alternatives = "DNS:localhost,IP:127.0.0.1",
                                 .issuer = &world.authority};
    struct tls_subject client = {.common_name = "collector",
                                 .alternatives = "DNS:a.example,URI:spiffe://x/ns/y,email:a@b",
                                 .issuer = &world.authority};

    (void)state;
    tls_pair_make(&authority, &world.authority);
    tls_pair_make(&authority, &world.other_authority);
    tls_pair_make(&server, &world.server);
    tls_pair_make(&client, &world.client);
    world.plain = make_context((struct tls_options){0}, false);
    world.mutual = make_context((struct tls_options){0}, true);
    world.perhaps = make_context((struct tls_options){.client_may_lack = true}, true);
    return 0;
}

static int release_world(void **state)
{
    (void)state;
    tls_context_release(world.plain);
    tls_context_release(world.mutual);
    tls_context_release(world.perhaps);
    tls_pair_release(&world.authority);
    tls_pair_release(&world.other_authority);
    tls_pair_release(&world.server);
    tls_pair_release(&world.client);
    return 0;
}

/* One client and one session. */
struct meeting {
    struct tls_peer peer;
    struct tls_session *session;
    struct buf told; /* What the session hands on. */
};

static void prepare(struct meeting *meeting, struct tls_context *context,
                    const struct tls_pair *own, const char *alpn)
{
    tls_peer_init(&meeting->peer, &world.authority, own, alpn);
    assert_int_equal(tls_session_new(context, ALPN_H2 | ALPN_HTTP_1_1, &meeting->session), 0);
    buf_init(&meeting->told, 0);
}

static void part(struct meeting *meeting)
{
    tls_session_free(meeting->session);
    tls_peer_release(&meeting->peer);
    buf_release(&meeting->told);
}

static void meet(struct meeting *meeting, struct tls_context *context, const struct tls_pair *own,
                 const char *alpn)
{
    prepare(meeting, context, own, alpn);
    assert_int_equal(tls_peer_meet(&meeting->peer, meeting->session, &meeting->told), 0);
    assert_true(tls_session_is_ready(meeting->session));
    assert_int_equal(tls_session_outcome(meeting->session), TLS_OK);
}

static void expect_failure(struct meeting *meeting, enum tls_outcome outcome)
{
    assert_int_equal(tls_peer_meet(&meeting->peer, meeting->session, &meeting->told),
                     STATUS_INVALID);
    assert_false(tls_session_is_ready(meeting->session));
    assert_string_equal(tls_outcome_name(tls_session_outcome(meeting->session)),
                        tls_outcome_name(outcome));
    assert_int_equal(meeting->told.size, 0);
    assert_int_equal(tls_session_names(meeting->session)->count, 0);
    part(meeting);
}

/* ------------------------------------------------------------------------- bytes */

static void say(struct meeting *meeting, const char *text)
{
    struct buf sealed;
    struct buf back;

    buf_init(&sealed, 0);
    buf_init(&back, 0);
    buf_reset(&meeting->told);
    tls_peer_say(&meeting->peer, view_of(text), &sealed);
    assert_int_equal(
        tls_session_receive(meeting->session, buf_view(&sealed), &meeting->told, &back), 0);
    assert_view_equal(buf_view(&meeting->told), text);
    assert_int_equal(back.size, 0);
    buf_release(&sealed);
    buf_release(&back);
}

static void answer(struct meeting *meeting, struct view text)
{
    struct buf sealed;
    struct buf heard;

    buf_init(&sealed, 0);
    buf_init(&heard, 0);
    assert_int_equal(tls_session_send(meeting->session, text, &sealed), 0);
    assert_true(sealed.size > text.size);
    assert_int_equal(tls_peer_hear(&meeting->peer, buf_view(&sealed), &heard), SSL_ERROR_WANT_READ);
    assert_true(view_equal(buf_view(&heard), text));
    buf_release(&sealed);
    buf_release(&heard);
}

static void tls__carries_bytes_both_ways(void **state)
{
    static char large[300 * 1024];
    struct meeting meeting;

    (void)state;
    memset(large, 'x', sizeof(large));
    meet(&meeting, world.plain, NULL, NULL);
    say(&meeting, "hello");
    answer(&meeting, VIEW("and back"));
    answer(&meeting, (struct view){large, sizeof(large)});
    say(&meeting, "again");
    part(&meeting);
}

/* Each byte that either side sends comes alone. */
static void tls__takes_any_fragments(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    (void)state;
    for (size_t v = 0; v < 2; v++) {
        struct meeting meeting;
        struct buf to_server;
        struct buf to_client;
        bool is_done = false;

        prepare(&meeting, world.mutual, &world.client, "\2h2");
        assert_int_equal(SSL_set_max_proto_version(meeting.peer.ssl, versions[v]), 1);
        buf_init(&to_server, 0);
        buf_init(&to_client, 0);
        while (!is_done || to_server.size != 0) {
            is_done = tls_peer_shake(&meeting.peer, buf_view(&to_client), &to_server);
            if (is_done && !tls_session_is_ready(meeting.session) && to_server.size != 0)
                tls_peer_say(&meeting.peer, VIEW("at once"), &to_server);
            buf_reset(&to_client);
            for (size_t i = 0; i < to_server.size; i++)
                assert_int_equal(tls_session_receive(meeting.session,
                                                     (struct view){to_server.data + i, 1},
                                                     &meeting.told, &to_client),
                                 0);
            buf_reset(&to_server);
        }
        assert_true(tls_session_is_ready(meeting.session));
        assert_int_equal(SSL_version(meeting.peer.ssl), versions[v]);
        if (versions[v] == TLS1_3_VERSION)
            assert_view_equal(buf_view(&meeting.told), "at once");
        buf_release(&to_server);
        buf_release(&to_client);
        part(&meeting);
    }
}

static void tls__says_and_hears_the_end(void **state)
{
    struct meeting meeting;
    struct buf sealed;
    struct buf back;

    (void)state;
    meet(&meeting, world.plain, NULL, NULL);
    buf_init(&sealed, 0);
    buf_init(&back, 0);
    assert_int_equal(tls_session_end(meeting.session, &back), 0);
    assert_int_equal(tls_peer_hear(&meeting.peer, buf_view(&back), &sealed), SSL_ERROR_ZERO_RETURN);
    assert_int_equal(sealed.size, 0);
    buf_reset(&back);
    assert_int_equal(tls_session_end(meeting.session, &back), 0);
    assert_int_equal(back.size, 0);
    assert_int_equal(tls_session_send(meeting.session, VIEW("late"), &back), STATUS_INVALID);
    part(&meeting);

    meet(&meeting, world.plain, NULL, NULL);
    tls_peer_say(&meeting.peer, VIEW("last"), &sealed);
    (void)SSL_shutdown(meeting.peer.ssl);
    tls_peer_flush(&meeting.peer, &sealed);
    assert_int_equal(tls_session_receive(meeting.session, buf_view(&sealed), &meeting.told, &back),
                     STATUS_CLOSED);
    assert_view_equal(buf_view(&meeting.told), "last");
    buf_release(&sealed);
    buf_release(&back);
    part(&meeting);
}

static void tls__ends_at_a_damaged_record(void **state)
{
    struct meeting meeting;
    struct buf sealed;
    struct buf back;

    (void)state;
    meet(&meeting, world.plain, NULL, NULL);
    buf_init(&sealed, 0);
    buf_init(&back, 0);
    tls_peer_say(&meeting.peer, VIEW("good"), &sealed);
    tls_peer_say(&meeting.peer, VIEW("bad"), &sealed);
    sealed.data[sealed.size - 1] ^= 1;
    assert_int_equal(tls_session_receive(meeting.session, buf_view(&sealed), &meeting.told, &back),
                     STATUS_INVALID);
    assert_view_equal(buf_view(&meeting.told), "good");
    assert_true(back.size != 0); /* The alert. */
    assert_int_equal(tls_session_receive(meeting.session, VIEW("more"), &meeting.told, &back),
                     STATUS_INVALID);
    assert_int_equal(tls_session_send(meeting.session, VIEW("more"), &back), STATUS_INVALID);
    assert_int_equal(tls_session_outcome(meeting.session), TLS_OK);
    buf_release(&sealed);
    buf_release(&back);
    part(&meeting);
}

static void tls__refuses_renegotiation(void **state)
{
    struct meeting meeting;
    struct buf sealed;
    struct buf back;
    struct buf heard;

    (void)state;
    prepare(&meeting, world.plain, NULL, NULL);
    assert_int_equal(SSL_set_max_proto_version(meeting.peer.ssl, TLS1_2_VERSION), 1);
    assert_int_equal(tls_peer_meet(&meeting.peer, meeting.session, &meeting.told), 0);
    buf_init(&sealed, 0);
    buf_init(&back, 0);
    buf_init(&heard, 0);
    assert_int_equal(SSL_renegotiate(meeting.peer.ssl), 1);
    (void)SSL_do_handshake(meeting.peer.ssl);
    tls_peer_flush(&meeting.peer, &sealed);
    assert_true(sealed.size != 0);
    /* A warning goes back, and no second handshake begins. */
    assert_int_equal(tls_session_receive(meeting.session, buf_view(&sealed), &meeting.told, &back),
                     0);
    assert_in_range(back.size, 1, 64);
    (void)tls_peer_hear(&meeting.peer, buf_view(&back), &heard);
    assert_int_equal(heard.size, 0);
    buf_release(&sealed);
    buf_release(&back);
    buf_release(&heard);
    part(&meeting);
}

/* -------------------------------------------------------------------- agreements */

static void tls__agrees_on_a_protocol(void **state)
{
    static const struct {
        const char *offered;
        enum alpn agreed;
    } cases[] = {
        {"\2h2", ALPN_H2},
        {"\10http/1.1\2h2", ALPN_H2}, /* The server's order counts. */
        {"\3foo\10http/1.1", ALPN_HTTP_1_1},
        {NULL, ALPN_NONE},
    };
    struct meeting meeting;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        meet(&meeting, world.plain, NULL, cases[i].offered);
        assert_int_equal(tls_session_alpn(meeting.session), cases[i].agreed);
        part(&meeting);
    }
    prepare(&meeting, world.plain, NULL, "\3foo\2h1");
    expect_failure(&meeting, TLS_PROTOCOL);
}

static void tls__speaks_only_new_versions(void **state)
{
    struct tls_context *strict = make_context((struct tls_options){.version_min = TLS_VERSION_1_3},
                                              false);
    struct meeting meeting;

    (void)state;
    prepare(&meeting, world.plain, NULL, NULL);
    /* OpenSSL's client speaks 1.1 at a security level of 0 alone. */
    SSL_set_security_level(meeting.peer.ssl, 0);
    assert_int_equal(SSL_set_min_proto_version(meeting.peer.ssl, TLS1_VERSION), 1);
    assert_int_equal(SSL_set_max_proto_version(meeting.peer.ssl, TLS1_1_VERSION), 1);
    expect_failure(&meeting, TLS_VERSION);

    prepare(&meeting, strict, NULL, NULL);
    assert_int_equal(SSL_set_max_proto_version(meeting.peer.ssl, TLS1_2_VERSION), 1);
    expect_failure(&meeting, TLS_VERSION);
    meet(&meeting, strict, NULL, NULL);
    part(&meeting);
    tls_context_release(strict);
}

static void tls__needs_a_cipher_in_common(void **state)
{
    struct meeting meeting;

    (void)state;
    prepare(&meeting, world.plain, NULL, NULL);
    assert_int_equal(SSL_set_max_proto_version(meeting.peer.ssl, TLS1_2_VERSION), 1);
    assert_int_equal(SSL_set_cipher_list(meeting.peer.ssl, "ECDHE-ECDSA-AES128-SHA"), 1);
    expect_failure(&meeting, TLS_CIPHER);
}

static void tls__tells_who_has_come(void **state)
{
    struct meeting meeting;
    const struct tls_names *names;

    (void)state;
    meet(&meeting, world.mutual, &world.client, NULL);
    names = tls_session_names(meeting.session);
    assert_int_equal(names->count, 3);
    assert_int_equal(names->items[0].kind, TLS_NAME_CN);
    assert_view_equal(names->items[0].text, "collector");
    assert_int_equal(names->items[1].kind, TLS_NAME_DNS);
    assert_view_equal(names->items[1].text, "a.example");
    assert_int_equal(names->items[2].kind, TLS_NAME_URI);
    assert_view_equal(names->items[2].text, "spiffe://x/ns/y");
    part(&meeting);

    /* Nobody asks for it. */
    meet(&meeting, world.plain, &world.client, NULL);
    assert_int_equal(tls_session_names(meeting.session)->count, 0);
    part(&meeting);
    meet(&meeting, world.perhaps, &world.client, NULL);
    assert_int_equal(tls_session_names(meeting.session)->count, 3);
    part(&meeting);
    meet(&meeting, world.perhaps, NULL, NULL);
    assert_int_equal(tls_session_names(meeting.session)->count, 0);
    part(&meeting);
}

static void make_client(const struct tls_subject *subject, struct meeting *meeting,
                        struct tls_context *context)
{
    struct tls_pair pair;

    tls_pair_make(subject, &pair);
    prepare(meeting, context, &pair, NULL);
    tls_pair_release(&pair);
}

static void tls__refuses_clients_it_cannot_trust(void **state)
{
    struct tls_context *const contexts[] = {world.mutual, world.perhaps};
    struct meeting meeting;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make_client(
            &(struct tls_subject){.common_name = "foreign", .issuer = &world.other_authority},
            &meeting, contexts[i]);
        expect_failure(&meeting, TLS_CERTIFICATE_REFUSED);
        make_client(&(struct tls_subject){.common_name = "own"}, &meeting, contexts[i]);
        expect_failure(&meeting, TLS_CERTIFICATE_REFUSED);
        make_client(&(struct tls_subject){.common_name = "old",
                                          .issuer = &world.authority,
                                          .begins_s = -7200,
                                          .ends_s = -3600},
                    &meeting, contexts[i]);
        expect_failure(&meeting, TLS_CERTIFICATE_EXPIRED);
        make_client(&(struct tls_subject){.common_name = "early",
                                          .issuer = &world.authority,
                                          .begins_s = 3600},
                    &meeting, contexts[i]);
        expect_failure(&meeting, TLS_CERTIFICATE_EXPIRED);
    }
    prepare(&meeting, world.mutual, NULL, NULL);
    expect_failure(&meeting, TLS_NO_CERTIFICATE);
}

/* An authority that is itself signed by another is trusted as it stands. */
static void tls__trusts_what_it_is_told_to(void **state)
{
    struct tls_pair middle;
    struct tls_pair leaf;
    struct tls_material material = {
        .cert = buf_view(&world.server.cert_text),
        .key = buf_view(&world.server.key_text),
    };
    struct tls_options options = {0};
    struct tls_context *context;
    struct meeting meeting;
    char error[256];

    (void)state;
    tls_pair_make(&(struct tls_subject){.common_name = "middle",
                                        .issuer = &world.other_authority,
                                        .is_authority = true},
                  &middle);
    tls_pair_make(&(struct tls_subject){.common_name = "leaf", .issuer = &middle}, &leaf);
    material.client_ca = buf_view(&middle.cert_text);
    assert_int_equal(tls_context_new(&options, &material, error, &context), 0);
    meet(&meeting, context, &leaf, NULL);
    part(&meeting);
    tls_context_release(context);
    tls_pair_release(&middle);
    tls_pair_release(&leaf);
}

static void tls__counts_a_peer_that_refuses_us(void **state)
{
    struct meeting meeting;

    (void)state;
    tls_peer_init(&meeting.peer, &world.other_authority, NULL, NULL);
    assert_int_equal(tls_session_new(world.plain, 0, &meeting.session), 0);
    buf_init(&meeting.told, 0);
    expect_failure(&meeting, TLS_PEER_REFUSED);
}

/* Whether the second meeting goes on where the first one ended. */
static bool resumes(struct tls_context *first, struct tls_context *second, int version)
{
    struct meeting meeting;
    SSL_SESSION *session;
    bool resumed;

    prepare(&meeting, first, &world.client, NULL);
    assert_int_equal(SSL_set_max_proto_version(meeting.peer.ssl, version), 1);
    assert_int_equal(tls_peer_meet(&meeting.peer, meeting.session, &meeting.told), 0);
    answer(&meeting, VIEW("hello"));
    session = SSL_get1_session(meeting.peer.ssl);
    /* Else OpenSSL's client takes it for broken off. */
    SSL_set_shutdown(meeting.peer.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    part(&meeting);
    prepare(&meeting, second, &world.client, NULL);
    assert_int_equal(SSL_set_max_proto_version(meeting.peer.ssl, version), 1);
    assert_int_equal(SSL_set_session(meeting.peer.ssl, session), 1);
    SSL_SESSION_free(session);
    assert_int_equal(tls_peer_meet(&meeting.peer, meeting.session, &meeting.told), 0);
    assert_true(tls_session_is_ready(meeting.session));
    resumed = SSL_session_reused(meeting.peer.ssl) == 1;
    part(&meeting);
    return resumed;
}

/* Where certificates of clients count they are looked at each time, and what a context promised
 * another one does not keep. */
static void tls__resumes_only_where_nobody_is_looked_at(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tls_context *renewed = make_context((struct tls_options){0}, false);

        assert_true(resumes(world.plain, world.plain, versions[i]));
        assert_false(resumes(world.plain, renewed, versions[i]));
        assert_false(resumes(world.plain, world.mutual, versions[i]));
        assert_false(resumes(world.mutual, world.mutual, versions[i]));
        assert_false(resumes(world.perhaps, world.perhaps, versions[i]));
        tls_context_release(renewed);
    }
}

/* -------------------------------------------------------------- what is no TLS */

static void expect_garbage(const char *bytes, size_t size, enum tls_outcome outcome)
{
    struct tls_session *session;
    struct buf told;
    struct buf back;

    buf_init(&told, 0);
    buf_init(&back, 0);
    assert_int_equal(tls_session_new(world.plain, 0, &session), 0);
    assert_int_equal(tls_session_receive(session, (struct view){bytes, size}, &told, &back),
                     STATUS_INVALID);
    assert_string_equal(tls_outcome_name(tls_session_outcome(session)), tls_outcome_name(outcome));
    assert_int_equal(told.size, 0);
    tls_session_free(session);
    buf_release(&told);
    buf_release(&back);
}

static void tls__tells_other_protocols_apart(void **state)
{
    static const char http[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char http2[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static const char odd_record[] = "\x16\x03\x01\xff\xff garbage";
    static const char odd_hello[] = "\x16\x03\x01\0\x05\x01\0\0\x01\0";

    (void)state;
    expect_garbage(http, sizeof(http) - 1, TLS_NOT_TLS);
    expect_garbage(http2, sizeof(http2) - 1, TLS_NOT_TLS);
    expect_garbage(odd_record, sizeof(odd_record) - 1, TLS_MALFORMED);
    expect_garbage(odd_hello, sizeof(odd_hello) - 1, TLS_MALFORMED);
}

/* A client that begins, and goes on with its first flight's n-th byte wrong. */
static void tls__survives_damage_at_every_byte(void **state)
{
    struct meeting meeting;
    struct buf hello;

    (void)state;
    prepare(&meeting, world.plain, NULL, "\2h2");
    buf_init(&hello, 0);
    assert_false(tls_peer_shake(&meeting.peer, (struct view){NULL, 0}, &hello));
    for (size_t i = 0; i < hello.size; i++) {
        struct tls_session *session;
        struct buf back;

        buf_init(&back, 0);
        hello.data[i] ^= 0x55;
        assert_int_equal(tls_session_new(world.plain, ALPN_H2, &session), 0);
        if (tls_session_receive(session, buf_view(&hello), &meeting.told, &back) != 0)
            assert_int_not_equal(tls_session_outcome(session), TLS_OK);
        assert_false(tls_session_is_ready(session));
        hello.data[i] ^= 0x55;
        tls_session_free(session);
        buf_release(&back);
    }
    assert_int_equal(meeting.told.size, 0);
    buf_release(&hello);
    part(&meeting);
}

/* ----------------------------------------------------------------------- contexts */

static void expect_refusal(struct tls_material material, const char *part_at_fault,
                           const char *reason)
{
    struct tls_options options = {0};
    struct tls_context *context;
    char error[256] = "";

    assert_int_equal(tls_context_new(&options, &material, error, &context), STATUS_INVALID);
    if (strncmp(error, part_at_fault, strlen(part_at_fault)) != 0 || strstr(error, reason) == NULL)
        fail_msg("'%s' is not '%s ... %s'", error, part_at_fault, reason);
}

static void tls_context__says_what_is_wrong(void **state)
{
    static const char encrypted[] =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
        "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAi4S0E0pEBF5wICCAAw\n"
        "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEBWbKx8oKy8yqWjMsbBNn1QEgZCt\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n";
    static const char broken[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    struct view cert = buf_view(&world.server.cert_text);
    struct view key = buf_view(&world.server.key_text);
    struct view other_key = buf_view(&world.client.key_text);
    struct view empty = {NULL, 0};

    (void)state;
    expect_refusal((struct tls_material){.cert = empty, .key = key}, "cert", "no PEM");
    expect_refusal((struct tls_material){.cert = key, .key = key}, "cert", "no PEM");
    expect_refusal((struct tls_material){.cert = VIEW(broken), .key = key}, "cert", "");
    expect_refusal((struct tls_material){.cert = cert, .key = empty}, "key", "no PEM");
    expect_refusal((struct tls_material){.cert = cert, .key = cert}, "key", "no PEM");
    expect_refusal((struct tls_material){.cert = cert, .key = other_key}, "key", "does not belong");
    expect_refusal((struct tls_material){.cert = cert, .key = VIEW(encrypted)}, "key", "");
    expect_refusal((struct tls_material){.cert = cert, .key = key, .client_ca = VIEW("")},
                   "client_ca", "no PEM");
    expect_refusal((struct tls_material){.cert = cert, .key = key, .client_ca = VIEW("# none\n")},
                   "client_ca", "no PEM");
    expect_refusal((struct tls_material){.cert = cert, .key = key, .client_ca = VIEW(broken)},
                   "client_ca", "");
}

static void tls_context__knows_when_it_runs_out(void **state)
{
    struct tls_options options = {0};
    struct tls_material material = {.key = buf_view(&world.client.key_text)};
    struct tls_context *context;
    struct tls_pair soon;
    struct buf chain;
    char error[256];
    uint64_t now_s = clock_wall().ns / NS_PER_S;

    (void)state;
    tls_pair_make(&(struct tls_subject){.common_name = "soon", .ends_s = 3600}, &soon);
    buf_init(&chain, 0);
    assert_int_equal(buf_append_view(&chain, buf_view(&world.client.cert_text)), 0);
    assert_int_equal(buf_append_view(&chain, buf_view(&soon.cert_text)), 0);
    material.cert = buf_view(&chain);
    assert_int_equal(tls_context_new(&options, &material, error, &context), 0);
    /* Within a minute of the hour, however slow this is. */
    assert_in_range(tls_context_not_after(context).ns / NS_PER_S, now_s + 3540, now_s + 3660);
    tls_context_release(context);
    buf_release(&chain);
    tls_pair_release(&soon);
}

static void tls_context__outlives_its_owner(void **state)
{
    struct tls_context *context = make_context((struct tls_options){0}, false);
    struct meeting meeting;

    (void)state;
    prepare(&meeting, context, NULL, NULL);
    tls_context_release(context);
    assert_int_equal(tls_peer_meet(&meeting.peer, meeting.session, &meeting.told), 0);
    say(&meeting, "still here");
    part(&meeting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls__carries_bytes_both_ways),
        cmocka_unit_test(tls__takes_any_fragments),
        cmocka_unit_test(tls__says_and_hears_the_end),
        cmocka_unit_test(tls__ends_at_a_damaged_record),
        cmocka_unit_test(tls__refuses_renegotiation),
        cmocka_unit_test(tls__agrees_on_a_protocol),
        cmocka_unit_test(tls__speaks_only_new_versions),
        cmocka_unit_test(tls__needs_a_cipher_in_common),
        cmocka_unit_test(tls__tells_who_has_come),
        cmocka_unit_test(tls__refuses_clients_it_cannot_trust),
        cmocka_unit_test(tls__trusts_what_it_is_told_to),
        cmocka_unit_test(tls__counts_a_peer_that_refuses_us),
        cmocka_unit_test(tls__resumes_only_where_nobody_is_looked_at),
        cmocka_unit_test(tls__tells_other_protocols_apart),
        cmocka_unit_test(tls__survives_damage_at_every_byte),
        cmocka_unit_test(tls_context__says_what_is_wrong),
        cmocka_unit_test(tls_context__knows_when_it_runs_out),
        cmocka_unit_test(tls_context__outlives_its_owner),
    };

    return cmocka_run_group_tests_name("tls", tests, make_world, release_world);
}
