/* otlp_times.c: request -> resource -> scope -> span -> event: messages nest five deep at most, and
 * only fields on this path are entered.
 */
#include "receiver/otlp_times.h"

#include <stdbool.h>
#include <string.h>

#include "base/check.h"
#include "receiver/otlp_wire.h"

enum level { LEVEL_REQUEST, LEVEL_RESOURCE, LEVEL_SCOPE, LEVEL_SPAN, LEVEL_EVENT, LEVEL_COUNT };

enum { GROUPS_DEEP = 60, TAGS_MAX = 2 };

/* What is entered and what is a time, on each level. */
static const struct {
    uint32_t inner;           /* The tag of the message of the next level. */
    uint32_t times[TAGS_MAX]; /* Tags; 0: none. */
} levels[LEVEL_COUNT] = {
    [LEVEL_REQUEST] = {WIRE_TAG(1, WIRE_BYTES), {0}},
    [LEVEL_RESOURCE] = {WIRE_TAG(2, WIRE_BYTES), {0}},
    [LEVEL_SCOPE] = {WIRE_TAG(2, WIRE_BYTES), {0}},
    [LEVEL_SPAN] = {WIRE_TAG(11, WIRE_BYTES),
                    {WIRE_TAG(7, WIRE_FIXED64), WIRE_TAG(8, WIRE_FIXED64)}},
    [LEVEL_EVENT] = {0, {WIRE_TAG(1, WIRE_FIXED64), 0}},
};

struct walk {
    const uint8_t *begin;
    struct otlp_times *times; /* NULL: not asked for. */
    char *writable;           /* The same bytes; NULL: they are only read. */
    int64_t shift_ns;
};

static uint64_t shifted(uint64_t time, int64_t shift_ns)
{
    uint64_t moved;

    if (time == 0)
        return 0;
    if (shift_ns < 0) {
        uint64_t back = 0 - (uint64_t)shift_ns;
        return time > back ? time - back : 1;
    }
    return __builtin_add_overflow(time, (uint64_t)shift_ns, &moved) ? UINT64_MAX : moved;
}

static void store64(char *at, uint64_t number)
{
    for (size_t i = 0; i < 8; i++)
        at[i] = (char)(number >> (8 * i));
}

/* A time ends at `end`. */
static void visit_time(const struct walk *walk, enum level level, uint32_t tag, uint64_t time,
                       const uint8_t *end)
{
    if (walk->writable != NULL)
        store64(walk->writable + (end - walk->begin) - 8, shifted(time, walk->shift_ns));
    else if (level == LEVEL_SPAN && tag == levels[level].times[1] &&
             time > walk->times->latest_end_ns)
        walk->times->latest_end_ns = time;
}

/* The messages that are open at once stand on a row of their own, so that none is deeper than it.
 */
static int walk_all(const struct walk *walk, struct wire request, size_t *out_offset)
{
    struct wire open[LEVEL_COUNT] = {request};
    unsigned level = LEVEL_REQUEST;

    for (;;) {
        struct wire *wire = &open[level];
        struct wire_field field;
        int status;
        if (wire_left(wire) == 0 && level == LEVEL_REQUEST)
            return 0;
        if (wire_left(wire) == 0) {
            level--;
            continue;
        }
        status = wire_field(wire, GROUPS_DEEP, &field);
        if (status != 0) {
            *out_offset = (size_t)(wire->at - walk->begin);
            return status;
        }
        if (field.tag == levels[level].inner && level + 1 < LEVEL_COUNT) {
            open[++level] = field.bytes;
            if (level == LEVEL_SPAN && walk->times != NULL)
                walk->times->spans++;
        } else if (field.tag == levels[level].times[0] || field.tag == levels[level].times[1]) {
            visit_time(walk, (enum level)level, field.tag, field.number, wire->at);
        }
    }
}

int otlp_times_read(struct view request, struct otlp_times *out_times)
{
    struct wire wire = wire_of(request.size != 0 ? request : VIEW(""));
    struct walk walk = {.begin = wire.at, .times = out_times};

    *out_times = (struct otlp_times){0};
    return walk_all(&walk, wire, &out_times->error_offset);
}

void otlp_times_shift(char *request, size_t size, int64_t shift_ns)
{
    struct wire wire = wire_of(size != 0 ? (struct view){request, size} : VIEW(""));
    struct walk walk = {.begin = wire.at, .writable = request, .shift_ns = shift_ns};
    size_t offset;

    CHECK(walk_all(&walk, wire, &offset) == 0);
}
