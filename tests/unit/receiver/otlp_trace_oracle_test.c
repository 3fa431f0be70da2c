/* otlp_trace_oracle_test.c: the decoder against protobuf-c, on a request with everything in it: as it is,
 * cut at every byte, and changed at random.
 */
#include "tests/lib/otlp_oracle.h"

#include <stdlib.h>

#include "tests/lib/random.h"
#include "tests/lib/test.h"

enum { MUTATIONS = 30000 };

static void build_span(struct build *build, struct random *random, uint64_t id)
{
    static const char *const names[] = {"GET /a/1", "SELECT", "publish", "x.Y/Z"};
    static const char *const states[] = {"ot=th:8", "a=b", "ot=p:3;r:1,c=d", ""};

    build_open_span(build, id, random_below(random, 4), names[random_below(random, 4)]);
    build_text(build, 3, states[random_below(random, 4)]);
    build_varint(build, 6, random_below(random, 7));
    build_fixed64(build, 7, 1000);
    build_fixed64(build, 8, 900 + random_below(random, 1000));
    build_attribute(build, 9, "server.address", "10.0.0.1");
    build_number_attribute(build, 9, "server.port", (int64_t)random_below(random, 70000));
    build_attribute(build, 9, "http.route", "/a/{b}");
    build_attribute(build, 9, "db.system", random_below(random, 3) == 0 ? "redis" : "");
    build_attribute(build, 9, "some.other.key", "and a text");
    build_open(build, 9); /* An array of a list. */
    build_text(build, 1, "messaging.batch");
    build_open(build, 2);
    build_open(build, 5);
    build_open(build, 1);
    build_open(build, 6);
    build_attribute(build, 1, "k", "v");
    for (int i = 0; i < 5; i++)
        build_close(build);
    build_varint(build, 10, 3);
    build_open(build, 11); /* An event. */
    build_fixed64(build, 1, 950);
    build_text(build, 2, "event");
    build_attribute(build, 3, "exception.type", "E");
    build_close(build);
    build_open(build, 13); /* A link. */
    build_bytes(build, 1, BYTES(sixteen, 16));
    build_bytes(build, 2, BYTES(sixteen, random_below(random, 2) == 0 ? 8 : 7));
    build_close(build);
    build_open(build, 15);
    build_varint(build, 3, 1 + random_below(random, 2));
    build_close(build);
    build_fixed32(build, 16, (uint32_t)(0x101 | random_below(random, 2) << 9));
    build_close(build);
}

static struct view build_all(struct build *build, struct random *random)
{
    static const char *const services[] = {"shop", "cart"};
    uint64_t id = 1;

    for (size_t i = 0; i < 2; i++) {
        build_open(build, 1);
        build_open(build, 1);
        build_attribute(build, 1, "service.name", services[i]);
        build_number_attribute(build, 1, "process.pid", 1);
        build_close(build);
        for (int scope = 0; scope < 2; scope++) {
            build_open(build, 2);
            build_open(build, 1);
            build_text(build, 1, "library");
            build_attribute(build, 3, "k", "v");
            build_close(build);
            for (int span = 0; span < 3; span++)
                build_span(build, random, id++);
            build_close(build);
        }
        build_text(build, 3, "schema");
        build_close(build);
    }
    return build_done(build);
}

/* ------------------------------------------------------------------ as SDKs write them */

#define PICK(list) (list[random_below(random, sizeof(list) / sizeof(list[0]))])

static const char *const wanted[] = {
    "server.address",
    "server.port",
    "net.peer.name",
    "net.peer.port",
    "http.host",
    "network.peer.address",
    "url.full",
    "http.url",
    "http.route",
    "http.response.status_code",
    "db.system.name",
    "db.system",
    "db.namespace",
    "db.name",
    "messaging.system",
    "messaging.destination.name",
    "messaging.destination.template",
    "messaging.destination.temporary",
    "messaging.operation.type",
    "messaging.kafka.consumer.group",
    "messaging.eventhubs.consumer.group",
    "rpc.system",
    "rpc.service",
    "rpc.method",
    "rpc.grpc.status_code",
    "peer.service",
    "service.peer.name",
    "sampling.ratio",
    "SampleRate",
};
static const char *const unwanted[] = {
    "http.request.method",
    "network.protocol.version",
    "user_agent.original",
    "db.query.text",
    "messaging.batch.id",
    "messagin.x",
    "rpc.other.key",
    "client.address",
    "server.addresS",
    "erver.address",
    "messaging.eventhXbs.consumer.group",
    "Messaging.eventhubs.consumer.group",
    "network.interface.queue.discipline.name",
    "k",
    "",
};
/* So long that lengths have two bytes. */
static const char statement[] =
    "SELECT id, user_id, total FROM orders WHERE user_id = ? AND created_at > ? AND total > ? "
    "ORDER BY created_at DESC, total DESC LIMIT ? OFFSET ?";

