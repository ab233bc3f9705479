// SPDX-License-Identifier: Apache-2.0

// Pictures against references, to be looked at by people: KRAKEN_PICTURES=DIR writes them instead.
// Tolerance: a pixel differs when one of its colours is off by more than 12 of 255; one in 500 may.

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "display_app/display_widgets.h"
#include "ktest.h"

#define WIDTH     240
#define HEIGHT    160
#define OFF_BY    12
#define ONE_IN    500
#define BYTES_PX  3
#define RGB_BYTES (WIDTH * HEIGHT * BYTES_PX)

static display_color_t s_pixels[WIDTH * HEIGHT];
static uint8_t s_drawn[RGB_BYTES];
static uint8_t s_expected[RGB_BYTES];

static void to_rgb(void)
{
    for (size_t i = 0; i < WIDTH * HEIGHT; i++) {
        s_drawn[i * 3] = (uint8_t)((s_pixels[i] >> 11) * 255 / 31);
        s_drawn[i * 3 + 1] = (uint8_t)((s_pixels[i] >> 5 & 63) * 255 / 63);
        s_drawn[i * 3 + 2] = (uint8_t)((s_pixels[i] & 31) * 255 / 31);
    }
}

static unsigned differing(void)
{
    unsigned count = 0;
    for (size_t i = 0; i < RGB_BYTES; i += BYTES_PX) {
        bool off = false;
        for (size_t c = i; c < i + BYTES_PX; c++) {
            off |= abs(s_drawn[c] - s_expected[c]) > OFF_BY;
        }
        count += off;
    }
    return count;
}

static void compare(const char *name)
{
    const char *write_to = getenv("KRAKEN_PICTURES");
    char path[512];
    png_image image = {.version = PNG_IMAGE_VERSION};

    to_rgb();
    (void)snprintf(path, sizeof(path), "%s/%s.png", write_to != NULL ? write_to : PICTURES, name);
    if (write_to != NULL) {
        image.width = WIDTH;
        image.height = HEIGHT;
        image.format = PNG_FORMAT_RGB;
        assert_int_not_equal(png_image_write_to_file(&image, path, 0, s_drawn, 0, NULL), 0);
        return;
    }
    assert_int_not_equal(png_image_begin_read_from_file(&image, path), 0);
    assert_int_equal(image.width, WIDTH);
    assert_int_equal(image.height, HEIGHT);
    image.format = PNG_FORMAT_RGB;
    assert_int_not_equal(png_image_finish_read(&image, NULL, s_expected, 0, NULL), 0);
    const unsigned off = differing();
    if (off > WIDTH * HEIGHT / ONE_IN) {
        printf("%s: %u of %u pixels differ\n", path, off, WIDTH * HEIGHT);
    }
    assert_true(off <= WIDTH * HEIGHT / ONE_IN);
    s_expected[0] ^= 0x80; // a picture that differs is found
    assert_int_equal(differing(), off + 1);
}

static display_canvas_t begin(void)
{
    display_canvas_t canvas;
    display_canvas_init(&canvas, s_pixels, WIDTH, HEIGHT, WIDTH);
    display_canvas_fill(&canvas, DISPLAY_COLOR_BACKGROUND);
    return canvas;
}

static void shapes(void **state)
{
    (void)state;
    display_color_t dots[16 * 16];
    display_alpha_t cover[16 * 16];
    for (int i = 0; i < 16 * 16; i++) {
        dots[i] = DISPLAY_RGB(i % 16 * 16, i, 128);
        cover[i] = (display_alpha_t)i;
    }
    const display_image_t image = {.width = 16, .height = 16, .pixels = dots, .alpha = cover};
    display_canvas_t canvas = begin();
    display_canvas_gradient(&canvas, (display_rect_t){0, 0, WIDTH, 50}, DISPLAY_COLOR_RAISED,
                            DISPLAY_COLOR_BACKGROUND);
    display_canvas_round_rect(&canvas, (display_rect_t){8, 8, 60, 40}, 12, DISPLAY_COLOR_ACCENT,
                              DISPLAY_OPAQUE);
    display_canvas_round_rect(&canvas, (display_rect_t){30, 20, 60, 40}, 20, DISPLAY_COLOR_GOOD,
                              128);
    display_canvas_frame(&canvas, (display_rect_t){100, 8, 50, 40}, 3, DISPLAY_COLOR_WARNING,
                         DISPLAY_OPAQUE);
    display_canvas_circle(&canvas, 190, 30, 22, DISPLAY_COLOR_BAD, DISPLAY_OPAQUE);
    display_canvas_circle(&canvas, 205, 40, 14, DISPLAY_COLOR_TEXT, 96);
    for (int i = 0; i < 12; i++) {
        display_canvas_line(&canvas, 40, 110, 40 + (i - 6) * 6, 75 + i * i / 2, 1 + i / 4,
                            DISPLAY_COLOR_TEXT, DISPLAY_OPAQUE);
    }
    display_canvas_arc(&canvas, 120, 110, 34, 8, 135, 270, DISPLAY_COLOR_RAISED, DISPLAY_OPAQUE);
    display_canvas_arc(&canvas, 120, 110, 34, 8, 135, 170, DISPLAY_COLOR_GOOD, DISPLAY_OPAQUE);
    display_canvas_arc(&canvas, 200, 110, 34, 3, -90, 60, DISPLAY_COLOR_ACCENT, DISPLAY_OPAQUE);
    display_canvas_image(&canvas, 180, 105, &image, DISPLAY_OPAQUE);
    display_canvas_image(&canvas, 200, 105, &image, 128);
    compare("shapes");
}

