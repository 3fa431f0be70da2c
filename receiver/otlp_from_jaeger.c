/* otlp_from_jaeger.c: traces as Jaeger's UI and query API show them. The spans of a process become one
 * ResourceSpans; they are sorted for that, so that the work does not grow with processes times spans.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "receiver/otlp_from_priv.h"
#include "receiver/otlp_json_scalar.h"

struct row {
    const char *process_id; /* "": none. */
    const json_t *process;  /* NULL: unknown. */
    size_t index;           /* Of the span in its trace. */
};

/* ------------------------------------------------------------------ tags */

static bool says_true(const json_t *value)
{
    return json_is_true(value) ||
           (json_is_string(value) && strcmp(json_string_value(value), "true") == 0);
}

/* A tag's value by its JSON type; where that is a string (as Elasticsearch keeps all of them), by the
 * type that is written beside it. */
static int write_value(struct from *on, const json_t *tag, const json_t *value)
{
    const char *type = json_string_value(json_object_get(tag, "type"));
    struct view text = {json_string_value(value), json_string_length(value)};
    uint64_t number = 0;
    double real = 0;
    size_t begin;
    int status;

    if (type == NULL)
        type = "";
    if (json_is_boolean(value) || (json_is_string(value) && strcmp(type, "bool") == 0)) {
        proto_write_varint(on->out, VALUE_BOOL, says_true(value));
        return 0;
    }
    if ((json_is_integer(value) || strcmp(type, "int64") == 0) && strcmp(type, "float64") != 0 &&
        otlp_json_read_integer(value, true, 64, &number)) {
        proto_write_varint(on->out, VALUE_INT, number);
        return 0;
    }
    if (json_is_number(value) || strcmp(type, "float64") == 0) {
        status = otlp_json_read_double(value, &real);
        if (status == 0)
            proto_write_double(on->out, VALUE_DOUBLE, real);
        return status == STATUS_INVALID ? from_fail(on, "a number is expected") : status;
    }
    if (!json_is_string(value))
        return 0; /* Null, or what Jaeger has no type for: an empty value. */
    if (strcmp(type, "binary") != 0) {
        proto_write_bytes(on->out, VALUE_STRING, text);
        return 0;
    }
    begin = proto_write_begin(on->out, VALUE_BYTES);
    status = otlp_json_put_base64(text, on->out);
    proto_write_end(on->out, begin);
    return status == STATUS_INVALID ? from_fail(on, "base64 is expected") : status;
}

static int write_tag(struct from *on, uint32_t field, const json_t *tag, struct view key)
{
    size_t begin = proto_write_begin(on->out, field);
    size_t inner;
    int status;

    proto_write_bytes(on->out, KEY_VALUE_KEY, key);
    inner = proto_write_begin(on->out, KEY_VALUE_VALUE);
    from_enter(on, "value", 0);
    status = write_value(on, tag, json_object_get(tag, "value"));
    if (status != 0)
        return status;
    from_leave(on);
    proto_write_end(on->out, inner);
    proto_write_end(on->out, begin);
    return 0;
}

/* The tags in `object`'s array `name` as attributes. With `meaning`, those that say what OTLP has
 * fields for are noted there instead. */
static int write_tags(struct from *on, const json_t *object, const char *name, uint32_t field,
                      struct from_meaning *meaning)
{
    const json_t *tags;
    const json_t *tag;
    bool has_error = false;
    size_t i;
    int status = from_array(on, object, name, &tags);

    if (status != 0 || tags == NULL)
        return status;
    from_enter(on, name, 0);
    json_array_foreach(tags, i, tag)
    {
        const json_t *value = json_object_get(tag, "value");
        struct view text = {json_string_value(value), json_string_length(value)};
        struct view key;
        from_enter(on, NULL, i);
        if (!json_is_object(tag))
            return from_fail(on, "an object is expected");
        status = from_text(on, tag, "key", &key);
        if (status != 0)
            return status;
        if (meaning != NULL && view_equal(key, VIEW("error")) && says_true(value))
            has_error = true;
        else if (meaning == NULL || !json_is_string(value) ||
                 !from_take_meaning(meaning, key, text))
            status = write_tag(on, field, tag, key);
        if (status != 0)
            return status;
        from_leave(on);
    }
    if (has_error && meaning->status == SPAN_STATUS_UNSET)
        meaning->status = SPAN_STATUS_ERROR;
    from_leave(on);
    return 0;
}

