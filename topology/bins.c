/* bins.c: lines of the pool, and what is rare. */
#include "topology/bins.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { ROOM_FIRST = 16, LINES_MAX = 1 << (32 - BINS_WHICH_BITS) };

/* ------------------------------------------------------------------ the pool */

/* Makes room for so many more pointers. */
static int grow(void **rows, uint32_t *room, uint32_t count, uint32_t more)
{
    uint32_t wanted = *room != 0 ? *room * 2 : ROOM_FIRST;
    void *grown;

    if (count + more <= *room)
        return 0;
    if (wanted < count + more)
        wanted = count + more;
    grown = mem_realloc(*rows, wanted * sizeof(void *));
    if (grown == NULL)
        return STATUS_NOMEM;
    *rows = grown;
    *room = wanted;
    return 0;
}

/* Areas are all one behind the other, so that it is known what is one. */
static bool wants_area(const struct bins_pool *pool)
{
    return !pool->is_short && pool->blocks_count >= BINS_AREA &&
           (pool->areas_to == pool->areas_from || pool->areas_to == pool->blocks_count);
}

static void note_area(struct bins_pool *pool)
{
    if (pool->areas_to == pool->areas_from)
        pool->areas_from = pool->blocks_count;
    pool->areas_to = pool->blocks_count + BINS_AREA;
}

/* A block, or an area of them. */
static int add_blocks(struct bins_pool *pool)
{
    void *blocks = pool->blocks;
    uint32_t count = wants_area(pool) ? BINS_AREA : 1;
    int status = grow(&blocks, &pool->blocks_room, pool->blocks_count, count);
    union bins_line *memory;

    pool->blocks = blocks;
    if (status != 0)
        return status;
    memory = mem_table((size_t)count * BINS_BLOCK_BYTES);
    if (memory == NULL)
        return STATUS_NOMEM;
    if (count == BINS_AREA)
        note_area(pool);
    for (uint32_t i = 0; i < count; i++)
        pool->blocks[pool->blocks_count++] = memory + (size_t)i * BINS_BLOCK;
    return 0;
}

/* How many blocks the newest one was allocated with. */
static uint32_t newest_blocks(const struct bins_pool *pool)
{
    return pool->areas_to != pool->areas_from && pool->areas_to == pool->blocks_count ? BINS_AREA
                                                                                      : 1;
}

static void drop_newest(struct bins_pool *pool)
{
    uint32_t count = newest_blocks(pool);

    pool->blocks_count -= count;
    mem_free(pool->blocks[pool->blocks_count]);
    if (count == BINS_AREA)
        pool->areas_to = pool->blocks_count;
}

/* A line of zeros; 0: there is no memory. */
static uint32_t take_line(struct bins_pool *pool)
{
    uint32_t line = pool->lines_free;

    if (line != 0) {
        memcpy(&pool->lines_free, bins_line(pool, line), sizeof(pool->lines_free));
    } else {
        line = pool->lines_used;
        if (line == LINES_MAX ||
            (line == pool->blocks_count << BINS_BLOCK_SHIFT && add_blocks(pool) != 0))
            return 0;
        pool->lines_used++;
    }
    memset(bins_line(pool, line), 0, sizeof(union bins_line));
    return line;
}

static void give_line_back(struct bins_pool *pool, uint32_t line)
{
    memcpy(bins_line(pool, line), &pool->lines_free, sizeof(pool->lines_free));
    pool->lines_free = line;
}

int bins_pool_init(struct bins_pool *pool, const struct histogram_bounds *bounds)
{
    grid_init(&pool->grid, bounds);
    for (unsigned i = 0; i < BINS_STRETCHES; i++)
        pool->stretches[i] = (uint8_t)((i % BINS_LINES) << BINS_WHICH_BITS | (i / BINS_LINES + 1));
    if (add_blocks(pool) != 0)
        return STATUS_NOMEM;
    CHECK(take_line(pool) == 0 && pool->lines_used == 1);
    return 0;
}

void bins_pool_release(struct bins_pool *pool)
{
    while (pool->blocks_count != 0)
        drop_newest(pool);
    for (uint32_t i = 0; i < pool->rests_made; i++)
        histogram_free(pool->rests[i]);
    mem_free(pool->blocks);
    mem_free(pool->rests);
    *pool = (struct bins_pool){0};
}

