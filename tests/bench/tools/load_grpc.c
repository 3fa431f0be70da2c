/* load_grpc.c: unary gRPC over HTTP/2, written by hand: field blocks are encoded once, frames point
 * into the requests, and answers are looked at just so far as to know their status.
 * Streams take turns, a frame each, as gRPC's own clients have it; frames are of 16 KiB, which is the
 * most that every server takes.
 */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/bench/tools/load.h"

enum frame_type {
    FRAME_DATA = 0,
    FRAME_HEADERS = 1,
    FRAME_RST_STREAM = 3,
    FRAME_SETTINGS = 4,
    FRAME_PING = 6,
    FRAME_GOAWAY = 7,
    FRAME_WINDOW_UPDATE = 8,
    FRAME_CONTINUATION = 9,
};

enum {
    FLAG_END_STREAM = 1,
    FLAG_ACK = 1,
    FLAG_END_HEADERS = 4,
    FLAG_PADDED = 8,
    FLAG_PRIORITY = 32
};
enum { FRAME_HEAD = 9, PREFIX = 5 };
enum { SETTING_TABLE_SIZE = 1, SETTING_STREAMS = 3, SETTING_WINDOW = 4, SETTING_FRAME_SIZE = 5 };

static void put32(char *at, uint32_t number)
{
    at[0] = (char)(number >> 24);
    at[1] = (char)(number >> 16);
    at[2] = (char)(number >> 8);
    at[3] = (char)number;
}

