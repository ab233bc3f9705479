/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the input service tells about itself, and what it can be asked. Types only.
 *
 * Payloads begin with a header (status_events.h): version INPUT_CONTROL_VERSION and their size.
 *
 * | name        | kind            | payload               | answer       |
 * |-------------|-----------------|-----------------------|--------------|
 * | input.state | event, retained | input_state_t         |              |
 * | input.get   | request         | none                  | input_info_t |
 * | input.map   | request         | input_map_request_t   | none         |
 * | input.fault | request         | input_fault_request_t | none         |
 * | input.feed  | request         | input_feed_request_t  | none         |
 */

#include "input_service/input_events.h"

#ifdef __cplusplus
extern "C" {
#endif

#define INPUT_SERVICE_NAME    "input"
#define INPUT_CONTROL_VERSION 1

#define INPUT_STATE_EVENT   "input.state"
#define INPUT_GET_REQUEST   "input.get"
#define INPUT_MAP_REQUEST   "input.map"
#define INPUT_FAULT_REQUEST "input.fault"
#define INPUT_FEED_REQUEST  "input.feed"

/** input.state: posted when one of these changes. */
typedef struct {
    status_header_t header;
    bool keys;  /**< there are buttons */
    bool touch; /**< the touch panel answers */
    bool knob;  /**< there is a knob */
    uint8_t reserved;
    uint32_t down;  /**< bit n: input_button_t n is down */
    uint32_t stuck; /**< bit n: down for CONFIG_INPUT_STUCK_S, or since before anybody looked; it
                         counts as up until it was up */
} input_state_t;

/** Bucket n counts what took less than INPUT_LATENCY_FIRST_US << n; the last one takes the rest. */
#define INPUT_LATENCY_BUCKETS  14
#define INPUT_LATENCY_FIRST_US 32

/** The answer to input.get. Counts since the service first started. */
typedef struct {
    status_header_t header;
    input_state_t state;
    uint8_t map[INPUT_BUTTONS]; /**< input_button_t that each key of the hardware stands for */
    uint32_t edges;             /**< changes that the hardware told */
    uint32_t lost;              /**< changes that came faster than they could be kept */
    uint32_t events;            /**< posted */
    uint32_t refused;           /**< could not be posted, or not to everybody */
    uint32_t taken_worst_us;
    uint32_t taken[INPUT_LATENCY_BUCKETS]; /**< from an edge to this service */
    uint32_t handled_worst_us;
    uint32_t handled[INPUT_LATENCY_BUCKETS]; /**< from an edge, debouncing included, to a handler of
                                                  its press, release or gesture event */
} input_info_t;

/** input.map: from now on a key of the hardware stands for another button. A key that is down
 *  finishes as what it was. ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_NOT_OWNER an app asks. */
typedef struct {
    status_header_t header;
    uint8_t key;    /**< input_button_t that the hardware calls it */
    uint8_t button; /**< input_button_t; INPUT_BUTTON_NONE = ignore the key */
} input_map_request_t;

/** What is to go wrong between the hardware and the service. */
typedef enum {
    INPUT_FAULT_NONE = 0,
    INPUT_FAULT_UNPLUGGED, /**< nothing arrives, and nothing answers */
    INPUT_FAULT_STUCK,     /**< nothing that is down comes up again */
    INPUT_FAULT_SHORT,     /**< every other change is lost */
    INPUT_FAULT_WRONG,     /**< touches are outside the panel, the knob jumps */
    INPUT_FAULTS,          /**< how many there are */
} input_fault_t;

/** input.fault, for trying out what happens then. From firmware alone (ESP_ERR_NOT_OWNER);
 *  ESP_ERR_INVALID_ARG; ESP_ERR_SYSTEM_DISABLED without CONFIG_SYSTEM_FAULT_INJECTION. */
typedef struct {
    status_header_t header;
    uint8_t fault; /**< input_fault_t */
} input_fault_request_t;

/** What was done without a hand. */
typedef enum {
    INPUT_FEED_KEY = 0, /**< key, down */
    INPUT_FEED_TOUCH,   /**< down, x, y in pixels of the panel, upright */
    INPUT_FEED_TURN,    /**< x = counts of the knob, clockwise positive */
    INPUT_FEEDS,        /**< how many there are */
} input_feed_t;

/** input.feed: act as if the hardware had told this now, so that scripts can work a board without
 *  buttons. From firmware alone (ESP_ERR_NOT_OWNER); ESP_ERR_INVALID_ARG. */
typedef struct {
    status_header_t header;
    uint8_t what; /**< input_feed_t */
    uint8_t key;  /**< input_button_t */
    bool down;
    uint8_t reserved;
    int16_t x;
    int16_t y;
} input_feed_request_t;

/** @brief The name of a button: "up", "select" …; "?" for none. @context any  @blocks never */
const char *input_button_name(uint8_t button);

/** @brief The button of a name. @return INPUT_BUTTON_NONE: there is none  @context any
 *  @blocks never */
uint8_t input_button_find(const char *name);

#ifdef __cplusplus
}
#endif
