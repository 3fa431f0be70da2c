/* engine_naming.h: the naming rules out of the options. */
#ifndef SPANMAP_ENGINE_ENGINE_NAMING_H
#define SPANMAP_ENGINE_ENGINE_NAMING_H

#include "base/status.h"
#include "engine/options.h"
#include "topology/naming.h"

/* On failure out_error has one sentence that names the rule; at most 255 bytes.
 * Returns: as naming_new(). */
MUST_USE int engine_make_naming(const struct options *options, char out_error[256],
                                struct naming **out_naming);

#endif