static uint32_t get32(const char *at)
{
    const uint8_t *bytes = (const uint8_t *)at;

    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put_frame_head(char at[FRAME_HEAD], size_t size, enum frame_type type, int flags,
                           uint32_t stream)
{
    put32(at, (uint32_t)size << 8 | (uint32_t)type);
    at[4] = (char)flags;
    put32(at + 5, stream);
}

static void send_control(struct connection *connection, enum frame_type type, int flags,
                         const void *payload, size_t size)
{
    char head[FRAME_HEAD];

    put_frame_head(head, size, type, flags, 0);
    CHECK(buf_append(&connection->control, head, FRAME_HEAD) == 0 &&
          (size == 0 || buf_append(&connection->control, payload, size) == 0));
}

/* ------------------------------------------------------------------ requests */

/* A field that goes into the peer's table: its name by the static table where that has it, else
 * itself; lengths below 127 take one byte. Not with Huffman's code, which pays where a field is sent
 * more than once a connection. */
static void put_field(struct buf *block, uint8_t known_name, const char *name, const char *value)
{
    size_t name_size = strlen(name);
    size_t value_size = strlen(value);

    CHECK(name_size < 127 && value_size < 127);
    CHECK(buf_append_byte(block, (char)(0x40 | known_name)) == 0);
    if (known_name == 0)
        CHECK(buf_append_byte(block, (char)name_size) == 0 && buf_append_text(block, name) == 0);
    CHECK(buf_append_byte(block, (char)value_size) == 0 && buf_append_text(block, value) == 0);
}

/* The fields of the Go SDK's exporter, as Go's encoder has them. All but the first two, which the
 * static table knows, go into the peer's table with the first request, and are references
 * afterwards. (nghttp2's encoder would send the path anew each time.) */
void load_heads(struct load *load)
{
    enum { POST = 3, HTTP = 6, AUTHORITY = 1, PATH = 4, TYPE = 31, AGENT = 58, NEWEST = 62 };
    static const char known[] = {(char)(0x80 | POST), (char)(0x80 | HTTP)};
    const struct {
        uint8_t known_name;
        const char *name;
        const char *value;
    } fields[] = {
        {PATH, ":path", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"},
        {AUTHORITY, ":authority", load->options.host},
        {TYPE, "content-type", "application/grpc"},
        {AGENT, "user-agent", "OTel OTLP Exporter Go/1.43.0 grpc-go/1.79.0"},
        {0, "te", "trailers"},
        {0, "grpc-timeout", "10S"},
        {0, "grpc-encoding", "gzip"},
    };
    size_t count = sizeof(fields) / sizeof(fields[0]) - (load->options.is_gzip ? 0 : 1);
    struct buf first, later;

    buf_init(&first, 0);
    buf_init(&later, 0);
    CHECK(buf_append(&first, known, sizeof(known)) == 0);
    CHECK(buf_append(&later, known, sizeof(known)) == 0);
    for (size_t i = 0; i < count; i++) {
        put_field(&first, fields[i].known_name, fields[i].name, fields[i].value);
        CHECK(buf_append_byte(&later, (char)(0x80 | (NEWEST + count - 1 - i))) == 0);
    }
    load->first_head = buf_view(&first);
    load->later_head = buf_view(&later);
}

static void add_head(struct connection *connection, struct slot *slot)
{
    struct turn *turn = &connection->load->turn;
    struct view block = connection->is_first_head_sent ? connection->load->later_head
                                                       : connection->load->first_head;
    char *head = turn_head(turn, FRAME_HEAD);

    slot->id = connection->next_id; /* Streams begin in the order of their numbers. */
    connection->next_id += 2;
    put_frame_head(head, block.size, FRAME_HEADERS, FLAG_END_HEADERS, slot->id);
    turn_add(turn, head, FRAME_HEAD);
    turn_add(turn, block.data, block.size);
    connection->is_first_head_sent = true;
    slot->is_head_sent = true;
}

/* One frame of the body; `sent` counts the prefix too. Returns whether there was something to send,
 * and a window to send it. */
static bool add_data(struct connection *connection, struct slot *slot)
{
    struct turn *turn = &connection->load->turn;
    size_t size = slot->payload->size + PREFIX - slot->sent;
    size_t prefix = slot->sent == 0 ? PREFIX : 0;
    char *head;

    if (size > connection->frame_bytes)
        size = connection->frame_bytes;
    if (size == 0 || slot->window <= 0 || connection->window <= 0)
        return false;
    if ((int64_t)size > slot->window)
        size = (size_t)slot->window;
    if ((int64_t)size > connection->window)
        size = (size_t)connection->window;
    if (size <= prefix)
        return false; /* The prefix goes with something. */
    head = turn_head(turn, FRAME_HEAD + prefix);
    put_frame_head(head, size, FRAME_DATA,
                   slot->sent + size == slot->payload->size + PREFIX ? FLAG_END_STREAM : 0,
                   slot->id);
    if (prefix != 0) {
        head[FRAME_HEAD] = connection->load->options.is_gzip;
        put32(head + FRAME_HEAD + 1, (uint32_t)slot->payload->size);
    }
    turn_add(turn, head, FRAME_HEAD + prefix);
    turn_add(turn, slot->payload->data + slot->sent + prefix - PREFIX, size - prefix);
    slot->sent += size;
    slot->window -= (int64_t)size;
    connection->window -= (int64_t)size;
    return true;
}

static void fill(struct connection *connection)
{
    struct turn *turn = &connection->load->turn;
    uint32_t idle = 0;

    if (connection->control.size != 0)
        turn_add(turn, connection->control.data, connection->control.size);
    while (idle < connection->slots_count && turn_has_room(turn, 2 * FRAME_HEAD + PREFIX)) {
        struct slot *slot = &connection->slots[connection->next_slot];
        connection->next_slot = (connection->next_slot + 1) % connection->slots_count;
        if (slot->payload == NULL) {
            idle++;
            continue;
        }
        if (!slot->is_head_sent)
            add_head(connection, slot);
        idle = add_data(connection, slot) ? 0 : idle + 1;
    }
}

/* ------------------------------------------------------------------ answers */

static struct slot *find_slot(struct connection *connection, uint32_t id)
{
    for (uint32_t i = 0; i < connection->slots_count; i++)
        if (connection->slots[i].id == id)
            return &connection->slots[i];
    return NULL;
}

static void take_settings(struct connection *connection, struct view payload)
{
    for (size_t at = 0; at + 6 <= payload.size; at += 6) {
        uint32_t value = get32(payload.data + at + 2);
        switch (payload.data[at + 1]) {
        case SETTING_TABLE_SIZE:
            if (value < 4096)
                load_die("the server wants a smaller table of fields", NULL);
            break;
        case SETTING_STREAMS:
            if (value < connection->slots_count)
                load_die("the server takes fewer requests at once than --in-flight", NULL);
            break;
        case SETTING_WINDOW:
            for (uint32_t i = 0; i < connection->slots_count; i++)
                connection->slots[i].window += (int64_t)value - connection->stream_window;
            connection->stream_window = value;
            break;
        case SETTING_FRAME_SIZE:
            if (connection->load->options.frame_bytes < value)
                value = (uint32_t)connection->load->options.frame_bytes;
            connection->frame_bytes = value;
            break;
        default:
            break;
        }
    }
    connection->is_ready = true;
    send_control(connection, FRAME_SETTINGS, FLAG_ACK, NULL, 0);
}

/* The value of grpc-status; -1: not in this block. */
static int read_status(struct connection *connection, struct view block)
{
    const uint8_t *at = (const uint8_t *)block.data;
    size_t left = block.size;
    int status = -1;

    for (;;) {
        nghttp2_nv field;
        int flags = 0;
        ssize_t taken = nghttp2_hd_inflate_hd2(connection->inflater, &field, &flags, at, left, 1);
        if (taken < 0)
            load_die("cannot read an answer's fields", nghttp2_strerror((int)taken));
        at += taken;
        left -= (size_t)taken;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0 && field.namelen == strlen("grpc-status") &&
            memcmp(field.name, "grpc-status", field.namelen) == 0)
            status = (int)strtol((const char *)field.value, NULL, 10);
        if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0)
            break;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0)
            break;
    }
    CHECK(nghttp2_hd_inflate_end_headers(connection->inflater) == 0);
    return status;
}

