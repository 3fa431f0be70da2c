/* fetch.c: the only file that names libcurl, but for version.c. */
#include "daemon/fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

enum { CONNECT_S = 10, TOTAL_S = 120, SHOWN_SIZE = 128 };

/* One GET and what is needed for it. */
struct transfer {
    CURL *curl;
    CURLU *url;
    char *shown; /* The address without a password and a query; curl's memory. */
    struct buf *out;
    bool too_large;
};

/* --------------------------------------------------------------------- address */

/* Appends the path to that of the address, which may end with a '/'. */
static CURLUcode append_path(CURLU *url, const char *path)
{
    struct buf whole;
    char *given = NULL;
    CURLUcode code = curl_url_get(url, CURLUPART_PATH, &given, 0);
    size_t size = code == CURLUE_OK ? strlen(given) : 0;

    buf_init(&whole, 0);
    while (size > 0 && given[size - 1] == '/')
        size--;
    (void)buf_append(&whole, given, size);
    (void)buf_append_text(&whole, path);
    (void)buf_append_byte(&whole, '\0');
    if (code == CURLUE_OK)
        code = whole.failed != 0 ? CURLUE_OUT_OF_MEMORY
                                 : curl_url_set(url, CURLUPART_PATH, whole.data, 0);
    curl_free(given);
    buf_release(&whole);
    return code;
}

static CURLUcode append_parameter(CURLU *url, const struct fetch_parameter *parameter)
{
    struct buf text;
    CURLUcode code;

    buf_init(&text, 0);
    (void)buf_printf(&text, "%s=", parameter->name);
    (void)buf_append_view(&text, parameter->value);
    (void)buf_append_byte(&text, '\0');
    code = text.failed != 0
               ? CURLUE_OUT_OF_MEMORY
               : curl_url_set(url, CURLUPART_QUERY, text.data, CURLU_APPENDQUERY | CURLU_URLENCODE);
    buf_release(&text);
    return code;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;

    curl_free(text);
    return has;
}

/* An address without what must not be shown. */
static CURLUcode show(CURLU *url, char **out_shown)
{
    CURLU *copy = curl_url_dup(url);
    CURLUcode code = copy != NULL ? CURLUE_OK : CURLUE_OUT_OF_MEMORY;

    if (code == CURLUE_OK)
        code = curl_url_set(copy, CURLUPART_PASSWORD, NULL, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(copy, CURLUPART_URL, out_shown, 0);
    curl_url_cleanup(copy);
    return code;
}

static int refuse_address(char out_error[FETCH_ERROR_SIZE], CURLUcode code, const char *why)
{
    if (code == CURLUE_OUT_OF_MEMORY)
        return STATUS_NOMEM;
    (void)snprintf(out_error, FETCH_ERROR_SIZE,
                   "%s; write http://HOST:PORT, where a spanmap has its page", why);
    return STATUS_INVALID;
}

static int build_address(struct transfer *transfer, const struct fetch *fetch,
                         char out_error[FETCH_ERROR_SIZE])
{
    CURLU *url = transfer->url;
    CURLUcode code = curl_url_set(url, CURLUPART_URL, fetch->base, 0);
    char *scheme = NULL;
    bool is_http;

    if (code == CURLUE_OK)
        code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    if (code != CURLUE_OK)
        return refuse_address(out_error, code, "this is no address");
    is_http = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
    curl_free(scheme);
    if (!is_http)
        return refuse_address(out_error, CURLUE_OK, "only http and https are asked");
    if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
        return refuse_address(out_error, CURLUE_OK, "the address has a '?' or '#'");
    code = append_path(url, fetch->path);
    if (code == CURLUE_OK)
        code = show(url, &transfer->shown);
    for (size_t i = 0; code == CURLUE_OK && i < fetch->parameters_count; i++)
        code = append_parameter(url, &fetch->parameters[i]);
    return code == CURLUE_OK ? 0 : refuse_address(out_error, code, "this is no address");
}

/* ---------------------------------------------------------------------- answer */

static size_t on_bytes(char *data, size_t one, size_t size, void *context)
{
    struct transfer *transfer = context;
    int status = buf_append(transfer->out, data, size * one);

    transfer->too_large = status == STATUS_TOO_LARGE;
    return status == 0 ? size * one : 0;
}

static bool is_type(const char *given, const char *expected)
{
    size_t size = strcspn(expected, ";");

    return given != NULL && strncasecmp(given, expected, size) == 0 &&
           (given[size] == '\0' || given[size] == ';' || given[size] == ' ');
}

/* The first line of a refusal. */
static const char *first_line(const struct buf *body, char shown[SHOWN_SIZE])
{
    struct view line = buf_view(body);
    const char *end = line.size != 0 ? memchr(line.data, '\n', line.size) : NULL;

    if (end != NULL)
        line.size = (size_t)(end - line.data);
    return utf8_show(line, shown, SHOWN_SIZE);
}

static int judge(const struct transfer *transfer, const struct fetch *fetch,
                 char out_error[FETCH_ERROR_SIZE])
{
    char shown[SHOWN_SIZE];
    char *type = NULL;
    char *target = NULL;
    long code = 0;

    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &code);
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_CONTENT_TYPE, &type);
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_REDIRECT_URL, &target);
    if (code == 200 && is_type(type, fetch->content_type))
        return 0;
    if (code == 200)
        (void)snprintf(out_error, FETCH_ERROR_SIZE,
                       "%s answers with %s and not with %s: is that a "
                       "spanmap?",
                       transfer->shown,
                       type != NULL ? utf8_show(view_of(type), shown, sizeof(shown)) : "no type",
                       fetch->content_type);
    else if (target != NULL)
        (void)snprintf(out_error, FETCH_ERROR_SIZE,
                       "%s redirects to %s, which is not followed; ask there", transfer->shown,
                       utf8_show(view_of(target), shown, sizeof(shown)));
    else
        (void)snprintf(out_error, FETCH_ERROR_SIZE, "%s answers %ld: %s", transfer->shown, code,
                       is_type(type, "text/plain") ? first_line(transfer->out, shown)
                                                   : "is that a spanmap?");
    return STATUS_SYSTEM;
}

