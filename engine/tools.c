/* tools.c: tables of methods, and the names in them. */
#include "engine/tools.h"

#include "base/check.h"
#include "receiver/descriptors.h"

static void add_name(struct tools *tools, const char *path)
{
    tools->names[tools->names_count++] = grpc_service_of(path);
}

static void add_method(struct tools *tools, const struct grpc_method *method)
{
    CHECK(tools->methods_count < TOOLS_METHODS_MAX);
    tools->methods[tools->methods_count++] = *method;
    if (method->refusal == NULL)
        add_name(tools, method->path);
}

static void add_stream_method(struct tools *tools, const struct grpc_stream_method *method)
{
    CHECK(tools->stream_methods_count < TOOLS_STREAM_METHODS_MAX);
    tools->stream_methods[tools->stream_methods_count++] = *method;
}

static void add_health(struct tools *tools)
{
    struct grpc_method check = health_check_method(&tools->health);
    struct grpc_stream_method watch = health_watch_method(&tools->health);

    add_method(tools, &check);
    add_stream_method(tools, &watch);
}

static void add_reflection(struct tools *tools, const char *path)
{
    struct grpc_stream_method method = reflection_method(&tools->reflection, path);

    add_stream_method(tools, &method);
    add_name(tools, path);
}

void tools_init(struct tools *tools, const struct options *options,
                const struct grpc_method *telemetry, size_t telemetry_count)
{
    *tools = (struct tools){.methods_count = 0};
    for (size_t i = 0; i < telemetry_count; i++)
        add_method(tools, &telemetry[i]);
    /* A service of tools is not asked for its health. */
    health_init(&tools->health, tools->names, tools->names_count);
    if (options->receiver_health)
        add_health(tools);
    if (!options->receiver_reflection)
        return;
    add_reflection(tools, REFLECTION_PATH);
    add_reflection(tools, REFLECTION_ALPHA_PATH);
    tools->reflection = (struct reflection){
        .services = tools->names,
        .services_count = tools->names_count,
        .descriptors = {(const char *)descriptor_set, descriptor_set_size},
    };
}
