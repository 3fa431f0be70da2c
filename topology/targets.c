/* targets.c: an array of places, gone through for what is new.
 *
 * What is known costs its sender one store, since receivers keep a memo of resources in front of this
 * (otlp_target.h). A new one looks through the marks of all places once, a thousand by default. Where
 * there are more resources than places each asks again once a second: so it is remembered until when
 * none of the places can be idle.
 */
#include "topology/targets.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/utf8.h"

/* How exactly it is known when a target was seen last: in parts of its expiration, but not worse. */
enum { SEEN_PARTS = 64 };
#define SEEN_AGAIN_NS (100 * NS_PER_MS)

struct place {
    struct target *target; /* NULL: free. */
    size_t bytes;
    _Atomic uint64_t stamp;
    _Atomic uint64_t seen_ns;
};

struct targets {
    struct targets_options options;
    pthread_mutex_t lock; /* A leaf. */
    struct place *places;
    uint64_t *marks;       /* Of each place: of its job and instance; 0: free. */
    uint64_t looked_ns;    /* When no place was idle, ... */
    uint64_t all_until_ns; /* ... and until when none can be. */
    uint64_t stamp;        /* The last one given. */
    uint32_t used;
    size_t bytes;
    uint64_t refused;
    uint64_t left;
};

/* ------------------------------------------------------------------ targets */

static struct view cut(const struct targets *targets, struct view text)
{
    return utf8_cut(text, targets->options.text_bytes_max);
}

static void drop(struct target *target)
{
    if (target != NULL &&
        atomic_fetch_sub_explicit(&target->references, 1, memory_order_acq_rel) == 1)
        mem_free(target);
}

static struct view put(char **at, struct view text)
{
    struct view copy = {*at, text.size};

    if (text.size != 0)
        memcpy(*at, text.data, text.size);
    *at += text.size;
    return copy;
}

/* The parts of a job that stand behind each other. */
struct job {
    struct view namespace;
    struct view slash;
    struct view name;
};

static struct job job_of(const struct targets *targets, const struct target_input *input)
{
    struct job job = {.namespace = cut(targets, input->service_namespace),
                      .name = cut(targets, input->service_name)};

    if (job.namespace.size != 0)
        job.slash = VIEW("/");
    if (job.name.size == 0)
        job.name = VIEW("unknown_service");
    return job;
}

static bool is_job(struct view text, const struct job *job)
{
    struct view name;

    if (text.size != job->namespace.size + job->slash.size + job->name.size ||
        !view_starts(text, job->namespace))
        return false;
    name = (struct view){text.data + text.size - job->name.size, job->name.size};
    return view_equal(name, job->name) &&
           (job->slash.size == 0 || text.data[job->namespace.size] == '/');
}

/* By FNV-1a, piece by piece: a job is the same wherever its namespace ends. Who makes many with one
 * mark has gained nothing but the comparisons. */
static uint64_t mix(uint64_t mark, struct view text)
{
    for (size_t i = 0; i < text.size; i++)
        mark = (mark ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001B3);
    return mark;
}

static uint64_t mark_of(const struct job *job, struct view instance)
{
    uint64_t mark = mix(UINT64_C(0xCBF29CE484222325), job->namespace);

    mark = mix(mix(mark, job->slash), job->name);
    mark = mix(mark * UINT64_C(0x100000001B3), instance);
    return mark != 0 ? mark : 1;
}

/* One piece of memory with all texts. */
static int make(const struct targets *targets, const struct target_input *input,
                struct target **out_target, size_t *out_bytes)
{
    struct job job = job_of(targets, input);
    size_t count = input->count < TARGET_ATTRIBUTES_MAX ? input->count : TARGET_ATTRIBUTES_MAX;
    size_t bytes = sizeof(struct target) + count * sizeof(struct target_attribute) +
                   job.namespace.size + job.slash.size + job.name.size +
                   cut(targets, input->instance).size;
    struct target *target;
    char *at;

