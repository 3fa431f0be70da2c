/* reflection_test.c: the protocol's own descriptors, asked for in every way. */
#include "receiver/reflection.h"

#include "receiver/descriptors.h"
#include "receiver/otlp_wire.h"
#include "tests/lib/otlp_build.h"
#include "tests/lib/test.h"

#define TRACE "opentelemetry/proto/trace/v1/trace.proto"
#define COMMON "opentelemetry/proto/common/v1/common.proto"
#define RESOURCE "opentelemetry/proto/resource/v1/resource.proto"

static const struct view services[] = {VIEW("a.B"), VIEW("c.D")};

struct world {
    struct reflection reflection;
    struct grpc_stream_method method;
    struct grpc_reply reply;
    struct build build;
};

static void begin(struct world *world)
{
    memset(world, 0, sizeof(*world));
    world->reflection = (struct reflection){
        .services = services,
        .services_count = 2,
        .descriptors = {(const char *)descriptor_set, descriptor_set_size},
    };
    world->method = reflection_method(&world->reflection, REFLECTION_PATH);
    assert_true(world->method.takes_many);
    build_init(&world->build);
}

static void finish(struct world *world)
{
    build_release(&world->build);
    buf_release(&world->reply.body);
    buf_release(&world->reply.message);
}

static enum grpc_step ask(struct world *world, struct view message)
{
    world->reply.code = GRPC_OK;
    buf_reset(&world->reply.body);
    buf_reset(&world->reply.message);
    return world->method.message(world->method.context, NULL, message, &world->reply);
}

/* The n-th field of that number; empty where there is none. */
static struct view at(struct view message, unsigned field, int n)
{
    struct wire wire = wire_of(message);
    struct wire_field found;

    while (wire_left(&wire) != 0) {
        assert_int_equal(wire_field(&wire, 8, &found), 0);
        if (found.tag == WIRE_TAG(field, WIRE_BYTES) && n-- == 0)
            return wire_view(found.bytes);
    }
    return (struct view){"", 0};
}

static uint64_t number_at(struct view message, unsigned field, int n)
{
    struct wire wire = wire_of(message);
    struct wire_field found;

    while (wire_left(&wire) != 0) {
        assert_int_equal(wire_field(&wire, 8, &found), 0);
        if (found.tag == WIRE_TAG(field, WIRE_VARINT) && n-- == 0)
            return found.number;
    }
    return 0;
}

/* Asks with one field of text, and returns the response. */
static struct view ask_for(struct world *world, unsigned field, const char *text)
{
    build_release(&world->build);
    build_init(&world->build);
    build_text(&world->build, field, text);
    assert_int_equal(ask(world, build_done(&world->build)), GRPC_STEP_SAY);
    assert_true(view_equal(at(buf_view(&world->reply.body), 2, 0), build_done(&world->build)));
    return buf_view(&world->reply.body);
}

/* The files that come, by their names, each ended by a space. */
static void assert_files(struct view response, const char *names)
{
    struct view files = at(response, 4, 0);
    struct view file;
    struct buf text;

    buf_init(&text, 0);
    for (int i = 0; (file = at(files, 1, i)).size != 0; i++)
        assert_int_equal(buf_printf(&text, "%.*s ", (int)at(file, 1, 0).size, at(file, 1, 0).data),
                         0);
    assert_view_equal(buf_view(&text), names);
    buf_release(&text);
}

static void assert_error(struct view response, enum grpc_code code)
{
    struct view error = at(response, 7, 0);

    assert_int_equal(number_at(error, 1, 0), code);
    assert_true(at(error, 2, 0).size != 0);
    assert_int_equal(at(response, 4, 0).size, 0);
}

static void reflection__lists_services(void **unused)
{
    struct world world;
    struct view list;

    (void)unused;
    begin(&world);
    list = at(ask_for(&world, 7, "*"), 6, 0);
    assert_view_equal(at(at(list, 1, 0), 1, 0), "a.B");
    assert_view_equal(at(at(list, 1, 1), 1, 0), "c.D");
    assert_int_equal(at(list, 1, 2).size, 0);
    finish(&world);
}

