/* http_post.h: requests that we send, one after the other, over a connection that is kept.
 * Is:         POST over HTTP and HTTPS by libcurl, in the calling thread, with a deadline; it can be told to
 *             leave off.
 * Is not:     a queue, nor a judge of what to send again.
 * Invariants: no redirect is followed: it could lead anywhere. Of an answer's body its first line is
 *             read.
 * Threads:    one owner at a time.
 * Memory:     the connection; what is sent is borrowed.
 */
#ifndef SPANMAP_NET_HTTP_POST_H
#define SPANMAP_NET_HTTP_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

enum { HTTP_POST_ERROR_SIZE = 256, HTTP_POST_NUMBERS_MAX = 4 };

/* All texts are borrowed until http_post_new() returns; NULL or empty: none. */
struct http_post_options {
    const char *url;
    const char *token; /* Bearer. */
    const char *username;
    const char *password;
    const char *ca;   /* Path of who signs its certificate; none: those that this system trusts. */
    const char *cert; /* Paths of a certificate of our own, and of its key. */
    const char *key;
    const char *const *headers; /* "Name: value"; ends with NULL. */
    const char *const *numbers; /* Names of an answer's headers that say a number; likewise. */
    uint64_t timeout_ns;
    bool (*is_over)(void *context); /* Asked now and then: leave off. */
    void *context;
};

struct http_post;

struct http_post_answer {
    unsigned code;           /* 0: there was none. */
    bool is_over;            /* It was left off. */
    uint64_t retry_after_ns; /* 0: it does not say. */
    bool has_number[HTTP_POST_NUMBERS_MAX];
    uint64_t numbers[HTTP_POST_NUMBERS_MAX];
    char error
        [HTTP_POST_ERROR_SIZE]; /* A sentence, or what the answer says, where it is none of 2xx. */
};

/* On failure out_error has one sentence.
 * Returns: 0; STATUS_INVALID (no such address); STATUS_NOMEM. */
MUST_USE int http_post_new(const struct http_post_options *options,
                           char out_error[HTTP_POST_ERROR_SIZE], struct http_post **out_post);
void http_post_free(struct http_post *post);

/* Sends and waits for the answer, whatever it is. */
void http_post_send(struct http_post *post, struct view body, struct http_post_answer *out_answer);

#endif
