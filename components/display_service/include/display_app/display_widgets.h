/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What screens are made of. A widget is a plain struct that its owner fills in and draws
 * when something changed; it remembers nothing else and listens to nothing.
 *
 * Texts are not copied: they must live as long as the widget is drawn. All functions: @context any
 * @blocks never.
 */

#include "display_app/display_text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- colours ------------------------------------------------------------------------------------
 */

#define DISPLAY_COLOR_BACKGROUND DISPLAY_RGB(14, 18, 30)
#define DISPLAY_COLOR_PANEL      DISPLAY_RGB(28, 36, 54)
#define DISPLAY_COLOR_RAISED     DISPLAY_RGB(46, 58, 86)
#define DISPLAY_COLOR_TEXT       DISPLAY_RGB(240, 244, 252)
#define DISPLAY_COLOR_MUTED      DISPLAY_RGB(140, 152, 176)
#define DISPLAY_COLOR_ACCENT     DISPLAY_RGB(72, 136, 255)
#define DISPLAY_COLOR_GOOD       DISPLAY_RGB(72, 208, 152)
#define DISPLAY_COLOR_WARNING    DISPLAY_RGB(255, 180, 80)
#define DISPLAY_COLOR_BAD        DISPLAY_RGB(255, 92, 104)

/* ---- label --------------------------------------------------------------------------------------
 */

typedef struct {
    display_rect_t box;
    const char *text;
    const display_font_t *font;
    display_align_t align;
    display_color_t color;
    display_color_t background;
} display_label_t;

/** The whole box is painted, so a changed text leaves nothing behind. */
void display_label_draw(display_canvas_t *canvas, const display_label_t *label);

/* ---- button -------------------------------------------------------------------------------------
 */

typedef struct {
    display_rect_t box;
    const char *text;
    display_color_t color; /**< 0 = DISPLAY_COLOR_RAISED */
    bool pressed;
    bool disabled;
} display_button_t;

void display_button_draw(display_canvas_t *canvas, const display_button_t *button);

/** True when a finger at (x,y) means this button. A disabled one is not hit. */
bool display_button_hit(const display_button_t *button, int x, int y);

/* ---- list ---------------------------------------------------------------------------------------
 */

/** One row: a coloured badge with a letter, two lines of text, and a mark at the right end. */
typedef struct {
    const char *title;
    const char *detail;         /**< NULL = the title alone, centred */
    display_color_t badge;      /**< 0 = no badge */
    const char *mark;           /**< NULL = none */
    display_color_t mark_color; /**< 0 = DISPLAY_COLOR_MUTED */
} display_list_row_t;

typedef struct {
    display_rect_t box;
    uint16_t row_height; /**< 0 = 48 */
    uint16_t count;
    int16_t selected; /**< -1 = none */
    uint16_t first;   /**< row at the top; display_list_select() moves it */
    /** Fills in row number index; *row is all zero before. */
    void (*row)(void *arg, unsigned index, display_list_row_t *row);
    void *arg;
} display_list_t;

void display_list_draw(display_canvas_t *canvas, const display_list_t *list);

/** Rows that fit into the box. */
unsigned display_list_rows(const display_list_t *list);

/** The row at (x,y), -1 = none. */
int display_list_row_at(const display_list_t *list, int x, int y);

/** Select a row, kept within the list, and scroll until it is seen; -1 selects none. */
void display_list_select(display_list_t *list, int index);

/* ---- progress -----------------------------------------------------------------------------------
 */

/** A bar, filled by so many thousandths, as high as its box. */
void display_progress_draw(display_canvas_t *canvas, display_rect_t box, unsigned permille,
                           display_color_t color);

/* ---- toast --------------------------------------------------------------------------------------
 */

/** Where a toast with this text appears on a screen of that size: in one line, or in as many as it
 *  needs. */
display_rect_t display_toast_box(display_rect_t screen, const char *text);

void display_toast_draw(display_canvas_t *canvas, display_rect_t box, const char *text);

/* ---- status bar ---------------------------------------------------------------------------------
 */

#define DISPLAY_STATUS_BAR_HEIGHT 24

typedef struct {
    char title[32];
    char clock[8];        /**< "12:45"; "" = not known: not shown */
    bool network;         /**< there is one */
    bool network_busy;    /**< scanning or connecting */
    uint8_t network_bars; /**< 0..4; 0 = not connected */
    bool bluetooth;       /**< there is one, switched on */
    bool bluetooth_connected;
    uint8_t memory_percent; /**< of internal RAM in use */
    uint8_t memory_level;   /**< 0 well, 1 warning, 2 bad */
} display_status_bar_t;

/** The bar over the whole width of the canvas, at its top. */
void display_status_bar_draw(display_canvas_t *canvas, const display_status_bar_t *bar);

#ifdef __cplusplus
}
#endif
