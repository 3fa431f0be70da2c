/* secure_auth.c: who may send, from the options and from the files that they name. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/secure_counters.h"
#include "engine/secure_priv.h"
#include "engine/users.h"
#include "net/address.h"

/* ----------------------------------------------------------------------- loading */

static int load_tokens(void *context, const struct view contents[WATCH_FILES_MAX],
                       char out_error[256])
{
    char reason[256] = "";
    int status = auth_set_tokens(((struct secure *)context)->auth, contents[0], reason);

    if (status != 0)
        (void)snprintf(out_error, 256, "auth.token_file: %.200s",
                       reason[0] != '\0' ? reason : status_text(status));
    return status;
}

static int load_passwords(void *context, const struct view contents[WATCH_FILES_MAX],
                          char out_error[256])
{
    char reason[256] = "";
    int status = auth_set_passwords(((struct secure *)context)->auth, contents[0], reason);

    if (status != 0)
        (void)snprintf(out_error, 256, "auth.password_file: %.200s",
                       reason[0] != '\0' ? reason : status_text(status));
    return status;
}

static void tell(struct secure *secure, const char *what, int status, const char *error)
{
    if (status == 0)
        LOG(secure->log, LOG_INFO, "credentials read anew", LOG_TEXT("file", what), LOG_END);
    else
        LOG(secure->log, LOG_WARN, "credentials not read anew; the old ones stay in force",
            LOG_TEXT("file", what), LOG_TEXT("error", error), LOG_END);
}

static void tokens_changed(void *context, int status, const char *error)
{
    struct secure *secure = context;

    counters_add(&secure->counters, status == 0 ? SECURE_TOKENS_LOADED : SECURE_TOKENS_NOT_LOADED,
                 1);
    tell(secure, "tokens", status, error);
}

static void passwords_changed(void *context, int status, const char *error)
{
    struct secure *secure = context;

    counters_add(&secure->counters,
                 status == 0 ? SECURE_PASSWORDS_LOADED : SECURE_PASSWORDS_NOT_LOADED, 1);
    tell(secure, "passwords", status, error);
}

static int open_file(struct secure *secure, const struct watch_group *group, char out_error[256])
{
    int status;

    if (group->paths[0] == NULL || group->paths[0][0] == '\0')
        return 0;
    status = watch_add(secure->watch, group, out_error);
    return status != 0 && status != STATUS_NOMEM ? STATUS_INVALID : status;
}

/* ------------------------------------------------------------------------- users */

static int find_users(struct secure *secure, char out_error[256])
{
    const struct option_texts *users = &secure->options->auth_unix_users;

    for (size_t i = 0; i < users->count && i < SECURE_USERS_MAX; i++) {
        if (user_find(users->items[i].data, &secure->users[i]) == 0)
            continue;
        (void)snprintf(out_error, 256, "auth.unix_users: there is no user '%.100s' here",
                       users->items[i].data);
        return STATUS_INVALID;
    }
    return 0;
}

/* -------------------------------------------------------------------------- gate */

static enum gate_verdict judge(void *context, struct connection *connection,
                               struct view authorization)
{
    struct secure *secure = context;
    struct auth_peer peer = {.names = NULL};

    if (connection != NULL) {
        peer.names = connection_names(connection);
        if (secure->options->auth_unix_users.count != 0)
            peer.has_user = connection_uid(connection, &peer.user);
    }
    return auth_judge(secure->auth, &peer, authorization, clock_mono());
}

/* Whether only this machine reaches it. Of a name that is not `localhost` nobody knows. */
static bool is_near(struct view text)
{
    struct address address;
    struct in6_addr ip6;
    struct in_addr ip4;
    char error[256];

    if (address_parse(text, error, &address) != 0 || address.type != ADDRESS_TCP)
        return true;
    if (inet_pton(AF_INET, address.host, &ip4) == 1)
        return ntohl(ip4.s_addr) >> 24 == IN_LOOPBACKNET;
    if (inet_pton(AF_INET6, address.host, &ip6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&ip6);
    return strcmp(address.host, "localhost") == 0;
}

static void warn_of_plain_doors(const struct secure *secure)
{
    const struct options *options = secure->options;

    bool is_plain = options->tls_cert.size == 0;

    if (((is_plain || options->tls_doors == TLS_DOORS_HTTP) && !is_near(options->listen_grpc)) ||
        ((is_plain || options->tls_doors == TLS_DOORS_GRPC) && !is_near(options->listen_http)))
        LOG(secure->log, LOG_WARN, "credentials will come over the network unencrypted",
            LOG_TEXT("reason", is_plain ? "tls.cert is not set" : "tls.doors leaves a door out"),
            LOG_END);
}

int secure_open_auth(struct secure *secure, char out_error[256])
{
    const struct options *options = secure->options;
    struct auth_options auth = {
        .takes_tokens = options->auth_token.size != 0 || options->auth_token_file.size != 0,
        .takes_passwords = options->auth_password_file.size != 0,
        .token = options->auth_token,
        .names = options->auth_client_names.items,
        .names_count = options->auth_client_names.count,
        .users = secure->users,
        .users_count = options->auth_unix_users.count,
        .counters = &secure->counters,
        .outcomes = SECURE_AUTH_TOKEN,
    };
    struct watch_group tokens = {.paths = {options->auth_token_file.data},
                                 .load = load_tokens,
                                 .changed = tokens_changed,
                                 .context = secure};
    struct watch_group passwords = {.paths = {options->auth_password_file.data},
                                    .load = load_passwords,
                                    .changed = passwords_changed,
                                    .context = secure};
    int status;

    if (auth.names_count != 0 && options->tls_client_ca.size == 0) {
        (void)snprintf(out_error, 256,
                       "auth.client_names: needs tls.client_ca, by which the names "
                       "are verified");
        return STATUS_INVALID;
    }
    if (!auth.takes_tokens && !auth.takes_passwords && auth.names_count == 0 &&
        auth.users_count == 0)
        return 0;
    status = find_users(secure, out_error);
    if (status == 0)
        status = auth_new(&auth, &secure->auth);
    if (status == 0)
        status = open_file(secure, &tokens, out_error);
    if (status == 0)
        status = open_file(secure, &passwords, out_error);
    if (status != 0)
        return status;
    secure->gate = (struct receiver_gate){judge, secure, auth_challenge(secure->auth)};
    if (auth.takes_tokens || auth.takes_passwords)
        warn_of_plain_doors(secure);
    return 0;
}
