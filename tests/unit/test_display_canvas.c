// SPDX-License-Identifier: Apache-2.0

// Drawing: nothing outside of the clip, damage that holds all that changed, alpha that is exact at
// both ends, text that measures what it draws.

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "display_app/display_interface.h"
#include "display_app/display_text.h"
#include "display_app/display_widgets.h"
#include "ktest.h"

#define WIDTH  96
#define HEIGHT 80
#define STRIDE (WIDTH + 7)
#define PAPER  0x1234
#define INK    0xFBCA

static display_color_t s_pixels[STRIDE * HEIGHT];
static display_canvas_t s_canvas;

static int blank(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(s_pixels) / sizeof(s_pixels[0]); i++) {
        s_pixels[i] = PAPER;
    }
    display_canvas_init(&s_canvas, s_pixels, WIDTH, HEIGHT, STRIDE);
    return 0;
}

static display_color_t at(int x, int y)
{
    return s_pixels[y * STRIDE + x];
}

static bool is_damaged(int x, int y)
{
    for (unsigned i = 0; i < s_canvas.damage.count; i++) {
        if (display_rect_contains(s_canvas.damage.rects[i], x, y)) {
            return true;
        }
    }
    return false;
}

static unsigned changed_pixels(void)
{
    unsigned count = 0;
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            count += at(x, y) != PAPER;
        }
    }
    return count;
}

/** Everything that changed is inside of the clip and noted as damage. */
static void check_change(display_rect_t clip)
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < STRIDE; x++) {
            if (at(x, y) != PAPER) {
                assert_true(x < WIDTH);
                assert_true(display_rect_contains(clip, x, y));
                assert_true(is_damaged(x, y));
            }
        }
    }
}

/** Pseudo-random, the same in every run. */
static int number(int from, int to)
{
    static uint32_t s_state = 7;
    s_state = s_state * 1664525u + 1013904223u;
    return from + (int)((s_state >> 8) % (uint32_t)(to - from + 1));
}

static void draw_anything(int what, int x, int y, int w, int h)
{
    static const display_color_t dots[] = {INK, INK, INK, INK, INK, INK};
    static const display_image_t image = {.width = 3, .height = 2, .pixels = dots};
    const display_rect_t rect = {(int16_t)x, (int16_t)y, (int16_t)w, (int16_t)h};
    const display_alpha_t alpha = (display_alpha_t)number(1, DISPLAY_OPAQUE);

    switch (what) {
    case 0:
        display_canvas_rect(&s_canvas, rect, INK, alpha);
        break;
    case 1:
        display_canvas_round_rect(&s_canvas, rect, number(-2, 60), INK, alpha);
        break;
    case 2:
        display_canvas_frame(&s_canvas, rect, number(-1, 9), INK, alpha);
        break;
    case 3:
        display_canvas_line(&s_canvas, x, y, w, h, number(0, 9), INK, alpha);
        break;
    case 4:
        display_canvas_circle(&s_canvas, x, y, w / 2, INK, alpha);
        break;
    case 5:
        display_canvas_arc(&s_canvas, x, y, w / 2, number(0, 9), number(-400, 400), h * 4, INK,
                           alpha);
        break;
    case 6:
        display_canvas_gradient(&s_canvas, rect, INK, 0);
        break;
    case 7:
        display_canvas_image(&s_canvas, x, y, &image, alpha);
        break;
    case 8:
        (void)display_text_draw(&s_canvas, x, y, &display_font_large, INK, "Ag€\xFF");
        break;
    default:
        display_text_box(&s_canvas, rect, (display_align_t)number(0, 2), &display_font_small, INK,
                         "more than fits into most boxes");
        break;
    }
}

static void nothing_is_drawn_outside_of_the_clip(void **state)
{
    for (int round = 0; round < 1500; round++) {
        blank(state);
        const display_rect_t wish = {(int16_t)number(-20, WIDTH), (int16_t)number(-20, HEIGHT),
                                     (int16_t)number(-5, WIDTH), (int16_t)number(-5, HEIGHT)};
        display_canvas_set_clip(&s_canvas, &wish);
        for (int i = 0; i < 4; i++) {
            draw_anything(number(0, 9), number(-60, WIDTH + 60), number(-60, HEIGHT + 60),
                          number(-10, 2 * WIDTH), number(-10, 2 * HEIGHT));
        }
        check_change(wish);
    }
}

