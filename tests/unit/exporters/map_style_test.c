/* map_style_test.c: the colours do what map_style.h says, by computation: contrast as WCAG 2 defines it,
 * and differences (CIE76 in L*a*b*) as people see them who lack red or green cones (the matrices of
 * Machado, Oliveira and Fernandes, 2009, severity 1).
 */
#include "exporters/map_style.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "exporters/map_change.h"
#include "exporters/map_figure.h"
#include "tests/lib/test.h"

struct rgb {
    double of[3]; /* Linear light, 0 to 1. */
};

static struct rgb parse(const char *colour)
{
    struct rgb rgb;

    assert_int_equal(strlen(colour), 7);
    assert_int_equal(colour[0], '#');
    for (size_t i = 0; i < 3; i++) {
        char digits[3] = {colour[1 + 2 * i], colour[2 + 2 * i], '\0'};
        char *end;
        double value = (double)strtoul(digits, &end, 16) / 255;
        assert_int_equal(*end, '\0');
        rgb.of[i] = value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
    }
    return rgb;
}

static struct rgb times(const double matrix[3][3], struct rgb rgb)
{
    struct rgb out;

    for (size_t i = 0; i < 3; i++)
        out.of[i] = matrix[i][0] * rgb.of[0] + matrix[i][1] * rgb.of[1] + matrix[i][2] * rgb.of[2];
    return out;
}

static const struct {
    const char *name;
    double matrix[3][3];
} eyes[] = {
    {"usual", {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}},
    {"protanopia",
     {{0.152286, 1.052583, -0.204868},
      {0.114503, 0.786281, 0.099216},
      {-0.003882, -0.048116, 1.051998}}},
    {"deuteranopia",
     {{0.367322, 0.860646, -0.227968},
      {0.280085, 0.672501, 0.047413},
      {-0.011820, 0.042940, 0.968881}}},
};

static struct rgb seen(const char *colour, size_t eye)
{
    struct rgb rgb = times(eyes[eye].matrix, parse(colour));

    for (size_t i = 0; i < 3; i++)
        rgb.of[i] = fmin(1, fmax(0, rgb.of[i]));
    return rgb;
}

static void to_lab(struct rgb rgb, double out[3])
{
    static const double to_xyz[3][3] = {{0.4124564, 0.3575761, 0.1804375},
                                        {0.2126729, 0.7151522, 0.0721750},
                                        {0.0193339, 0.1191920, 0.9503041}};
    static const double white[3] = {0.95047, 1, 1.08883};
    struct rgb xyz = times(to_xyz, rgb);
    double f[3];

    for (size_t i = 0; i < 3; i++) {
        double part = xyz.of[i] / white[i];
        f[i] = part > 216.0 / 24389 ? cbrt(part) : (24389.0 / 27 * part + 16) / 116;
    }
    out[0] = 116 * f[1] - 16;
    out[1] = 500 * (f[0] - f[1]);
    out[2] = 200 * (f[1] - f[2]);
}

static double difference(const char *a, const char *b, size_t eye)
{
    double one[3], other[3];

    to_lab(seen(a, eye), one);
    to_lab(seen(b, eye), other);
    return sqrt(pow(one[0] - other[0], 2) + pow(one[1] - other[1], 2) + pow(one[2] - other[2], 2));
}

static double luminance(const char *colour)
{
    struct rgb rgb = parse(colour);

    return 0.2126 * rgb.of[0] + 0.7152 * rgb.of[1] + 0.0722 * rgb.of[2];
}

static double contrast(const char *a, const char *b)
{
    double one = luminance(a) + 0.05;
    double other = luminance(b) + 0.05;

    return one > other ? one / other : other / one;
}

static void assert_contrast(enum map_theme theme, const char *front, const char *back, double least)
{
    const char *a = map_theme_colour(theme, front);
    const char *b = map_theme_colour(theme, back);

    if (contrast(a, b) < least)
        fail_msg("%s on %s has a contrast of %.2f", a, b, contrast(a, b));
}

/* Every two of a row, for all eyes: as far apart as colours of lines must be. */
static void assert_distinct(enum map_theme theme, const char *const *colours, size_t count)
{
    const double least = 15;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            for (size_t eye = 0; eye < sizeof(eyes) / sizeof(eyes[0]); eye++) {
                const char *a = map_theme_colour(theme, colours[i]);
                const char *b = map_theme_colour(theme, colours[k]);
                if (difference(a, b, eye) < least)
                    fail_msg("%s and %s differ by %.1f for %s", a, b, difference(a, b, eye),
                             eyes[eye].name);
            }
}

static void map_style__measures_as_others_do(void **state)
{
    (void)state;
    assert_true(fabs(contrast("#ffffff", "#000000") - 21) < 0.01);
    assert_true(fabs(contrast("#777777", "#ffffff") - 4.48) < 0.01);
    assert_true(fabs(difference("#ff0000", "#00ff00", 0) - 170.6) < 0.5);
    /* What the test is for: red and green of one lightness, far apart but for some. */
    assert_true(difference("#d00000", "#5c8a00", 0) > 60);
    assert_true(difference("#a05000", "#5c7a00", 2) < 15);
}

