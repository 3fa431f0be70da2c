/* secure.c: one group of files a door; what they hold becomes what new connections get. */
#include "engine/secure.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/secure_counters.h"
#include "engine/secure_priv.h"

/* What belongs to a door. */
static const struct {
    const char *name;   /* For the log. */
    const char *prefix; /* Of its options. */
    enum secure_counter outcomes;
    enum secure_counter deferred;
    enum secure_counter expiry;
    enum secure_counter not_after;
    enum secure_counter loaded;
    enum secure_counter not_loaded;
} doors[SECURE_DOOR_COUNT] = {
    [SECURE_DOOR_RECEIVER] = {"receiver", "tls.", SECURE_RECEIVER_OK, SECURE_RECEIVER_DEFERRED,
                              SECURE_RECEIVER_EXPIRY, SECURE_RECEIVER_NOT_AFTER,
                              SECURE_RECEIVER_LOADED, SECURE_RECEIVER_NOT_LOADED},
    [SECURE_DOOR_WEB] = {"web", "web.tls_", SECURE_WEB_OK, SECURE_WEB_DEFERRED, SECURE_WEB_EXPIRY,
                         SECURE_WEB_NOT_AFTER, SECURE_WEB_LOADED, SECURE_WEB_NOT_LOADED},
};

/* ----------------------------------------------------------------------- loading */

static int load(void *context, const struct view contents[WATCH_FILES_MAX], char out_error[256])
{
    struct door_tls *tls = context;
    struct tls_material material = {contents[0], contents[1], contents[2]};
    struct tls_context *made;
    char reason[256];
    int status = tls_context_new(&tls->options, &material, reason, &made);

    if (status != 0) {
        (void)snprintf(out_error, 256, "%s%.200s", doors[tls->door].prefix,
                       status == STATUS_INVALID ? reason : status_text(status));
        return status;
    }
    /* It may be the clock that is wrong, and whoever put it there wants it. */
    if (tls_context_not_after(made).ns <= clock_wall().ns)
        LOG(tls->secure->log, LOG_WARN, "a certificate has expired: senders will refuse it",
            LOG_TEXT("door", doors[tls->door].name), LOG_VIEW("cert", tls->cert), LOG_END);
    if (tls->is_on)
        tls_store_set(&tls->store, made);
    else
        tls_store_init(&tls->store, made);
    tls->is_on = true;
    return 0;
}

static void changed(void *context, int status, const char *error)
{
    const struct door_tls *tls = context;
    struct secure *secure = tls->secure;

    counters_add(&secure->counters,
                 status == 0 ? doors[tls->door].loaded : doors[tls->door].not_loaded, 1);
    if (status == 0)
        LOG(secure->log, LOG_INFO, "certificate read anew", LOG_TEXT("door", doors[tls->door].name),
            LOG_VIEW("cert", tls->cert), LOG_END);
    else
        LOG(secure->log, LOG_WARN, "certificate not read anew; the old one stays in force",
            LOG_TEXT("door", doors[tls->door].name), LOG_TEXT("error", error), LOG_END);
}

static void looked(void *context)
{
    struct door_tls *tls = context;
    struct tls_context *in_force = tls_store_get(&tls->store);
    uint64_t end = tls_context_not_after(in_force).ns;
    uint64_t now = clock_wall().ns;

    tls_context_release(in_force);
    counters_set(&tls->secure->counters, doors[tls->door].expiry,
                 end > now ? (end - now) / NS_PER_S : 0);
    counters_set(&tls->secure->counters, doors[tls->door].not_after, end / NS_PER_S);
}

/* -------------------------------------------------------------------------- life */

static int complain(enum secure_door door, const char *key, const char *what, char out_error[256])
{
    (void)snprintf(out_error, 256, "%s%s: %s", doors[door].prefix, key, what);
    return STATUS_INVALID;
}

