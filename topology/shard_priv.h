/* shard_priv.h: the shard, for the files that it has. */
#ifndef SPANMAP_TOPOLOGY_SHARD_PRIV_H
#define SPANMAP_TOPOLOGY_SHARD_PRIV_H

#include "topology/judge.h"
#include "topology/shard.h"
#include "topology/store.h"

/* Times are counted in ticks of 2^20 ns (1.05 ms), which wrap after 52 days; waits stay far below
 * half of that. */
enum { TICK_SHIFT = 20 };
#define WAIT_TICKS_MAX (UINT32_C(1) << 30)

enum { CROWD_SUMS = 4096 }; /* 128 KiB */

enum shard_wait {
    WAIT_TEACHING,
    WAIT_PAIRING,
    WAIT_PARENT,
    WAIT_MESSAGING,
    WAIT_LINKS,
    WAIT_ASKING,   /* Until a consumer's shard is asked for it, */
    WAIT_STRANGER, /* and until it is not asked again; of halves. */
    WAIT_COUNT
};

/* What a walk that marks names goes over (shard_mark.c). */
enum marking_row {
    MARKING_SPANS,
    MARKING_PRODUCERS,
    MARKING_HALVES,
    MARKING_INBOXES,
    MARKING_ROWS
};

struct marking {
    uint32_t stamp; /* 0: no walk. */
    uint32_t row;
    uint32_t at[MARKING_ROWS];
    uint32_t end[MARKING_ROWS];
};

struct shard {
    struct shard_options options;
    struct store store;
    struct mail mail;
    struct judge judge;
    struct tally *tally;
    uint32_t wait_ticks[WAIT_COUNT];
    uint32_t cursor[WAIT_COUNT]; /* Each went by all spans whose wait of that kind is over. */
    uint32_t now_ticks;          /* Rounded down. */
    uint64_t now_ns;
    uint64_t judged_ns; /* When spans were last looked through. */
    bool has_beside;    /* Some CLIENT waited for a message around or beside it. */
    uint64_t
        *reported; /* Bit n: the catalog knows that service n has reported; may be too short. */
    uint32_t reported_words;
    struct marking marking;
};

/* Takes spans on, and halves with their targets: at most ADMIT_RECORDS records. */
enum { ADMIT_RECORDS = 64 };
void shard_admit(struct shard *shard, const struct span *records, size_t count);

/* Judges what has waited long enough. */
void shard_judge_due(struct shard *shard);

/* Lets the oldest block go, after its spans were judged or dropped. */
void shard_evict(struct shard *shard);

/* Looks again at a span past its own wait, since something was answered, and at what waited for
 * it. */
void shard_revisit(struct shard *shard, uint32_t at);

/* ------------------------------------------------------------------ messages (shard_mail.c) */

void shard_take_half(struct shard *shard, const struct span *span,
                     const struct span_target *target);

/* Notes what a PRODUCER that was just taken on has beyond its span. */
void shard_add_producer(struct shard *shard, const struct span *span, uint32_t at);

/* A PRODUCER span is dropped. */
void shard_drop_producer(struct shard *shard, uint32_t at);

void shard_take_word(struct shard *shard, const struct letter *word);

/* Marks what a letter brings, while a walk goes on. */
void shard_mark_letter(struct shard *shard, const struct letter *letter);

/* What is due before spans are judged, and after. */
void shard_mail_due(struct shard *shard);
void shard_left_due(struct shard *shard);

/* The span of a producer has just left. */
void shard_note_left(struct shard *shard, uint32_t number);

/* Judges all producers that left. */
void shard_finish_left(struct shard *shard);

/* ------------------------------------------------------------------ messages (shard_inbox.c) */

/* The same of a CONSUMER. */
void shard_add_consumer(struct shard *shard, const struct span *span, uint32_t at);

/* A consumer waits for its links no longer. */
void shard_close_links(struct shard *shard, uint32_t at);

/* What copies of a CONSUMER do not have in common, unless they are equal: of a half, that of its
 * consumer. */
uint32_t shard_copy_mark(const struct shard *shard, const struct span *span);

/* What is known of the consumer that a half came from. */
enum word shard_word(const struct shard *shard, const struct letter *question);

void shard_take_answer(struct shard *shard, const struct letter *answer);

/* Deals with all letters that have come; how many. */
size_t shard_take_letters(struct shard *shard);

/* ------------------------------------------------------------------ */

/* Looks at every invariant; for tests. Stops the program where one is broken. */
void shard_check(const struct shard *shard);

#endif
