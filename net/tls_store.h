/* tls_store.h: the certificate that new connections get.
 * Is:         a context that can be exchanged while connections come; those that are there already
 *             keep theirs.
 * Is not:     the one who notices that files have changed (watch.h).
 * Threads:    any; the lock is a leaf, held for an exchange of pointers.
 * Memory:     one reference.
 */
#ifndef SPANMAP_NET_TLS_STORE_H
#define SPANMAP_NET_TLS_STORE_H

#include <pthread.h>

#include "net/tls.h"

struct tls_store {
    pthread_mutex_t lock;
    struct tls_context *context;
};

/* Takes over a reference. */
void tls_store_init(struct tls_store *store, struct tls_context *context);
void tls_store_release(struct tls_store *store);

/* A reference, to be released. */
struct tls_context *tls_store_get(struct tls_store *store);

/* Takes over a reference to what new connections get from now on. */
void tls_store_set(struct tls_store *store, struct tls_context *context);

#endif
