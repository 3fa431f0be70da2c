/* tracestate_fuzz.c: any bytes as a tracestate. The first two bytes pick sampling.max_count. */
#include <stdlib.h>

#include "topology/sampling.h"
#include "topology/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sampling sampling;
    uint32_t count_max;

    if (size < 2)
        return 0;
    count_max = ((uint32_t)data[0] << 8 | data[1]) + 1;
    sampling = sampling_parse((struct view){(const char *)data + 2, size - 2}, count_max);
    if (sampling.weight > (uint64_t)count_max << WEIGHT_SHIFT || sampling.weight > WEIGHT_MAX)
        abort();
    if (sampling.unknown && (sampling.weight != WEIGHT_ONE || sampling.cut))
        abort();
    if (sampling.cut && sampling.weight != (uint64_t)count_max << WEIGHT_SHIFT)
        abort();
    if (sampling.weight != 0 && sampling.weight < WEIGHT_ONE)
        abort();
    return 0;
}
