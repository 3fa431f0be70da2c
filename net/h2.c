/* h2.c: nghttp2's callbacks turned into events, and its session's life.
 *
 * nghttp2 does frames, HPACK, stream states and flow control. What it leaves to its user is here:
 * the header list's limit, floods (h2_guard.h), and when credit is given back. Windows are never
 * updated by themselves: a body that nobody takes stops its sender.
 */
#include "net/h2.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/h2_priv.h"

enum { FIELD_OVERHEAD = 32 };

static const uint64_t announce_ns = NS_PER_S; /* For a PING that nobody answers. */
static const uint8_t shutdown_ping[8] = {'s', 'h', 'u', 't', 'd', 'o', 'w', 'n'};
static const uint8_t keepalive_ping[8] = {'a', 'r', 'e', ' ', 'y', 'o', 'u', '?'};

/* ------------------------------------------------------------------------ streams */

/* Each field asks for it. */
static struct h2_stream *find_stream(struct h2 *h2, int32_t id)
{
    if (h2->recent == NULL || h2->recent->id != id)
        h2->recent = nghttp2_session_get_stream_user_data(h2->session, id);
    return h2->recent;
}

static struct h2_stream *add_stream(struct h2 *h2, int32_t id)
{
    struct h2_stream *stream = h2_mem_calloc(1, sizeof(*stream), &h2->mem);

    if (stream == NULL)
        return NULL;
    stream->h2 = h2;
    stream->id = id;
    stream->next = h2->streams;
    stream->link = &h2->streams;
    if (stream->next != NULL)
        stream->next->link = &stream->next;
    h2->streams = stream;
    h2->streams_count++;
    return stream;
}

static void remove_stream(struct h2_stream *stream)
{
    struct h2 *h2 = stream->h2;

    if (h2->recent == stream)
        h2->recent = NULL;
    *stream->link = stream->next;
    if (stream->next != NULL)
        stream->next->link = stream->link;
    h2->streams_count--;
    buf_release(&stream->output);
    h2_mem_free(stream, &h2->mem);
}

/* ---------------------------------------------------------------------- callbacks */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct h2 *h2 = context;
    struct h2_stream *stream;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    stream = add_stream(h2, frame->hd.stream_id);
    if (stream != NULL && h2->options.events->on_begin(h2->options.context, stream) == 0) {
        (void)nghttp2_session_set_stream_user_data(session, stream->id, stream); /* It is there. */
        return 0;
    }
    if (stream != NULL)
        remove_stream(stream);
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                     NGHTTP2_REFUSED_STREAM) == 0
               ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
               : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *context)
{
    struct h2 *h2 = context;
    struct h2_stream *stream = find_stream(h2, frame->hd.stream_id);
    struct h2_field field = {{(const char *)name, name_size}, {(const char *)value, value_size}};

    (void)session;
    (void)flags;
    if (stream == NULL || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    stream->header_list_size += name_size + value_size + FIELD_OVERHEAD;
    if (stream->header_list_size > h2->options.header_list_max)
        stream->is_header_list_too_large = true;
    if (!stream->is_header_list_too_large)
        h2->options.events->on_field(h2->options.context, stream, field);
    return 0;
}

static void end_input(struct h2 *h2, struct h2_stream *stream)
{
    stream->is_input_done = true;
    if (!stream->is_answered)
        h2->options.events->on_end(h2->options.context, stream);
}

static void announce_end(struct h2 *h2)
{
    if (h2->phase != H2_ANNOUNCED || h2->is_broken)
        return;
    h2->phase = H2_CLOSING;
    if (nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(h2->session),
                              NGHTTP2_NO_ERROR, (const uint8_t *)h2->why.data, h2->why.size) != 0)
        h2->phase = H2_OVER;
}

static void on_other_frame(struct h2 *h2, const nghttp2_frame *frame)
{
    bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;

    if (frame->hd.type == NGHTTP2_SETTINGS && !is_ack)
        h2->is_greeted = true;
    if (frame->hd.type == NGHTTP2_PING && is_ack &&
        memcmp(frame->ping.opaque_data, shutdown_ping, sizeof(shutdown_ping)) == 0)
        announce_end(h2);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct h2 *h2 = context;
    struct h2_stream *stream;

    (void)session;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) {
        on_other_frame(h2, frame);
        return 0;
    }
    stream = find_stream(h2, frame->hd.stream_id);
    if (stream == NULL)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        stream->is_head_done = true;
        h2->options.events->on_fields_end(h2->options.context, stream);
    }
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        end_input(h2, stream);
    return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t size, void *context)
{
    struct h2 *h2 = context;
    struct h2_stream *stream = find_stream(h2, id);

    (void)flags;
    if (stream == NULL)
        return nghttp2_session_consume(session, id, size) == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
    stream->owed += size;
    stream->owed_connection += size;
    if (stream->is_answered)
        h2_return(stream);
    else
        h2->options.events->on_data(h2->options.context, stream,
                                    (struct view){(const char *)data, size});
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *context)
{
    struct h2 *h2 = context;
    struct h2_stream *stream = find_stream(h2, id);

    (void)session;
    (void)error;
    if (stream == NULL)
        return 0;
    h2->options.events->on_close(h2->options.context, stream);
    h2_return_connection(stream);
    remove_stream(stream);
    return 0;
}

