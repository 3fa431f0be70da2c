/* otlp_answer_fuzz.c: lines `name:value` up to an empty one are fields, the rest is the body. Some
 * answer comes out, with a text that a terminal may be shown.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/utf8.h"
#include "daemon/otlp_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct view take_line(struct view *text)
{
    const char *end = text->size != 0 ? memchr(text->data, '\n', text->size) : NULL;
    struct view line = {text->data, end != NULL ? (size_t)(end - text->data) : text->size};
    size_t taken = end != NULL ? line.size + 1 : line.size;

    *text = (struct view){text->data + taken, text->size - taken};
    return line;
}

static void give_field(struct otlp_answer *answer, struct view line)
{
    const char *colon = memchr(line.data + 1, ':', line.size - 1); /* A name may start with one. */
    size_t name = colon != NULL ? (size_t)(colon - line.data) : line.size;
    size_t value = name < line.size ? name + 1 : name;

    otlp_answer_field(answer,
                      (struct h2_field){{line.data, name}, {line.data + value, line.size - value}});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {(const char *)data, size};
    struct otlp_answer answer;

    if (size == 0)
        return 0;
    otlp_answer_init(&answer);
    for (;;) {
        struct view line = take_line(&text);
        if (line.size == 0)
            break;
        give_field(&answer, line);
    }
    otlp_answer_data(&answer, text);
    otlp_answer_finish(&answer, data[0] % 14);
    CHECK(answer.code >= 0 && answer.code <= 16);
    CHECK(answer.retry_delay_ns == 0 || answer.has_retry_delay);
    CHECK(memchr(answer.text, '\0', sizeof(answer.text)) != NULL);
    CHECK(utf8_is_valid(view_of(answer.text)));
    CHECK(answer.code == 0 || answer.rejected == 0);
    (void)otlp_answer_may_retry(&answer);
    otlp_answer_release(&answer);
    return 0;
}
