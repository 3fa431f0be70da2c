/* outlet.c: options in, a courier out. */
#include "engine/outlet.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "exporters/courier_counters.h"
#include "exporters/grpc_load.h"
#include "receiver/otlp_outcome.h"

/* Where systems keep the certificates that all of them trust. */
static const char *const system_ca[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

bool outlet_is_on(const struct outlet_options *options)
{
    return !view_equal(options->endpoint, VIEW("off"));
}

/* --------------------------------------------------------------------- options */

static int complain(char out_error[256], const char *section, const char *option, const char *why)
{
    (void)snprintf(out_error, 256, "%s.%s %s", section, option, why);
    return STATUS_INVALID;
}

/* A device or a pipe would be waited for. */
static bool is_readable(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char byte;
    bool is_good = fd >= 0 && read(fd, &byte, 1) == 1;

    if (fd >= 0)
        (void)close(fd);
    return is_good;
}

static int check_file(struct view path, const char *section, const char *option,
                      char out_error[256])
{
    char why[160];

    if (path.size == 0 || is_readable(path.data))
        return 0;
    (void)snprintf(why, sizeof(why), "cannot be read, or is empty: %.100s", path.data);
    return complain(out_error, section, option, why);
}

static const char *authorities(const struct outlet_options *options)
{
    if (options->tls_ca.size != 0)
        return options->tls_ca.data;
    for (size_t i = 0; i < sizeof(system_ca) / sizeof(system_ca[0]); i++) {
        if (is_readable(system_ca[i]))
            return system_ca[i];
    }
    return NULL;
}

static int check_tls(const struct outlet_options *options, bool has_tls, const char *section,
                     char out_error[256])
{
    int status;

    if (!has_tls) {
        if (options->tls_ca.size + options->tls_cert.size + options->tls_key.size != 0)
            return complain(out_error, section, "tls_*",
                            "are of no use where the endpoint is not https://");
        return 0;
    }
    if ((options->tls_cert.size != 0) != (options->tls_key.size != 0))
        return complain(out_error, section, "tls_cert", "and tls_key go together");
    if (authorities(options) == NULL)
        return complain(out_error, section, "tls_ca",
                        "is needed: this system keeps no certificates of its own");
    status = check_file(options->tls_ca, section, "tls_ca", out_error);
    if (status == 0)
        status = check_file(options->tls_cert, section, "tls_cert", out_error);
    return status == 0 ? check_file(options->tls_key, section, "tls_key", out_error) : status;
}

static int read_endpoint(const struct outlet_options *options, const char *section,
                         char out_error[256], struct endpoint *out_endpoint)
{
    char why[256];

    if (endpoint_parse(options->endpoint, why, out_endpoint) != 0) {
        (void)snprintf(out_error, 256, "%s.endpoint: %.200s", section, why);
        return STATUS_INVALID;
    }
    return check_tls(options, out_endpoint->has_tls, section, out_error);
}

int outlet_check(const struct outlet_options *options, const char *section, char out_error[256])
{
    struct endpoint endpoint;

    return outlet_is_on(options) ? read_endpoint(options, section, out_error, &endpoint) : 0;
}

/* --------------------------------------------------------------------- answers */

void outlet_read(const struct grpc_port_reply *reply, struct courier_verdict *out_verdict)
{
    bool has_delay = otlp_outcome_retry_delay(reply->details, &out_verdict->retry_delay_ns);
    struct view text = reply->message;

    out_verdict->is_ok = reply->code == OTLP_CODE_OK;
    out_verdict->code = otlp_outcome_code_name(reply->code);
    out_verdict->may_retry = otlp_outcome_may_retry(reply->code, has_delay);
    if (out_verdict->is_ok)
        out_verdict->rejected = otlp_outcome_rejected(reply->body, &text);
    (void)utf8_show(text, out_verdict->text, sizeof(out_verdict->text));
}

/* -------------------------------------------------------------------- its life */

static const char *text_or_null(struct view text)
{
    return text.size != 0 ? text.data : NULL;
}

static struct courier_options courier_options(struct outlet *outlet,
                                              const struct outlet_setup *setup)
{
    const struct outlet_options *options = setup->options;

    return (struct courier_options){
        .peer =
            {
                .target = outlet->endpoint.target,
                .method = setup->method,
                .has_tls = outlet->endpoint.has_tls,
                .ca_path = outlet->endpoint.has_tls ? authorities(options) : NULL,
                .cert_path = text_or_null(options->tls_cert),
                .key_path = text_or_null(options->tls_key),
                .reload_ns = setup->reload_ns,
                .server_name = text_or_null(options->tls_server_name),
                .headers = options->headers.items,
                .headers_count = options->headers.count,
                .gzip = options->compression == OUTLET_GZIP,
            },
        .what = setup->what,
        .read = outlet_read,
        .bytes_max = setup->bytes_max,
        .in_flight_max = setup->in_flight_max,
        .in_flight_bytes_max = setup->bytes_max / 2,
        .counts_items = setup->rows_count == COURIER_ALL_COUNT,
        .timeout_ns = options->timeout_ns,
        .retry_initial_ns = options->retry_initial_ns,
        .retry_interval_ns = options->retry_interval_max_ns,
        .retry_max_ns = options->retry_max_ns,
        .log = setup->log,
        .counters = &outlet->counters,
    };
}

int outlet_init(struct outlet *outlet, const struct outlet_setup *setup, char out_error[256])
{
    struct courier_options options;
    int status;

    *outlet = (struct outlet){.courier = NULL};
    status = read_endpoint(setup->options, setup->section, out_error, &outlet->endpoint);
    if (status != 0)
        return status;
    status = counters_init(&outlet->counters, setup->rows, setup->rows_count);
    if (status != 0)
        return status;
    options = courier_options(outlet, setup);
    status = grpc_load(setup->module, out_error, &options.port);
    return status == 0 ? courier_new(&options, out_error, &outlet->courier) : status;
}

void outlet_release(struct outlet *outlet)
{
    courier_free(outlet->courier);
    counters_release(&outlet->counters);
    *outlet = (struct outlet){.courier = NULL};
}
