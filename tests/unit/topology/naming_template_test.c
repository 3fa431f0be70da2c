/* naming_template_test.c: one operation for all names that differ in an id only. */
#include "topology/naming_template.h"

#include <stdio.h>

#include "tests/lib/test.h"

static void check(const char *name, const char *route, const char *expected)
{
    struct buf into;
    struct view got;

    buf_init(&into, 0);
    assert_int_equal(buf_reserve(&into, NAMING_TEMPLATE_MAX), 0);
    got = naming_template(view_of(name), view_of(route), &into);
    if (!view_equal(got, view_of(expected)))
        fail_msg("'%s' became '%.*s', not '%s'", name, (int)got.size, got.data, expected);
    buf_release(&into);
}

static void template__leaves_plain_names_alone(void **state)
{
    static const char *const names[] = {"",      "checkout", "SELECT orders", "GET",
                                        "job 7", "a.b.C",    "12345",         "HTTP GET"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        check(names[i], "", names[i]);
    check("checkout", "/a/{b}", "checkout");
}

static void template__puts_the_route_in_the_path_s_place(void **state)
{
    (void)state;
    check("GET /users/7", "/users/{id}", "GET /users/{id}");
    check("/users/7", "/users/{id}", "/users/{id}");
    check("https://shop.example/users/7?q", "/users/{id}", "/users/{id}");
    check("GET /users/7", "/users/42", "GET /users/42"); /* A route is taken at its word. */
    check("shop.Cart/Add", "/users/{id}", "shop.Cart/Add");
}

static void template__replaces_ids_in_paths(void **state)
{
    static const struct {
        const char *name;
        const char *expected;
    } cases[] = {
        {"GET /users/7", "GET /users/{id}"},
        {"GET /users/7/", "GET /users/{id}/"},
        {"/users/7/orders/00042", "/users/{id}/orders/{id}"},
        {"/a/550e8400-e29b-41d4-a716-446655440000/b", "/a/{id}/b"},
        {"/a/550E8400-E29B-41D4-A716-446655440000", "/a/{id}"},
        {"/a/deadbeef01", "/a/{id}"},
        {"/a/deadbeef", "/a/deadbeef"}, /* A word without a digit. */
        {"/a/beef1", "/a/beef1"},       /* Too short for an id. */
        {"/api/v1/items", "/api/v1/items"},
        {"/a/507f1f77bcf86cd799439011", "/a/{id}"},
        {"/a/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/a/{id}"},
        {"/a/10.0.0.1/b", "/a/{id}/b"},
        {"/a/order-123", "/a/order-{id}"},
        {"/a/order_123-x", "/a/order_{id}-x"},
        {"/a/1,2,3", "/a/{id},{id},{id}"},
        {"/a?id=7", "/a"},
        {"/a#b", "/a"},
        {"GET https://user:secret@shop.example:8080/a/7?q=1",
         "GET https://shop.example:8080/a/{id}"},
        {"https://shop.example?token=1", "https://shop.example"},
        {"shop.Cart/Add", "shop.Cart/Add"},
        {"/", "/"},
        {"//", "//"},
        {"/users/\xC3\xBC/7", "/users/\xC3\xBC/{id}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check(cases[i].name, "", cases[i].expected);
        check(cases[i].expected, "", cases[i].expected); /* Once is enough. */
    }
}

/* Each character in turn: an id is one behind those that divide, and part of a word behind all others. */
static void template__divides_at_certain_characters(void **state)
{
    static const char dividing[] = "-_:,;=~()@*!' ";

    (void)state;
    for (char c = ' '; c < 0x7F; c++) {
        char name[] = "/x?12345/y";
        char expected[16];
        name[2] = c;
        if (c == '?' || c == '#')
            (void)snprintf(expected, sizeof(expected), "/x");
        else if (c == '/' || memchr(dividing, c, sizeof(dividing) - 1) != NULL)
            (void)snprintf(expected, sizeof(expected), "/x%c{id}/y", c);
        else
            (void)snprintf(expected, sizeof(expected), "%s", name);
        check(name, "", expected);
    }
}

static void template__stays_in_its_bound(void **state)
{
    char name[NAMING_TEXT_MAX];
    struct buf into;

    (void)state;
    for (size_t i = 0; i < sizeof(name); i++)
        name[i] = i % 2 == 0 ? '/' : '1';
    buf_init(&into, 0);
    assert_int_equal(buf_reserve(&into, NAMING_TEMPLATE_MAX), 0);
    assert_true(
        naming_template((struct view){name, sizeof(name)}, (struct view){NULL, 0}, &into).size <=
        NAMING_TEMPLATE_MAX);
    buf_release(&into);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template__leaves_plain_names_alone),
        cmocka_unit_test(template__puts_the_route_in_the_path_s_place),
        cmocka_unit_test(template__replaces_ids_in_paths),
        cmocka_unit_test(template__divides_at_certain_characters),
        cmocka_unit_test(template__stays_in_its_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
