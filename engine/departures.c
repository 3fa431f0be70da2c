/* departures.c: two outlets, and who gives to them. */
#include "engine/departures.h"

#include "exporters/courier_counters.h"

/* For the last figures, however little patience is left. */
#define PUSH_LAST_NS (2 * NS_PER_S)

int departures_check(const struct options *options, char out_error[256])
{
    int status = outlet_check(&options->forward, "forward", out_error);

    return status == 0 ? outlet_check(&options->push_otlp, "push.otlp", out_error) : status;
}

static void pass(void *context, struct view message, uint64_t spans)
{
    struct departures *departures = context;

    courier_offer(departures->forward.courier, message, spans);
}

static int init_forward(struct departures *departures, const struct push_otlp_setup *setup,
                        char out_error[256])
{
    struct outlet_setup outlet = {
        .options = &setup->options->forward,
        .section = "forward",
        .what = "forward",
        .method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        .module = setup->module,
        .reload_ns = setup->options->tls_reload_interval_ns,
        .bytes_max = (size_t)engine_budget(setup->engine)->share_bytes[BUDGET_FORWARD],
        .in_flight_max = (size_t)setup->options->forward_in_flight,
        .rows = forward_counter_rows,
        .rows_count = COURIER_ALL_COUNT,
        .log = setup->log,
    };
    int status = outlet_init(&departures->forward, &outlet, out_error);

    if (status != 0)
        return status;
    departures->forwards = true;
    departures->onward = (struct door_onward){pass, departures};
    engine_set_onward(setup->engine, &departures->onward);
    return 0;
}

int departures_init(struct departures *departures, const struct push_otlp_setup *setup,
                    char out_error[256])
{
    int status = 0;

    *departures = (struct departures){.forwards = false};
    if (outlet_is_on(&setup->options->forward))
        status = init_forward(departures, setup, out_error);
    if (status == 0 && outlet_is_on(&setup->options->push_otlp))
        status = push_otlp_new(setup, out_error, &departures->push);
    if (status == 0 && pusher_is_on(setup->options))
        status = pusher_new(&(struct pusher_setup){.options = setup->options,
                                                   .engine = setup->engine,
                                                   .log = setup->log},
                            out_error, &departures->pusher);
    return status;
}

void departures_release(struct departures *departures)
{
    outlet_release(&departures->forward);
    push_otlp_free(departures->push);
    pusher_free(departures->pusher);
    *departures = (struct departures){.forwards = false};
}

const struct counters *departures_forward_counters(const struct departures *departures)
{
    return departures->forwards ? &departures->forward.counters : NULL;
}

size_t departures_stages(const struct departures *departures,
                         const struct counters *stages[DEPARTURES_STAGES_MAX])
{
    size_t count = 0;

    if (departures->forwards)
        stages[count++] = &departures->forward.counters;
    if (departures->push != NULL)
        stages[count++] = push_otlp_counters(departures->push);
    if (departures->pusher != NULL)
        stages[count++] = pusher_counters(departures->pusher);
    return count;
}

bool departures_lead_to(const struct departures *departures, const struct address *own)
{
    return departures->forwards && endpoint_is_at(&departures->forward.endpoint, own);
}

int departures_start(struct departures *departures, struct front *front)
{
    int status = departures->forwards ? courier_start(departures->forward.courier) : 0;

    if (status == 0 && departures->push != NULL)
        status = push_otlp_start(departures->push, front);
    if (status == 0 && departures->pusher != NULL)
        status = pusher_start(departures->pusher, front);
    return status;
}

void departures_drain(struct departures *departures, struct mono_time until)
{
    if (departures->push != NULL)
        push_otlp_flush(departures->push);
    if (departures->forwards)
        courier_drain(departures->forward.courier, until);
    if (departures->push != NULL)
        push_otlp_drain(departures->push, until);
    if (departures->pusher != NULL) { /* Senders may have taken all the time. */
        uint64_t least_ns = clock_mono().ns + PUSH_LAST_NS;
        pusher_stop(departures->pusher, until.ns > least_ns ? until : (struct mono_time){least_ns});
    }
}
