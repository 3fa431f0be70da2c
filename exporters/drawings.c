/* drawings.c: an entry is free, being drawn, or ready; a ready one may be drawn anew beside.
 *
 * How old a drawing may be is measured between snapshots, on their own clock: a second, so that a
 * hundred pages that ask every ten seconds cost one drawing a second.
 */
#include "exporters/drawings.h"

#include <pthread.h>
#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "exporters/map_graph.h"
#include "exporters/map_options.h"

static const uint64_t fresh_ns = NS_PER_S;

/* Nobody draws that long: a drawing so much newer than the snapshot is from before the clock went back. */
static const uint64_t ahead_max_ns = 60 * NS_PER_S;

/* What a drawing depends on beside its snapshot. */
struct key {
    const struct exporter *exporter;
    struct view options; /* map_options_append_key() */
};

struct entry {
    struct key key; /* Its options are a copy; no exporter: the entry is free. */
    char *options;
    struct buf picture; /* Empty: there is none yet. */
    uint64_t end_ns;    /* Of the snapshot in it. */
    uint64_t used;      /* Order of use. */
    bool drawing;       /* Somebody draws it; then it is not taken away. */
};

struct drawings {
    pthread_mutex_t lock;
    pthread_cond_t done; /* A drawing ended. */
    struct entry entries[DRAWINGS_KEPT];
    unsigned active;
    unsigned waiting;
    uint64_t uses;
};

int drawings_new(struct drawings **out_drawings)
{
    struct drawings *drawings = mem_calloc(1, sizeof(*drawings));

    if (drawings == NULL)
        return STATUS_NOMEM;
    CHECK(pthread_mutex_init(&drawings->lock, NULL) == 0);
    CHECK(pthread_cond_init(&drawings->done, NULL) == 0);
    *out_drawings = drawings;
    return 0;
}

static void clear(struct entry *entry)
{
    mem_free(entry->options);
    buf_release(&entry->picture);
    *entry = (struct entry){.used = 0};
}

void drawings_free(struct drawings *drawings)
{
    if (drawings == NULL)
        return;
    CHECK(drawings->active == 0);
    for (size_t i = 0; i < DRAWINGS_KEPT; i++)
        clear(&drawings->entries[i]);
    CHECK(pthread_cond_destroy(&drawings->done) == 0);
    CHECK(pthread_mutex_destroy(&drawings->lock) == 0);
    mem_free(drawings);
}

static bool same(const struct key *a, const struct key *b)
{
    return a->exporter == b->exporter && view_equal(a->options, b->options);
}

static struct entry *find(struct drawings *drawings, const struct key *key)
{
    for (size_t i = 0; i < DRAWINGS_KEPT; i++)
        if (same(&drawings->entries[i].key, key))
            return &drawings->entries[i];
    return NULL;
}

/* An entry of this key, in place of the one that was used longest ago. NULL: all are being drawn, or
 * there is no memory; then the drawing is not kept. */
static struct entry *claim(struct drawings *drawings, const struct key *key)
{
    struct entry *oldest = NULL;
    char *options;

    for (size_t i = 0; i < DRAWINGS_KEPT; i++) {
        struct entry *entry = &drawings->entries[i];
        if (!entry->drawing && (oldest == NULL || entry->used < oldest->used))
            oldest = entry;
    }
    options = oldest != NULL ? mem_dup_text(key->options.data, key->options.size) : NULL;
    if (options == NULL)
        return NULL;
    clear(oldest);
    oldest->key = *key;
    oldest->key.options = (struct view){options, key->options.size};
    oldest->options = options;
    return oldest;
}

static bool is_fresh(const struct entry *entry, uint64_t end_ns)
{
    return entry != NULL && entry->picture.size != 0 && entry->end_ns + fresh_ns > end_ns &&
           entry->end_ns < end_ns + ahead_max_ns;
}

static int copy(struct drawings *drawings, struct entry *entry, struct buf *out)
{
    entry->used = ++drawings->uses;
    return buf_append_view(out, buf_view(&entry->picture));
}

