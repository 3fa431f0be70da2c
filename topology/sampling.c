/* sampling.c: finds the member `ot` of a tracestate and reads its thresholds; else takes what the
 * attributes say.
 *
 *   tracestate = member *( "," member );  member = key "=" value
 *   value of ot = field *( ";" field );   field = "th:" 1*14(hex) | "p:" 1*2(digit) | others
 *
 * A threshold T, padded on the right to 14 digits, rejects T of 2^56 traces: the rest stand for
 * 2^56 / (2^56 - T) each.
 */
#include "topology/sampling.h"

enum { THRESHOLD_DIGITS = 14, EXPONENT_ZERO = 63 };

static const uint64_t threshold_end = UINT64_C(1) << 56;

/* Takes the part before the next `divider` off the front of `text`. */
static struct view take(struct view *text, char divider)
{
    const char *end = text->size != 0 ? memchr(text->data, divider, text->size) : NULL;
    struct view part = {text->data, end != NULL ? (size_t)(end - text->data) : text->size};
    size_t used = part.size + (end != NULL ? 1 : 0);

    text->data += used;
    text->size -= used;
    return part;
}

static struct view trim(struct view text)
{
    while (text.size != 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.size--;
    }
    while (text.size != 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* The value of the first member `ot`. */
static struct view find_ot(struct view tracestate)
{
    while (tracestate.size != 0) {
        struct view member = trim(take(&tracestate, ','));
        if (view_starts(member, VIEW("ot=")))
            return (struct view){member.data + 3, member.size - 3};
    }
    return (struct view){NULL, 0};
}

static bool parse_threshold(struct view digits, uint64_t *out_threshold)
{
    uint64_t threshold = 0;

    if (digits.size == 0 || digits.size > THRESHOLD_DIGITS)
        return false;
    for (size_t i = 0; i < THRESHOLD_DIGITS; i++) {
        char digit = i < digits.size ? digits.data[i] : '0';
        threshold <<= 4;
        if (digit >= '0' && digit <= '9')
            threshold |= (uint64_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            threshold |= (uint64_t)(digit - 'a') + 10;
        else
            return false;
    }
    *out_threshold = threshold;
    return true;
}

static bool parse_exponent(struct view digits, unsigned *out_exponent)
{
    unsigned exponent = 0;

    if (digits.size == 0 || digits.size > 2)
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        exponent = exponent * 10 + (unsigned)(digits.data[i] - '0');
    }
    if (exponent > EXPONENT_ZERO)
        return false;
    *out_exponent = exponent;
    return true;
}

static struct sampling limit(uint64_t weight, uint64_t weight_max)
{
    return weight > weight_max ? (struct sampling){.weight = weight_max, .cut = true}
                               : (struct sampling){.weight = weight};
}

static struct sampling from_threshold(uint64_t threshold, uint64_t weight_max)
{
    uint64_t kept = threshold_end - threshold; /* Never 0: 14 digits are below 2^56. */
    unsigned __int128 weight = ((unsigned __int128)threshold_end << WEIGHT_SHIFT) + kept / 2;

    weight /= kept;
    return limit(weight > UINT64_MAX ? UINT64_MAX : (uint64_t)weight, weight_max);
}

static struct sampling from_exponent(unsigned exponent, uint64_t weight_max)
{
    if (exponent == EXPONENT_ZERO)
        return (struct sampling){.weight = 0};
    return limit(exponent > 40 ? UINT64_MAX : WEIGHT_ONE << exponent, weight_max);
}

/* Counts above all maxima are as good as any. */
static const double weight_most = (double)(2 * WEIGHT_MAX);

uint64_t sampling_ratio_weight(double ratio)
{
    double weight;

    if (!(ratio > 0 && ratio <= 1))
        return 0;
    weight = (double)WEIGHT_ONE / ratio; /* Infinite for the smallest. */
    return (uint64_t)(weight < weight_most ? weight + 0.5 : weight_most);
}

uint64_t sampling_rate_weight(double rate)
{
    double weight;

    if (!(rate >= 1))
        return 0;
    weight = (double)WEIGHT_ONE * rate;
    return (uint64_t)(weight < weight_most ? weight + 0.5 : weight_most);
}

struct sampling sampling_of_any(struct view tracestate, const struct attributes *span,
                                uint32_t count_max)
{
    static const enum attribute names[] = {ATTRIBUTE_SAMPLING_RATIO, ATTRIBUTE_SAMPLE_RATE};
    struct sampling sampling = {.weight = WEIGHT_ONE, .unknown = true};

    if (tracestate.size != 0)
        sampling = sampling_parse(tracestate, count_max);
    for (size_t i = 0; sampling.unknown && i < sizeof(names) / sizeof(names[0]); i++)
        if ((span->present >> names[i] & 1) != 0)
            sampling = limit((uint64_t)span->value[names[i]].number,
                             (uint64_t)count_max << WEIGHT_SHIFT);
    return sampling;
}

struct sampling sampling_parse(struct view tracestate, uint32_t count_max)
{
    struct view fields = find_ot(tracestate);
    uint64_t weight_max = (uint64_t)count_max << WEIGHT_SHIFT;
    uint64_t threshold = 0;
    unsigned exponent = 0;
    bool has_threshold = false;
    bool has_exponent = false;

    while (fields.size != 0) {
        struct view field = take(&fields, ';');
        if (!has_threshold && view_starts(field, VIEW("th:")))
            has_threshold = parse_threshold((struct view){field.data + 3, field.size - 3},
                                            &threshold);
        else if (!has_exponent && view_starts(field, VIEW("p:")))
            has_exponent = parse_exponent((struct view){field.data + 2, field.size - 2}, &exponent);
    }
    if (has_threshold)
        return from_threshold(threshold, weight_max);
    if (has_exponent)
        return from_exponent(exponent, weight_max);
    return (struct sampling){.weight = WEIGHT_ONE, .unknown = true};
}
