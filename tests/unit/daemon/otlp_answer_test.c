/* otlp_answer_test.c: answers as servers give them, and as they should not. Those of gRPC's own
 * server are in tests/e2e/test_replay.py.
 */
#include "daemon/otlp_answer.h"

#include "base/clock.h"
#include "receiver/grpc_reply.h"
#include "receiver/grpc_status.h"
#include "tests/lib/test.h"

/* Fields as "name=value", ended by NULL. */
static void give_fields(struct otlp_answer *answer, const char *const *fields)
{
    for (; *fields != NULL; fields++) {
        const char *equals = strchr(*fields, '=');
        otlp_answer_field(
            answer, (struct h2_field){{*fields, (size_t)(equals - *fields)}, view_of(equals + 1)});
    }
}

static void otlp_answer__reads_success(void **state)
{
    static const char *const fields[] = {":status=200", "grpc-status=0", "x=y", NULL};
    struct otlp_answer answer;

    (void)state;
    otlp_answer_init(&answer);
    otlp_answer_data(&answer, VIEW("\0\0"));
    give_fields(&answer, fields);
    otlp_answer_data(&answer, VIEW("\0\0\0"));
    otlp_answer_finish(&answer, H2_NO_ERROR);
    assert_int_equal(answer.code, GRPC_OK);
    assert_int_equal(answer.rejected, 0);
    assert_string_equal(answer.text, "");
    otlp_answer_release(&answer);
}

static void otlp_answer__reads_a_partial_success(void **state)
{
    static const char *const fields[] = {":status=200", "grpc-status=0", NULL};
    struct otlp_answer answer;

    (void)state;
    otlp_answer_init(&answer);
    otlp_answer_data(&answer, VIEW("\0\0\0\0\x0e\x0a\x0c\x08\xac\x02\x12\x07"
                                   "bad\x1bids"));
    give_fields(&answer, fields);
    otlp_answer_finish(&answer, H2_NO_ERROR);
    assert_int_equal(answer.code, GRPC_OK);
    assert_int_equal(answer.rejected, 300);
    assert_string_equal(answer.text, "bad?ids");
    otlp_answer_release(&answer);
}

static void otlp_answer__refuses_what_is_no_message(void **state)
{
    static const struct {
        struct view body;
        const char *text;
    } samples[] = {
        {{"", 0}, "the answer holds no message"},
        {{"\0\0\0\0", 4}, "the answer holds no message"},
        {{"\1\0\0\0\0", 5}, "the answer is not one plain message"},
        {{"\0\0\0\0\1", 5}, "the answer is not one plain message"},
        {{"\0\0\0\0\0\0", 6}, "the answer is not one plain message"},
    };
    static const char *const fields[] = {":status=200", "grpc-status=0", "grpc-message=fine", NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct otlp_answer answer;
        otlp_answer_init(&answer);
        otlp_answer_data(&answer, samples[i].body);
        give_fields(&answer, fields);
        otlp_answer_finish(&answer, H2_NO_ERROR);
        assert_int_equal(answer.code, GRPC_INTERNAL);
        assert_string_equal(answer.text, samples[i].text);
        assert_false(otlp_answer_may_retry(&answer));
        otlp_answer_release(&answer);
    }
}

static void otlp_answer__bounds_the_body(void **state)
{
    static const char *const fields[] = {":status=200", "grpc-status=0", NULL};
    char *chunk = mem_calloc(1, OTLP_ANSWER_BODY_MAX);
    struct otlp_answer answer;

    (void)state;
    assert_non_null(chunk);
    otlp_answer_init(&answer);
    otlp_answer_data(&answer, (struct view){chunk, OTLP_ANSWER_BODY_MAX});
    otlp_answer_data(&answer, VIEW("123456"));
    assert_true(answer.body.size <= OTLP_ANSWER_BODY_MAX + 5);
    give_fields(&answer, fields);
    otlp_answer_finish(&answer, H2_NO_ERROR);
    assert_int_equal(answer.code, GRPC_INTERNAL);
    assert_string_equal(answer.text, "the answer is too large");
    otlp_answer_release(&answer);
    mem_free(chunk);
}

