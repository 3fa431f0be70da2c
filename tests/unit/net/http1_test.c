/* http1_test.c: heads of requests, whole and in pieces, right and wrong. */
#include "net/http1.h"

#include "base/buf.h"
#include "tests/lib/test.h"

/* Feeds `bytes` in pieces until a request is whole or bad; how many bytes it took. */
static enum http1_result feed(struct http1 *http1, struct view bytes, size_t piece,
                              size_t *out_taken)
{
    enum http1_result result = HTTP1_MORE;
    size_t at = 0;

    while (at < bytes.size && result == HTTP1_MORE) {
        size_t size = bytes.size - at < piece ? bytes.size - at : piece;
        size_t taken = 0;

        result = http1_read(http1, (struct view){bytes.data + at, size}, &taken);
        if (result == HTTP1_MORE)
            assert_int_equal(taken, size);
        at += taken;
    }
    *out_taken = at;
    return result;
}

static void http1__reads_pipelined_requests_in_pieces(void **state)
{
    const struct view first = VIEW("GET /a?b=c HTTP/1.1\r\nHost: h:1\r\nAccept: x\r\nX-Other: y\r\n"
                                   "accept: z\r\nAccept-Encoding: gzip\r\n"
                                   "If-None-Match: \"1\"\r\n\r\n");
    const struct view second = VIEW("HEAD http://other/p HTTP/1.0\r\n\r\n");
    char both[1000];

    (void)state;
    memcpy(both, first.data, first.size);
    memcpy(both + first.size, second.data, second.size);
    for (size_t piece = 1; piece < 200; piece += 7) {
        const struct http1_request *request;
        struct http1 *http1;
        size_t taken;

        assert_int_equal(http1_new(NULL, NULL, &http1), 0);
        assert_false(http1_is_inside(http1));
        assert_int_equal(feed(http1, (struct view){both, first.size + second.size}, piece, &taken),
                         HTTP1_WHOLE);
        assert_int_equal(taken, first.size);
        request = http1_request(http1);
        assert_true(request->is_get && !request->is_head && request->keeps_alive);
        assert_false(request->has_body);
        assert_view_equal(request->target, "/a?b=c");
        assert_view_equal(request->host, "h:1");
        assert_view_equal(request->accept, "x, z");
        assert_view_equal(request->accept_encoding, "gzip");
        assert_view_equal(request->if_none_match, "\"1\"");
        http1_next(http1);
        assert_int_equal(feed(http1, second, piece, &taken), HTTP1_WHOLE);
        assert_int_equal(taken, second.size);
        request = http1_request(http1);
        assert_true(request->is_head && !request->is_get && !request->keeps_alive);
        assert_view_equal(request->target, "/p");
        assert_view_equal(request->host, "other");
        assert_view_equal(request->accept, "");
        assert_int_equal(request->hosts, 0);
        http1_free(http1);
    }
}

/* However many: they are neither a head that is on its way nor a part of one. */
static void http1__counts_empty_lines_for_nothing(void **state)
{
    const struct view lines = VIEW("\r\n\n\r\r\n");
    const struct view request = VIEW("\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    struct http1 *http1;
    size_t taken;

    (void)state;
    assert_int_equal(http1_new(NULL, NULL, &http1), 0);
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < HTTP1_HEAD_MAX; j++)
            assert_int_equal(feed(http1, lines, 4, &taken), HTTP1_MORE);
        assert_false(http1_is_inside(http1));
        assert_int_equal(feed(http1, request, i == 0 ? 3 : 1000, &taken), HTTP1_WHOLE);
        assert_int_equal(taken, request.size);
        assert_view_equal(http1_request(http1)->target, "/a");
        http1_next(http1);
    }
    http1_free(http1);
}

static unsigned error_of(struct view bytes)
{
    struct http1 *http1;
    size_t taken;
    unsigned error;

    assert_int_equal(http1_new(NULL, NULL, &http1), 0);
    if (feed(http1, bytes, 100, &taken) != HTTP1_BAD)
        fail_msg("taken: %.*s", (int)bytes.size, bytes.data);
    error = http1_error(http1);
    http1_free(http1);
    return error;
}

