/* service_test.c: the engine with its doors, twice in one process. */
#include "engine/service.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/test.h"

#define MIB (UINT64_C(1) << 20)

static void set(struct options *options, const char *key, const char *text)
{
    char error[256];
    const struct option_row *row = option_find(&spanmap_options, view_of(key));

    assert_non_null(row);
    assert_int_equal(option_set(row, options, view_of(text), error), 0);
}

static struct options options_of_any_port(void)
{
    struct options options;

    assert_int_equal(options_init(&options), 0);
    set(&options, "listen.grpc", "127.0.0.1:0");
    set(&options, "listen.http", "127.0.0.1:0");
    set(&options, "listen.web", "127.0.0.1:0");
    set(&options, "memory.limit", "64MiB");
    return options;
}

static struct service *service_of(struct options *options)
{
    struct service_setup setup = {.machine = {256 * MIB, 2}};
    struct service *service;
    char error[256];

    if (service_new(options, &setup, error, &service) != 0)
        fail_msg("%s", error);
    return service;
}

/* The first bytes of an answer to a GET of `path`. */
static void get(struct view bound, const char *path, char out_status[16])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char request[128];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t size;

    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &address.sin_addr), 1);
    address.sin_port = htons((uint16_t)strtoul(bound.data + strlen("127.0.0.1:"), NULL, 10));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    size = (size_t)snprintf(request, sizeof(request),
                            "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                            path);
    assert_int_equal(send(fd, request, size, 0), size);
    assert_int_equal(recv(fd, out_status, 12, MSG_WAITALL), 12);
    out_status[12] = '\0';
    close(fd);
}

static void service__runs_twice_in_one_process(void **state)
{
    struct options options = options_of_any_port();
    struct service *services[2];
    char error[256];
    char status[16];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        services[i] = service_of(&options);
        assert_int_equal(service_listen(services[i], error), 0);
        assert_int_equal(service_start(services[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        struct view grpc = service_bound(services[i], SERVICE_GRPC);

        assert_true(view_starts(grpc, VIEW("127.0.0.1:")));
        assert_false(view_equal(grpc, service_bound(services[1 - i], SERVICE_GRPC)));
        get(service_bound(services[i], SERVICE_WEB), "/readyz", status);
        assert_string_equal(status, "HTTP/1.1 200");
        get(service_bound(services[i], SERVICE_WEB), "/metrics", status);
        assert_string_equal(status, "HTTP/1.1 200");
    }
    service_drain(services[0], NS_PER_S);
    get(service_bound(services[1], SERVICE_WEB), "/api/v1/map", status);
    assert_string_equal(status, "HTTP/1.1 200");
    for (size_t i = 0; i < 2; i++)
        service_free(services[i]);
    service_free(NULL);
    options_release(&options);
}

static void service__says_which_address_is_taken(void **state)
{
    struct options options = options_of_any_port();
    struct service *first = service_of(&options);
    struct service *second;
    char address[64];
    char error[256] = "";
    struct view bound;

    (void)state;
    assert_int_equal(service_listen(first, error), 0);
    bound = service_bound(first, SERVICE_GRPC);
    snprintf(address, sizeof(address), "%.*s", (int)bound.size, bound.data);
    set(&options, "listen.grpc", address);
    second = service_of(&options);
    assert_int_equal(service_listen(second, error), STATUS_SYSTEM);
    assert_non_null(strstr(error, address));
    service_free(second);
    service_free(first);
    options_release(&options);
}

static void service__opens_no_door_that_is_off(void **state)
{
    struct options options = options_of_any_port();
    struct service *service;
    char error[256];

    (void)state;
    set(&options, "listen.grpc", "off");
    service = service_of(&options);
    assert_int_equal(service_listen(service, error), 0);
    assert_int_equal(service_bound(service, SERVICE_GRPC).size, 0);
    assert_true(service_bound(service, SERVICE_WEB).size > 0);
    service_free(service);
    options_release(&options);
}

static int make(void *context)
{
    struct service_setup setup = {.machine = {256 * MIB, 1}};
    struct service *service;
    char error[256];
    int status = service_new(context, &setup, error, &service);

    if (status == 0)
        service_free(service);
    else
        assert_true(error[0] != '\0');
    return status;
}

static void service__survives_failing_memory(void **state)
{
    struct options options = options_of_any_port();

    (void)state;
    test_sweep_memory(make, &options);
    options_release(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(service__runs_twice_in_one_process),
        cmocka_unit_test(service__says_which_address_is_taken),
        cmocka_unit_test(service__opens_no_door_that_is_off),
        cmocka_unit_test(service__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
