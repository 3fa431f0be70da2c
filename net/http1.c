/* http1.c: llhttp's callbacks collect the few fields that are of use here.
 *
 * Parsing pauses where a head ends. The parser then starts afresh for the next request, so that
 * none of its states for bodies and upgrades is ever reached.
 */
#include "net/http1.h"

#include <llhttp.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

enum field { FIELD_HOST, FIELD_ACCEPT, FIELD_ACCEPT_ENCODING, FIELD_IF_NONE_MATCH, FIELD_COUNT };

static const char *const field_names[FIELD_COUNT] = {"host", "accept", "accept-encoding",
                                                     "if-none-match"};

struct http1 {
    llhttp_t parser;
    llhttp_settings_t settings;
    struct http1_request request;
    struct buf target;
    struct buf fields[FIELD_COUNT];
    char name[24]; /* Of the field that is being read; as much of it as fits. */
    size_t name_size;
    size_t head_size;
    struct buf *value; /* Where its value goes; NULL: nowhere. */
    unsigned error;
    bool is_whole;
};

static int fail(struct http1 *http1, unsigned error)
{
    if (http1->error == 0)
        http1->error = error;
    return HPE_USER;
}

static int append(struct http1 *http1, struct buf *to, const char *data, size_t size)
{
    int status = buf_append(to, data, size);

    if (status == STATUS_NOMEM)
        return fail(http1, 503);
    if (status != 0)
        return fail(http1, to == &http1->target ? 414 : 431);
    return 0;
}

static int on_url(llhttp_t *parser, const char *data, size_t size)
{
    struct http1 *http1 = parser->data;

    return append(http1, &http1->target, data, size);
}

static int on_name(llhttp_t *parser, const char *data, size_t size)
{
    struct http1 *http1 = parser->data;

    /* One byte more than any known name has tells them apart from longer ones. */
    for (size_t i = 0; i < size && http1->name_size < sizeof(http1->name); i++)
        http1->name[http1->name_size++] = data[i];
    return 0;
}

static int on_name_end(llhttp_t *parser)
{
    struct http1 *http1 = parser->data;

    http1->value = NULL;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strlen(field_names[i]) == http1->name_size &&
            strncasecmp(field_names[i], http1->name, http1->name_size) == 0)
            http1->value = &http1->fields[i];
    }
    http1->name_size = 0;
    if (http1->value == &http1->fields[FIELD_HOST])
        http1->request.hosts++;
    if (http1->value != NULL && http1->value->size != 0)
        return append(http1, http1->value, ", ", 2);
    return 0;
}

static int on_value(llhttp_t *parser, const char *data, size_t size)
{
    struct http1 *http1 = parser->data;

    return http1->value != NULL ? append(http1, http1->value, data, size) : 0;
}

/* "http://host/path", as a proxy's client writes it: the host counts in place of Host. */
static int split_target(struct http1 *http1)
{
    struct http1_request *request = &http1->request;
    struct view scheme = VIEW("http://");
    struct view target = buf_view(&http1->target);
    const char *slash;

    request->target = target;
    request->host = buf_view(&http1->fields[FIELD_HOST]);
    if (target.size != 0 && target.data[0] == '/')
        return 0;
    if (target.size < scheme.size || strncasecmp(target.data, scheme.data, scheme.size) != 0)
        return fail(http1, 400);
    target = (struct view){target.data + scheme.size, target.size - scheme.size};
    slash = target.size != 0 ? memchr(target.data, '/', target.size) : NULL;
    if (slash == NULL)
        return fail(http1, 400);
    request->host = (struct view){target.data, (size_t)(slash - target.data)};
    request->target = (struct view){slash, target.size - request->host.size};
    return 0;
}