/* ------------------------------------------------------------------ references */

struct reference {
    struct view trace;
    struct view span;
    bool is_child_of;
};

static int read_reference(struct from *on, const json_t *value, struct reference *out_reference)
{
    struct view type;
    int status;

    if (!json_is_object(value))
        return from_fail(on, "an object is expected");
    status = from_text(on, value, "refType", &type);
    if (status == 0)
        status = from_text(on, value, "traceID", &out_reference->trace);
    if (status == 0)
        status = from_text(on, value, "spanID", &out_reference->span);
    out_reference->is_child_of = view_equal(type, VIEW("CHILD_OF"));
    return status;
}

static int write_link(struct from *on, const struct reference *reference)
{
    size_t begin = proto_write_begin(on->out, SPAN_LINKS);
    int status = from_write_id(on, "traceID", LINK_TRACE_ID, reference->trace, TRACE_ID_DIGITS);

    if (status == 0)
        status = from_write_id(on, "spanID", LINK_SPAN_ID, reference->span, SPAN_ID_DIGITS);
    proto_write_end(on->out, begin);
    return status;
}

/* The place of the parent among the references: the first CHILD_OF of the same trace, else the first
 * reference of the same trace. */
static int find_parent(struct from *on, const json_t *references, struct view trace,
                       size_t *out_parent)
{
    bool is_found = false;
    const json_t *value;
    size_t i;

    *out_parent = SIZE_MAX;
    json_array_foreach(references, i, value)
    {
        struct reference reference;
        int status;
        from_enter(on, NULL, i);
        status = read_reference(on, value, &reference);
        if (status != 0)
            return status;
        from_leave(on);
        if (is_found || !view_equal(reference.trace, trace))
            continue;
        if (*out_parent == SIZE_MAX || reference.is_child_of)
            *out_parent = i;
        is_found = reference.is_child_of;
    }
    return 0;
}

/* The parent, and links for the other references. */
static int write_references(struct from *on, const json_t *span, struct view trace)
{
    const json_t *references;
    const json_t *value;
    struct view parent;
    size_t parent_at;
    size_t i;
    int status = from_array(on, span, "references", &references);

    if (status == 0)
        status = from_text(on, span, "parentSpanID", &parent); /* Of older versions. */
    if (status != 0)
        return status;
    from_enter(on, "references", 0);
    status = find_parent(on, references, trace, &parent_at);
    if (status != 0)
        return status;
    json_array_foreach(references, i, value)
    {
        struct reference reference;
        from_enter(on, NULL, i);
        status = read_reference(on, value, &reference);
        if (status == 0 && i == parent_at)
            parent = reference.span;
        else if (status == 0)
            status = write_link(on, &reference);
        if (status != 0)
            return status;
        from_leave(on);
    }
    from_leave(on);
    return from_write_id(on, "parentSpanID", SPAN_PARENT_ID, parent, SPAN_ID_DIGITS);
}

/* ------------------------------------------------------------------ spans */

/* The name of an event is its field `event`, or `message`. */
static struct view event_name(const json_t *fields)
{
    struct view name = {"", 0};
    const json_t *field;
    size_t i;

    json_array_foreach(fields, i, field)
    {
        const char *key = json_string_value(json_object_get(field, "key"));
        const json_t *value = json_object_get(field, "value");
        bool is_event = key != NULL && strcmp(key, "event") == 0;
        if (!json_is_string(value) || (!is_event && (key == NULL || strcmp(key, "message") != 0)))
            continue;
        name = (struct view){json_string_value(value), json_string_length(value)};
        if (is_event)
            break;
    }
    return name;
}