static void far_away_is_no_danger(void **state)
{
    (void)state;
    static const int far[] = {INT16_MIN, -20000, INT16_MAX, 20000};
    for (int what = 0; what < 10; what++) {
        for (int i = 0; i < 16; i++) {
            draw_anything(what, far[i / 4], far[i % 4], far[i % 4], far[i / 4]);
        }
    }
    check_change((display_rect_t){0, 0, WIDTH, HEIGHT});
}

/** Where sums of coordinates do not fit into an int: the sanitizer sees it. */
static void the_ends_of_numbers_are_no_danger(void **state)
{
    (void)state;
    static const int ends[] = {INT_MIN, INT_MIN + 1, -1, 0, INT_MAX - 1, INT_MAX};
    static const display_color_t dot = INK;
    static const display_image_t image = {.width = 1, .height = 1, .pixels = &dot};
    const display_rect_t rect = {-5, -5, INT16_MAX, INT16_MAX};
    for (int i = 0; i < 6 * 6 * 6; i++) {
        const int a = ends[i % 6], b = ends[i / 6 % 6], c = ends[i / 36];
        display_canvas_frame(&s_canvas, rect, c, INK, DISPLAY_OPAQUE);
        display_canvas_round_rect(&s_canvas, rect, c, INK, DISPLAY_OPAQUE);
        display_canvas_line(&s_canvas, a, b, b, a, c, INK, DISPLAY_OPAQUE);
        display_canvas_circle(&s_canvas, a, b, c, INK, DISPLAY_OPAQUE);
        display_canvas_arc(&s_canvas, a, b, c, b, a, c, INK, DISPLAY_OPAQUE);
        display_canvas_image(&s_canvas, a, b, &image, DISPLAY_OPAQUE);
        display_canvas_pixel(&s_canvas, a, b, INK, DISPLAY_OPAQUE);
        (void)display_text_draw(&s_canvas, a, b, &display_font_large, INK, "Ag");
    }
    check_change((display_rect_t){0, 0, WIDTH, HEIGHT});
}

static void damage_holds_all_and_stays_small(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        display_damage_t damage = {0};
        display_rect_t rects[40];
        for (int i = 0; i < 40; i++) {
            rects[i] = (display_rect_t){(int16_t)number(0, 200), (int16_t)number(0, 300),
                                        (int16_t)number(0, 40), (int16_t)number(0, 40)};
            display_damage_add(&damage, rects[i]);
            assert_true(damage.count <= DISPLAY_DAMAGE_RECTS);
            for (int j = 0; j <= i; j++) { // each is in one of them as a whole
                bool held = display_rect_empty(rects[j]);
                for (unsigned k = 0; k < damage.count; k++) {
                    const display_rect_t both = display_rect_intersect(damage.rects[k], rects[j]);
                    held |= both.w == rects[j].w && both.h == rects[j].h;
                }
                assert_true(held);
            }
        }
    }
}

static void damage_beside_each_other_is_one(void **state)
{
    (void)state;
    display_damage_t damage = {0};
    for (int i = 0; i < 30; i++) {
        display_damage_add(&damage, (display_rect_t){(int16_t)(i * 5), 10, 5, 8});
    }
    assert_int_equal(damage.count, 1);
    assert_int_equal(damage.rects[0].w, 150);
    display_damage_add(&damage, (display_rect_t){20, 12, 4, 4}); // inside
    assert_int_equal(damage.count, 1);
    display_damage_add(&damage, (display_rect_t){0, 100, 4, 4}); // far away
    assert_int_equal(damage.count, 2);
}

static void alpha_is_exact_at_both_ends(void **state)
{
    (void)state;
    static const display_color_t colors[] = {0x0000, 0xFFFF, 0xF800, 0x07E0, 0x001F, 0x1234};
    for (int i = 0; i < 36; i++) {
        const display_color_t under = colors[i / 6];
        const display_color_t over = colors[i % 6];
        assert_int_equal(display_color_mix(under, over, 0), under);
        assert_int_equal(display_color_mix(under, over, DISPLAY_OPAQUE), over);
        assert_int_equal(display_color_mix(under, under, 100), under);
    }
    int before = 0;
    for (int alpha = 0; alpha <= DISPLAY_OPAQUE; alpha++) { // never darker with more white
        const int green = display_color_mix(0, 0xFFFF, (display_alpha_t)alpha) >> 5 & 63;
        assert_true(green >= before);
        before = green;
    }
}

