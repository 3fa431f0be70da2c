/* number.h: numbers as text, the same on every machine and in every locale.
 * Is:         the shortest decimal that reads back as the same double; integers without a point.
 * Threads:    any; pure.
 */
#ifndef SPANMAP_EXPORTERS_NUMBER_H
#define SPANMAP_EXPORTERS_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "topology/histogram.h"

enum { NUMBER_TEXT_MAX = 48 };

/* Each writes at most NUMBER_TEXT_MAX bytes, without an end, and returns how many. */

size_t number_write_u64(char *text, uint64_t number);

/* A double that is finite. */
size_t number_write_double(char *text, double number);

/* A sum of weights (2^20 is one): an integer unless sampling made it a fraction. */
size_t number_write_weight(char *text, uint64_t weight);

/* histogram_sum in seconds: exact, with at most nine places, where the weights are whole. */
size_t number_write_sum(char *text, histogram_sum sum);

/* The same, appended. Results as buf_append(). */
int number_append_double(struct buf *out, double number);
int number_append_weight(struct buf *out, uint64_t weight);

#endif
