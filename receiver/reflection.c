/* reflection.c: descriptors read by their wire format.
 *
 * Of descriptor.proto only names matter here: every message of it has its name in field 1, and what
 * is named inside it in a few fields more, which the tables below list. Requests and responses are
 * read and written by hand too, so that the request comes back in its response as it came.
 */
#include "receiver/reflection.h"

#include "base/check.h"
#include "base/proto_write.h"
#include "receiver/otlp_wire.h"

enum { GROUPS_MAX = 16 };

/* ServerReflectionRequest, and ServerReflectionResponse with its parts. */
enum {
    REQUEST_HOST = 1,
    REQUEST_FILE_BY_FILENAME = 3,
    REQUEST_FILE_CONTAINING_SYMBOL = 4,
    REQUEST_FILE_CONTAINING_EXTENSION = 5,
    REQUEST_ALL_EXTENSION_NUMBERS = 6,
    REQUEST_LIST_SERVICES = 7,
    EXTENSION_TYPE = 1,
    EXTENSION_NUMBER = 2,
    RESPONSE_HOST = 1,
    RESPONSE_REQUEST = 2,
    RESPONSE_FILES = 4,
    RESPONSE_NUMBERS = 5,
    RESPONSE_SERVICES = 6,
    RESPONSE_ERROR = 7,
    FILES_DESCRIPTOR = 1,
    NUMBERS_TYPE = 1,
    NUMBERS_NUMBER = 2,
    SERVICES_SERVICE = 1,
    SERVICE_NAME = 1,
    ERROR_CODE = 1,
    ERROR_MESSAGE = 2,
};

/* descriptor.proto */
enum {
    SET_FILE = 1,
    ANY_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_DEPENDENCY = 3,
    FILE_EXTENSION = 7,
    MESSAGE_NESTED = 3,
    MESSAGE_EXTENSION = 6,
    FIELD_EXTENDEE = 2,
    FIELD_NUMBER = 3,
};

/* ------------------------------------------------------------------------- reading */

/* The next field with that tag. Descriptors are our own: what cannot be read is not there. */
static bool next_field(struct wire *wire, uint32_t tag, struct wire_field *out_field)
{
    while (wire_left(wire) != 0 && wire_field(wire, GROUPS_MAX, out_field) == 0) {
        if (out_field->tag == tag)
            return true;
    }
    return false;
}

static bool next_bytes(struct wire *wire, uint32_t field, struct view *out_bytes)
{
    struct wire_field found;

    if (!next_field(wire, WIRE_TAG(field, WIRE_BYTES), &found))
        return false;
    *out_bytes = wire_view(found.bytes);
    return true;
}

/* The first of that field; empty where there is none. */
static struct view bytes_at(struct view message, uint32_t field)
{
    struct wire wire = wire_of(message);
    struct view bytes = {"", 0};

    (void)next_bytes(&wire, field, &bytes);
    return bytes;
}

/* ------------------------------------------------------------------------- symbols */

/* What is named inside a message of descriptor.proto. */
struct part {
    uint32_t field;
    const struct part *inside; /* NULL: nothing is named inside. */
    bool is_beside; /* What is inside is named as if it stood beside: the values of an enum. */
};

static const struct part service_parts[] = {{2, NULL, false}, {0}};
static const struct part enum_parts[] = {{2, NULL, false}, {0}};
static const struct part message_parts[] = {
    {2, NULL, false},      {MESSAGE_NESTED, message_parts, false},
    {4, enum_parts, true}, {MESSAGE_EXTENSION, NULL, false},
    {8, NULL, false},      {0},
};
static const struct part file_parts[] = {
    {4, message_parts, false},
    {5, enum_parts, true},
    {6, service_parts, false},
    {FILE_EXTENSION, NULL, false},
    {0},
};

/* `path` without `name` and the dot behind it. */
static bool step_into(struct view *path, struct view name)
{
    if (path->size <= name.size || path->data[name.size] != '.' || !view_starts(*path, name))
        return false;
    path->data += name.size + 1;
    path->size -= name.size + 1;
    return true;
}

/* Whether `path` names something inside. As deep as our own files nest. */
static bool names(struct view inside, const struct part *parts, struct view path)
{
    for (; parts->field != 0; parts++) {
        struct wire wire = wire_of(inside);
        struct view thing;

        while (next_bytes(&wire, parts->field, &thing)) {
            struct view name = bytes_at(thing, ANY_NAME);
            struct view rest = path;

            if (view_equal(name, path))
                return true;
            if (parts->inside != NULL && (parts->is_beside || step_into(&rest, name)) &&
                names(thing, parts->inside, rest))
                return true;
        }
    }
    return false;
}

