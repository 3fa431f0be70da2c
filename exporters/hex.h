/* hex.h: ids of traces and spans as they are written.
 * Is:         32 and 16 lower-case digits of the bytes as they came.
 * Threads:    plain functions.
 */
#ifndef SPANMAP_EXPORTERS_HEX_H
#define SPANMAP_EXPORTERS_HEX_H

#include <stdint.h>

enum { HEX_TRACE_SIZE = 32, HEX_SPAN_SIZE = 16 };

/* Each writes just so many digits, and a zero behind them. */
void hex_trace(char out[HEX_TRACE_SIZE + 1], const uint64_t trace[2]);
void hex_span(char out[HEX_SPAN_SIZE + 1], uint64_t span);

#endif
