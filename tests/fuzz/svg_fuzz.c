/* svg_fuzz.c: any bytes as what a helper drew. The pass ends, in its bounds, and what was no whole SVG
 * is refused.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "exporters/svg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out;
    int status;

    buf_init(&out, 0);
    status = svg_finish((struct view){(const char *)data, size}, THEME_AUTO, &out);
    CHECK(status == 0 || (status == STATUS_INVALID && out.size == 0));
    CHECK(status != 0 || view_starts(buf_view(&out), VIEW("<svg class=\"spanmap\"")));
    buf_release(&out);
    return 0;
}
