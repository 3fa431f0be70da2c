/* input_priv.h: what the files of input share: a window on the unpacked file, and how to fail.
 */
#ifndef SPANMAP_ENGINE_INPUT_PRIV_H
#define SPANMAP_ENGINE_INPUT_PRIV_H

#include <stdbool.h>

#include "base/buf.h"
#include "engine/input.h"
#include "engine/input_kind.h"
#include "engine/input_source.h"

struct input {
    const char *name; /* For messages. */
    const struct input_taker *taker;
    size_t request_bytes_max;
    size_t part_bytes;
    struct input_source source;
    struct buf wrapped;   /* A part of a document, made a document. */
    struct buf converted; /* A document of another system as OTLP. */
    struct buf text;      /* What was read and not yet taken, from `begin` on. */
    size_t begin;
    uint64_t offset;             /* Of text.data[begin] in the unpacked file. */
    uint64_t line;               /* Likewise; the first is 1. */
    bool is_at_end;              /* All is in `text`. */
    bool has_requests;           /* At least one was taken. */
    enum input_kind passed_over; /* Of a document that was not taken. */
    struct input_error *error;
};

/* Writes the file's name and what is wrong. Returns `status`. */
int input_fail(struct input *input, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with the place, in the unpacked file; line 0: not told. */
int input_fail_at(struct input *input, int status, uint64_t offset, uint64_t line,
                  const char *reason);

/* The same within what stands at the front, as `text` with `added` bytes before it that are not in the
 * file; `offset` counts in the text. Reason NULL: the status says it all. */
int input_fail_in(struct input *input, int status, struct view text, size_t added, size_t offset,
                  const char *reason);

/* The request that begins `from` bytes behind the front is longer than it may be. */
int input_fail_size(struct input *input, size_t from);

/* What was read and not dropped yet. */
static inline struct view input_held(const struct input *input)
{
    if (input->text.size == 0)
        return (struct view){"", 0};
    return (struct view){input->text.data + input->begin, input->text.size - input->begin};
}

/* Reads one chunk more; at the end, notes it. Failures are explained. */
MUST_USE int input_read_more(struct input *input);

/* Reads until `size` bytes are held, or the end. */
MUST_USE int input_hold(struct input *input, size_t size);

/* Drops `size` bytes from the front. */
void input_advance(struct input *input, size_t size);

/* Gives the taker a request whose first `added` bytes do not stand in the file; the others begin where
 * input_held() does. */
MUST_USE int input_take(struct input *input, struct view bytes, size_t added,
                        enum input_format format);

/* Read all that is left. */
MUST_USE int input_read_json(struct input *input);
MUST_USE int input_read_protobuf(struct input *input);
MUST_USE int input_read_prefixed(struct input *input);

#endif
