/* dot_writer.c: literals and cells.
 *
 * Two kinds of literal stand in the text. In quotes, a name is made plain, its quotes and
 * backslashes escaped and its `&` written as an entity, since Graphviz reads \N and &entities; in
 * all texts it shows. In HTML labels it is made plain, escaped as XML, and its backslashes doubled.
 */
#include "exporters/dot_priv.h"

#include <string.h>

#include "exporters/escape.h"
#include "exporters/map_style.h"
#include "exporters/text_width.h"

/* Empties one of the two, so that its next text can be said. */
struct buf *dot_anew(struct drawing *drawing, struct buf *text)
{
    if (drawing->status == 0)
        drawing->status = text->failed;
    buf_reset(text);
    return text;
}

const char *dot_colour(const struct drawing *drawing, const char *colour)
{
    return map_theme_colour(drawing->theme, colour);
}

/* Up to the next that means something in quotes. All of these are ASCII, so no character is cut. */
static struct view plain_run(struct view text)
{
    size_t size = 0;

    while (size < text.size && text.data[size] != '"' && text.data[size] != '\\' &&
           text.data[size] != '&' && text.data[size] != '\n')
        size++;
    return (struct view){text.data, size};
}

/* "...", newlines kept as Graphviz writes them. `backslash` is what stands for one. */
static void quoted_as(struct drawing *drawing, struct view text, const char *backslash)
{
    struct buf *out = drawing->out;
    size_t at = 0;

    (void)buf_append_byte(out, '"');
    while (at < text.size) {
        struct view run = plain_run((struct view){text.data + at, text.size - at});
        (void)escape_plain(out, run);
        at += run.size;
        if (at == text.size)
            break;
        if (text.data[at] == '"')
            (void)buf_append_text(out, "\\\"");
        else if (text.data[at] == '\\')
            (void)buf_append_text(out, backslash);
        else if (text.data[at] == '&')
            (void)buf_append_text(out, "&amp;");
        else
            (void)buf_append_text(out, "\\n");
        at++;
    }
    (void)buf_append_byte(out, '"');
}

/* A name is taken as it is; a tooltip's escapes are read twice (Graphviz 2.42). */
void dot_quoted(struct drawing *drawing, struct view name)
{
    quoted_as(drawing, name, "\\\\");
}

void dot_tooltip(struct drawing *drawing, struct view text)
{
    quoted_as(drawing, text, "\\\\\\\\");
}

/* A plain text inside of <...>. A lone `]` is a syntax error to Graphviz. */
void dot_html(struct drawing *drawing, struct view text)
{
    const struct buf *plain = dot_anew(drawing, &drawing->plain);

    (void)escape_xml(&drawing->plain, text); /* Failures stick, and write() looks at them. */
    for (size_t i = 0; i < plain->size; i++) {
        if (plain->data[i] == '\\')
            (void)buf_append_text(drawing->out, "\\\\");
        else if (plain->data[i] == ']')
            (void)buf_append_text(drawing->out, "&#93;");
        else
            (void)buf_append_byte(drawing->out, plain->data[i]);
    }
}

/* An id, as dot.h writes it. */
void dot_encoded(struct buf *out, struct view id)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < id.size; i++) {
        unsigned char byte = (unsigned char)id.data[i];
        char escaped[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
            (byte >= 'a' && byte <= 'z') || (byte != 0 && strchr("-._~/", byte) != NULL))
            (void)buf_append_byte(out, (char)byte);
        else
            (void)buf_append(out, escaped, sizeof(escaped));
    }
}

/* The name of a node in the text: its id, which two hostile nodes may share. */
void dot_node_name(struct drawing *drawing, uint32_t index)
{
    const struct map_node *node = &drawing->graph.nodes[index];
    struct buf *text = dot_anew(drawing, &drawing->text);
    size_t twins = 0;

    while (index > twins && view_equal(node[-1 - (ptrdiff_t)twins].id, node->id))
        twins++;
    (void)buf_append_view(text, node->id);
    if (twins != 0)
        (void)buf_printf(text, " (%zu)", twins + 1);
    dot_quoted(drawing, buf_view(text));
}

/* Wide enough for the widest of common fonts: the browser's need not be the one that was measured.
 * In steps, so that changing figures seldom move the map. */
unsigned dot_cell_width(const struct writing *writing, struct view text)
{
    const double slack = writing->bold ? 1.3 : 1.18;
    const unsigned step = 6;

    return ((unsigned)(text_width(text, writing->points) * slack) + 3 + step) / step * step;
}

unsigned dot_cell_height(const struct writing *writing)
{
    return writing->points * 5 / 4 + 1; /* Lines are 1.2 times their letters. */
}

/* A cell with a text in its middle. */
void dot_cell(struct drawing *drawing, const struct writing *writing, struct view text)
{
    struct buf *out = drawing->out;

    (void)buf_printf(out,
                     "<TD FIXEDSIZE=\"TRUE\" WIDTH=\"%u\" HEIGHT=\"%u\"><FONT POINT-SIZE=\"%u\" "
                     "COLOR=\"%s\">%s",
                     dot_cell_width(writing, text), dot_cell_height(writing), writing->points,
                     dot_colour(drawing, writing->colour), writing->bold ? "<B>" : "");
    dot_html(drawing, text);
    (void)buf_append_text(out, writing->bold ? "</B></FONT></TD>" : "</FONT></TD>");
}
