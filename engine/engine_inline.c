/* engine_inline.c: an engine without threads: whoever calls feeds the shards, at the time he tells. */
#include "base/check.h"
#include "engine/engine_priv.h"

enum { FEED_SPANS = 64, STEPS_MAX = 4096 };

#define TICK_NS (100 * NS_PER_MS)

/* Feeds one shard with its link halves of a request. */
static void feed_links(struct engine *engine, unsigned number, const struct otlp_stage *stage,
                       struct mono_time now)
{
    for (size_t i = 0; i < stage->links_count; i++) {
        struct span records[2];
        if (span_shard(stage->links[i].trace_hash, engine->workers_count) != number)
            continue;
        otlp_half(stage, &stage->links[i], records);
        shard_feed(worker_shard(engine->workers[number]), records, 2, now);
    }
}

/* Feeds one shard with its spans of a request, in batches. */
static void feed_shard(struct engine *engine, unsigned number, const struct otlp_stage *stage,
                       struct mono_time now)
{
    struct shard *shard = worker_shard(engine->workers[number]);
    struct span batch[FEED_SPANS];
    size_t count = 0;

    for (size_t i = 0; i < stage->count; i++) {
        if (span_shard(stage->spans[i].trace_hash, engine->workers_count) != number)
            continue;
        batch[count++] = stage->spans[i];
        if (count == FEED_SPANS) {
            shard_feed(shard, batch, count, now);
            count = 0;
        }
    }
    if (count != 0)
        shard_feed(shard, batch, count, now);
}

void engine_lock(struct engine *engine)
{
    if (engine->budget.threads == 0)
        CHECK(pthread_mutex_lock(&engine->lock) == 0);
}

void engine_unlock(struct engine *engine)
{
    if (engine->budget.threads == 0)
        CHECK(pthread_mutex_unlock(&engine->lock) == 0);
}

static void tick(struct engine *engine, struct mono_time now)
{
    for (unsigned i = 0; i < engine->workers_count; i++)
        shard_tick(worker_shard(engine->workers[i]), now);
}

/* Lets the time pass that was between two calls, as a thread would have seen it: what is judged may
 * have others wait in turn, from then on. */
static void pass(struct engine *engine, uint64_t from_ns, uint64_t to_ns)
{
    uint64_t step_ns = engine->waits_ns / STEPS_MAX;

    if (step_ns < TICK_NS)
        step_ns = TICK_NS;
    for (uint64_t gone_ns = step_ns; gone_ns < to_ns - from_ns && gone_ns <= engine->waits_ns;
         gone_ns += step_ns)
        tick(engine, (struct mono_time){from_ns + gone_ns});
    tick(engine, (struct mono_time){to_ns});
}

/* The same, at a time of its owner's, which does not go back. */
static struct mono_time lock_at(struct engine *engine, struct mono_time now)
{
    CHECK(engine->budget.threads == 0);
    engine_lock(engine);
    if (now.ns <= engine->now.ns)
        return engine->now;
    if (engine->clock_is_given) {
        pass(engine, engine->now.ns, now.ns);
        atomic_store(&engine->given_ns, now.ns);
    }
    engine->now = now;
    return now;
}

static int feed(struct engine *engine, enum door_format format, struct view request,
                struct mono_time now, struct engine_fed *out_fed)
{
    const struct otlp_stage *stage;
    int status = door_decode(engine->doors[0], format, request, &stage);

    engine_note_fed(stage, status, out_fed);
    if (status != 0) {
        door_rest(engine->doors[0]);
        return status;
    }
    door_count_admitted(engine->doors[0], stage);
    if (engine->targets != NULL)
        door_note_targets(engine->doors[0], engine_wall_now(engine));
    for (unsigned i = 0; i < engine->workers_count; i++) {
        feed_shard(engine, i, stage, now);
        feed_links(engine, i, stage, now);
    }
    door_rest(engine->doors[0]);
    return 0;
}

int engine_feed(struct engine *engine, enum door_format format, struct view request,
                struct mono_time now, struct engine_fed *out_fed)
{
    struct mono_time at = lock_at(engine, now);
    int status = feed(engine, format, request, at, out_fed);

    engine_unlock(engine);
    return status;
}

void engine_tick(struct engine *engine, struct mono_time now)
{
    struct mono_time at = lock_at(engine, now);

    tick(engine, at);
    engine_unlock(engine);
}

void engine_finish(struct engine *engine, struct mono_time now)
{
    struct mono_time at = lock_at(engine, now);

    workers_finish(engine->workers, engine->workers_count, at);
    engine_unlock(engine);
}
