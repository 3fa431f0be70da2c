/* otlp_answer.h: what a receiver answered to one Export over gRPC.
 * Is:         fields and bytes of a response in; a status, a delay, a partial success out.
 * Is not:     transport, nor a decision: otlp_answer_may_retry() only says what OTLP allows.
 * Invariants: any bytes give some answer. Texts are one harmless line.
 * Threads:    plain data.
 * Memory:     owns the body, at most OTLP_ANSWER_BODY_MAX.
 * Source:     gRPC over HTTP/2, "Responses"; http-grpc-status-mapping; OTLP A10-A16, C11, C12.
 */
#ifndef SPANMAP_DAEMON_OTLP_ANSWER_H
#define SPANMAP_DAEMON_OTLP_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/view.h"
#include "net/h2.h"

enum { OTLP_ANSWER_BODY_MAX = 4 << 20, OTLP_ANSWER_TEXT_SIZE = 256 };

struct otlp_answer {
    int code;             /* gRPC's, 0 to 16; valid after otlp_answer_finish(). */
    bool has_retry_delay; /* A RetryInfo came. */
    uint64_t retry_delay_ns;
    uint64_t rejected;                /* partial_success.rejected_spans */
    char text[OTLP_ANSWER_TEXT_SIZE]; /* grpc-message, or partial_success.error_message. */
    bool has_status;                  /* From here on its own. */
    unsigned http_status;
    struct buf body;
};

void otlp_answer_init(struct otlp_answer *answer);
void otlp_answer_release(struct otlp_answer *answer);

/* In the order in which they came. */
void otlp_answer_field(struct otlp_answer *answer, struct h2_field field);
void otlp_answer_data(struct otlp_answer *answer, struct view data);

/* The stream ended, with an enum h2_error. */
void otlp_answer_finish(struct otlp_answer *answer, uint32_t error);

/* Nothing was answered, for a reason of the transport's. */
void otlp_answer_lose(struct otlp_answer *answer, const char *why);  /* UNAVAILABLE */
void otlp_answer_break(struct otlp_answer *answer, const char *why); /* INTERNAL */

/* Whether the same request may be sent again (OTLP A15). */
bool otlp_answer_may_retry(const struct otlp_answer *answer);

/* "UNAVAILABLE"; of a number that is none: "UNKNOWN". */
const char *otlp_answer_code_name(int code);

#endif