void bins_pool_reset(struct bins_pool *pool)
{
    for (uint32_t i = 0; i < pool->rests_used; i++)
        histogram_reset(pool->rests[i]);
    pool->rests_used = 0;
    pool->rests_taken = 0;
    pool->lines_used = 1;
    pool->lines_free = 0;
}

static uint64_t rest_bytes(const struct histogram *rest)
{
    return BINS_REST_BYTES - (HISTOGRAM_BUCKETS_MAX - rest->capacity) * sizeof(uint64_t);
}

void bins_pool_trim(struct bins_pool *pool)
{
    uint32_t blocks = ((pool->lines_used - 1) >> BINS_BLOCK_SHIFT) + 1;

    while (pool->blocks_count - newest_blocks(pool) >= blocks)
        drop_newest(pool);
    while (pool->rests_made > pool->rests_used) {
        pool->rests_bytes -= rest_bytes(pool->rests[--pool->rests_made]);
        histogram_free(pool->rests[pool->rests_made]);
    }
}

/* ------------------------------------------------------------------ as a histogram */

/* All that may be in one head and its lines. */
struct collected {
    struct histogram_bins bins;
    struct histogram_bin items[BINS_LINES * BINS_COUNTERS + 2]; /* Durations of 0, and one more. */
};

/* Counters of eight bytes at once: most are 0. */
static void collect_line(const struct grid *grid, const uint16_t *counters, uint32_t first_cell,
                         unsigned shift, struct collected *out)
{
    enum { AT_ONCE = sizeof(uint64_t) / sizeof(*counters) };

    for (uint32_t i = 0; i < BINS_COUNTERS; i += AT_ONCE) {
        uint64_t some;
        memcpy(&some, &counters[i], sizeof(some));
        for (uint32_t j = i; some != 0 && j < i + AT_ONCE; j++) {
            struct grid_place place;
            if (counters[j] == 0)
                continue;
            place = grid_place_of(grid, first_cell + j, shift);
            out->items[out->bins.count++] = (struct histogram_bin){
                .index = grid_index(place),
                .classic = place.classic,
                .weight = (uint64_t)counters[j] << WEIGHT_SHIFT,
            };
        }
    }
}

/* Which stretch of the grid a place in the head counts. */
static uint32_t stretch_of(uint32_t line, uint32_t place)
{
    return ((line & BINS_WHICH_MASK) - 1) * BINS_LINES + place;
}

/* What it counted, by ascending cell. Indexes are cut to what the shift left of them: a histogram of all
 * of it has no finer scale. */
static void collect(const struct bins_pool *pool, const struct bins *bins, struct collected *out)
{
    uint32_t stretches[BINS_LINES];
    uint32_t lines[BINS_LINES];
    uint32_t count = 0;

    for (uint32_t place = 0; place < BINS_LINES; place++) {
        uint32_t stretch;
        uint32_t at;
        if (bins->lines[place] == 0)
            continue;
        stretch = stretch_of(bins->lines[place], place);
        for (at = count++; at > 0 && stretches[at - 1] > stretch; at--) {
            stretches[at] = stretches[at - 1];
            lines[at] = lines[at - 1];
        }
        stretches[at] = stretch;
        lines[at] = bins->lines[place] >> BINS_WHICH_BITS;
    }
    out->bins = (struct histogram_bins){
        .sum = (histogram_sum)bins->sum_ns << WEIGHT_SHIFT,
        .min_ns = bins->min_ns,
        .max_ns = bins->max_ns,
        .items = out->items,
    };
    if (bins->marks >> BINS_ZEROS_SHIFT != 0)
        out->items[out->bins.count++] = (struct histogram_bin){
            .is_zero = true, .weight = bins->marks >> BINS_ZEROS_SHIFT << WEIGHT_SHIFT};
    for (uint32_t i = 0; i < count; i++)
        collect_line(&pool->grid, bins_line(pool, lines[i])->counters, stretches[i] * BINS_COUNTERS,
                     bins_shift(bins->marks), out);
}

