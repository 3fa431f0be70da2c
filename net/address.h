/* address.h: where to listen or connect, as users write it.
 * Is:         HOST:PORT, [IPv6]:PORT, unix:PATH or off, parsed; no name is looked up here.
 * Threads:    plain data.
 * Memory:     holds its own copies; 8 KiB at most.
 */
#ifndef SPANMAP_NET_ADDRESS_H
#define SPANMAP_NET_ADDRESS_H

#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

enum address_type { ADDRESS_OFF, ADDRESS_TCP, ADDRESS_UNIX };

struct address {
    enum address_type type;
    char host[256]; /* Without brackets; ADDRESS_TCP only. "localhost" means both loopbacks. */
    uint16_t port;  /* 0: any free one. */
    char path[108]; /* ADDRESS_UNIX only; a socket's path has no more room. */
};

/* On failure out_error gets one sentence that says what is wrong; at most 255 bytes.
 * Returns: 0; STATUS_INVALID. */
MUST_USE int address_parse(struct view text, char out_error[256], struct address *out_address);

#endif
