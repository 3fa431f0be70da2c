/* payload.c: `payload`, a program that writes trace requests as SDKs and gateways send them.
 *
 *   payload --services 7 --spans 100000 --size 100 [--seed 1] [--senders 7] [--start UNIX_SECONDS]
 *           [--in-flight 1] [--plain]
 *
 * Is:         traces of ten spans through a fixed graph of services; each sender gathers the spans
 *             of its services as they end, and sends whenever it has `size` of them, grouped by
 *             resource. So one sender per service is what SDKs do, fewer are gateways, and the
 *             spans of one trace come in several requests. One trace in four has a message. So many
 *             traces as are in flight end their spans in turn. Plain traces have no message, no error,
 *             and one operation of each kind a service, so that many services fit into the tables.
 * Is not:     a copy of anybody's telemetry: names and attributes follow the semantic conventions as
 *             the instrumentations of HTTP, gRPC, SQL and Kafka write them.
 * Output:     each request behind its length in four bytes, big end first, as the Collector's file
 *             exporter writes them; the same seed gives the same bytes.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "tests/lib/otlp_build.h"
#include "tests/lib/random.h"

enum { TRACE_SPANS = 10, CALLEES = 2, ROUTES = 6, SERVICES_MAX = 100000 };

struct shape {
    uint64_t services, spans, size, seed, senders, start_s, in_flight;
    bool plain;
};

/* What a sender has of one service. */
struct service {
    struct build resource; /* Encoded once. */
    struct build spans;    /* Those that wait. */
    struct service *next;  /* Of those of the sender that wait. */
    char name[40];
};

struct sender {
    struct service *first;
    uint64_t waiting;
};

struct making;

struct world {
    struct shape shape;
    struct random random;
    struct service *services;
    struct sender *senders;
    struct making *makings; /* Of the traces in flight. */
    struct build request;
    struct build attributes; /* Of one span. */
    uint64_t written;
    uint64_t clock_ns;
};

/* One span in the making. */
struct making {
    uint64_t trace[2];
    uint64_t ids[TRACE_SPANS];
    uint32_t service[TRACE_SPANS];
    uint64_t begin_ns; /* Of the trace. */
    uint64_t start_ns, end_ns;
    uint32_t which; /* Of the span in its trace. */
    bool failed;
    bool has_message;
};

static const char *const nouns[] = {"checkout", "payment",  "cart",     "catalog",
                                    "shipping", "identity", "inventory"};
static const char *const adjectives[] = {"edge", "core", "batch", "public", "internal", "legacy"};

/* ------------------------------------------------------------------ services */

static void name_service(struct service *service, uint32_t number)
{
    uint32_t nouns_count = sizeof(nouns) / sizeof(nouns[0]);
    uint32_t round = number / nouns_count;

    if (round == 0)
        (void)snprintf(service->name, sizeof(service->name), "%s", nouns[number]);
    else
        (void)snprintf(service->name, sizeof(service->name), "%s-%s-%u", adjectives[round % 6],
                       nouns[number % nouns_count], round);
}

static void make_service(struct service *service, uint32_t number)
{
    struct build *build = &service->resource;
    char text[80];

    build_init(build);
    build_init(&service->spans);
    name_service(service, number);
    build_open(build, 1);
    build_attribute(build, 1, "service.name", service->name);
    build_attribute(build, 1, "service.namespace", "shop");
    build_attribute(build, 1, "service.version", "2.14.3");
    (void)snprintf(text, sizeof(text), "627cc493-f310-47de-96bd-71410b7d%04x", number & 0xFFFF);
    build_attribute(build, 1, "service.instance.id", text);
    build_attribute(build, 1, "telemetry.sdk.language", number % 2 == 0 ? "java" : "go");
    build_attribute(build, 1, "telemetry.sdk.name", "opentelemetry");
    build_attribute(build, 1, "telemetry.sdk.version", "1.43.0");
    (void)snprintf(text, sizeof(text), "%s-7d9c5b8f6d-x2x%02x", service->name, number & 0xFF);
    build_attribute(build, 1, "k8s.pod.name", text);
    build_attribute(build, 1, "k8s.namespace.name", "shop");
    build_attribute(build, 1, "host.name", "ip-10-0-17-23.eu-central-1.compute.internal");
    build_number_attribute(build, 1, "process.pid", 1);
    (void)build_done(build);
}

