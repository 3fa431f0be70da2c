/* tls_store.c: one pointer and its lock. */
#include "net/tls_store.h"

#include <stddef.h>

void tls_store_init(struct tls_store *store, struct tls_context *context)
{
    (void)pthread_mutex_init(&store->lock, NULL);
    store->context = context;
}

void tls_store_release(struct tls_store *store)
{
    tls_context_release(store->context);
    store->context = NULL;
    (void)pthread_mutex_destroy(&store->lock);
}

struct tls_context *tls_store_get(struct tls_store *store)
{
    struct tls_context *context;

    (void)pthread_mutex_lock(&store->lock);
    context = tls_context_ref(store->context);
    (void)pthread_mutex_unlock(&store->lock);
    return context;
}

void tls_store_set(struct tls_store *store, struct tls_context *context)
{
    struct tls_context *old;

    (void)pthread_mutex_lock(&store->lock);
    old = store->context;
    store->context = context;
    (void)pthread_mutex_unlock(&store->lock);
    tls_context_release(old);
}
