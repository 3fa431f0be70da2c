/* http_head.h: what the head of an OTLP/HTTP request says.
 * Is:         a few marks, taken from the fields one by one; of either HTTP version.
 * Is not:     a judgement on them (http_call.c).
 * Threads:    plain data.
 * Memory:     owns copies of two fields of browsers', taken only where `keeps_origin` is set.
 * Source:     OTLP A17-A21, A36; RFC 9110.
 */
#ifndef SPANMAP_RECEIVER_HTTP_HEAD_H
#define SPANMAP_RECEIVER_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/view.h"

enum http_method {
    HTTP_METHOD_OTHER,
    HTTP_METHOD_POST,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_GET,
};

enum http_type { HTTP_TYPE_NONE, HTTP_TYPE_PROTOBUF, HTTP_TYPE_JSON, HTTP_TYPE_OTHER };

enum http_coding {
    HTTP_CODING_IDENTITY,
    HTTP_CODING_GZIP,
    HTTP_CODING_DEFLATE,
    HTTP_CODING_ZSTD,
    HTTP_CODING_OTHER, /* Or several. */
};

struct http_head {
    enum http_method method;
    enum http_type type;
    enum http_coding coding;
    bool keeps_origin;
    bool asks_method; /* Access-Control-Request-Method came: a browser's preflight. */
    bool expects_continue;
    bool expects_other;
    bool has_length;
    uint64_t length; /* By Content-Length. */
    struct buf origin;
    struct buf asked_fields; /* Access-Control-Request-Headers. */
};

void http_head_init(struct http_head *head, bool keeps_origin);
void http_head_release(struct http_head *head);

/* Takes one field, whose name is in lower case; also HTTP/2's :method. */
void http_head_field(struct http_head *head, struct view name, struct view value);

/* A path without its query. */
struct view http_path_of(struct view target);

#endif
