/* map.c: `spanmap map`: telemetry files in, one drawing out, with the very code of the daemon. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "daemon/commands.h"
#include "daemon/fetch.h"
#include "daemon/load.h"
#include "daemon/output.h"
#include "engine/engine.h"
#include "engine/input.h"
#include "engine/suggest.h"
#include "exporters/exporter.h"
#include "exporters/map_options.h"

/* What the command line asks for. */
struct request {
    const struct exporter *exporter;
    struct export_options options; /* What the command line says. */
    bool compares;
    bool lenient;
    const char *from; /* Address of a running spanmap; NULL: files are read. */
    const char *ca;   /* As struct fetch has them. */
    const char *cert;
    const char *key;
    const char *output; /* NULL: standard output. */
};

/* ------------------------------------------------------------ the arguments */

static int unknown_format(const struct command *command, const char *name)
{
    struct suggestion suggestion;
    struct buf known;
    int code;

    suggest_init(&suggestion, view_of(name));
    buf_init(&known, 0);
    for (size_t i = 0; exporters[i] != NULL; i++) {
        if (!exporters[i]->in_map)
            continue;
        suggest_offer(&suggestion, exporters[i]->name);
        buf_printf(&known, "%s%s", known.size != 0 ? ", " : "", exporters[i]->name);
    }
    code = command_wrong(command, "unknown format '%s'%s%s%s; there are %.*s", name,
                         suggestion.best != NULL ? "; did you mean '" : "",
                         suggestion.best != NULL ? suggestion.best : "",
                         suggestion.best != NULL ? "'?" : "", (int)known.size, known.data);
    buf_release(&known);
    return code;
}

/* Without --format the ending of -o says it, and without that it is SVG. */
static int read_format(const struct command *command, const struct command_line *line,
                       struct request *request)
{
    const char *name = command_value(line, "format");
    const char *ending = request->output != NULL ? strrchr(request->output, '.') : NULL;

    if (name == NULL && ending != NULL) {
        request->exporter = exporter_find(view_of(ending + 1));
        if (request->exporter != NULL && request->exporter->in_map)
            return COMMAND_DONE;
    }
    if (name == NULL)
        name = "svg";
    request->exporter = exporter_find(view_of(name));
    if (request->exporter == NULL || !request->exporter->in_map)
        return unknown_format(command, name);
    return COMMAND_DONE;
}

/* What of map_options.h was given; texts stay argv's. */
static int read_options(const struct command *command, const struct command_line *line,
                        struct export_options *out_options)
{
    for (size_t i = 0; i < MAP_OPTIONS_COUNT; i++) {
        const struct map_option *option = &map_options[i];
        const char *value = command_value(line, option->name);
        char error[256];
        if (!command_has(line, option->name))
            continue;
        if (option->set(view_of(value != NULL ? value : ""), error, out_options) != 0)
            return command_wrong(command, "--%s %s", option->name, error);
    }
    if (out_options->depth != 0 && out_options->focus.size == 0)
        return command_wrong(command, "--depth is counted from a --focus, which is not given");
    if (out_options->window.length_ns == 0 &&
        (command_has(line, "at") || command_has(line, "compare")))
        return command_wrong(command, "--%s is the end of a --window, which is not given",
                             command_has(line, "at") ? "at" : "compare");
    return COMMAND_DONE;
}

/* With --from there is nothing to read, and the other spanmap's configuration counts. */
static int check_from(const struct command *command, const struct command_line *line)
{
    static const char *const others[] = {"config", "set", "lenient", "diff"};

    if (line->operands_count != 0)
        return command_wrong(command, "--from asks a running spanmap; it takes no INPUT");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (command_has(line, others[i]))
            return command_wrong(
                command, "--%s says nothing to a running spanmap, which --from asks", others[i]);
    }
    return COMMAND_DONE;
}

