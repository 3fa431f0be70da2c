/* connection_tls.c: a connection's handshake.
 *
 * Before it is done there is no protocol behind the connection, and before the first byte came no
 * memory of OpenSSL's. A turn of the loop spends at most turn_ns on handshakes; those that
 * are left over wait for the next, behind all connections that have something to say. So a flood
 * of handshakes slows others down, but does not stop them.
 */
#include "net/connection_priv.h"

enum alpn connection_alpn(const struct connection *connection)
{
    return connection->tls != NULL ? tls_session_alpn(connection->tls) : ALPN_NONE;
}

const struct tls_names *connection_names(const struct connection *connection)
{
    static const struct tls_names none = {NULL, 0};

    return connection->tls != NULL ? tls_session_names(connection->tls) : &none;
}

static const struct server_tls *tls_of(const struct connection *connection)
{
    return &connection->thread->server->options.tls;
}

bool connection_is_to_be_sealed(const struct connection *connection)
{
    const struct server_tls *tls = tls_of(connection);

    return tls->store != NULL &&
           (connection->door >= 32 || (tls->plain_doors >> connection->door & 1) == 0);
}

void connection_count_greeting(const struct connection *connection, enum tls_outcome outcome)
{
    const struct server_tls *tls = tls_of(connection);

    if (tls->counters != NULL)
        counters_add(tls->counters, tls->outcomes + outcome, 1);
}

bool connection_is_deferred(const struct connection *connection)
{
    const struct server_tls *tls = tls_of(connection);

    if (connection->phase != PHASE_GREETING || connection->thread->greetings_ns < tls->turn_ns)
        return false;
    if (tls->counters != NULL)
        counters_add(tls->counters, tls->deferred, 1);
    return true;
}

/* Returns: 0; STATUS_NOMEM. */
static int start_greeting(struct connection *connection)
{
    const struct server_tls *tls = tls_of(connection);
    struct tls_context *context = tls_store_get(tls->store);
    int status = tls_session_new(context, tls->protocols, &connection->tls);

    tls_context_release(context);
    return status;
}

int connection_greet(struct connection *connection, struct view bytes, struct mono_time now)
{
    struct server_thread *thread = connection->thread;
    struct mono_time begin = clock_mono();
    int status = connection->tls == NULL ? start_greeting(connection) : 0;

    if (connection->tls == NULL) {
        connection->phase = PHASE_ENDING;
        connection_count_greeting(connection, TLS_NO_MEMORY);
        return status;
    }
    status = tls_session_receive(connection->tls, bytes, &thread->plain, &connection->left);
    thread->greetings_ns += clock_mono().ns - begin.ns;
    if (!tls_session_is_ready(connection->tls) && status == 0)
        return 0;
    connection_count_greeting(connection, tls_session_outcome(connection->tls));
    connection->phase = PHASE_ENDING;
    if (tls_session_is_ready(connection->tls)) {
        int opened = connection_open(connection, now);

        if (opened != 0)
            return opened;
    }
    return status;
}
