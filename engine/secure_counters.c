/* secure_counters.c: the rows behind the enum. */
#include "engine/secure_counters.h"

#define SECURE_COUNTER_ROW(name, metric, label, gauge, help) {metric, label, help, gauge},

const struct counter_row secure_counter_rows[SECURE_COUNTER_COUNT] = {
    SECURE_COUNTERS(SECURE_COUNTER_ROW)};
