/* SPDX-License-Identifier: Apache-2.0 */
/* The list. */
#include "display_app/display_widgets.h"

#include <string.h>

#define ROW_HEIGHT  48
#define MARGIN      8
#define GAP         4 /* between two rows */
#define BADGE       32
#define BADGE_LARGE 28
#define BAR         3 /* width of the scroll bar */
#define MARK        90

static int row_height(const display_list_t *list)
{
    return list->row_height != 0 ? list->row_height : ROW_HEIGHT;
}

unsigned display_list_rows(const display_list_t *list)
{
    const int rows = list->box.h / row_height(list);
    return rows > 0 ? (unsigned)rows : 0;
}

int display_list_row_at(const display_list_t *list, int x, int y)
{
    if (!display_rect_contains(list->box, x, y)) {
        return -1;
    }
    const unsigned row = (unsigned)((y - list->box.y) / row_height(list));
    const unsigned index = list->first + row;
    return row < display_list_rows(list) && index < list->count ? (int)index : -1;
}

void display_list_select(display_list_t *list, int index)
{
    const int rows = (int)display_list_rows(list);
    const int last = (int)list->count - 1;

    index = index > last ? last : index;
    list->selected = (int16_t)(index < 0 ? -1 : index);
    int first = list->first;
    if (index >= 0 && index < first) {
        first = index;
    } else if (index >= first + rows) {
        first = index - rows + 1;
    }
    const int most = last + 1 - rows; /* no empty rows at the end of a long list */
    first = first > most ? most : first;
    list->first = (uint16_t)(first > 0 ? first : 0);
}

/** The first character of a text, as a text. */
static void initial(const char *text, char out[5])
{
    size_t length = text[0] != '\0' ? 1 : 0;
    while (length != 0 && length < 4 && ((uint8_t)text[length] & 0xC0) == 0x80) {
        length++;
    }
    memcpy(out, text, length);
    out[length] = '\0';
    if (out[0] >= 'a' && out[0] <= 'z') {
        out[0] = (char)(out[0] - 'a' + 'A');
    }
}

static void draw_badge(display_canvas_t *canvas, display_rect_t box, const display_list_row_t *row)
{
    char letter[5];
    initial(row->title, letter);
    const bool low = box.h < BADGE_LARGE; /* as high as large letters, or nearly */
    display_canvas_round_rect(canvas, box, low ? 6 : 9, row->badge, DISPLAY_OPAQUE);
    display_text_box(canvas, box, DISPLAY_ALIGN_CENTER,
                     low ? &display_font_small : &display_font_large, DISPLAY_COLOR_TEXT, letter);
}

static void draw_row(display_canvas_t *canvas, display_rect_t box, const display_list_row_t *row,
                     bool selected)
{
    const display_color_t face = selected ? DISPLAY_COLOR_RAISED : DISPLAY_COLOR_PANEL;
    int left = box.x + MARGIN;
    int right = box.x + box.w - MARGIN;

    display_canvas_round_rect(canvas, box, 10, face, DISPLAY_OPAQUE);
    if (row->badge != 0) {
        const int size = box.h - 2 * 6 < BADGE ? box.h - 2 * 6 : BADGE;
        draw_badge(canvas,
                   (display_rect_t){(int16_t)left, (int16_t)(box.y + (box.h - size) / 2),
                                    (int16_t)size, (int16_t)size},
                   row);
        left += size + MARGIN + 2;
    }
    if (row->mark != NULL) {
        int width = display_text_width(&display_font_small, row->mark);
        width = width < MARK ? width : MARK;
        display_text_box(canvas,
                         (display_rect_t){(int16_t)(right - width), box.y, (int16_t)width, box.h},
                         DISPLAY_ALIGN_RIGHT, &display_font_small,
                         row->mark_color != 0 ? row->mark_color : DISPLAY_COLOR_MUTED, row->mark);
        right -= width + MARGIN;
    }
    const display_rect_t text = {(int16_t)left, box.y, (int16_t)(right - left), box.h};
    if (row->detail == NULL) {
        display_text_box(canvas, text, DISPLAY_ALIGN_LEFT, &display_font_small, DISPLAY_COLOR_TEXT,
                         row->title);
        return;
    }
    const int16_t half = (int16_t)(box.h / 2);
    display_text_box(canvas, (display_rect_t){text.x, (int16_t)(box.y + 2), text.w, half},
                     DISPLAY_ALIGN_LEFT, &display_font_small, DISPLAY_COLOR_TEXT, row->title);
    display_text_box(canvas, (display_rect_t){text.x, (int16_t)(box.y + half - 2), text.w, half},
                     DISPLAY_ALIGN_LEFT, &display_font_small, DISPLAY_COLOR_MUTED, row->detail);
}

static void draw_scroll_bar(display_canvas_t *canvas, const display_list_t *list, int rows)
{
    const int16_t x = (int16_t)(list->box.x + list->box.w - BAR);
    const int length = list->box.h * rows / list->count;
    const int travel = list->box.h - length;
    const int most = list->count - rows;
    const display_rect_t thumb = {x, (int16_t)(list->box.y + travel * list->first / most), BAR,
                                  (int16_t)length};
    display_canvas_round_rect(canvas, thumb, BAR / 2, DISPLAY_COLOR_MUTED, DISPLAY_OPAQUE);
}

void display_list_draw(display_canvas_t *canvas, const display_list_t *list)
{
    const int height = row_height(list);
    const int rows = (int)display_list_rows(list);
    const bool scrolls = rows > 0 && list->count > rows;

    display_canvas_rect(canvas, list->box, DISPLAY_COLOR_BACKGROUND, DISPLAY_OPAQUE);
    for (int i = 0; i < rows && list->first + i < list->count; i++) {
        const unsigned index = (unsigned)(list->first + i);
        display_list_row_t row = {0};
        const display_rect_t box = {list->box.x, (int16_t)(list->box.y + i * height),
                                    (int16_t)(list->box.w - (scrolls ? BAR + GAP : 0)),
                                    (int16_t)(height - GAP)};
        list->row(list->arg, index, &row);
        if (row.title != NULL) {
            draw_row(canvas, box, &row, list->selected == (int)index);
        }
    }
    if (scrolls) {
        draw_scroll_bar(canvas, list, rows);
    }
}