static void text(void **state)
{
    (void)state;
    static const char *const lines[] = {"The quick brown fox", "JUMPS OVER 0123456789",
                                        "(lazy) dogs: äöüß é €", "{[<+-*/=>]} @#%&$!?;'\""};
    display_canvas_t canvas = begin();
    for (int i = 0; i < 4; i++) {
        (void)display_text_draw(&canvas, 8, 20 + 22 * i, &display_font_small, DISPLAY_COLOR_TEXT,
                                lines[i]);
    }
    (void)display_text_draw(&canvas, 8, 120, &display_font_large, DISPLAY_COLOR_ACCENT,
                            "Kraken 12:45");
    display_text_box(&canvas, (display_rect_t){8, 132, 120, 24}, DISPLAY_ALIGN_LEFT,
                     &display_font_small, DISPLAY_COLOR_MUTED, "It ends in dots");
    display_text_box(&canvas, (display_rect_t){130, 132, 102, 24}, DISPLAY_ALIGN_RIGHT,
                     &display_font_small, DISPLAY_COLOR_GOOD, "right");
    compare("text");
}

static void describe_row(void *arg, unsigned index, display_list_row_t *row)
{
    static const char *const names[] = {"music", "thermometer", "clock"};
    (void)arg;
    row->title = names[index];
    row->detail = index == 2 ? NULL : "What it does, at length";
    row->badge = index == 1 ? DISPLAY_COLOR_BAD : DISPLAY_COLOR_ACCENT;
    row->mark = index == 0 ? "on" : NULL;
    row->mark_color = DISPLAY_COLOR_GOOD;
}

static void widgets(void **state)
{
    (void)state;
    const display_status_bar_t bar = {.title = "A rather long title of an app",
                                      .clock = "12:45",
                                      .network = true,
                                      .network_bars = 3,
                                      .bluetooth = true,
                                      .bluetooth_connected = true,
                                      .memory_percent = 60,
                                      .memory_level = 1};
    const display_list_t list = {
        .box = {8, 30, 224, 96}, .count = 3, .selected = 0, .row = describe_row};
    const display_button_t buttons[] = {
        {.box = {8, 130, 70, 26}, .text = "Play", .color = DISPLAY_COLOR_ACCENT},
        {.box = {84, 130, 70, 26}, .text = "Stop", .pressed = true},
        {.box = {160, 130, 72, 26}, .text = "Next", .disabled = true},
    };
    display_canvas_t canvas = begin();
    display_status_bar_draw(&canvas, &bar);
    display_list_draw(&canvas, &list);
    for (int i = 0; i < 3; i++) {
        display_button_draw(&canvas, &buttons[i]);
    }
    compare("widgets");

    canvas = begin();
    const display_status_bar_t plain = {.title = "Plain",
                                        .memory_percent = 95,
                                        .memory_level = 2,
                                        .network = true,
                                        .network_busy = true,
                                        .bluetooth = true};
    const display_label_t label = {.box = {8, 34, 224, 26},
                                   .text = "A label",
                                   .font = &display_font_small,
                                   .align = DISPLAY_ALIGN_CENTER,
                                   .color = DISPLAY_COLOR_TEXT,
                                   .background = DISPLAY_COLOR_PANEL};
    const display_rect_t all = {0, 0, WIDTH, HEIGHT};
    display_status_bar_draw(&canvas, &plain);
    display_label_draw(&canvas, &label);
    display_progress_draw(&canvas, (display_rect_t){8, 70, 224, 8}, 350, DISPLAY_COLOR_ACCENT);
    display_progress_draw(&canvas, (display_rect_t){8, 84, 224, 8}, 0, DISPLAY_COLOR_ACCENT);
    display_progress_draw(&canvas, (display_rect_t){8, 98, 224, 8}, 1, DISPLAY_COLOR_GOOD);
    display_toast_draw(&canvas, display_toast_box(all, "It is saved"), "It is saved");
    compare("widgets2");
}

/** A text that is longer than a line is shown to its end, whatever the height of the screen. */
static void toasts(void **state)
{
    (void)state;
    static const char text[] = "What somebody has to know, and what takes three lines of a screen "
                               "to be said";
    const display_rect_t all = {0, 0, WIDTH, HEIGHT};
    const display_rect_t box = display_toast_box(all, text);
    display_canvas_t canvas = begin();
    assert_true(box.y > 0 && box.y + box.h < HEIGHT && box.x > 0 && box.x + box.w < WIDTH);
    display_toast_draw(&canvas, box, text);
    const char *const word = "A_word_that_is_longer_than_any_line";
    const display_rect_t top = {0, 0, WIDTH, 70};
    display_toast_draw(&canvas, display_toast_box(top, word), word);
    compare("toasts");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(text),
        cmocka_unit_test(widgets),
        cmocka_unit_test(toasts),
    };
    return KTEST_MAIN(argc, argv, tests);
}
