/* shard_mail.c: when links are settled, and how answers find their consumers.
 *
 *   CONSUMER with links --record--> its shard: an inbox that waits for as many answers
 *                       --halves--> the shard of each linked trace: wait for the producer
 *                                   settled at the end of pairing.wait: request counted there
 *                      <--answer--- which says whom it found; with the last one it is judged
 *
 * Halves are settled and answered in the order in which they came. An answer that finds no room
 * stays with its half, and those behind it wait too.
 */
#include "base/check.h"
#include "topology/shard_priv.h"

enum { ANSWERS_AT_ONCE = 64 };

static void close_inbox(struct shard *shard, struct inbox *inbox);

static struct mail *mail_of(struct shard *shard)
{
    return &shard->mail;
}

static uint32_t arrival_now(const struct shard *shard)
{
    return (uint32_t)((shard->now_ns + (UINT64_C(1) << TICK_SHIFT) - 1) >> TICK_SHIFT);
}

static bool is_over(const struct shard *shard, uint32_t arrival, enum shard_wait wait)
{
    return (int32_t)(shard->now_ticks - (arrival + shard->wait_ticks[wait])) >= 0;
}

/* ------------------------------------------------------------------ answers */

/* An inbox for a consumer, made if need be; 0: there is no room. */
static uint32_t take_inbox(struct shard *shard, const uint64_t trace[2], uint64_t id,
                           uint32_t service)
{
    struct mail *mail = mail_of(shard);
    uint32_t at = mail_find_inbox(mail, trace, id, service);
    struct inbox like = {.trace = {trace[0], trace[1]}, .id = id, .service = service};
    int status;

    if (at != 0)
        return at;
    while ((status = mail_add_inbox(mail, &like, &at)) == STATUS_FULL) {
        uint32_t end = fifo_chunk_end(&mail->inboxes);
        for (uint32_t i = mail->inboxes.tail; i != end; i++)
            if (i != 0)
                close_inbox(shard, mail_inbox(mail, i));
        fifo_close(&mail->inboxes);
    }
    if (status == 0)
        return at;
    shard->tally->counts.memory_failures++;
    return 0;
}

/* The consumer of an inbox, if it still waits; 0. */
static uint32_t consumer_of(struct shard *shard, const struct inbox *inbox)
{
    struct slab *slab = &shard->store.slab;
    const struct remembered *span;

    if (!slab_live(slab, inbox->at))
        return 0;
    span = slab_at(slab, inbox->at);
    return span->id == inbox->id && span->trace[0] == inbox->trace[0] &&
                   span->trace[1] == inbox->trace[1] && span->links_open && !span->judged
               ? inbox->at
               : 0;
}

static void close_inbox(struct shard *shard, struct inbox *inbox)
{
    uint32_t at = consumer_of(shard, inbox);

    mail_free_answers(mail_of(shard), inbox);
    if (at == 0)
        return;
    slab_at(&shard->store.slab, at)->links_open = 0;
    shard->judge.kin.open--;
    if (inbox->received < inbox->expected)
        shard->tally->counts.memory_failures++;
}

void shard_close_links(struct shard *shard, uint32_t at)
{
    struct remembered *span = slab_at(&shard->store.slab, at);

    if (!span->links_open)
        return;
    span->links_open = 0;
    shard->judge.kin.open--;
}

static void take_answer(struct shard *shard, const struct answer *answer)
{
    uint32_t service = kin_site_at(&shard->judge.kin, answer->site)->service;
    uint32_t number = take_inbox(shard, answer->trace, answer->id, service);
    struct inbox *inbox;
    uint32_t at;

    shard_mark_answer(shard, answer);
    if (number == 0)
        return;
    inbox = mail_inbox(mail_of(shard), number);
    at = consumer_of(shard, inbox);
    if (inbox->expected != 0 && at == 0)
        return; /* It was judged, or left. */
    if (inbox->received < UINT16_MAX)
        inbox->received++;
    inbox->is_late |= answer->state == ANSWER_LATE;
    inbox->has_producer |= answer->state <= ANSWER_RECEIVED;
    if (answer->state == ANSWER_FOUND && mail_add_answer(mail_of(shard), number, answer) != 0)
        shard->tally->counts.memory_failures++;
    if (at == 0)
        return;
    slab_at(&shard->store.slab, at)->has_producer = inbox->has_producer;
    if (inbox->received < inbox->expected)
        return;
    shard_close_links(shard, at);
    shard_revisit(shard, at);
}

