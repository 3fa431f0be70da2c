/* escape.c: one loop that decodes, copies runs that need nothing, and asks the format about the
 * rest. A name is short and written once per element, so the indirect call does not show.
 */
#include "exporters/escape.h"

#include <stdio.h>

#include "base/utf8.h"

#define REPLACEMENT_TEXT "\xEF\xBF\xBD"
#define ELLIPSIS_TEXT "\xE2\x80\xA6"

enum { SCRATCH_SIZE = 16 };

/* What stands for itself in every format: most of all names. */
static bool is_harmless(char byte)
{
    return byte >= ' ' && byte < 0x7F && byte != '"' && byte != '\\' && byte != '&' &&
           byte != '<' && byte != '>' && byte != '\'';
}

static struct view behind_harmless(struct view text)
{
    size_t size = 0;

    while (size < text.size && is_harmless(text.data[size]))
        size++;
    return (struct view){text.size != 0 ? text.data + size : text.data, text.size - size};
}

/* `replace` says what stands for a character in a format, or NULL where it stands for itself. */
static int escape(struct buf *out, struct view text,
                  const char *(*replace)(uint32_t character, char scratch[SCRATCH_SIZE]))
{
    struct view rest = behind_harmless(text);
    const char *run = text.data; /* What was looked at and not yet copied. */
    char scratch[SCRATCH_SIZE];

    while (rest.size != 0) {
        const char *at = rest.data;
        bool valid;
        uint32_t character = utf8_take(&rest, &valid);
        const char *instead = valid ? replace(character, scratch) : REPLACEMENT_TEXT;
        if (instead != NULL) {
            (void)buf_append(out, run, (size_t)(at - run)); /* Failures stick to `out`. */
            (void)buf_append_text(out, instead);
            run = rest.data;
        }
        rest = behind_harmless(rest);
    }
    if (run != NULL)
        (void)buf_append(out, run, (size_t)(rest.data - run));
    return out->failed;
}

static const char *replace_none(uint32_t character, char scratch[SCRATCH_SIZE])
{
    (void)character;
    (void)scratch;
    return NULL;
}

static bool is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7F && character < 0xA0);
}

static const char *replace_json(uint32_t character, char scratch[SCRATCH_SIZE])
{
    if (character == '"')
        return "\\\"";
    if (character == '\\')
        return "\\\\";
    if (!is_control(character) && character != 0x2028 && character != 0x2029)
        return NULL;
    (void)snprintf(scratch, SCRATCH_SIZE, "\\u%04x", (unsigned)character);
    return scratch;
}

static const char *replace_label(uint32_t character, char scratch[SCRATCH_SIZE])
{
    (void)scratch;
    if (character == '"')
        return "\\\"";
    if (character == '\\')
        return "\\\\";
    if (character == 0) /* Allowed, but the end of the text to some readers. */
        return REPLACEMENT_TEXT;
    return character == '\n' ? "\\n" : NULL;
}

/* Separators of lines and paragraphs end a line; embeddings, overrides and isolates would turn the
 * text around them, too. */
static bool leaves_line(uint32_t character)
{
    return (character >= 0x2028 && character <= 0x202E) ||
           (character >= 0x2066 && character <= 0x2069);
}

static const char *replace_plain(uint32_t character, char scratch[SCRATCH_SIZE])
{
    (void)scratch;
    if (is_control(character) || leaves_line(character) || (character & 0xFFFE) == 0xFFFE)
        return REPLACEMENT_TEXT;
    return NULL;
}

static const char *replace_xml(uint32_t character, char scratch[SCRATCH_SIZE])
{
    if (character == '&')
        return "&amp;";
    if (character == '<')
        return "&lt;";
    if (character == '>')
        return "&gt;";
    if (character == '"')
        return "&quot;";
    if (character == '\'')
        return "&#39;";
    return replace_plain(character, scratch);
}

int escape_none(struct buf *out, struct view text)
{
    return escape(out, text, replace_none);
}

int escape_json(struct buf *out, struct view text)
{
    return escape(out, text, replace_json);
}

int escape_label(struct buf *out, struct view text)
{
    return escape(out, text, replace_label);
}

int escape_xml(struct buf *out, struct view text)
{
    return escape(out, text, replace_xml);
}

int escape_plain(struct buf *out, struct view text)
{
    return escape(out, text, replace_plain);
}

int escape_cut(struct buf *out, struct view text, size_t characters)
{
    struct view rest = text;
    struct view end = text;
    bool valid;

    if (text.size <= characters) /* A character has a byte at least. */
        return escape_plain(out, text);
    for (size_t taken = 0; taken < characters && rest.size != 0; taken++) {
        if (taken + 1 == characters)
            end = rest; /* Where the last one that fits begins: the ellipsis takes its place. */
        (void)utf8_take(&rest, &valid);
    }
    if (rest.size == 0)
        return escape_plain(out, text);
    (void)escape_plain(out, (struct view){text.data, (size_t)(end.data - text.data)});
    return buf_append_text(out, ELLIPSIS_TEXT);
}
