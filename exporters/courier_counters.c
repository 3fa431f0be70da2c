/* courier_counters.c: the tables. */
#include "exporters/courier_counters.h"

const struct counter_row forward_counter_rows[COURIER_COUNTER_COUNT] = COURIER_TABLE(
    "spanmap_forward", "spans");

const struct counter_row push_otlp_counter_rows[COURIER_COUNTER_COUNT] = COURIER_TABLE(
    "spanmap_push_otlp", "points");