/* Certificates are for a URL, windows for what goes on. */
static int check_files(const struct command *command, const struct command_line *line)
{
    static const char *const others[] = {"ca", "cert", "key"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (command_has(line, others[i]))
            return command_wrong(command, "--%s is for an https URL, given by --from", others[i]);
    }
    if (command_has(line, "window"))
        return command_wrong(command,
                             "--window is for a running spanmap, given by --from; files are "
                             "read whole");
    return COMMAND_DONE;
}

static int read_request(const struct command *command, const struct command_line *line,
                        struct request *request)
{
    int code;

    request->output = command_value(line, "output");
    if (request->output != NULL && strcmp(request->output, "-") == 0)
        request->output = NULL;
    request->from = command_value(line, "from");
    request->ca = command_value(line, "ca");
    request->cert = command_value(line, "cert");
    request->key = command_value(line, "key");
    request->lenient = command_has(line, "lenient");
    request->compares = command_has(line, "diff");
    code = read_format(command, line, request);
    if (code != COMMAND_DONE)
        return code;
    code = read_options(command, line, &request->options);
    if (code != COMMAND_DONE)
        return code;
    if (request->from == NULL && line->operands_count == 0)
        return command_wrong(command, "no INPUT was given; `-` is standard input");
    if (request->from == NULL && request->compares && line->operands_count != 2)
        return command_wrong(command, "--diff compares two INPUTs, but %zu were given",
                             line->operands_count);
    code = request->from != NULL ? check_from(command, line) : check_files(command, line);
    if (code != COMMAND_DONE)
        return code;
    if (request->exporter->binary && request->output == NULL && isatty(STDOUT_FILENO))
        return command_wrong(command, "%s is not for a terminal; name a file with -o",
                             request->exporter->name);
    return COMMAND_DONE;
}

/* --------------------------------------------------------------- the inputs */

struct reading {
    struct engine *engine;
    struct mono_time now;
    uint64_t rejected;
    const char *input; /* Its warnings are shown once. */
    bool has_warned;
};

static int take(void *context, const struct input_request *request, struct input_fault *fault)
{
    struct reading *reading = context;
    struct engine_fed fed;
    enum door_format format = request->format == INPUT_OTLP_JSON ? DOOR_JSON : DOOR_PROTOBUF;
    int status = engine_feed(reading->engine, format, request->bytes, reading->now, &fed);

    reading->rejected += fed.rejected;
    if (fed.warning != NULL && !reading->has_warned) {
        command_complain("%s: note: %s", reading->input, fed.warning);
        reading->has_warned = true;
    }
    if (status != 0)
        *fault = (struct input_fault){.reason = fed.error, .offset = fed.error_offset};
    return status;
}

/* A fault inside an input, before which there may be something to draw. */
static bool is_damage(int status)
{
    return status == STATUS_INVALID || status == STATUS_TRUNCATED || status == STATUS_TOO_LARGE;
}

/* Returns: 0; the status of the first input that could not be read whole. */
static int read_inputs(struct reading *reading, const struct request *request,
                       const char *const *inputs, size_t count)
{
    struct input_options options = {
        .request_bytes_max = engine_budget(reading->engine)->request_bytes_max,
    };
    struct input_taker taker = {.take = take, .context = reading};
    int result = 0;

    for (size_t i = 0; i < count; i++) {
        struct input_error error;
        int status;

        reading->input = inputs[i];
        reading->has_warned = false;
        status = input_read(inputs[i], &options, &taker, &error);
        if (status == 0)
            continue;
        result = result != 0 ? result : status;
        command_complain("%s", error.text);
        if (status == STATUS_NOMEM)
            break;
        if (!request->lenient) {
            if (is_damage(status))
                fputs("Nothing was drawn; --lenient draws what was read before the fault.\n",
                      stderr);
            break;
        }
    }
    return result;
}

/* What the picture does not show, but its reader should know. */
static void tell_losses(const struct snapshot *snapshot)
{
    const struct accounting *accounting = &snapshot->accounting;
    uint64_t rejected = 0;

    for (size_t i = 0; i < REJECTED_REASON_COUNT; i++)
        rejected += accounting->rejected[i];
    if (rejected != 0)
        command_complain("note: %" PRIu64 " spans were left out, since their ids are not valid",
                         rejected);
    if (accounting->dropped[DROPPED_EVICTED] != 0)
        command_complain("note: %" PRIu64 " spans were dropped before they could be paired; raise "
                         "memory.limit",
                         accounting->dropped[DROPPED_EVICTED]);
    if (snapshot->counts.edges_overflowed != 0)
        command_complain("note: not all edges are shown; raise map.edges_max or memory.limit");
}

