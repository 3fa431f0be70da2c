/* config_fuzz.c: any bytes as a configuration file. Either faults are told, or the options print
 * and read back to the same text.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "engine/config_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *environment(void *context, const char *name)
{
    (void)context;
    return name[0] == 'A' ? "a: [b" : NULL;
}

static int read_text(struct view text, struct buf *errors, struct options *options)
{
    struct config_sources sources = {.environment = environment};
    struct config_faults faults = {.out = errors};

    CHECK(config_read_yaml(&sources, "f", VIEW(""), text, &faults, options) == 0);
    CHECK((faults.count != 0) == (errors->size != 0));
    return faults.count == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct options options;
    struct options again;
    struct buf errors;
    struct buf text;
    struct buf text_again;

    buf_init(&errors, 0);
    buf_init(&text, 0);
    buf_init(&text_again, 0);
    CHECK(options_init(&options) == 0);
    CHECK(options_init(&again) == 0);
    if (read_text((struct view){(const char *)data, size}, &errors, &options)) {
        CHECK(options_print(&options, &text) == 0);
        CHECK(read_text(buf_view(&text), &errors, &again));
        CHECK(options_print(&again, &text_again) == 0);
        CHECK(view_equal(buf_view(&text), buf_view(&text_again)));
    }
    options_release(&options);
    options_release(&again);
    buf_release(&errors);
    buf_release(&text);
    buf_release(&text_again);
    return 0;
}
