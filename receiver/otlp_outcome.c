/* otlp_outcome.c: a few fields, read with the reader of the hot path. */
#include "receiver/otlp_outcome.h"

#include <string.h>

#include "base/clock.h"
#include "receiver/otlp_wire.h"

enum { GROUPS_DEEP = 8 };

const char *otlp_outcome_code_name(int code)
{
    static const char *const names[OTLP_CODE_MAX + 1] = {
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    };

    return code >= 0 && code <= OTLP_CODE_MAX ? names[code] : "UNKNOWN";
}

bool otlp_outcome_may_retry(int code, bool has_retry_delay)
{
    switch (code) {
    case OTLP_CODE_CANCELLED:
    case OTLP_CODE_DEADLINE_EXCEEDED:
    case OTLP_CODE_ABORTED:
    case OTLP_CODE_OUT_OF_RANGE:
    case OTLP_CODE_UNAVAILABLE:
    case OTLP_CODE_DATA_LOSS:
        return true;
    case OTLP_CODE_RESOURCE_EXHAUSTED:
        return has_retry_delay;
    default:
        return false;
    }
}

/* The bytes of the first field of this number; empty: there is none. */
static struct wire find_bytes(struct wire message, unsigned number)
{
    struct wire_field field;

    while (wire_left(&message) != 0) {
        if (wire_field(&message, GROUPS_DEEP, &field) != 0)
            break;
        if (field.tag == WIRE_TAG(number, WIRE_BYTES))
            return field.bytes;
    }
    return (struct wire){message.end, message.end};
}

static uint64_t find_number(struct wire message, unsigned number)
{
    struct wire_field field;
    uint64_t found = 0;

    while (wire_left(&message) != 0 && wire_field(&message, GROUPS_DEEP, &field) == 0) {
        if (field.tag == WIRE_TAG(number, WIRE_VARINT))
            found = field.number;
    }
    return found;
}

/* google.rpc.RetryInfo: retry_delay is a Duration of seconds and nanoseconds. */
static uint64_t delay_of(struct wire info)
{
    struct wire delay = find_bytes(info, 1);
    int64_t seconds = (int64_t)find_number(delay, 1);
    int64_t nanos = (int64_t)find_number(delay, 2);

    if (seconds < 0 || nanos < 0)
        return 0;
    if (seconds > (int64_t)(UINT32_MAX) || nanos >= (int64_t)NS_PER_S)
        return (uint64_t)UINT32_MAX * NS_PER_S;
    return (uint64_t)seconds * NS_PER_S + (uint64_t)nanos;
}

bool otlp_outcome_retry_delay(struct view status, uint64_t *out_delay_ns)
{
    static const struct view name = {"google.rpc.RetryInfo", 20};
    struct wire rest = wire_of(status);
    struct wire_field field;
    bool is_found = false;

    if (status.size == 0)
        return false;
    while (wire_left(&rest) != 0 && wire_field(&rest, GROUPS_DEEP, &field) == 0) {
        struct view type;
        if (field.tag != WIRE_TAG(3, WIRE_BYTES))
            continue;
        type = wire_view(find_bytes(field.bytes, 1));
        if (type.size < name.size ||
            memcmp(type.data + type.size - name.size, name.data, name.size) != 0)
            continue;
        *out_delay_ns = delay_of(find_bytes(field.bytes, 2));
        is_found = true;
    }
    return is_found;
}

uint64_t otlp_outcome_rejected(struct view response, struct view *out_text)
{
    struct wire partial;
    uint64_t rejected;

    *out_text = (struct view){NULL, 0};
    if (response.size == 0)
        return 0;
    partial = find_bytes(wire_of(response), 1);
    rejected = find_number(partial, 1);
    *out_text = wire_view(find_bytes(partial, 2));
    return rejected <= INT64_MAX ? rejected : 0; /* It is signed on the wire. */
}
