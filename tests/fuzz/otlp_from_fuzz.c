/* otlp_from_fuzz.c: any text as Jaeger's or Zipkin's JSON, by the first byte: what it becomes is a request
 * that both decoders read.
 */
#include <stdio.h>
#include <stdlib.h>

#include "receiver/otlp_from.h"
#include "tests/lib/otlp_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TREE_BYTES_MAX ((size_t)64 << 20)

static void check_request(struct buf *out)
{
    static struct rig rig;
    const struct otlp_stage *stage;
    char why[256] = "it cannot be read";
    int status;

    if (rig.decoder == NULL)
        rig_start(&rig, NULL, false);
    status = otlp_decode_protobuf(rig.decoder, buf_view(out), &stage);
    if (status != 0 || oracle_compare(&rig, buf_view(out), status, stage, why) != ORACLE_AGREES) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otlp_json_error error;
    struct view text;
    struct buf out;
    int status;

    if (size == 0)
        return 0;
    text = (struct view){(const char *)data + 1, size - 1};
    buf_init(&out, 0);
    status = data[0] % 2 == 0 ? otlp_from_jaeger(text, TREE_BYTES_MAX, &out, &error)
                              : otlp_from_zipkin(text, TREE_BYTES_MAX, &out, &error);
    if (status == 0)
        check_request(&out);
    else if (out.size != 0 || error.text[0] == '\0' || error.offset > text.size)
        abort();
    buf_release(&out);
    return 0;
}
