/* svg.c: Graphviz escapes every `<` that is not its own, so tags are found by looking for `<`.
 *
 *   <title>name</title>              goes: it is the name again, or an arrow between two
 *   <a xlink:title="tooltip">..</a>  becomes <g><title>tooltip</title>..</g>
 *   <text text-anchor="start" x="..  in nodes and edges goes by its middle, which stays where it is
 *                                    when the browser's font is wider than the one that was measured
 */
#include "exporters/svg.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "exporters/escape.h"
#include "exporters/map_style.h"
#include "exporters/number.h"
#include "exporters/text_width.h"

/* Where `what` begins in `text`, or text.size. */
static size_t find(struct view text, const char *what)
{
    const char *at = text.size != 0 ? memmem(text.data, text.size, what, strlen(what)) : NULL;

    return at != NULL ? (size_t)(at - text.data) : text.size;
}

static struct view skip(struct view text, size_t size)
{
    if (size > text.size)
        size = text.size;
    return (struct view){text.data + size, text.size - size};
}

/* Behind the next `what`. */
static struct view behind(struct view text, const char *what)
{
    return skip(text, find(text, what) + strlen(what));
}

static struct view behind_line(struct view text)
{
    return text.size != 0 && text.data[0] == '\n' ? skip(text, 1) : text;
}

int svg_style(enum map_theme theme, struct buf *out)
{
    if (theme == THEME_AUTO) {
        (void)buf_append_text(out, "\n@media (prefers-color-scheme:dark){"); /* Failures stick. */
        for (size_t i = 0; i < map_dark_colours_count; i++)
            (void)buf_printf(out,
                             "\n.spanmap [fill=\"%s\"]{fill:%s}.spanmap [stroke=\"%s\"]{stroke:%s}",
                             map_dark_colours[i].light, map_dark_colours[i].dark,
                             map_dark_colours[i].light, map_dark_colours[i].dark);
        (void)buf_append_text(out, "\n}");
    }
    (void)buf_append_text(out, "\n.spanmap .edge:hover path,.spanmap .node:hover "
                               "path{stroke-opacity:.6}\n");
    return out->failed;
}

/* The value of an attribute of the tag that `rest` starts with; empty: it has none. */
static struct view attribute(struct view rest, const char *name_and_quote)
{
    struct view value = {rest.data, find(rest, ">")};

    value = behind(value, name_and_quote);
    value.size = find(value, "\"");
    return value;
}

/* A decimal as Graphviz writes it, in hundredths; strtod() would depend on the locale. */
static long hundredths(struct view number)
{
    bool negative = number.size != 0 && number.data[0] == '-';
    long value = 0;
    int places = -1; /* Behind the point; -1: before it. */

    for (size_t i = negative; i < number.size && places < 2 && value < 100000000; i++) {
        if (number.data[i] == '.') {
            places = 0;
        } else if (number.data[i] >= '0' && number.data[i] <= '9') {
            value = value * 10 + (number.data[i] - '0');
            places += places >= 0;
        } else {
            break;
        }
    }
    for (places = places < 0 ? 0 : places; places < 2; places++)
        value *= 10;
    return negative ? -value : value;
}

/* The character that an entity stands for; all that Graphviz writes are here. */
static uint32_t entity(struct view name)
{
    uint32_t character = 0;

    if (view_equal(name, VIEW("amp")))
        return '&';
    if (view_equal(name, VIEW("lt")))
        return '<';
    if (view_equal(name, VIEW("gt")))
        return '>';
    if (view_equal(name, VIEW("quot")))
        return '"';
    for (size_t i = 1; i < name.size && i < 8; i++)
        character = character * 10 + (uint32_t)(name.data[i] - '0');
    return character;
}

/* The width of a text that is written with entities, in points. */
static double width_of(struct view text, double points)
{
    double width = 0;

    while (text.size != 0) {
        size_t plain = find(text, "&");
        struct buf decoded;
        width += text_width((struct view){text.data, plain}, points);
        text = skip(text, plain);
        if (text.size == 0)
            break;
        buf_init(&decoded, 0);
        text = skip(text, 1);
        (void)utf8_append(&decoded, entity((struct view){text.data, find(text, ";")}));
        width += text_width(buf_view(&decoded), points); /* Without memory it is not centred. */
        buf_release(&decoded);
        text = behind(text, ";");
    }
    return width;
}

