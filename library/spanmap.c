/* spanmap.c: the handle: opened, drained, closed.
 *
 * With its own clock the engine has threads, and a door for each of receiver.threads; whoever feeds
 * takes one that is free. With a given clock it has one door and no thread. A drain waits until all
 * doors are free, and gives none out any more.
 */
#include "include/spanmap.h"

#include "base/check.h"
#include "base/mem.h"
#include "engine/machine.h"
#include "library/spanmap_priv.h"

static int make_doors(struct spanmap *map)
{
    unsigned threads = engine_budget(map->engine)->threads;
    unsigned count = threads != 0 ? threads : 1;

    map->doors = mem_calloc(count, sizeof(*map->doors));
    if (map->doors == NULL)
        return STATUS_NOMEM;
    for (unsigned i = 0; i < count; i++)
        map->doors[i] = i;
    map->doors_free = map->doors_count = count;
    return 0;
}

static int make_front(struct spanmap *map)
{
    struct front_setup setup = {
        .options = &map->options,
        .engine = map->engine,
        .draw_helper = map->options.draw_helper,
        .health = map->health,
        .health_count = 1,
    };

    map->health[0] = engine_counters(map->engine);
    return front_new(&setup, &map->front);
}

static int make_parts(struct spanmap *map, const struct spanmap_options *given,
                      struct spanmap_error *error)
{
    struct engine_setup setup = {
        .threaded = !map->is_clock_given,
        .clock_is_given = map->is_clock_given,
        .keeps_targets = true,
        .start = {given->start_unix_nano},
    };
    char text[256];
    int status = engine_new(&map->options, &setup, text, &map->engine);

    if (status != 0)
        return spanmap_fail(error, status, "%s", text);
    engine_make_filter(map->engine, map->filter);
    status = make_doors(map);
    if (status == 0)
        status = make_front(map);
    if (status == 0 && !map->is_clock_given)
        status = engine_start(map->engine);
    if (status != 0)
        return spanmap_fail(error, status, "%s",
                            status == STATUS_SYSTEM ? "its threads cannot be made"
                                                    : status_text(status));
    front_set_ready(map->front, true);
    return 0;
}

static void end(struct spanmap *map)
{
    front_free(map->front);
    engine_free(map->engine);
    mem_free(map->doors);
    options_release(&map->options);
    CHECK(pthread_cond_destroy(&map->changed) == 0);
    CHECK(pthread_mutex_destroy(&map->lock) == 0);
    mem_free(map);
}

int spanmap_open(const struct spanmap_options *options, struct spanmap_error *error,
                 struct spanmap **out_map)
{
    struct spanmap_options given;
    struct spanmap *map;
    int status;

    spanmap_accept(&given, sizeof(given), options);
    if (given.clock != SPANMAP_CLOCK_OWN && given.clock != SPANMAP_CLOCK_GIVEN)
        return spanmap_fail(error, SPANMAP_RANGE, "there is no clock of the number %d",
                            given.clock);
    map = mem_calloc(1, sizeof(*map));
    if (map == NULL)
        return spanmap_fail_code(error, SPANMAP_NO_MEMORY);
    status = spanmap_read_options(&given, error, &map->options);
    if (status != 0) {
        mem_free(map);
        return status;
    }
    CHECK(pthread_mutex_init(&map->lock, NULL) == 0);
    CHECK(pthread_cond_init(&map->changed, NULL) == 0);
    atomic_init(&map->references, 1);
    map->is_clock_given = given.clock == SPANMAP_CLOCK_GIVEN;
    status = make_parts(map, &given, error);
    if (status != 0) {
        end(map);
        return status;
    }
    *out_map = map;
    return 0;
}

void spanmap_core_release(struct spanmap *map)
{
    if (atomic_fetch_sub(&map->references, 1) == 1)
        end(map);
}

/* The first who comes does it; whoever comes meanwhile waits for it. */
static bool begin_drain(struct spanmap *map)
{
    bool is_first;

    CHECK(pthread_mutex_lock(&map->lock) == 0);
    is_first = !map->is_closing;
    map->is_closing = true;
    CHECK(pthread_cond_broadcast(&map->changed) == 0);
    while (is_first ? map->doors_free != map->doors_count : !map->is_drained)
        CHECK(pthread_cond_wait(&map->changed, &map->lock) == 0);
    CHECK(pthread_mutex_unlock(&map->lock) == 0);
    return is_first;
}

int spanmap_drain(struct spanmap *map, struct spanmap_error *error)
{
    (void)error; /* Nothing can fail so far. */
    if (!begin_drain(map))
        return 0;
    front_set_ready(map->front, false);
    if (map->is_clock_given)
        engine_finish(map->engine, (struct mono_time){0}); /* At the time that was told last. */
    else
        engine_stop(map->engine);
    CHECK(pthread_mutex_lock(&map->lock) == 0);
    map->is_drained = true;
    CHECK(pthread_cond_broadcast(&map->changed) == 0);
    CHECK(pthread_mutex_unlock(&map->lock) == 0);
    return 0;
}

void spanmap_close(struct spanmap *map)
{
    if (map == NULL)
        return;
    engine_stop(map->engine);
    spanmap_core_release(map);
}
