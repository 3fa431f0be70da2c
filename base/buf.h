/* buf.h: a growing row of bytes with a bound.
 * Invariants: size <= capacity <= size_max, with spares rounded up, or a quarter more. After a failed
 *             append the buffer is as before and `failed` is set, so that a writer may append many times
 *             and look once.
 * Threads:    one owner at a time; buffers with the same spares have the same owner.
 * Memory:     owns its bytes.
 */
#ifndef SPANMAP_BASE_BUF_H
#define SPANMAP_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"
#include "base/view.h"

/* Large memory that buffers gave back and others will want soon: the system would take it back, and
 * clear it page by page when it is asked for again. */
enum { SPARE_BYTES = 16 * 1024, SPARES_MAX = 64 };

struct buf_spares {
    void *free
        [SPARES_MAX]; /* By size in pieces of SPARE_BYTES, less one; each the first of a chain. */
    size_t kept_bytes;
    size_t kept_bytes_max;
};

struct buf {
    char *data;
    size_t size;
    size_t capacity;
    size_t size_max; /* 0 means no bound but the address space. */
    int failed;      /* 0, or the status of the first append that failed. */
    struct buf_spares *spares;
};

void buf_init(struct buf *buf, size_t size_max);

/* From SPARE_BYTES on its memory comes from these and goes back to them; they are borrowed. */
void buf_use_spares(struct buf *buf, struct buf_spares *spares);
void buf_spares_init(struct buf_spares *spares, size_t kept_bytes_max);
void buf_spares_release(struct buf_spares *spares);

/* A buffer without memory gets some of at least `capacity`, if there is such among the spares: whether
 * it did. */
bool buf_take_spare(struct buf *buf, size_t capacity);

void buf_release(struct buf *buf);
void buf_reset(struct buf *buf); /* Empty again, memory and bound kept, `failed` cleared. */
void buf_trim(struct buf *buf); /* Gives back memory in which nothing is, where that can be done. */

/* Room for `more` bytes behind the content, which stays as it is.
 * Returns: 0; STATUS_TOO_LARGE past size_max; STATUS_NOMEM. */
int buf_reserve(struct buf *buf, size_t more);

/* Appends. Same results as buf_reserve(); also kept in `failed`. */
int buf_append(struct buf *buf, const void *data, size_t size);
int buf_append_byte(struct buf *buf, char byte);
int buf_append_u64(struct buf *buf, uint64_t number);
int buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline int buf_append_view(struct buf *buf, struct view view)
{
    return buf_append(buf, view.data, view.size);
}

/* Here, so that the length of what is written in the source is known when it is compiled. */
static inline int buf_append_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

/* Takes `size` bytes off the front. */
void buf_consume(struct buf *buf, size_t size);

static inline struct view buf_view(const struct buf *buf)
{
    return (struct view){buf->data, buf->size};
}

#endif
