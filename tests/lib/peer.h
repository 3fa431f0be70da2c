/* peer.h: a client's socket for tests of servers.
 * Is:         blocking, with a time after which the test fails rather than hangs.
 */
#ifndef SPANMAP_TESTS_LIB_PEER_H
#define SPANMAP_TESTS_LIB_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/view.h"
#include "net/address.h"

/* An address as users write it. */
struct address peer_address(const char *text);

/* Connects to HOST:PORT or unix:PATH as a server says it has bound it. */
int peer_connect(struct view bound);

void peer_send(int fd, struct view bytes);

/* Appends what comes until `until` has come, or the other side closes. Whether it came. */
bool peer_read_until(int fd, const char *until, struct buf *out);

/* Until the other side closes. */
void peer_read_all(int fd, struct buf *out);

#endif
