/* option_fuzz.c: any text as the value of any option: the first byte says which. What is refused
 * leaves the field as it was and gives a reason; what is taken prints and reads back.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/utf8.h"
#include "engine/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(const struct option_row *row, const struct options *options, struct buf *out)
{
    buf_reset(out);
    CHECK(option_print(row, options, out) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct option_row *row;
    struct options options;
    struct view text;
    struct buf before;
    struct buf after;
    char error[256] = "";
    int status;

    if (size == 0)
        return 0;
    row = &spanmap_options.rows[data[0] % spanmap_options.count];
    text = (struct view){(const char *)data + 1, size - 1};
    CHECK(options_init(&options) == 0);
    buf_init(&before, 0);
    buf_init(&after, 0);
    print(row, &options, &before);
    status = option_set(row, &options, text, error);
    print(row, &options, &after);
    if (status != 0) {
        CHECK(view_equal(buf_view(&before), buf_view(&after)));
        CHECK(error[0] != '\0' && memchr(error, '\0', sizeof(error)) != NULL);
    } else if (row->type != OPTION_TEXTS) {
        CHECK(option_set(row, &options, buf_view(&after), error) == 0);
        print(row, &options, &before);
        CHECK(view_equal(buf_view(&before), buf_view(&after)));
    }
    options_release(&options);
    buf_release(&before);
    buf_release(&after);
    return 0;
}
