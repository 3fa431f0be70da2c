/* tls_context.c: PEM texts become a context that only ever is right. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/tls_priv.h"

/* Of a client's chain: its bytes and how many lie between it and its authority. */
enum { CLIENT_CHAIN_BYTES = 32 * 1024, CLIENT_CHAIN_DEPTH = 6, CERTIFICATES_MAX = 1024 };

/* With TLS 1.3 all ciphers are good. */
static const char ciphers_1_2[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

static int refuse(char out_error[256], const char *what, const char *reason)
{
    (void)snprintf(out_error, 256, "%s: %s", what, reason);
    return STATUS_INVALID;
}

/* As refuse(), with OpenSSL's reason where it has one. Returns: STATUS_INVALID; STATUS_NOMEM. */
static int refuse_by_library(char out_error[256], const char *what, const char *otherwise)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    unsigned long error;
    int status = STATUS_INVALID;

    while ((error = ERR_get_error()) != 0) {
        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
            status = STATUS_NOMEM;
    }
    (void)refuse(out_error, what, reason != NULL ? reason : otherwise);
    return status;
}

static BIO *open_text(struct view text)
{
    /* OpenSSL takes no empty text. */
    return BIO_new_mem_buf(text.size != 0 ? text.data : "\n", text.size != 0 ? (int)text.size : 1);
}

/* OpenSSL would ask the terminal. */
static int no_passphrase(char *out, int size, int is_writing, void *context)
{
    (void)out;
    (void)size;
    (void)is_writing;
    *(bool *)context = true;
    return -1;
}

/* The next certificate. Returns: 0; STATUS_NOT_FOUND (there are no more); STATUS_INVALID;
 * STATUS_NOMEM. */
static int next_certificate(BIO *bio, const char *what, char out_error[256], X509 **out)
{
    bool asked = false;
    X509 *certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, &asked);
    unsigned long error = ERR_peek_last_error();

    if (certificate != NULL) {
        *out = certificate;
        return 0;
    }
    if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE) {
        ERR_clear_error();
        return STATUS_NOT_FOUND;
    }
    return refuse_by_library(out_error, what, "is not a PEM certificate");
}

/* ------------------------------------------------------------------ certificate */

static void note_not_after(struct tls_context *context, const X509 *certificate)
{
    struct tm broken_down;
    time_t seconds;
    uint64_t ns = 0;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &broken_down) == 1) {
        seconds = timegm(&broken_down);
        if (seconds > 0)
            ns = (uint64_t)seconds > UINT64_MAX / NS_PER_S ? UINT64_MAX
                                                           : (uint64_t)seconds * NS_PER_S;
    }
    if (ns < context->not_after.ns)
        context->not_after.ns = ns;
}

static int use_certificate(struct tls_context *context, X509 *certificate, unsigned index,
                           char out_error[256])
{
    note_not_after(context, certificate);
    if (index == 0 ? SSL_CTX_use_certificate(context->ssl, certificate) == 1
                   : SSL_CTX_add1_chain_cert(context->ssl, certificate) == 1)
        return 0;
    return refuse_by_library(out_error, "cert", "cannot be used");
}

static int use_chain(struct tls_context *context, struct view text, char out_error[256])
{
    BIO *bio = open_text(text);
    unsigned count = 0;
    int status = bio != NULL ? 0 : STATUS_NOMEM;

    while (status == 0 && count < CERTIFICATES_MAX) {
        X509 *certificate;

        status = next_certificate(bio, "cert", out_error, &certificate);
        if (status != 0)
            break;
        status = use_certificate(context, certificate, count++, out_error);
        X509_free(certificate);
    }
    BIO_free(bio);
    if (status != STATUS_NOT_FOUND)
        return status;
    return count != 0 ? 0 : refuse(out_error, "cert", "holds no PEM certificate");
}

static int use_key(struct tls_context *context, struct view text, char out_error[256])
{
    BIO *bio = open_text(text);
    bool asked = false;
    EVP_PKEY *key;
    int status = 0;

    if (bio == NULL)
        return STATUS_NOMEM;
    key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
    BIO_free(bio);
    if (key == NULL && asked) {
        ERR_clear_error();
        return refuse(out_error, "key", "is encrypted; a key without passphrase is needed");
    }
    if (key == NULL) {
        status = refuse_by_library(out_error, "key", "");
        (void)refuse(out_error, "key", "holds no PEM private key");
        return status;
    }
    if (SSL_CTX_use_PrivateKey(context->ssl, key) != 1) {
        status = refuse_by_library(out_error, "key", "cannot be used");
        if (status == STATUS_INVALID && strstr(out_error, "mismatch") != NULL)
            (void)refuse(out_error, "key", "does not belong to the certificate");
    }
    EVP_PKEY_free(key);
    return status;
}

