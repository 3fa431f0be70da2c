/* option.c: values are read into a staged field, judged there, and only then put into the object,
 * so that a failure leaves the object as it was.
 */
#include "base/option.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/option_priv.h"
#include "base/quantity.h"
#include "base/utf8.h"

enum { ITEM_BYTES_MAX = 4096 };

union field {
    bool flag;
    uint64_t number;
    double ratio;
    int choice;
    struct view text;
    struct option_texts texts;
    struct option_pairs pairs;
};

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [OPTION_BOOL] = {"true or false", sizeof(bool)},
    [OPTION_COUNT] = {"number", sizeof(uint64_t)},
    [OPTION_BYTES] = {"bytes", sizeof(uint64_t)},
    [OPTION_DURATION] = {"duration", sizeof(uint64_t)},
    [OPTION_RATIO] = {"ratio", sizeof(double)},
    [OPTION_TEXT] = {"text", sizeof(struct view)},
    [OPTION_ENUM] = {"word", sizeof(int)},
    [OPTION_TEXTS] = {"list of texts", sizeof(struct option_texts)},
    [OPTION_PAIRS] = {"list of pairs", sizeof(struct option_pairs)},
};

const char *option_type_name(enum option_type type)
{
    return types[type].name;
}

static void *field_of(const struct option_row *row, void *object)
{
    return (char *)object + row->offset;
}

/* Reads the field as its type has it, whatever its place. */
static union field load(const struct option_row *row, const void *object)
{
    union field field;

    memset(&field, 0, sizeof(field));
    memcpy(&field, (const char *)object + row->offset, types[row->type].size);
    return field;
}

/* -------------------------------------------------------------------- texts */

static int check_text(const struct option_row *row, struct view text, size_t size_max,
                      char out_error[OPTION_ERROR_SIZE])
{
    if (text.size > size_max)
        return option_refuse(row, STATUS_RANGE, text, "is too long", out_error);
    if (!utf8_is_valid(text))
        return option_refuse(row, STATUS_INVALID, text, "is not UTF-8", out_error);
    if (text.size != 0 && memchr(text.data, '\0', text.size) != NULL)
        return option_refuse(row, STATUS_INVALID, text, "holds a zero byte", out_error);
    return 0;
}

static int copy_text(struct view text, struct view *out_copy)
{
    char *copy = mem_dup_text(text.data, text.size);

    if (copy == NULL)
        return STATUS_NOMEM;
    *out_copy = (struct view){copy, text.size};
    return 0;
}

static void free_text(struct view text)
{
    mem_free((void *)(uintptr_t)text.data);
}

static void free_field(enum option_type type, union field *field)
{
    if (type == OPTION_TEXT)
        free_text(field->text);
    if (type == OPTION_TEXTS) {
        for (size_t i = 0; i < field->texts.count; i++)
            free_text(field->texts.items[i]);
        mem_free(field->texts.items);
    }
    if (type == OPTION_PAIRS) {
        for (size_t i = 0; i < field->pairs.count; i++) {
            free_text(field->pairs.items[i].key);
            free_text(field->pairs.items[i].value);
        }
        mem_free(field->pairs.items);
    }
}

/* Puts a staged field, which is taken over, in the place of the old one. */
static void store(const struct option_row *row, void *object, const union field *staged)
{
    union field old = load(row, object);

    free_field(row->type, &old);
    memcpy(field_of(row, object), staged, types[row->type].size);
}

/* ------------------------------------------------------------------- scalars */

static int read_number(const struct option_row *row, struct view text, uint64_t *out_number,
                       char out_error[OPTION_ERROR_SIZE])
{
    uint64_t number = 0;
    int status;

    if (row->zero != NULL && view_equal(text, view_of(row->zero))) {
        *out_number = 0;
        return 0;
    }
    if (row->type == OPTION_BYTES)
        status = quantity_read_bytes(text, &number);
    else if (row->type == OPTION_DURATION)
        status = quantity_read_duration(text, &number);
    else
        status = quantity_read_count(text, &number);
    if (status == 0 && (number < row->min || number > row->max) &&
        (number != 0 || row->zero == NULL))
        status = STATUS_RANGE;
    if (status == STATUS_RANGE)
        return option_refuse(row, status, text, "is out of range", out_error);
    if (status != 0)
        return option_refuse(row, status, text,
                             row->type == OPTION_BYTES      ? "is no number of bytes"
                             : row->type == OPTION_DURATION ? "is no duration"
                                                            : "is no whole number",
                             out_error);
    *out_number = number;
    return 0;
}

