/* body_budget.h: how many bytes of bodies are held, over all connections, and whose turn it is.
 * Is:         one number with a bound, divided fairly: an account is what one connection holds, and
 *             its share is the pool divided by the accounts that hold anything. While bodies hold less
 *             than half of the pool everybody goes on; from there on those who hold more than half of
 *             their share wait. Bodies that stop each other would all stop for good, so that one of
 *             those who wait, the favourite, may go on in any case, into room that is set aside for a
 *             whole message. The accounts take turns at it, in the order in which they began to wait.
 * Is not:     flow control: who waits, and what for, is the caller's (request_credit.c).
 * Invariants: held <= max; what is not the favourite's comes to held <= pool, and what is beyond their
 *             shares to held <= 3/4 of it, so that a newcomer finds room.
 * Threads:    an account is its connection's thread's; the budget is shared, with one lock inside over
 *             the queue of those who wait.
 * Memory:     plain data; accounts are linked while they wait.
 * Source:     spec OTLP C18.
 */
#ifndef SPANMAP_RECEIVER_BODY_BUDGET_H
#define SPANMAP_RECEIVER_BODY_BUDGET_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

struct body_account;

struct body_budget {
    _Atomic size_t held;
    _Atomic size_t accounts; /* That hold anything. */
    _Atomic size_t queued;   /* Those in the queue. */
    atomic_bool is_pressed;  /* One had to be turned away that asked for no more than its share. */
    _Atomic(struct body_account *) favourite;
    size_t max;
    size_t pool;          /* max less what is set aside. */
    pthread_mutex_t lock; /* Over the queue, and over who becomes the favourite. */
    struct body_account *first;
    struct body_account **last;
};

struct body_account {
    struct body_budget *budget;
    size_t held;
    bool is_queued;
    struct body_account *next;  /* In the queue, */
    struct body_account **link; /* and what points to us. */
};

/* `aside` is a whole message's; at least a third of max remains for all others. */
void body_budget_init(struct body_budget *budget, size_t max, size_t aside);
void body_budget_release(struct body_budget *budget);

void body_account_init(struct body_account *account, struct body_budget *budget);

/* Gives back all, and leaves the queue. */
void body_account_release(struct body_account *account);

/* The second into what is set aside, too, for the one body of the favourite that has its turn.
 * Returns: 0; STATUS_FULL, and nothing was taken. */
MUST_USE int body_account_take(struct body_account *account, size_t bytes);
MUST_USE int body_account_take_aside(struct body_account *account, size_t bytes);
void body_account_give(struct body_account *account, size_t bytes);

/* Whether it must wait, unless it is the favourite. */
bool body_account_is_tight(const struct body_account *account);

/* It waits: makes it the favourite when it is its turn. Whether it is now, or was. */
bool body_account_favour(struct body_account *account);
bool body_account_is_favourite(const struct body_account *account);

/* It does not wait any more, or has had its turn: another one may have it. */
void body_account_yield(struct body_account *account);

/* How much it holds beyond what is fair while others wait; 0: it may keep all. */
size_t body_account_excess(const struct body_account *account);

/* For a moment, beside all bodies, as far as max. Returns: 0; STATUS_FULL. */
MUST_USE int body_budget_borrow(struct body_budget *budget, size_t bytes);
void body_budget_return(struct body_budget *budget, size_t bytes);

/* What can be borrowed now; a moment's view. */
size_t body_budget_room(const struct body_budget *budget);

#endif
