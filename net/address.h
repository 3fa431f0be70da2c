/* address.h: where to listen or connect, as users write it.
 * Is:         HOST:PORT, [IPv6]:PORT, unix:PATH, fd:NAME or off, parsed; no name is looked up here.
 * Threads:    plain data.
 * Memory:     holds its own copies; 8 KiB at most.
 */
#ifndef SPANMAP_NET_ADDRESS_H
#define SPANMAP_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

enum address_type { ADDRESS_OFF, ADDRESS_TCP, ADDRESS_UNIX, ADDRESS_PASSED };

enum { ADDRESS_FDS_MAX = 8 };

/* Of a Unix socket's file, where something else is wanted than the process would make. */
struct address_rights {
    bool has_mode;
    bool has_owner;
    bool has_group;
    uint32_t mode;
    uint32_t owner;
    uint32_t group;
};

struct address {
    enum address_type type;
    char host[256]; /* Without brackets; ADDRESS_TCP only. "localhost" means both loopbacks. */
    uint16_t port;  /* 0: any free one. */
    char path[108]; /* ADDRESS_UNIX: a socket's path has no more room. ADDRESS_PASSED: the name. */
    struct address_rights rights; /* ADDRESS_UNIX only; zeroed by address_parse(). */
    /* ADDRESS_PASSED only: listening sockets that somebody else opened; set by who knows them. */
    int fds[ADDRESS_FDS_MAX];
    size_t fds_count;
};

/* On failure out_error gets one sentence that says what is wrong; at most 255 bytes.
 * Returns: 0; STATUS_INVALID. */
MUST_USE int address_parse(struct view text, char out_error[256], struct address *out_address);

#endif