static const char *const values[] = {
    "",        "a",        "true",
    "0.25",    "10.0.0.1", "cart.shop.svc",
    "receive", "process",  "http://cart:8080/a/b?c=d#e",
    statement,
};

/* Any key with any value; those that are meant for each other come often enough. */
static void build_usual_attribute(struct build *build, struct random *random)
{
    static const int64_t numbers[] = {0,     1,     127,     128,     200, 8080,      16383,
                                      16384, 50051, 2097151, 2097152, -1,  INT64_MAX, INT64_MIN};
    const char *key = random_below(random, 4) != 0 ? PICK(wanted) : PICK(unwanted);

    switch (random_below(random, 8)) {
    case 0:
        build_open(build, 9);
        build_text(build, 1, key);
        build_open(build, 2);
        build_varint(build, 2, random_below(random, 2));
        build_close(build);
        build_close(build);
        break;
    case 1:
        build_real_attribute(build, 9, key, 0.5);
        break;
    case 2:
    case 3:
        build_number_attribute(build, 9, key, PICK(numbers));
        break;
    default:
        build_attribute(build, 9, key, PICK(values));
    }
}

/* So many resources and spans, of which some are alike, that none of what is kept for several of them
 * has room for all. */
static struct view build_usual(struct build *build, struct random *random, uint64_t resources)
{
    static const char *const names[] = {"GET", "GET /api/cart/{id}",
                                        "shop.v1.ShippingService/Track", "SELECT shop.orders", ""};
    uint64_t id = 1;
    char service[] = "service-a";

    for (uint64_t i = 0; i < resources; i++) {
        build_open(build, 1);
        build_open(build, 1);
        service[8] = (char)('a' + random_below(random, 20));
        build_attribute(build, 1, "telemetry.sdk.language", "go");
        build_attribute(build, 1, "service.name", service);
        if (random_below(random, 2) == 0)
            build_attribute(build, 1, "service.namespace", PICK(values));
        build_close(build);
        build_open(build, 2);
        for (uint64_t spans = random_below(random, 4); spans > 0; spans--) {
            build_open_span(build, id, id / 2, PICK(names));
            id += random_below(random, 10) != 0; /* An id of 0 is invalid. */
            build_varint(build, 6, random_below(random, 6));
            build_fixed64(build, 7, 1000);
            build_fixed64(build, 8, 900 + random_below(random, 1000));
            for (uint64_t left = random_below(random, 8); left > 0; left--)
                build_usual_attribute(build, random);
            if (random_below(random, 8) == 0)
                build_bytes(build, 1, BYTES(sixteen, 15)); /* Invalid. */
            build_close(build);
        }
        build_close(build);
        build_close(build);
    }
    return build_done(build);
}

/* ------------------------------------------------------------------ checks */

/* Decodes both ways. */
static enum oracle_verdict check(struct fixture *on, struct view message)
{
    const struct otlp_stage *stage;
    int status = otlp_decode_protobuf(on->rig.decoder, message, &stage);
    char why[256] = "";
    enum oracle_verdict verdict = oracle_compare(&on->rig, message, status, stage, why);

    if (status != 0) {
        assert_int_equal(stage->count, 0);
        assert_true(stage->error_offset <= message.size);
        assert_non_null(stage->error);
    }
    if (verdict == ORACLE_DIFFERS) {
        for (size_t i = 0; i < message.size; i++)
            print_message("%02x", (unsigned char)message.data[i]);
        fail_msg(": %s", why);
    }
    return verdict;
}

