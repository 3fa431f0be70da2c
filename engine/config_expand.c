/* config_expand.c: variables of the environment in parsed scalars, as the OpenTelemetry Collector
 * writes them. A variable's value is text and is not read again, so that it can break nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/config_priv.h"

enum { NESTED_MAX = 8, NAME_MAX_BYTES = 256, ERROR_SIZE = 256 };

static int expand(const struct config_sources *sources, struct view text, unsigned depth,
                  char out_error[ERROR_SIZE], struct buf *out);

static int wrong(char out_error[ERROR_SIZE], const char *what, struct view where)
{
    char shown[80];

    (void)snprintf(out_error, ERROR_SIZE, "%s: %s", utf8_show(where, shown, sizeof(shown)), what);
    return STATUS_INVALID;
}

/* The size of "${...}" at the front of `text`, inner ones included; 0: it does not end. */
static size_t reference_size(struct view text)
{
    size_t open = 0;

    for (size_t i = 0; i < text.size; i++) {
        bool doubled = text.data[i] == '$' && i + 1 < text.size && text.data[i + 1] == '$';
        if (doubled)
            i++;
        else if (text.data[i] == '$' && i + 1 < text.size && text.data[i + 1] == '{')
            open++;
        else if (text.data[i] == '}' && --open == 0)
            return i + 1;
    }
    return 0;
}

static bool is_name(struct view text)
{
    if (text.size == 0 || text.size >= NAME_MAX_BYTES ||
        (text.data[0] >= '0' && text.data[0] <= '9'))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_')
            return false;
    }
    return true;
}

static const char *look_up(const struct config_sources *sources, struct view name)
{
    char text[NAME_MAX_BYTES];

    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    return sources->environment(sources->context, text);
}

/* `whole` is "${...}". */
static int expand_reference(const struct config_sources *sources, struct view whole, unsigned depth,
                            char out_error[ERROR_SIZE], struct buf *out)
{
    struct view inner = {whole.data + 2, whole.size - 3};
    struct view name;
    const char *value;
    const char *mark;

    if (view_starts(inner, VIEW("env:")))
        inner = (struct view){inner.data + 4, inner.size - 4};
    mark = memmem(inner.data, inner.size, ":-", 2);
    name = (struct view){inner.data, mark != NULL ? (size_t)(mark - inner.data) : inner.size};
    if (!is_name(name))
        return wrong(out_error, "this is not of the form ${env:NAME} or ${env:NAME:-default}",
                     whole);
    value = look_up(sources, name);
    if (value != NULL)
        return buf_append_text(out, value);
    if (mark == NULL)
        return wrong(out_error, "this variable of the environment is not set, and has no default",
                     whole);
    return expand(sources, (struct view){mark + 2, inner.size - name.size - 2}, depth + 1,
                  out_error, out);
}

static int expand(const struct config_sources *sources, struct view text, unsigned depth,
                  char out_error[ERROR_SIZE], struct buf *out)
{
    int status = 0;

    if (depth > NESTED_MAX)
        return wrong(out_error, "the defaults are nested too deeply", text);
    while (status == 0 && text.size != 0) {
        const char *dollar = memchr(text.data, '$', text.size);
        size_t size = dollar != NULL ? (size_t)(dollar - text.data) : text.size;
        char after = size + 1 < text.size ? dollar[1] : '\0';
        status = buf_append(out, text.data, size);
        text = (struct view){text.data + size, text.size - size};
        size = text.size != 0 ? 1 : 0;
        if (status != 0 || size == 0)
            break;
        if (after == '{') {
            size = reference_size(text);
            if (size == 0)
                return wrong(out_error, "the '}' is missing", text);
            status = expand_reference(sources, (struct view){text.data, size}, depth, out_error,
                                      out);
        } else {
            size = after == '$' ? 2 : 1;
            status = buf_append_byte(out, '$');
        }
        text = (struct view){text.data + size, text.size - size};
    }
    return status;
}

int config_expand(const struct config_sources *sources, struct view text,
                  char out_error[ERROR_SIZE], struct buf *out)
{
    int status = sources->environment != NULL ? expand(sources, text, 0, out_error, out)
                                              : buf_append_view(out, text);

    if (status == STATUS_TOO_LARGE)
        return wrong(out_error, "this is too long with its variables", text);
    return status;
}
