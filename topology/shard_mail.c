/* shard_mail.c: when links are settled, on the side of the producers.
 *
 *   CONSUMER with links --record---> its shard: an inbox that waits for as many answers
 *                       --halves---> the shard of each linked trace: wait for the producer
 *                      <--question-- a moment before the end of pairing.wait: was it taken on?
 *                       --word-----> yes: at the end of it the half is settled, the request counted;
 *                                    no, it was rejected, a copy or dropped: the half is refused
 *                      <--answer---- which says whom it found; with the last one the consumer is judged
 *
 * Halves are asked for, settled and answered in the order in which they came. One that waits for a
 * word, or whose answer finds no room, holds up those behind it: that is never longer than the other
 * shard takes to look into its letters. The side of the consumers is in shard_inbox.c.
 */
#include "base/check.h"
#include "topology/judge_priv.h"
#include "topology/shard_priv.h"

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

static unsigned shard_of_consumer(const struct shard *shard, const struct half *half)
{
    return shard->options.shards == 1
               ? shard->options.number
               : span_shard(span_trace_hash(half->trace, shard->options.hash_seed),
                            shard->options.shards);
}

static struct letter letter_about(const struct shard *shard, const struct half *half)
{
    return (struct letter){
        .trace = {half->trace[0], half->trace[1]},
        .id = half->id,
        .site = half->site,
        .mark = half->mark,
        .producer = CATALOG_NONE,
        .destination = CATALOG_NONE,
        .from = (uint16_t)shard->options.number,
    };
}

/* ------------------------------------------------------------------ answers */

