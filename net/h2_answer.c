/* h2_answer.c: what is said on a stream, and the credit that is given back. */
#include <nghttp2/nghttp2.h>
#include <string.h>

#include "base/check.h"
#include "net/h2_priv.h"

enum { FIELDS_MAX = 16 };

enum { LITERAL = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE };

static nghttp2_nv nv_of(struct h2_field field, uint8_t flags)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)field.name.data,
                        (uint8_t *)(uintptr_t)field.value.data, field.name.size, field.value.size,
                        flags};
}

static void nvs_of(const struct h2_field *fields, size_t count, uint8_t flags,
                   nghttp2_nv nvs[FIELDS_MAX])
{
    CHECK(count <= FIELDS_MAX);
    for (size_t i = 0; i < count; i++)
        nvs[i] = nv_of(fields[i], flags);
}

/* A stream on which nothing can be said any more. gRPC reads CANCEL as a status that OTLP's senders
 * retry; INTERNAL_ERROR would have them drop what they sent. */
static int give_up(struct h2_stream *stream)
{
    h2_reset(stream, H2_CANCEL);
    return STATUS_NOMEM;
}

size_t h2_unsent(const struct h2_stream *stream)
{
    return stream->output.size - stream->trailers_size - stream->output_sent;
}

void h2_return(struct h2_stream *stream)
{
    struct h2 *h2 = stream->h2;

    h2_return_connection(stream);
    /* Without memory for the frame that says so, the window just stays smaller. */
    if (stream->owed != 0 && !h2->is_broken)
        (void)nghttp2_session_consume_stream(h2->session, stream->id, stream->owed);
    stream->owed = 0;
}

void h2_return_connection(struct h2_stream *stream)
{
    if (stream->owed_connection != 0 && !stream->h2->is_broken)
        (void)nghttp2_session_consume_connection(stream->h2->session, stream->owed_connection);
    stream->owed_connection = 0;
}

void h2_reset(struct h2_stream *stream, uint32_t error)
{
    struct h2 *h2 = stream->h2;

    stream->is_answered = true;
    stream->is_reset = true;
    h2_return(stream);
    if (!h2->is_broken &&
        nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream->id, error) != 0)
        h2->is_broken = true;
}

int h2_answer(struct h2_stream *stream, const struct h2_field *fields, size_t count)
{
    nghttp2_nv nvs[FIELDS_MAX];

    CHECK(!stream->is_answered);
    nvs_of(fields, count, NGHTTP2_NV_FLAG_NONE, nvs);
    if (stream->h2->is_broken ||
        nghttp2_submit_response(stream->h2->session, stream->id, nvs, count, NULL) != 0)
        return give_up(stream);
    stream->is_answered = true;
    h2_return(stream);
    return 0;
}

/* -------------------------------------------------------------------------- bodies */

/* Trailers are kept as bytes, behind the body, until its last byte has gone: submitted earlier, they
 * would overtake it. */
struct packed {
    uint32_t name_size;
    uint32_t value_size;
};

static int pack(const struct h2_field *fields, size_t count, struct buf *out)
{
    CHECK(count <= FIELDS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct packed head = {(uint32_t)fields[i].name.size, (uint32_t)fields[i].value.size};

        (void)buf_append(out, &head, sizeof(head));
        (void)buf_append_view(out, fields[i].name);
        (void)buf_append_view(out, fields[i].value);
    }
    return out->failed; /* Which remembers each of the appends. */
}

static size_t unpack(struct view from, nghttp2_nv nvs[FIELDS_MAX])
{
    size_t count = 0;

    for (size_t at = 0; at < from.size; count++) {
        struct packed head;
        struct h2_field field;

        memcpy(&head, from.data + at, sizeof(head));
        at += sizeof(head);
        field.name = (struct view){from.data + at, head.name_size};
        at += head.name_size;
        field.value = (struct view){from.data + at, head.value_size};
        at += head.value_size;
        nvs[count] = nv_of(field, NGHTTP2_NV_FLAG_NONE);
    }
    return count;
}

/* Behind the body, which has been sent. */
static int submit_trailers(struct h2_stream *stream)
{
    size_t body_size = stream->output.size - stream->trailers_size;
    nghttp2_nv nvs[FIELDS_MAX];
    size_t count = 1;

    if (stream->trailer != NULL)
        nvs[0] = nv_of(*stream->trailer, LITERAL);
    else
        count = unpack((struct view){stream->output.data + body_size, stream->trailers_size}, nvs);
    return nghttp2_submit_trailer(stream->h2->session, stream->id, nvs, count);
}

static ssize_t read_output(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct h2_stream *stream = source->ptr;
    size_t body_size = stream->output.size - stream->trailers_size;
    size_t size = body_size - stream->output_sent;

    (void)session;
    (void)id;
    (void)context;
    if (size == 0 && !stream->is_output_ended) {
        stream->is_output_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (size > room)
        size = room;
    if (size != 0)
        memcpy(to, stream->output.data + stream->output_sent, size);
    stream->output_sent += size;
    if (stream->output_sent != body_size)
        return (ssize_t)size;
    if (!stream->is_output_ended) {
        buf_reset(&stream->output);
        stream->output_sent = 0;
        return (ssize_t)size;
    }
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream->trailers_size == 0 && stream->trailer == NULL)
        return (ssize_t)size;
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    if (submit_trailers(stream) != 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* nghttp2 resets the stream. */
    return (ssize_t)size;
}

static int begin_answer(struct h2_stream *stream, const struct h2_field *fields, size_t count,
                        uint8_t flags)
{
    nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = read_output};
    nghttp2_nv nvs[FIELDS_MAX];

    CHECK(!stream->is_answered);
    nvs_of(fields, count, flags, nvs);
    if (stream->h2->is_broken ||
        nghttp2_submit_response(stream->h2->session, stream->id, nvs, count, &provider) != 0)
        return give_up(stream);
    return 0;
}

int h2_begin_answer(struct h2_stream *stream, const struct h2_field *fields, size_t count)
{
    return begin_answer(stream, fields, count, NGHTTP2_NV_FLAG_NONE);
}

int h2_begin_literal_answer(struct h2_stream *stream, const struct h2_field *fields, size_t count)
{
    return begin_answer(stream, fields, count, LITERAL);
}

static int resume(struct h2_stream *stream)
{
    if (!stream->is_output_deferred)
        return 0;
    stream->is_output_deferred = false;
    if (stream->h2->is_broken || nghttp2_session_resume_data(stream->h2->session, stream->id) != 0)
        return give_up(stream);
    return 0;
}

int h2_write(struct h2_stream *stream, struct view data)
{
    CHECK(!stream->is_answered);
    if (buf_append_view(&stream->output, data) != 0)
        return give_up(stream);
    return resume(stream);
}

static int end_answer(struct h2_stream *stream)
{
    stream->is_answered = true;
    stream->is_output_ended = true;
    h2_return(stream);
    return resume(stream);
}

int h2_end_answer(struct h2_stream *stream, const struct h2_field *trailers, size_t count)
{
    size_t body_size = stream->output.size;

    CHECK(!stream->is_answered);
    if (pack(trailers, count, &stream->output) != 0)
        return give_up(stream);
    stream->trailers_size = stream->output.size - body_size;
    return end_answer(stream);
}

int h2_end_literal_answer(struct h2_stream *stream, const struct h2_field *trailer)
{
    CHECK(!stream->is_answered);
    stream->trailer = trailer;
    return end_answer(stream);
}