/* -------------------------------------------------------------- the drawing */

/* What files came to. */
struct seen {
    struct engine *engine; /* The snapshot's names are its. */
    struct snapshot *snapshot;
    int status; /* Of the first file that could not be read whole. */
};

/* `before` may be NULL. */
static int draw(const struct request *request, const struct options *options,
                const struct seen *seen, const struct seen *before)
{
    const struct counters *health[] = {engine_counters(seen->engine)};
    char helper[LOAD_PATH_BYTES];
    struct export_input input = {
        .snapshot = seen->snapshot,
        .before = before != NULL ? before->snapshot : NULL,
        .targets = engine_targets(seen->engine),
        .targets_before = before != NULL ? engine_targets(before->engine) : NULL,
        .options = request->options,
        .health = health,
        .health_count = 1,
    };
    char error[256] = "";
    struct buf out;
    int status;

    input.options.self_edges = input.options.self_edges || options->map_self_edges;
    input.options.map_messaging = (enum export_messaging)options->map_messaging;
    input.options.metrics_messaging = (enum export_messaging)options->metrics_messaging;
    input.options.window_of_spans = true;
    input.options.draw_timeout_ns = options->draw_timeout_ns;
    input.options.draw_memory_bytes_max = options->draw_memory_bytes_max;
    load_draw_helper(options, helper);
    input.options.draw_helper = view_of(helper);
    buf_init(&out, 0);
    status = request->exporter->render(&input, error, &out);
    if (status == 0)
        status = output_write(request->output, buf_view(&out), error);
    if (status != 0)
        command_complain("%s", error[0] != '\0' ? error : status_text(status));
    buf_release(&out);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

static void forget(struct seen *seen)
{
    snapshot_release(seen->snapshot);
    engine_free(seen->engine);
}

/* What the inputs come to; what is wrong is told. Returns: COMMAND_DONE, also where some could not be
 * read whole and that is allowed; else an exit code. `out_seen` is to be forgotten in any case. */
static int look(const struct request *request, const struct options *options,
                const char *const *inputs, size_t count, struct seen *out_seen)
{
    struct engine_setup setup = {.threaded = false,
                                 .keeps_targets = request->options.cluster.size != 0};
    struct reading reading = {.now = clock_mono()};
    char error[256];
    int status = engine_new(options, &setup, error, &reading.engine);

    *out_seen = (struct seen){.engine = reading.engine};
    if (status != 0) {
        out_seen->engine = NULL;
        command_complain("%s", error);
        return status == STATUS_NOMEM || status == STATUS_SYSTEM ? COMMAND_FAILED : COMMAND_WRONG;
    }
    out_seen->status = read_inputs(&reading, request, inputs, count);
    if (out_seen->status == STATUS_NOMEM || (out_seen->status != 0 && !request->lenient))
        return COMMAND_FAILED;
    engine_finish(reading.engine, reading.now);
    if (engine_snapshot(reading.engine, &out_seen->snapshot) != 0) {
        command_complain("%s", status_text(STATUS_NOMEM));
        return COMMAND_FAILED;
    }
    tell_losses(out_seen->snapshot);
    return COMMAND_DONE;
}

static int map(const struct request *request, const struct options *options,
               const struct command_line *line)
{
    size_t before = request->compares ? 1 : 0; /* Inputs of the map that is compared with. */
    struct seen past = {0};
    struct seen seen = {0};
    int code = COMMAND_DONE;

    if (before != 0)
        code = look(request, options, line->operands, before, &past);
    if (code == COMMAND_DONE)
        code = look(request, options, line->operands + before, line->operands_count - before,
                    &seen);
    if (code == COMMAND_DONE)
        code = draw(request, options, &seen, before != 0 ? &past : NULL);
    if (past.status != 0 || seen.status != 0)
        code = COMMAND_FAILED;
    forget(&past);
    forget(&seen);
    return code;
}

/* ---------------------------------------------------------- a running spanmap */

/* What was given goes on as it is. */
static int map_from(const struct command *command, const struct request *request,
                    const struct command_line *line)
{
    struct fetch_parameter parameters[1 + MAP_OPTIONS_COUNT] = {
        {"format", view_of(request->exporter->name)}};
    struct fetch fetch = {
        .base = request->from,
        .path = "/api/v1/map",
        .ca = request->ca,
        .cert = request->cert,
        .key = request->key,
        .parameters = parameters,
        .parameters_count = 1,
        .content_type = request->exporter->content_type,
    };
    char error[FETCH_ERROR_SIZE] = "";
    struct buf out;
    int status;

    for (size_t i = 0; i < MAP_OPTIONS_COUNT; i++) {
        const struct map_option *option = &map_options[i];
        const char *value = command_value(line, option->name);
        if (command_has(line, option->name))
            parameters[fetch.parameters_count++] = (struct fetch_parameter){
                option->name, value != NULL ? view_of(value) : VIEW("true")};
    }
    buf_init(&out, 0);
    status = fetch_get(&fetch, error, &out);
    if (status == 0)
        status = output_write(request->output, buf_view(&out), error);
    buf_release(&out);
    if (status == STATUS_INVALID)
        return command_wrong(command, "--from: %s", error);
    if (status != 0)
        command_complain("%s", error[0] != '\0' ? error : status_text(status));
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

static int run(const struct command *command, const struct command_line *line)
{
    struct request request = {0};
    struct options options;
    int code = read_request(command, line, &request);

    if (code == COMMAND_DONE && request.from != NULL)
        return map_from(command, &request, line);
    if (code == COMMAND_DONE)
        code = load_options(line, &options);
    if (code != COMMAND_DONE)
        return code;
    code = map(&request, &options, line);
    options_release(&options);
    return code;
}

#define MAP_FLAG(name, value, doc, suffix) {name, 0, value, doc},
static const struct command_flag flags[] = {
    {"from", 0, "URL", "draw what a running spanmap has counted, in place of files"},
    {"ca", 0, "FILE", "certificates, as PEM, by which an https URL is verified [the system's]"},
    {"cert", 0, "FILE", "a certificate to show there, where the web door asks for one"},
    {"key", 0, "FILE", "its private key"},
    {"format", 0, "FORMAT", "svg, png, pdf, dot, json, mermaid or text [as -o ends, else svg]"},
    MAP_OPTIONS(MAP_FLAG){"diff", 0, NULL, "compare two INPUTs, the one before and the one now"},
    {"lenient", 0, NULL, "after damaged input, draw what was read; the exit code is still 1"},
    COMMAND_FLAG_CONFIG,
    COMMAND_FLAG_SET,
    {"output", 'o', "FILE", "write to FILE, which is replaced at once when all is done"},
    COMMAND_FLAG_END,
};

const struct command command_map = {
    .name = "map",
    .doc = "Draw the map of telemetry files, or of a running spanmap",
    .operands = "INPUT...",
    .flags = flags,
    .details =
        "INPUT is a file, or - for standard input: OTLP/JSON (one request, or one a line as\n"
        "the Collector's file exporter writes them), binary OTLP (one request, or the file\n"
        "exporter's), Jaeger's JSON (its UI's download) or Zipkin's (v2), also packed with\n"
        "gzip or zstd.\n\n"
        "With --diff the map says what is different now: edges that are new or gone, that\n"
        "fail more (a point of the share or more, and not by chance), or whose p95 rose by\n"
        "more than a quarter. Both maps are held at once, each within memory.limit.\n\n"
        "URL is where a spanmap has its page: --from http://localhost:9464\n\n"
        "Exit codes: 0 done, 1 damaged input or no drawing, 2 wrong call or configuration.\n",
    .run = run,
};
