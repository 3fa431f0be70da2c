/* engine_counters.c: the rows behind the enum. */
#include "engine/engine_counters.h"

#include "version.h"

#define ENGINE_VERSION_LABEL "version=\"" SPANMAP_VERSION "\""
#define ENGINE_COUNTER_ROW(name, metric, label, gauge, help) {metric, label, help, gauge},

const struct counter_row engine_counter_rows[ENGINE_COUNTER_COUNT] = {
    ENGINE_COUNTERS(ENGINE_COUNTER_ROW)};
