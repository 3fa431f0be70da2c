/* utf8.c: the table of well-formed sequences (Unicode, table 3-7). */
#include "base/utf8.h"

#include <stdint.h>

static size_t size_of_first(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* The second byte rules out longer forms, surrogates and what is above U+10FFFF. */
static bool second_fits(uint8_t first, uint8_t second)
{
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

    return second >= low && second <= high;
}

size_t utf8_size(struct view text)
{
    const uint8_t *at = (const uint8_t *)text.data;
    size_t size = text.size != 0 ? size_of_first(at[0]) : 0;

    if (size > text.size)
        return 0;
    if (size > 1 && !second_fits(at[0], at[1]))
        return 0;
    for (size_t i = 2; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return size;
}

bool utf8_is_valid(struct view text)
{
    while (text.size != 0) {
        size_t size = utf8_size(text);
        if (size == 0)
            return false;
        text = (struct view){text.data + size, text.size - size};
    }
    return true;
}

bool utf8_is_control(struct view text)
{
    const uint8_t *at = (const uint8_t *)text.data;

    if (utf8_size(text) == 2)
        return at[0] == 0xc2 && at[1] < 0xa0;
    return utf8_size(text) == 0 || at[0] < ' ' || at[0] == 0x7f;
}

const char *utf8_show(struct view text, char *out, size_t size)
{
    bool whole = text.size < size;
    size_t taken = 0;
    size_t step;

    for (; taken < text.size; taken += step) {
        struct view rest = {text.data + taken, text.size - taken};
        step = utf8_size(rest);
        step = step != 0 ? step : 1;
        if (!whole && taken + step + sizeof("...") > size)
            break;
        if (utf8_is_control(rest))
            memset(out + taken, '?', step);
        else
            memcpy(out + taken, rest.data, step);
    }
    memcpy(out + taken, whole ? "" : "...", whole ? 1 : sizeof("..."));
    return out;
}
