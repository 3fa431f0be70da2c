/* replay.c: `spanmap replay`: telemetry files to a receiver, request by request, in their order.
 *
 * A request that may be tried again is, for as long as --patience says; a receiver that took it and
 * could not say so gets it twice then, as OTLP allows. Any other refusal ends the replay.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/quantity.h"
#include "daemon/commands.h"
#include "daemon/otlp_client.h"
#include "daemon/stop.h"
#include "engine/input.h"
#include "net/address.h"
#include "receiver/otlp_json.h"
#include "receiver/otlp_times.h"

enum { RATE_MAX = 1000000000, REASON_SIZE = 512, WARNINGS_MAX = 10, ERROR_SIZE = 256 };

static const size_t json_tree_bytes_max = (size_t)2 << 30;
static const uint64_t silence_ns = 60 * NS_PER_S;
static const uint64_t first_delay_ns = 250 * NS_PER_MS;
static const uint64_t delay_max_ns = 5 * NS_PER_S;
static const uint64_t asked_delay_min_ns = 10 * NS_PER_MS;

struct replay {
    const char *to;
    struct otlp_client *client;
    uint64_t patience_ns;
    uint64_t rate; /* Spans a second; 0: as fast as they are taken. */
    bool to_now;
    bool is_shift_known;
    uint64_t latest_end_ns;
    int64_t shift_ns;
    struct buf request; /* The request under way, where its bytes are not the file's own. */
    struct mono_time begin;
    uint64_t requests;
    uint64_t spans;
    uint64_t rejected;
    unsigned warnings;
    struct otlp_json_error json_error;
    char reason[REASON_SIZE];
};

/* -------------------------------------------------------------------- requests */

/* The request as protobuf, and what it holds. */
static int read_request(struct replay *replay, const struct input_request *request,
                        struct input_fault *fault, struct view *out_bytes,
                        struct otlp_times *out_times)
{
    struct view bytes = request->bytes;
    int status;

    buf_reset(&replay->request);
    if (request->format == INPUT_OTLP_JSON) {
        status = otlp_json_to_protobuf(OTLP_TRACES, bytes, json_tree_bytes_max, &replay->request,
                                       &replay->json_error);
        if (status != 0) {
            *fault = (struct input_fault){replay->json_error.text, replay->json_error.offset};
            return status;
        }
        if (replay->json_error.text[0] != '\0' && replay->warnings++ == 0)
            command_complain("note: %s", replay->json_error.text);
        bytes = buf_view(&replay->request);
    }
    status = otlp_times_read(bytes, out_times);
    if (status != 0) {
        *fault = (struct input_fault){"this is no request with spans", out_times->error_offset};
        return status;
    }
    *out_bytes = bytes;
    return 0;
}

/* How far all times move, so that the latest end is the present. */
static void set_shift(struct replay *replay, uint64_t latest_end_ns)
{
    replay->is_shift_known = true;
    if (latest_end_ns != 0)
        replay->shift_ns = (int64_t)(clock_wall().ns - latest_end_ns);
}

static int shift_request(struct replay *replay, const struct otlp_times *times, struct view *bytes)
{
    if (!replay->is_shift_known)
        set_shift(replay, times->latest_end_ns);
    if (replay->request.size == 0) {
        int status = buf_append_view(&replay->request, *bytes);
        if (status != 0)
            return status;
        *bytes = buf_view(&replay->request);
    }
    otlp_times_shift(replay->request.data, replay->request.size, replay->shift_ns);
    return 0;
}

/* --------------------------------------------------------------------- sending */

static void warn(struct replay *replay, const struct otlp_answer *answer)
{
    const char *note = "";

    if (answer->text[0] == '\0' && answer->rejected == 0)
        return;
    if (++replay->warnings > WARNINGS_MAX)
        return;
    if (replay->warnings == WARNINGS_MAX)
        note = " (further ones are not shown)";
    if (answer->rejected != 0)
        command_complain("%s rejects %" PRIu64 " spans: %s%s", replay->to, answer->rejected,
                         answer->text[0] != '\0' ? answer->text : "it does not say why", note);
    else
        command_complain("%s warns: %s%s", replay->to, answer->text, note);
}

static int give_up(struct replay *replay, const struct otlp_answer *answer, const char *note,
                   struct input_fault *fault)
{
    (void)snprintf(replay->reason, sizeof(replay->reason), "%s answers %s%s%s%s", replay->to,
                   otlp_answer_code_name(answer->code), answer->text[0] != '\0' ? ": " : "",
                   answer->text, note);
    fault->reason = replay->reason;
    return STATUS_UNSUPPORTED;
}