static void reflection__sends_a_file_with_its_imports(void **unused)
{
    struct world world;

    (void)unused;
    begin(&world);
    assert_files(ask_for(&world, 3, TRACE), TRACE " " COMMON " " RESOURCE " ");
    assert_files(ask_for(&world, 3, COMMON), COMMON " ");
    assert_files(ask_for(&world, 3, "google/rpc/error_details.proto"),
                 "google/rpc/error_details.proto google/protobuf/duration.proto ");
    assert_error(ask_for(&world, 3, "trace.proto"), GRPC_NOT_FOUND);
    assert_error(ask_for(&world, 3, ""), GRPC_NOT_FOUND);
    finish(&world);
}

static void reflection__knows_every_kind_of_symbol(void **unused)
{
    static const struct {
        const char *symbol;
        const char *files; /* NULL: there is none. */
    } cases[] = {
        {"opentelemetry.proto.trace.v1.Span", TRACE " " COMMON " " RESOURCE " "},
        {"opentelemetry.proto.trace.v1.Span.Event", TRACE " " COMMON " " RESOURCE " "},
        {"opentelemetry.proto.trace.v1.Span.Event.name", TRACE " " COMMON " " RESOURCE " "},
        {"opentelemetry.proto.trace.v1.Span.SpanKind", TRACE " " COMMON " " RESOURCE " "},
        {"opentelemetry.proto.trace.v1.Span.SPAN_KIND_CLIENT", TRACE " " COMMON " " RESOURCE " "},
        {"opentelemetry.proto.trace.v1.SpanFlags", TRACE " " COMMON " " RESOURCE " "},
        {"opentelemetry.proto.common.v1.AnyValue.value", COMMON " "},
        {"grpc.health.v1.Health", "grpc/health/v1/health.proto "},
        {"grpc.health.v1.Health.Watch", "grpc/health/v1/health.proto "},
        {"grpc.health.v1.Health.Look", NULL},
        {"grpc.health.v1", NULL},
        {"grpc.health.v1.", NULL},
        {"opentelemetry.proto.trace.v1.Span.Event.", NULL},
        {"opentelemetry.proto.trace.v1.Spa", NULL},
        {"Span", NULL},
        {"", NULL},
        {".", NULL},
    };
    struct world world;

    (void)unused;
    begin(&world);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct view response = ask_for(&world, 4, cases[i].symbol);

        if (cases[i].files != NULL)
            assert_files(response, cases[i].files);
        else
            assert_error(response, GRPC_NOT_FOUND);
    }
    finish(&world);
}

/* A file of its own making: M, which N and a field inside of P extend. */
static struct view extended(struct build *build)
{
    build_open(build, 1);
    build_text(build, 1, "x.proto");
    build_text(build, 2, "x");
    build_open(build, 4);
    build_text(build, 1, "M");
    build_close(build);
    build_open(build, 7);
    build_text(build, 1, "n");
    build_text(build, 2, ".x.M");
    build_varint(build, 3, 100);
    build_close(build);
    build_open(build, 4);
    build_text(build, 1, "P");
    build_open(build, 3);
    build_text(build, 1, "Q");
    build_open(build, 6);
    build_text(build, 1, "o");
    build_text(build, 2, ".x.M");
    build_varint(build, 3, 200);
    return build_done(build);
}

static struct view ask_extension(struct world *world, const char *type, uint64_t number)
{
    build_release(&world->build);
    build_init(&world->build);
    build_open(&world->build, 5);
    build_text(&world->build, 1, type);
    build_varint(&world->build, 2, number);
    assert_int_equal(ask(world, build_done(&world->build)), GRPC_STEP_SAY);
    return buf_view(&world->reply.body);
}

