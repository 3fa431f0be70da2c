/* option_words.c: what is said about options: what one allows, and what is wrong with a text. */
#include "base/option_priv.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/quantity.h"
#include "base/utf8.h"

enum { SHOWN_SIZE = 64 }; /* Bytes of a user's text in a message. */

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

/* The default is the example of how a value is written, unless it is the word for 0. */
static void print_range(const struct option_row *row, const char *what, struct buf *out)
{
    (void)buf_printf(out, "%s from ", what);
    (void)option_print_number(row->type, row->min, out);
    (void)buf_append_text(out, " to ");
    (void)option_print_number(row->type, row->max, out);
    if (row->type == OPTION_RATIO)
        (void)buf_append_text(out, ", such as 0.25 or 25%");
    else if (row->type != OPTION_COUNT && row->initial[0] >= '0' && row->initial[0] <= '9')
        (void)buf_printf(out, ", such as %s", row->initial);
    if (row->zero != NULL)
        (void)buf_printf(out, ", or %s", row->zero);
}

int option_print_allowed(const struct option_row *row, struct buf *out)
{
    if (row->form != NULL)
        return buf_append_text(out, row->form);
    switch (row->type) {
    case OPTION_BOOL:
        return buf_append_text(out, "true or false");
    case OPTION_COUNT:
        print_range(row, "a number", out);
        break;
    case OPTION_BYTES:
        print_range(row, "bytes", out);
        break;
    case OPTION_DURATION:
        print_range(row, "a duration", out);
        break;
    case OPTION_RATIO:
        print_range(row, "a ratio", out);
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

/* What is wrong with a text, and what would be right. A secret stays one, also where it is wrong. */
int option_refuse(const struct option_row *row, int status, struct view text, const char *wrong,
                  char out_error[OPTION_ERROR_SIZE])
{
    char user[SHOWN_SIZE];
    const char *shown = row->secret ? "***" : utf8_show(text, user, sizeof(user));
    struct buf allowed;

    buf_init(&allowed, 0);
    if (option_print_allowed(row, &allowed) == 0)
        say(out_error, "'%s' %s; allowed: %.*s", shown, wrong, (int)allowed.size, allowed.data);
    else
        say(out_error, "'%s' %s", shown, wrong);
    buf_release(&allowed);
    return status;
}