static void a_translucent_shape_paints_no_pixel_twice(void **state)
{
    const display_color_t once = display_color_mix(PAPER, INK, 128);
    for (int what = 0; what < 3; what++) {
        blank(state);
        if (what == 0) {
            display_canvas_frame(&s_canvas, (display_rect_t){10, 10, 40, 30}, 4, INK, 128);
        } else if (what == 1) {
            display_canvas_round_rect(&s_canvas, (display_rect_t){10, 10, 40, 30}, 15, INK, 128);
        } else {
            display_canvas_frame(&s_canvas, (display_rect_t){10, 10, 40, 7}, 4, INK, 128);
        }
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                const int red = at(x, y) >> 11;
                assert_true(red >= PAPER >> 11 && red <= once >> 11);
            }
        }
        assert_int_equal(at(30, 10), once);
    }
}

static void round_things_are_round(void **state)
{
    (void)state;
    display_canvas_circle(&s_canvas, 40, 40, 20, INK, DISPLAY_OPAQUE);
    for (int dy = -22; dy <= 22; dy++) {
        for (int dx = -22; dx <= 22; dx++) {
            assert_int_equal(at(40 + dx, 40 + dy), at(40 - dx, 40 + dy));
            assert_int_equal(at(40 + dx, 40 + dy), at(40 + dy, 40 + dx));
        }
    }
    assert_int_equal(at(40, 20), INK);
    assert_int_equal(at(40, 19), PAPER);
    assert_int_equal(at(40 + 15, 40 + 15), PAPER);
    const unsigned area = changed_pixels(); // 20.5 * 20.5 * pi = 1320, and its soft edge
    assert_true(area > 1300 && area < 1460);
}