static void reflection__knows_extensions(void **unused)
{
    struct world world;
    struct build set;
    struct view numbers;

    (void)unused;
    begin(&world);
    build_init(&set);
    assert_error(ask_extension(&world, "opentelemetry.proto.trace.v1.Span", 1), GRPC_NOT_FOUND);
    numbers = at(ask_for(&world, 6, "opentelemetry.proto.trace.v1.Span"), 5, 0);
    assert_view_equal(at(numbers, 1, 0), "opentelemetry.proto.trace.v1.Span");
    assert_int_equal(number_at(numbers, 2, 0), 0);
    world.reflection.descriptors = extended(&set);
    assert_files(ask_extension(&world, "x.M", 100), "x.proto ");
    assert_files(ask_extension(&world, "x.M", 200), "x.proto ");
    assert_error(ask_extension(&world, "x.M", 300), GRPC_NOT_FOUND);
    assert_error(ask_extension(&world, "x.N", 100), GRPC_NOT_FOUND);
    numbers = at(ask_for(&world, 6, "x.M"), 5, 0);
    assert_view_equal(at(numbers, 1, 0), "x.M");
    assert_int_equal(number_at(numbers, 2, 0) + number_at(numbers, 2, 1), 300);
    assert_int_equal(number_at(numbers, 2, 2), 0);
    assert_error(ask_for(&world, 6, "x.R"), GRPC_NOT_FOUND);
    build_release(&set);
    finish(&world);
}

static void reflection__echoes_host_and_request(void **unused)
{
    struct world world;
    struct view request = VIEW("\012\4here\x3a\1*\x78\5\022\0"); /* With what nobody knows. */

    (void)unused;
    begin(&world);
    assert_int_equal(ask(&world, request), GRPC_STEP_SAY);
    assert_view_equal(at(buf_view(&world.reply.body), 1, 0), "here");
    assert_true(view_equal(at(buf_view(&world.reply.body), 2, 0), request));
    assert_true(at(buf_view(&world.reply.body), 6, 0).size != 0);
    finish(&world);
}

static void reflection__ends_for_what_is_no_request(void **unused)
{
    struct world world;

    (void)unused;
    begin(&world);
    assert_int_equal(ask(&world, VIEW("")), GRPC_STEP_END);
    assert_int_equal(world.reply.code, GRPC_INVALID_ARGUMENT);
    assert_int_equal(ask(&world, VIEW("\012\4here")), GRPC_STEP_END);
    assert_int_equal(world.reply.code, GRPC_INVALID_ARGUMENT);
    assert_int_equal(ask(&world, VIEW("\x3a\5*")), GRPC_STEP_END);
    assert_int_equal(world.reply.code, GRPC_INVALID_ARGUMENT);
    assert_int_equal(ask(&world, VIEW("\x38\1")), GRPC_STEP_END); /* A number is no text. */
    assert_true(world.reply.message.size != 0);
    finish(&world);
}

static int ask_once(void *context)
{
    struct reflection *reflection = context;
    struct grpc_stream_method method = reflection_method(reflection, REFLECTION_ALPHA_PATH);
    struct grpc_reply reply = {.code = GRPC_OK};
    enum grpc_step step = method.message(method.context, NULL,
                                         VIEW("\x22\x15grpc.health.v1.Health"), &reply);
    int status = 0;

    if (step == GRPC_STEP_END) {
        assert_int_equal(reply.code, GRPC_UNAVAILABLE);
        status = STATUS_NOMEM;
    }
    buf_release(&reply.body);
    buf_release(&reply.message);
    return status;
}

static void reflection__survives_failing_memory(void **unused)
{
    struct world world;

    (void)unused;
    begin(&world);
    test_sweep_memory(ask_once, &world.reflection);
    finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reflection__lists_services),
        cmocka_unit_test(reflection__sends_a_file_with_its_imports),
        cmocka_unit_test(reflection__knows_every_kind_of_symbol),
        cmocka_unit_test(reflection__knows_extensions),
        cmocka_unit_test(reflection__echoes_host_and_request),
        cmocka_unit_test(reflection__ends_for_what_is_no_request),
        cmocka_unit_test(reflection__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
