/* otlp_from_zipkin.c: spans of Zipkin's API v2. Spans of one service become one ResourceSpans. A service
 * is its local endpoint's name, and the namespace and instance that OpenTelemetry's exporters write as
 * tags, for Zipkin has no resources.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "receiver/otlp_from_priv.h"
#include "receiver/otlp_json_scalar.h"

/* What a service is known by. */
static const struct {
    const char *tag;
    struct view attribute;
} of_service[] = {
    {NULL, VIEW("service.name")},
    {"service.namespace", VIEW("service.namespace")},
    {"service.instance.id", VIEW("service.instance.id")},
};

enum { OF_SERVICE = sizeof(of_service) / sizeof(of_service[0]) };

struct row {
    const json_t *span;
    struct view service[OF_SERVICE]; /* Empty: not told. */
    size_t trace;                    /* Place in the document; SIZE_MAX: it is not in traces. */
    size_t index;
};

/* ------------------------------------------------------------------ tags */

static bool is_of_service(const char *key)
{
    for (size_t i = 1; i < OF_SERVICE; i++)
        if (strcmp(key, of_service[i].tag) == 0)
            return true;
    return false;
}

static struct view view_of_string(const json_t *value)
{
    return (struct view){json_string_value(value), json_string_length(value)};
}

/* An `error` of any text but "false" is one, and its text what went wrong. */
static void take_error(struct from_meaning *meaning, struct view error)
{
    if (meaning->status != SPAN_STATUS_UNSET || view_equal(error, VIEW("false")))
        return;
    meaning->status = SPAN_STATUS_ERROR;
    if (meaning->status_message.size == 0 && !view_equal(error, VIEW("true")))
        meaning->status_message = error;
}

static int write_tags(struct from *on, const json_t *span, struct from_meaning *meaning)
{
    const json_t *tags = json_object_get(span, "tags");
    const json_t *error = json_object_get(tags, "error");
    const char *key;
    json_t *value;

    if (tags == NULL || json_is_null(tags))
        return 0;
    from_enter(on, "tags", 0);
    if (!json_is_object(tags))
        return from_fail(on, "an object is expected");
    json_object_foreach((json_t *)tags, key, value)
    {
        from_enter(on, key, 0);
        if (!json_is_string(value))
            return from_fail(on, "a string is expected");
        from_leave(on);
        if (value != error && !is_of_service(key) &&
            !from_take_meaning(meaning, view_of(key), view_of_string(value)))
            from_write_text_attribute(on, SPAN_ATTRIBUTES, view_of(key), view_of_string(value));
    }
    if (error != NULL)
        take_error(meaning, view_of_string(error));
    from_leave(on);
    return 0;
}

/* ------------------------------------------------------------------ endpoints */

/* The other side, by the names that a caller's attributes have for it. */
static int write_remote_endpoint(struct from *on, const json_t *span)
{
    const json_t *endpoint = json_object_get(span, "remoteEndpoint");
    const json_t *port = json_object_get(endpoint, "port");
    struct view name;
    struct view address;
    int status;

    if (endpoint == NULL || json_is_null(endpoint))
        return 0;
    from_enter(on, "remoteEndpoint", 0);
    if (!json_is_object(endpoint))
        return from_fail(on, "an object is expected");
    status = from_text(on, endpoint, "serviceName", &name);
    if (status == 0)
        status = from_text(on, endpoint, "ipv4", &address);
    if (status == 0 && address.size == 0)
        status = from_text(on, endpoint, "ipv6", &address);
    if (status != 0)
        return status;
    if (name.size != 0)
        from_write_text_attribute(on, SPAN_ATTRIBUTES, VIEW("peer.service"), name);
    if (address.size != 0)
        from_write_text_attribute(on, SPAN_ATTRIBUTES, VIEW("network.peer.address"), address);
    if (json_is_integer(port) && json_integer_value(port) > 0) {
        size_t begin = proto_write_begin(on->out, SPAN_ATTRIBUTES);
        size_t inner;
        proto_write_bytes(on->out, KEY_VALUE_KEY, VIEW("network.peer.port"));
        inner = proto_write_begin(on->out, KEY_VALUE_VALUE);
        proto_write_varint(on->out, VALUE_INT, (uint64_t)json_integer_value(port));
        proto_write_end(on->out, inner);
        proto_write_end(on->out, begin);
    }
    from_leave(on);
    return 0;
}

