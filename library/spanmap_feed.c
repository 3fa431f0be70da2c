/* spanmap_feed.c: requests and files through the doors of a handle. */
#include <string.h>

#include "base/check.h"
#include "engine/input.h"
#include "library/spanmap_priv.h"

_Static_assert((int)SPANMAP_FILTER_WORDS == (int)ATTRIBUTES_FILTER, "it is handed out as it is");

const uint32_t *spanmap_get_filter(const struct spanmap *map)
{
    return map->filter;
}

/* Waits for a free door; those who have one only decode. Returns: 0; STATUS_CLOSED. */
static int take_door(struct spanmap *map, unsigned *out_door)
{
    int status = STATUS_CLOSED;

    CHECK(pthread_mutex_lock(&map->lock) == 0);
    while (map->doors_free == 0 && !map->is_closing)
        CHECK(pthread_cond_wait(&map->changed, &map->lock) == 0);
    if (!map->is_closing) {
        *out_door = map->doors[--map->doors_free];
        status = 0;
    }
    CHECK(pthread_mutex_unlock(&map->lock) == 0);
    return status;
}

static void give_door_back(struct spanmap *map, unsigned door)
{
    CHECK(pthread_mutex_lock(&map->lock) == 0);
    map->doors[map->doors_free++] = door;
    /* One who waits for a door, or the one who waits for all of them: nobody else is told. */
    if (map->is_closing)
        CHECK(pthread_cond_broadcast(&map->changed) == 0);
    else
        CHECK(pthread_cond_signal(&map->changed) == 0);
    CHECK(pthread_mutex_unlock(&map->lock) == 0);
}

static int feed(struct spanmap *map, enum door_format format, struct view request,
                struct mono_time now, struct engine_fed *out_fed)
{
    unsigned door;
    int status = take_door(map, &door);

    *out_fed = (struct engine_fed){0};
    if (status != 0)
        return status;
    if (map->is_clock_given)
        status = engine_feed(map->engine, format, request, now, out_fed);
    else
        status = engine_admit(map->engine, door, format, request, out_fed);
    give_door_back(map, door);
    return status;
}

static int explain(struct spanmap_error *error, int status, const struct engine_fed *fed)
{
    switch (status) {
    case STATUS_CLOSED:
        return spanmap_fail(error, status, "it was drained: nothing is taken on any more");
    case STATUS_BUSY:
        return spanmap_fail(error, status, "spans come in faster than they are counted; try again");
    case STATUS_NOMEM:
        return spanmap_fail(error, status, "out of memory; try again");
    case STATUS_TOO_LARGE:
        return spanmap_fail(error, status,
                            "too many spans in one request: feed smaller ones, or raise "
                            "memory.limit");
    default:
        return spanmap_fail(error, status, "not an ExportTraceServiceRequest: %s at byte %zu",
                            fed->error != NULL ? fed->error : status_text(status),
                            fed->error_offset);
    }
}

int spanmap_feed(struct spanmap *map, int encoding, const void *data, size_t size,
                 uint64_t now_unix_nano, struct spanmap_error *error, struct spanmap_fed *out_fed)
{
    static const struct spanmap_fed nothing;
    size_t size_max = engine_budget(map->engine)->request_bytes_max;
    struct spanmap_fed told;
    struct engine_fed fed;
    int status;

    if (out_fed != NULL)
        spanmap_give(out_fed, &nothing, sizeof(nothing));
    if (encoding != SPANMAP_PROTOBUF && encoding != SPANMAP_JSON)
        return spanmap_fail(error, SPANMAP_RANGE, "there is no encoding of the number %d",
                            encoding);
    if (size > size_max)
        return spanmap_fail(error, SPANMAP_TOO_LARGE,
                            "a request of %zu bytes is larger than receiver.message_bytes_max, %zu "
                            "bytes",
                            size, size_max);
    status = feed(map, encoding == SPANMAP_JSON ? DOOR_JSON : DOOR_PROTOBUF,
                  (struct view){size != 0 ? data : "", size}, (struct mono_time){now_unix_nano},
                  &fed);
    if (status != 0)
        return explain(error, status, &fed);
    told = (struct spanmap_fed){
        .spans = fed.spans, .rejected = fed.rejected, .message = fed.warning};
    if (out_fed != NULL)
        spanmap_give(out_fed, &told, sizeof(told));
    return 0;
}

/* -------------------------------------------------------------------- files */

struct file {
    struct spanmap *map;
    struct mono_time now;
    struct spanmap_fed told;
};

/* All that was handed over is counted when this returns, so that there is room again. */
static int wait_for_room(struct spanmap *map)
{
    struct snapshot *snapshot;
    int status = engine_snapshot(map->engine, &snapshot);

    if (status == 0)
        snapshot_release(snapshot);
    return status;
}

static int take(void *context, const struct input_request *request, struct input_fault *fault)
{
    struct file *file = context;
    enum door_format format = request->format == INPUT_OTLP_JSON ? DOOR_JSON : DOOR_PROTOBUF;
    struct engine_fed fed;
    int status = feed(file->map, format, request->bytes, file->now, &fed);

    while (status == STATUS_BUSY) {
        status = wait_for_room(file->map);
        if (status == 0)
            status = feed(file->map, format, request->bytes, file->now, &fed);
    }
    file->told.spans += fed.spans;
    file->told.rejected += fed.rejected;
    if (fed.warning != NULL && file->told.message == NULL)
        file->told.message = fed.warning;
    if (status != 0)
        *fault = (struct input_fault){.reason = fed.error, .offset = fed.error_offset};
    return status;
}

int spanmap_feed_file(struct spanmap *map, const char *path, uint64_t now_unix_nano,
                      struct spanmap_error *error, struct spanmap_fed *out_fed)
{
    struct input_options options = {
        .request_bytes_max = engine_budget(map->engine)->request_bytes_max,
    };
    struct file file = {.map = map, .now = {now_unix_nano}};
    struct input_taker taker = {.take = take, .context = &file};
    struct input_error fault;
    int status;

    if (strcmp(path, "-") == 0)
        path = "./-"; /* A host's standard input is its own. */
    status = input_read(path, &options, &taker, &fault);
    if (out_fed != NULL)
        spanmap_give(out_fed, &file.told, sizeof(file.told));
    return status == 0 ? 0 : spanmap_fail(error, status, "%s", fault.text);
}

int spanmap_advance(struct spanmap *map, uint64_t now_unix_nano, struct spanmap_error *error)
{
    struct engine_fed none = {0};
    unsigned door;
    int status = take_door(map, &door);

    if (status != 0)
        return explain(error, status, &none);
    if (map->is_clock_given)
        engine_tick(map->engine, (struct mono_time){now_unix_nano});
    give_door_back(map, door);
    return 0;
}
