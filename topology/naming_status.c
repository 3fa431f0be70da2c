/* naming_status.c: derived errors (E13): what an unset status would have been by the semantic
 * conventions of HTTP and gRPC.
 */
#include <stddef.h>

#include "topology/naming_priv.h"

enum { RPC_CODES = 17, RPC_UNKNOWN_TEXT = -1 };

static const struct {
    const char *name;
    bool is_server_error;
} rpc_codes[RPC_CODES] = {
    {"OK", false},
    {"CANCELLED", false},
    {"UNKNOWN", true},
    {"INVALID_ARGUMENT", false},
    {"DEADLINE_EXCEEDED", true},
    {"NOT_FOUND", false},
    {"ALREADY_EXISTS", false},
    {"PERMISSION_DENIED", false},
    {"RESOURCE_EXHAUSTED", false},
    {"FAILED_PRECONDITION", false},
    {"ABORTED", false},
    {"OUT_OF_RANGE", false},
    {"UNIMPLEMENTED", true},
    {"INTERNAL", true},
    {"UNAVAILABLE", true},
    {"DATA_LOSS", true},
    {"UNAUTHENTICATED", false},
};

static bool equal_but_for_case(struct view text, const char *upper)
{
    size_t at = 0;

    for (; at < text.size && upper[at] != '\0'; at++) {
        char byte = text.data[at];
        if (byte >= 'a' && byte <= 'z')
            byte = (char)(byte - 'a' + 'A');
        if (byte != upper[at])
            return false;
    }
    return at == text.size && upper[at] == '\0';
}

/* The number of a code that came as a number, as its digits or by its name. */
static int64_t rpc_code(const struct attribute_value *value)
{
    int64_t number = 0;
    size_t at = 0;

    if (value->type == ATTRIBUTE_NUMBER)
        return value->number;
    for (; at < value->text.size && at < 3; at++) {
        if (value->text.data[at] < '0' || value->text.data[at] > '9')
            break;
        number = number * 10 + (value->text.data[at] - '0');
    }
    if (at == value->text.size)
        return number;
    for (int i = 0; i < RPC_CODES; i++)
        if (equal_but_for_case(value->text, rpc_codes[i].name))
            return i;
    return RPC_UNKNOWN_TEXT;
}

static bool rpc_failed(const struct attributes *span, bool is_caller)
{
    const struct attribute_value *value = attribute_at(span, ATTRIBUTE_RPC_STATUS);
    int64_t code;

    if (value->type == ATTRIBUTE_ABSENT)
        return false;
    code = rpc_code(value);
    if (is_caller)
        return code != 0;
    return code >= 0 && code < RPC_CODES && rpc_codes[code].is_server_error;
}

static bool http_failed(const struct attributes *span, bool is_caller)
{
    const struct attribute_value *value = attribute_at(span, ATTRIBUTE_HTTP_STATUS);

    if (value->type != ATTRIBUTE_NUMBER)
        return false;
    return value->number >= 500 ? value->number <= 599 : is_caller && value->number >= 400;
}

enum span_status naming_status(const struct naming *naming, const struct attributes *span,
                               enum span_kind kind, enum span_status status)
{
    bool is_caller = kind == SPAN_KIND_CLIENT || kind == SPAN_KIND_PRODUCER;

    if (status != SPAN_STATUS_UNSET || !naming_derives_errors(naming))
        return status;
    return http_failed(span, is_caller) || rpc_failed(span, is_caller) ? SPAN_STATUS_ERROR
                                                                       : SPAN_STATUS_UNSET;
}