/* Takes ` name="value"` off the front of a tag's attributes; the name with what is around it. */
static struct view take_attribute(struct view *attributes)
{
    struct view one = {attributes->data, find(*attributes, "=\"") + 2};

    one.size = one.size < attributes->size ? one.size + find(skip(*attributes, one.size), "\"") + 1
                                           : attributes->size;
    if (one.size > attributes->size)
        one.size = attributes->size;
    *attributes = skip(*attributes, one.size);
    return one;
}

/* `<text text-anchor="start" x="10" y=..` -> `<text text-anchor="middle" x="14.2" y=..`; what else
 * there is stays, in its order, which is not the same in every Graphviz. */
static struct view centred(struct view rest, struct buf *out)
{
    double points = (double)hundredths(attribute(rest, " font-size=\"")) / 100;
    struct view text = behind(rest, ">");
    struct view attributes = skip(rest, strlen("<text"));
    double x = (double)hundredths(attribute(rest, " x=\"")) / 100;

    text.size = find(text, "</text>");
    x += width_of(text, points) / 2;
    (void)buf_append_text(out, "<text text-anchor=\"middle\" x=\""); /* Failures stick. */
    (void)number_append_double(out, round(x * 100) / 100);
    (void)buf_append_byte(out, '"');
    attributes.size = find(attributes, ">");
    while (attributes.size != 0) {
        struct view one = take_attribute(&attributes);
        if (!view_starts(one, VIEW(" text-anchor=")) && !view_starts(one, VIEW(" x=")))
            (void)buf_append_view(out, one);
    }
    return skip(rest, find(rest, ">"));
}

/* Takes one tag off the front of `rest`, which starts with `<`. `in_map`: behind the legend. */
static struct view tag(struct view rest, bool in_map, struct buf *out)
{
    static const struct view anchor = {"<a xlink:title=\"", 16};

    if (view_starts(rest, VIEW("<!--")))
        return behind_line(behind(rest, "-->"));
    if (view_starts(rest, VIEW("<title>")))
        return behind_line(behind(rest, "</title>"));
    if (view_starts(rest, anchor)) {
        struct view tooltip = skip(rest, anchor.size);
        tooltip.size = find(tooltip, "\"");
        (void)buf_append_text(out, "<g><title>"); /* Failures stick. */
        (void)buf_append_view(out, tooltip);
        (void)buf_append_text(out, "</title>");
        return behind(rest, ">");
    }
    if (view_starts(rest, VIEW("</a>"))) {
        (void)buf_append_text(out, "</g>");
        return skip(rest, 4);
    }
    if (in_map && view_starts(rest, VIEW("<text ")) &&
        view_equal(attribute(rest, " text-anchor=\""), VIEW("start")))
        return centred(rest, out);
    (void)buf_append_byte(out, '<');
    return skip(rest, 1);
}

/* Whether a tag opens the group of a node or an edge. */
static bool opens_group(struct view rest)
{
    struct view group = attribute(rest, " class=\"");

    return view_starts(rest, VIEW("<g ")) &&
           (view_starts(group, VIEW("node")) || view_starts(group, VIEW("edge")));
}

int svg_finish(struct view drawn, enum map_theme theme, struct buf *out)
{
    struct view rest = skip(drawn, find(drawn, "<svg "));
    size_t end = find(rest, "</svg>");
    bool in_map = false;

    if (rest.size == 0 || end == rest.size)
        return STATUS_INVALID;
    rest.size = end;
    (void)buf_append_text(out, "<svg class=\"spanmap\" role=\"img\" aria-label=\"Service map\"");
    rest = skip(rest, 4);
    (void)buf_append(out, rest.data, find(rest, ">"));
    rest = behind(rest, ">");
    (void)buf_append_text(out, ">\n<style>");
    (void)svg_style(theme, out);
    (void)buf_append_text(out, "</style>");
    while (rest.size != 0) {
        size_t plain = find(rest, "<");
        (void)buf_append(out, rest.data, plain);
        rest = skip(rest, plain);
        if (rest.size == 0)
            break;
        in_map = in_map || opens_group(rest);
        rest = tag(rest, in_map, out);
    }
    (void)buf_append_text(out, "</svg>\n");
    return out->failed;
}
