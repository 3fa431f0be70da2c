/* peer_counts_test.c: against a plain array. */
#include "net/peer_counts.h"

#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/random.h"
#include "tests/lib/test.h"

enum { PEERS = 50, PER_PEER = 3, STEPS = 20000 };

static struct peer_key key_of(uint32_t number)
{
    struct peer_key key = {.kind = 1};

    memcpy(key.bytes, &number, sizeof(number));
    return key;
}

static void peer_counts__counts_as_an_array_does(void **state)
{
    struct peer_counts counts;
    uint32_t wanted[PEERS] = {0};
    struct random random = random_of(7);

    (void)state;
    assert_int_equal(peer_counts_init(&counts, PEERS, PER_PEER), 0);
    for (int i = 0; i < STEPS; i++) {
        uint32_t peer = (uint32_t)(random_next(&random) % PEERS);
        struct peer_key key = key_of(peer);

        if (random_next(&random) % 2 == 0) {
            int status = peer_counts_add(&counts, &key);

            assert_int_equal(status, wanted[peer] == PER_PEER ? STATUS_FULL : 0);
            wanted[peer] += status == 0;
        } else if (wanted[peer] != 0) {
            peer_counts_remove(&counts, &key);
            wanted[peer]--;
        }
    }
    for (uint32_t peer = 0; peer < PEERS; peer++) {
        struct peer_key key = key_of(peer);

        for (; wanted[peer] < PER_PEER; wanted[peer]++)
            assert_int_equal(peer_counts_add(&counts, &key), 0);
        assert_int_equal(peer_counts_add(&counts, &key), STATUS_FULL);
    }
    peer_counts_release(&counts);
}

static void peer_counts__knows_the_user_of_a_unix_socket(void **state)
{
    struct peer_key key;
    uid_t uid = getuid();
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    key = peer_key_of(pair[0]);
    assert_int_not_equal(key.kind, 0);
    assert_memory_equal(key.bytes, &uid, sizeof(uid));
    (void)close(pair[0]);
    (void)close(pair[1]);
    assert_int_equal(peer_key_of(pair[0]).kind, 0);
}

static int make(void *context)
{
    int status = peer_counts_init(context, 10, 1);

    if (status == 0)
        peer_counts_release(context);
    return status;
}

static void peer_counts__survives_failing_memory(void **state)
{
    struct peer_counts counts;

    (void)state;
    test_sweep_memory(make, &counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peer_counts__counts_as_an_array_does),
        cmocka_unit_test(peer_counts__knows_the_user_of_a_unix_socket),
        cmocka_unit_test(peer_counts__survives_failing_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
