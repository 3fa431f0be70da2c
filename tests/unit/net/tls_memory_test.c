/* tls_memory_test.c: contexts and handshakes while memory is out, for us and for OpenSSL. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "net/tls.h"
#include "tests/lib/test.h"
#include "tests/lib/tls_peer.h"

static struct tls_pair authority;
static struct tls_pair own;
static struct tls_pair client;
static struct tls_context *mutual;

static int make_context(struct tls_context **out_context)
{
    struct tls_options options = {0};
    struct tls_material material = {
        .cert = buf_view(&own.cert_text),
        .key = buf_view(&own.key_text),
        .client_ca = buf_view(&authority.cert_text),
    };
    char error[256] = "";

    return tls_context_new(&options, &material, error, out_context);
}

static int make_world(void **state)
{
    (void)state;
    tls_pair_make(&(struct tls_subject){.common_name = "root", .is_authority = true}, &authority);
    tls_pair_make(&(struct tls_subject){.common_name = "server", .issuer = &authority}, &own);
    tls_pair_make(&(struct tls_subject){.common_name = "client",
                                        .alternatives = "DNS:a.example",
                                        .issuer = &authority},
                  &client);
    return make_context(&mutual);
}

static int release_world(void **state)
{
    (void)state;
    tls_context_release(mutual);
    tls_pair_release(&authority);
    tls_pair_release(&own);
    tls_pair_release(&client);
    return 0;
}

static long library_left = -1; /* Requests of OpenSSL's that succeed; below 0: all. */

static bool is_refused(void)
{
    if (library_left > 0)
        library_left--;
    return library_left == 0;
}

static void *take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return is_refused() ? NULL : malloc(size);
}

static void *take_again(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return is_refused() ? NULL : realloc(old, size);
}

static void give_back(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

static int step_context(void *context)
{
    struct tls_context *made;
    int status = make_context(&made);

    (void)context;
    if (status == 0)
        tls_context_release(made);
    return status;
}

/* A meeting in which the client always has memory. `library` is how many requests OpenSSL may make
 * for the session. */
static int meet_without_memory(struct tls_peer *peer, long library, long ours)
{
    struct tls_session *session = NULL;
    struct buf to_client;
    struct buf told;
    int status;

    buf_init(&to_client, 0);
    buf_init(&told, 0);
    library_left = library;
    mem_fail_after(ours);
    status = tls_session_new(mutual, ALPN_H2, &session);
    for (int i = 0; i < 8 && status == 0 && !tls_session_is_ready(session); i++) {
        long left = library_left;
        char bytes[8192];
        int size;

        library_left = -1;
        (void)SSL_do_handshake(peer->ssl);
        size = BIO_read(peer->out, bytes, sizeof(bytes));
        library_left = left;
        status = tls_session_receive(session, (struct view){bytes, size > 0 ? (size_t)size : 0},
                                     &told, &to_client);
        left = library_left;
        library_left = -1;
        if (to_client.size != 0)
            (void)BIO_write(peer->in, to_client.data, (int)to_client.size);
        library_left = left;
        buf_reset(&to_client);
    }
    if (status == 0)
        status = tls_session_send(session, VIEW("hello"), &to_client);
    if (status == 0)
        status = tls_session_end(session, &to_client);
    tls_session_free(session);
    library_left = -1;
    mem_fail_after(-1);
    ERR_clear_error();
    buf_release(&to_client);
    buf_release(&told);
    return status;
}

static void tls_memory__reports_missing_memory(void **state)
{
    int status = STATUS_NOMEM;

    (void)state;
    test_sweep_memory(step_context, NULL);
    for (long allowed = 0; status != 0; allowed++) {
        struct tls_peer peer;

        assert_int_equal(status, STATUS_NOMEM);
        tls_peer_init(&peer, &authority, &client, "\2h2");
        status = meet_without_memory(&peer, -1, allowed);
        tls_peer_release(&peer);
    }
}

/* OpenSSL loses the reason of some failures on the way; that it survives them is what counts. */
static void tls_memory__survives_openssl_without_memory(void **state)
{
    int status = STATUS_NOMEM;

    (void)state;
    for (long allowed = 1; status != 0; allowed += 1 + allowed / 32) {
        library_left = allowed;
        status = step_context(NULL);
        library_left = -1;
        ERR_clear_error();
    }
    status = STATUS_NOMEM;
    for (long allowed = 1; status != 0; allowed += 1 + allowed / 32) {
        struct tls_peer peer;

        tls_peer_init(&peer, &authority, &client, "\2h2");
        status = meet_without_memory(&peer, allowed, -1);
        tls_peer_release(&peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_memory__reports_missing_memory),
        cmocka_unit_test(tls_memory__survives_openssl_without_memory),
    };

    /* So that memory can be out for OpenSSL too. */
    assert_int_equal(CRYPTO_set_mem_functions(take, take_again, give_back), 1);
    return cmocka_run_group_tests_name("tls_memory", tests, make_world, release_world);
}
