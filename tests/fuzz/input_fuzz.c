/* input_fuzz.c: where the values of a text end must not depend on how the text comes in. The first byte
 * is the size of the pieces.
 */
#include <stdlib.h>

#include "daemon/input_kind.h"
#include "daemon/input_split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENDS_MAX = 4096 };

/* The ends of all values in the text, which grows by `piece` bytes. */
static size_t split_all(struct view text, size_t piece, size_t ends[ENDS_MAX])
{
    struct input_split split = {0};
    size_t count = 0;
    size_t begin = 0;
    size_t held = piece < text.size ? piece : text.size;

    while (count < ENDS_MAX) {
        size_t size = 0;
        while (split.scanned == 0 && begin < held &&
               (text.data[begin] == ' ' || text.data[begin] == '\n' || text.data[begin] == '\t' ||
                text.data[begin] == '\r'))
            begin++;
        if (input_split_next(&split, (struct view){text.data + begin, held - begin},
                             held == text.size, &size)) {
            if (size == 0 || size > held - begin)
                abort();
            (void)input_kind_of((struct view){text.data + begin, size});
            begin += size;
            ends[count++] = begin;
        } else if (held == text.size) {
            break;
        } else {
            held = held + piece < text.size ? held + piece : text.size;
        }
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static size_t whole[ENDS_MAX];
    static size_t pieces[ENDS_MAX];
    struct view text;
    size_t count;

    if (size < 2)
        return 0;
    text = (struct view){(const char *)data + 1, size - 1};
    (void)input_form_of(text);
    count = split_all(text, text.size, whole);
    if (split_all(text, (size_t)data[0] + 1, pieces) != count)
        abort();
    for (size_t i = 0; i < count; i++)
        if (whole[i] != pieces[i])
            abort();
    return 0;
}