static void http1__refuses_what_is_no_request(void **state)
{
    (void)state;
    assert_int_equal(error_of(VIEW("\x16\x03\x01\x02\x00")), 501);
    assert_int_equal(error_of(VIEW("FETCH / HTTP/1.1\r\n\r\n")), 501);
    assert_int_equal(error_of(VIEW("GET / HTTP/1.1\r\n\r\n")), 400); /* Without Host. */
    assert_int_equal(error_of(VIEW("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")), 400);
    assert_int_equal(error_of(VIEW("GET a HTTP/1.1\r\nHost: a\r\n\r\n")), 400);
    assert_int_equal(error_of(VIEW("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n")), 400);
    assert_int_equal(error_of(VIEW("GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n")), 400);
    assert_int_equal(error_of(VIEW("GET / HTTP/1.1\r\nHost : a\r\n\r\n")), 400);
    assert_int_equal(error_of(VIEW("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")), 400);
    assert_int_equal(error_of(VIEW("GET / HTTP/2.0\r\nHost: a\r\n\r\n")), 505);
    assert_int_equal(error_of(VIEW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")), 505);
}

static void http1__says_when_a_body_follows(void **state)
{
    static const char *const requests[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct http1 *http1;
        size_t taken;

        assert_int_equal(http1_new(NULL, NULL, &http1), 0);
        assert_int_equal(feed(http1, view_of(requests[i]), 1000, &taken), HTTP1_WHOLE);
        assert_int_equal(taken, strstr(requests[i], "\r\n\r\n") + 4 - requests[i]);
        assert_true(http1_request(http1)->has_body);
        http1_free(http1);
    }
}

static unsigned error_of_size(const char *begin, size_t size, const char *end)
{
    char *text = test_malloc(strlen(begin) + size + strlen(end));
    unsigned error;

    memcpy(text, begin, strlen(begin));
    memset(text + strlen(begin), 'a', size);
    memcpy(text + strlen(begin) + size, end, strlen(end));
    error = error_of((struct view){text, strlen(begin) + size + strlen(end)});
    test_free(text);
    return error;
}

static void http1__bounds_a_head(void **state)
{
    char target[HTTP1_TARGET_MAX];
    struct http1 *http1;
    size_t taken;

    (void)state;
    assert_int_equal(error_of_size("GET /", HTTP1_TARGET_MAX, " HTTP/1.1\r\n"), 414);
    assert_int_equal(error_of_size("GET / HTTP/1.1\r\nX: ", HTTP1_HEAD_MAX, "\r\n"), 431);
    assert_int_equal(error_of_size("GET / HTTP/1.1\r\nHost: ", HTTP1_HEAD_MAX, "\r\n"), 431);
    assert_int_equal(http1_new(NULL, NULL, &http1), 0);
    memset(target, '/', sizeof(target));
    assert_int_equal(feed(http1, VIEW("GET "), 10, &taken), HTTP1_MORE);
    assert_true(http1_is_inside(http1));
    assert_int_equal(feed(http1, (struct view){target, sizeof(target)}, 999, &taken), HTTP1_MORE);
    assert_int_equal(feed(http1, VIEW(" HTTP/1.0\r\n\r\n"), 10, &taken), HTTP1_WHOLE);
    assert_int_equal(http1_request(http1)->target.size, HTTP1_TARGET_MAX);
    http1_free(http1);
}

static void http1__is_not_upgraded(void **state)
{
    struct http1 *http1;
    size_t taken;

    (void)state;
    assert_int_equal(http1_new(NULL, NULL, &http1), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(feed(http1,
                              VIEW("GET /u HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                                   "Upgrade: websocket\r\n\r\n"),
                              1000, &taken),
                         HTTP1_WHOLE);
        assert_view_equal(http1_request(http1)->target, "/u");
        http1_next(http1);
    }
    http1_free(http1);
}

/* ------------------------------------------------------------------------- bodies */

static void tell_field(void *context, struct view name, struct view value)
{
    assert_int_equal(buf_printf(context, "%.*s=%.*s|", (int)name.size, name.data, (int)value.size,
                                value.size != 0 ? value.data : ""),
                     0);
}

static void tell_body(void *context, struct view piece)
{
    assert_int_equal(buf_append_view(context, piece), 0);
}

static const struct http1_events events = {.on_field = tell_field, .on_body = tell_body};

/* All requests of `bytes`; what was told of them, each ended by a newline. */
static enum http1_result read_bodies(struct view bytes, size_t piece, struct buf *out)
{
    enum http1_result result = HTTP1_MORE;
    struct http1 *http1;
    size_t at = 0;

    assert_int_equal(http1_new(&events, out, &http1), 0);
    while ((at < bytes.size || result == HTTP1_WHOLE) && result != HTTP1_BAD) {
        size_t size = bytes.size - at < piece ? bytes.size - at : piece;
        size_t taken = 0;

        result = http1_read(http1, (struct view){bytes.data + at, size}, &taken);
        at += taken;
        if (result == HTTP1_WHOLE)
            assert_int_equal(buf_append_byte(out, '>'), 0);
        if (result != HTTP1_END)
            continue;
        assert_int_equal(buf_append_byte(out, '\n'), 0);
        http1_next(http1);
    }
    http1_free(http1);
    return result;
}

static void http1__reads_bodies_in_pieces(void **state)
{
    const struct view bytes = VIEW(
        "POST /a HTTP/1.1\r\nHost: h\r\nX-Y: z\r\nContent-Length: 4\r\n"
        "Connection: keep-alive\r\nEmpty:\r\n\r\nbody"
        "DELETE /b HTTP/1.1\r\nhost: h\r\n\r\n"
        "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
        "2;ext=\"x\"\r\nab\r\n001\r\nc\r\n0\r\nX-Trailer: t\r\n\r\n"
        "POST /d HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
        "POST /e HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n"
        "Connection: Upgrade\r\nContent-Length: 1\r\n\r\ne");

    (void)state;
    for (size_t piece = 1; piece < bytes.size + 5; piece += 3) {
        struct buf told;

        buf_init(&told, 0);
        assert_int_equal(read_bodies(bytes, piece, &told), HTTP1_END);
        assert_view_equal(buf_view(&told), "host=h|x-y=z|empty=|>body\nhost=h|>\nhost=h|>abc\n"
                                           "host=h|>\nhost=h|upgrade=h2c|>e\n");
        buf_release(&told);
    }
}

static void http1__refuses_bodies_that_two_could_read_differently(void **state)
{
#define POST "POST / HTTP/1.1\r\nHost: h\r\n"
    static const char *const bad[] = {
        POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: gzip\r\n\r\nx",
        POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        POST "Content-Length: +1\r\n\r\nx",
        POST "Content-Length: 1x\r\n\r\nx",
        POST "Content-Length: 18446744073709551616\r\n\r\nx",
        POST "Transfer-Encoding: chunked\r\n\r\n-1\r\nx",
        POST "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
        POST "Content-Length : 1\r\n\r\nx",
        POST "Content-Length: 1\r\n folded\r\n\r\nx",
        POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding:\r\n\r\n",
        POST ": x\r\n\r\n",
        POST "Content-Length: 0\r\n: x\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n0\r\n: x\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n1\r\nxXX0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\rX0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\n\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n1\rXx\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n1;a\rXx\r\n0\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (size_t piece = 1; piece <= 1000; piece += piece < 5 ? 1 : 995) {
            struct buf told;

            buf_init(&told, 0);
            if (read_bodies(view_of(bad[i]), piece, &told) != HTTP1_BAD)
                fail_msg("taken in pieces of %zu: %s", piece, bad[i]);
            buf_release(&told);
        }
    }
}

/* Reads a chunked body that begins so and goes on with `piece` over and over, so many times. */
static enum http1_result read_on(const char *begin, const char *piece, int times)
{
    struct buf said;
    struct buf told;
    enum http1_result result;

    buf_init(&said, 0);
    buf_init(&told, 0);
    assert_int_equal(buf_append_text(&said, POST "Transfer-Encoding: chunked\r\n\r\n"), 0);
    assert_int_equal(buf_append_text(&said, begin), 0);
    for (int i = 0; i < times; i++)
        assert_int_equal(buf_append_text(&said, piece), 0);
    result = read_bodies(buf_view(&said), 1000, &told);
    buf_release(&told);
    buf_release(&said);
    return result;
}

static void http1__bounds_what_stands_between_chunks(void **state)
{
    (void)state;
    assert_int_equal(read_on("1;a=", "xxxxxxxxxx", 1000), HTTP1_MORE);
    assert_int_equal(read_on("1;a=", "xxxxxxxxxx", 10000), HTTP1_BAD);
    assert_int_equal(read_on("0\r\n", "X-Y: z\r\n", 1000), HTTP1_MORE);
    assert_int_equal(read_on("0\r\n", "X-Y: z\r\n", 10000), HTTP1_BAD);
    /* Small chunks are all framing, and right. */
    assert_int_equal(read_on("", "1\r\nx\r\n", 100000), HTTP1_MORE);
    assert_int_equal(read_on("", "00000001\r\nx\r\n", 100000), HTTP1_MORE);
    assert_int_equal(read_on("", "1;extension=long\r\nx\r\n", 100000), HTTP1_BAD);
}

static int read_once(void *context)
{
    struct http1 *http1;
    size_t taken;
    int status = http1_new(NULL, NULL, &http1);
    enum http1_result result;

    (void)context;
    if (status != 0)
        return status;
    result = feed(http1, VIEW("GET /x HTTP/1.1\r\nHost: a\r\nAccept: b\r\n\r\n"), 1000, &taken);
    if (result == HTTP1_BAD)
        assert_int_equal(http1_error(http1), 503);
    http1_free(http1);
    return result == HTTP1_WHOLE ? 0 : STATUS_NOMEM;
}

static void http1__survives_failing_memory(void **state)
{
    (void)state;
    test_sweep_memory(read_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http1__reads_pipelined_requests_in_pieces),
        cmocka_unit_test(http1__counts_empty_lines_for_nothing),
        cmocka_unit_test(http1__refuses_what_is_no_request),
        cmocka_unit_test(http1__says_when_a_body_follows),
        cmocka_unit_test(http1__bounds_a_head),
        cmocka_unit_test(http1__is_not_upgraded),
        cmocka_unit_test(http1__reads_bodies_in_pieces),
        cmocka_unit_test(http1__refuses_bodies_that_two_could_read_differently),
        cmocka_unit_test(http1__bounds_what_stands_between_chunks),
        cmocka_unit_test(http1__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
