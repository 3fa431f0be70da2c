/* h2_client.c: nghttp2's client session. Windows and settings are nghttp2's own; bodies are read
 * out of the caller's memory when the peer's window lets them go.
 */
#include "net/h2_client.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "net/h2_mem.h"

enum { FIELDS_MAX = 16 };

struct request_stream {
    int32_t id;
    struct view rest[2]; /* Of the body, what was not sent yet. */
    struct request_stream *next;
};

struct h2_client {
    struct h2_mem mem;
    const struct h2_client_events *events;
    void *context;
    nghttp2_session *session;
    struct request_stream *streams;
    bool is_broken; /* nghttp2 failed; it must not be called any more. */
    bool is_faulty;
};

/* ---------------------------------------------------------------------- callbacks */

static struct request_stream *find_stream(struct h2_client *client, int32_t id)
{
    return nghttp2_session_get_stream_user_data(client->session, id);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *context)
{
    struct h2_client *client = context;
    struct h2_field field = {{(const char *)name, name_size}, {(const char *)value, value_size}};

    (void)session;
    (void)flags;
    if (find_stream(client, frame->hd.stream_id) != NULL)
        client->events->on_field(client->context, frame->hd.stream_id, field);
    return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t size, void *context)
{
    struct h2_client *client = context;

    (void)session;
    (void)flags;
    if (find_stream(client, id) != NULL)
        client->events->on_data(client->context, id, (struct view){(const char *)data, size});
    return 0;
}

/* Takes a stream off the list, tells of its end, and frees it. */
static void close_stream(struct h2_client *client, struct request_stream *stream, uint32_t error)
{
    struct request_stream **link = &client->streams;
    int32_t id = stream->id;

    while (*link != stream)
        link = &(*link)->next;
    *link = stream->next;
    mem_free(stream);
    client->events->on_close(client->context, id, error);
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *context)
{
    struct h2_client *client = context;
    struct request_stream *stream = find_stream(client, id);

    (void)session;
    if (stream != NULL)
        close_stream(client, stream, error);
    return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct request_stream *stream = source->ptr;
    size_t written = 0;

    (void)session;
    (void)id;
    (void)context;
    for (size_t i = 0; i < 2; i++) {
        struct view *rest = &stream->rest[i];
        size_t size = rest->size < room - written ? rest->size : room - written;
        if (size == 0)
            continue;
        memcpy(to + written, rest->data, size);
        *rest = (struct view){rest->data + size, rest->size - size};
        written += size;
    }
    if (stream->rest[0].size == 0 && stream->rest[1].size == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)written;
}

/* nghttp2 answers a peer that breaks the rules with a GOAWAY of its own. */
static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct h2_client *client = context;

    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
        client->is_faulty = true;
    return 0;
}

/* --------------------------------------------------------------------------- life */

static int open_session(struct h2_client *client)
{
    nghttp2_mem memory = {&client->mem, h2_mem_alloc, h2_mem_free, h2_mem_calloc, h2_mem_realloc};
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
    nghttp2_session_callbacks *callbacks;
    int code;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return STATUS_NOMEM;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    code = nghttp2_session_client_new3(&client->session, callbacks, client, NULL, &memory);
    nghttp2_session_callbacks_del(callbacks);
    if (code != 0)
        return STATUS_NOMEM;
    return nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, settings,
                                   sizeof(settings) / sizeof(settings[0])) == 0
               ? 0
               : STATUS_NOMEM;
}

int h2_client_new(const struct h2_client_events *events, void *context,
                  struct h2_client **out_client)
{
    struct h2_client *client = mem_calloc(1, sizeof(*client));
    int status;

    if (client == NULL)
        return STATUS_NOMEM;
    client->events = events;
    client->context = context;
    status = open_session(client);
    if (status != 0)
        h2_client_free(client);
    else
        *out_client = client;
    return status;
}

void h2_client_free(struct h2_client *client)
{
    if (client == NULL)
        return;
    while (client->streams != NULL)
        close_stream(client, client->streams, H2_CANCEL);
    /* A session that failed is not taken down: see h2_mem.h. */
    if (!client->is_broken)
        nghttp2_session_del(client->session);
    h2_mem_drop(&client->mem);
    mem_free(client);
}

bool h2_client_is_open(const struct h2_client *client)
{
    return !client->is_broken && nghttp2_session_check_request_allowed(client->session) != 0;
}

int h2_client_request(struct h2_client *client, const struct h2_request *request,
                      int32_t *out_stream)
{
    nghttp2_nv nvs[FIELDS_MAX];
    nghttp2_data_provider provider = {.read_callback = read_body};
    struct request_stream *stream;
    int32_t id;

    CHECK(request->fields_count <= FIELDS_MAX);
    if (!h2_client_is_open(client))
        return STATUS_CLOSED;
    stream = mem_calloc(1, sizeof(*stream));
    if (stream == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < request->fields_count; i++) {
        struct h2_field field = request->fields[i];
        nvs[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)field.name.data,
                              (uint8_t *)(uintptr_t)field.value.data, field.name.size,
                              field.value.size, NGHTTP2_NV_FLAG_NONE};
    }
    stream->rest[0] = request->head;
    stream->rest[1] = request->body;
    provider.source.ptr = stream;
    id = nghttp2_submit_request(client->session, NULL, nvs, request->fields_count, &provider,
                                stream);
    if (id < 0) {
        client->is_broken = id == NGHTTP2_ERR_NOMEM;
        mem_free(stream);
        return id == NGHTTP2_ERR_NOMEM ? STATUS_NOMEM : STATUS_CLOSED;
    }
    stream->id = id;
    stream->next = client->streams;
    client->streams = stream;
    *out_stream = id;
    return 0;
}

bool h2_client_is_over(const struct h2_client *client)
{
    return client->is_broken || (nghttp2_session_want_read(client->session) == 0 &&
                                 nghttp2_session_want_write(client->session) == 0);
}

bool h2_client_is_faulty(const struct h2_client *client)
{
    return client->is_faulty;
}

int h2_client_receive(struct h2_client *client, struct view bytes)
{
    ssize_t taken;

    if (client->is_broken)
        return 0;
    taken = nghttp2_session_mem_recv(client->session, (const uint8_t *)bytes.data, bytes.size);
    if (taken >= 0)
        return 0;
    client->is_broken = true;
    client->is_faulty = taken != NGHTTP2_ERR_NOMEM;
    return client->is_faulty ? 0 : STATUS_NOMEM;
}

int h2_client_send(struct h2_client *client, size_t enough, struct buf *out)
{
    size_t begin = out->size;

    while (!client->is_broken && out->size - begin < enough) {
        const uint8_t *data = NULL;
        ssize_t size = nghttp2_session_mem_send(client->session, &data);

        if (size < 0 || buf_append(out, data, (size_t)size) != 0) {
            client->is_broken = true;
            return STATUS_NOMEM;
        }
        if (size == 0)
            break;
    }
    return 0;
}
