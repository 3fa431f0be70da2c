/* module.c: unary calls by gRPC core, one try each: struct grpc_port over its C interface.
 *
 *   send() -> one batch of all six operations -> completion thread -> on_reply()
 *
 * gRPC core brings threads of its own (timers, its executor), which inherit the mask of the thread
 * that starts them: all of them are made with every signal blocked, since signals are the host's. Its
 * own retries and its proxy from the environment are off: the courier retries, and options come from the
 * table alone. What it would write to standard error is dropped; each reply says what went wrong.
 * It ends the process where memory is out, as it does in every program that links it.
 */
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/status.h"
#include "exporters/grpc_port.h"

enum { CHANNEL_ARGS_MAX = 16 };

struct grpc_peer {
    grpc_channel *channel;
    grpc_completion_queue *queue;
    void *method; /* As registered with the channel. */
    char *method_text;
    grpc_metadata *headers;
    size_t headers_count;
    void (*on_reply)(void *context, void *call, const struct grpc_port_reply *reply);
    void (*release)(void *call);
    void *context;
    pthread_mutex_t lock; /* Over the list of calls. */
    struct port_call *first;
    bool is_started;
    pthread_t thread;
};

struct port_call {
    struct grpc_peer *peer;
    struct port_call *next;
    struct port_call **link; /* What points to us. */
    void *call;              /* The caller's. */
    grpc_call *core;
    grpc_byte_buffer *sent;
    grpc_byte_buffer *received;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_status_code code;
    grpc_slice message;
};

/* ----------------------------------------------------------------------- calls */

static void link_call(struct port_call *call)
{
    struct grpc_peer *peer = call->peer;

    CHECK(pthread_mutex_lock(&peer->lock) == 0);
    call->next = peer->first;
    call->link = &peer->first;
    if (call->next != NULL)
        call->next->link = &call->next;
    peer->first = call;
    CHECK(pthread_mutex_unlock(&peer->lock) == 0);
}

static void unlink_call(struct port_call *call)
{
    struct grpc_peer *peer = call->peer;

    CHECK(pthread_mutex_lock(&peer->lock) == 0);
    *call->link = call->next;
    if (call->next != NULL)
        call->next->link = call->link;
    CHECK(pthread_mutex_unlock(&peer->lock) == 0);
}

static void free_call(struct port_call *call)
{
    unlink_call(call);
    grpc_byte_buffer_destroy(call->sent);
    if (call->received != NULL)
        grpc_byte_buffer_destroy(call->received);
    grpc_metadata_array_destroy(&call->initial);
    grpc_metadata_array_destroy(&call->trailing);
    grpc_slice_unref(call->message);
    grpc_call_unref(call->core);
    mem_free(call);
}

static gpr_timespec deadline_of(uint64_t timeout_ns)
{
    uint64_t most = INT64_MAX / 4;
    gpr_timespec timeout = gpr_time_from_nanos((int64_t)(timeout_ns < most ? timeout_ns : most),
                                               GPR_TIMESPAN);

    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), timeout);
}

/* Headers, message and end in one batch with all that is awaited. */
static grpc_call_error begin(struct port_call *call)
{
    const struct grpc_peer *peer = call->peer;
    grpc_op ops[6];

    memset(ops, 0, sizeof(ops));
    ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[0].data.send_initial_metadata.count = peer->headers_count;
    ops[0].data.send_initial_metadata.metadata = peer->headers;
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = call->sent;
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &call->initial;
    ops[4].op = GRPC_OP_RECV_MESSAGE;
    ops[4].data.recv_message.recv_message = &call->received;
    ops[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    ops[5].data.recv_status_on_client.trailing_metadata = &call->trailing;
    ops[5].data.recv_status_on_client.status = &call->code;
    ops[5].data.recv_status_on_client.status_details = &call->message;
    return grpc_call_start_batch(call->core, ops, sizeof(ops) / sizeof(ops[0]), call, NULL);
}

static int port_send(struct grpc_peer *peer, void *call, struct view body, uint64_t timeout_ns)
{
    struct port_call *made = mem_calloc(1, sizeof(*made));
    grpc_slice slice;

    if (made == NULL)
        return STATUS_NOMEM;
    made->peer = peer;
    made->call = call;
    made->message = grpc_empty_slice();
    grpc_metadata_array_init(&made->initial);
    grpc_metadata_array_init(&made->trailing);
    /* Nobody writes to it, for all that the interface takes no const. */
    slice = grpc_slice_new_with_user_data((void *)(uintptr_t)body.data, body.size, peer->release,
                                          call);
    made->sent = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    made->core = grpc_channel_create_registered_call(peer->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                                     peer->queue, peer->method,
                                                     deadline_of(timeout_ns), NULL);
    link_call(made);
    /* It refuses only what is put together wrongly; headers were checked at the start. */
    CHECK(begin(made) == GRPC_CALL_OK);
    return 0;
}

static void port_cancel(struct grpc_peer *peer)
{
    CHECK(pthread_mutex_lock(&peer->lock) == 0);
    for (struct port_call *call = peer->first; call != NULL; call = call->next)
        (void)grpc_call_cancel(call->core, NULL); /* Of one that is over it does nothing. */
    CHECK(pthread_mutex_unlock(&peer->lock) == 0);
}

/* --------------------------------------------------------------------- replies */

static struct view slice_view(const grpc_slice *slice)
{
    return (struct view){(const char *)GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice)};
}

