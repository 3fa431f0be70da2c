/* reply.c: codes, gzip and ETags of answers. */
#include "exporters/reply.h"

#include "exporters/map_graph.h"

enum { GZIP_BYTES_MIN = 1024 };

void reply_say(struct http_reply *reply, unsigned code, const char *sentence)
{
    buf_release(&reply->body);
    reply->status = code;
    reply->content_type = REPLY_TEXT_TYPE;
    reply->encoding = NULL;
    reply->unpacked_bytes = 0;
    (void)buf_printf(&reply->body, "%s\n", sentence); /* Without memory the code must do. */
}

void reply_header(struct http_reply *reply, const char *lines)
{
    (void)buf_append_text(&reply->headers, lines); /* The server looks at the buffer's state. */
}

void reply_refuse(struct http_reply *reply, int status, const char *sentence)
{
    switch (status) {
    case STATUS_NOT_FOUND:
        reply_say(reply, 404, sentence);
        break;
    case STATUS_INVALID:
        reply_say(reply, 400, sentence);
        break;
    case STATUS_UNSUPPORTED:
    case STATUS_TIMEOUT:
    case STATUS_NOMEM:
        reply_say(reply, 503, sentence);
        break;
    case STATUS_BUSY:
        reply_header(reply, "Retry-After: 2\r\n");
        reply_say(reply, 503, sentence);
        break;
    default:
        reply_say(reply, 500, sentence);
        break;
    }
}

void reply_compress(const struct http_request *request, enum deflate_effort effort,
                    struct http_reply *reply)
{
    struct buf packed;

    reply_header(reply, "Vary: Accept-Encoding\r\n");
    if (!negotiate_gzip(request->accept_encoding))
        return;
    if (reply->unpacked_bytes != 0) { /* It is packed already, for whoever likes that or not. */
        reply->unpacked_bytes = 0;
        reply->encoding = "gzip";
        return;
    }
    if (reply->body.size < GZIP_BYTES_MIN)
        return;
    buf_init(&packed, 0);
    if (deflate_gzip(buf_view(&reply->body), effort, &packed) == 0 &&
        packed.size < reply->body.size) {
        buf_release(&reply->body);
        reply->body = packed;
        buf_trim(&reply->body); /* There was room for the worst case. */
        reply->encoding = "gzip";
        return;
    }
    buf_release(&packed);
}

void reply_answer_json(const struct http_request *request, struct http_reply *reply)
{
    reply->status = 200;
    reply->content_type = "application/json";
    reply_compress(request, DEFLATE_FAST, reply);
}

bool reply_is_known(const struct http_request *request, const struct etag *etag,
                    struct http_reply *reply)
{
    (void)buf_printf(&reply->headers, "ETag: %s\r\nCache-Control: no-cache\r\n", etag->text);
    if (!etag_matches(etag, request->if_none_match))
        return false;
    buf_release(&reply->body);
    reply->status = 304;
    return true;
}

int reply_take_packed(struct http_reply *reply, struct deflate_pack *pack, char out_error[256])
{
    int status = deflate_pack_end(pack, &reply->body);

    if (status != 0)
        return export_fail(out_error, status, "the answer is not packed: %s", status_text(status));
    reply->unpacked_bytes = pack->text_bytes;
    return 0;
}
