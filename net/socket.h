/* socket.h: sockets that listen, opened from an address.
 * Is:         socket, bind and listen, and names for what was bound; plain system calls.
 * Is not:     a loop; nothing here waits, but for the look-up of a host that is a name.
 * Invariants: all sockets of one address have one port. No SO_REUSEPORT: a port in use is an
 *             error, never shared in silence.
 * Threads:    plain data.
 * Memory:     owns its file descriptors and the path of a Unix socket.
 */
#ifndef SPANMAP_NET_SOCKET_H
#define SPANMAP_NET_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/status.h"
#include "net/address.h"

enum { SOCKETS_MAX = ADDRESS_FDS_MAX };

struct sockets {
    int fds[SOCKETS_MAX]; /* Non-blocking, listening. */
    size_t count;
    char path[108]; /* Unix: what to unlink in the end, while it is still the same file. */
    dev_t device;
    ino_t inode;
};

/* Binds and listens: every address of a host's name, both loopbacks for localhost (::1 may be
 * missing on the machine). A Unix socket's file which nobody answers is replaced; a path that
 * begins with '@' is an abstract one. A Unix socket's file has its rights before anybody can
 * connect. Passed sockets have to be listening stream sockets; they are taken over where it
 * succeeds, and files of theirs are not removed. On failure out_error has one sentence with the address and
 * the reason. Returns: 0; STATUS_SYSTEM. */
MUST_USE int sockets_open(const struct address *address, char out_error[256],
                          struct sockets *out_sockets);

/* Closes them and unlinks the Unix socket's file. */
void sockets_close(struct sockets *sockets);

/* Appends HOST:PORT or unix:PATH as bound; the first of several. Returns: as buf_append(). */
MUST_USE int sockets_name(const struct sockets *sockets, struct buf *out);

#endif
