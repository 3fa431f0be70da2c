/* log.h: one line an event, in logfmt, to one file descriptor.
 * Is:         for stage faces and the daemon only: base, net's protocol code and topology return.
 * Threads:    any; a line is written by one write(2).
 * Memory:     a line is cut at 2,048 bytes.
 */
#ifndef SPANMAP_BASE_LOG_H
#define SPANMAP_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/status.h"
#include "base/view.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
    int fd;
    _Atomic int level; /* Lines below it are not written. */
};

/* One key and value; `key` is a literal. End a list with LOG_END. */
struct log_field {
    const char *key;
    struct view text;
    long long number;
    int is_number;
};

#define LOG_TEXT(k, v) ((struct log_field){.key = (k), .text = view_of(v)})
#define LOG_VIEW(k, v) ((struct log_field){.key = (k), .text = (v)})
#define LOG_NUM(k, v) ((struct log_field){.key = (k), .number = (long long)(v), .is_number = 1})
#define LOG_END ((struct log_field){.key = NULL})

/* Writes `time=... level=... msg="..." key=value ...`. A NULL log writes nothing.
 * Control characters and invalid UTF-8 in values are escaped. */
void log_event(const struct log *log, enum log_level level, const char *message,
               const struct log_field *fields);

#define LOG(log, level, message, ...)                                                              \
    log_event((log), (level), (message), (const struct log_field[]){__VA_ARGS__})

/* Of one line, or of some that go together: a flood must not become one of lines. Begins as zero. */
struct log_gate {
    bool is_used;
    struct mono_time last;
};

/* Whether `interval_ns` have passed since it was true; the first time it is. One owner at a time. */
bool log_gate_opens(struct log_gate *gate, struct mono_time now, uint64_t interval_ns);

/* "debug", "info", "warn", "error". Returns: 0; STATUS_NOT_FOUND. */
MUST_USE int log_level_parse(struct view name, enum log_level *out_level);

#endif
