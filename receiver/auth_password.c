/* auth_password.c: passwords by crypt(3), and how seldom that has to run.
 *
 * A hash is made so that it costs its attacker milliseconds, and so it costs us as many, on a thread
 * that serves others. So what was judged is remembered, right or wrong, and the work that is done
 * for all others has a bound: `work_left_ns` fills up by a tenth of the time that goes by.
 */
#include <crypt.h>
#include <string.h>

#include "base/mem.h"
#include "receiver/auth_priv.h"
#include "receiver/otlp_json_scalar.h"

enum { BCRYPT_COST_MAX = 12, SHARE = 10, CREDENTIALS_BYTES = 1024 };

/* A doubling of bcrypt's, in rounds that take as long, about. */
enum {
    SHA_ROUNDS_MIN = 1000,
    SHA_ROUNDS_USUAL = 5000,
    SHA_ROUNDS_MAX = 100000,
    BCRYPT_IN_SHA_ROUNDS = 100,
};

/* ------------------------------------------------------------------------ hashes */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* $2y$10$ and 53 characters. */
static uint64_t bcrypt_cost(struct view text)
{
    int cost;

    if (text.size != 60 || text.data[0] != '$' || text.data[1] != '2' ||
        strchr("aby", text.data[2]) == NULL || text.data[3] != '$' || !is_digit(text.data[4]) ||
        !is_digit(text.data[5]) || text.data[6] != '$')
        return 0;
    cost = (text.data[4] - '0') * 10 + text.data[5] - '0';
    return cost >= 4 && cost <= BCRYPT_COST_MAX ? (uint64_t)BCRYPT_IN_SHA_ROUNDS << cost : 0;
}

/* $5$ or $6$, perhaps rounds=N$, the salt, $ and 43 or 86 characters. */
static uint64_t sha_cost(struct view text)
{
    struct view rounds = VIEW("rounds=");
    struct view rest;
    const char *dollar;
    unsigned number = SHA_ROUNDS_USUAL;
    size_t size;

    if (!view_starts(text, VIEW("$5$")) && !view_starts(text, VIEW("$6$")))
        return 0;
    size = text.data[1] == '5' ? 43 : 86;
    rest = (struct view){text.data + 3, text.size - 3};
    if (view_starts(rest, rounds)) {
        size_t at = rounds.size;

        number = 0;
        while (at < rest.size && is_digit(rest.data[at]) && number <= SHA_ROUNDS_MAX)
            number = number * 10 + (unsigned)(rest.data[at++] - '0');
        if (number > SHA_ROUNDS_MAX || at == rest.size || rest.data[at] != '$')
            return 0;
        rest = (struct view){rest.data + at + 1, rest.size - at - 1};
    }
    dollar = rest.size != 0 ? memchr(rest.data, '$', rest.size) : NULL;
    if (dollar == NULL || rest.size - (size_t)(dollar - rest.data) - 1 != size)
        return 0;
    return number > SHA_ROUNDS_MIN ? number : SHA_ROUNDS_MIN; /* As crypt(3) has it. */
}

uint64_t auth_hash_cost(struct view text)
{
    uint64_t cost;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~' || text.data[i] == ':')
            return 0;
    }
    if (text.size >= HASH_BYTES)
        return 0;
    cost = bcrypt_cost(text);
    return cost != 0 ? cost : sha_cost(text);
}

int auth_password_check(struct view password, const char *hash, bool *out_is_right)
{
    char text[CREDENTIALS_BYTES];
    struct crypt_data *data;
    const char *made;

    /* crypt(3) ends at a zero: it would take what stands before one. */
    if (password.size >= sizeof(text) ||
        (password.size != 0 && memchr(password.data, '\0', password.size) != NULL)) {
        *out_is_right = false;
        return 0;
    }
    data = mem_calloc(1, sizeof(*data));
    if (data == NULL)
        return STATUS_NOMEM;
    if (password.size != 0)
        memcpy(text, password.data, password.size);
    text[password.size] = '\0';
    made = crypt_r(text, hash, data);
    *out_is_right = made != NULL && tls_text_equal(view_of(made), view_of(hash));
    explicit_bzero(text, sizeof(text));
    explicit_bzero(data, sizeof(*data));
    mem_free(data);
    return 0;
}

/* -------------------------------------------------------------------------- work */

/* Under the lock. */
static bool may_work(struct auth *auth, struct mono_time now)
{
    if (auth->refilled.ns != 0 && now.ns > auth->refilled.ns) {
        uint64_t gained = (now.ns - auth->refilled.ns) / SHARE;

        if (gained > (uint64_t)(WORK_BURST_NS - auth->work_left_ns))
            auth->work_left_ns = WORK_BURST_NS;
        else
            auth->work_left_ns += (int64_t)gained;
    }
    auth->refilled = now;
    return auth->work_left_ns > 0;
}

