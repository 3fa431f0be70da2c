/* config_yaml.c: walks libyaml's events against the option table. No tree is built; what is no
 * option is told and passed over. The walk is bounded: sections are as deep as the table's keys,
 * anything else by DEPTH_MAX (libyaml takes quadratic time for deep nesting), and aliases, which
 * could multiply a small file, are refused.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engine/config_priv.h"

enum { DEPTH_MAX = 32, ERROR_SIZE = 256, SHOWN_SIZE = 64 };

/* One item of a list: a text, or a pair. Both texts are owned. */
struct item {
    struct view key;
    struct view value;
    yaml_mark_t mark;
};

struct items {
    struct item *items;
    size_t count;
    size_t capacity;
};

/* What was seen of a row in this source: the option itself, and the sections that start with it. */
struct seen {
    size_t line;       /* Of the option; 0: not yet. */
    uint64_t sections; /* Bit n: the section of n + 1 parts. */
};

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    const struct config_sources *sources;
    const char *label;
    bool is_file;
    struct view text;
    struct config_faults *faults;
    struct options *options;
    struct seen *seen; /* One a row. */
    size_t depth;
    struct items items;
};

/* -------------------------------------------------------------------- events */

static struct config_place place_of(const struct reader *reader, yaml_mark_t mark)
{
    return (struct config_place){
        .label = reader->label,
        .line = reader->is_file ? mark.line + 1 : 0,
        .column = reader->is_file || mark.line == 0 ? mark.column + 1 : 0,
    };
}

static struct view scalar_of(const yaml_event_t *event)
{
    return (struct view){(const char *)event->data.scalar.value, event->data.scalar.length};
}

/* libyaml gives no mark where the bytes themselves are wrong. */
static yaml_mark_t mark_of_offset(struct view text, size_t offset)
{
    yaml_mark_t mark = {.index = offset};

    for (size_t i = 0; i < offset && i < text.size; i++) {
        mark.column = text.data[i] == '\n' ? 0 : mark.column + 1;
        mark.line += text.data[i] == '\n';
    }
    return mark;
}

static int fail_syntax(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    bool is_bytes = parser->error == YAML_READER_ERROR;
    struct config_place place = place_of(
        reader,
        is_bytes ? mark_of_offset(reader->text, parser->problem_offset) : parser->problem_mark);

    if (parser->error == YAML_MEMORY_ERROR)
        return STATUS_NOMEM;
    return config_fault(reader->faults, &place, "this is no YAML: %s%s%s",
                        parser->problem != NULL ? parser->problem : "",
                        parser->context != NULL ? " " : "",
                        parser->context != NULL ? parser->context : "");
}

/* The next event. Returns: 0; STATUS_INVALID (told; reading ends); STATUS_NOMEM. */
static int next(struct reader *reader)
{
    yaml_event_delete(&reader->event);
    if (yaml_parser_parse(&reader->parser, &reader->event) == 0)
        return fail_syntax(reader);
    switch (reader->event.type) {
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        reader->depth++;
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        reader->depth--;
        break;
    default:
        break;
    }
    if (reader->depth > DEPTH_MAX) {
        struct config_place place = place_of(reader, reader->event.start_mark);
        return config_fault(reader->faults, &place, "this is nested more than %d deep", DEPTH_MAX);
    }
    return 0;
}

/* Passes over the node whose first event is there, to its last. */
static int skip_node(struct reader *reader)
{
    yaml_event_type_t type = reader->event.type;
    size_t outside = reader->depth - 1;
    int status = 0;

    if (type != YAML_MAPPING_START_EVENT && type != YAML_SEQUENCE_START_EVENT)
        return 0;
    while (status == 0 && reader->depth != outside)
        status = next(reader);
    return status;
}

/* Tells of the event that is there, and passes over its node. Returns: 0; STATUS_NOMEM; else as
 * next(). */
static int refuse_node(struct reader *reader, struct view path, const char *wrong)
{
    struct config_place place = place_of(reader, reader->event.start_mark);
    const char *colon = path.size != 0 ? ": " : "";
    char shown[CONFIG_KEY_MAX];

    if (reader->event.type == YAML_ALIAS_EVENT)
        wrong = "aliases are not taken; write the value itself";
    if (config_fault(reader->faults, &place, "%s%s%s", utf8_show(path, shown, sizeof(shown)), colon,
                     wrong) == STATUS_NOMEM)
        return STATUS_NOMEM;
    return skip_node(reader);
}

/* ------------------------------------------------------------------- scalars */