/* The same for the same arguments: whom a service calls. */
static uint32_t callee_of(const struct world *world, uint32_t service, uint32_t which)
{
    uint64_t mixed = (service * UINT64_C(2654435761) + which + 1) * UINT64_C(0x9E3779B97F4A7C15);

    return (
        uint32_t)((service + 1 +
                   (mixed >> 40) % (world->shape.services > 1 ? world->shape.services - 1 : 1)) %
                  world->shape.services);
}

/* Which of several. */
static uint64_t pick_of(struct world *world, uint64_t count)
{
    return world->shape.plain ? 0 : random_below(&world->random, count);
}

/* ------------------------------------------------------------------ attributes */

static const char *add_http(struct build *build, struct world *world, const char *server,
                            bool is_client)
{
    static const char *const routes[ROUTES] = {"/api/cart",        "/api/cart/{id}", "/api/orders",
                                               "/api/orders/{id}", "/api/quote",     "/healthz"};
    uint64_t pick = pick_of(world, ROUTES);
    const char *route = routes[pick];
    char text[120];

    build_text(build, 5,
               is_client       ? "GET"
               : pick % 2 == 0 ? "GET /api/orders"
                               : "GET /api/cart/{id}");
    build_attribute(build, 9, "http.request.method", "GET");
    build_attribute(build, 9, "server.address", server);
    build_number_attribute(build, 9, "server.port", 8080);
    build_attribute(build, 9, "network.protocol.version", "1.1");
    build_number_attribute(build, 9, "http.response.status_code", 200);
    if (is_client) {
        (void)snprintf(text, sizeof(text), "http://%s:8080/api/orders/%u", server,
                       (unsigned)random_below(&world->random, 1000000));
        build_attribute(build, 9, "url.full", text);
        return "GET";
    }
    build_attribute(build, 9, "http.route", pick % 2 == 0 ? "/api/orders" : "/api/cart/{id}");
    build_attribute(build, 9, "url.path", route);
    build_attribute(build, 9, "url.scheme", "http");
    build_attribute(build, 9, "client.address", "10.0.17.23");
    build_attribute(build, 9, "user_agent.original",
                    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36");
    return pick % 2 == 0 ? "GET /api/orders" : "GET /api/cart/{id}";
}

static const char *add_rpc(struct build *build, struct world *world, const char *server,
                           bool is_client)
{
    static const char *const methods[] = {"GetQuote", "ShipOrder", "Track", "Cancel"};
    static const char *const names[] = {
        "shop.v1.ShippingService/GetQuote", "shop.v1.ShippingService/ShipOrder",
        "shop.v1.ShippingService/Track", "shop.v1.ShippingService/Cancel"};
    uint64_t pick = pick_of(world, 4);

    build_attribute(build, 9, "rpc.system", "grpc");
    build_attribute(build, 9, "rpc.service", "shop.v1.ShippingService");
    build_attribute(build, 9, "rpc.method", methods[pick]);
    build_number_attribute(build, 9, "rpc.grpc.status_code", 0);
    if (is_client) {
        build_attribute(build, 9, "server.address", server);
        build_number_attribute(build, 9, "server.port", 50051);
    }
    return names[pick];
}

static const char *add_database(struct build *build, struct world *world)
{
    static const char *const statements[] = {
        "SELECT id, user_id, total FROM orders WHERE user_id = ? ORDER BY created_at DESC LIMIT ?",
        "INSERT INTO orders (id, user_id, total, created_at) VALUES (?, ?, ?, ?)",
        "UPDATE carts SET items = ?, updated_at = ? WHERE id = ?",
    };
    static const char *const names[] = {"SELECT shop.orders", "INSERT shop.orders",
                                        "UPDATE shop.carts"};
    uint64_t pick = pick_of(world, 3);

    build_attribute(build, 9, "db.system.name", "postgresql");
    build_attribute(build, 9, "db.namespace", "shop");
    build_attribute(build, 9, "db.query.text", statements[pick]);
    build_attribute(build, 9, "server.address", "orders-db.shop.svc.cluster.local");
    build_number_attribute(build, 9, "server.port", 5432);
    return names[pick];
}

static const char *add_internal(struct build *build, struct world *world)
{
    static const char *const names[] = {"OrderService.place", "CartService.merge", "render receipt",
                                        "TaxCalculator.apply"};

    build_attribute(build, 9, "code.function.name", "com.example.shop.orders.OrderService.place");
    return names[pick_of(world, 4)];
}

static const char *add_message(struct build *build, bool is_consumer)
{
    build_attribute(build, 9, "messaging.system", "kafka");
    build_attribute(build, 9, "messaging.destination.name", "orders");
    build_attribute(build, 9, "messaging.operation.type", is_consumer ? "process" : "send");
    build_attribute(build, 9, "messaging.client.id", "producer-orders-1");
    build_number_attribute(build, 9, "messaging.kafka.offset", 7211342);
    if (is_consumer)
        build_attribute(build, 9, "messaging.consumer.group.name", "fulfilment");
    return is_consumer ? "process orders" : "send orders";
}

/* ------------------------------------------------------------------ spans */

/* Where a span of the trace hangs, what it is, and whose it is: the root's, or that of one called. */
static const struct plan {
    uint8_t parent, kind, service;
    bool is_rpc;
} plans[TRACE_SPANS] = {
    {TRACE_SPANS, SPAN_KIND_SERVER, 0, false},
    {0, SPAN_KIND_CLIENT, 0, false},
    {1, SPAN_KIND_SERVER, 1, false},
    {2, SPAN_KIND_CLIENT, 1, false},
    {2, SPAN_KIND_INTERNAL, 1, false},
    {0, SPAN_KIND_CLIENT, 0, true},
    {5, SPAN_KIND_SERVER, 2, true},
    {6, SPAN_KIND_CLIENT, 2, false},
    {6, SPAN_KIND_INTERNAL, 2, false},
    {0, SPAN_KIND_INTERNAL, 0, false},
};

enum { DATABASE = 3, OUTSIDE = 7, CONSUMER = 8 };

static void add_link(struct build *build, const struct making *making)
{
    build_open(build, 13);
    build_bytes(build, 1, BYTES((const char *)making->trace, 16));
    build_bytes(build, 2, BYTES((const char *)&making->ids[OUTSIDE], 8));
    build_close(build);
}

static void add_error(struct build *build, const struct making *making)
{
    build_open(build, 11);
    build_fixed64(build, 1, making->end_ns);
    build_text(build, 2, "exception");
    build_attribute(build, 3, "exception.type", "java.net.SocketTimeoutException");
    build_attribute(build, 3, "exception.message", "Read timed out");
    build_close(build);
    build_open(build, 15);
    build_text(build, 2, "Read timed out");
    build_varint(build, 3, 2);
    build_close(build);
}

/* The attributes of a span go to `build`; its name comes back. */
static const char *add_attributes(struct world *world, const struct making *making, uint8_t kind,
                                  bool is_message, struct build *build)
{
    const struct plan *plan = &plans[making->which];
    bool is_client = kind == SPAN_KIND_CLIENT;
    uint32_t other = is_client && making->which + 1 < TRACE_SPANS ? making->which + 1
                                                                  : making->which;
    const char *server = world->services[making->service[other]].name;

    build_number_attribute(build, 9, "thread.id", (int64_t)random_below(&world->random, 200));
    build_attribute(build, 9, "thread.name", "http-nio-8080-exec-7");
    if (kind == SPAN_KIND_INTERNAL)
        return add_internal(build, world);
    build_attribute(build, 9, "network.peer.address", "10.0.41.7");
    build_number_attribute(build, 9, "network.peer.port", 42318);
    if (is_message)
        return add_message(build, kind == SPAN_KIND_CONSUMER);
    if (making->which == DATABASE)
        return add_database(build, world);
    if (plan->is_rpc)
        return add_rpc(build, world, server, is_client);
    return add_http(build, world, making->which == OUTSIDE ? "api.bank.example" : server,
                    is_client);
}

/* In the order in which SDKs write the fields: that of their numbers. */
static void add_span(struct world *world, const struct making *making)
{
    const struct plan *plan = &plans[making->which];
    struct build *build = &world->services[making->service[making->which]].spans;
    bool is_message = making->has_message &&
                      (making->which == OUTSIDE || making->which == CONSUMER);
    uint8_t parent = is_message && making->which == CONSUMER ? OUTSIDE : plan->parent;
    uint8_t kind = !is_message                 ? plan->kind
                   : making->which == CONSUMER ? (uint8_t)SPAN_KIND_CONSUMER
                                               : (uint8_t)SPAN_KIND_PRODUCER;

    const char *name;

    buf_reset(&world->attributes.out);
    name = add_attributes(world, making, kind, is_message, &world->attributes);
    build_open(build, 2);
    build_bytes(build, 1, BYTES((const char *)making->trace, 16));
    build_bytes(build, 2, BYTES((const char *)&making->ids[making->which], 8));
    if (parent < TRACE_SPANS)
        build_bytes(build, 4, BYTES((const char *)&making->ids[parent], 8));
    build_text(build, 5, name);
    build_varint(build, 6, kind);
    build_fixed64(build, 7, making->start_ns);
    build_fixed64(build, 8, making->end_ns);
    build_raw(build, buf_view(&world->attributes.out));
    if (kind == SPAN_KIND_CONSUMER)
        add_link(build, making);
    if (making->failed)
        add_error(build, making);
    else {
        build_open(build, 15);
        build_close(build);
    }
    build_fixed32(build, 16, parent < TRACE_SPANS && kind == SPAN_KIND_SERVER ? 0x301 : 0x101);
    build_close(build);
}

/* ------------------------------------------------------------------ senders */

static void flush(struct world *world, struct sender *sender)
{
    struct build *build = &world->request;
    struct view request;
    uint8_t head[4];

    buf_reset(&build->out);
    for (struct service *at = sender->first; at != NULL; at = at->next) {
        build_open(build, 1);
        build_raw(build, buf_view(&at->resource.out));
        build_open(build, 2);
        build_open(build, 1);
        build_text(build, 1, "io.opentelemetry.tomcat-10.0");
        build_text(build, 2, "2.14.0-alpha");
        build_close(build);
        build_raw(build, buf_view(&at->spans.out));
        build_close(build);
        build_close(build);
        buf_reset(&at->spans.out);
    }
    request = build_done(build);
    head[0] = (uint8_t)(request.size >> 24);
    head[1] = (uint8_t)(request.size >> 16);
    head[2] = (uint8_t)(request.size >> 8);
    head[3] = (uint8_t)request.size;
    if (fwrite(head, 4, 1, stdout) != 1 || fwrite(request.data, request.size, 1, stdout) != 1) {
        perror("payload");
        exit(1);
    }
    world->written += sender->waiting;
    sender->first = NULL;
    sender->waiting = 0;
}

static void give(struct world *world, struct making *making)
{
    uint32_t number = making->service[making->which];
    struct service *service = &world->services[number];
    struct sender *sender = &world->senders[number % world->shape.senders];

    if (service->spans.out.size == 0) {
        service->next = sender->first;
        sender->first = service;
    }
    add_span(world, making);
    if (++sender->waiting == world->shape.size)
        flush(world, sender);
}

static void begin_trace(struct world *world, struct making *making)
{
    struct random *random = &world->random;
    uint32_t root = (uint32_t)random_below(random, world->shape.services);
    uint32_t called[3] = {root, callee_of(world, root, (uint32_t)random_below(random, CALLEES)),
                          callee_of(world, root, (uint32_t)random_below(random, CALLEES))};

    *making = (struct making){.trace = {random_next(random), random_next(random)},
                              .begin_ns = world->clock_ns,
                              .has_message = random_below(random, 4) == 0 && !world->shape.plain};
    for (uint32_t i = 0; i < TRACE_SPANS; i++) {
        making->ids[i] = random_next(random) | 1;
        making->service[i] = called[plans[i].service];
    }
    if (making->has_message)
        making->service[CONSUMER] = callee_of(world, called[2], 0);
    world->clock_ns += 10000;
}

/* Children end, and are sent, before their parents. */
static void make_traces(struct world *world)
{
    struct random *random = &world->random;

    for (uint64_t i = 0; i < world->shape.in_flight; i++)
        begin_trace(world, &world->makings[i]);
    for (uint32_t at = TRACE_SPANS; at-- != 0;)
        for (uint64_t i = 0; i < world->shape.in_flight; i++) {
            struct making *making = &world->makings[i];
            making->which = at;
            making->start_ns = making->begin_ns + at * NS_PER_MS + random_below(random, NS_PER_MS);
            making->end_ns = making->begin_ns + (30 - at) * NS_PER_MS +
                             random_below(random, 50 * NS_PER_MS);
            making->failed = random_below(random, 100) == 0 && !world->shape.plain;
            give(world, making);
        }
}

/* ------------------------------------------------------------------ the program */

static uint64_t number_of(const char *text)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);

    if (*text == '\0' || *end != '\0') {
        (void)fprintf(stderr, "payload: %s is no number\n", text);
        exit(2);
    }
    return number;
}

