/* http_cors.c: a star stands for one name or more below a domain, or for any origin. */
#include "receiver/http_cors.h"

#include <string.h>

static bool is_host_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_';
}

static bool fits(struct view pattern, struct view origin)
{
    const char *star = pattern.size != 0 ? memchr(pattern.data, '*', pattern.size) : NULL;
    size_t before;
    size_t behind;

    if (star == NULL)
        return view_equal(pattern, origin);
    before = (size_t)(star - pattern.data);
    behind = pattern.size - before - 1;
    if (origin.size <= before + behind || memcmp(origin.data, pattern.data, before) != 0 ||
        memcmp(origin.data + origin.size - behind, star + 1, behind) != 0)
        return false;
    /* No port, no path and no user may hide behind a star. */
    for (size_t i = before; i < origin.size - behind; i++)
        if (!is_host_byte(origin.data[i]))
            return false;
    return true;
}

enum http_cors_verdict http_cors_judge(const struct http_cors *cors, struct view origin)
{
    enum http_cors_verdict verdict = HTTP_CORS_REFUSED;

    for (size_t i = 0; i < cors->origins_count && origin.size != 0; i++) {
        if (view_equal(cors->origins[i], VIEW("*")))
            verdict = HTTP_CORS_ANYBODY;
        else if (fits(cors->origins[i], origin))
            return HTTP_CORS_NAMED;
    }
    return verdict;
}

bool http_cors_is_pattern(struct view text)
{
    const char *colon = text.size != 0 ? memchr(text.data, ':', text.size) : NULL;
    size_t stars = 0;
    size_t scheme;

    if (view_equal(text, VIEW("*")) || view_equal(text, VIEW("null")))
        return true;
    if (colon == NULL || colon == text.data)
        return false;
    scheme = (size_t)(colon - text.data);
    if (text.size < scheme + 4 || memcmp(colon, "://", 3) != 0)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        stars += text.data[i] == '*';
        if (i >= scheme + 3 && !is_host_byte(text.data[i]) &&
            memchr("*:[]", text.data[i], 4) == NULL)
            return false; /* A path, mostly: "https://shop.example/" is no origin. */
    }
    return stars <= 1 && memchr(text.data, '*', scheme) == NULL;
}