static int write_logs(struct from *on, const json_t *span)
{
    const json_t *logs;
    const json_t *log;
    size_t i;
    int status = from_array(on, span, "logs", &logs);

    if (status != 0)
        return status;
    from_enter(on, "logs", 0);
    json_array_foreach(logs, i, log)
    {
        size_t begin = proto_write_begin(on->out, SPAN_EVENTS);
        uint64_t time_ns;
        from_enter(on, NULL, i);
        if (!json_is_object(log))
            return from_fail(on, "an object is expected");
        status = from_micros(on, log, "timestamp", &time_ns);
        if (status == 0)
            proto_write_fixed64(on->out, EVENT_TIME, time_ns);
        proto_write_bytes(on->out, EVENT_NAME, event_name(json_object_get(log, "fields")));
        if (status == 0)
            status = write_tags(on, log, "fields", EVENT_ATTRIBUTES, NULL);
        if (status != 0)
            return status;
        proto_write_end(on->out, begin);
        from_leave(on);
    }
    from_leave(on);
    return 0;
}

static int write_times(struct from *on, const json_t *span)
{
    uint64_t start_ns;
    uint64_t duration_ns = 0;
    int status = from_micros(on, span, "startTime", &start_ns);

    if (status == 0)
        status = from_micros(on, span, "duration", &duration_ns);
    if (status != 0)
        return status;
    if (duration_ns > UINT64_MAX - start_ns)
        return from_fail(on, "startTime and duration are too large");
    proto_write_fixed64(on->out, SPAN_START, start_ns);
    proto_write_fixed64(on->out, SPAN_END, start_ns + duration_ns);
    return 0;
}

static int write_span(struct from *on, const json_t *span)
{
    struct from_meaning meaning = {.kind = SPAN_KIND_UNSPECIFIED};
    size_t begin = proto_write_begin(on->out, SCOPE_SPANS_SPANS);
    struct view trace;
    struct view id;
    struct view name;
    int status = from_text(on, span, "traceID", &trace);

    if (status == 0)
        status = from_text(on, span, "spanID", &id);
    if (status == 0)
        status = from_text(on, span, "operationName", &name);
    if (status == 0)
        status = from_write_id(on, "traceID", SPAN_TRACE_ID, trace, TRACE_ID_DIGITS);
    if (status == 0)
        status = from_write_id(on, "spanID", SPAN_ID, id, SPAN_ID_DIGITS);
    if (status == 0)
        status = write_references(on, span, trace);
    if (status == 0)
        status = write_times(on, span);
    if (status == 0)
        status = write_tags(on, span, "tags", SPAN_ATTRIBUTES, &meaning);
    if (status == 0)
        status = write_logs(on, span);
    if (status != 0)
        return status;
    proto_write_bytes(on->out, SPAN_NAME, name);
    from_write_meaning(on, &meaning);
    proto_write_end(on->out, begin);
    return 0;
}

/* ------------------------------------------------------------------ processes */

static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;
    int order = strcmp(a->process_id, b->process_id);

    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

/* Of each span its process, by the id or in the span itself; sorted by process. */
static int make_rows(struct from *on, const json_t *trace, const json_t *spans, struct row *rows)
{
    const json_t *processes = json_object_get(trace, "processes");
    const json_t *span;
    size_t i;

    json_array_foreach(spans, i, span)
    {
        const char *id = json_string_value(json_object_get(span, "processID"));
        from_enter(on, NULL, i);
        if (!json_is_object(span))
            return from_fail(on, "an object is expected");
        from_leave(on);
        rows[i] = (struct row){id != NULL ? id : "", json_object_get(span, "process"), i};
        if (id != NULL)
            rows[i].process = json_object_get(processes, id);
    }
    qsort(rows, json_array_size(spans), sizeof(*rows), compare_rows);
    return 0;
}

