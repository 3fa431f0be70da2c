/* input.h: telemetry files, request by request.
 * Is:         one path, or standard input; packed or not; told apart by content:
 *               OTLP/JSON, one request a line (the Collector's file exporter) or one document;
 *               one binary request (ExportTraceServiceRequest, which TracesData equals);
 *               Jaeger's JSON (its UI's download, its API's answer), Zipkin's (v2), whose documents
 *               are given as binary OTLP requests (receiver/otlp_from.h);
 *               requests, each behind four bytes of length (the file exporter again): binary ones,
 *               or either kind packed by zstd.
 *             A long request is taken in parts, which are requests themselves.
 * Is not:     a decoder: the taker decodes, and says what is wrong with a request.
 * Invariants: requests come in the file's order, each once. What was taken before an error stays
 *             taken.
 * Threads:    one call at a time for one input; no shared state.
 * Memory:     one request at a time, at most request_bytes_max, however long the file is.
 */
#ifndef SPANMAP_ENGINE_INPUT_H
#define SPANMAP_ENGINE_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

enum input_format {
    INPUT_OTLP_JSON,     /* For otlp_decode_json(), otlp_json_to_protobuf(). */
    INPUT_OTLP_PROTOBUF, /* For otlp_decode_protobuf(). */
};

struct input_request {
    struct view bytes; /* Valid during the call. */
    enum input_format format;
    uint64_t offset; /* Of its first byte, in the unpacked file. */
    uint64_t line;   /* Where it begins, from 1; 0: not text. */
};

/* What a taker found wrong with a request. */
struct input_fault {
    const char *reason; /* NULL: the status says it all. Read before the next call. */
    size_t offset;      /* Within the request. */
};

struct input_taker {
    /* Returns: 0, to go on; else reading ends with this status. `fault` is zeroed before. */
    int (*take)(void *context, const struct input_request *request, struct input_fault *fault);
    void *context;
};

/* A zero stands for the default in brackets. */
struct input_options {
    size_t request_bytes_max; /* A line, or a part of a document. [256 MiB] */
    size_t part_bytes;        /* A request that is longer is taken in parts. [1 MiB] */
};

/* One line for the user: the file, where (byte offset, of the unpacked text where the file is packed;
 * the line, of text), what is wrong. */
struct input_error {
    char text[512];
};

/* Reads `path` ("-": standard input) to its end. `options` may be NULL.
 * Returns: 0; STATUS_SYSTEM (cannot be opened or read); STATUS_UNSUPPORTED (a file of no known kind,
 *          or an empty one); STATUS_INVALID, STATUS_TRUNCATED (damaged); STATUS_TOO_LARGE;
 *          STATUS_NOMEM; or what the taker returned. `out_error` is set where it is not 0. */
MUST_USE int input_read(const char *path, const struct input_options *options,
                        const struct input_taker *taker, struct input_error *out_error);

#endif