static bool file_names(struct view file, struct view symbol)
{
    struct view package = bytes_at(file, FILE_PACKAGE);

    return (package.size == 0 || step_into(&symbol, package)) && names(file, file_parts, symbol);
}

/* --------------------------------------------------------------------------- files */

typedef bool file_test(struct view file, const void *wanted);

static bool is_named(struct view file, const void *wanted)
{
    return view_equal(bytes_at(file, ANY_NAME), *(const struct view *)wanted);
}

static bool holds_symbol(struct view file, const void *wanted)
{
    return file_names(file, *(const struct view *)wanted);
}

/* Returns: 0, with its place in the set; STATUS_NOT_FOUND. */
static int find_file(const struct reflection *reflection, file_test *test, const void *wanted,
                     struct view *out_file, unsigned *out_place)
{
    struct wire wire = wire_of(reflection->descriptors);
    struct view file;

    for (unsigned place = 0; place < REFLECTION_FILES_MAX && next_bytes(&wire, SET_FILE, &file);
         place++) {
        if (!test(file, wanted))
            continue;
        *out_file = file;
        *out_place = place;
        return 0;
    }
    return STATUS_NOT_FOUND;
}

/* ------------------------------------------------------------------------- writing */

static void put_error(struct buf *out, enum grpc_code code, const char *message)
{
    size_t begin = proto_write_begin(out, RESPONSE_ERROR);

    proto_write_varint(out, ERROR_CODE, (uint64_t)code);
    proto_write_bytes(out, ERROR_MESSAGE, view_of(message));
    proto_write_end(out, begin);
}

/* --------------------------------------------------------------------------- answers */

/* The file and all that it imports, itself first. */
static void put_files(const struct reflection *reflection, struct view file, unsigned place,
                      struct buf *out)
{
    struct view queue[REFLECTION_FILES_MAX] = {file};
    bool is_seen[REFLECTION_FILES_MAX] = {false};
    size_t begin = proto_write_begin(out, RESPONSE_FILES);
    unsigned count = 1;

    is_seen[place] = true;
    for (unsigned i = 0; i < count; i++) {
        struct wire wire = wire_of(queue[i]);
        struct view name;

        proto_write_bytes(out, FILES_DESCRIPTOR, queue[i]);
        while (next_bytes(&wire, FILE_DEPENDENCY, &name)) {
            if (find_file(reflection, is_named, &name, &file, &place) != 0 || is_seen[place])
                continue;
            is_seen[place] = true;
            queue[count++] = file;
        }
    }
    proto_write_end(out, begin);
}

static void answer_file(const struct reflection *reflection, file_test *test, const void *wanted,
                        const char *complaint, struct buf *out)
{
    struct view file;
    unsigned place;

    if (find_file(reflection, test, wanted, &file, &place) == 0)
        put_files(reflection, file, place, out);
    else
        put_error(out, GRPC_NOT_FOUND, complaint);
}

static void put_services(const struct reflection *reflection, struct buf *out)
{
    size_t begin = proto_write_begin(out, RESPONSE_SERVICES);

    for (size_t i = 0; i < reflection->services_count; i++) {
        size_t service = proto_write_begin(out, SERVICES_SERVICE);

        proto_write_bytes(out, SERVICE_NAME, reflection->services[i]);
        proto_write_end(out, service);
    }
    proto_write_end(out, begin);
}

struct extension {
    struct view type; /* Extended, without a dot in front. */
    uint64_t number;
    struct buf *numbers; /* Gets all of that type; NULL: none. */
};

/* Whether one of the extensions in `inside` is the wanted one. */
static bool extends(struct view inside, uint32_t field, const struct extension *wanted)
{
    struct wire wire = wire_of(inside);
    bool is_found = false;
    struct view thing;

    while (next_bytes(&wire, field, &thing)) {
        struct view extendee = bytes_at(thing, FIELD_EXTENDEE);
        struct wire at = wire_of(thing);
        struct wire_field number;

        if (extendee.size == 0 ||
            !view_equal((struct view){extendee.data + 1, extendee.size - 1}, wanted->type) ||
            !next_field(&at, WIRE_TAG(FIELD_NUMBER, WIRE_VARINT), &number))
            continue;
        if (wanted->numbers != NULL)
            proto_write_varint(wanted->numbers, NUMBERS_NUMBER, number.number);
        is_found = is_found || number.number == wanted->number;
    }
    return is_found;
}

static bool message_extends(struct view message, uint32_t field, const struct extension *wanted)
{
    struct wire wire = wire_of(message);
    bool is_found = false;
    struct view inside;

    while (next_bytes(&wire, field, &inside)) {
        is_found = extends(inside, MESSAGE_EXTENSION, wanted) || is_found;
        is_found = message_extends(inside, MESSAGE_NESTED, wanted) || is_found;
    }
    return is_found;
}