/* Keeps a picture, at the cost of those used longest ago. */
static void keep(struct drawings *drawings, struct entry *entry, struct view picture,
                 uint64_t end_ns)
{
    size_t kept = picture.size;

    buf_release(&entry->picture);
    if (picture.size > DRAWINGS_BYTES_MAX)
        return;
    for (size_t i = 0; i < DRAWINGS_KEPT; i++)
        kept += drawings->entries[i].picture.capacity;
    while (kept > DRAWINGS_BYTES_MAX) {
        struct entry *oldest = NULL;
        for (size_t i = 0; i < DRAWINGS_KEPT; i++) {
            struct entry *other = &drawings->entries[i];
            if (other->picture.size != 0 && (oldest == NULL || other->used < oldest->used))
                oldest = other;
        }
        CHECK(oldest != NULL); /* Else nothing but this one would be kept. */
        kept -= oldest->picture.capacity;
        buf_release(&oldest->picture);
    }
    buf_init(&entry->picture, picture.size); /* Its bound is its size: no spare room is kept. */
    if (buf_append_view(&entry->picture, picture) != 0)
        buf_release(&entry->picture);
    entry->end_ns = end_ns;
    entry->used = ++drawings->uses;
}

/* With the lock held; lets go of it while the helper draws. */
static int draw(struct drawings *drawings, struct entry *entry, const struct exporter *exporter,
                const struct export_input *input, char out_error[256], struct buf *out)
{
    size_t begin = out->size;
    int status;

    drawings->active++;
    if (entry != NULL)
        entry->drawing = true;
    CHECK(pthread_mutex_unlock(&drawings->lock) == 0);
    status = exporter->render(input, out_error, out);
    CHECK(pthread_mutex_lock(&drawings->lock) == 0);
    drawings->active--;
    if (entry != NULL) {
        entry->drawing = false;
        if (status == 0)
            keep(drawings, entry, (struct view){out->data + begin, out->size - begin},
                 input->snapshot->end.ns);
    }
    CHECK(pthread_cond_broadcast(&drawings->done) == 0);
    return status;
}

/* From the cache, or into it. */
static int get(struct drawings *drawings, const struct key *key, const struct export_input *input,
               char out_error[256], struct buf *out)
{
    bool done = false;
    int status = 0;

    CHECK(pthread_mutex_lock(&drawings->lock) == 0);
    while (!done) {
        struct entry *entry = find(drawings, key);
        bool must_wait = drawings->active == DRAWINGS_AT_ONCE || (entry != NULL && entry->drawing);
        bool has_old = entry != NULL && entry->picture.size != 0;
        done = true;
        if (is_fresh(entry, input->snapshot->end.ns) || (must_wait && has_old)) {
            status = copy(drawings, entry, out);
        } else if (!must_wait) {
            status = draw(drawings, entry != NULL ? entry : claim(drawings, key), key->exporter,
                          input, out_error, out);
        } else if (drawings->waiting == DRAWINGS_AT_ONCE) {
            status = STATUS_BUSY;
        } else {
            drawings->waiting++;
            CHECK(pthread_cond_wait(&drawings->done, &drawings->lock) == 0);
            drawings->waiting--;
            done = false;
        }
    }
    CHECK(pthread_mutex_unlock(&drawings->lock) == 0);
    return status;
}

int drawings_get(struct drawings *drawings, const struct exporter *exporter,
                 const struct export_input *input, char out_error[256], struct buf *out)
{
    struct buf options;
    int status;

    out_error[0] = '\0';
    buf_init(&options, 0);
    map_options_append_key(&input->options, &options);
    status = options.failed;
    if (status == 0)
        status = get(drawings, &(struct key){exporter, buf_view(&options)}, input, out_error, out);
    buf_release(&options);
    if (status == STATUS_BUSY)
        return export_fail(out_error, status, "others are being drawn; ask again in a moment");
    if (status != 0 && out_error[0] == '\0')
        return export_fail(out_error, status, "the map is not drawn: %s", status_text(status));
    return status;
}
