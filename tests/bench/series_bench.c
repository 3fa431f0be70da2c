/* series_bench.c: what a series costs in memory.
 * Is:         what tests/lib/series_memory.h measures, printed. docs/METRICS.md has it, and a unit test
 *             holds that page to it.
 * Is not:     a test: it never fails, and without mallinfo2() it says zero.
 */
#include <stdio.h>

#include "tests/lib/series_memory.h"

int main(void)
{
    for (int of_edges = 1; of_edges >= 0; of_edges--)
        for (int is_wide = 0; is_wide < 2; is_wide++) {
            struct series_memory memory;
            series_measure(of_edges != 0, is_wide != 0, &memory);
            printf("%-10s %-8s  tally %5zu  cumulated %5zu  snapshot %5zu  bytes each\n",
                   of_edges ? "edge" : "operation", is_wide ? "widest" : "usual", memory.tally,
                   memory.cumulated, memory.snapshot);
        }
    return 0;
}
