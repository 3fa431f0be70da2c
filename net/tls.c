/* tls.c: one peer's handshake, and its bytes.
 *
 * OpenSSL reads from the view that was received and writes into the buffer that is to be sent, by
 * a BIO of our own: no copy of either is made on the way, and nothing ever waits.
 */
#include "net/tls.h"

#include <openssl/err.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/tls_priv.h"

/* One record at a time. */
enum { RECORD_BYTES = 16 * 1024 };

struct tls_session {
    struct tls_context *context;
    SSL *ssl;
    unsigned protocols;
    struct view in;  /* What is left of the bytes that came. */
    struct buf *out; /* Where sealed bytes go, while a call runs. */
    enum tls_outcome outcome;
    struct tls_names names;
    bool is_ready;
    bool has_failed;
    bool has_ended; /* We said so. */
    bool is_out_of_memory;
};

/* ------------------------------------------------------------------------- bytes */

static int read_bytes(BIO *bio, char *data, size_t size, size_t *out_read)
{
    struct tls_session *session = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (session->in.size == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    if (size > session->in.size)
        size = session->in.size;
    memcpy(data, session->in.data, size);
    session->in.data += size;
    session->in.size -= size;
    *out_read = size;
    return 1;
}

static int write_bytes(BIO *bio, const char *data, size_t size, size_t *out_written)
{
    struct tls_session *session = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    CHECK(session->out != NULL);
    if (buf_append(session->out, data, size) != 0) {
        session->is_out_of_memory = true;
        return 0;
    }
    *out_written = size;
    return 1;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *tls_bytes_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "bytes");

    if (method == NULL)
        return NULL;
    if (BIO_meth_set_read_ex(method, read_bytes) == 1 &&
        BIO_meth_set_write_ex(method, write_bytes) == 1 &&
        BIO_meth_set_ctrl(method, control) == 1 && BIO_meth_set_create(method, create) == 1)
        return method;
    BIO_meth_free(method);
    return NULL;
}

/* --------------------------------------------------------------------- protocols */

static const struct {
    enum alpn alpn;
    struct view name;
} alpn_names[] = {
    {ALPN_H2, {"h2", 2}},
    {ALPN_HTTP_1_1, {"http/1.1", 8}},
};

enum { ALPN_COUNT = sizeof(alpn_names) / sizeof(alpn_names[0]) };

/* The list is of names with a byte of length before each, which OpenSSL has checked. */
static const unsigned char *find_protocol(const unsigned char *offered, unsigned size,
                                          struct view name)
{
    for (unsigned at = 0; at < size && offered[at] < size - at; at += 1U + offered[at]) {
        if (view_equal((struct view){(const char *)offered + at + 1, offered[at]}, name))
            return offered + at + 1;
    }
    return NULL;
}

int tls_choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *size,
                        const unsigned char *offered, unsigned offered_size, void *context)
{
    const struct tls_session *session = SSL_get_app_data(ssl);

    (void)context;
    for (size_t i = 0; i < ALPN_COUNT; i++) {
        const unsigned char *found = NULL;

        if ((session->protocols & (unsigned)alpn_names[i].alpn) != 0)
            found = find_protocol(offered, offered_size, alpn_names[i].name);
        if (found == NULL)
            continue;
        *chosen = found;
        *size = (unsigned char)alpn_names[i].name.size;
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

enum alpn tls_session_alpn(const struct tls_session *session)
{
    const unsigned char *data = NULL;
    unsigned size = 0;

    SSL_get0_alpn_selected(session->ssl, &data, &size);
    for (size_t i = 0; i < ALPN_COUNT && data != NULL; i++) {
        if (view_equal((struct view){(const char *)data, size}, alpn_names[i].name))
            return alpn_names[i].alpn;
    }
    return ALPN_NONE;
}

/* ---------------------------------------------------------------------- outcomes */

const char *tls_outcome_name(enum tls_outcome outcome)
{
    static const char *const names[TLS_OUTCOME_COUNT] = {
        [TLS_OK] = "ok",
        [TLS_TIMEOUT] = "timeout",
        [TLS_LEFT] = "left",
        [TLS_NOT_TLS] = "not_tls",
        [TLS_VERSION] = "version",
        [TLS_CIPHER] = "cipher",
        [TLS_PROTOCOL] = "protocol",
        [TLS_NO_CERTIFICATE] = "no_certificate",
        [TLS_CERTIFICATE_EXPIRED] = "certificate_expired",
        [TLS_CERTIFICATE_REFUSED] = "certificate_refused",
        [TLS_PEER_REFUSED] = "peer_refused",
        [TLS_MALFORMED] = "malformed",
        [TLS_NO_MEMORY] = "no_memory",
    };

    return names[outcome];
}

static enum tls_outcome certificate_failure(const SSL *ssl)
{
    switch (SSL_get_verify_result(ssl)) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TLS_CERTIFICATE_EXPIRED;
    case X509_V_ERR_OUT_OF_MEM:
        return TLS_NO_MEMORY;
    default:
        return TLS_CERTIFICATE_REFUSED;
    }
}

static enum tls_outcome failure_by_reason(const SSL *ssl, int reason)
{
    switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
        return TLS_NOT_TLS;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
        return TLS_VERSION;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
        return TLS_CIPHER;
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return TLS_PROTOCOL;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return TLS_NO_CERTIFICATE;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return certificate_failure(ssl);
    default:
        return reason >= SSL_AD_REASON_OFFSET ? TLS_PEER_REFUSED : TLS_MALFORMED;
    }
}