static int read_ratio(const struct option_row *row, struct view text, double *out_ratio,
                      char out_error[OPTION_ERROR_SIZE])
{
    double ratio = 0;
    int status = quantity_read_ratio(text, &ratio);

    if (status == 0 && (ratio < (double)row->min || ratio > (double)row->max))
        status = STATUS_RANGE;
    if (status != 0)
        return option_refuse(row, status, text,
                             status == STATUS_RANGE ? "is out of range" : "is no ratio", out_error);
    *out_ratio = ratio;
    return 0;
}

static int read_choice(const struct option_row *row, struct view text, int *out_choice,
                       char out_error[OPTION_ERROR_SIZE])
{
    for (int i = 0; row->choices[i] != NULL; i++) {
        if (view_equal(text, view_of(row->choices[i]))) {
            *out_choice = i;
            return 0;
        }
    }
    return option_refuse(row, STATUS_INVALID, text, "is none of the words", out_error);
}

static int read_text(const struct option_row *row, struct view text, struct view *out_text,
                     char out_error[OPTION_ERROR_SIZE])
{
    int status = check_text(row, text, (size_t)row->max, out_error);

    if (status == 0 && text.size < row->min)
        status = option_refuse(row, STATUS_RANGE, text, "is too short", out_error);
    return status != 0 ? status : copy_text(text, out_text);
}

static int read_scalar(const struct option_row *row, struct view text, union field *out_staged,
                       char out_error[OPTION_ERROR_SIZE])
{
    switch (row->type) {
    case OPTION_BOOL:
        out_staged->flag = view_equal(text, VIEW("true"));
        if (out_staged->flag || view_equal(text, VIEW("false")))
            return 0;
        return option_refuse(row, STATUS_INVALID, text, "is neither", out_error);
    case OPTION_RATIO:
        return read_ratio(row, text, &out_staged->ratio, out_error);
    case OPTION_ENUM:
        return read_choice(row, text, &out_staged->choice, out_error);
    case OPTION_TEXT:
        return read_text(row, text, &out_staged->text, out_error);
    case OPTION_PAIRS:
        return option_refuse(row, STATUS_INVALID, text, "is no list of pairs", out_error);
    default:
        return read_number(row, text, &out_staged->number, out_error);
    }
}

int option_set(const struct option_row *row, void *object, struct view text,
               char out_error[OPTION_ERROR_SIZE])
{
    union field staged;
    size_t bad;
    int status;

    if (row->type == OPTION_TEXTS)
        return option_set_texts(row, object, &text, 1, out_error, &bad);
    memset(&staged, 0, sizeof(staged));
    status = read_scalar(row, text, &staged, out_error);
    if (status != 0)
        return status;
    status = row->check != NULL ? row->check(&staged, out_error) : 0;
    if (status != 0)
        free_field(row->type, &staged);
    else
        store(row, object, &staged);
    return status;
}

/* --------------------------------------------------------------------- lists */

static size_t *count_of(enum option_type type, union field *field)
{
    return type == OPTION_TEXTS ? &field->texts.count : &field->pairs.count;
}

/* The first item with which the list is refused, found by halves: a list that holds it is refused,
 * one that ends before it is not. */
static size_t find_bad(const struct option_row *row, union field *staged,
                       char out_error[OPTION_ERROR_SIZE])
{
    size_t *count = count_of(row->type, staged);
    size_t all = *count;
    size_t low = 1;
    size_t high = all;

    while (low < high) {
        *count = low + (high - low) / 2;
        if (row->check(staged, out_error) != 0)
            high = *count;
        else
            low = *count + 1;
    }
    *count = low;
    (void)row->check(staged, out_error); /* Once more for its message. */
    *count = all;
    return low - 1;
}

/* Judges a staged list, and stores or frees it. */
static int finish_list(const struct option_row *row, void *object, union field *staged, int status,
                       char out_error[OPTION_ERROR_SIZE], size_t *out_bad)
{
    if (status == 0 && row->check != NULL && *count_of(row->type, staged) != 0) {
        status = row->check(staged, out_error);
        if (status == STATUS_INVALID)
            *out_bad = find_bad(row, staged, out_error);
    }
    if (status != 0)
        free_field(row->type, staged);
    else
        store(row, object, staged);
    return status;
}

int option_set_texts(const struct option_row *row, void *object, const struct view *items,
                     size_t count, char out_error[OPTION_ERROR_SIZE], size_t *out_bad)
{
    union field staged;
    int status = 0;

    CHECK(row->type == OPTION_TEXTS);
    memset(&staged, 0, sizeof(staged));
    *out_bad = 0;
    if (count > row->max) {
        *out_bad = (size_t)row->max;
        return option_refuse(row, STATUS_RANGE, items[row->max], "is one item too many", out_error);
    }
    staged.texts.items = mem_calloc(count, sizeof(*staged.texts.items));
    if (staged.texts.items == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; status == 0 && i < count; i++) {
        *out_bad = i;
        status = check_text(row, items[i], ITEM_BYTES_MAX, out_error);
        if (status == 0 && items[i].size == 0)
            status = option_refuse(row, STATUS_INVALID, items[i], "is empty", out_error);
        if (status == 0)
            status = copy_text(items[i], &staged.texts.items[i]);
        if (status == 0)
            staged.texts.count++;
    }
    return finish_list(row, object, &staged, status, out_error, out_bad);
}

