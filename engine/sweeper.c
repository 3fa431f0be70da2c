/* sweeper.c: begins a sweep where a table of names is three quarters full or turned a name away, and
 * goes through it step by step, usually in as many seconds.
 *
 * A sweep that gave little back is not soon repeated: what fills the table is in use then. The pause
 * doubles up to a minute.
 */
#include "engine/sweeper.h"

#include "base/check.h"

enum { FULL_PERCENT = 75 };

static const uint64_t pause_min_ns = NS_PER_S;
static const uint64_t pause_max_ns = 60 * NS_PER_S;

void sweeper_init(struct sweeper *sweeper, const struct sweeper *like)
{
    *sweeper = *like;
    sweeper->phase = SWEEPER_IDLE;
    sweeper->pause_ns = pause_min_ns;
}

/* What is short. */
struct shortage {
    bool nodes; /* Or values of dimensions, which edges have as well. */
    bool operations;
    bool sites; /* No series need to leave for them. */
    bool own;   /* A service's own quota is: series of others are not to leave for it. */
};

static struct shortage shortage_of(const struct sweeper *sweeper,
                                   const struct catalog_pressure *now)
{
    const struct catalog_pressure *before = &sweeper->before;

    return (struct shortage){
        .nodes = now->nodes_percent >= FULL_PERCENT || now->sets_percent >= FULL_PERCENT ||
                 now->nodes_refused != before->nodes_refused ||
                 now->sets_refused != before->sets_refused,
        .operations = now->operations_percent >= FULL_PERCENT ||
                      now->operations_refused != before->operations_refused,
        .sites = now->sites_percent >= FULL_PERCENT || now->sites_refused != before->sites_refused,
        .own = now->own_refused != before->own_refused,
    };
}

/* Whether a sweep began. */
static bool begin(struct sweeper *sweeper, struct mono_time now, struct wall_time wall_now)
{
    struct catalog_pressure pressure;
    struct catalog_counts counts;
    struct shortage shortage;

    if (now.ns < sweeper->next.ns)
        return false;
    catalog_read_pressure(sweeper->catalog, &pressure);
    shortage = shortage_of(sweeper, &pressure);
    if (!shortage.nodes && !shortage.operations && !shortage.sites && !shortage.own)
        return false;
    sweeper->before = pressure;
    catalog_read_counts(sweeper->catalog, &counts);
    sweeper->given = counts.given;
    if (shortage.nodes || shortage.operations)
        publisher_let_leave(sweeper->publisher, shortage.nodes, wall_now);
    sweeper->stamp = catalog_sweep_begin(sweeper->catalog);
    return true;
}

static void ask(struct sweeper *sweeper, uint32_t what)
{
    for (unsigned i = 0; i < sweeper->workers_count; i++)
        worker_mark(sweeper->workers[i], what);
}

static bool all_marked(struct sweeper *sweeper)
{
    bool all = true;

    for (unsigned i = 0; i < sweeper->workers_count; i++)
        all &= worker_marked(sweeper->workers[i]);
    return all;
}

static void take_out(struct sweeper *sweeper)
{
    publisher_bequeath(sweeper->publisher);
    publisher_mark(sweeper->publisher, sweeper->stamp);
    lessons_mark(sweeper->lessons, sweeper->catalog, sweeper->stamp);
    catalog_sweep(sweeper->catalog, sweeper->stamp);
    publisher_forget(sweeper->publisher);
}

static uint64_t sum(const struct catalog_given *given)
{
    return given->services + given->peers + given->operations + given->sites + given->sets;
}

static void end(struct sweeper *sweeper, struct mono_time now)
{
    struct catalog_counts counts;
    uint64_t given, used;

    catalog_read_counts(sweeper->catalog, &counts);
    given = sum(&counts.given) - sum(&sweeper->given);
    used = counts.services + counts.peers + counts.operations + counts.sites + counts.sets;
    sweeper->pause_ns = given * 64 >= used ? pause_min_ns : sweeper->pause_ns * 2;
    if (sweeper->pause_ns > pause_max_ns)
        sweeper->pause_ns = pause_max_ns;
    sweeper->next.ns = now.ns + sweeper->pause_ns;
    sweeper->sweeps++;
}

/* Whether the phase is over. */
static bool go_on(struct sweeper *sweeper, struct mono_time now, struct wall_time wall_now)
{
    switch (sweeper->phase) {
    case SWEEPER_IDLE:
        return begin(sweeper, now, wall_now);
    case SWEEPER_READERS:
        if (!catalog_readers_passed(sweeper->catalog))
            return false;
        ask(sweeper, sweeper->stamp);
        return true;
    case SWEEPER_WALKS:
        if (!all_marked(sweeper))
            return false;
        ask(sweeper, sweeper->stamp + 1);
        return true;
    case SWEEPER_ANSWERS:
        return all_marked(sweeper);
    case SWEEPER_MERGE:
        take_out(sweeper);
        return true;
    case SWEEPER_GIVING:
        if (!catalog_give_back(sweeper->catalog))
            return false;
        end(sweeper, now);
        return true;
    }
    return false;
}

bool sweeper_step(struct sweeper *sweeper, struct mono_time now, struct wall_time wall_now)
{
    while (go_on(sweeper, now, wall_now)) {
        sweeper->phase = sweeper->phase == SWEEPER_GIVING ? SWEEPER_IDLE : sweeper->phase + 1;
        /* What a span counted that was judged before the walk came to it is in no tally that was
         * added up, unless another merge went between. */
        if (sweeper->phase == SWEEPER_MERGE || sweeper->phase == SWEEPER_IDLE)
            return false;
        if (sweeper->phase == SWEEPER_GIVING)
            return true;
    }
    return false;
}