static void on_reset_sent(struct h2 *h2, const nghttp2_frame *frame)
{
    const struct h2_stream *stream = find_stream(h2, frame->hd.stream_id);
    uint32_t error = frame->rst_stream.error_code;
    enum h2_verdict verdict;

    if ((stream != NULL && stream->is_reset) || error == NGHTTP2_NO_ERROR)
        return;
    if (error == NGHTTP2_REFUSED_STREAM) {
        if (h2->options.events->on_refused != NULL)
            h2->options.events->on_refused(h2->options.context);
        verdict = h2_guard_refused(&h2->guard, h2->now);
    } else {
        verdict = h2_guard_reset(&h2->guard, h2->now);
    }
    if (verdict != H2_FINE)
        h2->verdict = verdict;
}

/* Go's clients name a stream of their own in the GOAWAY with which they leave. nghttp2 calls that
 * broken, but nothing else is wrong with them. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                            void *context)
{
    struct h2 *h2 = context;

    (void)session;
    (void)error;
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code == NGHTTP2_NO_ERROR)
        h2->has_left = true;
    return 0;
}

/* The first is what matters; `why` is a literal. */
static void note_fault(struct h2 *h2, const char *why)
{
    if (h2->fault == NULL && !h2->has_left)
        h2->fault = why;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct h2 *h2 = context;
    const struct h2_stream *stream;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        h2_guard_sent(&h2->guard);
        stream = find_stream(h2, frame->hd.stream_id);
        /* An answer before the body's end: ask the peer to stop sending. A reset that is submitted
         * any earlier would overtake the answer. */
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && stream != NULL &&
            !stream->is_input_done &&
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR) !=
                0)
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        break;
    case NGHTTP2_RST_STREAM:
        on_reset_sent(h2, frame);
        break;
    case NGHTTP2_GOAWAY:
        if (frame->goaway.error_code != NGHTTP2_NO_ERROR)
            note_fault(h2, nghttp2_http2_strerror(frame->goaway.error_code));
        break;
    default:
        break;
    }
    return 0;
}

/* --------------------------------------------------------------------------- life */

static int submit_settings(struct h2 *h2)
{
    const struct h2_options *options = &h2->options;
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options->streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options->stream_window},
        {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, options->frame_size_max},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options->header_list_max},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };

    if (nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
                                sizeof(settings) / sizeof(settings[0])) != 0 ||
        nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
                                              (int32_t)options->connection_window) != 0)
        return STATUS_NOMEM;
    return 0;
}

static int open_session(struct h2 *h2, nghttp2_session_callbacks *callbacks, nghttp2_option *option)
{
    nghttp2_mem memory = {&h2->mem, h2_mem_alloc, h2_mem_free, h2_mem_calloc, h2_mem_realloc};

    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_option_set_no_auto_window_update(option, 1);
    /* Behind the guard, which is stricter and does not take served streams for an attack. */
    nghttp2_option_set_stream_reset_rate_limit(option, 10000, 1000);
    return nghttp2_session_server_new3(&h2->session, callbacks, h2, option, &memory) == 0
               ? 0
               : STATUS_NOMEM;
}

int h2_new(const struct h2_options *options, struct mono_time now, struct h2 **out_h2)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    struct h2 *h2 = mem_calloc(1, sizeof(*h2));
    int status = STATUS_NOMEM;

    if (h2 == NULL)
        return STATUS_NOMEM;
    h2->options = *options;
    h2->mem.pool = options->pool;
    h2->now = now;
    h2->heard = now;
    h2_guard_init(&h2->guard, &options->guard, now);
    if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
        goto out;
    status = open_session(h2, callbacks, option);
    if (status == 0)
        status = submit_settings(h2);
out:
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    if (status != 0)
        h2_free(h2);
    else
        *out_h2 = h2;
    return status;
}

void h2_free(struct h2 *h2)
{
    if (h2 == NULL)
        return;
    while (h2->streams != NULL) {
        h2->options.events->on_close(h2->options.context, h2->streams);
        remove_stream(h2->streams);
    }
    if (!h2->is_broken)
        nghttp2_session_del(h2->session);
    h2_mem_drop(&h2->mem);
    mem_free(h2);
}

void h2_go_away(struct h2 *h2, uint32_t error, struct view why)
{
    if (h2->phase == H2_OVER || h2->is_broken)
        return;
    h2->phase = H2_OVER;
    if (error != H2_NO_ERROR)
        note_fault(h2, why.data);
    if (nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(h2->session), error,
                              (const uint8_t *)why.data, why.size) != 0)
        h2->is_broken = true;
}

