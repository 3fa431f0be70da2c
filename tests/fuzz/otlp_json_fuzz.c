/* otlp_json_fuzz.c: any text as OTLP/JSON: what it becomes is a request that both decoders read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receiver/otlp_json.h"
#include "receiver/otlp_signal.h"
#include "tests/lib/otlp_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TREE_BYTES_MAX ((size_t)64 << 20)

/* The same text as another signal: what it becomes is a request of it. */
static void convert(enum otlp_signal signal, struct view text)
{
    struct otlp_signal_counts counts;
    struct otlp_json_error error;
    struct buf out;

    buf_init(&out, 0);
    if (otlp_json_to_protobuf(signal, text, TREE_BYTES_MAX, &out, &error) == 0 &&
        otlp_signal_read(signal, buf_view(&out), 64, &counts) != 0 &&
        strstr(counts.error, "nested") == NULL)
        abort();
    buf_release(&out);
}

/* Whether the member that an error names came more than once: a tree has the last one only, while a
 * walk refuses a wrong one wherever it stands. */
static bool came_twice(struct view text, const char *error)
{
    size_t size = strcspn(error, ":");
    size_t begin = size;
    const char *first;
    size_t used;

    while (begin != 0 && error[begin - 1] != '.')
        begin--;
    first = memmem(text.data, text.size, error + begin, size - begin);
    used = first != NULL ? (size_t)(first - text.data) + 1 : text.size;
    return memmem(text.data + used, text.size - used, error + begin, size - begin) != NULL;
}

/* Walked over, the text becomes as much. Only members that came twice may differ. */
static void walk(struct view text, size_t whole_bytes_max, int status, size_t size)
{
    struct otlp_json_bounds bounds = {.tree_bytes_max = TREE_BYTES_MAX,
                                      .whole_bytes_max = whole_bytes_max};
    struct otlp_json_error error;
    struct buf out;
    int got;

    buf_init(&out, 0);
    got = otlp_json_to_protobuf_by(OTLP_TRACES, text, &bounds, &out, &error);
    if (status == 0 && got == STATUS_INVALID && came_twice(text, error.text)) {
        buf_release(&out);
        return;
    }
    if (got != status || out.size != size || error.offset > text.size) {
        fprintf(stderr, "by whole %zu: %d, %zu bytes, %s\n", whole_bytes_max, got, out.size,
                error.text);
        abort();
    }
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rig rig;
    const struct otlp_stage *stage;
    struct view text = {(const char *)data, size};
    struct otlp_json_error error;
    struct buf out;
    char why[256] = "it cannot be read";
    int status;

    convert(OTLP_METRICS, text);
    convert(OTLP_LOGS, text);
    if (rig.decoder == NULL)
        rig_start(&rig, NULL, false);
    buf_init(&out, 0);
    status = otlp_json_to_protobuf(OTLP_TRACES, text, TREE_BYTES_MAX, &out, &error);
    walk(text, 0, status, out.size);
    walk(text, size != 0 ? data[size / 2] : 0, status, out.size);
    if (status != 0) {
        if (out.size != 0 || error.text[0] == '\0' || error.offset > size)
            abort();
    } else {
        status = otlp_decode_protobuf(rig.decoder, buf_view(&out), &stage);
        /* Nested deeper than messages may be is the one thing left that can be wrong. */
        if (status != 0 && strstr(stage->error, "nested") == NULL)
            abort();
        if (status == 0 &&
            oracle_compare(&rig, buf_view(&out), status, stage, why) != ORACLE_AGREES) {
            fprintf(stderr, "%s\n", why);
            abort();
        }
    }
    buf_release(&out);
    return 0;
}
