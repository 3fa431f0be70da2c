/* otlp_build.h: requests written field by field, right or wrong, and a decoder to give them to.
 * Is:         a writer of protobuf's wire format that nests messages.
 * Memory:     owned by the builder; running out of it ends the test.
 */
#ifndef SPANMAP_TESTS_LIB_OTLP_BUILD_H
#define SPANMAP_TESTS_LIB_OTLP_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "receiver/otlp_trace.h"

enum { BUILD_DEPTH_MAX = 256 };

struct build {
    struct buf out;
    size_t open[BUILD_DEPTH_MAX]; /* Where the lengths of open messages go. */
    size_t depth;
};

void build_init(struct build *build);
void build_release(struct build *build);

/* Opens field `field`, a message; all that follows goes into it until it is closed. */
void build_open(struct build *build, unsigned field);
void build_close(struct build *build);
/* Closes all that is open. */
struct view build_done(struct build *build);

void build_varint(struct build *build, unsigned field, uint64_t number);
void build_fixed64(struct build *build, unsigned field, uint64_t number);
void build_fixed32(struct build *build, unsigned field, uint32_t number);
void build_bytes(struct build *build, unsigned field, struct view bytes);
void build_text(struct build *build, unsigned field, const char *text);
/* Bytes as they are, at this place. */
void build_raw(struct build *build, struct view bytes);

/* A KeyValue as field `field`. */
void build_attribute(struct build *build, unsigned field, const char *key, const char *text);
void build_real_attribute(struct build *build, unsigned field, const char *key, double number);
void build_number_attribute(struct build *build, unsigned field, const char *key, int64_t number);

/* A ResourceSpans with service.name (NULL: none) and a ScopeSpans, left open. */
void build_open_service(struct build *build, const char *service);
/* A span, left open: ids that are made of `id` (of trace 1) and of `parent` (0: none), a name. */
void build_open_span(struct build *build, uint64_t id, uint64_t parent, const char *name);

/* What a decoder needs; zeroed options are the defaults. */
struct rig {
    struct naming *naming;
    struct catalog *catalog;
    struct otlp_decoder *decoder;
    struct dimensions *dimensions; /* NULL: none. */
};

enum { RIG_SEED = 7 };

void rig_start(struct rig *rig, const struct otlp_decoder_options *options, bool derive_errors);
/* The same with dimensions of these keys. */
void rig_start_with_dimensions(struct rig *rig, const struct view *keys, size_t count);
void rig_stop(struct rig *rig);

/* Names of a staged span. */
struct view rig_service(const struct rig *rig, const struct span *span);
struct view rig_operation(const struct rig *rig, const struct span *span);
/* Empty: none. */
struct view rig_peer(const struct rig *rig, const struct span *span);

/* Bytes that may hold zeros. */
#define BYTES(data, length) ((struct view){(data), (length)})

/* A decoder, a request in the making, and what came of it. */
struct fixture {
    struct rig rig;
    struct build build;
    const struct otlp_stage *stage;
};

void start(struct fixture *fixture);
void start_with(struct fixture *fixture, const struct otlp_decoder_options *options,
                bool derive_errors);
void stop(struct fixture *fixture);

/* Decodes what was built, and begins a new request. */
int decode(struct fixture *fixture);
/* A request of one good span; fails the test unless that is what comes out. */
const struct span *decode_one(struct fixture *fixture);

/* A span of service "shop", left open. */
void open_one(struct fixture *fixture);
void open_client(struct fixture *fixture);
/* One of these ids. */
void build_ids(struct build *build, struct view trace, struct view id, struct view parent);

extern const char sixteen[17]; /* Bytes for ids. */
extern const char zeros[17];

#endif