static struct view find_details(const grpc_metadata_array *trailing)
{
    for (size_t i = 0; i < trailing->count; i++) {
        if (view_equal(slice_view(&trailing->metadata[i].key), VIEW("grpc-status-details-bin")))
            return slice_view(&trailing->metadata[i].value);
    }
    return (struct view){NULL, 0};
}

static void finish(struct port_call *call)
{
    struct grpc_port_reply reply = {
        .code = (int)call->code,
        .message = slice_view(&call->message),
        .details = find_details(&call->trailing),
    };
    grpc_slice body = grpc_empty_slice();
    grpc_byte_buffer_reader reader;

    if (call->received != NULL && grpc_byte_buffer_reader_init(&reader, call->received)) {
        body = grpc_byte_buffer_reader_readall(&reader);
        grpc_byte_buffer_reader_destroy(&reader);
        reply.body = slice_view(&body);
    }
    call->peer->on_reply(call->peer->context, call->call, &reply);
    grpc_slice_unref(body);
    free_call(call);
}

static void *run_completions(void *context)
{
    struct grpc_peer *peer = context;

    for (;;) {
        grpc_event event = grpc_completion_queue_next(peer->queue,
                                                      gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (event.type == GRPC_OP_COMPLETE)
            finish(event.tag);
    }
}

/* -------------------------------------------------------------------- a channel */

static void drop_log(gpr_log_func_args *arguments)
{
    (void)arguments;
}

struct channel_args {
    grpc_arg items[CHANNEL_ARGS_MAX];
    size_t count;
};

static grpc_arg *add_arg(struct channel_args *args, const char *key, grpc_arg_type type)
{
    grpc_arg *arg = &args->items[args->count++];

    CHECK(args->count <= CHANNEL_ARGS_MAX);
    arg->type = type;
    arg->key = (char *)(uintptr_t)key;
    return arg;
}

static void add_number(struct channel_args *args, const char *key, uint64_t number)
{
    add_arg(args, key, GRPC_ARG_INTEGER)->value.integer = number < INT32_MAX ? (int)number
                                                                             : INT32_MAX;
}

static void add_text(struct channel_args *args, const char *key, const char *text)
{
    add_arg(args, key, GRPC_ARG_STRING)->value.string = (char *)(uintptr_t)text;
}

static void fill_args(const struct grpc_port_options *options, struct channel_args *out_args)
{
    out_args->count = 0;
    add_number(out_args, GRPC_ARG_ENABLE_RETRIES, 0);
    add_number(out_args, GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    add_number(out_args, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    add_number(out_args, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    add_number(out_args, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
               options->reconnect_min_ns / NS_PER_MS);
    add_number(out_args, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, options->reconnect_max_ns / NS_PER_MS);
    add_number(out_args, GRPC_ARG_KEEPALIVE_TIME_MS, options->silence_max_ns / NS_PER_MS);
    add_number(out_args, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, options->silence_max_ns / NS_PER_MS);
    add_text(out_args, GRPC_ARG_PRIMARY_USER_AGENT_STRING, "spanmap");
    if (options->gzip)
        add_number(out_args, GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM, GRPC_COMPRESS_GZIP);
    if (options->has_tls && options->server_name != NULL) {
        add_text(out_args, GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, options->server_name);
        add_text(out_args, GRPC_ARG_DEFAULT_AUTHORITY, options->server_name);
    }
}

/* The watcher reads the files anew now and then; the name in the certificate is verified. */
static grpc_channel_credentials *make_credentials(const struct grpc_port_options *options)
{
    grpc_tls_certificate_provider *provider;
    grpc_tls_credentials_options *tls;
    uint64_t reload_s = (options->reload_ns + NS_PER_S - 1) / NS_PER_S;

    if (!options->has_tls)
        return grpc_insecure_credentials_create();
    provider = grpc_tls_certificate_provider_file_watcher_create(
        options->key_path, options->cert_path, options->ca_path,
        reload_s != 0 ? (unsigned)reload_s : 1);
    if (provider == NULL)
        return NULL;
    tls = grpc_tls_credentials_options_create();
    grpc_tls_credentials_options_set_certificate_provider(tls, provider);
    grpc_tls_credentials_options_watch_root_certs(tls);
    if (options->cert_path != NULL)
        grpc_tls_credentials_options_watch_identity_key_cert_pairs(tls);
    grpc_tls_certificate_provider_release(provider);
    return grpc_tls_credentials_create(tls); /* Takes `tls`. */
}

static int make_channel(struct grpc_peer *peer, const struct grpc_port_options *options)
{
    struct channel_args filled;
    grpc_channel_args args;
    grpc_channel_credentials *credentials = make_credentials(options);

    if (credentials == NULL)
        return STATUS_INVALID;
    fill_args(options, &filled);
    args = (grpc_channel_args){filled.count, filled.items};
    peer->channel = grpc_channel_create(options->target, credentials, &args);
    grpc_channel_credentials_release(credentials);
    if (peer->channel == NULL)
        return STATUS_INVALID;
    peer->method_text = mem_dup_text(options->method, strlen(options->method));
    if (peer->method_text == NULL)
        return STATUS_NOMEM;
    peer->method = grpc_channel_register_call(peer->channel, peer->method_text, NULL, NULL);
    peer->queue = grpc_completion_queue_create_for_next(NULL);
    return 0;
}

static int make_headers(struct grpc_peer *peer, const struct grpc_port_options *options,
                        char out_error[256])
{
    peer->headers = mem_calloc(options->headers_count + 1, sizeof(*peer->headers));
    if (peer->headers == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < options->headers_count; i++) {
        const struct option_pair *header = &options->headers[i];
        grpc_metadata *made = &peer->headers[i];

        made->key = grpc_slice_from_copied_buffer(header->key.data, header->key.size);
        made->value = grpc_slice_from_copied_buffer(header->value.data, header->value.size);
        peer->headers_count++;
        if (grpc_header_key_is_legal(made->key) && !grpc_is_binary_header(made->key) &&
            grpc_header_nonbin_value_is_legal(made->value))
            continue;
        (void)snprintf(out_error, 256, "the header %.100s cannot be sent", header->key.data);
        return STATUS_INVALID;
    }
    return 0;
}

/* Frees what there is, the completion thread having ended. */
static void free_peer(struct grpc_peer *peer)
{
    if (peer->queue != NULL) {
        grpc_completion_queue_shutdown(peer->queue);
        if (peer->is_started)
            CHECK(pthread_join(peer->thread, NULL) == 0);
        else
            while (
                grpc_completion_queue_next(peer->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
                    .type != GRPC_QUEUE_SHUTDOWN)
                continue;
    }
    if (peer->channel != NULL)
        grpc_channel_destroy(peer->channel);
    if (peer->queue != NULL)
        grpc_completion_queue_destroy(peer->queue);
    for (size_t i = 0; i < peer->headers_count; i++) {
        grpc_slice_unref(peer->headers[i].key);
        grpc_slice_unref(peer->headers[i].value);
    }
    mem_free(peer->headers);
    mem_free(peer->method_text);
    CHECK(pthread_mutex_destroy(&peer->lock) == 0);
    mem_free(peer);
    grpc_shutdown();
}

static int port_open(const struct grpc_port_options *options, char out_error[256],
                     struct grpc_peer **out_peer)
{
    struct grpc_peer *peer = mem_calloc(1, sizeof(*peer));
    sigset_t all;
    sigset_t before;
    int status;

    (void)snprintf(out_error, 256, "gRPC takes no such endpoint, or none of its files");
    if (peer == NULL)
        return STATUS_NOMEM;
    CHECK(pthread_mutex_init(&peer->lock, NULL) == 0);
    peer->on_reply = options->on_reply;
    peer->release = options->release;
    peer->context = options->context;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    gpr_set_log_function(drop_log);
    grpc_init();
    status = make_channel(peer, options);
    if (status == 0)
        status = make_headers(peer, options, out_error);
    if (status == 0) {
        peer->is_started = pthread_create(&peer->thread, NULL, run_completions, peer) == 0;
        status = peer->is_started ? 0 : STATUS_SYSTEM;
    }
    if (status != 0)
        free_peer(peer);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (status == 0)
        *out_peer = peer;
    return status;
}

static void port_close(struct grpc_peer *peer)
{
    if (peer == NULL)
        return;
    port_cancel(peer);
    free_peer(peer);
}

__attribute__((visibility("default"))) extern const struct grpc_port spanmap_grpc_port;

const struct grpc_port spanmap_grpc_port = {
    .version = GRPC_PORT_VERSION,
    .open = port_open,
    .send = port_send,
    .cancel = port_cancel,
    .close = port_close,
};
