/* otlp_oracle_value.h: values of dimensions, from protobuf-c's tree.
 * Is:         an independent reading of what receiver/otlp_value.h says.
 */
#ifndef SPANMAP_TESTS_LIB_OTLP_ORACLE_VALUE_H
#define SPANMAP_TESTS_LIB_OTLP_ORACLE_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "opentelemetry/proto/common/v1/common.pb-c.h"
#include "topology/dimensions.h"

/* The text of the first attribute of that key; empty: none, or an empty value. Appended to `text`. */
struct view oracle_value(Opentelemetry__Proto__Common__V1__KeyValue *const *attributes,
                         size_t count, struct view key, struct buf *text);

/* Whether it is as absent (N1). */
bool oracle_is_empty(const Opentelemetry__Proto__Common__V1__AnyValue *value);

#endif
