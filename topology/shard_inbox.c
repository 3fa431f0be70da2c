/* shard_inbox.c: the consumers' side of links: who was taken on, and what their links led to.
 *
 * An inbox stands for one CONSUMER with links that was taken on, and for no copy of it: halves bring
 * a mark of their consumer's record, and only those whose mark is the inbox's get a word for it.
 */
#include "base/check.h"
#include "base/hash.h"
#include "topology/shard_priv.h"

enum { LETTERS_AT_ONCE = 64 };

static struct mail *mail_of(struct shard *shard)
{
    return &shard->mail;
}

uint32_t shard_copy_mark(const struct shard *shard, const struct span *span)
{
    struct span record = *span;

    record.half = 0;
    return (uint32_t)hash64(&record, sizeof(record), shard->options.hash_seed);
}

/* ------------------------------------------------------------------ inboxes */

/* The consumer of an inbox, if it still waits; 0. */
static uint32_t consumer_of(const struct shard *shard, const struct inbox *inbox)
{
    const struct slab *slab = &shard->store.slab;
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
    shard_close_links(shard, at);
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

/* An inbox for a consumer that is taken on; 0: there is no room. One that was there is that of a span
 * which the slab forgot. */
static uint32_t open_inbox(struct shard *shard, const struct inbox *like)
{
    struct mail *mail = mail_of(shard);
    uint32_t at = mail_find_inbox(mail, like->trace, like->id, like->service);
    int status;

    if (at != 0) {
        struct inbox *inbox = mail_inbox(mail, at);
        uint32_t next = inbox->next;
        close_inbox(shard, inbox);
        *inbox = *like;
        inbox->next = next;
        return at;
    }
    while ((status = mail_add_inbox(mail, like, &at)) == STATUS_FULL) {
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

void shard_add_consumer(struct shard *shard, const struct span *span, uint32_t at)
{
    struct slab *slab = &shard->store.slab;
    struct remembered *remembered = slab_at(slab, at);
    const struct site *site = kin_site_at(&shard->judge.kin, span->site);
    struct inbox like = {
        .trace = {span->trace[0], span->trace[1]},
        .id = span->id,
        .service = site->service,
        .at = at,
        .expected = (uint16_t)span->links,
    };

    *slab_aside(slab, at) = aside_of_start(span->start_ns);
    remembered->is_receive = site->is_receive != 0;
    shard->judge.kin.any_taken |= remembered->is_receive || span->links != 0;
    if (span->links == 0)
        return;
    remembered->has_links = 1;
    like.mark = shard_copy_mark(shard, span);
    if (open_inbox(shard, &like) == 0)
        return; /* Its halves will be refused. */
    remembered->links_open = 1;
    shard->judge.kin.open++;
}

/* ------------------------------------------------------------------ letters */

/* The inbox that a letter is about; 0: there is none. */
static uint32_t inbox_of(const struct shard *shard, const struct letter *letter)
{
    uint32_t service = kin_site_at(&shard->judge.kin, letter->site)->service;
    uint32_t number = mail_find_inbox(&shard->mail, letter->trace, letter->id, service);

    return number != 0 && mail_inbox(&shard->mail, number)->mark == letter->mark ? number : 0;
}

enum word shard_word(const struct shard *shard, const struct letter *question)
{
    uint32_t number = inbox_of(shard, question);

    if (number == 0)
        return WORD_UNKNOWN;
    return consumer_of(shard, mail_inbox(&shard->mail, number)) != 0 ? WORD_TAKEN : WORD_GONE;
}

void shard_take_answer(struct shard *shard, const struct letter *answer)
{
    struct mail *mail = mail_of(shard);
    uint32_t number = inbox_of(shard, answer);
    uint32_t at = number != 0 ? consumer_of(shard, mail_inbox(mail, number)) : 0;
    struct inbox *inbox;

    if (at == 0)
        return; /* It was judged, or left. */
    inbox = mail_inbox(mail, number);
    if (inbox->received < UINT16_MAX)
        inbox->received++;
    inbox->is_late |= answer->state == ANSWER_LATE;
    inbox->has_producer |= answer->state <= ANSWER_RECEIVED;
    if (answer->state == ANSWER_FOUND && mail_add_answer(mail, number, answer) != 0)
        shard->tally->counts.memory_failures++;
    slab_at(&shard->store.slab, at)->has_producer = inbox->has_producer;
    if (inbox->received < inbox->expected)
        return;
    shard_close_links(shard, at);
    shard_revisit(shard, at);
}

static void reply(struct shard *shard, const struct letter *question)
{
    struct letter word = *question;

    word.from = (uint16_t)shard->options.number;
    word.what = LETTER_WORD;
    word.state = (uint8_t)shard_word(shard, question);
    exchange_reply(shard->options.exchange, question->from, &word);
}

size_t shard_take_letters(struct shard *shard)
{
    struct letter letters[LETTERS_AT_ONCE];
    size_t all = 0;
    size_t count;

    if (shard->options.exchange == NULL)
        return 0;
    while ((count = exchange_take(shard->options.exchange, shard->options.number, letters,
                                  LETTERS_AT_ONCE)) != 0) {
        for (size_t i = 0; i < count; i++) {
            shard_mark_letter(shard, &letters[i]);
            if (letters[i].what == LETTER_QUESTION)
                reply(shard, &letters[i]);
            else if (letters[i].what == LETTER_WORD)
                shard_take_word(shard, &letters[i]);
            else
                shard_take_answer(shard, &letters[i]);
        }
        all += count;
    }
    if (all != 0)
        shard->judge.kin.pass++; /* What is answered was not, for walks so far. */
    return all;
}