static size_t take_answers(struct shard *shard)
{
    struct answer answers[ANSWERS_AT_ONCE];
    size_t all = 0;
    size_t count;

    if (shard->options.exchange == NULL)
        return 0;
    while ((count = exchange_take(shard->options.exchange, shard->options.number, answers,
                                  ANSWERS_AT_ONCE)) != 0) {
        for (size_t i = 0; i < count; i++)
            take_answer(shard, &answers[i]);
        all += count;
    }
    return all;
}

/* Returns: 0; STATUS_BUSY. */
static int send_answer(struct shard *shard, const struct half *half)
{
    uint32_t to = span_shard(half->trace_hash, shard->options.shards);
    struct answer answer = {
        .trace = {half->trace[0], half->trace[1]},
        .id = half->id,
        .weight = half->pair_weight,
        .site = half->site,
        .producer = half->pair_service,
        .destination = half->pair_destination,
        .set = half->pair_set,
        .state = half->answer,
    };

    if (to != shard->options.number)
        return exchange_send(shard->options.exchange, shard->options.number, to, &answer);
    take_answer(shard, &answer);
    return 0;
}

static void send_answers(struct shard *shard)
{
    struct mail *mail = mail_of(shard);

    while (mail->send_at != mail->settle_at) {
        if (mail->send_at != 0 && send_answer(shard, mail_half(mail, mail->send_at)) != 0)
            return;
        mail->send_at++;
    }
}

/* ------------------------------------------------------------------ halves */

/* The producer's span knows whether somebody waits for his turn with it. */
static void add_open(struct shard *shard, struct producer *producer, uint32_t more)
{
    uint32_t at = judge_span_of(&shard->judge, producer);

    producer->open += more; /* -1 too. */
    if (at != 0)
        slab_at(&shard->store.slab, at)->expected = producer->open != 0;
}

static void forget_producer(struct shard *shard, struct half *half)
{
    struct mail *mail = mail_of(shard);

    if (fifo_live(&mail->producers, half->producer))
        add_open(shard, mail_producer(mail, half->producer), UINT32_MAX);
    half->producer = 0;
}

/* A half that waits hangs on the producer that it leads to, if that is known. */
static void hang_on(struct shard *shard, struct half *half)
{
    uint32_t producer = judge_find_producer(&shard->judge, half->target, half->target_id);

    if (half->producer == producer)
        return;
    forget_producer(shard, half);
    half->producer = producer;
    if (producer == 0)
        return;
    add_open(shard, mail_producer(mail_of(shard), producer), 1);
    judge_expect(&shard->judge, producer, half->site);
}

static bool is_late(struct shard *shard, const struct producer *producer)
{
    uint32_t at = judge_span_of(&shard->judge, producer);

    if (producer->answered)
        return false;
    return producer->drawn || (at != 0 && judge_is_late(&shard->judge, at));
}

static void settle_half(struct shard *shard, struct half *half)
{
    struct link_accounting *links = &shard->tally->links;
    struct mail *mail = mail_of(shard);
    struct judge_taking taking = {half->site, half->weight, half->start_ns, half->failed};
    struct answer answer = {.state = ANSWER_MISSING, .destination = CATALOG_NONE};
    uint32_t number = half->producer;

    CHECK(half->state == HALF_WAITS);
    forget_producer(shard, half);
    half->state = HALF_SETTLED;
    mail->halves_waiting--;
    if (fifo_live(&mail->producers, number) && !mail_producer(mail, number)->is_gone) {
        struct producer *producer = mail_producer(mail, number);
        if (is_late(shard, producer))
            answer.state = ANSWER_LATE;
        else
            judge_pair(&shard->judge, number, &taking, &answer);
        if (producer->has_left && !producer->judged && producer->answered)
            judge_left(&shard->judge, number);
    }
    if (answer.state <= ANSWER_RECEIVED)
        links->paired++;
    else
        links->missing++;
    half->answer = answer.state & 3;
    half->pair_weight = answer.weight;
    half->pair_service = answer.producer;
    half->pair_set = answer.set & DIMENSION_SETS_MAX;
    half->pair_destination = answer.destination;
}

