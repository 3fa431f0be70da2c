/* receiver_counters.c: the rows behind the enum. */
#include "receiver/receiver_counters.h"

#define RECEIVER_COUNTER_ROW(name, metric, label, gauge, help) {metric, label, help, gauge},

const struct counter_row receiver_counter_rows[RECEIVER_COUNTER_COUNT] = {
    RECEIVER_COUNTERS(RECEIVER_COUNTER_ROW)};
