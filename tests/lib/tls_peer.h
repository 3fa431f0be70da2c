/* tls_peer.h: certificates made on the spot, and the client's side of TLS.
 * Is:         OpenSSL called directly, so that what is tested is not tested by itself.
 * Memory:     texts are released by the caller.
 */
#ifndef SPANMAP_TESTS_LIB_TLS_PEER_H
#define SPANMAP_TESTS_LIB_TLS_PEER_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/buf.h"
#include "net/tls.h"

/* A key with its certificate, and both as PEM. */
struct tls_pair {
    EVP_PKEY *key;
    X509 *certificate;
    struct buf key_text;
    struct buf cert_text;
};

struct tls_subject {
    const char *common_name;  /* NULL: none */
    const char *alternatives; /* As OpenSSL's configuration has them: "DNS:a,URI:b"; or NULL. */
    const struct tls_pair *issuer; /* NULL: signed by itself. */
    bool is_authority;
    long begins_s; /* From now. */
    long ends_s;   /* From now; 0: in a day. */
};

void tls_pair_make(const struct tls_subject *subject, struct tls_pair *out_pair);
void tls_pair_release(struct tls_pair *pair);

/* A client in memory. */
struct tls_peer {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in;  /* What the server sent. */
    BIO *out; /* What is sent to it. */
};

/* It trusts `authority`, and shows `own` if it is not NULL. `alpn` has a byte of length before each
 * name; NULL: none. */
void tls_peer_init(struct tls_peer *peer, const struct tls_pair *authority,
                   const struct tls_pair *own, const char *alpn);
void tls_peer_release(struct tls_peer *peer);

/* Takes what the server sent, and appends what is sent to it. Whether the handshake is done. */
bool tls_peer_shake(struct tls_peer *peer, struct view from_server, struct buf *to_server);

/* Appends `text`, sealed. */
void tls_peer_say(struct tls_peer *peer, struct view text, struct buf *to_server);

/* Takes what the server sent; appends what it says. SSL_ERROR_WANT_READ, SSL_ERROR_ZERO_RETURN
 * (the end), or another. */
int tls_peer_hear(struct tls_peer *peer, struct view from_server, struct buf *said);

/* Appends what OpenSSL has written by itself. */
void tls_peer_flush(struct tls_peer *peer, struct buf *to_server);

/* Goes through a whole handshake with `session`. Returns what tls_session_receive() returned last;
 * `told` gets what the session would hand on. */
int tls_peer_meet(struct tls_peer *peer, struct tls_session *session, struct buf *told);

#endif
