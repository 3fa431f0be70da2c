/* http_head.c: the few fields that matter, and their grammar. */
#include "receiver/http_head.h"

#include <string.h>
#include <strings.h>

/* Longer ones belong to nobody who is on a list. */
enum { ORIGIN_MAX = 512, ASKED_MAX = 2048 };

void http_head_init(struct http_head *head, bool keeps_origin)
{
    *head = (struct http_head){.keeps_origin = keeps_origin};
    buf_init(&head->origin, ORIGIN_MAX);
    buf_init(&head->asked_fields, ASKED_MAX);
}

void http_head_release(struct http_head *head)
{
    buf_release(&head->origin);
    buf_release(&head->asked_fields);
}

/* `word` is in lower case. */
static bool is_word(struct view text, struct view word)
{
    return text.size == word.size && strncasecmp(text.data, word.data, word.size) == 0;
}

static enum http_type type_of(struct view value)
{
    const char *parameters = value.size != 0 ? memchr(value.data, ';', value.size) : NULL;

    if (parameters != NULL)
        value.size = (size_t)(parameters - value.data);
    value = view_trim(value);
    if (is_word(value, VIEW("application/x-protobuf")))
        return HTTP_TYPE_PROTOBUF;
    if (is_word(value, VIEW("application/json")))
        return HTTP_TYPE_JSON;
    return value.size == 0 ? HTTP_TYPE_NONE : HTTP_TYPE_OTHER;
}

static enum http_coding coding_of(struct view value)
{
    value = view_trim(value);
    if (value.size == 0 || is_word(value, VIEW("identity")))
        return HTTP_CODING_IDENTITY;
    if (is_word(value, VIEW("gzip")) || is_word(value, VIEW("x-gzip")))
        return HTTP_CODING_GZIP;
    if (is_word(value, VIEW("deflate")))
        return HTTP_CODING_DEFLATE;
    return is_word(value, VIEW("zstd")) ? HTTP_CODING_ZSTD : HTTP_CODING_OTHER;
}

static void take_coding(struct http_head *head, struct view value)
{
    enum http_coding coding = coding_of(value);

    /* A second field makes it a list. */
    if (coding != HTTP_CODING_IDENTITY)
        head->coding = head->coding == HTTP_CODING_IDENTITY ? coding : HTTP_CODING_OTHER;
}

static enum http_method method_of(struct view value)
{
    if (view_equal(value, VIEW("POST")))
        return HTTP_METHOD_POST;
    if (view_equal(value, VIEW("OPTIONS")))
        return HTTP_METHOD_OPTIONS;
    if (view_equal(value, VIEW("GET")))
        return HTTP_METHOD_GET;
    return view_equal(value, VIEW("HEAD")) ? HTTP_METHOD_HEAD : HTTP_METHOD_OTHER;
}

static void take_length(struct http_head *head, struct view value)
{
    uint64_t length = 0;

    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9' || length > UINT64_MAX / 16)
            return; /* The parser of either version has its own answer to it. */
        length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    head->has_length = value.size != 0;
    head->length = length;
}

/* Where it does not fit the copy stays empty, which no list allows. */
static void keep(struct buf *to, struct view value)
{
    buf_reset(to);
    if (buf_append_view(to, value) != 0)
        buf_reset(to);
}

static void take_browser_field(struct http_head *head, struct view name, struct view value)
{
    if (view_equal(name, VIEW("origin")))
        keep(&head->origin, value);
    else if (view_equal(name, VIEW("access-control-request-method")))
        head->asks_method = true;
    else if (view_equal(name, VIEW("access-control-request-headers")))
        keep(&head->asked_fields, value);
}

void http_head_field(struct http_head *head, struct view name, struct view value)
{
    if (view_equal(name, VIEW(":method"))) {
        head->method = method_of(value);
    } else if (view_equal(name, VIEW("content-type"))) {
        head->type = type_of(value);
    } else if (view_equal(name, VIEW("content-encoding"))) {
        take_coding(head, value);
    } else if (view_equal(name, VIEW("content-length"))) {
        take_length(head, value);
    } else if (view_equal(name, VIEW("expect"))) {
        head->expects_continue = is_word(view_trim(value), VIEW("100-continue"));
        head->expects_other = !head->expects_continue;
    } else if (head->keeps_origin) {
        take_browser_field(head, name, value);
    }
}

struct view http_path_of(struct view target)
{
    const char *mark = target.size != 0 ? memchr(target.data, '?', target.size) : NULL;

    if (mark != NULL)
        target.size = (size_t)(mark - target.data);
    return target;
}
