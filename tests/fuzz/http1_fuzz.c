/* http1_fuzz.c: any bytes as HTTP/1 requests, all at once and in pieces, without bodies and with them.
 * Both find the same requests, with the same fields and bodies; targets are decoded and searched as
 * the web door does.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "net/http1.h"
#include "net/http_server.h"
#include "net/http_uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_view(struct buf *out, struct view view)
{
    CHECK(buf_append_u64(out, view.size) == 0 && buf_append_byte(out, ':') == 0);
    CHECK(buf_append_view(out, view) == 0);
}

static void put_request(struct buf *out, const struct http1_request *request)
{
    CHECK(buf_printf(out, "get %d head %d alive %d body %d hosts %u ", request->is_get,
                     request->is_head, request->keeps_alive, request->has_body,
                     request->hosts) == 0);
    put_view(out, request->target);
    put_view(out, request->host);
    put_view(out, request->accept);
    put_view(out, request->accept_encoding);
    put_view(out, request->if_none_match);
}

static void use(const struct http1_request *request)
{
    const struct view names[] = {VIEW("maps.example")};
    struct buf value;

    buf_init(&value, 0);
    (void)http_host_is_ours(request->host, names, 1);
    if (http_query_get(request->target, VIEW("focus"), &value) != 0)
        CHECK(value.size == 0);
    buf_reset(&value);
    if (http_uri_decode(request->target, false, &value) == 0)
        CHECK(value.size <= request->target.size);
    buf_release(&value);
}

/* What was found, as text; pieces of `piece` bytes. */
static void read_all(struct view bytes, size_t piece, struct buf *out)
{
    enum http1_result result = HTTP1_MORE;
    struct http1 *http1;
    size_t at = 0;

    CHECK(http1_new(NULL, NULL, &http1) == 0);
    while (at < bytes.size && result != HTTP1_BAD) {
        size_t size = bytes.size - at < piece ? bytes.size - at : piece;
        size_t taken = 0;

        result = http1_read(http1, (struct view){bytes.data + at, size}, &taken);
        CHECK(taken <= size);
        at += taken;
        if (result == HTTP1_WHOLE) {
            put_request(out, http1_request(http1));
            use(http1_request(http1));
            http1_next(http1);
        } else if (result == HTTP1_MORE) {
            CHECK(taken == size);
        }
    }
    if (result == HTTP1_BAD)
        CHECK(buf_printf(out, "error %u", http1_error(http1)) == 0);
    http1_free(http1);
}

/* Pieces of a body are told together. */
struct told {
    struct buf *out;
    struct buf body;
};

static void tell_field(void *context, struct view name, struct view value)
{
    struct told *told = context;

    CHECK(buf_append_byte(told->out, 'f') == 0);
    put_view(told->out, name);
    put_view(told->out, value);
}

static void tell_body(void *context, struct view piece)
{
    struct told *told = context;

    CHECK(buf_append_view(&told->body, piece) == 0);
}

static void read_with_bodies(struct view bytes, size_t piece, struct buf *out)
{
    static const struct http1_events events = {.on_field = tell_field, .on_body = tell_body};
    enum http1_result result = HTTP1_MORE;
    struct told told = {.out = out};
    struct http1 *http1;
    size_t at = 0;

    buf_init(&told.body, 0);
    CHECK(http1_new(&events, &told, &http1) == 0);
    while ((at < bytes.size || result == HTTP1_WHOLE) && result != HTTP1_BAD) {
        size_t size = bytes.size - at < piece ? bytes.size - at : piece;
        size_t taken = 0;

        result = http1_read(http1, (struct view){bytes.data + at, size}, &taken);
        CHECK(taken <= size && (result != HTTP1_MORE || taken == size));
        at += taken;
        if (result == HTTP1_WHOLE)
            put_request(out, http1_request(http1));
        if (result == HTTP1_END) {
            CHECK(!http1_request(http1)->has_length ||
                  http1_request(http1)->length == told.body.size);
            put_view(out, buf_view(&told.body));
            buf_reset(&told.body);
            http1_next(http1);
        }
        if (result == HTTP1_WHOLE && at == bytes.size && http1_request(http1)->has_body)
            break;
    }
    if (result == HTTP1_BAD)
        CHECK(buf_printf(out, "error %u", http1_error(http1)) == 0);
    else
        put_view(out, buf_view(&told.body));
    http1_free(http1);
    buf_release(&told.body);
}

static void compare(void (*read)(struct view, size_t, struct buf *), struct view bytes,
                    size_t piece)
{
    struct buf whole;
    struct buf pieces;

    buf_init(&whole, 0);
    buf_init(&pieces, 0);
    read(bytes, SIZE_MAX, &whole);
    read(bytes, piece, &pieces);
    CHECK(view_equal(buf_view(&whole), buf_view(&pieces)));
    buf_release(&whole);
    buf_release(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view bytes;

    if (size == 0)
        return 0;
    bytes = (struct view){(const char *)data + 1, size - 1};
    compare(read_all, bytes, 1 + data[0] % 64);
    compare(read_with_bodies, bytes, 1 + data[0] % 64);
    return 0;
}
