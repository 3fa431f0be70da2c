/* exchange.c: rings in a square. */
#include "topology/exchange.h"

#include <stdalign.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/ring.h"

struct exchange {
    unsigned shards;
    struct ring *rings; /* from * shards + to; the diagonal is empty. */
};

int exchange_new(unsigned shards, size_t answers, struct exchange **out_exchange)
{
    struct exchange *exchange = mem_calloc(1, sizeof(*exchange));
    size_t count = (size_t)shards * shards;
    int status = 0;

    CHECK(shards > 1);
    if (exchange == NULL)
        return STATUS_NOMEM;
    exchange->shards = shards;
    exchange->rings = mem_aligned(alignof(struct ring), count * sizeof(*exchange->rings));
    if (exchange->rings == NULL) {
        mem_free(exchange);
        return STATUS_NOMEM;
    }
    for (size_t i = 0; i < count; i++)
        memset(&exchange->rings[i], 0, sizeof(exchange->rings[i]));
    for (size_t i = 0; i < count && status == 0; i++)
        if (i / shards != i % shards)
            status = ring_init(&exchange->rings[i], answers, sizeof(struct answer));
    if (status != 0) {
        exchange_free(exchange);
        return status;
    }
    *out_exchange = exchange;
    return 0;
}

void exchange_free(struct exchange *exchange)
{
    if (exchange == NULL)
        return;
    for (size_t i = 0; i < (size_t)exchange->shards * exchange->shards; i++)
        ring_release(&exchange->rings[i]);
    mem_free(exchange->rings);
    mem_free(exchange);
}

int exchange_send(struct exchange *exchange, unsigned from, unsigned to,
                  const struct answer *answer)
{
    CHECK(from < exchange->shards && to < exchange->shards && from != to);
    return ring_push(&exchange->rings[(size_t)from * exchange->shards + to], answer, 1);
}

size_t exchange_take(struct exchange *exchange, unsigned to, struct answer *out_answers,
                     size_t count)
{
    size_t taken = 0;

    CHECK(to < exchange->shards);
    for (unsigned from = 0; from < exchange->shards && taken < count; from++)
        if (from != to)
            taken += ring_pop(&exchange->rings[(size_t)from * exchange->shards + to],
                              out_answers + taken, count - taken);
    return taken;
}
