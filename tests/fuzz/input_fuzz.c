/* input_fuzz.c: any bytes as a file. Where the values of a text end must not depend on how the text comes
 * in, and what is in a request not on whether it is taken in parts. The first byte is the size of the
 * pieces and of the parts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/input.h"
#include "engine/input_kind.h"
#include "engine/input_split.h"
#include "tests/lib/otlp_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENDS_MAX = 4096 };

/* ------------------------------------------------------------------ values */

/* The ends of all values in the text, which grows by `piece` bytes. */
static size_t split_all(struct view text, size_t piece, size_t ends[ENDS_MAX])
{
    struct input_split split = {0};
    size_t count = 0;
    size_t begin = 0;
    size_t held = piece < text.size ? piece : text.size;

    while (count < ENDS_MAX) {
        size_t size = 0;
        while (split.scanned == 0 && begin < held &&
               (text.data[begin] == ' ' || text.data[begin] == '\n' || text.data[begin] == '\t' ||
                text.data[begin] == '\r'))
            begin++;
        if (input_split_next(&split, (struct view){text.data + begin, held - begin},
                             held == text.size, &size)) {
            if (size == 0 || size > held - begin)
                abort();
            (void)input_kind_of((struct view){text.data + begin, size});
            begin += size;
            ends[count++] = begin;
        } else if (held == text.size) {
            break;
        } else {
            held = held + piece < text.size ? held + piece : text.size;
        }
    }
    return count;
}

static void check_splitting(struct view text, size_t piece)
{
    static size_t whole[ENDS_MAX];
    static size_t pieces[ENDS_MAX];
    size_t count = split_all(text, text.size, whole);

    if (split_all(text, piece, pieces) != count)
        abort();
    for (size_t i = 0; i < count; i++)
        if (whole[i] != pieces[i])
            abort();
}

/* ------------------------------------------------------------------ files */

struct taken {
    struct rig *rig;
    uint64_t spans;
    uint64_t rejected;
};

static int take(void *context, const struct input_request *request, struct input_fault *fault)
{
    struct taken *taken = context;
    const struct otlp_stage *stage;
    int status = request->format == INPUT_OTLP_JSON
                     ? otlp_decode_json(taken->rig->decoder, request->bytes, &stage)
                     : otlp_decode_protobuf(taken->rig->decoder, request->bytes, &stage);

    taken->spans += stage->count;
    taken->rejected += stage->rejected[REJECTED_INVALID_ID];
    if (status != 0)
        *fault = (struct input_fault){stage->error, stage->error_offset};
    return status;
}

static int read_file(struct taken *taken, const char *path, size_t part_bytes)
{
    const struct input_options options = {.request_bytes_max = 1 << 20, .part_bytes = part_bytes};
    const struct input_taker taker = {take, taken};
    struct input_error error = {.text = ""};
    int status = input_read(path, &options, &taker, &error);

    if (status != 0 && error.text[0] == '\0')
        abort();
    return status;
}

static bool has_twice(struct view text, struct view key)
{
    const char *first = memmem(text.data, text.size, key.data, key.size);
    size_t used = first != NULL ? (size_t)(first - text.data) + 1 : 0;

    return first != NULL && memmem(text.data + used, text.size - used, key.data, key.size) != NULL;
}

/* Parts of a document in which a key comes twice count twice. */
static bool has_key_twice(struct view text)
{
    return has_twice(text, VIEW("resourceSpans")) || has_twice(text, VIEW("data"));
}

static void check_parts(struct view bytes, size_t part_bytes)
{
    static struct rig rig;
    struct taken whole = {.rig = &rig};
    struct taken parts = {.rig = &rig};
    int file = memfd_create("input", MFD_CLOEXEC);
    char path[64];

    if (rig.decoder == NULL)
        rig_start(&rig, NULL, false);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    if (file < 0 || write(file, bytes.data, bytes.size) != (ssize_t)bytes.size)
        abort();
    if (read_file(&whole, path, 1 << 20) == 0 && !has_key_twice(bytes) &&
        (read_file(&parts, path, part_bytes) != 0 || parts.spans != whole.spans ||
         parts.rejected != whole.rejected))
        abort();
    (void)close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view bytes;

    if (size < 2)
        return 0;
    bytes = (struct view){(const char *)data + 1, size - 1};
    (void)input_form_of(bytes);
    check_splitting(bytes, (size_t)data[0] + 1);
    check_parts(bytes, (size_t)data[0] + 1);
    return 0;
}
