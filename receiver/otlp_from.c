/* otlp_from.c: fields that the tracing systems have alike. */
#include "receiver/otlp_from.h"

#include <string.h>

#include "receiver/otlp_from_priv.h"
#include "receiver/otlp_json_scalar.h"

enum { NS_PER_MICRO = 1000 };

static const char zeros[] = "00000000000000000000000000000000";

_Static_assert(sizeof(zeros) - 1 == TRACE_ID_DIGITS, "as many as an id may lack");

/* ------------------------------------------------------------------ the path */

void from_enter(struct from *on, const char *key, size_t index)
{
    on->path.steps[on->path.depth++] = (struct otlp_json_step){key, index};
}

void from_leave(struct from *on)
{
    on->path.depth--;
}

int from_fail(struct from *on, const char *what)
{
    return otlp_json_fail(&on->path, what, on->error);
}

/* ------------------------------------------------------------------ fields */

static int fail_field(struct from *on, const char *key, const char *what)
{
    from_enter(on, key, 0);
    return from_fail(on, what);
}

int from_text(struct from *on, const json_t *object, const char *key, struct view *out_text)
{
    const json_t *value = json_object_get(object, key);

    *out_text = (struct view){"", 0};
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_string(value))
        return fail_field(on, key, "a string is expected");
    *out_text = (struct view){json_string_value(value), json_string_length(value)};
    return 0;
}

int from_micros(struct from *on, const json_t *object, const char *key, uint64_t *out_ns)
{
    const json_t *value = json_object_get(object, key);
    uint64_t micros = 0;

    *out_ns = 0;
    if (value == NULL || json_is_null(value))
        return 0;
    if (!otlp_json_read_integer(value, false, 64, &micros) || micros > UINT64_MAX / NS_PER_MICRO)
        return fail_field(on, key, "a number of microseconds is expected");
    *out_ns = micros * NS_PER_MICRO;
    return 0;
}

int from_array(struct from *on, const json_t *object, const char *key, const json_t **out_array)
{
    const json_t *value = json_object_get(object, key);

    *out_array = NULL;
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_array(value))
        return fail_field(on, key, "an array is expected");
    *out_array = value;
    return 0;
}

int from_write_id(struct from *on, const char *key, uint32_t field, struct view digits,
                  size_t digits_wanted)
{
    char padded[TRACE_ID_DIGITS];
    size_t begin;
    int status;

    if (digits.size == 0)
        return 0;
    if (digits.size < digits_wanted) {
        size_t lacking = digits_wanted - digits.size;
        memcpy(padded, zeros, lacking);
        memcpy(padded + lacking, digits.data, digits.size);
        digits = (struct view){padded, digits_wanted};
    }
    begin = proto_write_begin(on->out, field);
    status = otlp_json_put_hex(digits, on->out);
    if (status == STATUS_INVALID)
        return fail_field(on, key, "an id in hexadecimal digits is expected");
    proto_write_end(on->out, begin);
    return 0;
}

void from_write_text_attribute(struct from *on, uint32_t field, struct view key, struct view value)
{
    size_t begin = proto_write_begin(on->out, field);
    size_t inner;

    proto_write_bytes(on->out, KEY_VALUE_KEY, key);
    inner = proto_write_begin(on->out, KEY_VALUE_VALUE);
    proto_write_bytes(on->out, VALUE_STRING, value);
    proto_write_end(on->out, inner);
    proto_write_end(on->out, begin);
}

/* ------------------------------------------------------------------ meanings */

static bool take_kind(struct from_meaning *meaning, struct view value)
{
    static const struct {
        struct view name;
        enum span_kind kind;
    } kinds[] = {
        {VIEW("internal"), SPAN_KIND_INTERNAL}, {VIEW("server"), SPAN_KIND_SERVER},
        {VIEW("client"), SPAN_KIND_CLIENT},     {VIEW("producer"), SPAN_KIND_PRODUCER},
        {VIEW("consumer"), SPAN_KIND_CONSUMER},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!view_equal(value, kinds[i].name))
            continue;
        if (meaning->kind == SPAN_KIND_UNSPECIFIED)
            meaning->kind = kinds[i].kind;
        return true;
    }
    return false;
}

/* The status that OpenTelemetry's exporters write; it goes before what `error` says. */
static bool take_status(struct from_meaning *meaning, struct view value)
{
    if (view_equal(value, VIEW("ERROR")) || view_equal(value, VIEW("STATUS_CODE_ERROR")) ||
        view_equal(value, VIEW("Error")))
        meaning->status = SPAN_STATUS_ERROR;
    else if (view_equal(value, VIEW("OK")) || view_equal(value, VIEW("STATUS_CODE_OK")) ||
             view_equal(value, VIEW("Ok")))
        meaning->status = SPAN_STATUS_OK;
    else
        return view_equal(value, VIEW("UNSET")) || view_equal(value, VIEW("STATUS_CODE_UNSET")) ||
               view_equal(value, VIEW("Unset"));
    return true;
}

bool from_take_meaning(struct from_meaning *meaning, struct view key, struct view value)
{
    if (view_equal(key, VIEW("span.kind")))
        return take_kind(meaning, value);
    if (view_equal(key, VIEW("otel.status_code")))
        return take_status(meaning, value);
    if (view_equal(key, VIEW("otel.status_description"))) {
        meaning->status_message = value;
        return true;
    }
    if (view_equal(key, VIEW("w3c.tracestate"))) {
        meaning->trace_state = value;
        return true;
    }
    return false;
}

void from_write_meaning(struct from *on, const struct from_meaning *meaning)
{
    size_t begin;

    if (meaning->trace_state.size != 0)
        proto_write_bytes(on->out, SPAN_TRACE_STATE, meaning->trace_state);
    if (meaning->kind != SPAN_KIND_UNSPECIFIED)
        proto_write_varint(on->out, SPAN_KIND, meaning->kind);
    if (meaning->status == SPAN_STATUS_UNSET)
        return;
    begin = proto_write_begin(on->out, SPAN_STATUS);
    if (meaning->status_message.size != 0)
        proto_write_bytes(on->out, STATUS_MESSAGE, meaning->status_message);
    proto_write_varint(on->out, STATUS_CODE, meaning->status);
    proto_write_end(on->out, begin);
}

/* ------------------------------------------------------------------ documents */

int from_begin(struct from *on, struct view text, size_t tree_bytes_max, json_t **out_root)
{
    return otlp_json_load(text, tree_bytes_max, out_root, on->error);
}

int from_end(struct from *on, struct view text, json_t *root, size_t begin, int status)
{
    if (status == STATUS_INVALID)
        on->error->offset = otlp_json_locate(text, on->path.steps, on->path.depth);
    if (status == 0)
        status = on->out->failed;
    json_decref(root);
    if (status != 0)
        on->out->size = begin;
    return status;
}
