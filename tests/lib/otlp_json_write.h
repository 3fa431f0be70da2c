/* otlp_json_write.h: any of protobuf-c's messages as OTLP/JSON.
 * Is:         a second reading of OTLP's mapping, by the messages' descriptors, to hold the reader of OTLP/JSON
 *             against.
 * Invariants: fields that are unset, or hold their default outside of a oneof, are left out, as are unknown ones.
 */
#ifndef SPANMAP_TESTS_LIB_OTLP_JSON_WRITE_H
#define SPANMAP_TESTS_LIB_OTLP_JSON_WRITE_H

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"

/* Appends the message as JSON. Strings go as they are, valid or not. */
void otlp_json_write(const ProtobufCMessage *message, struct buf *out);

#endif