/* ------------------------------------------------------------------ spans */

static int read_kind(struct from *on, const json_t *span, struct from_meaning *meaning)
{
    static const struct {
        struct view name;
        enum span_kind kind;
    } kinds[] = {
        {VIEW("CLIENT"), SPAN_KIND_CLIENT},
        {VIEW("SERVER"), SPAN_KIND_SERVER},
        {VIEW("PRODUCER"), SPAN_KIND_PRODUCER},
        {VIEW("CONSUMER"), SPAN_KIND_CONSUMER},
    };
    struct view name;
    int status = from_text(on, span, "kind", &name);

    if (status != 0)
        return status;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (view_equal(name, kinds[i].name))
            meaning->kind = kinds[i].kind;
    return 0;
}

static int write_annotations(struct from *on, const json_t *span)
{
    const json_t *annotations;
    const json_t *annotation;
    size_t i;
    int status = from_array(on, span, "annotations", &annotations);

    if (status != 0)
        return status;
    from_enter(on, "annotations", 0);
    json_array_foreach(annotations, i, annotation)
    {
        size_t begin = proto_write_begin(on->out, SPAN_EVENTS);
        struct view name;
        uint64_t time_ns;
        from_enter(on, NULL, i);
        if (!json_is_object(annotation))
            return from_fail(on, "an object is expected");
        status = from_micros(on, annotation, "timestamp", &time_ns);
        if (status == 0)
            status = from_text(on, annotation, "value", &name);
        if (status != 0)
            return status;
        proto_write_fixed64(on->out, EVENT_TIME, time_ns);
        proto_write_bytes(on->out, EVENT_NAME, name);
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
    int status = from_micros(on, span, "timestamp", &start_ns);

    if (status == 0)
        status = from_micros(on, span, "duration", &duration_ns);
    if (status != 0)
        return status;
    if (duration_ns > UINT64_MAX - start_ns)
        return from_fail(on, "timestamp and duration are too large");
    proto_write_fixed64(on->out, SPAN_START, start_ns);
    /* A span whose duration is not known has no end. */
    if (json_is_number(json_object_get(span, "duration")))
        proto_write_fixed64(on->out, SPAN_END, start_ns + duration_ns);
    return 0;
}

static int write_ids(struct from *on, const json_t *span)
{
    struct view trace;
    struct view id;
    struct view parent;
    int status = from_text(on, span, "traceId", &trace);

    if (status == 0)
        status = from_text(on, span, "id", &id);
    if (status == 0)
        status = from_text(on, span, "parentId", &parent);
    if (status == 0)
        status = from_write_id(on, "traceId", SPAN_TRACE_ID, trace, TRACE_ID_DIGITS);
    if (status == 0)
        status = from_write_id(on, "id", SPAN_ID, id, SPAN_ID_DIGITS);
    if (status == 0)
        status = from_write_id(on, "parentId", SPAN_PARENT_ID, parent, SPAN_ID_DIGITS);
    return status;
}

static int write_span(struct from *on, const json_t *span)
{
    struct from_meaning meaning = {.kind = SPAN_KIND_UNSPECIFIED};
    size_t begin = proto_write_begin(on->out, SCOPE_SPANS_SPANS);
    struct view name;
    int status = write_ids(on, span);

    if (status == 0)
        status = from_text(on, span, "name", &name);
    if (status == 0)
        status = read_kind(on, span, &meaning);
    if (status == 0)
        status = write_times(on, span);
    if (status == 0)
        status = write_tags(on, span, &meaning);
    if (status == 0)
        status = write_remote_endpoint(on, span);
    if (status == 0)
        status = write_annotations(on, span);
    if (status != 0)
        return status;
    proto_write_bytes(on->out, SPAN_NAME, name);
    from_write_meaning(on, &meaning);
    proto_write_end(on->out, begin);
    return 0;
}

/* ------------------------------------------------------------------ services */

static int compare_services(const struct row *a, const struct row *b)
{
    int order = 0;

    for (size_t i = 0; order == 0 && i < OF_SERVICE; i++)
        order = view_compare(a->service[i], b->service[i]);
    return order;
}

static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;
    int order = compare_services(a, b);

    if (order == 0)
        order = (a->trace > b->trace) - (a->trace < b->trace);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static void enter_row(struct from *on, const struct row *row)
{
    if (row->trace != SIZE_MAX)
        from_enter(on, NULL, row->trace);
    from_enter(on, NULL, row->index);
}

static void leave_row(struct from *on, const struct row *row)
{
    if (row->trace != SIZE_MAX)
        from_leave(on);
    from_leave(on);
}

static int make_row(struct from *on, const json_t *span, size_t trace, size_t index,
                    struct row *row)
{
    const json_t *endpoint = json_object_get(span, "localEndpoint");
    const json_t *tags = json_object_get(span, "tags");
    int status;

    *row = (struct row){.span = span, .trace = trace, .index = index};
    enter_row(on, row);
    if (!json_is_object(span))
        return from_fail(on, "an object is expected");
    from_enter(on, "localEndpoint", 0);
    status = from_text(on, endpoint, "serviceName", &row->service[0]);
    if (status != 0)
        return status;
    from_leave(on);
    for (size_t i = 1; i < OF_SERVICE; i++)
        row->service[i] = view_of_string(json_object_get(tags, of_service[i].tag));
    leave_row(on, row);
    return 0;
}

/* Writes the spans of the service of the first row. `out_count` is how many there are. */
static int write_service(struct from *on, const struct row *rows, size_t rows_count,
                         size_t *out_count)
{
    size_t begin = proto_write_begin(on->out, REQUEST_RESOURCE_SPANS);
    size_t inner = proto_write_begin(on->out, RESOURCE_SPANS_RESOURCE);
    size_t count = 0;

    for (size_t i = 0; i < OF_SERVICE; i++)
        if (rows[0].service[i].size != 0)
            from_write_text_attribute(on, RESOURCE_ATTRIBUTES, of_service[i].attribute,
                                      rows[0].service[i]);
    proto_write_end(on->out, inner);
    inner = proto_write_begin(on->out, RESOURCE_SPANS_SCOPE_SPANS);
    for (; count < rows_count && compare_services(&rows[0], &rows[count]) == 0; count++) {
        int status;
        enter_row(on, &rows[count]);
        status = write_span(on, rows[count].span);
        if (status != 0)
            return status;
        leave_row(on, &rows[count]);
    }
    proto_write_end(on->out, inner);
    proto_write_end(on->out, begin);
    *out_count = count;
    return 0;
}

/* ------------------------------------------------------------------ documents */

static size_t count_spans(const json_t *root)
{
    const json_t *element;
    size_t count = 0;
    size_t i;

    json_array_foreach(root, i, element) count += json_is_array(element) ? json_array_size(element)
                                                                         : 1;
    return count;
}

static int make_rows(struct from *on, const json_t *root, struct row *rows)
{
    const json_t *element;
    size_t count = 0;
    size_t i;

    json_array_foreach(root, i, element)
    {
        const json_t *span;
        size_t k;
        int status = 0;
        if (!json_is_array(element)) {
            status = make_row(on, element, SIZE_MAX, i, &rows[count++]);
        } else {
            json_array_foreach(element, k, span)
            {
                status = make_row(on, span, i, k, &rows[count++]);
                if (status != 0)
                    break;
            }
        }
        if (status != 0)
            return status;
    }
    qsort(rows, count, sizeof(*rows), compare_rows);
    return 0;
}

static int write_spans(struct from *on, const json_t *root)
{
    size_t count = count_spans(root);
    struct row *rows;
    int status;

    if (count == 0)
        return 0;
    rows = mem_calloc(count, sizeof(*rows));
    if (rows == NULL)
        return STATUS_NOMEM;
    status = make_rows(on, root, rows);
    for (size_t i = 0, done = 0; status == 0 && i < count; i += done)
        status = write_service(on, rows + i, count - i, &done);
    mem_free(rows);
    return status;
}

int otlp_from_zipkin(struct view text, size_t tree_bytes_max, struct buf *out,
                     struct otlp_json_error *out_error)
{
    struct from on = {.out = out, .error = out_error};
    size_t begin = out->size;
    json_t *root = NULL;
    int status = from_begin(&on, text, tree_bytes_max, &root);

    if (status != 0)
        return status;
    status = json_is_array(root) ? write_spans(&on, root)
                                 : from_fail(&on, "an array of spans is expected");
    return from_end(&on, text, root, begin, status);
}
