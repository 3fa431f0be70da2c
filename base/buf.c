/* buf.c: doubling growth up to the bound; cost amortised O(1) a byte. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { CAPACITY_FIRST = 64 };

void buf_init(struct buf *buf, size_t size_max)
{
    *buf = (struct buf){.size_max = size_max};
}

void buf_release(struct buf *buf)
{
    if (buf == NULL)
        return;
    mem_free(buf->data);
    *buf = (struct buf){.size_max = buf->size_max};
}

void buf_reset(struct buf *buf)
{
    buf->size = 0;
    buf->failed = 0;
}

static int fail(struct buf *buf, int status)
{
    if (buf->failed == 0)
        buf->failed = status;
    return status;
}

int buf_reserve(struct buf *buf, size_t more)
{
    size_t bound = buf->size_max != 0 ? buf->size_max : SIZE_MAX / 2;
    size_t capacity = buf->capacity;
    char *data;

    CHECK(buf->size <= buf->capacity);
    if (more > bound || buf->size > bound - more)
        return fail(buf, STATUS_TOO_LARGE);
    if (buf->size + more <= capacity)
        return 0;
    if (capacity < CAPACITY_FIRST)
        capacity = CAPACITY_FIRST;
    while (capacity < buf->size + more)
        capacity *= 2;
    if (capacity > bound)
        capacity = bound;
    data = mem_realloc(buf->data, capacity);
    if (data == NULL)
        return fail(buf, STATUS_NOMEM);
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

int buf_append(struct buf *buf, const void *data, size_t size)
{
    int status = buf_reserve(buf, size);

    if (status != 0)
        return status;
    if (size != 0)
        memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    return 0;
}

int buf_append_view(struct buf *buf, struct view view)
{
    return buf_append(buf, view.data, view.size);
}

int buf_append_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

int buf_append_byte(struct buf *buf, char byte)
{
    return buf_append(buf, &byte, 1);
}

int buf_append_u64(struct buf *buf, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return buf_append(buf, digits + at, sizeof(digits) - at);
}

int buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    int length;
    int status;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(length >= 0);
    status = buf_reserve(buf, (size_t)length + 1);
    if (status != 0)
        return status;
    va_start(args, format);
    (void)vsnprintf(buf->data + buf->size, (size_t)length + 1, format, args);
    va_end(args);
    buf->size += (size_t)length;
    return 0;
}

void buf_consume(struct buf *buf, size_t size)
{
    CHECK(size <= buf->size);
    buf->size -= size;
    if (buf->size != 0)
        memmove(buf->data, buf->data + size, buf->size);
}
