/* quantity.c: decimal digits and units, in integers throughout. */
#include "base/quantity.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

struct unit {
    struct view name;
    uint64_t scale;
};

/* Largest first. Bytes are printed in the units of 1,024. */
static const struct unit bytes_units[] = {
    {{"TiB", 3}, UINT64_C(1) << 40},      {{"GiB", 3}, UINT64_C(1) << 30},
    {{"MiB", 3}, UINT64_C(1) << 20},      {{"KiB", 3}, UINT64_C(1) << 10},
    {{"TB", 2}, UINT64_C(1000000000000)}, {{"GB", 2}, UINT64_C(1000000000)},
    {{"MB", 2}, UINT64_C(1000000)},       {{"KB", 2}, UINT64_C(1000)},
    {{"kB", 2}, UINT64_C(1000)},          {{"B", 1}, 1},
};

enum { PRINTED_BYTES_UNITS = 4 };

static const struct unit duration_units[] = {
    {{"h", 1}, 3600 * NS_PER_S}, {{"m", 1}, 60 * NS_PER_S}, {{"s", 1}, NS_PER_S},
    {{"ms", 2}, NS_PER_MS},      {{"us", 2}, 1000},         {{"ns", 2}, 1},
};

enum {
    DURATION_UNITS = sizeof(duration_units) / sizeof(duration_units[0]),
    BYTES_UNITS = sizeof(bytes_units) / sizeof(bytes_units[0]),
    FRACTION_DIGITS_MAX = 12,
    RATIO_DIGITS_MAX = 15,
};

/* Digits, and digits behind the point. */
struct decimal {
    uint64_t whole;
    uint64_t fraction;
    uint64_t fraction_scale; /* 10 to the number of digits behind the point. */
};

static bool is_digit(struct view text)
{
    return text.size != 0 && text.data[0] >= '0' && text.data[0] <= '9';
}

static void skip(struct view *text, size_t size)
{
    *text = (struct view){text->data + size, text->size - size};
}

/* Takes the digits off the front of `text`. */
static int take_digits(struct view *text, uint64_t *out_number)
{
    uint64_t number = 0;

    if (!is_digit(*text))
        return STATUS_INVALID;
    for (; is_digit(*text); skip(text, 1)) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text->data[0] - '0'), &number))
            return STATUS_RANGE;
    }
    *out_number = number;
    return 0;
}

static int take_decimal(struct view *text, struct decimal *out_decimal)
{
    struct decimal decimal = {.fraction_scale = 1};
    size_t digits;
    int status = take_digits(text, &decimal.whole);

    if (status != 0)
        return status;
    if (text->size != 0 && text->data[0] == '.') {
        skip(text, 1);
        digits = text->size;
        status = take_digits(text, &decimal.fraction);
        if (status != 0)
            return status;
        digits -= text->size;
        if (digits > FRACTION_DIGITS_MAX)
            return STATUS_RANGE;
        while (digits-- != 0)
            decimal.fraction_scale *= 10;
    }
    *out_decimal = decimal;
    return 0;
}

/* decimal * scale, added to *sum. */
static int add_scaled(const struct decimal *decimal, uint64_t scale, uint64_t *sum)
{
    unsigned __int128 fraction = (unsigned __int128)decimal->fraction * scale;
    uint64_t whole;
    uint64_t total;

    if (fraction % decimal->fraction_scale != 0)
        return STATUS_RANGE;
    if (__builtin_mul_overflow(decimal->whole, scale, &whole) ||
        __builtin_add_overflow(whole, (uint64_t)(fraction / decimal->fraction_scale), &whole) ||
        __builtin_add_overflow(*sum, whole, &total))
        return STATUS_RANGE;
    *sum = total;
    return 0;
}

/* The unit whose name is all letters that `text` starts with; `count`: there is none. */
static size_t take_unit(const struct unit *units, size_t count, struct view *text)
{
    size_t size = 0;
    size_t which = 0;

    while (size < text->size && !is_digit((struct view){text->data + size, text->size - size}))
        size++;
    while (which < count && !view_equal(units[which].name, (struct view){text->data, size}))
        which++;
    skip(text, size);
    return which;
}

