/* load_tls.c: the same bytes over TLS. The server's certificate is not looked at: this is a load. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/check.h"
#include "tests/bench/tools/load.h"

static const unsigned char alpn_h2[] = "\2h2";
static const unsigned char alpn_http[] = "\10http/1.1";

_Noreturn static void die(const char *what)
{
    load_die(what, ERR_reason_error_string(ERR_peek_last_error()));
}

SSL_CTX *load_tls_context(const struct load_options *options)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    bool is_h2 = options->protocol == LOAD_GRPC;

    CHECK(context != NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    CHECK(SSL_CTX_set_alpn_protos(context, is_h2 ? alpn_h2 : alpn_http,
                                  is_h2 ? sizeof(alpn_h2) - 1 : sizeof(alpn_http) - 1) == 0);
    return context;
}

void load_tls_open(struct connection *connection, SSL_CTX *context)
{
    connection->tls = SSL_new(context);
    CHECK(connection->tls != NULL && SSL_set_fd(connection->tls, connection->fd) == 1);
    if (SSL_connect(connection->tls) != 1)
        die("the handshake failed");
}

/* As of send() and recv(). */
static ssize_t result_of(struct connection *connection, int done, size_t size)
{
    int error;

    if (done > 0)
        return (ssize_t)size;
    error = SSL_get_error(connection->tls, done);
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        die("TLS failed");
    errno = EAGAIN;
    return -1;
}

ssize_t load_tls_send(struct connection *connection, const void *data, size_t size)
{
    size_t sent = 0;
    int done = SSL_write_ex(connection->tls, data, size, &sent);

    return result_of(connection, done, sent);
}

ssize_t load_tls_receive(struct connection *connection, void *data, size_t size)
{
    size_t received = 0;
    int done = SSL_read_ex(connection->tls, data, size, &received);

    return result_of(connection, done, received);
}

void load_tls_close(struct connection *connection)
{
    (void)SSL_shutdown(connection->tls);
    SSL_free(connection->tls);
}
