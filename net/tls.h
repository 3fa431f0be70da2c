/* tls.h: TLS for the server's side of a connection, without I/O.
 * Is:         a context (certificate, key, who may come; read from PEM texts, never changed) and
 *             the sessions made from it: sealed bytes in, plain bytes out, and the other way round.
 * Is not:     a reader of files (tls_store.h), nor of sockets (connection.c).
 * Invariants: TLS 1.2 or later, forward secrecy, no renegotiation, no early data. A session that
 *             failed stays failed. Whose certificate was not verified has no names.
 * Threads:    a context may be shared by any; a session belongs to one at a time.
 * Memory:     a context lives as long as a session of it. A session takes some 45 KiB while
 *             it shakes hands and 20 KiB at rest, 35 KiB with a certificate of the peer; almost all
 *             of it is OpenSSL's own, and not from base/mem.h.
 * Source:     spec OTLP A4, C1, C21.
 */
#ifndef SPANMAP_NET_TLS_H
#define SPANMAP_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/view.h"

enum tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* What is spoken inside, as agreed in the handshake. A set of them is their sum. */
enum alpn { ALPN_NONE = 0, ALPN_H2 = 1, ALPN_HTTP_1_1 = 2 };

/* How a handshake ended. */
enum tls_outcome {
    TLS_OK,
    TLS_TIMEOUT,             /* It took too long. */
    TLS_LEFT,                /* The peer closed the connection. */
    TLS_NOT_TLS,             /* It began with something else: plain HTTP, perhaps. */
    TLS_VERSION,             /* No version in common. */
    TLS_CIPHER,              /* No cipher or signature in common. */
    TLS_PROTOCOL,            /* ALPN: nothing in common. */
    TLS_NO_CERTIFICATE,      /* The peer has to show one, and has none. */
    TLS_CERTIFICATE_EXPIRED, /* Or is not valid yet. */
    TLS_CERTIFICATE_REFUSED, /* By an authority that is not ours, or otherwise wrong. */
    TLS_PEER_REFUSED,        /* The peer sent an alert: mostly, it does not trust us. */
    TLS_MALFORMED,           /* Any other breach of the protocol. */
    TLS_NO_MEMORY,
    TLS_OUTCOME_COUNT,
};

/* "ok", "timeout", ... for labels. */
const char *tls_outcome_name(enum tls_outcome outcome);

/* ------------------------------------------------------------------------ context */

struct tls_options {
    enum tls_version version_min;
    bool client_may_lack; /* A certificate, where there is client_ca. */
};

/* PEM texts; borrowed for the call. */
struct tls_material {
    struct view cert; /* The certificate, and those between it and its root. */
    struct view key;
    struct view
        client_ca; /* Who signs clients' certificates; data NULL: clients show none. An empty
                            * text is at fault, as any other without a certificate. */
};

struct tls_context;

/* On failure out_error says what is wrong with which of the three; at most 255 bytes.
 * Returns: 0; STATUS_INVALID; STATUS_NOMEM. */
MUST_USE int tls_context_new(const struct tls_options *options, const struct tls_material *material,
                             char out_error[256], struct tls_context **out_context);
struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_release(struct tls_context *context);

/* When the first certificate of the chain runs out. */
struct wall_time tls_context_not_after(const struct tls_context *context);

/* ------------------------------------------------------------------------ session */

enum tls_name_kind { TLS_NAME_CN, TLS_NAME_DNS, TLS_NAME_URI };

/* Names of a verified certificate. At most 64 of them and 8 KiB; further ones are left out, as are
 * those that hold a zero byte. */
struct tls_name {
    enum tls_name_kind kind;
    struct view text;
};

struct tls_names {
    const struct tls_name *items;
    size_t count;
};

struct tls_session;

/* `protocols` is a set of enum alpn, offered in their order. Returns: 0; STATUS_NOMEM. */
MUST_USE int tls_session_new(struct tls_context *context, unsigned protocols,
                             struct tls_session **out_session);
void tls_session_free(struct tls_session *session);

/* Takes all of what came. Appends what it held to `plain`, and to `sealed` what is to be sent, an
 * alert in case of failure included; a handshake goes on as far as it can.
 * Returns: 0; STATUS_CLOSED (the peer said that no more comes); STATUS_INVALID (see outcome);
 * STATUS_NOMEM. */
MUST_USE int tls_session_receive(struct tls_session *session, struct view bytes, struct buf *plain,
                                 struct buf *sealed);

/* After the handshake: appends `plain` to `sealed`. Returns: 0; STATUS_NOMEM; STATUS_INVALID. */
MUST_USE int tls_session_send(struct tls_session *session, struct view plain, struct buf *sealed);

/* Says, once, that no more comes. Returns: 0; STATUS_NOMEM. */
MUST_USE int tls_session_end(struct tls_session *session, struct buf *sealed);

/* The handshake is over, and went well. */
bool tls_session_is_ready(const struct tls_session *session);

/* Once it is ready, or has failed. */
enum tls_outcome tls_session_outcome(const struct tls_session *session);
enum alpn tls_session_alpn(const struct tls_session *session);
const struct tls_names *tls_session_names(const struct tls_session *session);

#endif