static int fail_transfer(const struct transfer *transfer, CURLcode code, const char *reason,
                         char out_error[FETCH_ERROR_SIZE])
{
    if (code == CURLE_OUT_OF_MEMORY || (code == CURLE_WRITE_ERROR && !transfer->too_large))
        return STATUS_NOMEM;
    if (code == CURLE_WRITE_ERROR) {
        (void)snprintf(out_error, FETCH_ERROR_SIZE, "%s answers with more than %d MiB",
                       transfer->shown, FETCH_BYTES_MAX >> 20);
        return STATUS_TOO_LARGE;
    }
    (void)snprintf(out_error, FETCH_ERROR_SIZE, "%s does not answer: %s", transfer->shown,
                   reason[0] != '\0' ? reason : curl_easy_strerror(code));
    return code == CURLE_OPERATION_TIMEDOUT ? STATUS_TIMEOUT : STATUS_SYSTEM;
}

/* -------------------------------------------------------------------- transfer */

/* For https. */
static CURLcode set_certificates(CURL *curl, const struct fetch *fetch)
{
    CURLcode code = CURLE_OK;

    if (fetch->ca != NULL)
        code = curl_easy_setopt(curl, CURLOPT_CAINFO, fetch->ca);
    if (code == CURLE_OK && fetch->cert != NULL)
        code = curl_easy_setopt(curl, CURLOPT_SSLCERT, fetch->cert);
    if (code == CURLE_OK && fetch->key != NULL)
        code = curl_easy_setopt(curl, CURLOPT_SSLKEY, fetch->key);
    return code;
}

static CURLcode set_up(struct transfer *transfer, char reason[CURL_ERROR_SIZE])
{
    CURL *curl = transfer->curl;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_CURLU, transfer->url);

    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TOTAL_S);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_USERAGENT, "spanmap");
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    return code;
}

int fetch_get(const struct fetch *fetch, char out_error[FETCH_ERROR_SIZE], struct buf *out)
{
    struct transfer transfer = {.curl = curl_easy_init(), .url = curl_url()};
    char reason[CURL_ERROR_SIZE] = "";
    struct buf body;
    CURLcode code;
    int status = STATUS_NOMEM;

    buf_init(&body, FETCH_BYTES_MAX);
    transfer.out = &body;
    if (transfer.curl != NULL && transfer.url != NULL)
        status = build_address(&transfer, fetch, out_error);
    if (status != 0)
        goto out;
    code = set_up(&transfer, reason);
    if (code == CURLE_OK)
        code = set_certificates(transfer.curl, fetch);
    if (code == CURLE_OK)
        code = curl_easy_perform(transfer.curl);
    status = code == CURLE_OK ? judge(&transfer, fetch, out_error)
                              : fail_transfer(&transfer, code, reason, out_error);
    if (status == 0)
        status = buf_append_view(out, buf_view(&body));
out:
    buf_release(&body);
    curl_free(transfer.shown);
    curl_url_cleanup(transfer.url);
    curl_easy_cleanup(transfer.curl);
    return status;
}
