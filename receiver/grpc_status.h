/* grpc_status.h: a status as the fields of gRPC's trailers.
 * Is:         grpc-message percent-encoded; grpc-status-details-bin, a google.rpc.Status with a
 *             RetryInfo, packed by protobuf-c and written in base64.
 * Threads:    plain functions.
 * Source:     gRPC over HTTP/2, "Responses"; spec OTLP A14-A16, C11.
 */
#ifndef SPANMAP_RECEIVER_GRPC_STATUS_H
#define SPANMAP_RECEIVER_GRPC_STATUS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"
#include "receiver/grpc_reply.h"

/* The code in decimal, "0" to "16". */
struct view grpc_code_digits(enum grpc_code code);

/* Bytes other than 0x20 to 0x7e, and the percent sign, as %XX; cut after 1,024 bytes of output.
 * Returns: as buf_append(). */
MUST_USE int grpc_message_encode(struct view message, struct buf *out);

/* The value of grpc-status-details-bin. Returns: as buf_append(). */
MUST_USE int grpc_details_encode(enum grpc_code code, struct view message, uint64_t retry_delay_ns,
                                 struct buf *out);

#endif