int quantity_read_count(struct view text, uint64_t *out_count)
{
    uint64_t count;
    int status = take_digits(&text, &count);

    if (status == 0 && text.size != 0)
        return STATUS_INVALID;
    if (status == 0)
        *out_count = count;
    return status;
}

int quantity_read_bytes(struct view text, uint64_t *out_bytes)
{
    struct decimal decimal;
    uint64_t bytes = 0;
    size_t which;
    int status = take_decimal(&text, &decimal);

    if (status != 0)
        return status;
    if (text.size > 1 && text.data[0] == ' ')
        skip(&text, 1);
    which = text.size == 0 ? BYTES_UNITS - 1 : take_unit(bytes_units, BYTES_UNITS, &text);
    if (which == BYTES_UNITS || text.size != 0)
        return STATUS_INVALID;
    status = add_scaled(&decimal, bytes_units[which].scale, &bytes);
    if (status == 0)
        *out_bytes = bytes;
    return status;
}

int quantity_read_duration(struct view text, uint64_t *out_ns)
{
    uint64_t ns = 0;
    size_t next = 0;

    if (view_equal(text, VIEW("0"))) {
        *out_ns = 0;
        return 0;
    }
    do {
        struct decimal decimal;
        size_t which;
        int status = take_decimal(&text, &decimal);
        if (status != 0)
            return status;
        which = take_unit(duration_units, DURATION_UNITS, &text);
        if (which == DURATION_UNITS || which < next)
            return STATUS_INVALID;
        status = add_scaled(&decimal, duration_units[which].scale, &ns);
        if (status != 0)
            return status;
        next = which + 1;
    } while (text.size != 0);
    *out_ns = ns;
    return 0;
}

int quantity_read_ratio(struct view text, double *out_ratio)
{
    struct decimal decimal;
    uint64_t mantissa = 0;
    double divisor;
    int status = take_decimal(&text, &decimal);

    if (status != 0)
        return status;
    divisor = (double)decimal.fraction_scale;
    if (view_equal(text, VIEW("%")))
        divisor *= 100;
    else if (text.size != 0)
        return STATUS_INVALID;
    /* Both sides of the division are exact, so the ratio is the nearest there is. */
    status = add_scaled(&decimal, decimal.fraction_scale, &mantissa);
    if (status == 0 && mantissa >= UINT64_C(1000000000000000))
        status = STATUS_RANGE;
    if (status == 0)
        *out_ratio = (double)mantissa / divisor;
    return status;
}

static int print_in(const struct unit *units, size_t count, uint64_t number, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (number != 0 && number % units[i].scale == 0) {
            int status = buf_append_u64(out, number / units[i].scale);
            return status != 0 ? status : buf_append_view(out, units[i].name);
        }
    }
    return buf_append_u64(out, number);
}

int quantity_print_bytes(uint64_t bytes, struct buf *out)
{
    int status = print_in(bytes_units, PRINTED_BYTES_UNITS, bytes, out);

    /* A plain number of bytes shows that it is one. */
    return status == 0 && bytes % bytes_units[PRINTED_BYTES_UNITS - 1].scale != 0
               ? buf_append_byte(out, 'B')
               : status;
}

int quantity_print_duration(uint64_t ns, struct buf *out)
{
    return print_in(duration_units, DURATION_UNITS, ns, out);
}

int quantity_print_ratio(double ratio, struct buf *out)
{
    uint64_t mantissa = (uint64_t)llround(ratio);
    uint64_t divisor = 1;
    int digits = 0;
    int status;

    while (digits < RATIO_DIGITS_MAX && (double)mantissa / (double)divisor != ratio) {
        digits++;
        divisor *= 10;
        mantissa = (uint64_t)llround(ratio * (double)divisor);
    }
    status = buf_append_u64(out, mantissa / divisor);
    if (status != 0 || digits == 0)
        return status;
    return buf_printf(out, ".%0*llu", digits, (unsigned long long)(mantissa % divisor));
}