/* With dimensions of every type, of spans and resources. */
static void start_valued(struct fixture *on)
{
    const struct view keys[] = {VIEW("messaging.batch"), VIEW("server.port"),
                                VIEW("http.route"),      VIEW("process.pid"),
                                VIEW("db.system"),       VIEW("some.other.key")};

    rig_start_with_dimensions(&on->rig, keys, sizeof(keys) / sizeof(keys[0]));
    build_init(&on->build);
}

static void start_either(struct fixture *on, bool is_valued)
{
    if (is_valued)
        start_valued(on);
    else
        start(on);
}

static void agree_on_requests(struct fixture *on)
{
    struct random random = random_of(1);

    for (int i = 0; i < 50; i++) {
        struct view message = build_all(&on->build, &random);
        assert_int_equal(check(on, message), ORACLE_AGREES);
        buf_reset(&on->build.out);
    }
    stop(on);
}

static void decode__agrees_with_protobuf_c(void **state)
{
    struct fixture on;

    (void)state;
    start(&on);
    agree_on_requests(&on);
    start_valued(&on);
    agree_on_requests(&on);
}

static void decode__agrees_on_many_resources(void **state)
{
    struct random random = random_of(4);
    struct fixture on;

    (void)state;
    for (int valued = 0; valued < 2; valued++) {
        start_either(&on, valued != 0);
        for (int i = 0; i < 200; i++) {
            assert_int_equal(check(&on, build_usual(&on.build, &random, random_below(&random, 40))),
                             ORACLE_AGREES);
            buf_reset(&on.build.out);
        }
        stop(&on);
    }
}

/* A copy that ends where its memory ends, so that the sanitizers see a byte too many. */
static struct view exact(struct view message, size_t size)
{
    char *copy = mem_dup(message.data, size);

    assert_non_null(copy);
    return (struct view){copy, size};
}

static void decode__agrees_wherever_a_request_is_cut(void **state)
{
    struct random random = random_of(2);
    struct fixture on;
    struct view message;
    size_t whole = 0;

    (void)state;
    for (int valued = 0; valued < 2; valued++) {
        start_either(&on, valued != 0);
        message = build_all(&on.build, &random);
        for (size_t size = 0; size <= message.size; size++) {
            struct view cut = exact(message, size);
            whole += check(&on, cut) == ORACLE_AGREES;
            mem_free((void *)(uintptr_t)cut.data);
        }
        stop(&on);
    }
    assert_int_equal(whole, 6); /* Nothing, one ResourceSpans, both. */
}

static void mutate(char *bytes, size_t size, struct random *random)
{
    for (uint64_t i = 0; i <= random_below(random, 3); i++) {
        size_t at = random_below(random, size);
        if (random_below(random, 2) == 0)
            bytes[at] = (char)random_next(random);
        else
            bytes[at] = (char)(bytes[at] ^ 1 << random_below(random, 8));
    }
}

/* How often each verdict was given. */
static void agree_on_changed(struct fixture *on, struct random *random, size_t verdicts[3])
{
    struct view messages[2];
    struct build usual;

    build_init(&usual);
    messages[0] = build_all(&on->build, random);
    messages[1] = build_usual(&usual, random, 12);
    for (int i = 0; i < MUTATIONS; i++) {
        struct view message = messages[i % 2];
        struct view changed = exact(message, message.size);
        mutate((char *)(uintptr_t)changed.data, changed.size, random);
        verdicts[check(on, changed)]++;
        mem_free((void *)(uintptr_t)changed.data);
    }
    build_release(&usual);
    stop(on);
}

static void decode__agrees_on_changed_requests(void **state)
{
    const char *seed_text = getenv("SEED");
    uint64_t seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : 3;
    struct random random = random_of(seed);
    struct fixture on;
    size_t verdicts[3] = {0};

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    start(&on);
    agree_on_changed(&on, &random, verdicts);
    start_valued(&on);
    agree_on_changed(&on, &random, verdicts);
    assert_true(verdicts[ORACLE_AGREES] > MUTATIONS / 5);
    assert_true(verdicts[ORACLE_REFUSES] > MUTATIONS / 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode__agrees_with_protobuf_c),
        cmocka_unit_test(decode__agrees_on_many_resources),
        cmocka_unit_test(decode__agrees_wherever_a_request_is_cut),
        cmocka_unit_test(decode__agrees_on_changed_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
