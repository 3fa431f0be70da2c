/* http1.c: llhttp's callbacks collect the few fields that are of use here.
 *
 * Parsing pauses where a head ends, and where a body does. The parser then starts afresh for the next
 * request, so that none of its states for upgrades is ever reached.
 */
#include "net/http1.h"

#include <llhttp.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

enum {
    NAME_MAX = 64,
    /* What there may be in chunks beside their bytes: sizes, extensions, trailers. A chunk of one byte
     * needs five. */
    FRAMING_FREE = HTTP1_HEAD_MAX,
    FRAMING_PER_BYTE = 16,
};

enum field {
    FIELD_HOST,
    FIELD_ACCEPT,
    FIELD_ACCEPT_ENCODING,
    FIELD_IF_NONE_MATCH,
    FIELD_TRANSFER_ENCODING,
    FIELD_COUNT
};

static const char *const field_names[FIELD_COUNT] = {"host", "accept", "accept-encoding",
                                                     "if-none-match", "transfer-encoding"};

struct http1 {
    llhttp_t parser;
    llhttp_settings_t settings;
    struct http1_request request;
    struct buf target;
    struct buf fields[FIELD_COUNT];
    char name[NAME_MAX]; /* Of the field that is being read; as much of it as fits. */
    size_t name_size;
    size_t head_size;
    uint64_t raw_size;    /* Of what came behind the head, */
    uint64_t body_size;   /* and the body's part of it. */
    uint64_t chunk_left;  /* Bytes of a chunk that are to come, */
    size_t line_end_seen; /* and how much came of the line's end behind them. */
    const char *begin;    /* Of the bytes that are being read, */
    const char *end;      /* and theirs; */
    char before;          /* what came in front of them. */
    struct buf *value;    /* Where its value goes; NULL: nowhere. */
    struct buf passing;   /* The value of a field that goes to `events`. */
    const struct http1_events *events;
    void *context;
    unsigned error;
    bool is_chunk_new; /* Its size was read. */
    bool has_coding;   /* There was Transfer-Encoding. */
    bool is_whole;     /* The head. */
    bool is_ended;     /* The body too. */
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

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static int on_name(llhttp_t *parser, const char *data, size_t size)
{
    struct http1 *http1 = parser->data;

    /* One byte more than any known name has tells them apart from longer ones. */
    for (size_t i = 0; i < size && http1->name_size < sizeof(http1->name); i++)
        http1->name[http1->name_size++] = lower(data[i]);
    return 0;
}

static int on_name_end(llhttp_t *parser)
{
    struct http1 *http1 = parser->data;

    http1->value = NULL;
    if (http1->name_size == 0)
        return fail(http1, 400); /* llhttp takes a field without a name. */
    if (http1->is_whole)
        return 0; /* A trailer. */
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (view_equal(view_of(field_names[i]), (struct view){http1->name, http1->name_size}))
            http1->value = &http1->fields[i];
    }
    if (http1->value == &http1->fields[FIELD_HOST])
        http1->request.hosts++;
    if (http1->value == &http1->fields[FIELD_TRANSFER_ENCODING])
        http1->has_coding = true; /* llhttp overlooks one without a value. */
    if (http1->value != NULL && http1->value->size != 0)
        return append(http1, http1->value, ", ", 2);
    return 0;
}

static bool is_own(struct view name)
{
    return view_equal(name, VIEW("transfer-encoding")) ||
           view_equal(name, VIEW("content-length")) || view_equal(name, VIEW("connection"));
}

static int on_value_end(llhttp_t *parser)
{
    struct http1 *http1 = parser->data;
    struct view name = {http1->name, http1->name_size};

    http1->name_size = 0;
    if (http1->events != NULL && !http1->is_whole && name.size < NAME_MAX && !is_own(name))
        http1->events->on_field(http1->context, name, buf_view(&http1->passing));
    buf_reset(&http1->passing);
    return 0;
}

static const char line_end[] = {'\r', '\n'};

/* llhttp skips the two bytes behind a chunk, whatever they are; others would find the next request
 * elsewhere. Returns: 0; STATUS_INVALID. */
static int look_behind_chunk(struct http1 *http1, const char *data)
{
    for (; http1->line_end_seen < sizeof(line_end) && data != http1->end; data++)
        if (*data != line_end[http1->line_end_seen++])
            return STATUS_INVALID;
    return 0;
}

static int on_chunk(llhttp_t *parser)
{
    struct http1 *http1 = parser->data;

    http1->chunk_left = parser->content_length;
    http1->is_chunk_new = true;
    return 0;
}

