/* naming_priv.h: what the files of naming share.
 */
#ifndef SPANMAP_TOPOLOGY_NAMING_PRIV_H
#define SPANMAP_TOPOLOGY_NAMING_PRIV_H

#include "topology/naming.h"

/* N2: db.system.name, db.system, db.namespace or db.name is there; older names only name a database. */
static inline bool naming_is_database(const struct attributes *span)
{
    const struct attribute_value *namespace = attribute_at(span, ATTRIBUTE_DB_NAMESPACE);

    return (span->present >> ATTRIBUTE_DB_SYSTEM & 1) != 0 ||
           (namespace->type != ATTRIBUTE_ABSENT && namespace->rank <= 1);
}

#endif
