/* shard_mark.c: through the slab and the tables of messages, from the oldest element to the one that
 * was newest when the walk began; what came later was looked up later.
 *
 * What leaves meanwhile needs no mark. What is made meanwhile is made of numbers that are marked, or
 * will be before the walk is over: of spans and halves that are there, of letters
 * (shard_take_letters() marks what they bring), of lessons, whose services are marked for
 * themselves, and of services that are found by their name, which marks them
 * (catalog_find_reported()).
 */
#include "topology/shard_mark.h"

#include <string.h>

#include "base/check.h"
#include "topology/catalog_sweep.h"
#include "topology/shard_priv.h"

enum { PIECE = 4096 };

static struct marking *marking_of(struct shard *shard)
{
    return &shard->marking;
}

static struct catalog *catalog_of(const struct shard *shard)
{
    return shard->options.catalog;
}

static void mark_node(struct shard *shard, uint32_t node)
{
    catalog_mark_node(catalog_of(shard), node, marking_of(shard)->stamp);
}

static void mark_set(struct shard *shard, uint32_t set)
{
    catalog_mark_dimensions(catalog_of(shard), set, marking_of(shard)->stamp);
}

static void mark_site(struct shard *shard, uint32_t site)
{
    catalog_mark_site(catalog_of(shard), site, marking_of(shard)->stamp);
}

void shard_mark_letter(struct shard *shard, const struct letter *letter)
{
    if (marking_of(shard)->stamp == 0)
        return;
    mark_site(shard, letter->site);
    mark_node(shard, letter->producer);
    mark_node(shard, letter->destination);
    mark_set(shard, letter->set);
}

/* ------------------------------------------------------------------ the slab */

/* The callees on whose edges a client's duration was observed: they are compared with others. */
static uint32_t mark_told(struct shard *shard, const struct remembered *span, uint32_t at)
{
    const struct notes *notes = &shard->store.notes;
    uint32_t edge = slab_aside(&shard->store.slab, at)->edge;
    uint32_t count = 0;

    if (span->told)
        mark_node(shard, edge);
    if (!span->told_more)
        return 0;
    for (; edge != 0; edge = notes_at(notes, edge)->next, count++) {
        mark_node(shard, notes_at(notes, edge)->service);
        mark_set(shard, notes_at(notes, edge)->set);
    }
    return count;
}

static uint32_t mark_span(struct shard *shard, uint32_t at)
{
    struct remembered *span = slab_at(&shard->store.slab, at);

    if (span->judged)
        span->site = catalog_coarse(catalog_of(shard), span->site, marking_of(shard)->stamp);
    else
        mark_site(shard, span->site);
    return mark_told(shard, span, at);
}

/* ------------------------------------------------------------------ messages */

static uint32_t mark_cells(struct shard *shard, uint32_t number)
{
    uint32_t count = 0;

    for (; number != 0; number = mail_cell(&shard->mail, number)->next, count++) {
        const struct cell *cell = mail_cell(&shard->mail, number);
        mark_node(shard, cell->service);
        mark_node(shard, cell->destination);
        mark_set(shard, cell->set);
        catalog_mark_text(catalog_of(shard), cell->group, marking_of(shard)->stamp);
    }
    return count;
}

static uint32_t mark_producer(struct shard *shard, uint32_t at)
{
    const struct producer *producer = mail_producer(&shard->mail, at);

    mark_site(shard, producer->site);
    return mark_cells(shard, producer->cells);
}

static uint32_t mark_half(struct shard *shard, uint32_t at)
{
    const struct half *half = mail_half(&shard->mail, at);

    mark_site(shard, half->site);
    if (half->state == HALF_SETTLED) {
        mark_node(shard, half->pair_service);
        mark_node(shard, half->pair_destination);
        mark_set(shard, half->pair_set);
    }
    return 0;
}

static uint32_t mark_inbox(struct shard *shard, uint32_t at)
{
    const struct inbox *inbox = mail_inbox(&shard->mail, at);

    mark_node(shard, inbox->service);
    return mark_cells(shard, inbox->cells);
}

/* ------------------------------------------------------------------ the walk */

/* The rows that are walked over, in the order of enum marking_row. */
static const struct {
    uint32_t (*mark)(struct shard *shard, uint32_t at); /* How much it did beside. */
} rows[MARKING_ROWS] = {{mark_span}, {mark_producer}, {mark_half}, {mark_inbox}};

static uint32_t tail_of(const struct shard *shard, size_t row)
{
    const struct fifo *const fifos[] = {NULL, &shard->mail.producers, &shard->mail.halves,
                                        &shard->mail.inboxes};

    return row == MARKING_SPANS ? shard->store.slab.tail : fifos[row]->tail;
}

static uint32_t head_of(const struct shard *shard, size_t row)
{
    const struct fifo *const fifos[] = {NULL, &shard->mail.producers, &shard->mail.halves,
                                        &shard->mail.inboxes};

    return row == MARKING_SPANS ? shard->store.slab.head : fifos[row]->head;
}

void shard_mark_begin(struct shard *shard, uint32_t stamp)
{
    struct marking *marking = marking_of(shard);

    CHECK(stamp != 0);
    *marking = (struct marking){.stamp = stamp};
    for (size_t i = 0; i < MARKING_ROWS; i++) {
        marking->at[i] = tail_of(shard, i);
        marking->end[i] = head_of(shard, i);
    }
    /* Notes to oneself that a number is known: it may be somebody else's soon. */
    memset(shard->judge.taught, 0, sizeof(shard->judge.taught));
    crowd_forget(&shard->judge.kin.crowd);
    if (shard->reported_words != 0)
        memset(shard->reported, 0, shard->reported_words * sizeof(*shard->reported));
}

/* Goes on with one row; how much of the piece is left, 0 if the row is not over. */
static uint32_t walk(struct shard *shard, size_t row, uint32_t piece)
{
    struct marking *marking = marking_of(shard);
    uint32_t at = marking->at[row];

    if (slab_before(at, tail_of(shard, row)))
        at = tail_of(shard, row);
    while (piece != 0 && slab_before(at, marking->end[row])) {
        uint32_t more = at != 0 ? rows[row].mark(shard, at) : 0; /* 0 is nobody's position. */
        piece -= more < piece ? more : piece - 1;
        piece--;
        at++;
    }
    marking->at[row] = at;
    return piece;
}

bool shard_mark(struct shard *shard)
{
    struct marking *marking = marking_of(shard);
    uint32_t piece = PIECE;

    CHECK(marking->stamp != 0);
    while (marking->row < MARKING_ROWS) {
        piece = walk(shard, marking->row, piece);
        if (piece == 0)
            return false;
        marking->row++;
    }
    return true;
}

void shard_mark_end(struct shard *shard)
{
    (void)shard_take_letters(shard);
    *marking_of(shard) = (struct marking){.stamp = 0};
}