/* Waits before another try, or gives up. */
static int wait_to_retry(struct replay *replay, const struct otlp_answer *answer,
                         struct mono_time deadline, uint64_t delay_ns, struct input_fault *fault)
{
    struct mono_time until = clock_mono();

    if (answer->has_retry_delay)
        delay_ns = answer->retry_delay_ns > asked_delay_min_ns ? answer->retry_delay_ns
                                                               : asked_delay_min_ns;
    until.ns += delay_ns;
    if (until.ns > deadline.ns)
        return give_up(replay, answer,
                       answer->has_retry_delay ? "; it asks for more --patience than is left"
                                               : "; --patience is used up",
                       fault);
    return otlp_client_wait(replay->client, until);
}

/* One request, until it is taken. Returns: 0; STATUS_CLOSED (stop); else the replay ends. */
static int send_request(struct replay *replay, struct view bytes, uint64_t spans,
                        struct input_fault *fault)
{
    struct mono_time deadline = {clock_mono().ns + replay->patience_ns};
    uint64_t delay_ns = first_delay_ns;
    bool is_over = false;
    int status = 0;

    while (!is_over && status == 0) {
        struct otlp_answer answer;
        otlp_answer_init(&answer);
        status = otlp_client_export(replay->client, bytes, &answer);
        is_over = status == 0 && answer.code == 0;
        if (is_over) {
            replay->requests++;
            replay->spans += spans;
            replay->rejected += answer.rejected;
            warn(replay, &answer);
        } else if (status == 0 && !otlp_answer_may_retry(&answer)) {
            status = give_up(replay, &answer, "", fault);
        } else if (status == 0) {
            status = wait_to_retry(replay, &answer, deadline, delay_ns, fault);
            delay_ns = delay_ns * 2 < delay_max_ns ? delay_ns * 2 : delay_max_ns;
        }
        otlp_answer_release(&answer);
    }
    return status;
}

/* Waits until the spans that were sent are not too many for the time since the start. */
static int keep_pace(struct replay *replay)
{
    unsigned __int128 due = (unsigned __int128)replay->spans * NS_PER_S;

    if (replay->rate == 0)
        return 0;
    due = due / replay->rate + replay->begin.ns;
    return otlp_client_wait(replay->client,
                            (struct mono_time){due < UINT64_MAX ? (uint64_t)due : UINT64_MAX});
}

static int take(void *context, const struct input_request *request, struct input_fault *fault)
{
    struct replay *replay = context;
    struct otlp_times times;
    struct view bytes;
    int status;

    if (stop_asked())
        return STATUS_CLOSED;
    status = read_request(replay, request, fault, &bytes, &times);
    if (status == 0 && replay->to_now)
        status = shift_request(replay, &times, &bytes);
    if (status == 0 && bytes.size > UINT32_MAX)
        status = STATUS_TOO_LARGE;
    if (status == 0)
        status = keep_pace(replay);
    return status != 0 ? status : send_request(replay, bytes, times.spans, fault);
}

/* ---------------------------------------------------------------------- inputs */

/* The first pass of --now. */
static int take_times(void *context, const struct input_request *request, struct input_fault *fault)
{
    struct replay *replay = context;
    struct otlp_times times;
    struct view bytes;
    int status = stop_asked() ? STATUS_CLOSED : 0;

    if (status == 0)
        status = read_request(replay, request, fault, &bytes, &times);
    if (status == 0 && times.latest_end_ns > replay->latest_end_ns)
        replay->latest_end_ns = times.latest_end_ns;
    return status;
}

