/* auth.h: whether a sender is one of those who may send.
 * Is:         the judgement of a request's Authorization and of what its connection says of the
 *             peer, against tokens, passwords, names of certificates and users of Unix sockets.
 * Is not:     a reader of files, nor the words of a refusal (gate.h); it does no I/O.
 * Invariants: one that vouches is enough. Secrets are kept as digests or as hashes of crypt(3), and
 *             compared in a time that does not depend on them. An unknown user takes as long as a
 *             wrong password of the user whose hash is the costliest: hashes of one kind and cost
 *             do not tell by the time who exists, mixed ones do. Of a refusal only its kind is
 *             told, to counters alone.
 * Threads:    new, set and free from one thread; judge from any.
 * Memory:     TOKENS_MAX tokens and USERS_MAX users of the texts that are set, with the right
 *             password's digest of each; wrong ones that were judged lately, 4 KiB.
 * Cost:       a token or a password that is known already takes a digest; another password one run
 *             of crypt(3), and all of those a tenth of one core in all: past that they are told to
 *             come again.
 */
#ifndef SPANMAP_RECEIVER_AUTH_H
#define SPANMAP_RECEIVER_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/status.h"
#include "base/view.h"
#include "net/tls.h"
#include "receiver/gate.h"

enum auth_outcome {
    AUTH_TOKEN, /* Let in, by what vouched. */
    AUTH_PASSWORD,
    AUTH_NAME,
    AUTH_USER,
    AUTH_MISSING,        /* No Authorization, and nothing else that could vouch. */
    AUTH_MALFORMED,      /* Neither Bearer nor Basic, or not decodable. */
    AUTH_WRONG_TOKEN,    /* Bearer, but not one of ours. */
    AUTH_WRONG_PASSWORD, /* Or an unknown user. */
    AUTH_UNLISTED_NAME,  /* A certificate, but of nobody who is listed. */
    AUTH_UNLISTED_USER,  /* A Unix socket's peer likewise. */
    AUTH_BUSY,           /* Too many passwords at once. */
    AUTH_OUTCOME_COUNT,
};

struct auth_options {
    bool takes_tokens;
    bool takes_passwords;
    struct view token;        /* One that is always taken; empty: none. Copied as a digest. */
    const struct view *names; /* Patterns, see auth_is_pattern(); borrowed. */
    size_t names_count;
    const uint32_t *users; /* Of Unix sockets; borrowed. */
    size_t users_count;
    struct counters *counters; /* May be NULL. */
    size_t outcomes;           /* The first of AUTH_OUTCOME_COUNT rows. */
};

/* What a connection says of its peer. */
struct auth_peer {
    const struct tls_names *names;
    bool has_user;
    uint32_t user;
};

struct auth;

/* Returns: 0; STATUS_NOMEM; STATUS_SYSTEM (no random numbers). */
MUST_USE int auth_new(const struct auth_options *options, struct auth **out_auth);
void auth_free(struct auth *auth);

/* Exchange what is taken. Tokens stand one a line, passwords as USER:HASH, as htpasswd -B writes
 * them (bcrypt up to cost 12, or SHA-256 and SHA-512 of crypt(3)); empty lines and those that begin
 * with # are left out. On failure all is as before, and out_error has one sentence with the line,
 * and nothing of what stands there; at most 255 bytes.
 * Returns: 0; STATUS_INVALID; STATUS_FULL; STATUS_NOMEM. */
MUST_USE int auth_set_tokens(struct auth *auth, struct view text, char out_error[256]);
MUST_USE int auth_set_passwords(struct auth *auth, struct view text, char out_error[256]);

/* `authorization` is the field's value, its data NULL where there is none. */
enum gate_verdict auth_judge(struct auth *auth, const struct auth_peer *peer,
                             struct view authorization, struct mono_time now);

/* For WWW-Authenticate; empty: nothing that could be sent in Authorization would help. */
struct view auth_challenge(const struct auth *auth);

/* Of a token: visible ASCII, 1 to 4,096 bytes. */
bool auth_is_token(struct view text);

/* [cn:|dns:|uri:]NAME, with at most one star, which stands for one or more characters. Without a
 * kind any name of the certificate fits. */
bool auth_is_pattern(struct view text);

#endif