/* Settles those whose wait is over, or all; answers those that find room. */
static void settle_halves(struct shard *shard, bool all)
{
    struct mail *mail = mail_of(shard);
    bool any = false;

    while (mail->settle_at != mail->halves.head) {
        uint32_t at = mail->settle_at;
        uint32_t number;
        if (at != 0 && !all && !is_over(shard, mail_half(mail, at)->arrival, WAIT_PAIRING))
            break;
        mail->settle_at++;
        if (at == 0)
            continue;
        number = mail_half(mail, at)->producer;
        settle_half(shard, mail_half(mail, at));
        any = true;
        if (!all && fifo_live(&mail->producers, number)) {
            uint32_t span = judge_span_of(&shard->judge, mail_producer(mail, number));
            if (span != 0)
                shard_revisit(shard, span);
        }
    }
    if (any)
        shard->judge.kin.pass++; /* What is answered was not, for walks so far. */
    send_answers(shard);
}

/* The oldest halves leave. One that is not settled is dropped, its consumer told that nothing came;
 * if even that finds no room, the consumer waits until its own time is over. */
static void evict_halves(struct shard *shard)
{
    struct mail *mail = mail_of(shard);
    uint32_t end = fifo_chunk_end(&mail->halves);

    for (uint32_t at = mail->halves.tail; at != end; at++) {
        struct half *half = at != 0 ? mail_half(mail, at) : NULL;
        if (half == NULL)
            continue;
        if (half->state == HALF_WAITS) {
            forget_producer(shard, half);
            half->state = HALF_SETTLED;
            half->answer = ANSWER_MISSING;
            half->pair_destination = CATALOG_NONE;
            mail->halves_waiting--;
            shard->tally->links.dropped++;
        }
        if (at - mail->halves.tail >= mail->send_at - mail->halves.tail &&
            send_answer(shard, half) != 0)
            shard->tally->counts.memory_failures++;
    }
    fifo_close(&mail->halves);
    if (!fifo_live(&mail->halves, mail->settle_at) && mail->settle_at != mail->halves.head)
        mail->settle_at = mail->halves.tail;
    if (!fifo_live(&mail->halves, mail->send_at) && mail->send_at != mail->halves.head)
        mail->send_at = mail->halves.tail;
}

void shard_take_half(struct shard *shard, const struct span *span, const struct span_target *target)
{
    struct mail *mail = mail_of(shard);
    struct half like = {
        .target = {target->trace[0], target->trace[1]},
        .target_id = target->id,
        .trace = {span->trace[0], span->trace[1]},
        .id = span->id,
        .start_ns = span->start_ns,
        .weight = span->weight,
        .failed = span->status == SPAN_STATUS_ERROR,
        .site = span->site,
        .trace_hash = span->trace_hash,
        .arrival = arrival_now(shard),
    };
    uint32_t at;
    int status;

    if (mail_find_half(mail, &like) != 0)
        return; /* Its consumer came twice (E15). */
    shard->tally->links.links++;
    while ((status = mail_add_half(mail, &like, &at)) == STATUS_FULL)
        evict_halves(shard);
    if (status != 0) {
        shard->tally->links.dropped++;
        return;
    }
    mail->halves_waiting++;
    hang_on(shard, mail_half(mail, at));
}

/* ------------------------------------------------------------------ producers */

/* The oldest producers leave, with their requests. */
static void evict_producers(struct shard *shard)
{
    struct mail *mail = mail_of(shard);
    uint32_t end = fifo_chunk_end(&mail->producers);

    for (uint32_t at = mail->producers.tail; at != end; at++) {
        struct producer *producer = at != 0 ? mail_producer(mail, at) : NULL;
        if (producer == NULL)
            continue;
        if (producer->has_left && !producer->judged) {
            const struct site *site = kin_site_at(&shard->judge.kin, producer->site);
            struct tally_loss loss = {.service = site->service,
                                      .kind = SPAN_KIND_PRODUCER,
                                      .dropped = true,
                                      .reason = DROPPED_EVICTED,
                                      .traces = {{producer->trace[0], producer->trace[1]}}};
            shard->tally->accounting.dropped[DROPPED_EVICTED]++;
            tally_lose(shard->tally, &loss);
            mail->left_waiting--;
        }
        mail_free_requests(mail, producer);
    }
    fifo_close(&mail->producers);
    if (!fifo_live(&mail->producers, mail->left_at) && mail->left_at != mail->producers.head)
        mail->left_at = mail->producers.tail;
}

