/* auth_priv.h: what the files of auth share. */
#ifndef SPANMAP_RECEIVER_AUTH_PRIV_H
#define SPANMAP_RECEIVER_AUTH_PRIV_H

#include <pthread.h>

#include "base/buf.h"
#include "net/tls_digest.h"
#include "receiver/auth.h"

enum {
    TOKENS_MAX = 4096,
    TOKEN_BYTES_MAX = 4096,
    USERS_MAX = 4096,
    HASH_BYTES = 128, /* With its zero; crypt(3)'s longest that is taken has 123. */
    JUDGED_MAX = 128,
    WORK_BURST_NS = 300 * 1000 * 1000,
};

struct auth_tokens {
    struct tls_digest *digests;
    size_t count;
};

/* With places in the text. */
struct auth_user {
    size_t name_at;
    size_t name_size;
    size_t hash_at;          /* Terminated by a zero. */
    struct tls_digest right; /* Name and password that were judged right; zeroed: none yet. */
};

struct auth_users {
    struct auth_user *list;
    size_t count;
    size_t costliest; /* Whose hash takes longest. */
    struct buf text;
};

/* Passwords that were judged wrong; where by the digest. They push out each other, and never a right
 * one, which is kept with its user. */
struct auth_judged {
    struct tls_digest wrong[JUDGED_MAX];
};

struct auth {
    struct auth_options options;
    struct tls_digest key;
    struct tls_digest token; /* options.token's. */
    pthread_mutex_t lock;    /* Over all below; a leaf. */
    struct auth_tokens tokens;
    struct auth_users users;
    unsigned generation;        /* Of the users. */
    struct auth_judged *judged; /* Zeroed: none. */
    struct mono_time refilled;  /* When work_left_ns was counted. */
    int64_t work_left_ns;       /* For crypt(3). */
};

/* ------------------------------------------------------------------ auth_list.c */

/* Reads lists. Returns: as auth_set_tokens(); nothing is left behind on failure. */
MUST_USE int auth_tokens_read(const struct tls_digest *key, struct view text, char out_error[256],
                              struct auth_tokens *out_tokens);
void auth_tokens_release(struct auth_tokens *tokens);
MUST_USE int auth_users_read(struct view text, char out_error[256], struct auth_users *out_users);
void auth_users_release(struct auth_users *users);

bool auth_name_fits(struct view pattern, const struct tls_name *name);

/* --------------------------------------------------------------- auth_password.c */

/* What one run of crypt(3) takes, in rounds of SHA-512, about; 0: it is no hash that is taken, or it is
 * too dear. */
uint64_t auth_hash_cost(struct view text);

/* Runs crypt(3). Returns: 0, and whether the password is right; STATUS_NOMEM. */
MUST_USE int auth_password_check(struct view password, const char *hash, bool *out_is_right);

/* "Basic" and what follows. */
enum auth_outcome auth_judge_basic(struct auth *auth, struct view encoded, struct mono_time now);

#endif
