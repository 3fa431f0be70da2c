/* tls_peer.c: certificates and a client, by OpenSSL. */
#include "tests/lib/tls_peer.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/check.h"

enum { DAY_S = 24 * 60 * 60 };

static void take_text(BIO *bio, struct buf *out)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);

    buf_init(out, 0);
    CHECK(size > 0 && buf_append(out, data, (size_t)size) == 0);
    BIO_free(bio);
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    CHECK(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(const struct tls_subject *subject, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    EVP_PKEY *signer = subject->issuer != NULL ? subject->issuer->key : key;

    CHECK(X509_set_version(certificate, 2) == 1);
    CHECK(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1);
    CHECK(X509_gmtime_adj(X509_getm_notBefore(certificate), subject->begins_s) != NULL);
    CHECK(X509_gmtime_adj(X509_getm_notAfter(certificate),
                          subject->ends_s != 0 ? subject->ends_s : DAY_S) != NULL);
    if (subject->common_name != NULL)
        CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                         (const unsigned char *)subject->common_name, -1, -1,
                                         0) == 1);
    CHECK(
        X509_set_issuer_name(certificate, subject->issuer != NULL
                                              ? X509_get_subject_name(subject->issuer->certificate)
                                              : name) == 1);
    CHECK(X509_set_pubkey(certificate, key) == 1);
    if (subject->is_authority)
        add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    if (subject->alternatives != NULL)
        add_extension(certificate, NID_subject_alt_name, subject->alternatives);
    CHECK(X509_sign(certificate, signer, EVP_sha256()) != 0);
    return certificate;
}

void tls_pair_make(const struct tls_subject *subject, struct tls_pair *out_pair)
{
    BIO *key_text = BIO_new(BIO_s_mem());
    BIO *cert_text = BIO_new(BIO_s_mem());

    out_pair->key = EVP_EC_gen("P-256");
    CHECK(out_pair->key != NULL);
    out_pair->certificate = make_certificate(subject, out_pair->key);
    CHECK(PEM_write_bio_PrivateKey(key_text, out_pair->key, NULL, NULL, 0, NULL, NULL) == 1);
    CHECK(PEM_write_bio_X509(cert_text, out_pair->certificate) == 1);
    take_text(key_text, &out_pair->key_text);
    take_text(cert_text, &out_pair->cert_text);
}

void tls_pair_release(struct tls_pair *pair)
{
    EVP_PKEY_free(pair->key);
    X509_free(pair->certificate);
    buf_release(&pair->key_text);
    buf_release(&pair->cert_text);
}

void tls_peer_init(struct tls_peer *peer, const struct tls_pair *authority,
                   const struct tls_pair *own, const char *alpn)
{
    peer->context = SSL_CTX_new(TLS_client_method());
    CHECK(peer->context != NULL);
    CHECK(X509_STORE_add_cert(SSL_CTX_get_cert_store(peer->context), authority->certificate) == 1);
    SSL_CTX_set_verify(peer->context, SSL_VERIFY_PEER, NULL);
    if (own != NULL) {
        CHECK(SSL_CTX_use_certificate(peer->context, own->certificate) == 1);
        CHECK(SSL_CTX_use_PrivateKey(peer->context, own->key) == 1);
    }
    peer->ssl = SSL_new(peer->context);
    peer->in = BIO_new(BIO_s_mem());
    peer->out = BIO_new(BIO_s_mem());
    CHECK(peer->ssl != NULL && peer->in != NULL && peer->out != NULL);
    (void)BIO_set_mem_eof_return(peer->in, -1);
    SSL_set_bio(peer->ssl, peer->in, peer->out);
    SSL_set_connect_state(peer->ssl);
    if (alpn != NULL)
        CHECK(SSL_set_alpn_protos(peer->ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn)) ==
              0);
}

void tls_peer_release(struct tls_peer *peer)
{
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
}

static void give(struct tls_peer *peer, struct view bytes)
{
    if (bytes.size != 0)
        CHECK(BIO_write(peer->in, bytes.data, (int)bytes.size) == (int)bytes.size);
}

void tls_peer_flush(struct tls_peer *peer, struct buf *to_server)
{
    char *data = NULL;
    long size = BIO_get_mem_data(peer->out, &data);

    if (size > 0)
        CHECK(buf_append(to_server, data, (size_t)size) == 0);
    (void)BIO_reset(peer->out);
}

bool tls_peer_shake(struct tls_peer *peer, struct view from_server, struct buf *to_server)
{
    int result;

    give(peer, from_server);
    result = SSL_do_handshake(peer->ssl);
    tls_peer_flush(peer, to_server);
    return result == 1;
}

void tls_peer_say(struct tls_peer *peer, struct view text, struct buf *to_server)
{
    CHECK(SSL_write(peer->ssl, text.data, (int)text.size) == (int)text.size);
    tls_peer_flush(peer, to_server);
}

int tls_peer_hear(struct tls_peer *peer, struct view from_server, struct buf *said)
{
    char piece[4096];
    int size;

    give(peer, from_server);
    while ((size = SSL_read(peer->ssl, piece, sizeof(piece))) > 0)
        CHECK(buf_append(said, piece, (size_t)size) == 0);
    return SSL_get_error(peer->ssl, size);
}

int tls_peer_meet(struct tls_peer *peer, struct tls_session *session, struct buf *told)
{
    struct buf to_server;
    struct buf to_client;
    int status = 0;

    buf_init(&to_server, 0);
    buf_init(&to_client, 0);
    for (int i = 0; i < 8 && status == 0; i++) {
        bool is_done = tls_peer_shake(peer, buf_view(&to_client), &to_server);

        buf_reset(&to_client);
        if (is_done && to_server.size == 0)
            break;
        status = tls_session_receive(session, buf_view(&to_server), told, &to_client);
        buf_reset(&to_server);
    }
    /* An alert, or tickets. */
    if (to_client.size != 0) {
        struct buf said;

        buf_init(&said, 0);
        (void)tls_peer_hear(peer, buf_view(&to_client), &said);
        CHECK(said.size == 0);
        buf_release(&said);
    }
    buf_release(&to_server);
    buf_release(&to_client);
    return status;
}
