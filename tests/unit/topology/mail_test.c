/* mail_test.c: the tables of messages, and what becomes of them without memory. */
#include "topology/mail.h"

#include "base/mem.h"
#include "tests/lib/test.h"
#include "topology/catalog.h"

static const uint64_t seed = 7;

static void make(struct mail *mail)
{
    assert_int_equal(mail_init(mail, MAIL_BYTES_MIN, seed), 0);
}

static struct producer producer_of(uint64_t id, uint32_t site)
{
    return (struct producer){.trace = {1, 2}, .id = id, .site = site};
}

/* As the shard adds one: it waits, without a word. */
static int add_half(struct mail *mail, uint64_t target, uint64_t id, uint32_t mark,
                    uint32_t *out_at)
{
    struct half like = {
        .target = {1, 2}, .target_id = target, .trace = {3, 4}, .id = id, .site = 5, .mark = mark};
    int status = mail_add_half(mail, &like, out_at);

    mail->halves_waiting += status == 0;
    mail->halves_wordless += status == 0;
    return status;
}

static void mail__finds_all_of_one_id_newest_first(void **state)
{
    struct mail mail;
    uint32_t at[3];
    uint32_t halves[3];

    (void)state;
    make(&mail);
    for (uint32_t i = 0; i < 3; i++) {
        struct producer producer = producer_of(9, i);
        assert_int_equal(mail_add_producer(&mail, &producer, &at[i]), 0);
        assert_int_equal(add_half(&mail, 9, 10, i, &halves[i]), 0);
    }
    assert_int_equal(mail_find_producer(&mail, (uint64_t[]){1, 2}, 9), at[2]);
    assert_int_equal(mail_next_producer(&mail, at[2]), at[1]);
    assert_int_equal(mail_next_producer(&mail, at[0]), 0);
    assert_int_equal(mail_find_producer(&mail, (uint64_t[]){2, 1}, 9), 0);
    assert_int_equal(mail_find_target(&mail, (uint64_t[]){1, 2}, 9), halves[2]);
    assert_int_equal(mail_next_target(&mail, halves[1]), halves[0]);
    assert_int_equal(mail_find_half(&mail, mail_half(&mail, halves[0])), halves[2]);
    assert_int_equal(mail_next_half(&mail, halves[2]), halves[1]);
    assert_int_equal(mail_next_half(&mail, halves[0]), 0);
    mail_check(&mail);
    mail_release(&mail);
}

static void mail__keeps_a_cell_a_key(void **state)
{
    struct producer producer = producer_of(1, 0);
    struct cell like = {.what = CELL_REQUEST, .service = 4, .group = CATALOG_NONE};
    struct cell *cell;
    struct mail mail;
    uint32_t at;

    (void)state;
    make(&mail);
    assert_int_equal(mail_add_producer(&mail, &producer, &at), 0);
    like.owner = at;
    cell = mail_take_cell(&mail, &like);
    assert_non_null(cell);
    assert_ptr_equal(mail_take_cell(&mail, &like), cell);
    like.group = 3;
    assert_int_equal(mail_find_cell(&mail, &like), 0);
    assert_ptr_not_equal(mail_take_cell(&mail, &like), cell);
    mail_check(&mail);
    mail_free_requests(&mail, mail_producer(&mail, at));
    assert_int_equal(mail_find_cell(&mail, &like), 0);
    mail_check(&mail);
    mail_release(&mail);
}

