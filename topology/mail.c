/* mail.c: tables that are FIFOs, with chains through them.
 *
 * A chain goes from newer to older elements. What left is older than all that is live, so that a
 * chain ends where it meets it, and leaving costs the chains nothing. Cells live as long as their
 * owners; of a producer with many of them each is unhooked.
 */
#include "topology/mail.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "topology/slab.h"

enum {
    CELLS_PER_CHUNK = 512,
    CELLS_PLAIN = 8, /* Of one producer that are found without their hash. */
};

/* ------------------------------------------------------------------ chains */

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t mixed = (a ^ b) * UINT64_C(0x9E3779B97F4A7C15);

    return mixed ^ mixed >> 32;
}

static uint64_t hash_id(const struct mail *mail, const uint64_t trace[2], uint64_t id)
{
    return mix(mix(mix(mail->seed, trace[0]), trace[1]), id);
}

static uint64_t hash_pair(const struct mail *mail, const struct half *half)
{
    return mix(mix(hash_id(mail, half->target, half->target_id), half->trace[0] ^ half->site),
               half->trace[1] ^ half->id);
}

static uint64_t hash_cell(const struct mail *mail, const struct cell *cell)
{
    return mix(mix(mix(mail->seed, (uint64_t)cell->owner << 32 | cell->service),
                   (uint64_t)cell->group << 32 | cell->destination),
               cell->what);
}

/* `elements` may be in it; one head for one or two of them. */
static void chains_init(struct chains *chains, size_t elements)
{
    uint32_t heads = 64;

    while (heads < elements / 2 && heads < UINT32_C(1) << 30)
        heads *= 2;
    *chains = (struct chains){.mask = heads - 1};
}

/* The head for a hash, to be written to; NULL without memory. */
static uint32_t *chains_open(struct chains *chains, uint64_t hash)
{
    if (chains->heads == NULL)
        chains->heads = mem_calloc((size_t)chains->mask + 1, sizeof(*chains->heads));
    return chains->heads != NULL ? &chains->heads[(uint32_t)(hash >> 16) & chains->mask] : NULL;
}

static uint32_t chains_head(const struct chains *chains, uint64_t hash)
{
    return chains->heads != NULL ? chains->heads[(uint32_t)(hash >> 16) & chains->mask] : 0;
}

static size_t chains_bytes(const struct chains *chains)
{
    return chains->heads != NULL ? ((size_t)chains->mask + 1) * sizeof(*chains->heads) : 0;
}

static bool same_id(const uint64_t trace[2], uint64_t id, const uint64_t other[2],
                    uint64_t other_id)
{
    return id == other_id && trace[0] == other[0] && trace[1] == other[1];
}

/* ------------------------------------------------------------------ the ends */

/* A FIFO and `chains` over it within `bytes`; up to eight bytes an element go to each chain. */
static int init_table(struct fifo *fifo, size_t size, size_t bytes, struct chains *chains,
                      struct chains *more)
{
    size_t heads = more != NULL ? 16 : 8;
    size_t elements = bytes / (size + heads);

    chains_init(chains, elements);
    if (more != NULL)
        chains_init(more, elements);
    return fifo_init(fifo, size, elements * size);
}

int mail_init(struct mail *mail, size_t bytes_max, uint64_t seed)
{
    size_t cells = bytes_max / 5 / (sizeof(struct cell) + 8);
    int status;

    CHECK(bytes_max >= MAIL_BYTES_MIN);
    *mail = (struct mail){.seed = seed};
    status = init_table(&mail->producers, sizeof(struct producer), bytes_max / 2,
                        &mail->producers_by_id, NULL);
    if (status == 0)
        status = init_table(&mail->halves, sizeof(struct half), bytes_max / 5,
                            &mail->halves_by_target, &mail->halves_by_pair);
    if (status == 0)
        status = init_table(&mail->inboxes, sizeof(struct inbox), bytes_max / 10,
                            &mail->inboxes_by_id, NULL);
    chains_init(&mail->cells_by_key, cells);
    mail->cells = (struct cells){.chunks_max = (uint32_t)(cells / CELLS_PER_CHUNK + 1), .made = 1};
    mail->cells.chunks = mem_calloc(mail->cells.chunks_max, sizeof(*mail->cells.chunks));
    if (status != 0 || mail->cells.chunks == NULL) {
        mail_release(mail);
        return STATUS_NOMEM;
    }
    mail->ask_at = mail->settle_at = mail->send_at = mail->halves.tail;
    mail->left_at = mail->producers.tail;
    return 0;
}