/* Likewise the byte behind the CR of the line that tells its size. */
static bool is_at_line(const struct http1 *http1, const char *data)
{
    return (data != http1->begin ? data[-1] : http1->before) == '\n';
}

static int on_body(llhttp_t *parser, const char *data, size_t size)
{
    struct http1 *http1 = parser->data;

    if ((parser->flags & F_CHUNKED) != 0) {
        CHECK(size <= http1->chunk_left);
        if (http1->is_chunk_new && !is_at_line(http1, data))
            return fail(http1, 400);
        http1->is_chunk_new = false;
        http1->chunk_left -= size;
        if (size != 0 && http1->chunk_left == 0) {
            http1->line_end_seen = 0;
            if (look_behind_chunk(http1, data + size) != 0)
                return fail(http1, 400);
        }
    }
    http1->body_size += size;
    http1->events->on_body(http1->context, (struct view){data, size});
    return 0;
}

static int on_end(llhttp_t *parser)
{
    struct http1 *http1 = parser->data;

    http1->is_ended = true;
    return HPE_PAUSED;
}

static int on_value(llhttp_t *parser, const char *data, size_t size)
{
    struct http1 *http1 = parser->data;
    int status = http1->value != NULL ? append(http1, http1->value, data, size) : 0;

    if (status == 0 && http1->events != NULL && !http1->is_whole)
        status = append(http1, &http1->passing, data, size);
    return status;
}

/* "http://" or "https://" at the front of a target; 0: neither. */
static size_t scheme_size(struct view target)
{
    const struct view schemes[] = {VIEW("http://"), VIEW("https://")};

    for (size_t i = 0; i < 2; i++)
        if (target.size >= schemes[i].size &&
            strncasecmp(target.data, schemes[i].data, schemes[i].size) == 0)
            return schemes[i].size;
    return 0;
}

/* "http://host/path", as a proxy's client writes it: the host counts in place of Host. */
static int split_target(struct http1 *http1)
{
    struct http1_request *request = &http1->request;
    struct view target = buf_view(&http1->target);
    size_t scheme;
    const char *slash;

    request->target = target;
    request->host = buf_view(&http1->fields[FIELD_HOST]);
    if (target.size != 0 && target.data[0] == '/')
        return 0;
    scheme = scheme_size(target);
    if (scheme == 0)
        return fail(http1, 400);
    target = (struct view){target.data + scheme, target.size - scheme};
    slash = target.size != 0 ? memchr(target.data, '/', target.size) : NULL;
    if (slash == NULL)
        return fail(http1, 400);
    request->host = (struct view){target.data, (size_t)(slash - target.data)};
    request->target = (struct view){slash, target.size - request->host.size};
    return 0;
}

/* Chunks are all that is understood: another coding would be taken for the body itself. */
static bool is_coding_served(const struct http1 *http1)
{
    struct view codings = buf_view(&http1->fields[FIELD_TRANSFER_ENCODING]);

    while (codings.size != 0 &&
           (codings.data[codings.size - 1] == ' ' || codings.data[codings.size - 1] == '\t'))
        codings.size--;
    return codings.size == strlen("chunked") &&
           strncasecmp(codings.data, "chunked", codings.size) == 0;
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
    if (http1->has_coding && !is_coding_served(http1))
        return fail(http1, 400);
    request->is_get = parser->method == HTTP_GET;
    request->is_head = parser->method == HTTP_HEAD;
    request->is_post = parser->method == HTTP_POST;
    request->is_options = parser->method == HTTP_OPTIONS;
    request->is_1_0 = !is_1_1;
    request->keeps_alive = llhttp_should_keep_alive(parser) != 0;
    request->has_length = (parser->flags & F_CONTENT_LENGTH) != 0;
    request->length = request->has_length ? parser->content_length : 0;
    request->has_body = (parser->flags & (F_CHUNKED | F_TRANSFER_ENCODING)) != 0 ||
                        parser->content_length != 0;
    request->accept = buf_view(&http1->fields[FIELD_ACCEPT]);
    request->accept_encoding = buf_view(&http1->fields[FIELD_ACCEPT_ENCODING]);
    request->if_none_match = buf_view(&http1->fields[FIELD_IF_NONE_MATCH]);
    /* The other forms of a target go with methods that are not served anyway. */
    request->target = buf_view(&http1->target);
    if (parser->method != HTTP_CONNECT && parser->method != HTTP_OPTIONS &&
        (http1->events != NULL || request->is_get || request->is_head) && split_target(http1) != 0)
        return HPE_USER;
    parser->upgrade = 0; /* Nobody is upgraded; the body, if there is one, is read as such. */
    http1->is_whole = true;
    return HPE_PAUSED;
}