void bins_unpack(const struct bins_pool *pool, uint32_t number, struct histogram *into)
{
    const struct bins *bins = bins_of(pool, number);
    struct collected collected;

    histogram_reset(into);
    collect(pool, bins, &collected);
    CHECK(histogram_add_bins(into, &collected.bins) == 0);
    if (bins->rest != 0)
        CHECK(histogram_merge(into, pool->rests[bins->rest - 1]) == 0);
}

/* ------------------------------------------------------------------ the histogram beside */

static int take_rest(struct bins_pool *pool, struct bins *bins)
{
    void *rests = pool->rests;
    int status = 0;

    if (bins->rest != 0)
        return 0;
    if (pool->rests_used == pool->rests_made) {
        status = grow(&rests, &pool->rests_room, pool->rests_made, 1);
        pool->rests = rests;
        if (status == 0)
            status = histogram_new(&pool->rests[pool->rests_made]);
        if (status != 0)
            return status;
        pool->rests_bytes += rest_bytes(pool->rests[pool->rests_made++]);
    }
    pool->rests_taken += rest_bytes(pool->rests[pool->rests_used]);
    bins->rest = ++pool->rests_used;
    return 0;
}

/* Notes that one has grown since it was so large. */
static void note_growth(struct bins_pool *pool, const struct bins *bins, uint32_t capacity)
{
    uint64_t bytes = (pool->rests[bins->rest - 1]->capacity - capacity) * sizeof(uint64_t);

    pool->rests_bytes += bytes;
    pool->rests_taken += bytes;
}

static int observe_beside(struct bins_pool *pool, struct bins *bins, uint32_t classic,
                          uint64_t duration_ns, uint64_t weight)
{
    struct histogram_place at = {.duration_ns = duration_ns, .classic = classic};
    int status = take_rest(pool, bins);
    uint32_t capacity;

    if (status != 0)
        return status;
    if (duration_ns != 0)
        at.finest = histogram_index_finest(duration_ns);
    capacity = pool->rests[bins->rest - 1]->capacity;
    status = histogram_observe_at(pool->rests[bins->rest - 1], &at, weight);
    note_growth(pool, bins, capacity);
    return status;
}

static void give_lines_back(struct bins_pool *pool, struct bins *bins)
{
    for (size_t i = 0; i < BINS_LINES; i++) {
        if (bins->lines[i] != 0)
            give_line_back(pool, bins->lines[i] >> BINS_WHICH_BITS);
        bins->lines[i] = 0;
    }
}

/* Moves what was counted there, so that there is room again. */
static int spill(struct bins_pool *pool, struct bins *bins)
{
    struct collected collected;
    int status = take_rest(pool, bins);
    uint32_t capacity;

    if (status != 0)
        return status;
    collect(pool, bins, &collected);
    capacity = pool->rests[bins->rest - 1]->capacity;
    status = histogram_add_bins(pool->rests[bins->rest - 1], &collected.bins);
    note_growth(pool, bins, capacity);
    if (status != 0)
        return status;
    give_lines_back(pool, bins);
    bins->marks &= (UINT64_C(1) << BINS_ZEROS_SHIFT) - 1;
    bins->sum_ns = 0;
    return 0;
}

/* ------------------------------------------------------------------ coarser cells */

/* The shift that a histogram of all that was collected has. */
static unsigned shift_of(const struct collected *collected, unsigned shift)
{
    uint32_t low = UINT32_MAX;
    uint32_t high = 0;

    for (size_t i = 0; i < collected->bins.count; i++) {
        uint32_t column = (uint32_t)(collected->items[i].index + GRID_BIAS);
        if (collected->items[i].is_zero)
            continue;
        low = column < low ? column : low;
        high = column > high ? column : high;
    }
    while ((high >> shift) - (low >> shift) >= HISTOGRAM_BUCKETS_MAX)
        shift++;
    CHECK(shift <= GRID_SHIFT_MAX);
    return shift;
}

