/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What people do with buttons, screen and knob, as events. Posted by the input service.
 *
 * Every event names the app that it is for: the one in focus (display.focus) when the hand went
 * down. An app acts on events whose focus is its own id, and may watch the others.
 */

#include <stdint.h>

#include "system_service/status_events.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Names. Priority HIGH; none is retained. */
#define INPUT_PRESS_EVENT   "input.press"   /**< went down; debounced */
#define INPUT_RELEASE_EVENT "input.release" /**< went up */
#define INPUT_CLICK_EVENT   "input.click"   /**< down and up again, in a short time */
#define INPUT_DOUBLE_EVENT  "input.double"  /**< clicked twice; the clicks were posted too */
#define INPUT_LONG_EVENT    "input.long"    /**< held; posted while it is still down */
#define INPUT_REPEAT_EVENT  "input.repeat"  /**< still held: again and again */
#define INPUT_GESTURE_EVENT                                                                        \
    "input.gesture" /**< of a finger on the screen, or a turn of the knob                          \
                     */

#define INPUT_EVENT_VERSION 1

/** What it was done with. */
typedef enum {
    INPUT_BUTTON_NONE = 0,
    INPUT_BUTTON_UP,
    INPUT_BUTTON_DOWN,
    INPUT_BUTTON_LEFT,
    INPUT_BUTTON_RIGHT,
    INPUT_BUTTON_SELECT,
    INPUT_BUTTON_BACK,
    INPUT_BUTTON_HOME, /**< brings the launcher to the front */
    INPUT_BUTTON_POWER,
    INPUT_BUTTON_PLAY,
    INPUT_BUTTON_NEXT,
    INPUT_BUTTON_PREVIOUS,
    INPUT_BUTTON_VOLUME_UP,
    INPUT_BUTTON_VOLUME_DOWN,
    INPUT_TOUCH, /**< a finger on the screen */
    INPUT_KNOB,
    INPUT_BUTTONS, /**< how many there are */
} input_button_t;

/** What a finger or the knob did. */
typedef enum {
    INPUT_GESTURE_NONE = 0,
    INPUT_GESTURE_TAP,        /**< x, y */
    INPUT_GESTURE_DRAG,       /**< x, y now; dx, dy since the last one */
    INPUT_GESTURE_DROP,       /**< the end of a drag at x, y; dx, dy since it began */
    INPUT_GESTURE_SWIPE_LEFT, /**< x, y where it ended; dx, dy since it began */
    INPUT_GESTURE_SWIPE_RIGHT,
    INPUT_GESTURE_SWIPE_UP,
    INPUT_GESTURE_SWIPE_DOWN,
    INPUT_GESTURE_TURN, /**< dx = detents since the last one, clockwise positive */
} input_gesture_t;

/** Payload of all of them. */
typedef struct {
    status_header_t header;    /**< version INPUT_EVENT_VERSION */
    system_service_id_t focus; /**< the app it is for; SYSTEM_SERVICE_ID_NONE = none is shown */
    uint8_t button;            /**< input_button_t */
    uint8_t gesture;           /**< input_gesture_t, for input.gesture */
    int16_t x; /**< of the finger, in pixels of the app's surface; negative y = the status bar */
    int16_t y;
    int16_t dx;
    int16_t dy;
    uint32_t held_ms; /**< since it went down; 0 for input.press */
    uint32_t count;   /**< of input.repeat, from 1 */
    int64_t edge_us;  /**< esp_timer_get_time() of the edge that this came from */
} input_event_t;

#ifdef __cplusplus
}
#endif
