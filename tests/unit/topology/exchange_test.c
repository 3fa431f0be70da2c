/* exchange_test.c: letters between shards, and the room that is kept for words. */
#include "topology/exchange.h"

#include "base/mem.h"
#include "tests/lib/test.h"

static struct letter letter_of(enum letter_what what, unsigned from, uint64_t id)
{
    return (struct letter){.id = id, .what = (uint8_t)what, .from = (uint16_t)from};
}

static size_t send_all(struct exchange *exchange, enum letter_what what, unsigned from, unsigned to)
{
    size_t sent = 0;
    struct letter letter = letter_of(what, from, 0);

    while (exchange_send(exchange, to, &letter) == 0)
        sent++;
    return sent;
}

static void exchange__brings_letters_in_order_to_the_right_shard(void **state)
{
    struct exchange *exchange;
    struct letter letters[8];
    struct letter letter;

    (void)state;
    assert_int_equal(exchange_new(3, 16, &exchange), 0);
    for (uint64_t i = 0; i < 4; i++) {
        letter = letter_of(LETTER_ANSWER, 0, i);
        assert_int_equal(exchange_send(exchange, 2, &letter), 0);
    }
    letter = letter_of(LETTER_ANSWER, 1, 9);
    assert_int_equal(exchange_send(exchange, 2, &letter), 0);
    assert_int_equal(exchange_take(exchange, 0, letters, 8), 0);
    assert_int_equal(exchange_take(exchange, 1, letters, 8), 0);
    assert_int_equal(exchange_take(exchange, 2, letters, 8), 5);
    for (uint64_t i = 0; i < 4; i++)
        assert_true(letters[i].id == i && letters[i].from == 0);
    assert_true(letters[4].id == 9 && letters[4].from == 1);
    exchange_free(exchange);
}

/* Two shards that ask each other as much as they may, and answer besides, can still reply. */
static void exchange__has_room_for_each_word(void **state)
{
    (void)state;
    for (size_t room = 2; room <= 16; room *= 2) {
        struct exchange *exchange;
        struct letter letters[16];
        assert_int_equal(exchange_new(2, room, &exchange), 0);
        for (unsigned round = 0; round < 3; round++) {
            assert_int_equal(send_all(exchange, LETTER_QUESTION, 0, 1), room / 2);
            assert_int_equal(send_all(exchange, LETTER_QUESTION, 1, 0), room / 2);
            assert_int_equal(exchange_take(exchange, 1, letters, 16), room / 2);
            /* Taken, but without a word: no further question. Answers may take their room. */
            assert_int_equal(send_all(exchange, LETTER_QUESTION, 0, 1), 0);
            assert_int_equal(send_all(exchange, LETTER_ANSWER, 1, 0), 0);
            for (size_t i = 0; i < room / 2; i++) {
                struct letter word = letter_of(LETTER_WORD, 1, i);
                exchange_reply(exchange, 0, &word);
            }
            assert_int_equal(exchange_take(exchange, 0, letters, 16), room);
            for (size_t i = 0; i < room / 2; i++) {
                struct letter word = letter_of(LETTER_WORD, 0, i);
                exchange_reply(exchange, 1, &word);
            }
            assert_int_equal(exchange_take(exchange, 1, letters, 16), room / 2);
        }
        exchange_free(exchange);
    }
}

static void exchange__survives_a_failing_allocator(void **state)
{
    struct exchange *exchange = NULL;
    long n = 0;
    int status;

    (void)state;
    do {
        mem_fail_after(n++);
        status = exchange_new(3, 4, &exchange);
        mem_fail_after(-1);
        assert_true(status == 0 || status == STATUS_NOMEM);
    } while (status != 0);
    assert_true(n > 7); /* The rings of three shards, and what holds them. */
    exchange_free(exchange);
    exchange_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchange__brings_letters_in_order_to_the_right_shard),
        cmocka_unit_test(exchange__has_room_for_each_word),
        cmocka_unit_test(exchange__survives_a_failing_allocator),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
