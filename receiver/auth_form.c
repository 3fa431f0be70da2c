/* auth_form.c: what tokens and patterns of names may look like, and which names fit. By itself, so that
 * who only reads options needs no cryptography.
 */
#include <string.h>
#include <strings.h>

#include "receiver/auth_priv.h"

bool auth_is_token(struct view text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    }
    return text.size != 0 && text.size <= TOKEN_BYTES_MAX;
}

/* The pattern without its kind; out_kind is -1 for any. */
static struct view kind_of(struct view pattern, int *out_kind)
{
    static const struct {
        struct view prefix;
        enum tls_name_kind kind;
    } kinds[] = {
        {{"cn:", 3}, TLS_NAME_CN},
        {{"dns:", 4}, TLS_NAME_DNS},
        {{"uri:", 4}, TLS_NAME_URI},
    };

    *out_kind = -1;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!view_starts(pattern, kinds[i].prefix))
            continue;
        *out_kind = (int)kinds[i].kind;
        pattern.data += kinds[i].prefix.size;
        pattern.size -= kinds[i].prefix.size;
        break;
    }
    return pattern;
}

bool auth_is_pattern(struct view text)
{
    int kind;
    struct view pattern = kind_of(text, &kind);
    const char *star = pattern.size != 0 ? memchr(pattern.data, '*', pattern.size) : NULL;

    if (pattern.size == 0 || memchr(pattern.data, '\0', pattern.size) != NULL)
        return false;
    return star == NULL ||
           memchr(star + 1, '*', pattern.size - (size_t)(star + 1 - pattern.data)) == NULL;
}

/* DNS names are the same in capitals. */
static bool same(const char *a, const char *b, size_t size, enum tls_name_kind kind)
{
    return kind == TLS_NAME_DNS ? strncasecmp(a, b, size) == 0 : memcmp(a, b, size) == 0;
}

bool auth_name_fits(struct view pattern, const struct tls_name *name)
{
    struct view text = name->text;
    const char *star;
    size_t before;
    size_t after;
    int kind;

    pattern = kind_of(pattern, &kind);
    if (kind >= 0 && kind != (int)name->kind)
        return false;
    star = memchr(pattern.data, '*', pattern.size);
    if (star == NULL)
        return text.size == pattern.size && same(text.data, pattern.data, text.size, name->kind);
    before = (size_t)(star - pattern.data);
    after = pattern.size - before - 1;
    return text.size > before + after && same(text.data, pattern.data, before, name->kind) &&
           same(text.data + text.size - after, star + 1, after, name->kind);
}