static int check_pair(const struct option_row *row, const struct option_pair *items, size_t which,
                      char out_error[OPTION_ERROR_SIZE])
{
    const struct option_pair *pair = &items[which];
    int status = check_text(row, pair->key, ITEM_BYTES_MAX, out_error);

    if (status == 0)
        status = check_text(row, pair->value, ITEM_BYTES_MAX, out_error);
    if (status == 0 && pair->key.size == 0)
        status = option_refuse(row, STATUS_INVALID, pair->key, "is empty", out_error);
    for (size_t i = 0; status == 0 && i < which; i++) {
        if (view_equal(items[i].key, pair->key))
            status = option_refuse(row, STATUS_INVALID, pair->key, "is told twice", out_error);
    }
    return status;
}

int option_set_pairs(const struct option_row *row, void *object, const struct option_pair *items,
                     size_t count, char out_error[OPTION_ERROR_SIZE], size_t *out_bad)
{
    union field staged;
    int status = 0;

    CHECK(row->type == OPTION_PAIRS);
    memset(&staged, 0, sizeof(staged));
    *out_bad = 0;
    if (count > row->max) {
        *out_bad = (size_t)row->max;
        return option_refuse(row, STATUS_RANGE, items[row->max].key, "is one pair too many",
                             out_error);
    }
    staged.pairs.items = mem_calloc(count, sizeof(*staged.pairs.items));
    if (staged.pairs.items == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; status == 0 && i < count; i++) {
        struct option_pair *copy = &staged.pairs.items[i];
        *out_bad = i;
        status = check_pair(row, items, i, out_error);
        if (status != 0)
            break;
        staged.pairs.count++;
        status = copy_text(items[i].key, &copy->key);
        if (status == 0)
            status = copy_text(items[i].value, &copy->value);
    }
    return finish_list(row, object, &staged, status, out_error, out_bad);
}

/* --------------------------------------------------------------------- table */

int option_table_init(const struct option_table *table, void *object)
{
    char error[OPTION_ERROR_SIZE] = "";
    int status = 0;

    memset(object, 0, table->object_size);
    for (size_t i = 0; status == 0 && i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        CHECK(row->offset + types[row->type].size <= table->object_size);
        if (row->initial != NULL)
            status = option_set(row, object, view_of(row->initial), error);
        CHECK(status == 0 || status == STATUS_NOMEM); /* A default obeys its own row. */
    }
    if (status != 0)
        option_table_release(table, object);
    return status;
}

void option_table_release(const struct option_table *table, void *object)
{
    if (object == NULL)
        return;
    for (size_t i = 0; i < table->count; i++) {
        union field field = load(&table->rows[i], object);
        free_field(table->rows[i].type, &field);
    }
    memset(object, 0, table->object_size);
}

const struct option_row *option_find(const struct option_table *table, struct view key)
{
    for (size_t i = 0; i < table->count; i++) {
        if (view_equal(view_of(table->rows[i].key), key))
            return &table->rows[i];
    }
    return NULL;
}

bool option_is_section(const struct option_table *table, struct view key)
{
    for (size_t i = 0; i < table->count; i++) {
        struct view whole = view_of(table->rows[i].key);
        if (whole.size > key.size && view_starts(whole, key) && whole.data[key.size] == '.')
            return true;
    }
    return false;
}

int option_print(const struct option_row *row, const void *object, struct buf *out)
{
    union field field = load(row, object);

    if (row->secret && row->type == OPTION_TEXT && field.text.size != 0)
        return buf_append_text(out, "***");
    switch (row->type) {
    case OPTION_BOOL:
        return buf_append_text(out, field.flag ? "true" : "false");
    case OPTION_COUNT:
    case OPTION_BYTES:
    case OPTION_DURATION:
        if (field.number == 0 && row->zero != NULL)
            return buf_append_text(out, row->zero);
        return option_print_number(row->type, field.number, out);
    case OPTION_RATIO:
        return quantity_print_ratio(field.ratio, out);
    case OPTION_TEXT:
        return buf_append_view(out, field.text);
    case OPTION_ENUM:
        return buf_append_text(out, row->choices[field.choice]);
    case OPTION_TEXTS:
    case OPTION_PAIRS:
        break;
    }
    return 0;
}