void mail_release(struct mail *mail)
{
    struct chains *all[] = {&mail->producers_by_id, &mail->halves_by_target, &mail->halves_by_pair,
                            &mail->inboxes_by_id, &mail->cells_by_key};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        mem_free(all[i]->heads);
    for (uint32_t i = 0; mail->cells.chunks != NULL && i < mail->cells.chunks_max; i++)
        mem_free(mail->cells.chunks[i]);
    mem_free(mail->cells.chunks);
    fifo_release(&mail->producers);
    fifo_release(&mail->halves);
    fifo_release(&mail->inboxes);
    *mail = (struct mail){0};
}

size_t mail_bytes(const struct mail *mail)
{
    size_t chunks = (mail->cells.made + CELLS_PER_CHUNK - 1) / CELLS_PER_CHUNK;

    if (mail->cells.made == 1)
        chunks = 0;
    return fifo_bytes(&mail->producers) + fifo_bytes(&mail->halves) + fifo_bytes(&mail->inboxes) +
           chains_bytes(&mail->producers_by_id) + chains_bytes(&mail->halves_by_target) +
           chains_bytes(&mail->halves_by_pair) + chains_bytes(&mail->inboxes_by_id) +
           chains_bytes(&mail->cells_by_key) + chunks * CELLS_PER_CHUNK * sizeof(struct cell) +
           mail->cells.chunks_max * sizeof(*mail->cells.chunks);
}

/* ------------------------------------------------------------------ producers */

int mail_add_producer(struct mail *mail, const struct producer *like, uint32_t *out_at)
{
    uint32_t *head = chains_open(&mail->producers_by_id, hash_id(mail, like->trace, like->id));
    uint32_t at;
    int status;

    if (head == NULL)
        return STATUS_NOMEM;
    status = fifo_push(&mail->producers, &at);
    if (status != 0)
        return status;
    *mail_producer(mail, at) = *like;
    mail_producer(mail, at)->next = *head;
    *head = at;
    *out_at = at;
    return 0;
}

static uint32_t producer_from(const struct mail *mail, uint32_t at, const uint64_t trace[2],
                              uint64_t id)
{
    for (; fifo_live(&mail->producers, at); at = mail_producer(mail, at)->next)
        if (same_id(mail_producer(mail, at)->trace, mail_producer(mail, at)->id, trace, id))
            return at;
    return 0;
}

uint32_t mail_find_producer(const struct mail *mail, const uint64_t trace[2], uint64_t id)
{
    return producer_from(mail, chains_head(&mail->producers_by_id, hash_id(mail, trace, id)), trace,
                         id);
}

uint32_t mail_next_producer(const struct mail *mail, uint32_t at)
{
    const struct producer *producer = mail_producer(mail, at);

    return producer_from(mail, producer->next, producer->trace, producer->id);
}

/* ------------------------------------------------------------------ halves */

int mail_add_half(struct mail *mail, const struct half *like, uint32_t *out_at)
{
    uint32_t *target = chains_open(&mail->halves_by_target,
                                   hash_id(mail, like->target, like->target_id));
    uint32_t *pair = chains_open(&mail->halves_by_pair, hash_pair(mail, like));
    uint32_t at;
    int status;

    if (target == NULL || pair == NULL)
        return STATUS_NOMEM;
    status = fifo_push(&mail->halves, &at);
    if (status != 0)
        return status;
    *mail_half(mail, at) = *like;
    mail_half(mail, at)->next_target = *target;
    mail_half(mail, at)->next_pair = *pair;
    *target = *pair = at;
    *out_at = at;
    return 0;
}

static uint32_t target_from(const struct mail *mail, uint32_t at, const uint64_t trace[2],
                            uint64_t id)
{
    for (; fifo_live(&mail->halves, at); at = mail_half(mail, at)->next_target)
        if (same_id(mail_half(mail, at)->target, mail_half(mail, at)->target_id, trace, id))
            return at;
    return 0;
}