/* What can be read twice. */
static bool is_regular(const char *path)
{
    struct stat about;

    return strcmp(path, "-") != 0 && stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

static int read_input(struct replay *replay, const char *path,
                      int (*taking)(void *, const struct input_request *, struct input_fault *))
{
    struct input_taker taker = {.take = taking, .context = replay};
    struct input_error error = {""};
    int status = input_read(path, NULL, &taker, &error);

    if (status != 0 && !stop_asked())
        command_complain("%s", error.text);
    return status;
}

/* Returns: 0; STATUS_CLOSED (stop was asked); else what was told. */
static int read_inputs(struct replay *replay, const struct command_line *line)
{
    int status = 0;

    for (size_t i = 0; replay->to_now && status == 0 && i < line->operands_count; i++) {
        if (is_regular(line->operands[i]))
            status = read_input(replay, line->operands[i], take_times);
    }
    if (replay->latest_end_ns != 0)
        set_shift(replay, replay->latest_end_ns);
    replay->begin = clock_mono();
    for (size_t i = 0; status == 0 && i < line->operands_count; i++)
        status = read_input(replay, line->operands[i], take);
    return stop_asked() ? STATUS_CLOSED : status;
}

/* --------------------------------------------------------------------- command */

static int tell_end(const struct replay *replay)
{
    uint64_t ms = (clock_mono().ns - replay->begin.ns) / NS_PER_MS;

    if (stop_asked())
        printf("Stopped. ");
    printf("Sent %" PRIu64 " requests with %" PRIu64 " spans to %s in %" PRIu64 ".%03" PRIu64
           " s; %" PRIu64 " spans were rejected.\n",
           replay->requests, replay->spans, replay->to, ms / 1000, ms % 1000, replay->rejected);
    return command_printed();
}

static int replay_inputs(struct replay *replay, const struct otlp_client_options *options,
                         const struct command_line *line)
{
    char error[ERROR_SIZE] = "";
    int status = otlp_client_new(options, error, &replay->client);
    int code = COMMAND_FAILED;

    if (status == 0)
        status = otlp_client_connect(replay->client, error);
    if (status != 0 && status != STATUS_CLOSED) {
        command_complain("cannot reach %s: %s", replay->to,
                         error[0] != '\0' ? error : status_text(status));
        goto out;
    }
    replay->begin = clock_mono();
    if (status == 0)
        status = read_inputs(replay, line);
    code = tell_end(replay);
    if (status != 0 && status != STATUS_CLOSED)
        code = COMMAND_FAILED;
out:
    otlp_client_free(replay->client);
    return code;
}

static int read_rate(const struct command *command, const char *text, uint64_t *out_rate)
{
    if (text != NULL && (quantity_read_count(view_of(text), out_rate) != 0 || *out_rate == 0 ||
                         *out_rate > RATE_MAX))
        return command_wrong(command, "--rate %s is no number from 1 to %d", text, RATE_MAX);
    return COMMAND_DONE;
}

static int read_target(const struct command *command, const char *to, struct address *out_address)
{
    char error[ERROR_SIZE];

    if (address_parse(view_of(to), error, out_address) != 0)
        return command_wrong(command, "--to %s", error);
    if (out_address->type == ADDRESS_OFF || out_address->type == ADDRESS_PASSED ||
        (out_address->type == ADDRESS_TCP && out_address->port == 0))
        return command_wrong(command, "--to '%s' names no receiver; write HOST:PORT", to);
    return COMMAND_DONE;
}

static int run(const struct command *command, const struct command_line *line)
{
    const char *to = command_value(line, "to");
    const char *patience = command_value(line, "patience");
    struct replay replay = {
        .to = to != NULL ? to : "localhost:4317",
        .patience_ns = 60 * NS_PER_S,
        .to_now = command_has(line, "now"),
    };
    struct otlp_client_options options = {.silence_ns = silence_ns};
    int code = read_target(command, replay.to, &options.address);

    if (code == COMMAND_DONE)
        code = read_rate(command, command_value(line, "rate"), &replay.rate);
    if (code != COMMAND_DONE)
        return code;
    if (patience != NULL && quantity_read_duration(view_of(patience), &replay.patience_ns) != 0)
        return command_wrong(command, "--patience %s is no duration such as 10s", patience);
    if (line->operands_count == 0)
        return command_wrong(command, "no INPUT was given; `-` is standard input");
    if (stop_init() != 0) {
        command_complain("%s", status_text(STATUS_SYSTEM));
        return COMMAND_FAILED;
    }
    options.stop_fd = stop_fd();
    options.authority = options.address.type == ADDRESS_TCP ? view_of(replay.to)
                                                            : VIEW("localhost");
    buf_init(&replay.request, 0);
    code = replay_inputs(&replay, &options, line);
    buf_release(&replay.request);
    return code;
}

static const struct command_flag flags[] = {
    {"to", 0, "HOST:PORT", "the receiver, also unix:PATH [localhost:4317]"},
    {"rate", 0, "N", "send at most N spans a second; requests are not split"},
    {"now", 0, NULL, "move all times by one amount, so that the last span ends now"},
    {"patience", 0, "TIME", "how long a request is tried again where that may help [1m]"},
    COMMAND_FLAG_END,
};

const struct command command_replay = {
    .name = "replay",
    .doc = "Send telemetry files to an OTLP/gRPC receiver",
    .operands = "INPUT...",
    .flags = flags,
    .details =
        "INPUT is what `spanmap map` takes. Requests are sent as they stand in the files, one after\n"
        "the other. With --now, files are read twice; of what can be read but once, such as\n"
        "standard input, the first request's last span ends now.\n\n"
        "The first Ctrl-C stops in order, the second at once.\n\n"
        "Exit codes: 0 done or stopped, 1 failed, 2 wrong call.\n",
    .run = run,
};
