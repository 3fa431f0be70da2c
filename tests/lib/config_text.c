/* config_text.c: engine/config.h without files. */
#include "tests/lib/config_text.h"

#include "engine/config_priv.h"
#include "tests/lib/test.h"

static const char *const variables[] = {
    "PORT=localhost:1234", "EMPTY=", "WAIT=3s", "_u1=under", "NASTY=a: [b, ${env:PORT}]", NULL};

const char *config_text_environment(void *context, const char *name)
{
    size_t size = strlen(name);

    (void)context;
    for (size_t i = 0; variables[i] != NULL; i++) {
        if (strncmp(variables[i], name, size) == 0 && variables[i][size] == '=')
            return variables[i] + size + 1;
    }
    return NULL;
}

struct loaded config_text_load(struct view text)
{
    struct config_sources sources = {.environment = config_text_environment};
    struct config_faults faults = {0};
    struct loaded loaded;

    buf_init(&loaded.errors, 0);
    faults.out = &loaded.errors;
    assert_int_equal(options_init(&loaded.options), 0);
    loaded.status = config_read_yaml(&sources, "f.yaml", VIEW(""), text, &faults, &loaded.options);
    if (loaded.status == 0 && faults.count != 0)
        loaded.status = STATUS_INVALID;
    if (loaded.status != 0)
        options_release(&loaded.options);
    assert_int_equal(buf_append_byte(&loaded.errors, '\0'), 0);
    return loaded;
}

void config_text_release(struct loaded *loaded)
{
    if (loaded->status == 0)
        options_release(&loaded->options);
    buf_release(&loaded->errors);
}

void config_text_assert_loads(struct loaded *loaded)
{
    if (loaded->status != 0)
        fail_msg("refused: %s", loaded->errors.data);
    assert_string_equal(loaded->errors.data, "");
}