    for (size_t i = 0; i < count; i++)
        bytes += cut(targets, input->attributes[i].key).size +
                 cut(targets, input->attributes[i].value).size;
    target = mem_alloc(bytes);
    if (target == NULL)
        return STATUS_NOMEM;
    atomic_init(&target->references, 1);
    target->count = count;
    at = (char *)&target->attributes[count];
    target->job.data = at;
    (void)put(&at, job.namespace); /* Its place is known. */
    (void)put(&at, job.slash);
    (void)put(&at, job.name);
    target->job.size = (size_t)(at - target->job.data);
    target->namespace_size = job.namespace.size;
    target->instance = put(&at, cut(targets, input->instance));
    for (size_t i = 0; i < count; i++)
        target->attributes[i] = (struct target_attribute){
            put(&at, cut(targets, input->attributes[i].key)),
            put(&at, cut(targets, input->attributes[i].value))};
    *out_target = target;
    *out_bytes = bytes;
    return 0;
}

/* ------------------------------------------------------------------ places */

static bool is_idle(const struct targets *targets, const struct place *place, struct wall_time now)
{
    uint64_t expiration_ns = targets->options.expiration_ns;
    uint64_t seen_ns = atomic_load_explicit(&place->seen_ns, memory_order_relaxed);

    return expiration_ns != 0 && now.ns > expiration_ns && seen_ns < now.ns - expiration_ns;
}

static void clear(struct targets *targets, struct place *place)
{
    if (place->target == NULL)
        return;
    atomic_store_explicit(&place->stamp, 0, memory_order_relaxed);
    drop(place->target);
    place->target = NULL;
    targets->marks[place - targets->places] = 0;
    targets->bytes -= place->bytes;
    targets->used--;
    targets->left++;
}

/* The place of this job and instance; NULL. */
static struct place *find(const struct targets *targets, const struct target_input *input,
                          uint64_t *out_mark)
{
    struct job job = job_of(targets, input);
    struct view instance = cut(targets, input->instance);
    uint64_t mark = mark_of(&job, instance);

    *out_mark = mark;
    for (uint32_t i = 0; i < targets->options.targets_max; i++) {
        const struct target *target = targets->places[i].target;
        if (targets->marks[i] == mark && is_job(target->job, &job) &&
            view_equal(target->instance, instance))
            return &targets->places[i];
    }
    return NULL;
}

/* A free place, else one that is idle; NULL: there is none. */
static struct place *find_room(struct targets *targets, struct wall_time now)
{
    uint64_t oldest_ns = UINT64_MAX;
    bool is_full = targets->used == targets->options.targets_max;

    if (is_full && now.ns >= targets->looked_ns && now.ns <= targets->all_until_ns)
        return NULL;
    for (uint32_t i = 0; i < targets->options.targets_max; i++) {
        struct place *place = &targets->places[i];
        uint64_t seen_ns = atomic_load_explicit(&place->seen_ns, memory_order_relaxed);
        if (is_full ? is_idle(targets, place, now) : place->target == NULL)
            return place;
        oldest_ns = seen_ns < oldest_ns ? seen_ns : oldest_ns;
    }
    CHECK(is_full);
    targets->looked_ns = now.ns;
    if (targets->options.expiration_ns == 0 ||
        __builtin_add_overflow(oldest_ns, targets->options.expiration_ns, &targets->all_until_ns))
        targets->all_until_ns = UINT64_MAX;
    return NULL;
}

/* Lets all idle ones go, for their bytes. */
static void clear_idle(struct targets *targets, struct wall_time now)
{
    for (uint32_t i = 0; i < targets->options.targets_max; i++)
        if (targets->places[i].target != NULL && is_idle(targets, &targets->places[i], now))
            clear(targets, &targets->places[i]);
}

static int note_locked(struct targets *targets, const struct target_input *input,
                       struct wall_time now, struct target_number *out_number)
{
    uint64_t mark;
    struct place *place = find(targets, input, &mark);
    struct target *target;
    size_t bytes;
    int status;

    if (place != NULL && !is_idle(targets, place, now)) {
        atomic_store_explicit(&place->seen_ns, now.ns, memory_order_relaxed);
        *out_number = (struct target_number){(uint32_t)(place - targets->places),
                                             atomic_load(&place->stamp)};
        return 0;
    }
    if (place == NULL)
        place = find_room(targets, now);
    if (place == NULL) {
        targets->refused++;
        *out_number = (struct target_number){0};
        return 0;
    }
    status = make(targets, input, &target, &bytes);
    if (status != 0)
        return status;
    clear(targets, place);
    if (targets->bytes + bytes > targets->options.bytes_max)
        clear_idle(targets, now);
    if (targets->bytes + bytes > targets->options.bytes_max) {
        targets->refused++;
        drop(target);
        *out_number = (struct target_number){0};
        return 0;
    }
    place->target = target;
    targets->marks[place - targets->places] = mark;
    place->bytes = bytes;
    atomic_store_explicit(&place->seen_ns, now.ns, memory_order_relaxed);
    atomic_store_explicit(&place->stamp, ++targets->stamp, memory_order_relaxed);
    targets->bytes += bytes;
    targets->used++;
    *out_number = (struct target_number){(uint32_t)(place - targets->places), targets->stamp};
    return 0;
}

