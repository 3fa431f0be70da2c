/* http_fixture.h: a session without a socket that serves OTLP/HTTP, and the bytes of an HTTP/1 client.
 * Is:         methods behind /v1/traces (served) and /v1/logs (refused), which note what they were
 *             called with and answer as the fixture says.
 * Memory:     running out of it ends the test.
 */
#ifndef SPANMAP_TESTS_LIB_HTTP_FIXTURE_H
#define SPANMAP_TESTS_LIB_HTTP_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "receiver/receiver_counters.h"
#include "receiver/session.h"

enum { HTTP_MESSAGE_MAX = 100000, HTTP_BODY_BYTES_MAX = 1000000 };

struct http_fixture {
    struct grpc_method methods[2];
    struct session_shared shared;
    struct session_opening opening;
    struct session_worker worker;
    struct counters counters;
    struct session *session;
    struct mono_time now;
    int status;     /* Of the last that came in, or went out. */
    struct buf out; /* All that was said since it was last reset. */
    /* What the method saw, and what it answers. */
    size_t calls;
    size_t size;
    char first;
    enum message_format format;
    enum grpc_code code;
    uint64_t retry_delay_ns;
    const char *message;
    const char *body;
};

/* What a call of the served method takes: so many bytes for each of its message. */
enum { HTTP_MEMORY_TIMES = 20 };

void http_start(struct http_fixture *on);
void http_stop(struct http_fixture *on); /* Nothing may be held any more. */

/* Ends the session, and begins another. */
void http_restart(struct http_fixture *on);

/* Bytes in, in pieces of at most `piece`, as long as they are wanted; what is said comes out. */
void http_send_pieces(struct http_fixture *on, struct view bytes, size_t piece);
void http_send(struct http_fixture *on, const char *text);
void http_tick(struct http_fixture *on, uint64_t passed_ns);

/* A POST to /v1/traces with its length, `fields` (each ended by CR LF) and body. */
void http_post(struct http_fixture *on, const char *fields, struct view body);

uint64_t http_counted(const struct http_fixture *on, enum receiver_counter which);

/* What was said since the last of these begins with "HTTP/1.1 `status` ", and has each of the texts
 * (the last is NULL); it is reset. */
void assert_http(struct http_fixture *on, unsigned status, ...);

/* So many bytes of 'w'. */
struct view http_fill(char *body, size_t size);

/* `size` bytes of `byte`, packed: as zlib (window_bits 15) or gzip (31). */
struct view http_pack_zlib(int window_bits, size_t size, char byte, char *out, size_t room);

#endif