uint32_t mail_find_target(const struct mail *mail, const uint64_t trace[2], uint64_t id)
{
    return target_from(mail, chains_head(&mail->halves_by_target, hash_id(mail, trace, id)), trace,
                       id);
}

uint32_t mail_next_target(const struct mail *mail, uint32_t at)
{
    const struct half *half = mail_half(mail, at);

    return target_from(mail, half->next_target, half->target, half->target_id);
}

static uint32_t half_from(const struct mail *mail, uint32_t at, const struct half *like)
{
    for (; fifo_live(&mail->halves, at); at = mail_half(mail, at)->next_pair) {
        const struct half *half = mail_half(mail, at);
        if (same_id(half->trace, half->id, like->trace, like->id) && half->site == like->site &&
            same_id(half->target, half->target_id, like->target, like->target_id))
            return at;
    }
    return 0;
}

uint32_t mail_find_half(const struct mail *mail, const struct half *like)
{
    return half_from(mail, chains_head(&mail->halves_by_pair, hash_pair(mail, like)), like);
}

uint32_t mail_next_half(const struct mail *mail, uint32_t at)
{
    const struct half *half = mail_half(mail, at);

    return half_from(mail, half->next_pair, half);
}

/* ------------------------------------------------------------------ inboxes */

static uint64_t hash_inbox(const struct mail *mail, const uint64_t trace[2], uint64_t id,
                           uint32_t service)
{
    return mix(hash_id(mail, trace, id), service);
}

int mail_add_inbox(struct mail *mail, const struct inbox *like, uint32_t *out_at)
{
    uint32_t *head = chains_open(&mail->inboxes_by_id,
                                 hash_inbox(mail, like->trace, like->id, like->service));
    uint32_t at;
    int status;

    if (head == NULL)
        return STATUS_NOMEM;
    status = fifo_push(&mail->inboxes, &at);
    if (status != 0)
        return status;
    *mail_inbox(mail, at) = *like;
    mail_inbox(mail, at)->next = *head;
    *head = at;
    *out_at = at;
    return 0;
}

uint32_t mail_find_inbox(const struct mail *mail, const uint64_t trace[2], uint64_t id,
                         uint32_t service)
{
    uint32_t at = chains_head(&mail->inboxes_by_id, hash_inbox(mail, trace, id, service));

    for (; fifo_live(&mail->inboxes, at); at = mail_inbox(mail, at)->next) {
        const struct inbox *inbox = mail_inbox(mail, at);
        if (inbox->service == service && same_id(inbox->trace, inbox->id, trace, id))
            return at;
    }
    return 0;
}

/* ------------------------------------------------------------------ ahead of look-ups */

static inline ALWAYS_INLINE void prefetch(const struct chains *chains, uint64_t hash,
                                          const struct fifo *fifo, enum mail_step step)
{
    uint32_t at;

    if (chains->heads == NULL)
        return;
    if (step == MAIL_HEADS) {
        __builtin_prefetch(&chains->heads[(uint32_t)(hash >> 16) & chains->mask], 1);
        return;
    }
    at = chains_head(chains, hash);
    if (!fifo_live(fifo, at))
        return;
    __builtin_prefetch(fifo_at(fifo, at), 1);
    __builtin_prefetch((char *)fifo_at(fifo, at) + 64, 1); /* All are longer than a line. */
}

static inline ALWAYS_INLINE void prefetch_id(const struct mail *mail, const uint64_t trace[2],
                                             uint64_t id, enum mail_step step)
{
    uint64_t hash = hash_id(mail, trace, id);

    prefetch(&mail->producers_by_id, hash, &mail->producers, step);
    prefetch(&mail->halves_by_target, hash, &mail->halves, step);
}

void mail_prefetch_producer(const struct mail *mail, const uint64_t trace[2], uint64_t id,
                            enum mail_step step)
{
    prefetch_id(mail, trace, id, step);
}

void mail_prefetch_half(const struct mail *mail, const struct half *like, enum mail_step step)
{
    prefetch_id(mail, like->target, like->target_id, step);
    prefetch(&mail->halves_by_pair, hash_pair(mail, like), &mail->halves, step);
}

void mail_prefetch_inbox(const struct mail *mail, const uint64_t trace[2], uint64_t id,
                         uint32_t service, enum mail_step step)
{
    prefetch(&mail->inboxes_by_id, hash_inbox(mail, trace, id, service), &mail->inboxes, step);
}

