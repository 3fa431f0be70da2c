/* naming_priv.h: what the files of naming share.
 */
#ifndef SPANMAP_TOPOLOGY_NAMING_PRIV_H
#define SPANMAP_TOPOLOGY_NAMING_PRIV_H

#include "topology/naming.h"

/* topology.derive_errors */
bool naming_derives_errors(const struct naming *naming);

#endif
