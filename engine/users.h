/* users.h: users and groups of this system, by name or number.
 * Threads:    any.
 */
#ifndef SPANMAP_ENGINE_USERS_H
#define SPANMAP_ENGINE_USERS_H

#include <stdint.h>

#include "base/status.h"

/* What begins with a digit is a number. Returns: 0; STATUS_NOT_FOUND. */
MUST_USE int user_find(const char *name, uint32_t *out_user);
MUST_USE int group_find(const char *name, uint32_t *out_group);

#endif
