/* grpc_fields.c: the few values that have a grammar. */
#include "receiver/grpc_fields.h"

#include "base/check.h"
#include "base/clock.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* `prefix` is in lower case. */
static bool starts(struct view text, struct view prefix)
{
    if (text.size < prefix.size)
        return false;
    for (size_t i = 0; i < prefix.size; i++) {
        if (lower(text.data[i]) != prefix.data[i])
            return false;
    }
    return true;
}

bool grpc_is_content_type(struct view value)
{
    const struct view type = VIEW("application/grpc");
    const struct view proto = VIEW("+proto");

    if (view_equal(value, type))
        return true; /* As nearly all have it. */
    if (!starts(value, type))
        return false;
    value = (struct view){value.data + type.size, value.size - type.size};
    if (starts(value, proto))
        value = (struct view){value.data + proto.size, value.size - proto.size};
    return value.size == 0 || value.data[0] == ';';
}

static uint64_t unit_ns(char unit)
{
    switch (unit) {
    case 'H':
        return 3600 * NS_PER_S;
    case 'M':
        return 60 * NS_PER_S;
    case 'S':
        return NS_PER_S;
    case 'm':
        return NS_PER_MS;
    case 'u':
        return 1000;
    case 'n':
        return 1;
    default:
        return 0;
    }
}

int grpc_timeout_parse(struct view value, uint64_t *out_ns)
{
    uint64_t number = 0;
    uint64_t unit;

    if (value.size < 2 || value.size > 9)
        return STATUS_INVALID;
    for (size_t i = 0; i + 1 < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return STATUS_INVALID;
        number = number * 10 + (uint64_t)(value.data[i] - '0');
    }
    unit = unit_ns(value.data[value.size - 1]);
    if (unit == 0)
        return STATUS_INVALID;
    /* 99,999,999 hours are more than 64 bits of nanoseconds. */
    *out_ns = number > UINT64_MAX / 4 / unit ? UINT64_MAX / 4 : number * unit;
    return 0;
}

enum grpc_encoding grpc_encoding_of(struct view value)
{
    if (value.size == 0 || view_equal(value, VIEW("identity")))
        return GRPC_IDENTITY;
    if (view_equal(value, VIEW("gzip")))
        return GRPC_GZIP;
    if (view_equal(value, VIEW("deflate")))
        return GRPC_DEFLATE;
    return view_equal(value, VIEW("zstd")) ? GRPC_ZSTD : GRPC_UNKNOWN_ENCODING;
}

enum inflate_format grpc_inflate_format(enum grpc_encoding encoding)
{
    CHECK(encoding != GRPC_IDENTITY && encoding != GRPC_UNKNOWN_ENCODING);
    if (encoding == GRPC_GZIP)
        return INFLATE_GZIP;
    return encoding == GRPC_DEFLATE ? INFLATE_ZLIB : INFLATE_ZSTD;
}