static void otlp_answer__takes_a_status_for_what_it_says(void **state)
{
    static const struct {
        const char *fields[4];
        uint32_t error;
        int code;
        bool may_retry;
        const char *text;
    } samples[] = {
        {{":status=200", "grpc-status=14", "grpc-message=a%20b%", NULL}, 0, 14, true, "a b%"},
        {{"grpc-status=3", "grpc-message=%zz%C3%A4%1b", NULL}, 0, 3, false, "%zz\xc3\xa4?"},
        {{"grpc-status=16", NULL}, 0, 16, false, ""},
        {{"grpc-status=17", NULL}, 0, 2, false, ""},
        {{"grpc-status=x", NULL}, 0, 2, false, ""},
        {{"grpc-status=0014", NULL}, 0, 2, false, ""},
        {{"grpc-status=8", NULL}, 0, 8, false, ""},
        {{"grpc-status=14", NULL}, H2_CANCEL, 14, true, ""},
        {{":status=200", NULL}, 0, 2, false, "the answer bears no grpc-status"},
        {{":status=404", NULL}, 0, 12, false, "HTTP status 404, and no gRPC"},
        {{":status=503", NULL}, 0, 14, true, "HTTP status 503, and no gRPC"},
        {{":status=500", NULL}, 0, 2, false, "HTTP status 500, and no gRPC"},
        {{":status=401", NULL}, 0, 16, false, "HTTP status 401, and no gRPC"},
        {{NULL}, 0, 2, false, "HTTP status 0, and no gRPC"},
        {{NULL}, H2_REFUSED_STREAM, 14, true, "the stream was reset, error 7"},
        {{NULL}, H2_CANCEL, 1, true, "the stream was reset, error 8"},
        {{NULL}, H2_ENHANCE_YOUR_CALM, 8, false, "the stream was reset, error 11"},
        {{":status=200", NULL}, H2_INTERNAL_ERROR, 13, false, "the stream was reset, error 2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct otlp_answer answer;
        otlp_answer_init(&answer);
        give_fields(&answer, samples[i].fields);
        otlp_answer_finish(&answer, samples[i].error);
        assert_int_equal(answer.code, samples[i].code);
        assert_string_equal(answer.text, samples[i].text);
        assert_int_equal(otlp_answer_may_retry(&answer), samples[i].may_retry);
        otlp_answer_release(&answer);
    }
}

/* What our own server writes. */
static void otlp_answer__reads_the_delay_that_is_asked_for(void **state)
{
    static const uint64_t delays[] = {1, 999999999, NS_PER_S, 90 * NS_PER_S + 5};

    (void)state;
    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        struct otlp_answer answer;
        struct buf details;
        buf_init(&details, 0);
        assert_int_equal(
            grpc_details_encode(GRPC_RESOURCE_EXHAUSTED, VIEW("full"), delays[i], &details), 0);
        otlp_answer_init(&answer);
        otlp_answer_field(&answer, (struct h2_field){VIEW("grpc-status"), VIEW("8")});
        assert_false(otlp_answer_may_retry(&answer));
        otlp_answer_field(&answer,
                          (struct h2_field){VIEW("grpc-status-details-bin"), buf_view(&details)});
        otlp_answer_finish(&answer, H2_NO_ERROR);
        assert_true(otlp_answer_may_retry(&answer));
        assert_int_equal(answer.retry_delay_ns, delays[i]);
        otlp_answer_release(&answer);
        buf_release(&details);
    }
}

static void otlp_answer__reads_odd_details(void **state)
{
    /* One second, two values, padded, another type; a negative, a huge and a wrong delay; no details;
     * cut ones and none. */
    static const struct {
        const char *encoded;
        bool has_delay;
        uint64_t delay_ns;
    } samples[] = {
        {"GhwKFGdvb2dsZS5ycGMuUmV0cnlJbmZvEgQKAggB", true, NS_PER_S},
        {"GhwKFGdvb2dsZS5ycGMuUmV0cnlJbmZvEgQKAggB,CAAS", true, NS_PER_S},
        {"GhgKFGdvb2dsZS5ycGMuUmV0cnlJbmZvEgA=", true, 0},
        {"GhkKFWdvb2dsZS5ycGMuUmV0cnlJbmZvchIA", false, 0},
        {"GiUKFGdvb2dsZS5ycGMuUmV0cnlJbmZvEg0KCwj7//////////8B", true, 0},
        {"GiEKFGdvb2dsZS5ycGMuUmV0cnlJbmZvEgkKBwiAgICAgCA", true, UINT32_MAX * NS_PER_S},
        {"GiIKFGdvb2dsZS5ycGMuUmV0cnlJbmZvEgoKCAgBEICo1rkH", true, UINT32_MAX * NS_PER_S},
        {"CAgSAmhp", false, 0},
        {"GhwKFGdvb2dsZS5ycGMuUmV0cnlJbmZvEgQKAgg", false, 0},
        {"!", false, 0},
        {"", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct otlp_answer answer;
        otlp_answer_init(&answer);
        otlp_answer_field(&answer, (struct h2_field){VIEW("grpc-status-details-bin"),
                                                     view_of(samples[i].encoded)});
        assert_int_equal(answer.has_retry_delay, samples[i].has_delay);
        assert_int_equal(answer.retry_delay_ns, samples[i].delay_ns);
        otlp_answer_release(&answer);
    }
}

static void otlp_answer__names_every_code(void **state)
{
    (void)state;
    assert_string_equal(otlp_answer_code_name(0), "OK");
    assert_string_equal(otlp_answer_code_name(8), "RESOURCE_EXHAUSTED");
    assert_string_equal(otlp_answer_code_name(16), "UNAUTHENTICATED");
    assert_string_equal(otlp_answer_code_name(17), "UNKNOWN");
    assert_string_equal(otlp_answer_code_name(-1), "UNKNOWN");
}

static void otlp_answer__is_lost_or_broken_by_its_transport(void **state)
{
    struct otlp_answer answer;

    (void)state;
    otlp_answer_init(&answer);
    otlp_answer_field(&answer, (struct h2_field){VIEW("grpc-message"), VIEW("half")});
    otlp_answer_lose(&answer, "the connection was lost");
    assert_int_equal(answer.code, GRPC_UNAVAILABLE);
    assert_string_equal(answer.text, "the connection was lost");
    assert_true(otlp_answer_may_retry(&answer));
    otlp_answer_break(&answer, "no HTTP/2");
    assert_int_equal(answer.code, GRPC_INTERNAL);
    assert_string_equal(answer.text, "no HTTP/2");
    otlp_answer_release(&answer);
    otlp_answer_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(otlp_answer__reads_success),
        cmocka_unit_test(otlp_answer__reads_a_partial_success),
        cmocka_unit_test(otlp_answer__refuses_what_is_no_message),
        cmocka_unit_test(otlp_answer__bounds_the_body),
        cmocka_unit_test(otlp_answer__takes_a_status_for_what_it_says),
        cmocka_unit_test(otlp_answer__reads_the_delay_that_is_asked_for),
        cmocka_unit_test(otlp_answer__reads_odd_details),
        cmocka_unit_test(otlp_answer__names_every_code),
        cmocka_unit_test(otlp_answer__is_lost_or_broken_by_its_transport),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
