/* auth.c: the order in which a peer's witnesses are heard. */
#include "receiver/auth.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "receiver/auth_priv.h"

/* --------------------------------------------------------------------------- life */

int auth_new(const struct auth_options *options, struct auth **out_auth)
{
    struct auth *auth = mem_calloc(1, sizeof(*auth));
    int status = STATUS_NOMEM;

    if (auth == NULL)
        return STATUS_NOMEM;
    auth->options = *options;
    auth->work_left_ns = WORK_BURST_NS;
    buf_init(&auth->users.text, 0);
    (void)pthread_mutex_init(&auth->lock, NULL);
    auth->judged = mem_calloc(1, sizeof(*auth->judged));
    if (auth->judged != NULL)
        status = tls_digest_key(&auth->key);
    if (status == 0)
        status = tls_digest_make(&auth->key, options->token, &auth->token);
    if (status != 0)
        auth_free(auth);
    else
        *out_auth = auth;
    return status;
}

void auth_free(struct auth *auth)
{
    if (auth == NULL)
        return;
    auth_tokens_release(&auth->tokens);
    auth_users_release(&auth->users);
    mem_free(auth->judged);
    (void)pthread_mutex_destroy(&auth->lock);
    mem_free(auth);
}

int auth_set_tokens(struct auth *auth, struct view text, char out_error[256])
{
    struct auth_tokens old;
    struct auth_tokens tokens;
    int status = auth_tokens_read(&auth->key, text, out_error, &tokens);

    if (status != 0)
        return status;
    (void)pthread_mutex_lock(&auth->lock);
    old = auth->tokens;
    auth->tokens = tokens;
    (void)pthread_mutex_unlock(&auth->lock);
    auth_tokens_release(&old);
    return 0;
}

int auth_set_passwords(struct auth *auth, struct view text, char out_error[256])
{
    struct auth_users old;
    struct auth_users users;
    int status = auth_users_read(text, out_error, &users);

    if (status != 0)
        return status;
    (void)pthread_mutex_lock(&auth->lock);
    old = auth->users;
    auth->users = users;
    auth->generation++;
    memset(auth->judged, 0, sizeof(*auth->judged));
    (void)pthread_mutex_unlock(&auth->lock);
    auth_users_release(&old);
    return 0;
}

/* ---------------------------------------------------------------------- judgement */

static bool is_listed(const struct auth_options *options, const struct tls_names *names)
{
    for (size_t i = 0; names != NULL && i < names->count; i++) {
        for (size_t j = 0; j < options->names_count; j++) {
            if (auth_name_fits(options->names[j], &names->items[i]))
                return true;
        }
    }
    return false;
}

static bool is_user(const struct auth_options *options, const struct auth_peer *peer)
{
    for (size_t i = 0; peer->has_user && i < options->users_count; i++) {
        if (options->users[i] == peer->user)
            return true;
    }
    return false;
}

static enum auth_outcome judge_bearer(struct auth *auth, struct view token)
{
    struct tls_digest digest;
    unsigned equal = 0;

    if (!auth->options.takes_tokens || !auth_is_token(token))
        return AUTH_WRONG_TOKEN;
    if (tls_digest_make(&auth->key, token, &digest) != 0)
        return AUTH_BUSY;
    if (auth->options.token.size != 0)
        equal |= tls_digest_equal(&digest, &auth->token);
    /* All of them, whichever it is. */
    (void)pthread_mutex_lock(&auth->lock);
    for (size_t i = 0; i < auth->tokens.count; i++)
        equal |= tls_digest_equal(&digest, &auth->tokens.digests[i]);
    (void)pthread_mutex_unlock(&auth->lock);
    return equal != 0 ? AUTH_TOKEN : AUTH_WRONG_TOKEN;
}

/* What stands behind the scheme; its data is NULL where this is another scheme. */
static struct view after_scheme(struct view authorization, struct view scheme)
{
    struct view rest;

    if (authorization.size <= scheme.size ||
        strncasecmp(authorization.data, scheme.data, scheme.size) != 0 ||
        authorization.data[scheme.size] != ' ')
        return (struct view){NULL, 0};
    rest = (struct view){authorization.data + scheme.size, authorization.size - scheme.size};
    return view_trim(rest);
}

static enum auth_outcome judge_field(struct auth *auth, struct view authorization,
                                     struct mono_time now)
{
    struct view bearer = after_scheme(authorization, VIEW("Bearer"));
    struct view basic = after_scheme(authorization, VIEW("Basic"));

    if (bearer.data != NULL)
        return judge_bearer(auth, bearer);
    if (basic.data == NULL)
        return AUTH_MALFORMED;
    return auth->options.takes_passwords ? auth_judge_basic(auth, basic, now) : AUTH_WRONG_PASSWORD;
}

static enum auth_outcome judge(struct auth *auth, const struct auth_peer *peer,
                               struct view authorization, struct mono_time now)
{
    const struct auth_options *options = &auth->options;

    if (is_listed(options, peer->names))
        return AUTH_NAME;
    if (is_user(options, peer))
        return AUTH_USER;
    if (authorization.data != NULL)
        return judge_field(auth, authorization, now);
    if (options->names_count != 0 && peer->names != NULL && peer->names->count != 0)
        return AUTH_UNLISTED_NAME;
    if (options->users_count != 0 && peer->has_user)
        return AUTH_UNLISTED_USER;
    return AUTH_MISSING;
}

enum gate_verdict auth_judge(struct auth *auth, const struct auth_peer *peer,
                             struct view authorization, struct mono_time now)
{
    enum auth_outcome outcome = judge(auth, peer, authorization, now);

    if (auth->options.counters != NULL)
        counters_add(auth->options.counters, auth->options.outcomes + outcome, 1);
    if (outcome <= AUTH_USER)
        return GATE_PASS;
    if (outcome == AUTH_BUSY)
        return GATE_BUSY;
    return auth_challenge(auth).size != 0 ? GATE_UNKNOWN : GATE_FORBIDDEN;
}

struct view auth_challenge(const struct auth *auth)
{
    if (auth->options.takes_tokens && auth->options.takes_passwords)
        return VIEW("Bearer realm=\"spanmap\", Basic realm=\"spanmap\", charset=\"UTF-8\"");
    if (auth->options.takes_tokens)
        return VIEW("Bearer realm=\"spanmap\"");
    if (auth->options.takes_passwords)
        return VIEW("Basic realm=\"spanmap\", charset=\"UTF-8\"");
    return (struct view){"", 0};
}
