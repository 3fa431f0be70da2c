/* grid.c: where the bounds fall. */
#include "topology/grid.h"

#include "base/check.h"
#include "topology/span.h"

/* 0 ns is below all columns. */
static uint32_t column_of(uint64_t duration_ns)
{
    return duration_ns != 0 ? grid_column(duration_ns) : 0;
}

static void number_cells(struct grid *grid, const struct histogram_bounds *bounds, unsigned shift)
{
    uint16_t *columns = grid->columns[shift];
    const uint32_t last = (uint32_t)(GRID_COLUMNS - 1) >> shift;
    uint32_t below = 0;
    uint32_t cell = 0;

    for (uint32_t column = 0; column <= last; column++) {
        while (below < bounds->count && column_of(bounds->upper_ns[below]) >> shift == column) {
            columns[cell++] = (uint16_t)column; /* Of what lies up to that bound. */
            below++;
        }
        columns[cell++] = (uint16_t)column;
    }
    CHECK(cell <= GRID_CELLS);
}

void grid_init(struct grid *grid, const struct histogram_bounds *bounds)
{
    uint32_t below = 0;

    CHECK(bounds->count <= HISTOGRAM_BOUNDS_MAX);
    CHECK(histogram_index_finest(1) == GRID_INDEX_MIN &&
          histogram_index_finest(DURATION_NS_MAX) == GRID_INDEX_MAX);
    for (uint32_t i = 0; i < bounds->count; i++)
        grid->upper_ns[i] = bounds->upper_ns[i];
    grid->upper_ns[bounds->count] = UINT64_MAX;
    for (uint32_t column = 0; column < GRID_COLUMNS; column++) {
        while (below < bounds->count && column_of(bounds->upper_ns[below]) < column)
            below++;
        grid->classic[column] = (uint8_t)below;
    }
    for (unsigned shift = 0; shift <= GRID_SHIFT_MAX; shift++)
        number_cells(grid, bounds, shift);
}