/* Returns: 0; STATUS_BUSY. */
static int send_answer(struct shard *shard, const struct half *half)
{
    unsigned to = shard_of_consumer(shard, half);
    struct letter answer = letter_about(shard, half);

    if (half->refused)
        return 0; /* Nobody waits for it. */
    answer.what = LETTER_ANSWER;
    answer.state = half->answer;
    answer.weight = half->pair_weight;
    answer.producer = half->pair_service;
    answer.set = half->pair_set;
    answer.destination = half->pair_destination;
    if (to != shard->options.number)
        return exchange_send(shard->options.exchange, to, &answer);
    shard_take_answer(shard, &answer);
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

/* ------------------------------------------------------------------ producers of halves */

/* The producer's span knows whether somebody waits for his turn with it. */
static void add_open(struct shard *shard, struct producer *producer, uint32_t more)
{
    uint32_t at = judge_span_of(&shard->judge, producer);

    producer->open += more; /* -1 too. */
    mail_of(shard)->halves_hanging += (uint64_t)(int64_t)(int32_t)more;
    if (at != 0)
        slab_at(&shard->store.slab, at)->expected = producer->open != 0;
}

/* A `receive` span is no request where a `process` span may be: that of a half which nobody refused. */
static void hope(struct shard *shard, struct half *half)
{
    if (!half->hoped && half->word <= WORD_TAKEN &&
        fifo_live(&mail_of(shard)->producers, half->producer))
        half->hoped = judge_hope(&shard->judge, half->producer, half->site);
}

static void hope_no_longer(struct shard *shard, struct half *half)
{
    if (half->hoped && fifo_live(&mail_of(shard)->producers, half->producer))
        judge_hope_no_longer(&shard->judge, half->producer, half->site);
    half->hoped = 0;
}

static void forget_producer(struct shard *shard, struct half *half)
{
    struct mail *mail = mail_of(shard);

    hope_no_longer(shard, half);
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
    hope(shard, half);
}

/* ------------------------------------------------------------------ words */

/* Whether the half still waits for its first word, or for another one. */
static bool is_wordless(const struct half *half)
{
    return half->asked || half->word == WORD_NONE;
}

static void note_word(struct shard *shard, struct half *half, enum word word)
{
    mail_of(shard)->halves_wordless -= is_wordless(half);
    half->asked = 0;
    half->word = (unsigned)word & 3;
    if (word == WORD_TAKEN)
        hope(shard, half);
    else
        hope_no_longer(shard, half);
}

void shard_take_word(struct shard *shard, const struct letter *word)
{
    struct mail *mail = mail_of(shard);
    struct half *half = fifo_live(&mail->halves, word->half) ? mail_half(mail, word->half) : NULL;

    if (half != NULL && half->state == HALF_WAITS && half->asked)
        note_word(shard, half, (enum word)word->state);
}

/* Asks the consumer's shard whether it took the consumer on. Returns: 0; STATUS_BUSY. */
static int ask(struct shard *shard, uint32_t at)
{
    struct half *half = mail_half(mail_of(shard), at);
    unsigned to = shard_of_consumer(shard, half);
    struct letter question = letter_about(shard, half);
    int status;

    if (to == shard->options.number) {
        note_word(shard, half, shard_word(shard, &question));
        return 0;
    }
    question.what = LETTER_QUESTION;
    question.half = at;
    status = exchange_send(shard->options.exchange, to, &question);
    if (status != 0)
        return status;
    mail_of(shard)->halves_wordless += !is_wordless(half);
    half->asked = 1;
    return 0;
}

/* Asks for those whose wait is nearly over, or for all. */
static void ask_due(struct shard *shard, bool all)
{
    struct mail *mail = mail_of(shard);

    for (; mail->ask_at != mail->halves.head; mail->ask_at++) {
        uint32_t at = mail->ask_at;
        if (at == 0)
            continue;
        if (!all && !is_over(shard, mail_half(mail, at)->arrival, WAIT_ASKING))
            return;
        if (ask(shard, at) != 0)
            return;
    }
}

/* Whether the last word is known. Of a consumer that is not known its shard may be behind: then it is
 * asked again for a while. */
static bool has_last_word(struct shard *shard, uint32_t at, bool all)
{
    struct half *half = mail_half(mail_of(shard), at);

    if (is_wordless(half))
        return false;
    if (half->word != WORD_UNKNOWN || all || is_over(shard, half->arrival, WAIT_STRANGER))
        return true;
    return ask(shard, at) == 0 && !is_wordless(half) && half->word != WORD_UNKNOWN;
}

/* ------------------------------------------------------------------ halves */

static bool is_late(struct shard *shard, uint32_t number)
{
    const struct producer *producer = mail_producer(mail_of(shard), number);
    uint32_t at = judge_span_of(&shard->judge, producer);

    if (producer->answered)
        return false;
    return producer->drawn ||
           (at != 0 ? judge_is_late(&shard->judge, at) : judge_left_is_late(&shard->judge, number));
}

/* Takes a half from those that wait. */
static void stop_waiting(struct shard *shard, struct half *half)
{
    struct mail *mail = mail_of(shard);

    CHECK(half->state == HALF_WAITS);
    forget_producer(shard, half);
    mail->halves_waiting--;
    mail->halves_wordless -= is_wordless(half);
    half->asked = 0;
    half->state = HALF_SETTLED;
    half->answer = ANSWER_MISSING;
    half->pair_destination = CATALOG_NONE;
}

static void refuse_half(struct shard *shard, struct half *half)
{
    stop_waiting(shard, half);
    half->refused = 1;
    shard->tally->links.dropped++;
}

static void settle_half(struct shard *shard, struct half *half)
{
    struct link_accounting *links = &shard->tally->links;
    struct mail *mail = mail_of(shard);
    struct judge_taking taking = {half->site,   half->weight, half->start_ns,
                                  half->failed, half->trace,  half->id};
    struct letter answer = {.state = ANSWER_MISSING, .destination = CATALOG_NONE};
    uint32_t number = half->producer;

    stop_waiting(shard, half);
    if (fifo_live(&mail->producers, number) && !mail_producer(mail, number)->is_gone) {
        struct producer *producer = mail_producer(mail, number);
        if (is_late(shard, number))
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
    half->answer = answer.state & 3U;
    half->pair_weight = answer.weight & ((UINT64_C(1) << 37) - 1);
    half->pair_service = answer.producer;
    half->pair_set = answer.set & DIMENSION_SETS_MAX;
    half->pair_destination = answer.destination;
}

/* Looks again at the span of a producer some of whose halves wait no longer. */
static void revisit(struct shard *shard, uint32_t number)
{
    uint32_t at = fifo_live(&shard->mail.producers, number)
                      ? judge_span_of(&shard->judge, mail_producer(&shard->mail, number))
                      : 0;

    if (at != 0)
        shard_revisit(shard, at);
}

/* Settles those whose wait is over, or all; answers those that find room. At the end all words come
 * first, since each may bear on any other half. */
static void settle_halves(struct shard *shard, bool all)
{
    struct mail *mail = mail_of(shard);
    bool any = false;

    ask_due(shard, all);
    while (mail->settle_at != mail->ask_at && (!all || mail->halves_wordless == 0)) {
        uint32_t at = mail->settle_at;
        struct half *half = at != 0 ? mail_half(mail, at) : NULL;
        uint32_t producer = half != NULL ? half->producer : 0;
        if (half != NULL && !all && !is_over(shard, half->arrival, WAIT_PAIRING))
            break;
        if (half != NULL && !has_last_word(shard, at, all))
            break;
        mail->settle_at++;
        if (half == NULL)
            continue;
        if (half->word == WORD_TAKEN)
            settle_half(shard, half);
        else
            refuse_half(shard, half);
        any = true;
        if (!all)
            revisit(shard, producer);
    }
    if (any)
        shard->judge.kin.pass++; /* What is answered was not, for walks so far. */
    send_answers(shard);
}

static void move_to_tail(const struct fifo *fifo, uint32_t *at)
{
    if (!fifo_live(fifo, *at) && *at != fifo->head)
        *at = fifo->tail;
}

/* The oldest halves leave. One that is not settled is dropped, its consumer told that nothing came;
 * if even that finds no room, the consumer waits until its own time is over. */
static void evict_halves(struct shard *shard)
{
    struct mail *mail = mail_of(shard);
    uint32_t end = fifo_chunk_end(&mail->halves);
    uint32_t producers[FIFO_CHUNK];
    size_t count = 0;

    for (uint32_t at = mail->halves.tail; at != end; at++) {
        struct half *half = at != 0 ? mail_half(mail, at) : NULL;
        if (half == NULL)
            continue;
        if (half->state == HALF_WAITS) {
            producers[count++] = half->producer;
            stop_waiting(shard, half);
            shard->tally->links.dropped++;
        }
        if (at - mail->halves.tail >= mail->send_at - mail->halves.tail &&
            send_answer(shard, half) != 0)
            shard->tally->counts.memory_failures++;
    }
    fifo_close(&mail->halves);
    move_to_tail(&mail->halves, &mail->ask_at);
    move_to_tail(&mail->halves, &mail->settle_at);
    move_to_tail(&mail->halves, &mail->send_at);
    for (size_t i = 0; i < count; i++)
        revisit(shard, producers[i]);
}

static bool is_known(const struct mail *mail, const struct half *like)
{
    uint32_t at = mail_find_half(mail, like);

    while (at != 0 && mail_half(mail, at)->mark != like->mark)
        at = mail_next_half(mail, at);
    return at != 0;
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
        .mark = shard_copy_mark(shard, span),
        .arrival = arrival_now(shard),
    };
    uint32_t at;
    int status;

    if (is_known(mail, &like))
        return; /* Its consumer came twice (E15). */
    shard->tally->links.links++;
    while ((status = mail_add_half(mail, &like, &at)) == STATUS_FULL)
        evict_halves(shard);
    if (status != 0) {
        shard->tally->links.dropped++;
        return;
    }
    mail->halves_waiting++;
    mail->halves_wordless++;
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
        mail->halves_hanging -= producer->open;
        mail_free_requests(mail, producer);
    }
    fifo_close(&mail->producers);
    move_to_tail(&mail->producers, &mail->left_at);
}

