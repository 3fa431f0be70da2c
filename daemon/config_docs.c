/* config_docs.c: texts around the option table. */
#include "daemon/config_docs.h"

#include <stdio.h>
#include <string.h>

#include "base/option_yaml.h"
#include "engine/options.h"

enum { HELP_KEY_WIDTH = 36, HELP_WIDTH = 100 };

static const char reference_head[] =
    "# Configuration\n"
    "\n"
    "This page is made from the option table by `spanmap check --print-reference`; a test compares\n"
    "them. `spanmap run`, `check` and `map` take the same options, later ones winning: the\n"
    "defaults, then the file of `-c FILE`, then each `--set KEY=VALUE` in its order.\n"
    "\n"
    "The file is YAML. Dots of a key are nested maps, and may also be written as dots:\n"
    "\n"
    "```yaml\n"
    "listen:\n"
    "  grpc: 0.0.0.0:4317\n"
    "pairing.wait: 5s\n"
    "names:\n"
    "  cidr:\n"
    "    10.0.0.0/8: internal\n"
    "```\n"
    "\n"
    "- Values: bytes are written `64MiB`, `1GB` or `65536`; durations `10s`, `1h30m` or `250ms`.\n"
    "- Environment: `${env:NAME}` (or `${NAME}`) in a value is the variable's text,\n"
    "  `${env:NAME:-default}` also where it is not set. `$$` is a dollar, and so is any `$` that\n"
    "  no `{` follows. A variable without a value or default is an error.\n"
    "- `--set` takes the value as it stands, with no need for quotes; lists and maps in YAML's flow\n"
    "  form: `--set 'web.hosts=[map.example.org]'`, `--set 'names.cidr={10.0.0.0/8: internal}'`.\n"
    "- An unknown key, a key told twice, an alias or a value outside its bounds is an error, told\n"
    "  with line and column. `spanmap check -c FILE` tells all of them, or prints the whole\n"
    "  effective configuration.\n"
    "- `auto` is worked out at the start, from the machine or from `memory.limit`.\n"
    "\n"
    "`deploy/spanmap.example.yaml` holds every option with its default.\n";

static const char example_head[] =
    "# Every option of spanmap with its default; a file needs only those that differ.\n"
    "# `spanmap check -c FILE` tests a file, docs/CONFIGURATION.md says more.\n"
    "# This one is made from the option table by `spanmap check --print-example`.\n";

/* The first sentence of a row's prose. */
static struct view first_sentence(const char *prose)
{
    const char *end = strstr(prose, ". ");

    return (struct view){prose, end != NULL ? (size_t)(end - prose) + 1 : strlen(prose)};
}

/* How many bytes of `text` fit on a line of `width`; it is cut at a space where it can be. */
static size_t line_size(struct view text, size_t width)
{
    size_t size = width;

    if (text.size <= width)
        return text.size;
    while (size > 0 && text.data[size] != ' ')
        size--;
    return size != 0 ? size : width;
}

static void print_help_row(const struct option_row *row, struct buf *out)
{
    const char *left = row->key;
    struct view rest;
    struct buf text;

    buf_init(&text, 0);
    (void)buf_append_view(&text, first_sentence(row->prose));
    if (row->initial != NULL && row->initial[0] != '\0')
        (void)buf_printf(&text, " [%s]", row->initial);
    if (text.failed != 0)
        out->failed = text.failed;
    for (rest = buf_view(&text); rest.size != 0; left = "") {
        size_t size = line_size(rest, HELP_WIDTH - HELP_KEY_WIDTH - 2);
        (void)buf_printf(out, "  %-*s%.*s\n", HELP_KEY_WIDTH, left, (int)size, rest.data);
        while (size < rest.size && rest.data[size] == ' ')
            size++;
        rest = (struct view){rest.data + size, rest.size - size};
    }
    buf_release(&text);
}

int config_docs_help(struct buf *out)
{
    (void)buf_append_text(out, "Options of the configuration, for FILE and --set, with their "
                               "defaults:\n");
    for (size_t i = 0; i < spanmap_options.count; i++)
        print_help_row(&spanmap_options.rows[i], out);
    return out->failed;
}

static struct view section_of(const char *key)
{
    const char *dot = strchr(key, '.');

    return (struct view){key, dot != NULL ? (size_t)(dot - key) : strlen(key)};
}

static void print_default(const struct option_row *row, struct buf *out)
{
    if (row->initial == NULL)
        (void)buf_append_text(out, "empty");
    else if (row->initial[0] == '\0')
        (void)buf_append_text(out, "`\"\"`");
    else
        (void)buf_printf(out, "`%s`", row->initial);
}

/* Markdown must not take what stands in prose for its own. */
static void print_prose(const char *prose, struct buf *out)
{
    for (; *prose != '\0'; prose++) {
        if (strchr("*_<`", *prose) != NULL)
            (void)buf_append_byte(out, '\\');
        (void)buf_append_byte(out, *prose);
    }
}

static void print_reference_row(const struct option_row *row, struct buf *out)
{
    (void)buf_printf(out, "\n### `%s`\n\n", row->key);
    print_prose(row->prose, out);
    (void)buf_printf(out, "\n\n- Type: %s%s%s%s\n- Default: ", option_type_name(row->type),
                     row->unit != NULL ? " (" : "", row->unit != NULL ? row->unit : "",
                     row->unit != NULL ? ")" : "");
    print_default(row, out);
    (void)buf_append_text(out, "\n- Allowed: ");
    (void)option_print_allowed(row, out);
    (void)buf_append_text(out, row->reloads ? "\n- Changes while running: yes\n"
                                            : "\n- Changes while running: no, read at the start\n");
}

int config_docs_reference(struct buf *out)
{
    struct view before = {NULL, 0};

    (void)buf_append_text(out, reference_head);
    for (size_t i = 0; i < spanmap_options.count; i++) {
        struct view section = section_of(spanmap_options.rows[i].key);
        if (!view_equal(section, before))
            (void)buf_printf(out, "\n## %.*s\n", (int)section.size, section.data);
        before = section;
        print_reference_row(&spanmap_options.rows[i], out);
    }
    return out->failed;
}

int config_docs_example(struct buf *out)
{
    struct option_yaml_style style = {.comments = true};
    struct options options;
    int status = options_init(&options);

    if (status != 0)
        return status;
    (void)buf_append_text(out, example_head);
    status = option_yaml_print(&spanmap_options, &options, style, out);
    options_release(&options);
    return status;
}
