/* hex.c: two digits a byte. */
#include "exporters/hex.h"

#include <stddef.h>

static void write_bytes(char *out, const void *from, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = from;

    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

void hex_trace(char out[HEX_TRACE_SIZE + 1], const uint64_t trace[2])
{
    write_bytes(out, trace, 2 * sizeof(trace[0]));
}

void hex_span(char out[HEX_SPAN_SIZE + 1], uint64_t span)
{
    write_bytes(out, &span, sizeof(span));
}
