/* http_uri.h: percent-decoding, and the parts of a request's target.
 * Threads:    plain functions.
 * Source:     RFC 3986; WHATWG URL, application/x-www-form-urlencoded.
 */
#ifndef SPANMAP_NET_HTTP_URI_H
#define SPANMAP_NET_HTTP_URI_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"

/* Appends `text` with %XX decoded, and with '+' as a space where `plus_is_space`. Returns: 0;
 * STATUS_INVALID (a percent sign without two hexadecimal digits); else as buf_append(). */
MUST_USE int http_uri_decode(struct view text, bool plus_is_space, struct buf *out);

/* Whether a Host field's value, with or without a port, is an IP address, localhost, or one of
 * `names`; "*" among them is any. */
bool http_host_is_ours(struct view host, const struct view *names, size_t names_count);

#endif
