/* option_yaml.c: a writer for the few shapes that options have. libyaml's own emitter would bring
 * the library below daemon/, and writes no comments.
 */
#include "base/option_yaml.h"

#include <string.h>

#include "base/utf8.h"

enum { INDENT = 2, COMMENT_WIDTH = 96 };

struct writer {
    const struct option_table *table;
    const void *object;
    struct option_yaml_style style;
    struct buf *out;
};

/* ------------------------------------------------------------------- scalars */

/* Words that some version of YAML takes for a truth or for nothing. */
static bool is_special(struct view text)
{
    static const char *const words[] = {"true", "false", "yes", "no",  "on",  "off", "null", "y",
                                        "n",    "~",     "nan", "inf", "***", "---", "..."};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i]) == text.size && strncasecmp(words[i], text.data, text.size) == 0)
            return true;
    }
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether a text is a text without quotes, to any reader of YAML. */
static bool is_plain(struct view text)
{
    if (text.size == 0 || (!is_letter(text.data[0]) && text.data[0] != '/') || is_special(text))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool inner_colon = c == ':' && i + 1 < text.size;
        if (!is_letter(c) && (c < '0' || c > '9') && strchr("_./-", c) == NULL && !inner_colon)
            return false;
    }
    return true;
}

static uint32_t character_at(const char *data, size_t size)
{
    const unsigned char *at = (const unsigned char *)data;
    uint32_t character = size == 1   ? at[0]
                         : size == 2 ? at[0] & 0x1fU
                         : size == 3 ? at[0] & 0x0fU
                                     : at[0] & 0x07U;

    for (size_t i = 1; i < size; i++)
        character = character << 6 | (at[i] & 0x3fU);
    return character;
}

/* What a file of YAML may not hold as such, or would be folded. */
static bool needs_escape(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0x2028 ||
           character == 0x2029 || character == 0xfeff || character == 0xfffe || character == 0xffff;
}

static int print_quoted(struct view text, struct buf *out)
{
    (void)buf_append_byte(out, '"');
    while (text.size != 0) {
        size_t size = utf8_size(text);
        uint32_t character = size != 0 ? character_at(text.data, size) : 0xfffd;
        if (character == '"' || character == '\\')
            (void)buf_printf(out, "\\%c", (int)character);
        else if (character == '$')
            (void)buf_append_text(out, "$$");
        else if (size == 0 || needs_escape(character))
            (void)buf_printf(out, "\\u%04x", (unsigned)character);
        else
            (void)buf_append(out, text.data, size);
        size += size == 0;
        text = (struct view){text.data + size, text.size - size};
    }
    (void)buf_append_byte(out, '"');
    return out->failed; /* Of any of the appends. */
}

int option_yaml_text(struct view text, struct buf *out)
{
    return is_plain(text) ? buf_append_view(out, text) : print_quoted(text, out);
}

/* --------------------------------------------------------------------- lines */

static void indent(const struct writer *writer, size_t depth)
{
    for (size_t i = 0; i < depth * INDENT; i++)
        (void)buf_append_byte(writer->out, ' ');
}

/* One comment line for as many words as fit. */
static void print_comment(const struct writer *writer, size_t depth, struct view text)
{
    size_t width = COMMENT_WIDTH - depth * INDENT;

    while (text.size != 0) {
        size_t size = text.size;
        if (size > width) {
            for (size = width; size > 0 && text.data[size] != ' ';)
                size--;
            if (size == 0)
                size = width;
        }
        indent(writer, depth);
        (void)buf_append_text(writer->out, "# ");
        (void)buf_append(writer->out, text.data, size);
        (void)buf_append_byte(writer->out, '\n');
        while (size < text.size && text.data[size] == ' ')
            size++;
        text = (struct view){text.data + size, text.size - size};
    }
}

static void comment_row(const struct writer *writer, const struct option_row *row, size_t depth)
{
    struct buf allowed;

    buf_init(&allowed, 0);
    print_comment(writer, depth, view_of(row->prose));
    (void)buf_append_text(&allowed, "Allowed: ");
    (void)option_print_allowed(row, &allowed);
    (void)buf_append_byte(&allowed, '.');
    if (allowed.failed != 0)
        writer->out->failed = allowed.failed;
    else
        print_comment(writer, depth, buf_view(&allowed));
    buf_release(&allowed);
}