/* Halves that came before their producer: those that wait hang on it, the others came too early. */
static void meet_halves(struct shard *shard, uint32_t number)
{
    struct mail *mail = mail_of(shard);
    struct producer *producer = mail_producer(mail, number);

    for (uint32_t at = mail_find_target(mail, producer->trace, producer->id); at != 0;
         at = mail_next_target(mail, at)) {
        struct half *half = mail_half(mail, at);
        bool is_settled = half->state == HALF_SETTLED;
        if (!is_settled && !is_over(shard, half->arrival, WAIT_PAIRING))
            hang_on(shard, half);
        else if (half->word == WORD_TAKEN)
            producer->came_late |= is_settled ? half->answer == ANSWER_MISSING
                                              : half->producer == 0;
    }
}

void shard_add_producer(struct shard *shard, const struct span *span, uint32_t at)
{
    struct mail *mail = mail_of(shard);
    struct producer like = {
        .trace = {span->trace[0], span->trace[1]},
        .id = span->id,
        .end_ns = span->no_end ? 0 : span->start_ns + span->duration_ns,
        .duration_ns = span->duration_ns,
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
        if (!producer->has_left || producer->judged)
            continue; /* One that leaves later calls shard_note_left(). */
        if (!all && producer->open != 0)
            break; /* A consumer came at the last moment: within one pairing.wait it is settled. */
        judge_left(&shard->judge, at);
    }
    mail->left_at = at;
}

void shard_note_left(struct shard *shard, uint32_t number)
{
    struct mail *mail = mail_of(shard);

    if (number - mail->producers.tail < mail->left_at - mail->producers.tail)
        mail->left_at = number;
}

/* ------------------------------------------------------------------ time */

void shard_mail_due(struct shard *shard)
{
    (void)shard_take_letters(shard); /* What waits for the next tick is none the worse. */
    settle_halves(shard, false);
}

void shard_left_due(struct shard *shard)
{
    judge_those_that_left(shard, false);
}

bool shard_settle(struct shard *shard)
{
    uint32_t asked = shard->mail.ask_at;
    uint32_t sent = shard->mail.send_at;
    size_t taken;

    settle_halves(shard, true);
    taken = shard_take_letters(shard);
    return taken == 0 && asked == shard->mail.halves.head && sent == shard->mail.halves.head;
}

void shard_finish_left(struct shard *shard)
{
    judge_those_that_left(shard, true);
}
