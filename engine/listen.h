/* listen.h: where the doors are, from the options.
 * Is:         an address with what belongs to it: the rights of a Unix socket's file, or the sockets
 *             that were passed to this process by that name.
 * Is not:     a reader of the environment (daemon/passed.h).
 * Threads:    pure functions.
 */
#ifndef SPANMAP_ENGINE_LISTEN_H
#define SPANMAP_ENGINE_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/view.h"
#include "engine/options.h"
#include "net/address.h"

/* A listening socket that this process was given; of its giver's making. */
struct passed_socket {
    const char *name; /* Borrowed; several may have the same. */
    int fd;
    bool is_used; /* A door is there. */
};

struct passed_sockets {
    struct passed_socket *list;
    size_t count;
};

/* `text` is the value of an option of listen. On failure out_error has one sentence, which names
 * the option where one is to blame. Returns: 0; STATUS_INVALID; STATUS_FULL. */
MUST_USE int listen_address(const struct options *options, struct passed_sockets passed,
                            struct view text, char out_error[256], struct address *out_address);

/* "0660", of octal digits. Returns: 0; STATUS_INVALID. */
MUST_USE int listen_mode(struct view text, uint32_t *out_mode);

#endif
