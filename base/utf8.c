/* utf8.c: the table of well-formed sequences (Unicode, table 3-7). */
#include "base/utf8.h"

/* Lead byte -> length, and the bounds of the second byte, which rule out overlong forms,
 * surrogates and what is above U+10FFFF. */
static size_t shape_of(unsigned char lead, unsigned char *out_low, unsigned char *out_high)
{
    *out_low = 0x80;
    *out_high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF) {
        *out_low = lead == 0xE0 ? 0xA0 : 0x80;
        *out_high = lead == 0xED ? 0x9F : 0xBF;
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        *out_low = lead == 0xF0 ? 0x90 : 0x80;
        *out_high = lead == 0xF4 ? 0x8F : 0xBF;
        return 4;
    }
    return 1;
}

uint32_t utf8_take(struct view *rest, bool *out_valid)
{
    const unsigned char *bytes = (const unsigned char *)rest->data;
    unsigned char low;
    unsigned char high;
    size_t length = shape_of(bytes[0], &low, &high);
    uint32_t character = bytes[0];
    size_t used = 1;

    *out_valid = bytes[0] < 0x80 || length > 1;
    if (length > 1)
        character &= 0xFFU >> (length + 1);
    while (used < length) {
        if (used >= rest->size || bytes[used] < low || bytes[used] > high) {
            *out_valid = false;
            break;
        }
        character = character << 6 | (bytes[used] & 0x3FU);
        low = 0x80;
        high = 0xBF;
        used++;
    }
    rest->data += used;
    rest->size -= used;
    return *out_valid ? character : UTF8_REPLACEMENT;
}

int utf8_append(struct buf *out, uint32_t character)
{
    char bytes[4];
    size_t size = 0;

    if (character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF))
        character = UTF8_REPLACEMENT;
    if (character < 0x80) {
        bytes[size++] = (char)character;
    } else if (character < 0x800) {
        bytes[size++] = (char)(0xC0 | character >> 6);
    } else if (character < 0x10000) {
        bytes[size++] = (char)(0xE0 | character >> 12);
        bytes[size++] = (char)(0x80 | (character >> 6 & 0x3F));
    } else {
        bytes[size++] = (char)(0xF0 | character >> 18);
        bytes[size++] = (char)(0x80 | (character >> 12 & 0x3F));
        bytes[size++] = (char)(0x80 | (character >> 6 & 0x3F));
    }
    if (character >= 0x80)
        bytes[size++] = (char)(0x80 | (character & 0x3F));
    return buf_append(out, bytes, size);
}

size_t utf8_size(struct view text)
{
    struct view rest = text;
    bool valid = false;

    if (text.size != 0)
        (void)utf8_take(&rest, &valid); /* Its size is what is asked for. */
    return valid ? text.size - rest.size : 0;
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

struct view utf8_cut(struct view text, size_t size_max)
{
    if (text.size <= size_max)
        return text;
    text.size = size_max;
    /* A character has three followers at most; more are broken, and may be cut anywhere. */
    for (int i = 0; i < 3 && text.size != 0 && (text.data[text.size] & 0xC0) == 0x80; i++)
        text.size--;
    return text;
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