/* The counter of a cell, whose line is made if there is room for it; NULL: it is not. */
static uint16_t *counter_of(struct bins_pool *pool, struct bins *bins, uint32_t cell,
                            bool *out_taken)
{
    uint8_t stretch = pool->stretches[cell / BINS_COUNTERS];
    uint32_t *line = &bins->lines[stretch >> BINS_WHICH_BITS];

    *out_taken = false;
    if (*line == 0) {
        uint32_t taken = take_line(pool);
        if (taken == 0)
            return NULL;
        *line = taken << BINS_WHICH_BITS | (stretch & BINS_WHICH_MASK);
    }
    *out_taken = ((*line ^ stretch) & BINS_WHICH_MASK) != 0;
    return *out_taken ? NULL
                      : &bins_line(pool, *line >> BINS_WHICH_BITS)->counters[cell % BINS_COUNTERS];
}

/* Counts what was collected in lines of that shift, which are made in `into`. False: something finds no
 * place, or no memory. */
static bool count_again(struct bins_pool *pool, const struct collected *collected, unsigned shift,
                        struct bins *into)
{
    for (size_t i = 0; i < collected->bins.count; i++) {
        const struct histogram_bin *item = &collected->items[i];
        struct grid_place place = {(uint32_t)(item->index + GRID_BIAS), item->classic};
        uint64_t more = item->weight >> WEIGHT_SHIFT;
        uint16_t *counter;
        bool is_taken;
        if (item->is_zero)
            continue; /* They stay in the head. */
        counter = counter_of(pool, into, grid_cell(place, shift), &is_taken);
        if (counter == NULL || *counter + more > BINS_COUNT_MAX)
            return false;
        *counter = (uint16_t)(*counter + more);
    }
    return true;
}

enum { NO_PLACE = 1, NO_COUNTERS = 2 };

/* Makes cells coarser, if a histogram had to do the same for that place, and counts it. The shift is never
 * more than what was counted asks for: so it may not be set before.
 * Returns: 0; NO_PLACE: they are coarse enough; NO_COUNTERS: coarser ones are too full, or there is no
 *          memory for them (nothing was done). */
static int widen(struct bins_pool *pool, struct bins *bins, struct grid_place place)
{
    struct bins wide = {0};
    struct collected collected;
    unsigned before = bins_shift(bins->marks);
    unsigned shift;

    collect(pool, bins, &collected);
    collected.items[collected.bins.count++] = (struct histogram_bin){
        .index = grid_index(place), .classic = place.classic, .weight = WEIGHT_ONE};
    shift = shift_of(&collected, before);
    if (shift == before)
        return NO_PLACE;
    if (!count_again(pool, &collected, shift, &wide)) {
        give_lines_back(pool, &wide);
        return NO_COUNTERS;
    }
    give_lines_back(pool, bins);
    memcpy(bins->lines, wide.lines, sizeof(bins->lines));
    bins->marks += (uint64_t)(shift - before) << BINS_SHIFT_SHIFT;
    return 0;
}

/* ------------------------------------------------------------------ observing */

static int count_zero(struct bins_pool *pool, struct bins *bins)
{
    if (bins->marks >> BINS_ZEROS_SHIFT == BINS_COUNT_MAX && spill(pool, bins) != 0)
        return STATUS_NOMEM;
    bins->marks += UINT64_C(1) << BINS_ZEROS_SHIFT;
    return 0;
}

/* Where a counter is too full all of them are moved, and it begins anew: what is not moved would ask for
 * the same again with each that comes. Returns: 0; NO_PLACE; STATUS_NOMEM. */
static int count_one(struct bins_pool *pool, struct bins *bins, struct grid_place place)
{
    for (;;) {
        uint32_t cell = grid_cell(place, bins_shift(bins->marks));
        bool is_taken;
        uint16_t *counter = counter_of(pool, bins, cell, &is_taken);
        int status = NO_COUNTERS;
        if (counter != NULL && *counter != BINS_COUNT_MAX) {
            ++*counter;
            return 0;
        }
        if (counter == NULL)
            status = is_taken ? widen(pool, bins, place) : STATUS_NOMEM;
        if (status != NO_COUNTERS)
            return status;
        if (spill(pool, bins) != 0)
            return STATUS_NOMEM;
    }
}

