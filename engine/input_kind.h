/* input_kind.h: what a file or a JSON document holds, by its first bytes or its keys.
 * Threads:    pure functions.
 */
#ifndef SPANMAP_ENGINE_INPUT_KIND_H
#define SPANMAP_ENGINE_INPUT_KIND_H

#include "base/view.h"

enum input_kind {
    INPUT_KIND_OTLP,
    INPUT_KIND_OTHER_SIGNAL, /* OTLP, but metrics, logs or profiles. */
    INPUT_KIND_JAEGER,
    INPUT_KIND_ZIPKIN,
    INPUT_KIND_NONE,
};

enum input_form {
    INPUT_FORM_JSON,
    INPUT_FORM_PROTOBUF, /* One request. */
    INPUT_FORM_PREFIXED, /* Requests behind four bytes of length, the highest first: binary ones, or
                          * either kind packed by zstd. */
    INPUT_FORM_UNKNOWN,
};

/* By the first bytes of a file; 64 are enough. */
enum input_form input_form_of(struct view first);

/* By the keys of a JSON value, which may be cut short or damaged. */
enum input_kind input_kind_of(struct view value);

/* Why a file of this kind is not read: a sentence without a full stop. */
const char *input_kind_text(enum input_kind kind);

#endif
