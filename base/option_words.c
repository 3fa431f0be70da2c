/* option_words.c: what is said about options: what one allows, what is wrong with a text, which
 * key was meant.
 */
#include "base/option_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/quantity.h"
#include "base/utf8.h"

enum { SHOWN_MAX = 60 }; /* Bytes of a user's text in a message. */

/* ------------------------------------------------------------------ messages */

static void say(char out_error[OPTION_ERROR_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(char out_error[OPTION_ERROR_SIZE], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(out_error, OPTION_ERROR_SIZE, format,
                    args); /* A cut message is still a message. */
    va_end(args);
}

/* A user's text on one line of a terminal: cut, and without control characters. */
static const char *shown(struct view text, char out[SHOWN_MAX + 4])
{
    size_t size = 0;

    while (size < text.size) {
        struct view rest = {text.data + size, text.size - size};
        size_t step = utf8_size(rest);
        if (size + (step != 0 ? step : 1) > SHOWN_MAX)
            break;
        if (step == 0 || (unsigned char)rest.data[0] < ' ' || rest.data[0] == 0x7f) {
            out[size++] = '?';
            continue;
        }
        memcpy(out + size, rest.data, step);
        size += step;
    }
    memcpy(out + size, size < text.size ? "..." : "", size < text.size ? 4 : 1);
    return out;
}

int option_print_number(enum option_type type, uint64_t number, struct buf *out)
{
    if (type == OPTION_BYTES)
        return quantity_print_bytes(number, out);
    if (type == OPTION_DURATION)
        return quantity_print_duration(number, out);
    return buf_append_u64(out, number);
}

static void print_choices(const struct option_row *row, struct buf *out)
{
    for (size_t i = 0; row->choices[i] != NULL; i++) {
        if (i != 0)
            (void)buf_append_text(out, row->choices[i + 1] == NULL ? " or " : ", ");
        (void)buf_append_text(out, row->choices[i]);
    }
}

static void print_range(const struct option_row *row, const char *what, const char *example,
                        struct buf *out)
{
    (void)buf_printf(out, "%s from ", what);
    (void)option_print_number(row->type, row->min, out);
    (void)buf_append_text(out, " to ");
    (void)option_print_number(row->type, row->max, out);
    (void)buf_append_text(out, example);
    if (row->zero != NULL)
        (void)buf_printf(out, ", or %s", row->zero);
}

int option_print_allowed(const struct option_row *row, struct buf *out)
{
    switch (row->type) {
    case OPTION_BOOL:
        return buf_append_text(out, "true or false");
    case OPTION_COUNT:
        print_range(row, "a number", "", out);
        break;
    case OPTION_BYTES:
        print_range(row, "bytes", ", such as 64MiB", out);
        break;
    case OPTION_DURATION:
        print_range(row, "a duration", ", such as 10s", out);
        break;
    case OPTION_RATIO:
        print_range(row, "a ratio", ", such as 0.25 or 25%", out);
        break;
    case OPTION_TEXT:
        return buf_printf(out, "a text of at most %llu bytes", (unsigned long long)row->max);
    case OPTION_ENUM:
        print_choices(row, out);
        break;
    case OPTION_TEXTS:
        return buf_printf(out, "a list of at most %llu texts", (unsigned long long)row->max);
    case OPTION_PAIRS:
        return buf_printf(out, "a map or a list of at most %llu pairs",
                          (unsigned long long)row->max);
    }
    return out->failed; /* Of any of the appends. */
}

/* What is wrong with a text, and what would be right. */
int option_refuse(const struct option_row *row, int status, struct view text, const char *wrong,
                  char out_error[OPTION_ERROR_SIZE])
{
    char user[SHOWN_MAX + 4];
    struct buf allowed;

    buf_init(&allowed, 0);
    if (option_print_allowed(row, &allowed) == 0)
        say(out_error, "'%s' %s; allowed: %.*s", shown(text, user), wrong, (int)allowed.size,
            allowed.data);
    else
        say(out_error, "'%s' %s", shown(text, user), wrong);
    buf_release(&allowed);
    return status;
}

/* --------------------------------------------------------------- suggestions */

/* How many letters must be put in, left out, changed or swapped with the next one. */
static size_t distance(struct view a, struct view b)
{
    size_t rows[3][OPTION_KEY_BYTES_MAX + 1];

    for (size_t j = 0; j <= b.size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t *now = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t best = above[j - 1] + (a.data[i - 1] != b.data[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
                a.data[i - 2] == b.data[j - 1] && two_above[j - 2] + 1 < best)
                best = two_above[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[a.size % 3][b.size];
}

static size_t dots_in(struct view key)
{
    size_t dots = 0;

    for (size_t i = 0; i < key.size; i++)
        dots += key.data[i] == '.';
    return dots;
}

/* As many parts of the whole key as another has. */
static struct view same_parts(struct view whole, size_t dots)
{
    for (size_t i = 0; i < whole.size; i++) {
        if (whole.data[i] == '.' && dots-- == 0)
            return (struct view){whole.data, i};
    }
    return whole;
}

static struct view last_part(struct view key)
{
    for (size_t i = key.size; i > 0; i--) {
        if (key.data[i - 1] == '.')
            return (struct view){key.data + i, key.size - i};
    }
    return key;
}

struct view option_suggest(const struct option_table *table, struct view key)
{
    struct view best = {NULL, 0};
    size_t dots = dots_in(key);
    size_t nearest = key.size / 3 + 2; /* What is further away is another word. */

    if (key.size == 0 || key.size > OPTION_KEY_BYTES_MAX)
        return best;
    for (size_t i = 0; i < table->count; i++) {
        struct view whole = view_of(table->rows[i].key);
        struct view candidate = same_parts(whole, dots);
        size_t changes = distance(key, candidate);
        CHECK(whole.size <= OPTION_KEY_BYTES_MAX);
        if (changes < nearest) {
            nearest = changes;
            best = candidate;
        }
    }
    for (size_t i = 0; best.size == 0 && i < table->count; i++) {
        struct view whole = view_of(table->rows[i].key);
        if (view_equal(last_part(whole), last_part(key)))
            best = whole;
    }
    return best;
}
