/* h2_fixture.h: an HTTP/2 session, a peer that writes its frames by hand, and events that note all.
 * Is: what the tests of net/h2 share; a test includes it once and has all of it.
 */
#ifndef SPANMAP_TESTS_LIB_H2_FIXTURE_H
#define SPANMAP_TESTS_LIB_H2_FIXTURE_H

#include <string.h>

#include "net/h2.h"
#include "tests/lib/h2_peer.h"
#include "tests/lib/test.h"

enum { WINDOW = 100000, HEADER_LIST_MAX = 1000 };

struct fixture {
    struct h2 *h2;
    struct h2_peer peer;
    struct mono_time now;
    int status;
    struct buf notes; /* One letter an event. */
    struct buf data;
    struct h2_stream *stream; /* The last that had its fields. */
    bool refuses;
    bool keeps_credit;
    int refused; /* Streams of which on_refused told. */
};

static inline void note(struct fixture *on, char letter)
{
    assert_int_equal(buf_append_byte(&on->notes, letter), 0);
}

static inline int on_begin(void *context, struct h2_stream *stream)
{
    struct fixture *on = context;

    if (on->refuses)
        return STATUS_FULL;
    stream->user = on;
    note(on, 'b');
    return 0;
}

static inline void on_field(void *context, struct h2_stream *stream, struct h2_field field)
{
    assert_ptr_equal(stream->user, context);
    assert_true(field.name.size != 0);
    note(context, 'f');
}

static inline void on_fields_end(void *context, struct h2_stream *stream)
{
    struct fixture *on = context;

    on->stream = stream;
    note(on, stream->is_header_list_too_large ? 'L' : 'h');
}

static inline void on_data(void *context, struct h2_stream *stream, struct view data)
{
    struct fixture *on = context;

    note(on, 'd');
    assert_int_equal(buf_append_view(&on->data, data), 0);
    if (!on->keeps_credit)
        h2_return(stream);
}

static inline void on_end(void *context, struct h2_stream *stream)
{
    assert_true(stream->is_input_done);
    note(context, 'e');
}

static inline void on_close(void *context, struct h2_stream *stream)
{
    struct fixture *on = context;

    assert_ptr_equal(stream->user, on);
    if (on->stream == stream)
        on->stream = NULL;
    note(on, 'c');
}

static inline void on_refused(void *context)
{
    ((struct fixture *)context)->refused++;
}

static const struct h2_events events = {
    .on_begin = on_begin,
    .on_field = on_field,
    .on_fields_end = on_fields_end,
    .on_data = on_data,
    .on_end = on_end,
    .on_close = on_close,
    .on_refused = on_refused,
};

static inline struct h2_options options_of(struct fixture *on)
{
    return (struct h2_options){
        .events = &events,
        .context = on,
        .streams_max = 10,
        .stream_window = WINDOW,
        .connection_window = 2 * WINDOW,
        .frame_size_max = 20000,
        .header_list_max = HEADER_LIST_MAX,
        .guard = h2_guard_defaults,
        .keepalive_ns = 60 * NS_PER_S,
        .keepalive_timeout_ns = 20 * NS_PER_S,
    };
}

static inline void hear(struct fixture *on)
{
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(h2_send(on->h2, on->now, 1 << 20, &out), 0);
    h2_peer_read(&on->peer, buf_view(&out));
    buf_release(&out);
}

static inline void run(struct fixture *on)
{
    struct buf said = on->peer.out;

    buf_init(&on->peer.out, 0);
    if (on->status == 0)
        on->status = h2_receive(on->h2, buf_view(&said), on->now);
    buf_release(&said);
    hear(on);
}

/* The peer knows of our SETTINGS, but we do not know that it does. */
static inline void start_unsettled(struct fixture *on)
{
    struct h2_options options = options_of(on);

    memset(on, 0, sizeof(*on));
    on->now.ns = NS_PER_S;
    h2_peer_init(&on->peer);
    assert_int_equal(h2_new(&options, on->now, &on->h2), 0);
    assert_false(h2_is_greeted(on->h2));
    run(on);
    assert_true(h2_is_greeted(on->h2));
}

static inline void start(struct fixture *on)
{
    start_unsettled(on);
    run(on);
}

static inline void stop(struct fixture *on)
{
    h2_free(on->h2);
    h2_peer_release(&on->peer);
    buf_release(&on->notes);
    buf_release(&on->data);
}

static const struct h2_field get[] = {
    {VIEW(":method"), VIEW("GET")},
    {VIEW(":scheme"), VIEW("http")},
    {VIEW(":authority"), VIEW("a")},
    {VIEW(":path"), VIEW("/")},
};

static inline void open(struct fixture *on, uint32_t stream, unsigned flags)
{
    h2_peer_headers(&on->peer, stream, get, 4, flags | H2_END_HEADERS);
}

static const struct h2_field ok[] = {{VIEW(":status"), VIEW("200")}};

#endif