/* ------------------------------------------------------------------ cells */

struct cell *mail_cell(const struct mail *mail, uint32_t number)
{
    return &mail->cells.chunks[number / CELLS_PER_CHUNK][number % CELLS_PER_CHUNK];
}

/* The number of a cell that nobody has; 0: there is no room. */
static uint32_t new_cell(struct mail *mail)
{
    struct cells *cells = &mail->cells;
    uint32_t number = cells->free;
    uint32_t chunk = cells->made / CELLS_PER_CHUNK;

    if (number != 0) {
        cells->free = mail_cell(mail, number)->next;
        return number;
    }
    if (chunk == cells->chunks_max)
        return 0;
    if (cells->chunks[chunk] == NULL)
        cells->chunks[chunk] = mem_alloc(CELLS_PER_CHUNK * sizeof(struct cell));
    return cells->chunks[chunk] != NULL ? cells->made++ : 0;
}

static void free_cell(struct mail *mail, uint32_t number)
{
    mail_cell(mail, number)->next = mail->cells.free;
    mail->cells.free = number;
}

uint32_t mail_find_cell(const struct mail *mail, const struct cell *like)
{
    const struct producer *owner = mail_producer(mail, like->owner);
    uint32_t number = owner->is_hooked ? chains_head(&mail->cells_by_key, hash_cell(mail, like))
                                       : owner->cells;

    while (number != 0) {
        const struct cell *cell = mail_cell(mail, number);
        if (cell->owner == like->owner && cell->what == like->what &&
            cell->service == like->service && cell->group == like->group &&
            cell->destination == like->destination &&
            (cell->what == CELL_REQUEST || cell->set == like->set))
            return number;
        number = owner->is_hooked ? cell->next_hash : cell->next;
    }
    return 0;
}

static void hook(struct mail *mail, uint32_t number)
{
    struct cell *cell = mail_cell(mail, number);
    uint32_t *head = chains_open(&mail->cells_by_key, hash_cell(mail, cell));

    CHECK(head != NULL);
    cell->next_hash = *head;
    *head = number;
}

/* Nearly every producer has two or three cells, which are found sooner by looking at each. From so many
 * on all of them have a place by their hash. Returns: 0; STATUS_NOMEM. */
static int make_place(struct mail *mail, struct producer *owner)
{
    if (!owner->is_hooked && owner->plain < CELLS_PLAIN) {
        owner->plain++;
        return 0;
    }
    if (chains_open(&mail->cells_by_key, 0) == NULL)
        return STATUS_NOMEM;
    for (uint32_t number = owner->is_hooked ? 0 : owner->cells; number != 0;
         number = mail_cell(mail, number)->next)
        hook(mail, number);
    owner->is_hooked = true;
    return 0;
}

struct cell *mail_take_cell(struct mail *mail, const struct cell *like)
{
    struct producer *owner = mail_producer(mail, like->owner);
    uint32_t number = mail_find_cell(mail, like);

    if (number != 0)
        return mail_cell(mail, number);
    number = new_cell(mail);
    if (number == 0)
        return NULL;
    if (make_place(mail, owner) != 0) {
        free_cell(mail, number);
        return NULL;
    }
    *mail_cell(mail, number) = *like;
    if (owner->is_hooked)
        hook(mail, number);
    mail_cell(mail, number)->next = owner->cells;
    owner->cells = number;
    return mail_cell(mail, number);
}

int mail_add_answer(struct mail *mail, uint32_t inbox, const struct letter *answer)
{
    uint32_t number = new_cell(mail);

    if (number == 0)
        return STATUS_FULL;
    *mail_cell(mail, number) = (struct cell){.next = mail_inbox(mail, inbox)->cells,
                                             .service = answer->producer,
                                             .destination = answer->destination,
                                             .weight = answer->weight & ((UINT64_C(1) << 37) - 1),
                                             .set = answer->set & DIMENSION_SETS_MAX,
                                             .what = CELL_ANSWER};
    mail_inbox(mail, inbox)->cells = number;
    return 0;
}

static void unhook(struct mail *mail, uint32_t number)
{
    const struct cell *cell = mail_cell(mail, number);
    uint32_t *place = chains_open(&mail->cells_by_key, hash_cell(mail, cell));

    CHECK(place != NULL);
    while (*place != number) {
        CHECK(*place != 0);
        place = &mail_cell(mail, *place)->next_hash;
    }
    *place = cell->next_hash;
}

