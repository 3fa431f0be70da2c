/* reply.h: what an answer of the web door says beside its body.
 * Is:         codes for statuses, gzip for who likes it, and 304 for who has the body already.
 * Threads:    plain data.
 */
#ifndef SPANMAP_EXPORTERS_REPLY_H
#define SPANMAP_EXPORTERS_REPLY_H

#include <stdbool.h>

#include "exporters/assets.h"
#include "exporters/deflate.h"
#include "exporters/deflate_pack.h"
#include "exporters/exporter.h"
#include "exporters/negotiate.h"
#include "net/http_server.h"

#define REPLY_TEXT_TYPE "text/plain; charset=utf-8"

/* A sentence in place of the body. */
void reply_say(struct http_reply *reply, unsigned code, const char *sentence);

/* Lines, each ended by CR LF. */
void reply_header(struct http_reply *reply, const char *lines);

/* What an exporter's refusal is in HTTP. */
void reply_refuse(struct http_reply *reply, int status, const char *sentence);

/* Compresses the body where the client likes that and it pays. A failure leaves it as it is. */
void reply_compress(const struct http_request *request, enum deflate_effort effort,
                    struct http_reply *reply);

/* The body that is there. */
void reply_answer_json(const struct http_request *request, struct http_reply *reply);

/* Says 304 and is true where the client has this body already. */
bool reply_is_known(const struct http_request *request, const struct etag *etag,
                    struct http_reply *reply);

/* The body, of which a pack has taken in the beginning, becomes the whole of it packed.
 * Returns: 0; STATUS_NOMEM; STATUS_TOO_LARGE. */
MUST_USE int reply_take_packed(struct http_reply *reply, struct deflate_pack *pack,
                               char out_error[256]);

#endif
