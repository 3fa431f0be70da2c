/* h2_peer.c: frames put together and taken apart. */
#include "tests/lib/h2_peer.h"

#include <nghttp2/nghttp2.h>

#include "tests/lib/test.h"

static void put(struct buf *to, const void *data, size_t size)
{
    assert_int_equal(buf_append(to, data, size), 0);
}

static void put_number(struct buf *to, uint32_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        assert_int_equal(buf_append_byte(to, (char)(number >> (8 * i))), 0);
}

static uint32_t number_at(const char *bytes, int size)
{
    uint32_t number = 0;

    for (int i = 0; i < size; i++)
        number = number << 8 | (uint8_t)bytes[i];
    return number;
}

void h2_peer_frame(struct h2_peer *peer, enum h2_frame_type type, unsigned flags, uint32_t stream,
                   struct view payload)
{
    put_number(&peer->out, (uint32_t)payload.size, 3);
    put_number(&peer->out, (uint32_t)type, 1);
    put_number(&peer->out, flags, 1);
    put_number(&peer->out, stream, 4);
    put(&peer->out, payload.data, payload.size);
}

void h2_peer_init(struct h2_peer *peer)
{
    nghttp2_hd_deflater *deflater = NULL;
    nghttp2_hd_inflater *inflater = NULL;

    memset(peer, 0, sizeof(*peer));
    assert_int_equal(nghttp2_hd_deflate_new(&deflater, 4096), 0);
    assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
    peer->deflater = deflater;
    peer->inflater = inflater;
    put(&peer->out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    h2_peer_frame(peer, H2_SETTINGS, 0, 0, VIEW(""));
}

void h2_peer_release(struct h2_peer *peer)
{
    nghttp2_hd_deflate_del(peer->deflater);
    nghttp2_hd_inflate_del(peer->inflater);
    buf_release(&peer->out);
    buf_release(&peer->in);
    buf_release(&peer->goaway_text);
    for (size_t i = 0; i < peer->seen_count; i++) {
        buf_release(&peer->seen[i].fields);
        buf_release(&peer->seen[i].body);
    }
}

void h2_peer_headers(struct h2_peer *peer, uint32_t stream, const struct h2_field *fields,
                     size_t count, unsigned flags)
{
    nghttp2_nv nvs[32];
    uint8_t block[64 * 1024];
    ssize_t size;

    assert_true(count <= 32);
    for (size_t i = 0; i < count; i++)
        nvs[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)fields[i].name.data,
                              (uint8_t *)(uintptr_t)fields[i].value.data, fields[i].name.size,
                              fields[i].value.size, NGHTTP2_NV_FLAG_NONE};
    size = nghttp2_hd_deflate_hd(peer->deflater, block, sizeof(block), nvs, count);
    assert_true(size >= 0);
    h2_peer_frame(peer, H2_HEADERS, flags, stream,
                  (struct view){(const char *)block, (size_t)size});
}

void h2_peer_reset(struct h2_peer *peer, uint32_t stream, uint32_t error)
{
    struct buf payload;

    buf_init(&payload, 0);
    put_number(&payload, error, 4);
    h2_peer_frame(peer, H2_RST_STREAM, 0, stream, buf_view(&payload));
    buf_release(&payload);
}

void h2_peer_window(struct h2_peer *peer, uint32_t stream, uint32_t more)
{
    struct buf payload;

    buf_init(&payload, 0);
    put_number(&payload, more, 4);
    h2_peer_frame(peer, H2_WINDOW_UPDATE, 0, stream, buf_view(&payload));
    buf_release(&payload);
}

/* ---------------------------------------------------------------------- reading */

static struct h2_seen *see(struct h2_peer *peer, uint32_t stream)
{
    for (size_t i = 0; i < peer->seen_count; i++) {
        if (peer->seen[i].stream == stream)
            return &peer->seen[i];
    }
    assert_true(peer->seen_count < H2_SEEN_MAX);
    peer->seen[peer->seen_count].stream = stream;
    return &peer->seen[peer->seen_count++];
}