static bool holds_extension(struct view file, const void *wanted)
{
    bool is_found = extends(file, FILE_EXTENSION, wanted);

    return message_extends(file, 4, wanted) || is_found;
}

static void answer_extension(const struct reflection *reflection, struct view request,
                             struct buf *out)
{
    struct extension wanted = {.type = bytes_at(request, EXTENSION_TYPE)};
    struct wire wire = wire_of(request);
    struct wire_field number;

    if (next_field(&wire, WIRE_TAG(EXTENSION_NUMBER, WIRE_VARINT), &number))
        wanted.number = number.number;
    answer_file(reflection, holds_extension, &wanted, "there is no such extension here", out);
}

static void answer_numbers(const struct reflection *reflection, struct view type, struct buf *out)
{
    struct extension wanted = {.type = type, .number = UINT64_MAX, .numbers = out};
    size_t begin;
    struct view file;
    unsigned place;

    if (find_file(reflection, holds_symbol, &type, &file, &place) != 0) {
        put_error(out, GRPC_NOT_FOUND, "there is no such type here");
        return;
    }
    begin = proto_write_begin(out, RESPONSE_NUMBERS);
    proto_write_bytes(out, NUMBERS_TYPE, type);
    /* No extension has that number, so that all files are looked through. */
    (void)find_file(reflection, holds_extension, &wanted, &file, &place);
    proto_write_end(out, begin);
}

struct request {
    struct view host;
    uint32_t kind; /* The field that is set last; 0: none. */
    struct view text;
};

/* Returns: 0; STATUS_INVALID; STATUS_TRUNCATED. */
static int read_request(struct view message, struct request *out_request)
{
    struct request request = {.host = {"", 0}};
    struct wire wire = wire_of(message);
    struct wire_field field;

    while (wire_left(&wire) != 0) {
        int status = wire_field(&wire, GROUPS_MAX, &field);
        uint32_t number;

        if (status != 0)
            return status;
        number = field.tag >> 3;
        if ((field.tag & 7) != WIRE_BYTES)
            continue;
        if (number == REQUEST_HOST) {
            request.host = wire_view(field.bytes);
        } else if (number >= REQUEST_FILE_BY_FILENAME && number <= REQUEST_LIST_SERVICES) {
            request.kind = number;
            request.text = wire_view(field.bytes);
        }
    }
    *out_request = request;
    return 0;
}

static void answer(const struct reflection *reflection, const struct request *request,
                   struct buf *out)
{
    switch (request->kind) {
    case REQUEST_FILE_BY_FILENAME:
        answer_file(reflection, is_named, &request->text, "there is no such file here", out);
        break;
    case REQUEST_FILE_CONTAINING_SYMBOL:
        answer_file(reflection, holds_symbol, &request->text, "there is no such symbol here", out);
        break;
    case REQUEST_FILE_CONTAINING_EXTENSION:
        answer_extension(reflection, request->text, out);
        break;
    case REQUEST_ALL_EXTENSION_NUMBERS:
        answer_numbers(reflection, request->text, out);
        break;
    default:
        CHECK(request->kind == REQUEST_LIST_SERVICES);
        put_services(reflection, out);
        break;
    }
}

static enum grpc_step end(struct grpc_reply *reply, enum grpc_code code, const char *message)
{
    reply->code = code;
    (void)buf_append_text(&reply->message, message); /* Without memory the code goes out alone. */
    return GRPC_STEP_END;
}

static enum grpc_step take_message(void *context, void *state, struct view message,
                                   struct grpc_reply *reply)
{
    const struct reflection *reflection = context;
    struct buf *out = &reply->body;
    struct request request;

    (void)state;
    if (read_request(message, &request) != 0)
        return end(reply, GRPC_INVALID_ARGUMENT, "the message is no ServerReflectionRequest");
    if (request.kind == 0)
        return end(reply, GRPC_INVALID_ARGUMENT, "the request asks for nothing");
    if (request.host.size != 0)
        proto_write_bytes(out, RESPONSE_HOST, request.host);
    proto_write_bytes(out, RESPONSE_REQUEST, message);
    answer(reflection, &request, out);
    return out->failed == 0 ? GRPC_STEP_SAY
                            : end(reply, GRPC_UNAVAILABLE, "no memory for the answer");
}

struct grpc_stream_method reflection_method(struct reflection *reflection, const char *path)
{
    return (struct grpc_stream_method){
        .path = path,
        .takes_many = true,
        .message = take_message,
        .context = reflection,
    };
}
