/* otlp_message.c: a table of what is nested in what, and the one loop that goes over it. */
#include "receiver/otlp_message.h"

#include <stddef.h>

enum { CHILD_FIELDS = 9 };

/* By message and field number: which message that field holds. */
static const uint8_t children[OTLP_MESSAGE_COUNT][CHILD_FIELDS] = {
    [OTLP_ANY_VALUE] = {[5] = OTLP_ARRAY_VALUE, [6] = OTLP_KEY_VALUE_LIST},
    [OTLP_ARRAY_VALUE] = {[1] = OTLP_ANY_VALUE},
    [OTLP_KEY_VALUE_LIST] = {[1] = OTLP_KEY_VALUE},
    [OTLP_KEY_VALUE] = {[2] = OTLP_ANY_VALUE},
    [OTLP_RESOURCE] = {[1] = OTLP_KEY_VALUE, [3] = OTLP_LEAF},
    [OTLP_SCOPE] = {[3] = OTLP_KEY_VALUE},
    [OTLP_EVENT] = {[3] = OTLP_KEY_VALUE},
    [OTLP_LINK] = {[4] = OTLP_KEY_VALUE},
    [OTLP_EXEMPLAR] = {[7] = OTLP_KEY_VALUE},
};

static const char strindex_warning[] =
    "string_value_strindex and key_strindex belong to profiles and were ignored";

int otlp_fail(struct otlp_reading *reading, const uint8_t *at, const char *error, int status)
{
    if (reading->error == NULL) {
        reading->error = error;
        reading->error_at = at;
    }
    return status;
}

int otlp_fail_wire(struct otlp_reading *reading, const struct wire *wire, int status)
{
    return otlp_fail(reading, wire->at,
                     status == STATUS_TRUNCATED ? "a field ends behind the end of its message"
                                                : "a field breaks protobuf's wire format",
                     status);
}

void otlp_note_strindex(struct otlp_reading *reading, enum otlp_message message, uint32_t tag)
{
    if (reading->warning == NULL &&
        ((message == OTLP_ANY_VALUE && tag == WIRE_TAG(8, WIRE_VARINT)) ||
         (message == OTLP_KEY_VALUE && tag == WIRE_TAG(3, WIRE_VARINT))))
        reading->warning = strindex_warning;
}

int otlp_skim(struct otlp_reading *reading, struct wire wire, enum otlp_message message,
              unsigned depth)
{
    int status = otlp_check_depth(reading, wire.at, depth);

    while (status == 0 && wire_left(&wire) != 0) {
        struct wire_field field;
        uint32_t number;
        status = otlp_next_field(reading, &wire, depth, &field);
        if (status != 0)
            break;
        number = field.tag >> 3;
        if ((field.tag & 7) == WIRE_BYTES && number < CHILD_FIELDS &&
            children[message][number] != OTLP_SCALAR)
            status = otlp_skim(reading, field.bytes, (enum otlp_message)children[message][number],
                               depth + 1);
        else
            otlp_note_strindex(reading, message, field.tag);
    }
    return status;
}
