/* http_counters.c: the rows behind the enum. */
#include "net/http_counters.h"

#define HTTP_COUNTER_ROW(name, metric, label, gauge, help) {metric, label, help, gauge},

const struct counter_row http_counter_rows[HTTP_COUNTER_COUNT] = {HTTP_COUNTERS(HTTP_COUNTER_ROW)};
