/* pusher_counters.c: the rows behind the enum. */
#include "engine/pusher_counters.h"

#define PUSHER_COUNTER_ROW(name, metric, label, kind, help) {metric, label, help, kind},

const struct counter_row pusher_counter_rows[PUSHER_COUNTER_COUNT] = {
    PUSHER_COUNTERS(PUSHER_COUNTER_ROW)};
