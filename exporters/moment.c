/* moment.c: days are counted in the proleptic Gregorian calendar.
 * Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (the arithmetic of days).
 */
#include "exporters/moment.h"

#include <ctype.h>
#include <inttypes.h>

#include "base/quantity.h"

enum { DAY_S = 86400, YEAR_MIN = 1970, YEAR_MAX = 2261 /* uint64_t nanoseconds, and some room. */ };

/* ------------------------------------------------------------------ reading */

/* What is left to read. */
struct text {
    const char *at;
    const char *end;
    bool is_wrong;
};

/* Exactly `digits` of them. */
static int64_t number(struct text *text, unsigned digits, int64_t min, int64_t max)
{
    int64_t value = 0;

    for (unsigned i = 0; i < digits; i++) {
        if (text->at == text->end || isdigit((unsigned char)*text->at) == 0) {
            text->is_wrong = true;
            return min;
        }
        value = value * 10 + (*text->at++ - '0');
    }
    text->is_wrong |= value < min || value > max;
    return value;
}

/* Whether it is one of these, and gone past. */
static bool is_next(struct text *text, const char *characters)
{
    for (; *characters != '\0'; characters++)
        if (text->at != text->end && *text->at == *characters) {
            text->at++;
            return true;
        }
    return false;
}

static void expect(struct text *text, const char *characters)
{
    text->is_wrong |= !is_next(text, characters);
}

/* Behind a point; more than nine digits are cut. */
static uint64_t fraction_ns(struct text *text)
{
    uint64_t ns = 0;
    uint64_t unit = NS_PER_S / 10;

    if (!is_next(text, "."))
        return 0;
    text->is_wrong |= text->at == text->end || isdigit((unsigned char)*text->at) == 0;
    for (; text->at != text->end && isdigit((unsigned char)*text->at) != 0; text->at++) {
        ns += (uint64_t)(*text->at - '0') * unit;
        unit /= 10;
    }
    return ns;
}

static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t years = month <= 2 ? year - 1 : year;
    int64_t era = years / 400;
    int64_t of_era = years - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t days_in(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

/* Seconds east of UTC. A `+` may have become a space on its way through a query. */
static int64_t offset_s(struct text *text)
{
    bool is_west;
    int64_t hours, minutes;

    if (is_next(text, "Zz"))
        return 0;
    is_west = is_next(text, "-");
    if (!is_west)
        expect(text, "+ ");
    hours = number(text, 2, 0, 23);
    expect(text, ":");
    minutes = number(text, 2, 0, 59);
    return (is_west ? -1 : 1) * (hours * 3600 + minutes * 60);
}

static int read_date(struct view view, struct moment *out_moment)
{
    struct text text = {view.data, view.data + view.size, false};
    int64_t year, month, day, seconds;
    uint64_t ns;

    year = number(&text, 4, YEAR_MIN, YEAR_MAX);
    expect(&text, "-");
    month = number(&text, 2, 1, 12);
    expect(&text, "-");
    if (text.is_wrong)
        return STATUS_INVALID;
    day = number(&text, 2, 1, days_in(year, month));
    expect(&text, "Tt ");
    seconds = number(&text, 2, 0, 23) * 3600;
    expect(&text, ":");
    seconds += number(&text, 2, 0, 59) * 60;
    expect(&text, ":");
    seconds += number(&text, 2, 0, 60); /* A leap second is the next one. */
    ns = fraction_ns(&text);
    seconds -= offset_s(&text);
    seconds += days_of(year, month, day) * DAY_S;
    if (text.is_wrong || text.at != text.end || seconds <= 0)
        return STATUS_INVALID;
    *out_moment = (struct moment){.ns = (uint64_t)seconds * NS_PER_S + ns};
    return 0;
}

static int read_seconds(struct view view, struct moment *out_moment)
{
    struct text text = {view.data, view.data + view.size, false};
    uint64_t seconds = 0;
    uint64_t ns;

    while (text.at != text.end && isdigit((unsigned char)*text.at) != 0 && seconds < 1000000000000)
        seconds = seconds * 10 + (uint64_t)(*text.at++ - '0');
    ns = fraction_ns(&text);
    if (text.is_wrong || text.at != text.end || seconds == 0 || seconds > UINT32_MAX * UINT64_C(2))
        return STATUS_INVALID;
    *out_moment = (struct moment){.ns = seconds * NS_PER_S + ns};
    return 0;
}

int moment_read(struct view text, struct moment *out_moment)
{
    struct moment moment = {.is_ago = true};

    if (text.size == 0 || text.size > 64)
        return STATUS_INVALID;
    if (text.data[0] == '-') {
        if (quantity_read_duration((struct view){text.data + 1, text.size - 1}, &moment.ns) != 0 ||
            moment.ns == 0)
            return STATUS_INVALID;
        *out_moment = moment;
        return 0;
    }
    if (text.size > 4 && text.data[4] == '-')
        return read_date(text, out_moment);
    return isdigit((unsigned char)text.data[0]) != 0 ? read_seconds(text, out_moment)
                                                     : STATUS_INVALID;
}

struct wall_time moment_at(const struct moment *moment, struct wall_time now)
{
    if (!moment->is_ago)
        return (struct wall_time){moment->ns};
    return (struct wall_time){moment->ns < now.ns ? now.ns - moment->ns : 1};
}

/* ------------------------------------------------------------------ printing */

int moment_print(struct wall_time time, struct buf *out)
{
    int64_t seconds = (int64_t)(time.ns / NS_PER_S);
    int64_t days = seconds / DAY_S + 719468;
    int64_t era = days / 146097;
    int64_t of_era = days - era * 146097;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
    int64_t month = (5 * of_year + 2) / 153;
    int64_t day = of_year - (153 * month + 2) / 5 + 1;

    month += month < 10 ? 3 : -9;
    years += era * 400 + (month <= 2 ? 1 : 0);
    seconds %= DAY_S;
    return buf_printf(
        out, "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64 "Z",
        years, month, day, seconds / 3600, seconds / 60 % 60, seconds % 60);
}
