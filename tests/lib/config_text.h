/* config_text.h: options from a text, with an environment of its own.
 * Threads:    plain data.
 * Memory:     config_text_release() gives all back.
 */
#ifndef SPANMAP_TESTS_LIB_CONFIG_TEXT_H
#define SPANMAP_TESTS_LIB_CONFIG_TEXT_H

#include "base/buf.h"
#include "base/view.h"
#include "engine/options.h"

struct loaded {
    int status;
    struct options options; /* Where status is 0. */
    struct buf errors;      /* Ends with a zero. */
};

/* The only variables there are: PORT, EMPTY, WAIT, _u1, NASTY. */
const char *config_text_environment(void *context, const char *name);

/* The text as a file, whose faults are told of "f.yaml". */
struct loaded config_text_load(struct view text);
void config_text_release(struct loaded *loaded);

/* It was taken, without a word. */
void config_text_assert_loads(struct loaded *loaded);

#endif
