/* grid.c: where the bounds fall. */
#include "topology/grid.h"

#include "base/check.h"
#include "topology/span.h"

static uint32_t column_of(uint64_t duration_ns)
{
    return duration_ns != 0 ? (uint32_t)(histogram_index_finest(duration_ns) - GRID_INDEX_MIN + 1)
                            : 0;
}

void grid_init(struct grid *grid, const struct histogram_bounds *bounds)
{
    uint32_t below = 0;
    uint32_t cell = 0;

    CHECK(bounds->count <= HISTOGRAM_BOUNDS_MAX);
    CHECK(column_of(1) == 1 && column_of(DURATION_NS_MAX) == GRID_COLUMNS - 1);
    for (uint32_t i = 0; i < bounds->count; i++)
        grid->upper_ns[i] = bounds->upper_ns[i];
    grid->upper_ns[bounds->count] = UINT64_MAX;
    for (uint32_t column = 0; column < GRID_COLUMNS; column++) {
        grid->classic[column] = (uint8_t)below;
        while (below < bounds->count && column_of(bounds->upper_ns[below]) == column) {
            grid->columns[cell++] = (uint16_t)column; /* Of what lies up to that bound. */
            below++;
        }
        grid->columns[cell++] = (uint16_t)column;
    }
    CHECK(cell <= GRID_CELLS);
}