/* Whether the scalar says that there is no value. */
static bool is_null(const yaml_event_t *event)
{
    struct view text;

    if (event->type != YAML_SCALAR_EVENT || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    text = scalar_of(event);
    return text.size == 0 || view_equal(text, VIEW("~")) || view_equal(text, VIEW("null"));
}

/* The scalar that is there, its variables replaced. Returns: 0; STATUS_INVALID (told);
 * STATUS_NOMEM. */
static int expand_scalar(struct reader *reader, struct view path, struct buf *out)
{
    struct config_place place = place_of(reader, reader->event.start_mark);
    char error[ERROR_SIZE] = "";
    int status = config_expand(reader->sources, scalar_of(&reader->event), error, out);

    if (status == STATUS_INVALID)
        status = config_fault(reader->faults, &place, "%.*s: %s", (int)path.size, path.data, error);
    return status;
}

static int read_scalar(struct reader *reader, const struct option_row *row)
{
    struct config_place place = place_of(reader, reader->event.start_mark);
    char error[ERROR_SIZE] = "";
    struct buf text;
    int status;

    buf_init(&text, CONFIG_VALUE_MAX);
    status = expand_scalar(reader, view_of(row->key), &text);
    if (status == 0) {
        status = option_set(row, reader->options, buf_view(&text), error);
        if (status != 0 && status != STATUS_NOMEM)
            status = config_fault(reader->faults, &place, "%s: %s", row->key, error);
    }
    buf_release(&text);
    return status == STATUS_NOMEM ? status : 0;
}

/* --------------------------------------------------------------------- lists */

static void free_items(struct items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        mem_free((void *)(uintptr_t)items->items[i].key.data);
        mem_free((void *)(uintptr_t)items->items[i].value.data);
    }
    mem_free(items->items);
    *items = (struct items){0};
}

static int add_item(struct items *items, struct item **out_item)
{
    if (items->count == items->capacity) {
        size_t capacity = items->capacity != 0 ? items->capacity * 2 : 16;
        struct item *grown = mem_realloc(items->items, capacity * sizeof(*grown));
        if (grown == NULL)
            return STATUS_NOMEM;
        items->items = grown;
        items->capacity = capacity;
    }
    *out_item = &items->items[items->count++];
    **out_item = (struct item){0};
    return 0;
}

/* The scalar that is there as a text of its own; what is wrong is told, and counted in *bad. */
static int take_text(struct reader *reader, const struct option_row *row, bool *bad,
                     struct view *out_text)
{
    struct buf text;
    char *copy;
    int status;

    if (reader->event.type != YAML_SCALAR_EVENT || is_null(&reader->event)) {
        *bad = true;
        return refuse_node(reader, view_of(row->key), "a text is expected here");
    }
    buf_init(&text, CONFIG_VALUE_MAX);
    status = expand_scalar(reader, view_of(row->key), &text);
    if (status == 0) {
        copy = mem_dup_text(text.data, text.size);
        status = copy != NULL ? 0 : STATUS_NOMEM;
        if (copy != NULL)
            *out_text = (struct view){copy, text.size};
    }
    buf_release(&text);
    if (status == STATUS_INVALID)
        *bad = true;
    return status == STATUS_INVALID ? 0 : status;
}

static int read_text_item(struct reader *reader, const struct option_row *row, bool *bad)
{
    struct item *item;
    int status = add_item(&reader->items, &item);

    if (status != 0)
        return status;
    item->mark = reader->event.start_mark;
    return take_text(reader, row, bad, &item->key);
}

/* The pairs of a map that has been entered, to its end. */
static int read_map_pairs(struct reader *reader, const struct option_row *row, bool *bad)
{
    int status = next(reader);

    while (status == 0 && reader->event.type != YAML_MAPPING_END_EVENT) {
        struct item *item;
        status = add_item(&reader->items, &item);
        if (status != 0)
            break;
        item->mark = reader->event.start_mark;
        status = take_text(reader, row, bad, &item->key);
        if (status == 0)
            status = next(reader);
        item = &reader->items.items[reader->items.count - 1];
        if (status == 0)
            status = take_text(reader, row, bad, &item->value);
        if (status == 0)
            status = next(reader);
    }
    return status;
}

static int read_pair_item(struct reader *reader, const struct option_row *row, bool *bad)
{
    if (reader->event.type == YAML_MAPPING_START_EVENT)
        return read_map_pairs(reader, row, bad);
    *bad = true;
    return refuse_node(reader, view_of(row->key), "a pair is expected here, KEY: VALUE");
}

