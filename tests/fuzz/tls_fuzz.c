/* tls_fuzz.c: any bytes from a peer that has yet to shake hands, and bytes of a true peer with some
 * of them changed. All at once and in pieces they come to the same end, and nothing is handed on
 * that was not sealed by who shook hands.
 *
 * The first byte chooses: even, the rest is what the peer sends; odd, the rest is changes, three
 * bytes each, to what a true client sends in its handshake and after it.
 */
#include <openssl/err.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "net/tls.h"
#include "tests/lib/tls_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS = 6, SEALED_MAX = 64 * 1024 };

static struct tls_pair authority;
static struct tls_pair own;
static struct tls_context *context;

static void open_context(void)
{
    struct tls_options options = {.client_may_lack = true};
    struct tls_material material;
    char error[256];

    tls_pair_make(&(struct tls_subject){.common_name = "root", .is_authority = true}, &authority);
    tls_pair_make(&(struct tls_subject){.common_name = "server", .issuer = &authority}, &own);
    material = (struct tls_material){buf_view(&own.cert_text), buf_view(&own.key_text),
                                     buf_view(&authority.cert_text)};
    CHECK(tls_context_new(&options, &material, error, &context) == 0);
}

static int take(struct tls_session *session, struct view bytes, size_t piece, struct buf *plain,
                struct buf *sealed)
{
    int status = 0;

    while (bytes.size != 0 && status == 0) {
        size_t size = bytes.size < piece ? bytes.size : piece;

        status = tls_session_receive(session, (struct view){bytes.data, size}, plain, sealed);
        bytes.data += size;
        bytes.size -= size;
    }
    CHECK(sealed->size <= SEALED_MAX);
    if (!tls_session_is_ready(session)) {
        CHECK(plain->size == 0);
        CHECK(tls_session_names(session)->count == 0);
    }
    if (status == STATUS_INVALID) {
        size_t before = sealed->size;

        CHECK(tls_session_receive(session, VIEW("more"), plain, sealed) == STATUS_INVALID);
        CHECK(tls_session_send(session, VIEW("more"), sealed) == STATUS_INVALID);
        CHECK(sealed->size == before);
    }
    return status;
}

/* Bytes alone never make a handshake whole. */
static enum tls_outcome read_strangers(struct view bytes, size_t piece)
{
    struct tls_session *session;
    enum tls_outcome outcome;
    struct buf plain;
    struct buf sealed;

    buf_init(&plain, 0);
    buf_init(&sealed, 0);
    CHECK(tls_session_new(context, ALPN_H2 | ALPN_HTTP_1_1, &session) == 0);
    (void)(take(session, bytes, piece, &plain, &sealed) == 0);
    CHECK(!tls_session_is_ready(session));
    outcome = tls_session_outcome(session);
    CHECK(outcome != TLS_OK && outcome < TLS_OUTCOME_COUNT);
    CHECK(tls_outcome_name(outcome) != NULL);
    CHECK(tls_session_end(session, &sealed) == 0);
    tls_session_free(session);
    buf_release(&plain);
    buf_release(&sealed);
    return outcome;
}

/* Of three bytes: where, in which flight, and how. */
static void change(struct buf *flight, unsigned turn, const uint8_t *changes, size_t size)
{
    for (size_t i = 0; i + 3 <= size; i += 3) {
        size_t at = (size_t)changes[i] * 7 + (changes[i + 1] >> 3);

        if (changes[i + 1] % 8 != turn || at >= flight->size)
            continue;
        if (changes[i + 2] == 0)
            flight->size = at; /* The rest is lost. */
        else
            flight->data[at] = (char)(flight->data[at] ^ changes[i + 2]);
    }
}

static void meet_changed(const uint8_t *changes, size_t size, size_t piece, int version)
{
    struct tls_session *session;
    struct tls_peer peer;
    struct buf to_server;
    struct buf to_client;
    struct buf plain;
    int status = 0;

    buf_init(&to_server, 0);
    buf_init(&to_client, 0);
    buf_init(&plain, 0);
    tls_peer_init(&peer, &authority, NULL, "\2h2");
    CHECK(SSL_set_max_proto_version(peer.ssl, version) == 1);
    CHECK(tls_session_new(context, ALPN_H2, &session) == 0);
    for (unsigned turn = 0; turn < TURNS && status == 0; turn++) {
        bool is_done = tls_peer_shake(&peer, buf_view(&to_client), &to_server);

        if (is_done)
            tls_peer_say(&peer, VIEW("hello"), &to_server);
        buf_reset(&to_client);
        change(&to_server, turn, changes, size);
        status = take(session, buf_view(&to_server), piece, &plain, &to_client);
        buf_reset(&to_server);
        ERR_clear_error();
    }
    /* Only what the client said comes out, whole pieces of it. */
    CHECK(plain.size % 5 == 0);
    for (size_t i = 0; i < plain.size; i++)
        CHECK(plain.data[i] == "hello"[i % 5]);
    tls_session_free(session);
    tls_peer_release(&peer);
    buf_release(&to_server);
    buf_release(&to_client);
    buf_release(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t piece;

    if (size == 0)
        return 0;
    if (context == NULL)
        open_context();
    piece = 1 + (data[0] >> 2) % 64U;
    if (data[0] % 2 == 0) {
        struct view bytes = {(const char *)data + 1, size - 1};
        enum tls_outcome whole = read_strangers(bytes, SIZE_MAX);

        CHECK(read_strangers(bytes, piece) == whole);
    } else {
        meet_changed(data + 1, size - 1, data[0] % 4 == 1 ? SIZE_MAX : piece,
                     data[0] % 4 == 1 ? TLS1_3_VERSION : TLS1_2_VERSION);
    }
    return 0;
}
