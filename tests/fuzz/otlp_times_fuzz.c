/* otlp_times_fuzz.c: any bytes as a trace request. Moving all times by nothing changes nothing;
 * moving them forth keeps spans and lengths.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/mem.h"
#include "receiver/otlp_times.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view request = {(const char *)data, size};
    struct otlp_times before;
    struct otlp_times after;
    char *copy;

    if (otlp_times_read(request, &before) != 0) {
        CHECK(before.error_offset <= size);
        return 0;
    }
    copy = mem_dup_text(request.data, size);
    CHECK(copy != NULL);
    otlp_times_shift(copy, size, 0);
    CHECK(view_equal(request, (struct view){copy, size}));
    otlp_times_shift(copy, size, 1000);
    CHECK(otlp_times_read((struct view){copy, size}, &after) == 0);
    CHECK(after.spans == before.spans);
    CHECK(after.latest_end_ns >= before.latest_end_ns);
    CHECK((after.latest_end_ns == 0) == (before.latest_end_ns == 0));
    mem_free(copy);
    return 0;
}