int targets_note(struct targets *targets, const struct target_input *input, struct wall_time now,
                 struct target_number *out_number)
{
    int status;

    CHECK(pthread_mutex_lock(&targets->lock) == 0);
    status = note_locked(targets, input, now, out_number);
    CHECK(pthread_mutex_unlock(&targets->lock) == 0);
    return status;
}

bool targets_touch(struct targets *targets, struct target_number number, struct wall_time now)
{
    struct place *place = &targets->places[number.slot];
    uint64_t again_ns = targets->options.expiration_ns / SEEN_PARTS;

    if (number.stamp == 0 ||
        atomic_load_explicit(&place->stamp, memory_order_relaxed) != number.stamp ||
        is_idle(targets, place, now))
        return false;
    /* It may have gone since: its successor is then a little less idle than it was. Written once in
     * a while, so that threads do not take the line from each other with each request. */
    if (again_ns > SEEN_AGAIN_NS || again_ns == 0)
        again_ns = SEEN_AGAIN_NS;
    if (now.ns - atomic_load_explicit(&place->seen_ns, memory_order_relaxed) >= again_ns)
        atomic_store_explicit(&place->seen_ns, now.ns, memory_order_relaxed);
    return true;
}

/* ------------------------------------------------------------------ lists */

static int compare(const void *a, const void *b)
{
    const struct target *one = *(struct target *const *)a;
    const struct target *other = *(struct target *const *)b;
    int order = view_compare(one->job, other->job);

    return order != 0 ? order : view_compare(one->instance, other->instance);
}

int targets_list(struct targets *targets, struct wall_time now, struct target ***out_list,
                 size_t *out_count)
{
    struct target **list = mem_calloc(targets->options.targets_max, sizeof(*list));
    size_t count = 0;

    if (list == NULL)
        return STATUS_NOMEM;
    CHECK(pthread_mutex_lock(&targets->lock) == 0);
    for (uint32_t i = 0; i < targets->options.targets_max; i++) {
        struct place *place = &targets->places[i];
        if (place->target == NULL || is_idle(targets, place, now))
            continue;
        atomic_fetch_add_explicit(&place->target->references, 1, memory_order_relaxed);
        list[count++] = place->target;
    }
    CHECK(pthread_mutex_unlock(&targets->lock) == 0);
    if (count != 0)
        qsort(list, count, sizeof(*list), compare);
    *out_list = list;
    *out_count = count;
    return 0;
}

void targets_release_list(struct target **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        drop(list[i]);
    mem_free(list);
}

void targets_read_counts(struct targets *targets, struct targets_counts *out_counts)
{
    CHECK(pthread_mutex_lock(&targets->lock) == 0);
    *out_counts = (struct targets_counts){targets->used, targets->bytes, targets->refused,
                                          targets->left};
    CHECK(pthread_mutex_unlock(&targets->lock) == 0);
}

/* ------------------------------------------------------------------ the ends */

int targets_new(const struct targets_options *options, struct targets **out_targets)
{
    struct targets *targets = mem_calloc(1, sizeof(*targets));

    CHECK(options->targets_max != 0);
    if (targets == NULL)
        return STATUS_NOMEM;
    targets->options = *options;
    CHECK(pthread_mutex_init(&targets->lock, NULL) == 0);
    targets->places = mem_calloc(options->targets_max, sizeof(*targets->places));
    targets->marks = mem_calloc(options->targets_max, sizeof(*targets->marks));
    if (targets->places == NULL || targets->marks == NULL) {
        targets_free(targets);
        return STATUS_NOMEM;
    }
    *out_targets = targets;
    return 0;
}

void targets_free(struct targets *targets)
{
    if (targets == NULL)
        return;
    for (uint32_t i = 0; targets->places != NULL && i < targets->options.targets_max; i++)
        clear(targets, &targets->places[i]);
    mem_free(targets->places);
    mem_free(targets->marks);
    CHECK(pthread_mutex_destroy(&targets->lock) == 0);
    mem_free(targets);
}
