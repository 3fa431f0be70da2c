/* base64.c: three bytes become four letters. */
#include "base/base64.h"

#include <stdint.h>

void base64_append(struct view bytes, enum base64_end end, struct buf *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t three = (uint32_t)(uint8_t)bytes.data[i] << 16;
        char four[4];
        if (left > 1)
            three |= (uint32_t)(uint8_t)bytes.data[i + 1] << 8;
        if (left > 2)
            three |= (uint8_t)bytes.data[i + 2];
        for (size_t j = 0; j < 4; j++)
            four[j] = j > left ? '=' : letters[three >> (18 - 6 * j) & 63];
        (void)buf_append(out, four, left > 2 || end == BASE64_PADDED ? 4 : left + 1);
    }
}