static void read_fields(struct h2_peer *peer, struct h2_seen *seen, struct view block)
{
    const uint8_t *at = (const uint8_t *)block.data;
    size_t left = block.size;
    int flags = 0;

    seen->blocks++;
    do {
        nghttp2_nv nv;
        ssize_t size = nghttp2_hd_inflate_hd2(peer->inflater, &nv, &flags, at, left, 1);

        assert_true(size >= 0);
        at += size;
        left -= (size_t)size;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
            assert_int_equal(buf_printf(&seen->fields, "%.*s: %.*s\n", (int)nv.namelen, nv.name,
                                        (int)nv.valuelen, nv.value),
                             0);
    } while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0);
    assert_int_equal(nghttp2_hd_inflate_end_headers(peer->inflater), 0);
}

static void read_connection_frame(struct h2_peer *peer, unsigned type, unsigned flags,
                                  struct view payload)
{
    switch (type) {
    case H2_SETTINGS:
        if ((flags & H2_ACK) != 0)
            peer->settings_acks++;
        else {
            peer->settings++;
            h2_peer_frame(peer, H2_SETTINGS, H2_ACK, 0, VIEW(""));
        }
        break;
    case H2_PING:
        assert_int_equal(payload.size, 8);
        memcpy(peer->ping, payload.data, 8);
        if ((flags & H2_ACK) != 0)
            peer->ping_acks++;
        else
            peer->pings++;
        break;
    case H2_GOAWAY:
        peer->goaways++;
        peer->goaway_stream = number_at(payload.data, 4);
        peer->goaway_error = number_at(payload.data + 4, 4);
        buf_reset(&peer->goaway_text);
        put(&peer->goaway_text, payload.data + 8, payload.size - 8);
        break;
    case H2_WINDOW_UPDATE:
        peer->credit += number_at(payload.data, 4);
        break;
    default:
        fail_msg("frame of type %u on no stream", type);
    }
}

static void read_frame(struct h2_peer *peer, const char *header, struct view payload)
{
    unsigned type = number_at(header + 3, 1);
    unsigned flags = number_at(header + 4, 1);
    uint32_t stream = number_at(header + 5, 4);
    struct h2_seen *seen;

    if (stream == 0) {
        read_connection_frame(peer, type, flags, payload);
        return;
    }
    seen = see(peer, stream);
    if (type == H2_HEADERS) {
        assert_true((flags & H2_END_HEADERS) != 0);
        read_fields(peer, seen, payload);
    } else if (type == H2_DATA) {
        put(&seen->body, payload.data, payload.size);
    } else if (type == H2_RST_STREAM) {
        seen->is_reset = true;
        seen->reset_error = number_at(payload.data, 4);
    } else if (type == H2_WINDOW_UPDATE) {
        seen->credit += number_at(payload.data, 4);
    } else {
        fail_msg("frame of type %u on stream %u", type, stream);
    }
    if ((type == H2_HEADERS || type == H2_DATA) && (flags & H2_END_STREAM) != 0)
        seen->is_ended = true;
}

void h2_peer_read(struct h2_peer *peer, struct view bytes)
{
    put(&peer->in, bytes.data, bytes.size);
    while (peer->in.size >= 9) {
        size_t size = number_at(peer->in.data, 3);

        if (peer->in.size < 9 + size)
            return;
        read_frame(peer, peer->in.data, (struct view){peer->in.data + 9, size});
        buf_consume(&peer->in, 9 + size);
    }
}

const struct h2_seen *h2_peer_seen(const struct h2_peer *peer, uint32_t stream)
{
    for (size_t i = 0; i < peer->seen_count; i++) {
        if (peer->seen[i].stream == stream)
            return &peer->seen[i];
    }
    return NULL;
}

bool h2_seen_has(const struct h2_seen *seen, const char *line)
{
    size_t size = strlen(line);

    for (size_t at = 0; at + size < seen->fields.size; at++) {
        if ((at == 0 || seen->fields.data[at - 1] == '\n') &&
            memcmp(seen->fields.data + at, line, size) == 0 && seen->fields.data[at + size] == '\n')
            return true;
    }
    return false;
}