/* Halves that came before their producer: those that wait hang on it, the others came too early. */
static void meet_halves(struct shard *shard, uint32_t number)
{
    struct mail *mail = mail_of(shard);
    struct producer *producer = mail_producer(mail, number);

    for (uint32_t at = mail_find_target(mail, producer->trace, producer->id); at != 0;
         at = mail_next_target(mail, at)) {
        struct half *half = mail_half(mail, at);
        if (half->state == HALF_WAITS)
            hang_on(shard, half);
        else
            producer->came_late |= half->answer == ANSWER_MISSING;
    }
}

void shard_add_producer(struct shard *shard, const struct span *span, uint32_t at)
{
    struct mail *mail = mail_of(shard);
    struct producer like = {
        .trace = {span->trace[0], span->trace[1]},
        .id = span->id,
        .end_ns = span->no_end ? 0 : span->start_ns + span->duration_ns,
        .duration_ns = span->duration_ns & ((UINT64_C(1) << 54) - 1),
        .status = span->status,
        .no_duration = span->no_duration,
        .weight = span->weight,
        .site = span->site,
        .at = at,
        .arrival = arrival_now(shard),
    };
    uint32_t number;
    int status;

    while ((status = mail_add_producer(mail, &like, &number)) == STATUS_FULL)
        evict_producers(shard);
    if (status != 0) {
        shard->tally->counts.memory_failures++;
        return;
    }
    meet_halves(shard, number);
}

void shard_drop_producer(struct shard *shard, uint32_t at)
{
    uint32_t number = judge_producer_of(&shard->judge, at);

    if (number != 0)
        mail_producer(mail_of(shard), number)->is_gone = 1;
}

/* Judges those that left and whose wait is over, or all. */
static void judge_those_that_left(struct shard *shard, bool all)
{
    struct mail *mail = mail_of(shard);
    uint32_t at = all ? mail->producers.tail : mail->left_at;

    for (; at != mail->producers.head; at++) {
        struct producer *producer = at != 0 ? mail_producer(mail, at) : NULL;
        if (producer == NULL)
            continue;
        if (!all && !is_over(shard, producer->arrival, WAIT_MESSAGING))
            break;
        if (!all && producer->open != 0)
            break; /* A consumer came at the last moment: within one pairing.wait it is settled. */
        if (producer->has_left && !producer->judged)
            judge_left(&shard->judge, at);
    }
    mail->left_at = at;
}

/* ------------------------------------------------------------------ consumers */

void shard_add_consumer(struct shard *shard, const struct span *span, uint32_t at)
{
    struct slab *slab = &shard->store.slab;
    struct remembered *remembered = slab_at(slab, at);
    uint32_t number;
    struct inbox *inbox;

    *slab_aside(slab, at) = aside_of_start(span->start_ns);
    remembered->is_receive = kin_site_at(&shard->judge.kin, span->site)->is_receive != 0;
    shard->judge.kin.any_taken |= remembered->is_receive || span->links != 0;
    if (span->links == 0)
        return;
    remembered->has_links = 1;
    number = take_inbox(shard, span->trace, span->id,
                        kin_site_at(&shard->judge.kin, span->site)->service);
    if (number == 0)
        return;
    inbox = mail_inbox(mail_of(shard), number);
    inbox->at = at;
    inbox->expected = (uint16_t)span->links;
    remembered->has_producer = inbox->has_producer;
    if (inbox->received >= inbox->expected)
        return;
    remembered->links_open = 1;
    shard->judge.kin.open++;
}

/* ------------------------------------------------------------------ time */

void shard_take_answers(struct shard *shard)
{
    if (take_answers(shard) != 0)
        shard->judge.kin.pass++;
}

void shard_mail_due(struct shard *shard)
{
    shard_take_answers(shard);
    settle_halves(shard, false);
}

void shard_left_due(struct shard *shard)
{
    judge_those_that_left(shard, false);
}

bool shard_settle(struct shard *shard)
{
    uint32_t sent = shard->mail.send_at;
    size_t taken;

    settle_halves(shard, true);
    taken = take_answers(shard);
    return taken == 0 && sent == shard->mail.halves.head;
}

void shard_finish_left(struct shard *shard)
{
    judge_those_that_left(shard, true);
}
