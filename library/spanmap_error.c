/* spanmap_error.c: codes, sentences, and structs whose size the caller tells. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "library/spanmap_priv.h"
#include "version.h"

/* As base/status.h numbers them. */
_Static_assert((int)SPANMAP_OK == (int)STATUS_OK, "codes are statuses");
_Static_assert((int)SPANMAP_NO_MEMORY == (int)STATUS_NOMEM, "codes are statuses");
_Static_assert((int)SPANMAP_FULL == (int)STATUS_FULL, "codes are statuses");
_Static_assert((int)SPANMAP_INVALID == (int)STATUS_INVALID, "codes are statuses");
_Static_assert((int)SPANMAP_TRUNCATED == (int)STATUS_TRUNCATED, "codes are statuses");
_Static_assert((int)SPANMAP_UNSUPPORTED == (int)STATUS_UNSUPPORTED, "codes are statuses");
_Static_assert((int)SPANMAP_TOO_LARGE == (int)STATUS_TOO_LARGE, "codes are statuses");
_Static_assert((int)SPANMAP_NOT_FOUND == (int)STATUS_NOT_FOUND, "codes are statuses");
_Static_assert((int)SPANMAP_RANGE == (int)STATUS_RANGE, "codes are statuses");
_Static_assert((int)SPANMAP_TIMEOUT == (int)STATUS_TIMEOUT, "codes are statuses");
_Static_assert((int)SPANMAP_CLOSED == (int)STATUS_CLOSED, "codes are statuses");
_Static_assert((int)SPANMAP_SYSTEM == (int)STATUS_SYSTEM, "codes are statuses");
_Static_assert((int)SPANMAP_BUSY == (int)STATUS_BUSY, "codes are statuses");

/* A ring drains in well under 100 ms; the spread keeps those who were turned away together from
 * coming back together. */
static const uint64_t retry_min_ns = 200 * NS_PER_MS;
static const uint64_t retry_spread_ns = 400 * NS_PER_MS;

const char *spanmap_code_text(int code)
{
    return status_text(code);
}

void spanmap_free(void *memory)
{
    mem_free(memory);
}

const char *spanmap_version(void)
{
    return SPANMAP_VERSION;
}

int spanmap_api_level(void)
{
    return SPANMAP_API_LEVEL;
}

static size_t size_of(const void *sized)
{
    size_t size;

    memcpy(&size, sized, sizeof(size));
    return size;
}

void spanmap_give(void *out, const void *from, size_t from_size)
{
    size_t size = size_of(out);

    if (size > from_size)
        size = from_size;
    if (size > sizeof(size_t))
        memcpy((char *)out + sizeof(size_t), (const char *)from + sizeof(size_t),
               size - sizeof(size_t));
}

void spanmap_accept(void *into, size_t into_size, const void *given)
{
    size_t size = given != NULL ? size_of(given) : 0;

    memset(into, 0, into_size);
    if (size > 0)
        memcpy(into, given, size < into_size ? size : into_size);
}

int spanmap_fail(struct spanmap_error *error, int code, const char *format, ...)
{
    struct spanmap_error made = {.code = code};
    struct view whole;
    va_list args;

    if (error == NULL)
        return code;
    va_start(args, format);
    (void)vsnprintf(made.text, sizeof(made.text), format, args); /* Longer than that is cut. */
    va_end(args);
    whole = view_of(made.text);
    if (whole.size == sizeof(made.text) - 1)
        made.text[utf8_cut(whole, whole.size - 3).size] = '\0';
    if (code == SPANMAP_BUSY || code == SPANMAP_NO_MEMORY) {
        made.is_retryable = 1;
        made.retry_delay_ns = retry_min_ns + clock_jitter_ns(clock_mono(), error, retry_spread_ns);
    }
    spanmap_give(error, &made, sizeof(made));
    return code;
}

int spanmap_fail_code(struct spanmap_error *error, int code)
{
    return spanmap_fail(error, code, "%s", status_text(code));
}