/* Few are looked through, many found by their hash: on both sides of that the answers are the same. */
static void mail__keeps_many_cells_of_one_producer(void **state)
{
    struct producer producer = producer_of(1, 0);
    struct cell like = {.what = CELL_TOLD_DIRECT, .group = CATALOG_NONE};
    struct cell *cells[40];
    struct mail mail;
    uint32_t at[2];

    (void)state;
    make(&mail);
    for (uint32_t i = 0; i < 2; i++) {
        producer.id += i;
        assert_int_equal(mail_add_producer(&mail, &producer, &at[i]), 0);
    }
    for (uint32_t i = 0; i < 40; i++) {
        like.owner = at[i % 2];
        like.service = i / 2;
        assert_int_equal(mail_find_cell(&mail, &like), 0);
        cells[i] = mail_take_cell(&mail, &like);
        assert_non_null(cells[i]);
        mail_check(&mail);
    }
    for (uint32_t i = 0; i < 40; i++) {
        like.owner = at[i % 2];
        like.service = i / 2;
        assert_ptr_equal(mail_cell(&mail, mail_find_cell(&mail, &like)), cells[i]);
        assert_ptr_equal(mail_take_cell(&mail, &like), cells[i]);
    }
    mail_free_requests(&mail, mail_producer(&mail, at[0]));
    mail_check(&mail);
    like = (struct cell){.what = CELL_TOLD_DIRECT, .group = CATALOG_NONE, .owner = at[0]};
    assert_int_equal(mail_find_cell(&mail, &like), 0);
    assert_non_null(mail_take_cell(&mail, &like));
    mail_check(&mail);
    mail_free_requests(&mail, mail_producer(&mail, at[1]));
    mail_check(&mail);
    mail_release(&mail);
}

/* ------------------------------------------------------------------ memory */

static void mail__stays_within_its_bytes(void **state)
{
    struct mail mail;
    uint32_t at;
    size_t halves = 0;
    size_t cells = 0;
    struct producer producer = producer_of(1, 0);
    struct cell like = {.what = CELL_REQUEST};

    (void)state;
    make(&mail);
    assert_int_equal(mail_add_producer(&mail, &producer, &at), 0);
    while (add_half(&mail, 1, 100 + halves, 0, &at) == 0)
        halves++;
    assert_true(halves >= MAIL_BYTES_MIN / 5 / 256);
    like.owner = mail_find_producer(&mail, producer.trace, 1);
    for (; mail_take_cell(&mail, &like) != NULL; cells++)
        like.service++;
    assert_true(cells >= MAIL_BYTES_MIN / 5 / 64);
    assert_true(mail_bytes(&mail) <= MAIL_BYTES_MIN * 5 / 4);
    mail_check(&mail);
    mail_release(&mail);
}

/* Adds one of each; the first that finds no memory ends it. */
static int add_all(struct mail *mail, uint64_t id)
{
    struct producer producer = producer_of(id, 0);
    struct inbox inbox = {.trace = {5, 6}, .id = id, .service = 1, .expected = 1};
    struct letter answer = {.weight = 1};
    struct cell like = {.what = CELL_REQUEST, .service = 4};
    uint32_t at;
    int status = mail_add_producer(mail, &producer, &at);

    if (status != 0)
        return status;
    like.owner = at;
    for (; like.service < 20; like.service++)
        if (mail_take_cell(mail, &like) == NULL)
            return STATUS_NOMEM;
    status = add_half(mail, id, id, 0, &at);
    if (status != 0)
        return status;
    status = mail_add_inbox(mail, &inbox, &at);
    return status == 0 ? mail_add_answer(mail, at, &answer) : status;
}

static void mail__survives_a_failing_allocator(void **state)
{
    long allowed = 0;
    int status;

    (void)state;
    do {
        struct mail mail;
        mem_fail_after(allowed);
        status = mail_init(&mail, MAIL_BYTES_MIN, seed);
        if (status == 0) {
            status = add_all(&mail, 1);
            mail_check(&mail);
            if (status != 0) { /* What failed did no harm. */
                mem_fail_after(-1);
                assert_int_equal(add_all(&mail, 2), 0);
                mail_check(&mail);
            }
            mail_release(&mail);
        }
        mem_fail_after(-1);
        assert_true(status == 0 || status == STATUS_NOMEM || status == STATUS_FULL);
        allowed++;
    } while (status != 0);
    assert_true(allowed > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail__finds_all_of_one_id_newest_first),
        cmocka_unit_test(mail__keeps_a_cell_a_key),
        cmocka_unit_test(mail__keeps_many_cells_of_one_producer),
        cmocka_unit_test(mail__stays_within_its_bytes),
        cmocka_unit_test(mail__survives_a_failing_allocator),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