/* Hands the items over to the option. */
static int store_items(struct reader *reader, const struct option_row *row, yaml_mark_t start)
{
    const struct items *items = &reader->items;
    struct view *texts = mem_calloc(items->count, sizeof(*texts));
    struct option_pair *pairs = mem_calloc(items->count, sizeof(*pairs));
    char error[ERROR_SIZE] = "";
    size_t which = 0;
    int status = texts != NULL && pairs != NULL ? 0 : STATUS_NOMEM;

    for (size_t i = 0; status == 0 && i < items->count; i++) {
        texts[i] = items->items[i].key;
        pairs[i] = (struct option_pair){items->items[i].key, items->items[i].value};
    }
    if (status == 0 && row->type == OPTION_TEXTS)
        status = option_set_texts(row, reader->options, texts, items->count, error, &which);
    else if (status == 0)
        status = option_set_pairs(row, reader->options, pairs, items->count, error, &which);
    mem_free(texts);
    mem_free(pairs);
    if (status != 0 && status != STATUS_NOMEM) {
        struct config_place place = place_of(reader, which < items->count ? items->items[which].mark
                                                                          : start);
        status = config_fault(reader->faults, &place, "%s: %s", row->key, error);
    }
    return status == STATUS_NOMEM ? status : 0;
}

static int read_list(struct reader *reader, const struct option_row *row)
{
    yaml_mark_t start = reader->event.start_mark;
    bool bad = false;
    int status = 0;

    if (reader->event.type == YAML_MAPPING_START_EVENT) {
        status = read_map_pairs(reader, row, &bad);
    } else {
        status = next(reader);
        while (status == 0 && reader->event.type != YAML_SEQUENCE_END_EVENT) {
            status = row->type == OPTION_TEXTS ? read_text_item(reader, row, &bad)
                                               : read_pair_item(reader, row, &bad);
            if (status == 0)
                status = next(reader);
        }
    }
    if (status == 0 && !bad)
        status = store_items(reader, row, start);
    free_items(&reader->items);
    return status;
}

/* ------------------------------------------------------------------- options */

/* Tells that the option stood in this source before. */
static int tell_twice(struct reader *reader, struct view path, const struct config_place *place,
                      size_t line_before)
{
    int status;

    if (reader->is_file && line_before != 0)
        status = config_fault(reader->faults, place, "%.*s: told before, in line %zu",
                              (int)path.size, path.data, line_before);
    else
        status = config_fault(reader->faults, place, "%.*s: told before", (int)path.size,
                              path.data);
    return status == STATUS_NOMEM ? status : 0;
}

static int read_option(struct reader *reader, const struct option_row *row)
{
    struct config_place place = place_of(reader, reader->event.start_mark);
    struct seen *seen = &reader->seen[row - spanmap_options.rows];
    yaml_event_type_t type = reader->event.type;
    int status = 0;

    if (seen->line != 0)
        status = tell_twice(reader, view_of(row->key), &place, seen->line);
    seen->line = reader->event.start_mark.line + 1;
    if (status != 0)
        return status;
    if (is_null(&reader->event))
        return refuse_node(reader, view_of(row->key), "there is no value");
    if (type == YAML_SCALAR_EVENT)
        return read_scalar(reader, row);
    if ((type == YAML_SEQUENCE_START_EVENT &&
         (row->type == OPTION_TEXTS || row->type == OPTION_PAIRS)) ||
        (type == YAML_MAPPING_START_EVENT && row->type == OPTION_PAIRS))
        return read_list(reader, row);
    if (row->type == OPTION_TEXTS)
        return refuse_node(reader, view_of(row->key), "a list of texts is expected here");
    return refuse_node(reader, view_of(row->key),
                       row->type == OPTION_TEXT
                           ? "a text is expected here; one that starts with [ or { needs quotes"
                           : "a single value is expected here");
}

/* The first row that stands in a section. */
static struct seen *seen_of_section(struct reader *reader, struct view path)
{
    for (size_t i = 0; i < spanmap_options.count; i++) {
        struct view key = view_of(spanmap_options.rows[i].key);
        if (key.size > path.size && view_starts(key, path) && key.data[path.size] == '.')
            return &reader->seen[i];
    }
    CHECK(path.size == 0);
    return &reader->seen[0];
}

