/* rpc_status.h: a google.rpc.Status, as both transports send it.
 * Is:         a code, a text, and its details: a RetryInfo or a BadRequest.
 * Threads:    plain functions.
 * Source:     googleapis google/rpc/status.proto, error_details.proto; OTLP A14, A17, A18.
 */
#ifndef SPANMAP_RECEIVER_RPC_STATUS_H
#define SPANMAP_RECEIVER_RPC_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"
#include "receiver/grpc_reply.h"

struct rpc_status {
    enum grpc_code code;
    struct view message;     /* What is no UTF-8 is repaired; cut after 1,024 bytes. */
    uint64_t retry_delay_ns; /* Above 0: a RetryInfo. */
    bool is_bad_request;     /* A BadRequest that says the message again. */
};

/* Appends it in either format. Returns: as buf_append(). */
MUST_USE int rpc_status_append(const struct rpc_status *status, enum message_format format,
                               struct buf *out);

/* Appends text inside the quotes of a JSON string; what is no UTF-8 becomes U+FFFD. Returns: as
 * buf_append(). */
int rpc_json_escape(struct view text, struct buf *out);

#endif