static void read_options(int count, char **words, struct shape *shape)
{
    static const struct option options[] = {
        {"services", required_argument, NULL, 'n'},
        {"spans", required_argument, NULL, 's'},
        {"size", required_argument, NULL, 'z'},
        {"seed", required_argument, NULL, 'r'},
        {"senders", required_argument, NULL, 'e'},
        {"start", required_argument, NULL, 't'},
        {"in-flight", required_argument, NULL, 'f'},
        {"plain", no_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(count, words, "", options, NULL)) != -1) {
        uint64_t *into = option == 'n'   ? &shape->services
                         : option == 's' ? &shape->spans
                         : option == 'z' ? &shape->size
                         : option == 'r' ? &shape->seed
                         : option == 'e' ? &shape->senders
                         : option == 't' ? &shape->start_s
                         : option == 'f' ? &shape->in_flight
                                         : NULL;
        if (option == 'p')
            shape->plain = true;
        else if (into != NULL)
            *into = number_of(optarg);
        else
            exit(2);
    }
    if (shape->senders == 0)
        shape->senders = shape->services;
    if (shape->services == 0 || shape->services > SERVICES_MAX || shape->size == 0 ||
        shape->in_flight == 0) {
        (void)fprintf(stderr, "payload: between 1 and %d services, and at least 1 span a request\n",
                      SERVICES_MAX);
        exit(2);
    }
}

int main(int count, char **words)
{
    struct world world = {.shape = {7, 100000, 100, 1, 0, 1700000000, 1, false}};

    read_options(count, words, &world.shape);
    world.random = random_of(world.shape.seed);
    world.clock_ns = world.shape.start_s * NS_PER_S;
    world.services = calloc(world.shape.services, sizeof(*world.services));
    world.senders = calloc(world.shape.senders, sizeof(*world.senders));
    world.makings = calloc(world.shape.in_flight, sizeof(*world.makings));
    CHECK(world.services != NULL && world.senders != NULL && world.makings != NULL);
    for (uint32_t i = 0; i < world.shape.services; i++)
        make_service(&world.services[i], i);
    build_init(&world.request);
    build_init(&world.attributes);
    while (world.written < world.shape.spans)
        make_traces(&world);
    for (uint32_t i = 0; i < world.shape.services; i++) {
        build_release(&world.services[i].resource);
        build_release(&world.services[i].spans);
    }
    build_release(&world.request);
    build_release(&world.attributes);
    free(world.services);
    free(world.senders);
    free(world.makings);
    return fflush(stdout) == 0 ? 0 : 1;
}
