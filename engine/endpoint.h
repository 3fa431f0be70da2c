/* endpoint.h: where telemetry is sent on to, as users write it.
 * Is:         HOST:PORT, http://HOST:PORT, https://HOST:PORT or unix:PATH, parsed; no name is looked up.
 * Threads:    plain data.
 */
#ifndef SPANMAP_ENGINE_ENDPOINT_H
#define SPANMAP_ENGINE_ENDPOINT_H

#include <stdbool.h>

#include "base/status.h"
#include "base/view.h"
#include "net/address.h"

enum { ENDPOINT_TARGET_SIZE = 512 };

struct endpoint {
    bool has_tls;
    struct address address;            /* ADDRESS_TCP or ADDRESS_UNIX. */
    char target[ENDPOINT_TARGET_SIZE]; /* In the syntax of gRPC. */
};

/* On failure out_error gets one sentence; at most 255 bytes. Returns: 0; STATUS_INVALID. */
MUST_USE int endpoint_parse(struct view text, char out_error[256], struct endpoint *out_endpoint);

/* Whether who listens at `own`, with the port as bound, is surely what the endpoint means: what is sent
 * there comes back. */
bool endpoint_is_at(const struct endpoint *endpoint, const struct address *own);

#endif
