/* exchange.c: rings in a square.
 *
 * Why a word always finds room: of a ring's K slots, questions and answers take one only while more
 * than K/2 are free, so that they never have more than K/2. The words in it, and those that questions
 * which are on their way will still ask for, are at most as many as the other shard has questions
 * without a word: K/2, too.
 */
#include "topology/exchange.h"

#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/ring.h"

struct way {
    struct ring ring;
    alignas(64) size_t asked; /* Questions that it took and that have no word yet; the sender's. */
};

struct exchange {
    unsigned shards;
    struct way *ways; /* from * shards + to; the diagonal is empty. */
};

static struct way *way_of(struct exchange *exchange, unsigned from, unsigned to)
{
    CHECK(from < exchange->shards && to < exchange->shards && from != to);
    return &exchange->ways[(size_t)from * exchange->shards + to];
}

int exchange_new(unsigned shards, size_t letters, struct exchange **out_exchange)
{
    struct exchange *exchange = mem_calloc(1, sizeof(*exchange));
    size_t count = (size_t)shards * shards;
    int status = 0;

    CHECK(shards > 1);
    if (exchange == NULL)
        return STATUS_NOMEM;
    exchange->shards = shards;
    exchange->ways = mem_aligned(alignof(struct way), count * sizeof(*exchange->ways));
    if (exchange->ways == NULL) {
        mem_free(exchange);
        return STATUS_NOMEM;
    }
    for (size_t i = 0; i < count; i++)
        memset(&exchange->ways[i], 0, sizeof(exchange->ways[i]));
    for (size_t i = 0; i < count && status == 0; i++)
        if (i / shards != i % shards)
            status = ring_init(&exchange->ways[i].ring, letters, sizeof(struct letter));
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
        ring_release(&exchange->ways[i].ring);
    mem_free(exchange->ways);
    mem_free(exchange);
}

static size_t half_of(const struct ring *ring)
{
    return (size_t)(ring->mask + 1) / 2;
}

int exchange_send(struct exchange *exchange, unsigned to, const struct letter *letter)
{
    struct way *way = way_of(exchange, letter->from, to);
    bool is_question = letter->what == LETTER_QUESTION;

    CHECK(letter->what != LETTER_WORD);
    if (ring_room(&way->ring) <= half_of(&way->ring) ||
        (is_question && way->asked == half_of(&way->ring)))
        return STATUS_BUSY;
    way->asked += is_question;
    return ring_push(&way->ring, letter, 1);
}

void exchange_reply(struct exchange *exchange, unsigned to, const struct letter *letter)
{
    int status = ring_push(&way_of(exchange, letter->from, to)->ring, letter, 1);

    CHECK(letter->what == LETTER_WORD && status == 0);
}

size_t exchange_take(struct exchange *exchange, unsigned to, struct letter *out_letters,
                     size_t count)
{
    size_t taken = 0;

    CHECK(to < exchange->shards);
    for (unsigned from = 0; from < exchange->shards && taken < count; from++) {
        size_t more;
        if (from == to)
            continue;
        more = ring_pop(&way_of(exchange, from, to)->ring, out_letters + taken, count - taken);
        for (size_t i = 0; i < more; i++) {
            if (out_letters[taken + i].what != LETTER_WORD)
                continue;
            CHECK(way_of(exchange, to, from)->asked != 0);
            way_of(exchange, to, from)->asked--;
        }
        taken += more;
    }
    return taken;
}
