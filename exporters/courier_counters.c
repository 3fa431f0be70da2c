/* courier_counters.c: the tables. */
#include "exporters/courier_counters.h"

#define ROW(name, metric, label, gauge, help) {metric, label, help, gauge},

const struct counter_row forward_counter_rows[COURIER_ALL_COUNT] = {COURIER_COUNTERS(
    ROW, "spanmap_forward", "spans") COURIER_ITEM_COUNTERS(ROW, "spanmap_forward", "spans")};

const struct counter_row push_otlp_counter_rows[COURIER_COUNTER_COUNT] = {
    COURIER_COUNTERS(ROW, "spanmap_push_otlp", "points")};
