/* secure_priv.h: what secure.c and secure_auth.c share. */
#ifndef SPANMAP_ENGINE_SECURE_PRIV_H
#define SPANMAP_ENGINE_SECURE_PRIV_H

#include "engine/secure.h"
#include "net/tls.h"
#include "net/tls_store.h"
#include "net/watch.h"
#include "receiver/auth.h"

enum { SECURE_USERS_MAX = 256 };

struct door_tls {
    struct secure *secure;
    enum secure_door door;
    struct view cert;
    struct view key;
    struct view client_ca;
    struct tls_options options;
    struct tls_store store;
    bool is_on;
};

struct secure {
    const struct options *options;
    const struct log *log;
    struct counters counters;
    bool counters_made;
    struct watch *watch;
    struct door_tls tls[SECURE_DOOR_COUNT];
    struct auth *auth; /* NULL: everybody may send. */
    struct receiver_gate gate;
    uint32_t users[SECURE_USERS_MAX];
};

/* Reads what the options of auth name. Returns: as secure_new(). */
MUST_USE int secure_open_auth(struct secure *secure, char out_error[256]);

#endif
