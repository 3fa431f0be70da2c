/* option_yaml.h: options written as a configuration file.
 * Is:         the text that engine/config.h reads back to an equal object. Sections are nested maps.
 * Invariants: a text that YAML could take for something else is quoted, and `$` is doubled.
 * Threads:    pure functions.
 */
#ifndef SPANMAP_BASE_OPTION_YAML_H
#define SPANMAP_BASE_OPTION_YAML_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/option.h"

struct option_yaml_style {
    bool comments; /* Above each option its prose and what it allows. */
};

/* Returns: as buf_append(). */
int option_yaml_print(const struct option_table *table, const void *object,
                      struct option_yaml_style style, struct buf *out);

/* Appends one text as a scalar. Returns: as buf_append(). */
int option_yaml_text(struct view text, struct buf *out);

#endif