/* Notes that a section is opened. Returns: whether it was open before. */
static bool note_section(struct reader *reader, struct view path)
{
    struct seen *seen = seen_of_section(reader, path);
    uint64_t bit = 1;
    bool before;

    if (path.size == 0)
        return false;
    for (size_t i = 0; i < path.size; i++)
        bit <<= path.data[i] == '.';
    before = (seen->sections & bit) != 0;
    seen->sections |= bit;
    return before;
}

static int read_node(struct reader *reader, struct view path);

/* One key and its value. The key's event is there. */
static int read_member(struct reader *reader, struct view path)
{
    struct config_place place = place_of(reader, reader->event.start_mark);
    char name[CONFIG_KEY_MAX];
    struct view key;
    struct view whole;
    int status;

    if (reader->event.type != YAML_SCALAR_EVENT) {
        status = refuse_node(reader, path, "a key is expected here");
        status = status == 0 ? next(reader) : status;
        return status == 0 ? skip_node(reader) : status;
    }
    key = scalar_of(&reader->event);
    if (path.size + 1 + key.size >= sizeof(name))
        key.size = sizeof(name) - path.size - 2; /* No option's key is as long. */
    memcpy(name, path.size != 0 ? path.data : "", path.size);
    name[path.size] = '.';
    memcpy(name + path.size + 1, key.data, key.size);
    whole = path.size != 0 ? (struct view){name, path.size + 1 + key.size}
                           : (struct view){name + 1, key.size};
    if (option_find(&spanmap_options, whole) == NULL &&
        !option_is_section(&spanmap_options, whole)) {
        if (config_fault_unknown(reader->faults, &place, whole) == STATUS_NOMEM)
            return STATUS_NOMEM;
        status = next(reader);
        return status == 0 ? skip_node(reader) : status;
    }
    status = next(reader);
    return status == 0 ? read_node(reader, whole) : status;
}

static int read_section(struct reader *reader, struct view path)
{
    struct config_place place = place_of(reader, reader->event.start_mark);
    int status = 0;

    if (is_null(&reader->event))
        return 0; /* A section in which nothing is set. */
    if (reader->event.type != YAML_MAPPING_START_EVENT)
        return refuse_node(reader, path,
                           path.size != 0 ? "this is a section: options are expected below it"
                                          : "a map of options is expected");
    if (note_section(reader, path))
        status = tell_twice(reader, path, &place, 0);
    if (status == 0)
        status = next(reader);
    while (status == 0 && reader->event.type != YAML_MAPPING_END_EVENT) {
        status = read_member(reader, path);
        if (status == 0)
            status = next(reader);
    }
    return status;
}

/* The first event of a value is there; afterwards its last one is. */
static int read_node(struct reader *reader, struct view path)
{
    const struct option_row *row = option_find(&spanmap_options, path);

    return row != NULL ? read_option(reader, row) : read_section(reader, path);
}

/* ------------------------------------------------------------------ document */

static int read_document(struct reader *reader, struct view path)
{
    int status = next(reader); /* The stream's start. */

    if (status == 0)
        status = next(reader);
    if (status != 0 || reader->event.type == YAML_STREAM_END_EVENT)
        return status;
    status = next(reader);
    if (status == 0)
        status = read_node(reader, path);
    if (status == 0)
        status = next(reader); /* The document's end. */
    if (status == 0)
        status = next(reader);
    if (status == 0 && reader->event.type == YAML_DOCUMENT_START_EVENT) {
        struct config_place place = place_of(reader, reader->event.start_mark);
        status = config_fault(reader->faults, &place,
                              "a second document starts here; one is taken");
    }
    return status;
}

int config_read_yaml(const struct config_sources *sources, const char *label, struct view path,
                     struct view text, struct config_faults *faults, struct options *options)
{
    struct reader reader = {
        .sources = sources,
        .label = label,
        .is_file = path.size == 0,
        .faults = faults,
        .options = options,
    };
    int status;

    if (view_starts(text, VIEW("\xef\xbb\xbf")))
        text = (struct view){text.data + 3, text.size - 3};
    reader.text = text;
    if (yaml_parser_initialize(&reader.parser) == 0)
        return STATUS_NOMEM;
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        &reader.parser, (const unsigned char *)(text.size != 0 ? text.data : ""), text.size);
    reader.seen = mem_calloc(spanmap_options.count, sizeof(*reader.seen));
    status = reader.seen != NULL ? read_document(&reader, path) : STATUS_NOMEM;
    free_items(&reader.items);
    mem_free(reader.seen);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return status == STATUS_INVALID ? 0 : status; /* What is invalid was told. */
}