static void take_headers(struct connection *connection, int flags, uint32_t stream,
                         struct view payload)
{
    struct slot *slot = find_slot(connection, stream);
    int status;

    if ((flags & FLAG_END_HEADERS) == 0 || (flags & (FLAG_PADDED | FLAG_PRIORITY)) != 0)
        load_die("the server writes fields in a way that this program does not know", NULL);
    status = read_status(connection, payload);
    if ((flags & FLAG_END_STREAM) == 0)
        return;
    if (slot == NULL)
        load_die("an answer to nothing", NULL);
    if (status != 0 && status != 8 && status != 14) {
        (void)fprintf(stderr, "load: grpc-status %d\n", status);
        exit(1);
    }
    load_answer(connection, slot, status == 0);
}

static void take_window(struct connection *connection, uint32_t stream, struct view payload)
{
    struct slot *slot = stream != 0 ? find_slot(connection, stream) : NULL;
    uint32_t more = get32(payload.data) & 0x7FFFFFFF;

    if (stream == 0)
        connection->window += more;
    else if (slot != NULL)
        slot->window += more;
}

static void take_frame(struct connection *connection, const char *head, struct view payload)
{
    uint32_t stream = get32(head + 5) & 0x7FFFFFFF;
    int flags = (uint8_t)head[4];

    switch ((enum frame_type)head[3]) {
    case FRAME_SETTINGS:
        if ((flags & FLAG_ACK) == 0)
            take_settings(connection, payload);
        break;
    case FRAME_WINDOW_UPDATE:
        take_window(connection, stream, payload);
        break;
    case FRAME_PING:
        if ((flags & FLAG_ACK) == 0)
            send_control(connection, FRAME_PING, FLAG_ACK, payload.data, payload.size);
        break;
    case FRAME_HEADERS:
        take_headers(connection, flags, stream, payload);
        break;
    case FRAME_RST_STREAM: /* After an early answer; or instead of one. */
        if (find_slot(connection, stream) != NULL)
            load_answer(connection, find_slot(connection, stream), false);
        break;
    case FRAME_GOAWAY:
    case FRAME_CONTINUATION:
        load_die("the server ended a stream or the connection", NULL);
    case FRAME_DATA:
        break;
    }
}

/* Whole frames at the front; how many bytes they are. */
static size_t take_frames(struct connection *connection, struct view bytes)
{
    size_t at = 0;

    while (bytes.size - at >= FRAME_HEAD) {
        const char *head = bytes.data + at;
        size_t size = get32(head) >> 8;
        if (bytes.size - at - FRAME_HEAD < size)
            break;
        take_frame(connection, head, (struct view){head + FRAME_HEAD, size});
        at += FRAME_HEAD + size;
    }
    return at;
}

static void receive(struct connection *connection, struct view bytes)
{
    struct buf *partly = &connection->partly;
    size_t taken;

    if (partly->size == 0) {
        taken = take_frames(connection, bytes);
        CHECK(buf_append(partly, bytes.data + taken, bytes.size - taken) == 0);
        return;
    }
    CHECK(buf_append_view(partly, bytes) == 0);
    taken = take_frames(connection, buf_view(partly));
    buf_consume(partly, taken);
}

/* ------------------------------------------------------------------ ends */

static void open_h2(struct connection *connection)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    char update[FRAME_HEAD + 4];

    connection->window = connection->stream_window = 65535;
    connection->frame_bytes = connection->load->options.frame_bytes;
    CHECK(nghttp2_hd_inflate_new(&connection->inflater) == 0);
    CHECK(buf_append(&connection->left, preface, sizeof(preface) - 1) == 0);
    put_frame_head(update, 0, FRAME_SETTINGS, 0, 0);
    CHECK(buf_append(&connection->left, update, FRAME_HEAD) == 0);
    put_frame_head(update, 4, FRAME_WINDOW_UPDATE, 0, 0);
    put32(update + FRAME_HEAD, 1 << 30); /* Answers are small; no more credit will be needed. */
    CHECK(buf_append(&connection->left, update, sizeof(update)) == 0);
}

static void close_h2(struct connection *connection)
{
    nghttp2_hd_inflate_del(connection->inflater);
}

const struct protocol load_grpc = {open_h2, fill, receive, close_h2};