static void map_style__lines_stand_out(void **state)
{
    (void)state;
    for (enum map_theme theme = THEME_LIGHT; theme <= THEME_DARK; theme++)
        for (size_t paper = 0; paper < 2; paper++) {
            const char *back = paper == 0 ? STYLE_PAPER : STYLE_SHADE;
            for (unsigned i = 0; i < FIGURE_LEVELS; i++) {
                assert_contrast(theme, map_figure_level(FIGURE_ERRORS, i).colour, back, 3);
                assert_contrast(theme, map_figure_level(FIGURE_P95, i).colour, back, 3);
            }
            for (size_t i = 0; i <= CHANGE_COUNT; i++)
                assert_contrast(theme, map_change_styles[i].colour, back, 3);
            for (int i = 0; i < NODE_TYPE_COUNT; i++)
                assert_contrast(theme, map_type_style((enum node_type)i)->stroke, back, 3);
            for (enum map_kind kind = MAP_GROUP; kind <= MAP_OTHERS; kind++)
                assert_contrast(theme, map_node_style(&(struct map_node){.kind = kind})->stroke,
                                back, 3);
            assert_contrast(theme, STYLE_FRAME, back, 3);
        }
}

static void assert_legible(enum map_theme theme, const char *back)
{
    assert_contrast(theme, STYLE_INK, back, 4.5);
    assert_contrast(theme, STYLE_FAINT, back, 4.5);
}

static void map_style__texts_are_legible(void **state)
{
    (void)state;
    for (enum map_theme theme = THEME_LIGHT; theme <= THEME_DARK; theme++) {
        assert_legible(theme, STYLE_PAPER);
        assert_legible(theme, STYLE_SHADE);
        for (int i = 0; i < NODE_TYPE_COUNT; i++)
            assert_legible(theme, map_type_style((enum node_type)i)->fill);
        for (enum map_kind kind = MAP_GROUP; kind <= MAP_OTHERS; kind++)
            assert_legible(theme, map_node_style(&(struct map_node){.kind = kind})->fill);
    }
}

static void map_style__meanings_differ_for_all_eyes(void **state)
{
    const char *colours[CHANGE_COUNT + 1];

    (void)state;
    for (enum map_theme theme = THEME_LIGHT; theme <= THEME_DARK; theme++) {
        for (unsigned i = 0; i < FIGURE_LEVELS; i++)
            colours[i] = map_figure_level(FIGURE_ERRORS, i).colour;
        assert_distinct(theme, colours, FIGURE_LEVELS);
        for (unsigned i = 0; i < FIGURE_LEVELS; i++)
            colours[i] = map_figure_level(FIGURE_RATE, i).colour;
        assert_distinct(theme, colours, FIGURE_LEVELS);
        for (size_t i = 0; i <= CHANGE_COUNT; i++)
            colours[i] = map_change_styles[i].colour;
        assert_distinct(theme, colours, CHANGE_COUNT + 1);
    }
}

/* Worse is darker on light paper and lighter on dark paper, without a turn. */
static void map_style__levels_go_one_way(void **state)
{
    (void)state;
    for (unsigned i = 1; i < FIGURE_LEVELS; i++)
        for (enum map_figure figure = FIGURE_ERRORS; figure <= FIGURE_P50; figure++) {
            const char *less = map_figure_level(figure, i - 1).colour;
            const char *more = map_figure_level(figure, i).colour;
            assert_true(luminance(more) < luminance(less));
            assert_true(luminance(map_theme_colour(THEME_DARK, more)) >
                        luminance(map_theme_colour(THEME_DARK, less)));
        }
}

static void map_style__every_colour_has_a_dark_one(void **state)
{
    static const char text[] = "a=\"#ffffff;0.05:#1f2328\" #nocolour #";
    struct buf out;

    (void)state;
    for (size_t i = 0; i < map_dark_colours_count; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(map_dark_colours[i].light, map_dark_colours[k].light);
    buf_init(&out, 0);
    map_theme_append(THEME_DARK, text, &out);
    assert_view_equal(buf_view(&out), "a=\"#0d1117;0.05:#e6edf3\" #nocolour #");
    buf_reset(&out);
    map_theme_append(THEME_LIGHT, text, &out);
    assert_view_equal(buf_view(&out), text);
    buf_release(&out);
}

/* The legend's words are true at their bounds. */
static void map_style__legend_says_where_alarms_begin(void **state)
{
    static const struct {
        uint64_t failed;
        const char *legend;
    } cases[] = {{0, "no errors"},     {1, "under 1%"},       {99, "under 1%"},
                 {100, "1 to 5%"},     {499, "1 to 5%"},      {500, "5% and more"},
                 {501, "5% and more"}, {10000, "5% and more"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(map_alarm_style(map_alarm_of(cases[i].failed, 10000))->legend,
                            cases[i].legend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_style__measures_as_others_do),
        cmocka_unit_test(map_style__lines_stand_out),
        cmocka_unit_test(map_style__texts_are_legible),
        cmocka_unit_test(map_style__meanings_differ_for_all_eyes),
        cmocka_unit_test(map_style__levels_go_one_way),
        cmocka_unit_test(map_style__legend_says_where_alarms_begin),
        cmocka_unit_test(map_style__every_colour_has_a_dark_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
