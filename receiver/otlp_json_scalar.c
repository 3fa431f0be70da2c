/* otlp_json_scalar.c: each value is judged in whole before anything is made of it.
 */
#include "receiver/otlp_json_scalar.h"

#include <math.h>

/* ------------------------------------------------------------------ bytes */

int otlp_json_put_hex(struct view digits, struct buf *out)
{
    size_t pairs = digits.size / 2;
    int status = 0;

    for (size_t i = 0; i < digits.size; i++)
        if (view_hex_digit(digits.data[i]) < 0)
            return STATUS_INVALID;
    for (size_t i = 0; status == 0 && i < pairs; i++)
        status = buf_append_byte(out, (char)(view_hex_digit(digits.data[2 * i]) << 4 |
                                             view_hex_digit(digits.data[2 * i + 1])));
    if (status == 0 && digits.size % 2 != 0) {
        status = buf_append_byte(out, (char)view_hex_digit(digits.data[digits.size - 1]));
        /* 15 or 31 digits must not become the 8 or 16 bytes of a valid id. */
        if (status == 0 && (pairs + 1 == 8 || pairs + 1 == 16))
            status = buf_append_byte(out, 0);
    }
    return status;
}

static int base64_digit(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    if (byte == '+' || byte == '-')
        return 62;
    if (byte == '/' || byte == '_')
        return 63;
    return -1;
}

int otlp_json_put_base64(struct view text, struct buf *out)
{
    uint32_t bits = 0;
    unsigned count = 0;
    int status = 0;

    if (text.size % 4 == 0)
        for (int i = 0; i < 2 && text.size != 0 && text.data[text.size - 1] == '='; i++)
            text.size--;
    if (text.size % 4 == 1)
        return STATUS_INVALID;
    for (size_t i = 0; i < text.size; i++)
        if (base64_digit(text.data[i]) < 0)
            return STATUS_INVALID;
    for (size_t i = 0; status == 0 && i < text.size; i++) {
        bits = bits << 6 | (uint32_t)base64_digit(text.data[i]);
        count += 6;
        if (count >= 8) {
            count -= 8;
            status = buf_append_byte(out, (char)(bits >> count & 0xFF));
        }
    }
    return status;
}

/* ------------------------------------------------------------------ numbers */

/* Sign and magnitude. */
struct integer {
    bool is_negative;
    uint64_t magnitude;
};

static bool parse_integer(struct view text, struct integer *out_integer)
{
    struct integer integer = {.is_negative = text.size != 0 && text.data[0] == '-'};
    size_t at = integer.is_negative;

    if (at == text.size)
        return false;
    for (; at < text.size; at++) {
        uint64_t digit = (uint64_t)(unsigned char)text.data[at] - '0';
        if (digit > 9 || __builtin_mul_overflow(integer.magnitude, 10, &integer.magnitude) ||
            __builtin_add_overflow(integer.magnitude, digit, &integer.magnitude))
            return false;
    }
    *out_integer = integer;
    return true;
}

static bool real_to_integer(double real, struct integer *out_integer)
{
    double magnitude = fabs(real);

    if (!(magnitude < 18446744073709551616.0) || magnitude != floor(magnitude))
        return false;
    *out_integer = (struct integer){real < 0, (uint64_t)magnitude};
    return true;
}

static bool to_integer(const json_t *value, struct integer *out_integer)
{
    json_int_t number;

    if (json_is_string(value))
        return parse_integer((struct view){json_string_value(value), json_string_length(value)},
                             out_integer);
    if (json_is_real(value))
        return real_to_integer(json_real_value(value), out_integer);
    if (!json_is_integer(value))
        return false;
    number = json_integer_value(value);
    *out_integer = (struct integer){number < 0,
                                    number < 0 ? 0 - (uint64_t)number : (uint64_t)number};
    return true;
}

bool otlp_json_read_integer(const json_t *value, bool is_signed, unsigned bits,
                            uint64_t *out_number)
{
    struct integer integer;
    uint64_t positive_max = UINT64_MAX >> (64 - bits + is_signed);
    uint64_t negative_max = is_signed ? positive_max + 1 : 0;

    if (!to_integer(value, &integer) ||
        integer.magnitude > (integer.is_negative ? negative_max : positive_max))
        return false;
    *out_number = integer.is_negative ? 0 - integer.magnitude : integer.magnitude;
    return true;
}

bool otlp_json_read_enum(const json_t *value, uint64_t *out_number)
{
    return !json_is_string(value) && otlp_json_read_integer(value, true, 32, out_number);
}

/* Of a lack of memory jansson often says nothing at all. */
int otlp_json_load_status(const json_error_t *error)
{
    return error->text[0] == '\0' || json_error_code(error) == json_error_out_of_memory
               ? STATUS_NOMEM
               : STATUS_INVALID;
}

/* By jansson again, whose numbers do not depend on the locale. */
static int parse_double(struct view text, double *out_number)
{
    json_error_t error;
    json_t *inner = json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL,
                               &error);
    int status = 0;

    if (inner == NULL)
        return text.size == 0 ? STATUS_INVALID : otlp_json_load_status(&error);
    if (json_is_real(inner))
        *out_number = json_real_value(inner);
    else
        status = STATUS_INVALID;
    json_decref(inner);
    return status;
}

int otlp_json_read_double(const json_t *value, double *out_number)
{
    struct view text = {json_string_value(value), json_string_length(value)};

    if (json_is_number(value))
        *out_number = json_number_value(value);
    else if (!json_is_string(value))
        return STATUS_INVALID;
    else if (view_equal(text, VIEW("NaN")))
        *out_number = NAN;
    else if (view_equal(text, VIEW("Infinity")))
        *out_number = INFINITY;
    else if (view_equal(text, VIEW("-Infinity")))
        *out_number = -INFINITY;
    else
        return parse_double(text, out_number);
    return 0;
}