static int on_head(llhttp_t *parser)
{
    struct http1 *http1 = parser->data;
    struct http1_request *request = &http1->request;
    bool is_1_1 = parser->http_minor == 1;

    if (parser->http_major != 1 || parser->http_minor > 1)
        return fail(http1, 505);
    if (request->hosts > 1 || (request->hosts == 0 && is_1_1))
        return fail(http1, 400);
    request->is_get = parser->method == HTTP_GET;
    request->is_head = parser->method == HTTP_HEAD;
    request->keeps_alive = llhttp_should_keep_alive(parser) != 0;
    request->has_body = (parser->flags & (F_CHUNKED | F_TRANSFER_ENCODING)) != 0 ||
                        parser->content_length != 0;
    request->accept = buf_view(&http1->fields[FIELD_ACCEPT]);
    request->accept_encoding = buf_view(&http1->fields[FIELD_ACCEPT_ENCODING]);
    request->if_none_match = buf_view(&http1->fields[FIELD_IF_NONE_MATCH]);
    /* The other forms of a target go with methods that are not served anyway. */
    if ((request->is_get || request->is_head) && split_target(http1) != 0)
        return HPE_USER;
    http1->is_whole = true;
    return HPE_PAUSED;
}

static void start(struct http1 *http1)
{
    llhttp_init(&http1->parser, HTTP_REQUEST, &http1->settings);
    http1->parser.data = http1;
}

int http1_new(struct http1 **out_http1)
{
    struct http1 *http1 = mem_calloc(1, sizeof(*http1));

    if (http1 == NULL)
        return STATUS_NOMEM;
    llhttp_settings_init(&http1->settings);
    http1->settings.on_url = on_url;
    http1->settings.on_header_field = on_name;
    http1->settings.on_header_field_complete = on_name_end;
    http1->settings.on_header_value = on_value;
    http1->settings.on_headers_complete = on_head;
    buf_init(&http1->target, HTTP1_TARGET_MAX);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        buf_init(&http1->fields[i], HTTP1_HEAD_MAX);
    start(http1);
    *out_http1 = http1;
    return 0;
}

void http1_free(struct http1 *http1)
{
    if (http1 == NULL)
        return;
    buf_release(&http1->target);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        buf_release(&http1->fields[i]);
    mem_free(http1);
}

enum http1_result http1_read(struct http1 *http1, struct view bytes, size_t *out_taken)
{
    size_t room = HTTP1_HEAD_MAX - http1->head_size;
    size_t size = bytes.size < room ? bytes.size : room;
    llhttp_errno_t error;

    CHECK(!http1->is_whole);
    *out_taken = 0;
    if (http1->error != 0)
        return HTTP1_BAD;
    error = llhttp_execute(&http1->parser, bytes.data, size);
    if (http1->is_whole) {
        *out_taken = (size_t)(llhttp_get_error_pos(&http1->parser) - bytes.data);
        return HTTP1_WHOLE;
    }
    http1->head_size += size;
    if (error != HPE_OK)
        (void)fail(http1, error == HPE_INVALID_VERSION     ? 505
                          : error == HPE_PAUSED_H2_UPGRADE ? 505
                          : error == HPE_INVALID_METHOD    ? 501
                                                           : 400);
    else if (http1->head_size == HTTP1_HEAD_MAX)
        (void)fail(http1, 431);
    *out_taken = size;
    return http1->error != 0 ? HTTP1_BAD : HTTP1_MORE;
}

const struct http1_request *http1_request(const struct http1 *http1)
{
    CHECK(http1->is_whole);
    return &http1->request;
}

unsigned http1_error(const struct http1 *http1)
{
    return http1->error;
}

bool http1_is_inside(const struct http1 *http1)
{
    return http1->head_size != 0 && !http1->is_whole;
}

void http1_next(struct http1 *http1)
{
    buf_reset(&http1->target);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        buf_release(&http1->fields[i]);
    http1->request = (struct http1_request){.hosts = 0};
    http1->name_size = 0;
    http1->head_size = 0;
    http1->value = NULL;
    http1->error = 0;
    http1->is_whole = false;
    start(http1);
}
