/* human.c: three digits where they suffice, groups of thousands above. */
#include "exporters/human.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "exporters/number.h"
#include "topology/span.h"

static struct human text_of(const char *text)
{
    struct human human;

    (void)snprintf(human.text, sizeof(human.text), "%s", text);
    return human;
}

/* `size` digits in groups of three. */
static size_t group(char *text, const char *digits, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < size; i++) {
        if (i != 0 && (size - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return at;
}

struct human human_count(uint64_t count)
{
    char digits[20];
    struct human human;

    group(human.text, digits, number_write_u64(digits, count));
    return human;
}

/* value rounded to `places` (at most 2), without zeros at the end; not through printf, whose point
 * depends on the locale. */
static struct human fixed(double value, unsigned places)
{
    static const uint64_t scales[] = {1, 10, 100};
    uint64_t scaled = (uint64_t)llround(value * (double)scales[places]);
    struct human human = human_count(scaled / scales[places]);
    unsigned rest = (unsigned)(scaled % scales[places]);
    size_t size = strlen(human.text);

    while (places != 0 && rest % 10 == 0) {
        rest /= 10;
        places--;
    }
    if (places != 0)
        (void)snprintf(human.text + size, sizeof(human.text) - size, ".%0*u", (int)places, rest);
    return human;
}

/* 1.23, 12.3, 123, 1,234 */
static struct human significant(double value)
{
    return fixed(value, value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

static struct human with_unit(struct human number, const char *unit)
{
    size_t size = strlen(number.text);

    (void)snprintf(number.text + size, sizeof(number.text) - size, "%s", unit);
    return number;
}

struct human human_rate(double per_second)
{
    if (per_second < 0 || !isfinite(per_second))
        return text_of(HUMAN_NONE);
    if (per_second == 0)
        return text_of("0/s");
    if (per_second < 0.01)
        return text_of("<0.01/s");
    if (per_second < 9999.5)
        return with_unit(significant(per_second), "/s");
    if (per_second < 999500)
        return with_unit(significant(per_second / 1e3), "k/s");
    return with_unit(significant(per_second < 1e15 ? per_second / 1e6 : 1e9), "M/s");
}

/* The two largest units. */
static struct human long_span(double seconds)
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    uint64_t whole = seconds < 1e15 ? (uint64_t)llround(seconds) : (uint64_t)1e15;
    struct human human = text_of("0 s");

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t count = whole / units[i].seconds;
        uint64_t rest;
        size_t size;
        if (count == 0)
            continue;
        rest = i + 1 < sizeof(units) / sizeof(units[0])
                   ? (whole - count * units[i].seconds) / units[i + 1].seconds
                   : 0;
        human = with_unit(with_unit(human_count(count), " "), units[i].name);
        size = strlen(human.text);
        if (rest != 0 && !(units[i].seconds == 60 && count >= 10))
            (void)snprintf(human.text + size, sizeof(human.text) - size, " %u %s", (unsigned)rest,
                           units[i + 1].name);
        break;
    }
    return human;
}

struct human human_seconds(double seconds)
{
    if (seconds < 0 || !isfinite(seconds))
        return text_of(HUMAN_NONE);
    if (seconds == 0)
        return text_of("0 ms");
    if (seconds < 0.9995e-6)
        return with_unit(significant(seconds * 1e9), " ns");
    if (seconds < 0.9995e-3)
        return with_unit(significant(seconds * 1e6), " \xC2\xB5s");
    if (seconds < 0.9995)
        return with_unit(significant(seconds * 1e3), " ms");
    if (seconds < 59.95)
        return with_unit(significant(seconds), " s");
    return long_span(seconds);
}

struct human human_share(uint64_t part, uint64_t whole)
{
    double percent;

    if (whole == 0)
        return text_of(HUMAN_NONE);
    if (part == 0)
        return text_of("0%");
    if (part >= whole)
        return text_of("100%");
    percent = (double)part / (double)whole * 100;
    if (percent < 0.05)
        return text_of("<0.1%");
    if (percent >= 99.95)
        return text_of(">99.9%");
    return with_unit(fixed(percent, percent < 9.95 || percent >= 99 ? 1 : 0), "%");
}

struct human human_weight(uint64_t weight)
{
    if (weight % WEIGHT_ONE == 0)
        return human_count(weight >> WEIGHT_SHIFT);
    return fixed((double)weight / (double)WEIGHT_ONE, 2);
}