/* Whether what belongs together is there. */
static int judge(const struct door_tls *tls, char out_error[256])
{
    if (tls->cert.size == 0 && tls->key.size != 0)
        return complain(tls->door, "cert", "is missing, and there is a key", out_error);
    if (tls->cert.size != 0 && tls->key.size == 0)
        return complain(tls->door, "key", "is missing, and there is a certificate", out_error);
    if (tls->cert.size == 0 && tls->client_ca.size != 0)
        return complain(tls->door, "cert", "is missing, without which clients cannot be asked",
                        out_error);
    return 0;
}

static int open_door(struct secure *secure, enum secure_door door, char out_error[256])
{
    struct door_tls *tls = &secure->tls[door];
    struct watch_group group = {
        .paths = {tls->cert.data, tls->key.data, tls->client_ca.data},
        .load = load,
        .changed = changed,
        .looked = looked,
        .context = tls,
    };
    int status = judge(tls, out_error);

    if (status != 0 || tls->cert.size == 0)
        return status;
    status = watch_add(secure->watch, &group, out_error);
    if (status != 0)
        return status == STATUS_NOMEM ? STATUS_NOMEM : STATUS_INVALID;
    looked(tls);
    return 0;
}

static void describe_doors(struct secure *secure)
{
    const struct options *options = secure->options;

    secure->tls[SECURE_DOOR_RECEIVER] = (struct door_tls){
        .cert = options->tls_cert,
        .key = options->tls_key,
        .client_ca = options->tls_client_ca,
        .options.client_may_lack = options->tls_client_auth == CLIENT_AUTH_OPTIONAL,
    };
    secure->tls[SECURE_DOOR_WEB] = (struct door_tls){
        .cert = options->web_tls_cert,
        .key = options->web_tls_key,
        .client_ca = options->web_tls_client_ca,
    };
    for (int door = 0; door < SECURE_DOOR_COUNT; door++) {
        secure->tls[door].secure = secure;
        secure->tls[door].door = (enum secure_door)door;
        secure->tls[door].options.version_min = (enum tls_version)options->tls_min_version;
    }
}

int secure_new(const struct options *options, const struct log *log, char out_error[256],
               struct secure **out_secure)
{
    struct secure *secure = mem_calloc(1, sizeof(*secure));
    int status = STATUS_NOMEM;

    out_error[0] = '\0';
    if (secure == NULL)
        goto out;
    secure->options = options;
    secure->log = log;
    describe_doors(secure);
    status = counters_init(&secure->counters, secure_counter_rows, SECURE_COUNTER_COUNT);
    if (status != 0)
        goto out;
    secure->counters_made = true;
    status = watch_new(options->tls_reload_interval_ns, &secure->watch);
    for (int door = 0; door < SECURE_DOOR_COUNT && status == 0; door++)
        status = open_door(secure, (enum secure_door)door, out_error);
    if (status == 0)
        status = secure_open_auth(secure, out_error);
out:
    if (status != 0) {
        if (out_error[0] == '\0')
            (void)snprintf(out_error, 256, "%s", status_text(status));
        secure_free(secure);
    } else {
        *out_secure = secure;
    }
    return status;
}

int secure_start(struct secure *secure)
{
    return watch_start(secure->watch);
}

void secure_free(struct secure *secure)
{
    if (secure == NULL)
        return;
    watch_free(secure->watch);
    auth_free(secure->auth);
    for (int door = 0; door < SECURE_DOOR_COUNT; door++) {
        if (secure->tls[door].is_on)
            tls_store_release(&secure->tls[door].store);
    }
    if (secure->counters_made)
        counters_release(&secure->counters);
    mem_free(secure);
}

struct server_tls secure_tls(struct secure *secure, enum secure_door door, unsigned protocols)
{
    if (!secure->tls[door].is_on)
        return (struct server_tls){0};
    return (struct server_tls){
        .store = &secure->tls[door].store,
        .protocols = protocols,
        .handshake_timeout_ns = secure->options->tls_handshake_timeout_ns,
        .counters = &secure->counters,
        .outcomes = doors[door].outcomes,
        .deferred = doors[door].deferred,
    };
}

const struct receiver_gate *secure_gate(const struct secure *secure)
{
    return secure->auth != NULL ? &secure->gate : NULL;
}

const struct counters *secure_counters(const struct secure *secure)
{
    return &secure->counters;
}
