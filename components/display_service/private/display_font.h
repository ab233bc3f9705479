/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief A font as font/rasterise.py writes it.
 */

#include "display_app/display_text.h"

/** One glyph; sorted by code point. */
typedef struct {
    uint16_t code;
    uint16_t offset; /**< of its first byte in the font's pixels */
    uint8_t advance; /**< to the start of the next glyph */
    int8_t left;     /**< from its start to its first column */
    int8_t top;      /**< from the baseline up to its first row */
    uint8_t width;
    uint8_t height;
} display_glyph_t;

struct display_font {
    const display_glyph_t *glyphs;
    const uint8_t *pixels; /**< coverage 0..15, two pixels a byte, left one in the upper half */
    uint16_t count;
    uint8_t ascent;  /**< of the highest glyph */
    uint8_t descent; /**< of the lowest */
    uint8_t cap_height;
};

/** What stands for a character that the font does not have. */
#define DISPLAY_FONT_MISSING 0xFFFDu
