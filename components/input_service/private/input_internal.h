/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the parts of the input service share, grouped by the file that defines it.
 *
 * Keys, touch and knob are told each change with the time when it happened, and asked to go on to a
 * time: they look at no clock, so a handler that comes late decides as one that came in time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "sdkconfig.h"

#include "esp_err.h"
#include "input_backend.h"
#include "input_service/input_control.h"
#include "input_service/input_events.h"

#define INPUT_MS(ms)      ((int64_t)(ms)*1000)
#define INPUT_DEBOUNCE_US INPUT_MS(CONFIG_INPUT_DEBOUNCE_MS)
#define INPUT_LONG_US     INPUT_MS(CONFIG_INPUT_LONG_MS)
#define INPUT_REPEAT_US   INPUT_MS(CONFIG_INPUT_REPEAT_MS)
#define INPUT_DOUBLE_US   INPUT_MS(CONFIG_INPUT_DOUBLE_MS)
#define INPUT_STUCK_US    INPUT_MS(CONFIG_INPUT_STUCK_S * 1000)
#define INPUT_SWIPE_US    INPUT_MS(CONFIG_INPUT_SWIPE_MS)
#define INPUT_DRAG_US     INPUT_MS(CONFIG_INPUT_DRAG_MS)
#define INPUT_NEVER       INT64_MAX

/** Which event. */
typedef enum {
    INPUT_OUT_PRESS = 0,
    INPUT_OUT_RELEASE,
    INPUT_OUT_CLICK,
    INPUT_OUT_DOUBLE,
    INPUT_OUT_LONG,
    INPUT_OUT_REPEAT,
    INPUT_OUT_GESTURE,
    INPUT_OUTS, /**< how many there are */
} input_out_t;

/** Takes what was found out; header and focus are not filled in yet. */
typedef void (*input_sink_t)(input_out_t what, const input_event_t *event);

/* ---- input_key.c: one button ------------------------------------------------------------------
 */

typedef struct {
    uint8_t button; /**< that events name; fixed while it is down */
    bool level;     /**< of the wire, as last told */
    bool down;      /**< what it is, debounced */
    bool dead; /**< down for too long, or since before anybody looked: nothing until it is up */
    bool was_long;
    bool half; /**< one click was done: another one soon makes a double */
    uint32_t repeats;
    int64_t first_us; /**< first edge of the burst that the last edge belongs to */
    int64_t last_us;  /**< last edge */
    int64_t down_us;
    int64_t click_us;  /**< when the last click ended */
    int64_t repeat_us; /**< when to repeat next */
} input_key_t;

/** Nothing is known: up until told otherwise. */
void input_key_reset(input_key_t *key, uint8_t button);
/** It was down before anybody looked. */
void input_key_hold(input_key_t *key);
/** The wire changes, after input_key_advance() to that time. */
void input_key_edge(input_key_t *key, bool level, int64_t at_us);
/** When input_key_advance() is wanted next; INPUT_NEVER. */
int64_t input_key_due(const input_key_t *key);
/** Do what is due up to a time. */
void input_key_advance(input_key_t *key, int64_t now_us, input_sink_t sink);

/* ---- input_touch.c: a finger ------------------------------------------------------------------
 */

typedef struct {
    bool down;
    bool dragging;
    bool was_long;
    bool dead; /**< as input_key_t */
    int16_t from_x;
    int16_t from_y;
    int16_t x;
    int16_t y;
    int16_t told_x; /**< of the last drag event */
    int16_t told_y;
    int64_t down_us;
    int64_t moved_us;
    int64_t drag_us; /**< not before this is the next drag event posted */
} input_touch_t;

void input_touch_reset(input_touch_t *touch);
void input_touch_at(input_touch_t *touch, bool down, int16_t x, int16_t y, int64_t at_us,
                    input_sink_t sink);
int64_t input_touch_due(const input_touch_t *touch);
void input_touch_advance(input_touch_t *touch, int64_t now_us, input_sink_t sink);

/* ---- input_knob.c -----------------------------------------------------------------------------
 */

typedef struct {
    bool known;     /**< a count was told before */
    uint16_t count; /**< the last one */
    int32_t rest;   /**< counts that are no detent yet */
} input_knob_t;

void input_knob_reset(input_knob_t *knob);
void input_knob_at(input_knob_t *knob, uint16_t count, int64_t at_us, input_sink_t sink);

/* ---- input_map.c ------------------------------------------------------------------------------
 */

/** What CONFIG_INPUT_MAP says. Wrong parts are named in the log and left out. */
void input_map_begin(void);
/** @return the logical button of what the hardware calls a key; INPUT_BUTTON_NONE = ignore it */
uint8_t input_map_of(uint8_t key);
/** @return ESP_OK; ESP_ERR_INVALID_ARG not a button */
esp_err_t input_map_set(uint8_t key, uint8_t button);

/* ---- input_link.c: faults between the hardware and us -----------------------------------------
 */

esp_err_t input_link_inject(input_fault_t fault);
bool input_link_take(input_raw_t *raw);
void input_link_probe(uint8_t *has);

/* ---- input_post.c: events, and whom they are for ----------------------------------------------
 */

/** @param[in] id of the service. Releases what an earlier life had pressed. */
esp_err_t input_post_begin(system_service_id_t id);
/** Whose surface is shown, and how the screen is turned. */
void input_post_focus(const status_focus_t *focus);
const status_focus_t *input_post_get_focus(void);
/** An input_sink_t. */
void input_post(input_out_t what, const input_event_t *found);
/** Fill in what is counted here. */
void input_post_count(input_info_t *info);

/* ---- input_latency.c --------------------------------------------------------------------------
 */

void input_latency_add(uint32_t buckets[INPUT_LATENCY_BUCKETS], uint32_t *worst_us,
                       int64_t since_us);
