/* fifo.c: a directory of chunks that positions run round, as the slab's (slab.c). */
#include "topology/fifo.h"

#include "base/check.h"
#include "base/mem.h"

int fifo_init(struct fifo *fifo, size_t element_size, size_t bytes_max)
{
    size_t chunks = bytes_max / (element_size * FIFO_CHUNK);
    uint32_t size = 2;

    if (chunks < 2)
        chunks = 2;
    if (chunks > UINT32_MAX / 4 / FIFO_CHUNK)
        chunks = UINT32_MAX / 4 / FIFO_CHUNK; /* Positions have 32 bits. */
    while (size < chunks + 1)
        size *= 2;
    *fifo = (struct fifo){.chunks = mem_calloc(size, sizeof(*fifo->chunks)),
                          .mask = size - 1,
                          .chunks_max = (uint32_t)chunks,
                          .tail = FIFO_CHUNK, /* Position 0 is nobody's. */
                          .head = FIFO_CHUNK,
                          .element_size = (uint32_t)element_size};
    return fifo->chunks != NULL ? 0 : STATUS_NOMEM;
}

void fifo_release(struct fifo *fifo)
{
    for (uint32_t i = 0; fifo->chunks != NULL && i <= fifo->mask; i++)
        mem_free(fifo->chunks[i]);
    mem_free(fifo->chunks);
    *fifo = (struct fifo){0};
}

int fifo_push(struct fifo *fifo, uint32_t *out_at)
{
    char **place = &fifo->chunks[fifo->head / FIFO_CHUNK & fifo->mask];

    if (fifo->head % FIFO_CHUNK == 0 && *place == NULL) {
        if (fifo->count == fifo->chunks_max)
            return STATUS_FULL;
        *place = mem_alloc((size_t)FIFO_CHUNK * fifo->element_size);
        if (*place == NULL)
            return fifo->count != 0 ? STATUS_FULL : STATUS_NOMEM;
        fifo->count++;
        if (fifo->head == 0)
            fifo->head = 1; /* After 2^32 elements. */
    }
    *out_at = fifo->head++;
    return 0;
}

void fifo_close(struct fifo *fifo)
{
    char **place = &fifo->chunks[fifo->tail / FIFO_CHUNK & fifo->mask];

    CHECK(fifo->count != 0 && *place != NULL);
    mem_free(*place);
    *place = NULL;
    fifo->count--;
    fifo->tail = (fifo->tail / FIFO_CHUNK + 1) * FIFO_CHUNK;
    if (fifo->count == 0)
        fifo->head = fifo->tail;
}

size_t fifo_bytes(const struct fifo *fifo)
{
    return ((size_t)fifo->mask + 1) * sizeof(*fifo->chunks) +
           (size_t)fifo->count * FIFO_CHUNK * fifo->element_size;
}