/* ---------------------------------------------------------------------- clients */

/* What is written there is trusted as it stands, root or not, as in other programs. */
static int trust(struct tls_context *context, X509 *authority, char out_error[256])
{
    X509_STORE *store = SSL_CTX_get_cert_store(context->ssl);

    if (X509_STORE_add_cert(store, authority) != 1 ||
        SSL_CTX_add_client_CA(context->ssl, authority) != 1)
        return refuse_by_library(out_error, "client_ca", "cannot be used");
    return 0;
}

static int use_authorities(struct tls_context *context, struct view text, bool may_lack,
                           char out_error[256])
{
    BIO *bio;
    unsigned count = 0;
    int status = 0;

    if (text.data == NULL)
        return 0;
    /* A file that is just being written may be read while it is empty: nobody is let in by that. */
    if (text.size == 0)
        return refuse(out_error, "client_ca", "holds no PEM certificate");
    bio = open_text(text);
    if (bio == NULL)
        return STATUS_NOMEM;
    while (status == 0 && count < CERTIFICATES_MAX) {
        X509 *authority;

        status = next_certificate(bio, "client_ca", out_error, &authority);
        if (status != 0)
            break;
        count++;
        status = trust(context, authority, out_error);
        X509_free(authority);
    }
    BIO_free(bio);
    if (status != 0 && status != STATUS_NOT_FOUND)
        return status;
    if (count == 0)
        return refuse(out_error, "client_ca", "holds no PEM certificate");
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context->ssl), X509_V_FLAG_PARTIAL_CHAIN);
    SSL_CTX_set_verify(context->ssl,
                       SSL_VERIFY_PEER | (may_lack ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT), NULL);
    SSL_CTX_set_verify_depth(context->ssl, CLIENT_CHAIN_DEPTH);
    /* A resumed session would be let in without a look at its certificate. */
    (void)SSL_CTX_set_options(context->ssl, SSL_OP_NO_TICKET);
    return SSL_CTX_set_num_tickets(context->ssl, 0) == 1 ? 0 : STATUS_NOMEM;
}

/* ------------------------------------------------------------------------- whole */

static int prepare(struct tls_context *context, const struct tls_options *options)
{
    SSL_CTX *ssl;
    int version = options->version_min == TLS_VERSION_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;

    context->bytes = tls_bytes_method();
    context->ssl = ssl = SSL_CTX_new(TLS_server_method());
    if (context->bytes == NULL || ssl == NULL)
        return STATUS_NOMEM;
    (void)SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ssl, CLIENT_CHAIN_BYTES);
    SSL_CTX_set_alpn_select_cb(ssl, tls_choose_protocol, NULL);
    if (SSL_CTX_set_min_proto_version(ssl, version) != 1 ||
        SSL_CTX_set_cipher_list(ssl, ciphers_1_2) != 1 || SSL_CTX_set_num_tickets(ssl, 1) != 1)
        return STATUS_NOMEM;
    return 0;
}

static bool is_too_large(struct view text)
{
    return text.size > INT32_MAX;
}

int tls_context_new(const struct tls_options *options, const struct tls_material *material,
                    char out_error[256], struct tls_context **out_context)
{
    struct tls_context *context = mem_calloc(1, sizeof(*context));
    int status;

    out_error[0] = '\0';
    if (context == NULL)
        return STATUS_NOMEM;
    ERR_clear_error();
    atomic_init(&context->references, 1);
    context->not_after.ns = UINT64_MAX;
    if (is_too_large(material->cert) || is_too_large(material->key) ||
        is_too_large(material->client_ca)) {
        status = refuse(out_error, "cert, key or client_ca", "is too large");
        goto out;
    }
    status = prepare(context, options);
    if (status == 0)
        status = use_chain(context, material->cert, out_error);
    if (status == 0)
        status = use_key(context, material->key, out_error);
    if (status == 0)
        status = use_authorities(context, material->client_ca, options->client_may_lack, out_error);
out:
    ERR_clear_error();
    if (status != 0)
        tls_context_release(context);
    else
        *out_context = context;
    return status;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
    (void)atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
    return context;
}

void tls_context_release(struct tls_context *context)
{
    if (context == NULL ||
        atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->bytes);
    mem_free(context);
}

struct wall_time tls_context_not_after(const struct tls_context *context)
{
    return context->not_after;
}
