/* h2_client.h: the client's side of one HTTP/2 connection, without I/O.
 * Is:         requests in, bytes out; bytes in, events out.
 * Is not:     a knowledge of what the streams carry, and no reconnecting.
 * Invariants: each request that was taken ends with on_close, once; no event comes for it
 *             afterwards. A response's body is taken as fast as it comes: its bound is its taker's.
 * Threads:    one at a time.
 * Memory:     what nghttp2 keeps (through base/mem); bodies of requests are borrowed until on_close.
 * Source:     RFC 9113.
 */
#ifndef SPANMAP_NET_H2_CLIENT_H
#define SPANMAP_NET_H2_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/view.h"
#include "net/h2.h"

struct h2_client;

struct h2_client_events {
    /* Of the response's head and of its trailers alike. */
    void (*on_field)(void *context, int32_t stream, struct h2_field field);
    void (*on_data)(void *context, int32_t stream, struct view data);
    /* The stream is over; H2_NO_ERROR: as it should be. H2_REFUSED_STREAM: nothing was done. */
    void (*on_close)(void *context, int32_t stream, uint32_t error);
};

struct h2_request {
    const struct h2_field *fields; /* Copied; pseudo fields first. */
    size_t fields_count;           /* At most 16. */
    struct view head;              /* The body, in two pieces. */
    struct view body;
};

/* `events` is borrowed. Returns: 0; STATUS_NOMEM. */
MUST_USE int h2_client_new(const struct h2_client_events *events, void *context,
                           struct h2_client **out_client);

/* Closes the streams that are left, with on_close. */
void h2_client_free(struct h2_client *client);

/* Whether a request would be taken: not so after a GOAWAY. */
bool h2_client_is_open(const struct h2_client *client);

/* Whether the connection can be closed: both sides have said goodbye, or one failed the other. */
bool h2_client_is_over(const struct h2_client *client);

/* Whether the peer broke HTTP/2's rules, or does not speak it at all. */
bool h2_client_is_faulty(const struct h2_client *client);

/* Returns: 0; STATUS_CLOSED; STATUS_NOMEM. */
MUST_USE int h2_client_request(struct h2_client *client, const struct h2_request *request,
                               int32_t *out_stream);

/* Takes bytes in. Returns: 0, and then look at h2_client_is_over(); STATUS_NOMEM (the connection
 * cannot go on). */
MUST_USE int h2_client_receive(struct h2_client *client, struct view bytes);

/* Appends what is to be sent, until `enough` bytes were appended or there is no more. Returns: 0;
 * STATUS_NOMEM (the connection cannot go on). */
MUST_USE int h2_client_send(struct h2_client *client, size_t enough, struct buf *out);

#endif