static void an_arc_goes_as_far_as_it_should(void **state)
{
    static const struct {
        int start, sweep;
        bool right, below, left, above;
    } cases[] = {
        {-45, 90, true, false, false, false}, {0, 0, false, false, false, false},
        {45, 90, false, true, false, false},  {-45, 180, true, true, false, false},
        {45, 270, false, true, true, true},   {-45, 359, true, true, true, true},
        {10, 360, true, true, true, true},    {135, 270, true, false, true, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        blank(state);
        display_canvas_arc(&s_canvas, 40, 40, 20, 5, cases[i].start, cases[i].sweep, INK,
                           DISPLAY_OPAQUE);
        assert_int_equal(at(58, 40) == INK, cases[i].right);
        assert_int_equal(at(40, 58) == INK, cases[i].below);
        assert_int_equal(at(22, 40) == INK, cases[i].left);
        assert_int_equal(at(40, 22) == INK, cases[i].above);
        assert_int_equal(at(40, 40), PAPER);
    }
}

static void text_measures_what_it_draws(void **state)
{
    static const char *const texts[] = {"Kraken-OS", "i", "", "12:45", "äöü €…", "\xFF\xC3", "WWW"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        blank(state);
        const int width = display_text_width(&display_font_small, texts[i]);
        assert_int_equal(display_text_draw(&s_canvas, 3, 40, &display_font_small, INK, texts[i]),
                         3 + width);
        check_change((display_rect_t){3, 20, (int16_t)width, 30});
        assert_int_equal(changed_pixels() != 0, texts[i][0] != '\0');
    }
    assert_int_equal(display_text_cap_height(&display_font_small), 12);
    assert_int_equal(display_text_cap_height(&display_font_large), 20);
    assert_true(display_text_height(&display_font_large) >= 20);
}

static void no_byte_of_a_text_is_trusted(void **state)
{
    (void)state;
    char text[5] = "";
    const int box = display_text_width(&display_font_small, "\xEF\xBF\xBD");
    for (int i = 1; i < 0x10000; i++) { // every two bytes, at the end of a text
        text[0] = (char)(i >> 8 != 0 ? i >> 8 : i);
        text[1] = (char)(i >> 8 != 0 ? i : 0);
        assert_true(display_text_width(&display_font_small, text) <= 2 * box + 20);
    }
    assert_int_equal(display_text_width(&display_font_small, "\xF0\x9F\x90\x99"), box); // octopus
    assert_int_equal(display_text_width(&display_font_small, "\xE2\x82"), 2 * box);
}

static void a_text_that_does_not_fit_ends_in_an_ellipsis(void **state)
{
    const display_rect_t box = {5, 5, 60, 30};
    display_text_box(&s_canvas, box, DISPLAY_ALIGN_CENTER, &display_font_small, INK,
                     "a text that does not fit");
    check_change(box);
    assert_true(changed_pixels() > 50);
    display_canvas_t whole = s_canvas;
    blank(state);
    display_text_box(&s_canvas, box, DISPLAY_ALIGN_LEFT, &display_font_small, INK, "a text");
    assert_true(s_canvas.damage.rects[0].w < whole.damage.rects[0].w + 30);
    blank(state);
    display_text_box(&s_canvas, (display_rect_t){5, 5, 2, 30}, DISPLAY_ALIGN_LEFT,
                     &display_font_small, INK, "narrow");
    check_change((display_rect_t){5, 5, 2, 30});
}

static void a_paragraph_breaks_at_spaces(void **state)
{
    (void)state;
    const int line = display_text_paragraph(&s_canvas, (display_rect_t){0, 0, 90, 80},
                                            &display_font_small, INK, "one");
    assert_int_equal(display_text_paragraph(&s_canvas, (display_rect_t){0, 0, 40, 80},
                                            &display_font_small, INK, "one two"),
                     2 * line);
    assert_int_equal(display_text_paragraph(&s_canvas, (display_rect_t){0, 0, 90, 80},
                                            &display_font_small, INK, "a\nb\n\nc"),
                     4 * line);
    assert_int_equal(display_text_paragraph(&s_canvas, (display_rect_t){0, 0, 1, 80},
                                            &display_font_small, INK, "abc"),
                     3 * line);
}

static void describe_row(void *arg, unsigned index, display_list_row_t *row)
{
    *(unsigned *)arg |= 1u << index;
    row->title = "row";
}

static void a_list_scrolls_to_what_is_selected(void **state)
{
    (void)state;
    unsigned asked = 0;
    display_list_t list = {.box = {10, 10, 80, 60},
                           .row_height = 20,
                           .count = 7,
                           .selected = -1,
                           .row = describe_row,
                           .arg = &asked};
    assert_int_equal(display_list_rows(&list), 3);
    display_list_draw(&s_canvas, &list);
    assert_int_equal(asked, 0x7);
    check_change(list.box);
    display_list_select(&list, 4);
    assert_int_equal(list.first, 2);
    assert_int_equal(display_list_row_at(&list, 20, 11), 2);
    assert_int_equal(display_list_row_at(&list, 20, 69), 4);
    assert_int_equal(display_list_row_at(&list, 20, 70), -1);
    assert_int_equal(display_list_row_at(&list, 9, 30), -1);
    display_list_select(&list, 100);
    assert_int_equal(list.selected, 6);
    assert_int_equal(list.first, 4);
    list.count = 2; // some were removed
    display_list_select(&list, list.selected);
    assert_int_equal(list.selected, 1);
    assert_int_equal(list.first, 0);
    assert_int_equal(display_list_row_at(&list, 20, 69), -1);
    list.count = 0;
    display_list_select(&list, 0);
    assert_int_equal(list.selected, -1);
}

static void the_interface_of_apps_names_what_there_is(void **state)
{
    (void)state;
#define AS_FUNCTION(group, minor, name) (void (*)(void))(name),
#define AS_DATA(group, minor, name)     &(name),
    void (*const functions[])(void) = {DISPLAY_INTERFACE_FUNCTIONS(AS_FUNCTION)};
    const void *const data[] = {DISPLAY_INTERFACE_DATA(AS_DATA)};
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_true(functions[i] != functions[j]);
        }
    }
    assert_true(data[0] != data[1]);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_drawn_outside_of_the_clip, blank),
        cmocka_unit_test_setup(far_away_is_no_danger, blank),
        cmocka_unit_test_setup(the_ends_of_numbers_are_no_danger, blank),
        cmocka_unit_test(damage_holds_all_and_stays_small),
        cmocka_unit_test(damage_beside_each_other_is_one),
        cmocka_unit_test(alpha_is_exact_at_both_ends),
        cmocka_unit_test_setup(a_translucent_shape_paints_no_pixel_twice, blank),
        cmocka_unit_test_setup(round_things_are_round, blank),
        cmocka_unit_test_setup(an_arc_goes_as_far_as_it_should, blank),
        cmocka_unit_test_setup(text_measures_what_it_draws, blank),
        cmocka_unit_test(no_byte_of_a_text_is_trusted),
        cmocka_unit_test_setup(a_text_that_does_not_fit_ends_in_an_ellipsis, blank),
        cmocka_unit_test_setup(a_paragraph_breaks_at_spaces, blank),
        cmocka_unit_test(the_interface_of_apps_names_what_there_is),
        cmocka_unit_test_setup(a_list_scrolls_to_what_is_selected, blank),
    };
    return KTEST_MAIN(argc, argv, tests);
}
