/* number.c: fast for what maps are full of (whole counts, whole nanoseconds), the C library for the
 * rest.
 *
 * A decimal of at most 15 digits names at most one double, so whatever reads back through it is the
 * shortest one. printf's point depends on the host's locale and is put right.
 */
#include "exporters/number.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "topology/span.h"

static const double exact_max = 1e15; /* Below it 15 digits suffice. */

size_t number_write_u64(char *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    if (number < 10) { /* As most whole seconds are. */
        *text = (char)('0' + number);
        return 1;
    }
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    memcpy(text, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

/* units * 10^-9 without zeros at the end. */
static size_t write_billionths(char *text, uint64_t whole, uint32_t billionths)
{
    size_t size = number_write_u64(text, whole);
    size_t count = 9;

    if (billionths == 0)
        return size;
    while (billionths % 10 == 0) {
        billionths /= 10;
        count--;
    }
    text[size++] = '.';
    for (size_t i = count; i-- > 0;) {
        text[size + i] = (char)('0' + billionths % 10);
        billionths /= 10;
    }
    return size + count;
}

/* Copies what printf wrote and makes its point, of one byte or more, a point. */
static size_t copy_number(char *text, const char *from)
{
    size_t size = 0;
    bool in_point = false;

    for (; *from != '\0'; from++) {
        if (strchr("0123456789+-e", *from) != NULL) {
            text[size++] = *from;
            in_point = false;
        } else if (!in_point) {
            text[size++] = '.';
            in_point = true;
        }
    }
    return size;
}

static size_t write_by_library(char *text, double number)
{
    char printed[40];

    /* Below DBL_MIN a double has fewer digits than 15. */
    for (int precision = fabs(number) < DBL_MIN ? 1 : 15; precision <= 17; precision++) {
        (void)snprintf(printed, sizeof(printed), "%.*g", precision, number);
        if (strtod(printed, NULL) == number)
            break;
    }
    return copy_number(text, printed);
}

size_t number_write_double(char *text, double number)
{
    double positive = fabs(number);
    double scaled = positive * 1e9;
    size_t sign = 0;
    uint64_t units;

    CHECK(isfinite(number));
    if (number < 0)
        text[sign++] = '-';
    if (positive < exact_max && positive == floor(positive))
        return sign + number_write_u64(text + sign, (uint64_t)positive);
    if (scaled < exact_max) {
        units = (uint64_t)(scaled + 0.5); /* What is a whole number of them is nearly one here. */
        if ((double)units / 1e9 == positive)
            return sign + write_billionths(text + sign, units / 1000000000,
                                           (uint32_t)(units % 1000000000));
    }
    return write_by_library(text, number);
}

size_t number_write_weight(char *text, uint64_t weight)
{
    if (weight % WEIGHT_ONE == 0)
        return number_write_u64(text, weight >> WEIGHT_SHIFT);
    return number_write_double(text, (double)weight / (double)WEIGHT_ONE);
}

size_t number_write_sum(char *text, histogram_sum sum)
{
    histogram_sum ns = sum >> WEIGHT_SHIFT;

    if (sum % WEIGHT_ONE == 0 && ns / 1000000000 <= UINT64_MAX)
        return write_billionths(text, (uint64_t)(ns / 1000000000), (uint32_t)(ns % 1000000000));
    return number_write_double(text, (double)((long double)sum / (long double)WEIGHT_ONE / 1e9L));
}

int number_append_double(struct buf *out, double number)
{
    char text[NUMBER_TEXT_MAX];

    return buf_append(out, text, number_write_double(text, number));
}

int number_append_weight(struct buf *out, uint64_t weight)
{
    char text[NUMBER_TEXT_MAX];

    return buf_append(out, text, number_write_weight(text, weight));
}
