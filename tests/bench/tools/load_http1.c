/* load_http1.c: OTLP/HTTP with protobuf over HTTP/1.1, one request after the other on a connection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "tests/bench/tools/load.h"

enum { HEAD_MAX = 512 };

static void fill(struct connection *connection)
{
    struct load *load = connection->load;
    struct slot *slot = &connection->slots[0];
    char *head;
    int size;

    if (slot->payload == NULL || slot->is_head_sent)
        return;
    head = turn_head(&load->turn, HEAD_MAX);
    size = snprintf(head, HEAD_MAX,
                    "POST /v1/traces HTTP/1.1\r\nHost: %s\r\n"
                    "User-Agent: OTel OTLP Exporter Go/1.43.0\r\nContent-Length: %zu\r\n%s"
                    "Content-Type: application/x-protobuf\r\n\r\n",
                    load->options.host, slot->payload->size,
                    load->options.is_gzip ? "Content-Encoding: gzip\r\n" : "");
    CHECK(size > 0 && size < HEAD_MAX);
    turn_add(&load->turn, head, (size_t)size);
    turn_add(&load->turn, slot->payload->data, slot->payload->size);
    slot->is_head_sent = true;
}

/* Bytes of the body, by the head; it is small and of a known length. */
static size_t body_size(struct view head)
{
    static const char name[] = "content-length:";

    for (size_t at = 0; at + sizeof(name) < head.size; at++)
        if (strncasecmp(head.data + at, name, sizeof(name) - 1) == 0)
            return strtoul(head.data + at + sizeof(name) - 1, NULL, 10);
    load_die("an answer without a length", NULL);
}

static void receive(struct connection *connection, struct view bytes)
{
    struct buf *partly = &connection->partly;
    const char *end;
    size_t head, body;
    int status;

    CHECK(buf_append_view(partly, bytes) == 0);
    end = memmem(partly->data, partly->size, "\r\n\r\n", 4);
    if (end == NULL)
        return;
    head = (size_t)(end - partly->data) + 4;
    body = body_size((struct view){partly->data, head});
    if (partly->size < head + body)
        return;
    status = (int)strtol(partly->data + strlen("HTTP/1.1 "), NULL, 10);
    buf_consume(partly, head + body);
    if (status != 200 && status != 503 && status != 429) {
        (void)fprintf(stderr, "load: HTTP status %d\n", status);
        exit(1);
    }
    load_answer(connection, &connection->slots[0], status == 200);
}

static void open_http(struct connection *connection)
{
    connection->slots_count = 1;
    connection->is_ready = true;
}

static void close_http(struct connection *connection)
{
    (void)connection;
}

const struct protocol load_http1 = {open_http, fill, receive, close_http};
