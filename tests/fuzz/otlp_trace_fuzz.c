/* otlp_trace_fuzz.c: any bytes as a request, held against protobuf-c. */
#include <stdio.h>
#include <stdlib.h>

#include "receiver/otlp_response.h"
#include "tests/lib/otlp_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ORACLE_SIZE_MAX = 4096 }; /* protobuf-c recurses as deep as its input nests. */

static void decode_by(struct rig *rig, struct view message)
{
    const struct otlp_stage *stage;
    struct buf response;
    char why[256] = "";
    int status = otlp_decode_protobuf(rig->decoder, message, &stage);

    if (status != 0 &&
        (stage->count != 0 || stage->error == NULL || stage->error_offset > message.size))
        abort();
    if (message.size <= ORACLE_SIZE_MAX &&
        oracle_compare(rig, message, status, stage, why) == ORACLE_DIFFERS) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
    buf_init(&response, 0);
    if (otlp_response(stage, MESSAGE_PROTOBUF, &response) != 0)
        abort();
    buf_release(&response);
}

/* Where there are dimensions, attributes go another way. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct view keys[] = {{"k", 1}, {"service.name", 12}, {"http.route", 10}};
    static struct rig plain, valued;
    struct view message = {(const char *)data, size};

    if (plain.decoder == NULL) {
        rig_start(&plain, NULL, false);
        rig_start_with_dimensions(&valued, keys, sizeof(keys) / sizeof(keys[0]));
    }
    decode_by(&plain, message);
    decode_by(&valued, message);
    return 0;
}