/* Other parts of OpenSSL may have put their reasons before that of TLS. */
enum tls_outcome tls_failure(const SSL *ssl)
{
    enum tls_outcome outcome = TLS_MALFORMED;
    unsigned long error;

    while ((error = ERR_get_error()) != 0) {
        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
            outcome = TLS_NO_MEMORY;
        else if (ERR_GET_LIB(error) == ERR_LIB_SSL && outcome == TLS_MALFORMED)
            outcome = failure_by_reason(ssl, ERR_GET_REASON(error));
    }
    return outcome;
}

/* ----------------------------------------------------------------------- session */

int tls_session_new(struct tls_context *context, unsigned protocols,
                    struct tls_session **out_session)
{
    struct tls_session *session = mem_calloc(1, sizeof(*session));
    BIO *bio = BIO_new(context->bytes);

    if (session == NULL || bio == NULL)
        goto no_memory;
    session->context = tls_context_ref(context);
    session->protocols = protocols;
    session->outcome = TLS_MALFORMED;
    session->ssl = SSL_new(context->ssl);
    if (session->ssl == NULL)
        goto no_memory;
    BIO_set_data(bio, session);
    SSL_set_bio(session->ssl, bio, bio);
    bio = NULL; /* Its owner is the SSL object. */
    if (SSL_set_app_data(session->ssl, session) != 1)
        goto no_memory;
    SSL_set_accept_state(session->ssl);
    *out_session = session;
    return 0;
no_memory:
    ERR_clear_error();
    BIO_free(bio);
    tls_session_free(session);
    return STATUS_NOMEM;
}

void tls_session_free(struct tls_session *session)
{
    if (session == NULL)
        return;
    SSL_free(session->ssl);
    tls_context_release(session->context);
    tls_names_release(&session->names);
    mem_free(session);
}

static int fail(struct tls_session *session, enum tls_outcome outcome)
{
    session->has_failed = true;
    if (session->is_out_of_memory)
        outcome = TLS_NO_MEMORY;
    if (!session->is_ready)
        session->outcome = outcome;
    return outcome == TLS_NO_MEMORY ? STATUS_NOMEM : STATUS_INVALID;
}

/* Returns: 0 (it is over, or wants more bytes); STATUS_INVALID; STATUS_NOMEM. */
static int shake_hands(struct tls_session *session)
{
    X509 *certificate;
    int result = SSL_do_handshake(session->ssl);

    if (result != 1) {
        if (SSL_get_error(session->ssl, result) == SSL_ERROR_WANT_READ)
            return 0;
        return fail(session, tls_failure(session->ssl));
    }
    certificate = SSL_get0_peer_certificate(session->ssl);
    if (certificate != NULL && tls_names_read(certificate, &session->names) != 0)
        return fail(session, TLS_NO_MEMORY);
    session->outcome = TLS_OK;
    session->is_ready = true;
    return 0;
}

/* Returns: 0 (more bytes are wanted); STATUS_CLOSED; STATUS_INVALID; STATUS_NOMEM. */
static int read_plain(struct tls_session *session, struct buf *plain)
{
    for (;;) {
        size_t size = 0;
        int result;

        if (buf_reserve(plain, RECORD_BYTES) != 0)
            return fail(session, TLS_NO_MEMORY);
        result = SSL_read_ex(session->ssl, plain->data + plain->size, RECORD_BYTES, &size);
        if (result == 1) {
            plain->size += size;
            continue;
        }
        switch (SSL_get_error(session->ssl, result)) {
        case SSL_ERROR_WANT_READ:
            return 0;
        case SSL_ERROR_ZERO_RETURN:
            return STATUS_CLOSED;
        default:
            return fail(session, tls_failure(session->ssl));
        }
    }
}

int tls_session_receive(struct tls_session *session, struct view bytes, struct buf *plain,
                        struct buf *sealed)
{
    int status = 0;

    if (session->has_failed)
        return STATUS_INVALID;
    ERR_clear_error();
    session->in = bytes;
    session->out = sealed;
    if (!session->is_ready)
        status = shake_hands(session);
    if (status == 0 && session->is_ready)
        status = read_plain(session, plain);
    session->in = (struct view){NULL, 0};
    session->out = NULL;
    return status;
}

int tls_session_send(struct tls_session *session, struct view plain, struct buf *sealed)
{
    size_t written = 0;
    int result = 1;

    if (session->has_failed || !session->is_ready)
        return STATUS_INVALID;
    if (plain.size == 0)
        return 0;
    ERR_clear_error();
    session->out = sealed;
    result = SSL_write_ex(session->ssl, plain.data, plain.size, &written);
    session->out = NULL;
    if (result != 1)
        return fail(session, tls_failure(session->ssl));
    CHECK(written == plain.size);
    return 0;
}

int tls_session_end(struct tls_session *session, struct buf *sealed)
{
    if (session->has_ended || session->has_failed || !session->is_ready)
        return 0;
    session->has_ended = true;
    ERR_clear_error();
    session->out = sealed;
    (void)SSL_shutdown(session->ssl);
    session->out = NULL;
    ERR_clear_error();
    return session->is_out_of_memory ? STATUS_NOMEM : 0;
}

bool tls_session_is_ready(const struct tls_session *session)
{
    return session->is_ready;
}

enum tls_outcome tls_session_outcome(const struct tls_session *session)
{
    return session->outcome;
}

const struct tls_names *tls_session_names(const struct tls_session *session)
{
    return &session->names;
}