static int count_plainly(struct bins_pool *pool, struct bins *bins, struct grid_place place,
                         uint64_t duration_ns)
{
    int status;

    if (bins->sum_ns > UINT64_MAX - duration_ns && spill(pool, bins) != 0)
        return STATUS_NOMEM;
    status = duration_ns == 0 ? count_zero(pool, bins) : count_one(pool, bins, place);
    if (status == 0)
        bins->sum_ns += duration_ns;
    return status;
}

enum { LINES_UNSURE = INT32_MAX };

/* The histogram beside never grows again. */
static bool has_whole_rest(const struct bins_pool *pool, const struct bins *bins)
{
    return bins->rest != 0 && pool->rests[bins->rest - 1]->capacity == HISTOGRAM_BUCKETS_MAX;
}

/* How many lines an observation may ask for, at most; LINES_UNSURE: it may need a histogram, too. What
 * is spilled gives back as many lines as it needs. */
static uint32_t lines_wanted(const struct bins_pool *pool, uint32_t number, uint64_t duration_ns,
                             uint64_t weight)
{
    const struct bins *bins = bins_of(pool, number);
    bool is_whole = has_whole_rest(pool, bins);
    struct grid_place place;
    uint32_t cell;
    uint32_t line;
    uint8_t stretch;

    if (number == 0)
        return weight == WEIGHT_ONE ? 2 : LINES_UNSURE;
    if (weight != WEIGHT_ONE || bins->sum_ns > UINT64_MAX - duration_ns)
        return is_whole ? weight == WEIGHT_ONE : LINES_UNSURE;
    if (duration_ns == 0)
        return is_whole || bins->marks >> BINS_ZEROS_SHIFT != BINS_COUNT_MAX ? 0 : LINES_UNSURE;
    place = grid_place(&pool->grid, duration_ns);
    cell = grid_cell(place, bins_shift(bins->marks));
    stretch = pool->stretches[cell / BINS_COUNTERS];
    line = bins->lines[stretch >> BINS_WHICH_BITS];
    if (line == 0)
        return 1;
    if (((line ^ stretch) & BINS_WHICH_MASK) != 0)
        return is_whole ? BINS_LINES : LINES_UNSURE;
    return is_whole || bins_line(pool, line >> BINS_WHICH_BITS)->counters[cell % BINS_COUNTERS] !=
                           BINS_COUNT_MAX
               ? 0
               : LINES_UNSURE;
}

bool bins_have_place(const struct bins_pool *pool, uint32_t number, uint64_t duration_ns,
                     uint64_t weight, uint32_t *lines_left)
{
    uint32_t wanted = lines_wanted(pool, number, duration_ns, weight);

    if (wanted > *lines_left)
        return false;
    *lines_left -= wanted;
    return true;
}

static struct bins *new_bins(struct bins_pool *pool, uint32_t *number)
{
    uint32_t line = take_line(pool);

    if (line == 0)
        return NULL;
    *number = line;
    bins_line(pool, line)->bins.min_ns = UINT64_MAX;
    return &bins_line(pool, line)->bins;
}

int bins_observe_any(struct bins_pool *pool, uint32_t *number, uint64_t duration_ns,
                     uint64_t weight)
{
    struct grid_place place = {0, 0};
    struct bins *bins = *number != 0 ? &bins_line(pool, *number)->bins : new_bins(pool, number);
    int status = NO_PLACE;
    uint64_t mark;
    bool is_notable;

    CHECK(weight != 0 && duration_ns <= DURATION_NS_MAX);
    if (bins == NULL)
        return STATUS_NOMEM;
    if (duration_ns != 0)
        place = grid_place(&pool->grid, duration_ns);
    if (weight == WEIGHT_ONE)
        status = count_plainly(pool, bins, place, duration_ns);
    if (status == NO_PLACE)
        status = observe_beside(pool, bins, place.classic, duration_ns, weight);
    if (status != 0)
        return STATUS_NOMEM;
    mark = UINT64_C(1) << place.classic;
    is_notable = (bins->marks & mark) == 0 || duration_ns > bins->max_ns;
    bins->marks |= mark;
    if (duration_ns < bins->min_ns)
        bins->min_ns = duration_ns;
    if (duration_ns > bins->max_ns)
        bins->max_ns = duration_ns;
    return is_notable ? BINS_NOTABLE : 0;
}
