/* buf.c: doubling growth up to the bound; cost amortised O(1) a byte. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { CAPACITY_FIRST = 64, SPARE_EXCESS_PART = 4 };

void buf_init(struct buf *buf, size_t size_max)
{
    *buf = (struct buf){.size_max = size_max};
}

/* ------------------------------------------------------------------ spares */

void buf_use_spares(struct buf *buf, struct buf_spares *spares)
{
    buf->spares = spares;
}

void buf_spares_init(struct buf_spares *spares, size_t kept_bytes_max)
{
    *spares = (struct buf_spares){.kept_bytes_max = kept_bytes_max};
}

/* The chain of a size; NULL: such a size is not kept. */
static void **chain_of(struct buf_spares *spares, size_t size)
{
    size_t pieces = size / SPARE_BYTES;

    if (spares == NULL || size % SPARE_BYTES != 0 || pieces == 0 || pieces > SPARES_MAX)
        return NULL;
    return &spares->free[pieces - 1];
}

/* Memory of this size, or somewhat more, that was kept; NULL: there is none. Bodies of one sender are
 * of many sizes that differ little: asking for the very same would find none most of the time. */
static void *take_spare(struct buf_spares *spares, size_t size, size_t *out_size)
{
    size_t most = size + size / SPARE_EXCESS_PART;

    for (; size <= most; size += SPARE_BYTES) {
        void **chain = chain_of(spares, size);
        void *memory = chain != NULL ? *chain : NULL;

        if (chain == NULL)
            break;
        if (memory == NULL)
            continue;
        memcpy(chain, memory, sizeof(*chain));
        spares->kept_bytes -= size;
        *out_size = size;
        return memory;
    }
    return NULL;
}

/* Makes room for a spare of this size: smaller ones go, since large memory is dearer to get anew.
 * Whether there is room. */
static bool make_room(struct buf_spares *spares, size_t size)
{
    if (size > spares->kept_bytes_max)
        return false;
    for (size_t smaller = SPARE_BYTES; smaller < size; smaller += SPARE_BYTES) {
        void **chain = chain_of(spares, smaller);

        while (*chain != NULL && size > spares->kept_bytes_max - spares->kept_bytes) {
            void *memory = *chain;

            memcpy(chain, memory, sizeof(*chain));
            spares->kept_bytes -= smaller;
            mem_free(memory);
        }
    }
    return size <= spares->kept_bytes_max - spares->kept_bytes;
}

static void give_back(struct buf_spares *spares, void *memory, size_t size)
{
    void **chain = chain_of(spares, size);

    if (chain == NULL ||
        (size > spares->kept_bytes_max - spares->kept_bytes && !make_room(spares, size))) {
        mem_free(memory);
        return;
    }
    memcpy(memory, chain, sizeof(*chain));
    *chain = memory;
    spares->kept_bytes += size;
}

void buf_spares_release(struct buf_spares *spares)
{
    if (spares == NULL)
        return;
    for (size_t pieces = 1; pieces <= SPARES_MAX; pieces++) {
        void *memory;
        size_t size;
        while ((memory = take_spare(spares, pieces * SPARE_BYTES, &size)) != NULL)
            mem_free(memory);
    }
}

/* ------------------------------------------------------------------ buffers */

void buf_release(struct buf *buf)
{
    if (buf == NULL)
        return;
    give_back(buf->spares, buf->data, buf->capacity);
    *buf = (struct buf){.size_max = buf->size_max, .spares = buf->spares};
}

void buf_reset(struct buf *buf)
{
    buf->size = 0;
    buf->failed = 0;
}

void buf_trim(struct buf *buf)
{
    char *data;

    if (buf->size == 0 || buf->size == buf->capacity || buf->spares != NULL)
        return;
    data = mem_realloc(buf->data, buf->size);
    if (data == NULL)
        return;
    buf->data = data;
    buf->capacity = buf->size;
}

static int fail(struct buf *buf, int status)
{
    if (buf->failed == 0)
        buf->failed = status;
    return status;
}

static size_t rounded_up(const struct buf *buf, size_t capacity)
{
    if (buf->spares == NULL || capacity < SPARE_BYTES)
        return capacity;
    return (capacity + SPARE_BYTES - 1) / SPARE_BYTES * SPARE_BYTES;
}

static int resize(struct buf *buf, size_t capacity)
{
    char *data;

    capacity = rounded_up(buf, capacity);
    data = take_spare(buf->spares, capacity, &capacity);
    if (data != NULL) {
        if (buf->size != 0)
            memcpy(data, buf->data, buf->size);
        give_back(buf->spares, buf->data, buf->capacity);
    } else {
        data = mem_realloc(buf->data, capacity);
        if (data == NULL)
            return fail(buf, STATUS_NOMEM);
    }
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

/* How many bytes may come without growing. Spares may be larger than the bound. */
static size_t room(const struct buf *buf)
{
    size_t end = buf->size_max != 0 && buf->size_max < buf->capacity ? buf->size_max
                                                                     : buf->capacity;

    return end > buf->size ? end - buf->size : 0;
}

static bool has_room(const struct buf *buf, size_t more)
{
    return more <= room(buf);
}

int buf_reserve(struct buf *buf, size_t more)
{
    size_t bound = buf->size_max != 0 ? buf->size_max : SIZE_MAX / 2;
    size_t capacity = buf->capacity;

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
    return resize(buf, capacity);
}

bool buf_take_spare(struct buf *buf, size_t capacity)
{
    void *data;

    CHECK(buf->data == NULL);
    data = take_spare(buf->spares, rounded_up(buf, capacity), &capacity);
    if (data == NULL)
        return false;
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

int buf_append(struct buf *buf, const void *data, size_t size)
{
    int status = has_room(buf, size) ? 0 : buf_reserve(buf, size);

    if (status != 0)
        return status;
    if (size != 0)
        memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    return 0;
}

int buf_append_byte(struct buf *buf, char byte)
{
    int status = has_room(buf, 1) ? 0 : buf_reserve(buf, 1);

    if (status == 0)
        buf->data[buf->size++] = byte;
    return status;
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

/* Where it finds room, which is nearly always, it is formatted once. */
int buf_printf(struct buf *buf, const char *format, ...)
{
    size_t before = room(buf);
    va_list args;
    int length;
    int status;

    va_start(args, format);
    length = vsnprintf(before != 0 ? buf->data + buf->size : NULL, before, format, args);
    va_end(args);
    CHECK(length >= 0);
    if ((size_t)length >= before) {
        status = buf_reserve(buf, (size_t)length + 1);
        if (status != 0)
            return status;
        va_start(args, format);
        (void)vsnprintf(buf->data + buf->size, (size_t)length + 1, format, args);
        va_end(args);
    }
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
