/* config_priv.h: what the files of config share.
 */
#ifndef SPANMAP_ENGINE_CONFIG_PRIV_H
#define SPANMAP_ENGINE_CONFIG_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "engine/config.h"

enum {
    CONFIG_KEY_MAX = 128,        /* Longer keys are no option. */
    CONFIG_FAULTS_MAX = 50,      /* More are not told. */
    CONFIG_FILE_MAX = 1 << 20,   /* Bytes. */
    CONFIG_VALUE_MAX = 64 << 10, /* Bytes of one scalar with its variables. */
};

/* What a run of config_load() has found wrong. */
struct config_faults {
    struct buf *out;
    size_t count;
};

/* Where something stands. Lines and columns count from 1; 0: it has none. */
struct config_place {
    const char *label; /* The file's name, or "--set KEY". */
    size_t line;
    size_t column;
};

/* Tells one fault. Returns: STATUS_INVALID; STATUS_NOMEM. */
int config_fault(struct config_faults *faults, const struct config_place *place, const char *format,
                 ...) __attribute__((format(printf, 3, 4)));

/* Appends `text` with ${env:NAME}, ${NAME}, and either with :-default, replaced, and $$ as a
 * dollar; any other dollar stays. On failure out_error has one sentence.
 * Returns: 0; STATUS_INVALID; STATUS_NOMEM. */
MUST_USE int config_expand(const struct config_sources *sources, struct view text,
                           char out_error[256], struct buf *out);

/* Sets options from YAML. `path` is the section or option that the text is the value of; empty:
 * it is a whole file. Faults are told and the rest is read on.
 * Returns: 0, also with faults; STATUS_NOMEM. */
MUST_USE int config_read_yaml(const struct config_sources *sources, const char *label,
                              struct view path, struct view text, struct config_faults *faults,
                              struct options *options);

/* ": there is no such option; did you mean 'x'?" is told of `key`. Returns: as config_fault(). */
int config_fault_unknown(struct config_faults *faults, const struct config_place *place,
                         struct view key);

#endif
