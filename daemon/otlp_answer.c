/* otlp_answer.c: a lenient reader: what of an answer cannot be read is as if it were not there, for
 * the status is what counts.
 */
#include "daemon/otlp_answer.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "receiver/otlp_outcome.h"

enum { PREFIX_SIZE = 5 };

void otlp_answer_init(struct otlp_answer *answer)
{
    *answer = (struct otlp_answer){.code = OTLP_CODE_UNKNOWN};
    buf_init(&answer->body, OTLP_ANSWER_BODY_MAX + PREFIX_SIZE);
}

void otlp_answer_release(struct otlp_answer *answer)
{
    if (answer != NULL)
        buf_release(&answer->body);
}

static void set_text(struct otlp_answer *answer, struct view text)
{
    (void)utf8_show(text, answer->text, sizeof(answer->text));
}

/* -------------------------------------------------------------------- fields */

/* A small number in decimal; -1: it is none. */
static int read_number(struct view text)
{
    int number = 0;

    if (text.size == 0 || text.size > 3)
        return -1;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        number = number * 10 + (text.data[i] - '0');
    }
    return number;
}

/* Percent-decoding; what is no escape stays. */
static void read_message(struct otlp_answer *answer, struct view text)
{
    char decoded[OTLP_ANSWER_TEXT_SIZE * 2];
    size_t size = 0;

    for (size_t i = 0; i < text.size && size < sizeof(decoded); i++) {
        int high = text.data[i] == '%' && i + 2 < text.size ? view_hex_digit(text.data[i + 1]) : -1;
        int low = high >= 0 ? view_hex_digit(text.data[i + 2]) : -1;
        decoded[size++] = text.data[i];
        if (low >= 0) {
            decoded[size - 1] = (char)(high << 4 | low);
            i += 2;
        }
    }
    set_text(answer, (struct view){decoded, size});
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* Padded or not; up to the first byte that is no digit, a comma among them. */
static int decode_base64(struct view text, struct buf *out)
{
    unsigned bits = 0;
    unsigned count = 0;

    for (size_t i = 0; i < text.size; i++) {
        int digit = base64_digit(text.data[i]);
        if (digit < 0)
            break;
        bits = (bits << 6 | (unsigned)digit) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            (void)buf_append_byte(out, (char)(bits >> count));
        }
    }
    return out->failed;
}

/* google.rpc.Status, whose details are any messages. */
static void read_details(struct otlp_answer *answer, struct view encoded)
{
    struct buf bytes;

    buf_init(&bytes, OTLP_ANSWER_BODY_MAX);
    if (decode_base64(encoded, &bytes) == 0 &&
        otlp_outcome_retry_delay(buf_view(&bytes), &answer->retry_delay_ns))
        answer->has_retry_delay = true;
    buf_release(&bytes);
}

void otlp_answer_field(struct otlp_answer *answer, struct h2_field field)
{
    int number;

    if (view_equal(field.name, VIEW(":status"))) {
        number = read_number(field.value);
        answer->http_status = number >= 0 ? (unsigned)number : 0;
    } else if (view_equal(field.name, VIEW("grpc-status"))) {
        number = read_number(field.value);
        answer->has_status = true;
        answer->code = number >= 0 && number <= OTLP_CODE_MAX ? number : OTLP_CODE_UNKNOWN;
    } else if (view_equal(field.name, VIEW("grpc-message"))) {
        read_message(answer, field.value);
    } else if (view_equal(field.name, VIEW("grpc-status-details-bin"))) {
        read_details(answer, field.value);
    }
}

void otlp_answer_data(struct otlp_answer *answer, struct view data)
{
    (void)buf_append_view(&answer->body, data); /* `failed` is looked at in the end. */
}

/* ---------------------------------------------------------------------- end */

static void refuse(struct otlp_answer *answer, int code, const char *why)
{
    answer->code = code;
    if (answer->text[0] == '\0')
        (void)snprintf(answer->text, sizeof(answer->text), "%s", why);
}

static int code_of_http(unsigned status)
{
    switch (status) {
    case 400:
        return OTLP_CODE_INTERNAL;
    case 401:
        return OTLP_CODE_UNAUTHENTICATED;
    case 403:
        return OTLP_CODE_PERMISSION_DENIED;
    case 404:
        return OTLP_CODE_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return OTLP_CODE_UNAVAILABLE;
    default:
        return OTLP_CODE_UNKNOWN;
    }
}

static int code_of_reset(uint32_t error)
{
    switch (error) {
    case H2_REFUSED_STREAM:
        return OTLP_CODE_UNAVAILABLE;
    case H2_CANCEL:
        return OTLP_CODE_CANCELLED;
    case H2_ENHANCE_YOUR_CALM:
        return OTLP_CODE_RESOURCE_EXHAUSTED;
    default:
        return OTLP_CODE_INTERNAL;
    }
}

static void finish_without_status(struct otlp_answer *answer, uint32_t error)
{
    char why[64];

    if (error != H2_NO_ERROR) {
        (void)snprintf(why, sizeof(why), "the stream was reset, error %u", (unsigned)error);
        refuse(answer, code_of_reset(error), why);
    } else if (answer->http_status != 200) {
        (void)snprintf(why, sizeof(why), "HTTP status %u, and no gRPC", answer->http_status);
        refuse(answer, code_of_http(answer->http_status), why);
    } else {
        refuse(answer, OTLP_CODE_UNKNOWN, "the answer bears no grpc-status");
    }
}

static void read_response(struct otlp_answer *answer, struct view message)
{
    struct view text;

    answer->rejected = otlp_outcome_rejected(message, &text);
    set_text(answer, text);
}

static void finish_ok(struct otlp_answer *answer)
{
    const unsigned char *prefix = (const unsigned char *)answer->body.data;
    size_t size;

    answer->text[0] = '\0';
    if (answer->body.failed != 0) {
        refuse(answer, OTLP_CODE_INTERNAL, "the answer is too large");
        return;
    }
    if (answer->body.size < PREFIX_SIZE) {
        refuse(answer, OTLP_CODE_INTERNAL, "the answer holds no message");
        return;
    }
    size = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | prefix[4];
    if (prefix[0] != 0 || size != answer->body.size - PREFIX_SIZE) {
        refuse(answer, OTLP_CODE_INTERNAL, "the answer is not one plain message");
        return;
    }
    read_response(answer, (struct view){answer->body.data + PREFIX_SIZE, size});
}

void otlp_answer_finish(struct otlp_answer *answer, uint32_t error)
{
    if (!answer->has_status)
        finish_without_status(answer, error);
    else if (answer->code == OTLP_CODE_OK)
        finish_ok(answer);
}

void otlp_answer_lose(struct otlp_answer *answer, const char *why)
{
    answer->text[0] = '\0';
    refuse(answer, OTLP_CODE_UNAVAILABLE, why);
}

void otlp_answer_break(struct otlp_answer *answer, const char *why)
{
    answer->text[0] = '\0';
    refuse(answer, OTLP_CODE_INTERNAL, why);
}

bool otlp_answer_may_retry(const struct otlp_answer *answer)
{
    return otlp_outcome_may_retry(answer->code, answer->has_retry_delay);
}

const char *otlp_answer_code_name(int code)
{
    return otlp_outcome_code_name(code);
}
