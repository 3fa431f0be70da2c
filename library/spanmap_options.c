/* spanmap_options.c: the daemon's options, given as text and as keys with values. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "engine/budget.h"
#include "engine/config.h"
#include "engine/machine.h"
#include "library/spanmap_priv.h"

enum { FAULTS_BYTES_MAX = 64 << 10, SETTINGS_BYTES_MAX = 16 << 20 };

/* "key=value" of each, zero-terminated one behind the other, and where they begin. */
static int join(const struct spanmap_options *given, struct buf *texts, const char ***out_sets)
{
    const char **sets = mem_calloc(given->settings_count + 1, sizeof(*sets));
    size_t at = 0;

    if (sets == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < given->settings_count; i++) {
        const struct spanmap_setting *setting = &given->settings[i];

        (void)buf_append_text(texts,
                              setting->key != NULL ? setting->key : ""); /* Failures stick. */
        (void)buf_append_byte(texts, '=');
        (void)buf_append_text(texts, setting->value != NULL ? setting->value : "");
        (void)buf_append_byte(texts, '\0');
    }
    if (texts->failed != 0) {
        mem_free(sets);
        return texts->failed;
    }
    for (size_t i = 0; i < given->settings_count; i++) {
        sets[i] = texts->data + at;
        at += strlen(sets[i]) + 1;
    }
    *out_sets = sets;
    return 0;
}

/* The lines of faults as one text. */
static int tell(struct buf *faults, int status, struct spanmap_error *error)
{
    size_t size = faults->size;

    if (status == STATUS_NOMEM || size == 0)
        return spanmap_fail_code(error, status);
    while (size != 0 && faults->data[size - 1] == '\n')
        size--;
    return spanmap_fail(error, status, "%.*s", (int)size, faults->data);
}

int spanmap_read_options(const struct spanmap_options *given, struct spanmap_error *error,
                         struct options *out_options)
{
    struct config_sources sources = {
        .text = view_of(given->yaml),
        .sets_count = given->settings_count,
        .sets_label = "option",
    };
    const char **sets = NULL;
    struct buf faults;
    struct buf texts;
    int status;

    buf_init(&faults, FAULTS_BYTES_MAX);
    buf_init(&texts, SETTINGS_BYTES_MAX);
    status = join(given, &texts, &sets);
    if (status == 0) {
        sources.sets = sets;
        status = config_load(&sources, &faults, out_options);
    }
    if (status != 0)
        (void)tell(&faults, status, error);
    mem_free(sets);
    buf_release(&texts);
    buf_release(&faults);
    return status;
}

int spanmap_check(const struct spanmap_options *options, struct spanmap_error *error)
{
    struct budget_machine machine = {
        .memory_bytes = machine_memory_bytes(""),
        .cores = machine_cores(""),
    };
    struct spanmap_options given;
    struct options read;
    struct budget budget;
    char text[256];
    int status;

    spanmap_accept(&given, sizeof(given), options);
    status = spanmap_read_options(&given, error, &read);
    if (status != 0)
        return status;
    status = budget_make(&read, &machine,
                         given.clock == SPANMAP_CLOCK_GIVEN ? BUDGET_INLINE_WITH_TARGETS
                                                            : BUDGET_THREADED,
                         text, &budget);
    options_release(&read);
    return status == 0 ? 0 : spanmap_fail(error, status, "%s", text);
}

int spanmap_get_option(size_t index, struct spanmap_option *out_option)
{
    const struct option_row *row;
    struct spanmap_option option;

    if (index >= spanmap_options.count)
        return SPANMAP_NOT_FOUND;
    row = &spanmap_options.rows[index];
    option = (struct spanmap_option){
        .key = row->key,
        .type = option_type_name(row->type),
        .initial = row->initial,
        .prose = row->prose,
        .unit = row->unit,
        .form = row->form,
        .is_secret = row->secret,
    };
    spanmap_give(out_option, &option, sizeof(option));
    return 0;
}
