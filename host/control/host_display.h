// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The virtual board's LCD: what stands at the other end of the display bus. The driver
 * (display_service's port/linux) writes to it; the window, screenshots and tests look at it.
 *
 * Like a real panel it keeps its picture while the firmware restarts, shows noise after power-on
 * until somebody draws, and turns what is written by its orientation setting.
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Largest panel in pixels of one side. */
#define HOST_DISPLAY_MAX 480

/* How often and how much was written since power-on. */
typedef struct {
    uint32_t resets;
    uint32_t writes;  /* rectangles */
    uint64_t pixels;  /* in these */
    uint32_t changes; /* grows with everything that changes what a person sees */
} host_display_counts_t;

/** @brief Reset the panel: switched off, upright, full brightness; the picture is noise if the size
 * changes or it is the first time. @context any task @return false: no such size */
bool host_display_reset(unsigned width, unsigned height);

/** @brief Write pixels (RGB565) into a rectangle, counted in the present orientation.
 * @context any task @return false: not inside of the panel, or never reset */
bool host_display_write(int x, int y, int w, int h, const uint16_t *pixels, unsigned stride);

/** @brief Turn what is written from now on clockwise: 0, 90, 180, 270. @context any task */
bool host_display_set_orientation(unsigned degrees);

/** @brief Percent of full light. @context any task */
void host_display_set_brightness(unsigned percent);

/** @brief Switch the panel's light and picture on or off; its memory stays. @context any task */
void host_display_set_power(bool on);

/** @brief Size as the firmware sees it: width and height change places at 90 and 270 degrees.
 * @context any, foreign threads too @return false: there is no picture yet */
bool host_display_size(unsigned *width, unsigned *height);

/** @brief What a person sees who holds the board so that the text is upright: three bytes, red,
 * green, blue, a pixel, dimmed by the brightness, black when off.
 * @context any, foreign threads too @return false: there is no picture yet, or it is not that size
 */
bool host_display_see(unsigned width, unsigned height, uint8_t *rgb);

/** @brief One pixel of the panel's own memory, in the panel's own (upright) coordinates.
 * @context any */
uint16_t host_display_memory(unsigned x, unsigned y);

/** @context any, foreign threads too */
host_display_counts_t host_display_counts(void);

#ifdef __cplusplus
}
#endif