static void free_cells(struct mail *mail, uint32_t *first, bool hooked)
{
    while (*first != 0) {
        uint32_t number = *first;
        const struct cell *cell = mail_cell(mail, number);
        if (hooked)
            unhook(mail, number);
        *first = cell->next;
        free_cell(mail, number);
    }
}

void mail_free_requests(struct mail *mail, struct producer *producer)
{
    free_cells(mail, &producer->cells, producer->is_hooked);
    producer->is_hooked = false;
    producer->plain = 0;
}

void mail_free_answers(struct mail *mail, struct inbox *inbox)
{
    free_cells(mail, &inbox->cells, false);
}

/* ------------------------------------------------------------------ the invariants */

static void check_half(const struct mail *mail, uint32_t at)
{
    const struct half *half = mail_half(mail, at);
    uint32_t found = mail_find_half(mail, half);
    uint32_t place = at - mail->halves.tail;

    while (found != 0 && mail_half(mail, found)->mark != half->mark)
        found = mail_next_half(mail, found);
    CHECK(found == at); /* None is there twice. */
    CHECK((half->state == HALF_WAITS) == (place >= mail->settle_at - mail->halves.tail));
    CHECK(half->state == HALF_WAITS || (half->producer == 0 && !half->hoped));
    CHECK((!half->asked && half->word == WORD_NONE) || place < mail->ask_at - mail->halves.tail ||
          half->state == HALF_SETTLED);
    CHECK(half->state == HALF_WAITS || half->word == WORD_TAKEN || half->refused);
}

static void check_halves(const struct mail *mail)
{
    uint64_t waiting = 0;
    uint64_t wordless = 0;
    uint64_t open = 0;
    uint64_t hopes[2] = {0, 0};
    uint64_t counted = 0;

    for (uint32_t at = mail->halves.tail; at != mail->halves.head; at++) {
        const struct half *half;
        if (at == 0)
            continue;
        half = mail_half(mail, at);
        check_half(mail, at);
        waiting += half->state == HALF_WAITS;
        wordless += half->state == HALF_WAITS && (half->asked || half->word == WORD_NONE);
        open += half->state == HALF_WAITS && fifo_live(&mail->producers, half->producer);
        hopes[0] += half->hoped && fifo_live(&mail->producers, half->producer);
    }
    for (uint32_t at = mail->producers.tail; at != mail->producers.head; at++) {
        uint32_t number = at != 0 ? mail_producer(mail, at)->cells : 0;
        counted += at != 0 ? mail_producer(mail, at)->open : 0;
        for (; number != 0; number = mail_cell(mail, number)->next)
            hopes[1] += mail_cell(mail, number)->hopes;
    }
    CHECK(waiting == mail->halves_waiting && wordless == mail->halves_wordless);
    CHECK(open == counted && open == mail->halves_hanging && hopes[0] == hopes[1]);
    CHECK(mail->send_at - mail->halves.tail <= mail->settle_at - mail->halves.tail);
    CHECK(mail->settle_at - mail->halves.tail <= mail->ask_at - mail->halves.tail);
}

void mail_check(const struct mail *mail)
{
    uint64_t left = 0;
    uint64_t cells = 1;

    check_halves(mail);
    for (uint32_t at = mail->producers.tail; at != mail->producers.head; at++) {
        const struct producer *producer;
        if (at == 0)
            continue;
        producer = mail_producer(mail, at);
        left += producer->has_left && !producer->judged;
        for (uint32_t number = producer->cells; number != 0; cells++) {
            const struct cell *cell = mail_cell(mail, number);
            CHECK(cell->owner == at && mail_find_cell(mail, cell) == number);
            number = cell->next;
        }
    }
    for (uint32_t at = mail->inboxes.tail; at != mail->inboxes.head; at++)
        for (uint32_t number = at != 0 ? mail_inbox(mail, at)->cells : 0; number != 0; cells++)
            number = mail_cell(mail, number)->next;
    for (uint32_t number = mail->cells.free; number != 0; cells++)
        number = mail_cell(mail, number)->next;
    CHECK(left == mail->left_waiting && cells == mail->cells.made);
}