static void end_for(struct h2 *h2, enum h2_verdict verdict)
{
    if (h2->phase != H2_OVER)
        h2->limit_met = verdict;
    h2_go_away(h2, h2_verdict_error(verdict), view_of(h2_verdict_text(verdict)));
}

int h2_receive(struct h2 *h2, struct view bytes, struct mono_time now)
{
    enum h2_verdict verdict;
    size_t passed = 0;
    ssize_t taken;

    if (h2->phase == H2_OVER || h2->is_broken)
        return STATUS_CLOSED;
    h2->now = now;
    h2->heard = now;
    h2->is_asked = false;
    verdict = h2_guard_read(&h2->guard, bytes, now, &passed);
    taken = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes.data, passed);
    if (taken < 0) {
        /* Our callbacks fail for want of memory only. */
        bool is_ours = taken == NGHTTP2_ERR_NOMEM || taken == NGHTTP2_ERR_CALLBACK_FAILURE;

        h2->is_broken = true;
        if (!is_ours)
            note_fault(h2, nghttp2_strerror((int)taken));
        return is_ours ? STATUS_NOMEM : STATUS_INVALID;
    }
    if (verdict != H2_FINE)
        end_for(h2, verdict);
    if (h2->is_broken)
        return STATUS_NOMEM;
    return h2->phase == H2_OVER || nghttp2_session_want_read(h2->session) == 0 ? STATUS_CLOSED : 0;
}

int h2_send(struct h2 *h2, struct mono_time now, size_t enough, struct buf *out)
{
    size_t begin = out->size;

    h2->now = now;
    while (!h2->is_broken && out->size - begin < enough) {
        const uint8_t *data = NULL;
        ssize_t size = nghttp2_session_mem_send(h2->session, &data);

        /* Bytes that nghttp2 has let go and that found no room are lost to the peer. */
        if (size < 0 || buf_append(out, data, (size_t)size) != 0) {
            h2->is_broken = true;
            return STATUS_NOMEM;
        }
        if (h2->verdict != H2_FINE) {
            end_for(h2, h2->verdict);
            h2->verdict = H2_FINE;
        } else if (size == 0) {
            break;
        }
    }
    return 0;
}

void h2_shut_down(struct h2 *h2, struct view why, struct mono_time now)
{
    if (h2->phase != H2_SERVING || h2->is_broken)
        return;
    h2->phase = H2_ANNOUNCED;
    h2->announced = now;
    h2->why = why;
    if (nghttp2_submit_shutdown_notice(h2->session) != 0 ||
        nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, shutdown_ping) != 0)
        announce_end(h2);
}

/* A connection whose other end is gone can be told only by asking. */
static void ask_silent(struct h2 *h2)
{
    const struct h2_options *options = &h2->options;

    if (options->keepalive_ns == 0 || h2->is_broken || h2->phase == H2_OVER)
        return;
    if (h2->is_asked) {
        h2->is_dead = h2->is_dead || h2->now.ns - h2->asked.ns >= options->keepalive_timeout_ns;
    } else if (h2->now.ns - h2->heard.ns >= options->keepalive_ns &&
               nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, keepalive_ping) == 0) {
        h2->is_asked = true;
        h2->asked = h2->now;
    }
}

void h2_tick(struct h2 *h2, struct mono_time now)
{
    h2->now = now;
    ask_silent(h2);
    if (h2->phase == H2_ANNOUNCED && now.ns - h2->announced.ns >= announce_ns)
        announce_end(h2);
}

/* Half a head is nothing to wait for: anybody can send that. */
static bool has_requests(const struct h2 *h2)
{
    const struct h2_stream *stream = h2->streams;

    while (stream != NULL && !stream->is_head_done)
        stream = stream->next;
    return stream != NULL;
}

bool h2_is_done(const struct h2 *h2)
{
    if (h2->is_broken || h2->is_dead)
        return true;
    if (nghttp2_session_want_write(h2->session) != 0)
        return false;
    return h2->phase == H2_OVER || (h2->phase == H2_CLOSING && !has_requests(h2)) ||
           nghttp2_session_want_read(h2->session) == 0;
}

bool h2_is_greeted(const struct h2 *h2)
{
    return h2->is_greeted;
}

const char *h2_fault(const struct h2 *h2)
{
    return h2->fault;
}

enum h2_verdict h2_limit_met(const struct h2 *h2)
{
    return h2->limit_met;
}

bool h2_is_dead(const struct h2 *h2)
{
    return h2->is_dead;
}

bool h2_is_closing(const struct h2 *h2)
{
    return h2->phase == H2_CLOSING || h2->phase == H2_OVER;
}

bool h2_is_shutting_down(const struct h2 *h2)
{
    return h2->phase != H2_SERVING;
}

size_t h2_streams(const struct h2 *h2)
{
    return h2->streams_count;
}

void h2_served(struct h2 *h2)
{
    h2_guard_served(&h2->guard);
}