static struct tls_digest *wrong_of(struct auth *auth, const struct tls_digest *digest)
{
    return &auth->judged->wrong[digest->bytes[0] % JUDGED_MAX];
}

/* Under the lock; NULL: nobody. All names are looked at, wherever in the list it is. */
static struct auth_user *find_user(const struct auth *auth, struct view name)
{
    const struct auth_users *users = &auth->users;
    struct auth_user *found = NULL;

    for (size_t i = 0; i < users->count; i++) {
        struct auth_user *user = &users->list[i];

        if (view_equal(name, (struct view){users->text.data + user->name_at, user->name_size}))
            found = user;
    }
    return found;
}

/* Under the lock: what was found of these credentials. */
static void remember(struct auth *auth, struct view name, const struct tls_digest *digest,
                     bool is_right)
{
    struct auth_user *user = is_right ? find_user(auth, name) : NULL;

    if (user != NULL)
        user->right = *digest;
    else
        *wrong_of(auth, digest) = *digest;
}

static enum auth_outcome work(struct auth *auth, struct view name, struct view password,
                              const struct tls_digest *digest, struct mono_time now)
{
    char hash[HASH_BYTES];
    const struct auth_user *user;
    const char *tried;
    struct mono_time begin;
    unsigned generation;
    bool is_known;
    bool is_right = false;

    (void)pthread_mutex_lock(&auth->lock);
    if (auth->users.count == 0 || !may_work(auth, now)) {
        bool is_empty = auth->users.count == 0;

        (void)pthread_mutex_unlock(&auth->lock);
        return is_empty ? AUTH_WRONG_PASSWORD : AUTH_BUSY;
    }
    user = find_user(auth, name);
    is_known = user != NULL;
    /* For nobody another's, to spend the same time on. */
    tried = auth->users.text.data +
            (is_known ? user : &auth->users.list[auth->users.costliest])->hash_at;
    (void)memcpy(hash, tried, strlen(tried) + 1);
    generation = auth->generation;
    (void)pthread_mutex_unlock(&auth->lock);

    begin = clock_mono();
    if (auth_password_check(password, hash, &is_right) != 0)
        return AUTH_BUSY;
    is_right = is_right && is_known;
    (void)pthread_mutex_lock(&auth->lock);
    auth->work_left_ns -= (int64_t)(clock_mono().ns - begin.ns);
    if (auth->generation == generation)
        remember(auth, name, digest, is_right);
    (void)pthread_mutex_unlock(&auth->lock);
    return is_right ? AUTH_PASSWORD : AUTH_WRONG_PASSWORD;
}

static bool was_judged(struct auth *auth, struct view name, const struct tls_digest *digest,
                       bool *out_is_right)
{
    const struct auth_user *user;
    bool is_right;
    bool is_wrong;

    (void)pthread_mutex_lock(&auth->lock);
    user = find_user(auth, name);
    is_right = user != NULL && tls_digest_equal(&user->right, digest);
    is_wrong = tls_digest_equal(wrong_of(auth, digest), digest);
    (void)pthread_mutex_unlock(&auth->lock);
    if (is_right || is_wrong)
        *out_is_right = is_right;
    return is_right || is_wrong;
}

static enum auth_outcome judge_pair(struct auth *auth, struct view pair, struct mono_time now)
{
    const char *colon = pair.size != 0 ? memchr(pair.data, ':', pair.size) : NULL;
    struct tls_digest digest;
    struct view name;
    bool is_right;

    if (colon == NULL)
        return AUTH_MALFORMED;
    if (tls_digest_make(&auth->key, pair, &digest) != 0)
        return AUTH_BUSY;
    name = (struct view){pair.data, (size_t)(colon - pair.data)};
    if (was_judged(auth, name, &digest, &is_right))
        return is_right ? AUTH_PASSWORD : AUTH_WRONG_PASSWORD;
    return work(auth, name, (struct view){colon + 1, pair.size - name.size - 1}, &digest, now);
}

enum auth_outcome auth_judge_basic(struct auth *auth, struct view encoded, struct mono_time now)
{
    enum auth_outcome outcome = AUTH_MALFORMED;
    struct buf pair;
    int status;

    buf_init(&pair, CREDENTIALS_BYTES);
    status = buf_reserve(&pair, CREDENTIALS_BYTES);
    if (status == 0 && encoded.size <= CREDENTIALS_BYTES)
        status = otlp_json_put_base64(encoded, &pair);
    if (status == STATUS_NOMEM)
        outcome = AUTH_BUSY;
    else if (status == 0 && encoded.size <= CREDENTIALS_BYTES)
        outcome = judge_pair(auth, buf_view(&pair), now);
    if (pair.data != NULL)
        explicit_bzero(pair.data, pair.capacity);
    buf_release(&pair);
    return outcome;
}