static int write_resource(struct from *on, const struct row *row)
{
    size_t begin = proto_write_begin(on->out, RESOURCE_SPANS_RESOURCE);
    struct view service;
    int status;

    if (row->process == NULL || json_is_null(row->process)) {
        proto_write_end(on->out, begin);
        return 0;
    }
    if (!json_is_object(row->process))
        return from_fail(on, "the span's process is not an object");
    status = from_text(on, row->process, "serviceName", &service);
    if (status == 0 && service.size != 0)
        from_write_text_attribute(on, RESOURCE_ATTRIBUTES, VIEW("service.name"), service);
    if (status == 0)
        status = write_tags(on, row->process, "tags", RESOURCE_ATTRIBUTES, NULL);
    proto_write_end(on->out, begin);
    return status;
}

/* Writes the spans of the process of the first row. `out_count` is how many there are. */
static int write_process(struct from *on, const json_t *spans, const struct row *rows,
                         size_t rows_count, size_t *out_count)
{
    size_t begin = proto_write_begin(on->out, REQUEST_RESOURCE_SPANS);
    size_t inner;
    size_t count = 0;
    int status;

    from_enter(on, NULL, rows[0].index); /* What is wrong with a process is told at a span of it. */
    status = write_resource(on, &rows[0]);
    if (status != 0)
        return status;
    from_leave(on);
    inner = proto_write_begin(on->out, RESOURCE_SPANS_SCOPE_SPANS);
    for (; count < rows_count && rows[count].process == rows[0].process; count++) {
        from_enter(on, NULL, rows[count].index);
        status = write_span(on, json_array_get(spans, rows[count].index));
        if (status != 0)
            return status;
        from_leave(on);
    }
    proto_write_end(on->out, inner);
    proto_write_end(on->out, begin);
    *out_count = count;
    return 0;
}

static int write_trace(struct from *on, const json_t *trace)
{
    const json_t *spans;
    struct row *rows;
    size_t count;
    int status;

    if (!json_is_object(trace))
        return from_fail(on, "an object is expected");
    status = from_array(on, trace, "spans", &spans);
    count = json_array_size(spans);
    if (status != 0 || count == 0)
        return status;
    rows = mem_calloc(count, sizeof(*rows));
    if (rows == NULL)
        return STATUS_NOMEM;
    from_enter(on, "spans", 0);
    status = make_rows(on, trace, spans, rows);
    for (size_t i = 0, done = 0; status == 0 && i < count; i += done)
        status = write_process(on, spans, rows + i, count - i, &done);
    if (status == 0)
        from_leave(on);
    mem_free(rows);
    return status;
}

/* ------------------------------------------------------------------ documents */

static int write_traces(struct from *on, const json_t *traces)
{
    const json_t *trace;
    size_t i;

    from_enter(on, "data", 0);
    json_array_foreach(traces, i, trace)
    {
        int status;
        from_enter(on, NULL, i);
        status = write_trace(on, trace);
        if (status != 0)
            return status;
        from_leave(on);
    }
    from_leave(on);
    return 0;
}

/* What Jaeger answers where there is nothing: `{"data":null,"errors":[{"msg":...}]}`. */
static int fail_answer(struct from *on, const json_t *root)
{
    const json_t *first = json_array_get(json_object_get(root, "errors"), 0);
    const char *message = json_string_value(json_object_get(first, "msg"));

    from_enter(on, "errors", 0);
    return from_fail(on, message != NULL ? message : "Jaeger answered with an error");
}

int otlp_from_jaeger(struct view text, size_t tree_bytes_max, struct buf *out,
                     struct otlp_json_error *out_error)
{
    struct from on = {.out = out, .error = out_error};
    size_t begin = out->size;
    const json_t *traces = NULL;
    json_t *root = NULL;
    int status = from_begin(&on, text, tree_bytes_max, &root);

    if (status != 0)
        return status;
    if (!json_is_object(root))
        status = from_fail(&on, "an object is expected");
    else
        status = from_array(&on, root, "data", &traces);
    if (status == 0 && traces == NULL && json_array_size(json_object_get(root, "errors")) != 0)
        status = fail_answer(&on, root);
    else if (status == 0)
        status = traces != NULL ? write_traces(&on, traces) : write_trace(&on, root);
    return from_end(&on, text, root, begin, status);
}
