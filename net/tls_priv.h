/* tls_priv.h: what tls.c, tls_context.c and tls_names.c share; for them and for tests. */
#ifndef SPANMAP_NET_TLS_PRIV_H
#define SPANMAP_NET_TLS_PRIV_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "net/tls.h"

struct tls_context {
    atomic_uint references;
    SSL_CTX *ssl;
    BIO_METHOD *bytes; /* See tls_bytes_method(). */
    struct wall_time not_after;
};

/* A BIO whose data is a session: reads its `in`, appends to its `out`. NULL: no memory. */
BIO_METHOD *tls_bytes_method(void);

/* Picks one of the session's protocols; for SSL_CTX_set_alpn_select_cb(). */
int tls_choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *size,
                        const unsigned char *offered, unsigned offered_size, void *context);

/* What went wrong in the handshake, by OpenSSL's queue of errors, which is emptied. */
enum tls_outcome tls_failure(const SSL *ssl);

/* Returns: 0; STATUS_NOMEM. */
MUST_USE int tls_names_read(X509 *certificate, struct tls_names *out_names);
void tls_names_release(struct tls_names *names);

#endif