static void print_texts(const struct writer *writer, const struct option_texts *texts, size_t depth)
{
    if (texts->count == 0)
        (void)buf_append_text(writer->out, " []");
    (void)buf_append_byte(writer->out, '\n');
    for (size_t i = 0; i < texts->count; i++) {
        indent(writer, depth);
        (void)buf_append_text(writer->out, "- ");
        (void)option_yaml_text(texts->items[i], writer->out);
        (void)buf_append_byte(writer->out, '\n');
    }
}

/* A list of maps of one pair each, since the order of pairs may matter. */
static void print_pairs(const struct writer *writer, const struct option_pairs *pairs, size_t depth,
                        bool is_secret)
{
    if (pairs->count == 0)
        (void)buf_append_text(writer->out, " []");
    (void)buf_append_byte(writer->out, '\n');
    for (size_t i = 0; i < pairs->count; i++) {
        indent(writer, depth);
        (void)buf_append_text(writer->out, "- ");
        (void)option_yaml_text(pairs->items[i].key, writer->out);
        (void)buf_append_text(writer->out, ": ");
        (void)option_yaml_text(is_secret ? VIEW("***") : pairs->items[i].value, writer->out);
        (void)buf_append_byte(writer->out, '\n');
    }
}

static void print_scalar(const struct writer *writer, const struct option_row *row)
{
    struct buf text;

    (void)buf_append_byte(writer->out, ' ');
    if (row->type != OPTION_TEXT && row->type != OPTION_ENUM && row->zero == NULL) {
        (void)option_print(row, writer->object, writer->out);
    } else {
        buf_init(&text, 0);
        (void)option_print(row, writer->object, &text);
        /* A number is none that needs quotes, though it does not start with a letter. */
        if (text.failed != 0)
            writer->out->failed = text.failed;
        else if (row->type != OPTION_TEXT && text.size != 0 && text.data[0] <= '9')
            (void)buf_append_view(writer->out, buf_view(&text));
        else
            (void)option_yaml_text(buf_view(&text), writer->out);
        buf_release(&text);
    }
    (void)buf_append_byte(writer->out, '\n');
}

/* ---------------------------------------------------------------------- rows */

/* The next part of a key, taken off its front. */
static struct view take_part(struct view *key)
{
    const char *dot = key->size != 0 ? memchr(key->data, '.', key->size) : NULL;
    struct view part = {key->data, dot != NULL ? (size_t)(dot - key->data) : key->size};
    size_t taken = dot != NULL ? part.size + 1 : part.size;

    *key = (struct view){key->data + taken, key->size - taken};
    return part;
}

/* Opens those sections of a row that the row before did not stand in; the row's depth. */
static size_t open_sections(const struct writer *writer, const char *key, const char *before,
                            struct view *out_last)
{
    struct view rest = view_of(key);
    struct view rest_before = view_of(before != NULL ? before : "");
    struct view part = take_part(&rest);
    bool same = before != NULL;
    size_t depth = 0;

    for (; rest.size != 0; depth++) {
        struct view part_before = take_part(&rest_before);
        if (!same || rest_before.size == 0 || !view_equal(part, part_before)) {
            if (writer->style.comments && depth == 0)
                (void)buf_append_byte(writer->out, '\n');
            indent(writer, depth);
            (void)buf_append_view(writer->out, part);
            (void)buf_append_text(writer->out, ":\n");
            same = false;
        }
        part = take_part(&rest);
    }
    *out_last = part;
    return depth;
}

static void print_row(const struct writer *writer, const struct option_row *row, const char *before)
{
    struct view last;
    size_t depth = open_sections(writer, row->key, before, &last);
    const void *field = (const char *)writer->object + row->offset;

    if (writer->style.comments)
        comment_row(writer, row, depth);
    indent(writer, depth);
    (void)buf_append_view(writer->out, last);
    (void)buf_append_byte(writer->out, ':');
    if (row->type == OPTION_TEXTS)
        print_texts(writer, field, depth + 1);
    else if (row->type == OPTION_PAIRS)
        print_pairs(writer, field, depth + 1, row->secret);
    else
        print_scalar(writer, row);
}

int option_yaml_print(const struct option_table *table, const void *object,
                      struct option_yaml_style style, struct buf *out)
{
    struct writer writer = {table, object, style, out};

    for (size_t i = 0; i < table->count; i++)
        print_row(&writer, &table->rows[i], i != 0 ? table->rows[i - 1].key : NULL);
    return out->failed;
}
