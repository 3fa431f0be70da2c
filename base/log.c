/* log.c: logfmt lines, written whole. */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

enum { LINE_MAX_BYTES = 2048 };

struct line {
    char text[LINE_MAX_BYTES];
    size_t size;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static void put(struct line *line, const char *data, size_t size)
{
    size_t room = sizeof(line->text) - 1 - line->size;

    if (size > room)
        size = room;
    memcpy(line->text + line->size, data, size);
    line->size += size;
}

static bool plain(struct view text)
{
    if (text.size == 0)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f)
            return false;
    }
    return true;
}

static void put_escaped(struct line *line, struct view bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        char escaped[8];
        put(line, escaped,
            (size_t)snprintf(escaped, sizeof(escaped), "\\x%02x", (unsigned char)bytes.data[i]));
    }
}

static void put_value(struct line *line, struct view text)
{
    size_t size;

    if (plain(text)) {
        put(line, text.data, text.size);
        return;
    }
    put(line, "\"", 1);
    for (size_t i = 0; i < text.size; i += size) {
        struct view character = {text.data + i, text.size - i};
        size = utf8_size(character) != 0 ? utf8_size(character) : 1;
        if (size > sizeof(line->text) - 1 - line->size)
            break; /* Half a character would be none. */
        character.size = size;
        if (utf8_is_control(character)) {
            put_escaped(line, character);
            continue;
        }
        if (text.data[i] == '"' || text.data[i] == '\\')
            put(line, "\\", 1);
        put(line, character.data, size);
    }
    put(line, "\"", 1);
}

static void put_time(struct line *line)
{
    struct wall_time now = clock_wall();
    time_t seconds = (time_t)(now.ns / NS_PER_S);
    struct tm parts;
    char text[40];
    size_t size;

    if (gmtime_r(&seconds, &parts) == NULL)
        return;
    put(line, "time=", 5);
    size = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    put(line, text, size);
    size = (size_t)snprintf(text, sizeof(text), ".%03uZ",
                            (unsigned)(now.ns % NS_PER_S / NS_PER_MS));
    put(line, text, size);
}

void log_event(const struct log *log, enum log_level level, const char *message,
               const struct log_field *fields)
{
    struct line line = {.size = 0};
    char number[32];

    if (log == NULL || (int)level < atomic_load_explicit(&log->level, memory_order_relaxed))
        return;
    put_time(&line);
    put(&line, " level=", 7);
    put(&line, level_names[level], strlen(level_names[level]));
    put(&line, " msg=", 5);
    put_value(&line, view_of(message));
    for (; fields != NULL && fields->key != NULL; fields++) {
        put(&line, " ", 1);
        put(&line, fields->key, strlen(fields->key));
        put(&line, "=", 1);
        if (fields->is_number)
            put(&line, number, (size_t)snprintf(number, sizeof(number), "%lld", fields->number));
        else
            put_value(&line, fields->text);
    }
    line.text[line.size++] = '\n';
    while (write(log->fd, line.text, line.size) < 0 && errno == EINTR)
        continue;
}

bool log_gate_opens(struct log_gate *gate, struct mono_time now, uint64_t interval_ns)
{
    if (gate->is_used && now.ns - gate->last.ns < interval_ns)
        return false;
    *gate = (struct log_gate){.is_used = true, .last = now};
    return true;
}

int log_level_parse(struct view name, enum log_level *out_level)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (view_equal(name, view_of(level_names[i]))) {
            *out_level = (enum log_level)i;
            return 0;
        }
    }
    return STATUS_NOT_FOUND;
}
