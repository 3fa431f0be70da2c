/* grpc_fields.h: what the fields of a gRPC request say.
 * Threads:    plain functions.
 * Source:     gRPC over HTTP/2, "Requests"; spec OTLP C6-C8.
 */
#ifndef SPANMAP_RECEIVER_GRPC_FIELDS_H
#define SPANMAP_RECEIVER_GRPC_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"
#include "receiver/inflate.h"

enum grpc_encoding {
    GRPC_IDENTITY,
    GRPC_GZIP,
    GRPC_DEFLATE, /* With zlib's wrapper. */
    GRPC_ZSTD,
    GRPC_UNKNOWN_ENCODING,
};

/* What grpc-accept-encoding says. */
#define GRPC_ENCODINGS "identity,gzip,deflate,zstd"

/* "application/grpc", alone or followed by "+proto" or by parameters. */
bool grpc_is_content_type(struct view value);

/* 1 to 8 digits and one of H M S m u n. Returns: 0; STATUS_INVALID. */
MUST_USE int grpc_timeout_parse(struct view value, uint64_t *out_ns);

enum grpc_encoding grpc_encoding_of(struct view value);

/* Of one that is known and packs. */
enum inflate_format grpc_inflate_format(enum grpc_encoding encoding);

#endif
