/* http_post.c: beside commands of daemon/ the only file that names libcurl. */
#include "net/http_post.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { LINE_SIZE = 160, RETRY_AFTER_S_MAX = 3600, HEADER_MAX = 32 };

struct http_post {
    CURL *curl;
    struct curl_slist *headers;
    const char *const *numbers;
    bool (*is_over)(void *context);
    void *context;
    struct http_post_answer *answer; /* While there is one. */
    char line[LINE_SIZE];            /* What its body begins with. */
    size_t line_size;
    char reason[CURL_ERROR_SIZE];
};

/* ------------------------------------------------------------------- answers */

static size_t on_bytes(char *data, size_t one, size_t count, void *context)
{
    struct http_post *post = context;
    size_t size = one * count;
    size_t room = LINE_SIZE - post->line_size;
    size_t taken = size < room ? size : room;

    memcpy(post->line + post->line_size, data, taken);
    post->line_size += taken;
    return size;
}

static size_t on_header(char *data, size_t one, size_t count, void *context)
{
    struct http_post *post = context;
    size_t size = one * count;

    for (size_t i = 0; post->numbers != NULL && post->numbers[i] != NULL; i++) {
        size_t name = strlen(post->numbers[i]);
        char text[HEADER_MAX];
        char *end;
        if (size <= name + 1 || data[name] != ':' ||
            strncasecmp(data, post->numbers[i], name) != 0 || size - name - 1 >= sizeof(text))
            continue;
        memcpy(text, data + name + 1, size - name - 1);
        text[size - name - 1] = '\0';
        post->answer->numbers[i] = strtoull(text, &end, 10);
        post->answer->has_number[i] = end != text;
    }
    return size;
}

static int on_progress(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct http_post *post = context;

    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return post->is_over != NULL && post->is_over(post->context);
}

static void first_line(const struct http_post *post, char out[HTTP_POST_ERROR_SIZE])
{
    struct view line = {post->line, post->line_size};
    const char *end = memchr(line.data, '\n', line.size);
    char shown[LINE_SIZE];

    if (end != NULL)
        line.size = (size_t)(end - line.data);
    (void)snprintf(out, HTTP_POST_ERROR_SIZE, "%s", utf8_show(line, shown, sizeof(shown)));
}

void http_post_send(struct http_post *post, struct view body, struct http_post_answer *out_answer)
{
    curl_off_t after_s = 0;
    long code = 0;
    CURLcode done;

    *out_answer = (struct http_post_answer){.code = 0};
    post->answer = out_answer;
    post->line_size = 0;
    post->reason[0] = '\0';
    (void)curl_easy_setopt(post->curl, CURLOPT_POSTFIELDS, body.data);
    (void)curl_easy_setopt(post->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    done = curl_easy_perform(post->curl);
    post->answer = NULL;
    if (done != CURLE_OK) {
        out_answer->is_over = done == CURLE_ABORTED_BY_CALLBACK;
        (void)snprintf(out_answer->error, HTTP_POST_ERROR_SIZE, "%s",
                       post->reason[0] != '\0' ? post->reason : curl_easy_strerror(done));
        return;
    }
    (void)curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &code);
    (void)curl_easy_getinfo(post->curl, CURLINFO_RETRY_AFTER, &after_s);
    out_answer->code = (unsigned)code;
    if (after_s > 0)
        out_answer->retry_after_ns = (uint64_t)(after_s < RETRY_AFTER_S_MAX ? after_s
                                                                            : RETRY_AFTER_S_MAX) *
                                     NS_PER_S;
    if (code / 100 != 2)
        first_line(post, out_answer->error);
}

/* ------------------------------------------------------------------- the ends */

static CURLcode add_headers(struct http_post *post, const char *const *headers)
{
    /* Without "Expect: 100-continue", which only costs a round trip. */
    post->headers = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; post->headers != NULL && headers != NULL && headers[i] != NULL; i++) {
        struct curl_slist *longer = curl_slist_append(post->headers, headers[i]);
        if (longer == NULL)
            return CURLE_OUT_OF_MEMORY;
        post->headers = longer;
    }
    return post->headers != NULL ? curl_easy_setopt(post->curl, CURLOPT_HTTPHEADER, post->headers)
                                 : CURLE_OUT_OF_MEMORY;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static CURLcode set_text(CURL *curl, CURLoption option, const char *text)
{
    return is_set(text) ? curl_easy_setopt(curl, option, text) : CURLE_OK;
}

static CURLcode set_credentials(CURL *curl, const struct http_post_options *options)
{
    CURLcode code = CURLE_OK;

    if (is_set(options->token)) {
        code = curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        if (code == CURLE_OK)
            code = curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, options->token);
    } else if (is_set(options->username)) {
        code = curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    }
    if (code == CURLE_OK)
        code = set_text(curl, CURLOPT_USERNAME, options->username);
    if (code == CURLE_OK)
        code = set_text(curl, CURLOPT_PASSWORD, options->password);
    if (code == CURLE_OK)
        code = set_text(curl, CURLOPT_CAINFO, options->ca);
    if (code == CURLE_OK)
        code = set_text(curl, CURLOPT_SSLCERT, options->cert);
    return code == CURLE_OK ? set_text(curl, CURLOPT_SSLKEY, options->key) : code;
}

static CURLcode set_transfer(struct http_post *post, const struct http_post_options *options)
{
    CURL *curl = post->curl;
    long timeout_ms = (long)(options->timeout_ns / NS_PER_MS);
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, options->url);

    /* Of options that every libcurl has, a failure can only be a want of memory. */
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, post);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, post);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, post);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, post->reason);
    return code;
}

static int check(const char *text, char out_error[HTTP_POST_ERROR_SIZE])
{
    CURLU *url = curl_url();
    char *scheme = NULL;
    bool fits;

    if (url == NULL)
        return STATUS_NOMEM;
    fits = curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
           curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
           (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_url_cleanup(url);
    if (fits)
        return 0;
    (void)snprintf(out_error, HTTP_POST_ERROR_SIZE,
                   "it is no address of the form http://HOST:PORT/PATH or https://...");
    return STATUS_INVALID;
}

int http_post_new(const struct http_post_options *options, char out_error[HTTP_POST_ERROR_SIZE],
                  struct http_post **out_post)
{
    struct http_post *post;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    int status = check(options->url, out_error);

    if (status != 0)
        return status;
    post = mem_calloc(1, sizeof(*post));
    if (post == NULL)
        return STATUS_NOMEM;
    post->numbers = options->numbers;
    post->is_over = options->is_over;
    post->context = options->context;
    post->curl = curl_easy_init();
    if (post->curl != NULL)
        code = set_transfer(post, options);
    if (code == CURLE_OK)
        code = set_credentials(post->curl, options);
    if (code == CURLE_OK)
        code = add_headers(post, options->headers);
    if (code != CURLE_OK) {
        http_post_free(post);
        return STATUS_NOMEM;
    }
    *out_post = post;
    return 0;
}

void http_post_free(struct http_post *post)
{
    if (post == NULL)
        return;
    curl_easy_cleanup(post->curl);
    curl_slist_free_all(post->headers);
    mem_free(post);
}