static void start(struct http1 *http1)
{
    llhttp_init(&http1->parser, HTTP_REQUEST, &http1->settings);
    http1->parser.data = http1;
}

int http1_new(const struct http1_events *events, void *context, struct http1 **out_http1)
{
    struct http1 *http1 = mem_calloc(1, sizeof(*http1));

    if (http1 == NULL)
        return STATUS_NOMEM;
    llhttp_settings_init(&http1->settings);
    http1->settings.on_url = on_url;
    http1->settings.on_header_field = on_name;
    http1->settings.on_header_field_complete = on_name_end;
    http1->settings.on_header_value = on_value;
    http1->settings.on_header_value_complete = on_value_end;
    if (events != NULL) {
        http1->settings.on_chunk_header = on_chunk;
        http1->settings.on_body = on_body;
        http1->settings.on_message_complete = on_end;
    }
    http1->events = events;
    http1->context = context;
    http1->line_end_seen = sizeof(line_end);
    buf_init(&http1->passing, HTTP1_HEAD_MAX);
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
    buf_release(&http1->passing);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        buf_release(&http1->fields[i]);
    mem_free(http1);
}

static enum http1_result read_body(struct http1 *http1, struct view bytes, size_t *out_taken)
{
    llhttp_errno_t error;

    CHECK(http1->events != NULL && !http1->is_ended);
    if (!http1->request.has_body) {
        http1->is_ended = true;
        return HTTP1_END;
    }
    if (bytes.size == 0)
        return HTTP1_MORE;
    http1->begin = bytes.data;
    http1->end = bytes.data + bytes.size;
    if (look_behind_chunk(http1, bytes.data) != 0) {
        *out_taken = bytes.size;
        (void)fail(http1, 400);
        return HTTP1_BAD;
    }
    if (llhttp_get_errno(&http1->parser) == HPE_PAUSED)
        llhttp_resume(&http1->parser);
    error = llhttp_execute(&http1->parser, bytes.data, bytes.size);
    if (http1->is_ended) {
        *out_taken = (size_t)(llhttp_get_error_pos(&http1->parser) - bytes.data);
        return HTTP1_END;
    }
    *out_taken = bytes.size;
    http1->before = http1->end[-1];
    http1->raw_size += bytes.size;
    if (error == HPE_OK &&
        http1->raw_size - http1->body_size <= FRAMING_FREE + FRAMING_PER_BYTE * http1->body_size)
        return HTTP1_MORE;
    (void)fail(http1, 400);
    return HTTP1_BAD;
}

struct view http1_skip_lines(struct view bytes)
{
    while (bytes.size != 0 && (bytes.data[0] == '\r' || bytes.data[0] == '\n'))
        bytes = (struct view){bytes.data + 1, bytes.size - 1};
    return bytes;
}

static enum http1_result read_head(struct http1 *http1, struct view bytes, size_t *out_taken)
{
    size_t room = HTTP1_HEAD_MAX - http1->head_size;
    size_t size = bytes.size < room ? bytes.size : room;
    llhttp_errno_t error;

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

enum http1_result http1_read(struct http1 *http1, struct view bytes, size_t *out_taken)
{
    enum http1_result result = HTTP1_MORE;
    struct view rest = bytes;

    *out_taken = 0;
    if (http1->error != 0)
        return HTTP1_BAD;
    if (http1->is_whole)
        return read_body(http1, bytes, out_taken);
    if (http1->head_size == 0)
        rest = http1_skip_lines(bytes);
    if (rest.size != 0)
        result = read_head(http1, rest, out_taken);
    *out_taken += bytes.size - rest.size;
    return result;
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
    buf_release(&http1->passing);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        buf_release(&http1->fields[i]);
    http1->request = (struct http1_request){.hosts = 0};
    http1->name_size = 0;
    http1->head_size = 0;
    http1->raw_size = 0;
    http1->chunk_left = 0;
    http1->is_chunk_new = false;
    http1->line_end_seen = sizeof(line_end);
    http1->body_size = 0;
    http1->value = NULL;
    http1->error = 0;
    http1->has_coding = false;
    http1->is_whole = false;
    http1->is_ended = false;
    start(http1);
}
