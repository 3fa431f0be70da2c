/* secure_counters.h: what is counted of TLS and of credentials.
 * Is:         one row a counter; the enum and the table of rows are one list.
 * Invariants: the outcomes of a door stand in the order of enum tls_outcome.
 */
#ifndef SPANMAP_ENGINE_SECURE_COUNTERS_H
#define SPANMAP_ENGINE_SECURE_COUNTERS_H

#include "base/counters.h"

/* Of one door. */
#define SECURE_HANDSHAKES(X, NAME, door, help)                                                     \
    X(NAME##_OK, "spanmap_tls_handshakes_total", door ",outcome=\"ok\"", false, help)              \
    X(NAME##_TIMEOUT, "spanmap_tls_handshakes_total", door ",outcome=\"timeout\"", false, "")      \
    X(NAME##_LEFT, "spanmap_tls_handshakes_total", door ",outcome=\"left\"", false, "")            \
    X(NAME##_NOT_TLS, "spanmap_tls_handshakes_total", door ",outcome=\"not_tls\"", false, "")      \
    X(NAME##_VERSION, "spanmap_tls_handshakes_total", door ",outcome=\"version\"", false, "")      \
    X(NAME##_CIPHER, "spanmap_tls_handshakes_total", door ",outcome=\"cipher\"", false, "")        \
    X(NAME##_PROTOCOL, "spanmap_tls_handshakes_total", door ",outcome=\"protocol\"", false, "")    \
    X(NAME##_NO_CERTIFICATE, "spanmap_tls_handshakes_total", door ",outcome=\"no_certificate\"",   \
      false, "")                                                                                   \
    X(NAME##_EXPIRED, "spanmap_tls_handshakes_total", door ",outcome=\"certificate_expired\"",     \
      false, "")                                                                                   \
    X(NAME##_REFUSED, "spanmap_tls_handshakes_total", door ",outcome=\"certificate_refused\"",     \
      false, "")                                                                                   \
    X(NAME##_PEER_REFUSED, "spanmap_tls_handshakes_total", door ",outcome=\"peer_refused\"",       \
      false, "")                                                                                   \
    X(NAME##_MALFORMED, "spanmap_tls_handshakes_total", door ",outcome=\"malformed\"", false, "")  \
    X(NAME##_NO_MEMORY, "spanmap_tls_handshakes_total", door ",outcome=\"no_memory\"", false, "")

#define SECURE_RECEIVER "door=\"receiver\""
#define SECURE_WEB "door=\"web\""

/* X(enum, metric, label or NULL, gauge, help) */
#define SECURE_COUNTERS(X)                                                                           \
    SECURE_HANDSHAKES(X, RECEIVER, SECURE_RECEIVER, "TLS handshakes, by what became of them.")       \
    SECURE_HANDSHAKES(X, WEB, SECURE_WEB, "")                                                        \
    X(RECEIVER_DEFERRED, "spanmap_tls_handshakes_deferred_total", SECURE_RECEIVER, false,            \
      "Steps of handshakes that waited, so that they do not hold up connections that are there.")    \
    X(WEB_DEFERRED, "spanmap_tls_handshakes_deferred_total", SECURE_WEB, false, "")                  \
    X(RECEIVER_EXPIRY, "spanmap_tls_certificate_expiry_seconds", SECURE_RECEIVER, true,              \
      "Until the certificate in force, or one of its chain, runs out; 0: it has, or there is none.") \
    X(WEB_EXPIRY, "spanmap_tls_certificate_expiry_seconds", SECURE_WEB, true, "")                    \
    X(RECEIVER_NOT_AFTER, "spanmap_tls_certificate_not_after_timestamp_seconds", SECURE_RECEIVER,    \
      true, "When it does, in seconds since 1970; 0: there is none.")                                \
    X(WEB_NOT_AFTER, "spanmap_tls_certificate_not_after_timestamp_seconds", SECURE_WEB, true, "")    \
    X(RECEIVER_LOADED, "spanmap_tls_reloads_total", SECURE_RECEIVER ",outcome=\"ok\"", false,        \
      "How often changed files of certificates were taken up, or left since they do not fit.")       \
    X(RECEIVER_NOT_LOADED, "spanmap_tls_reloads_total", SECURE_RECEIVER ",outcome=\"failed\"",       \
      false, "")                                                                                     \
    X(WEB_LOADED, "spanmap_tls_reloads_total", SECURE_WEB ",outcome=\"ok\"", false, "")              \
    X(WEB_NOT_LOADED, "spanmap_tls_reloads_total", SECURE_WEB ",outcome=\"failed\"", false, "")      \
    X(AUTH_TOKEN, "spanmap_auth_requests_total", "outcome=\"token\"", false,                         \
      "Requests of senders, by what let them in, or why they were not.")                             \
    X(AUTH_PASSWORD, "spanmap_auth_requests_total", "outcome=\"password\"", false, "")               \
    X(AUTH_NAME, "spanmap_auth_requests_total", "outcome=\"client_name\"", false, "")                \
    X(AUTH_USER, "spanmap_auth_requests_total", "outcome=\"unix_user\"", false, "")                  \
    X(AUTH_MISSING, "spanmap_auth_requests_total", "outcome=\"missing\"", false, "")                 \
    X(AUTH_MALFORMED, "spanmap_auth_requests_total", "outcome=\"malformed\"", false, "")             \
    X(AUTH_WRONG_TOKEN, "spanmap_auth_requests_total", "outcome=\"wrong_token\"", false, "")         \
    X(AUTH_WRONG_PASSWORD, "spanmap_auth_requests_total", "outcome=\"wrong_password\"", false, "")   \
    X(AUTH_UNLISTED_NAME, "spanmap_auth_requests_total", "outcome=\"unlisted_client_name\"",         \
      false, "")                                                                                     \
    X(AUTH_UNLISTED_USER, "spanmap_auth_requests_total", "outcome=\"unlisted_unix_user\"", false,    \
      "")                                                                                            \
    X(AUTH_BUSY, "spanmap_auth_requests_total", "outcome=\"busy\"", false, "")                       \
    X(TOKENS_LOADED, "spanmap_auth_reloads_total", "file=\"tokens\",outcome=\"ok\"", false,          \
      "How often changed files of credentials were taken up, or left since they are wrong.")         \
    X(TOKENS_NOT_LOADED, "spanmap_auth_reloads_total", "file=\"tokens\",outcome=\"failed\"",         \
      false, "")                                                                                     \
    X(PASSWORDS_LOADED, "spanmap_auth_reloads_total", "file=\"passwords\",outcome=\"ok\"", false,    \
      "")                                                                                            \
    X(PASSWORDS_NOT_LOADED, "spanmap_auth_reloads_total", "file=\"passwords\",outcome=\"failed\"",   \
      false, "")

#define SECURE_COUNTER_ENUM(name, metric, label, gauge, help) SECURE_##name,
enum secure_counter { SECURE_COUNTERS(SECURE_COUNTER_ENUM) SECURE_COUNTER_COUNT };

extern const struct counter_row secure_counter_rows[SECURE_COUNTER_COUNT];

#endif
