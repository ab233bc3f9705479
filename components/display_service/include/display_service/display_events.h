/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What the display service tells, and what it can be asked. Types only.
 *
 * Payloads begin with a header (status_events.h): their version, 1 for all of these, and their
 * size. display.focus and the state of other services that the status bar shows are in
 * status_events.h.
 *
 * | name                   | kind             | payload                    | answer             |
 * |------------------------|------------------|----------------------------|--------------------|
 * | display.state          | event, retained  | display_state_t            |                    |
 * | display.toast          | event to service | display_toast_t            |                    |
 * | display.set            | request          | display_set_t              | none               |
 * | display.get            | request          | none                       | display_info_t     |
 * | display.raise          | request          | display_raise_t            | none               |
 * | display.fault          | request          | display_fault_request_t    | none               |
 * | display.surface_open   | request of apps  | display_surface_open_t     | .._opened_t        |
 * | display.surface_commit | request of apps  | display_surface_commit_t   | .._committed_t     |
 * | display.surface_close  | request of apps  | display_surface_close_t    | none               |
 *
 * Apps use the last three through display_app/display_surface.h.
 */

#include "display_app/display_types.h"
#include "system_service/status_events.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DISPLAY_SERVICE_NAME   "display"
#define DISPLAY_EVENTS_VERSION 1

#define DISPLAY_STATE_EVENT    "display.state"
#define DISPLAY_TOAST_EVENT    "display.toast"
#define DISPLAY_SET_REQUEST    "display.set"
#define DISPLAY_GET_REQUEST    "display.get"
#define DISPLAY_RAISE_REQUEST  "display.raise"
#define DISPLAY_FAULT_REQUEST  "display.fault"
#define DISPLAY_OPEN_REQUEST   "display.surface_open"
#define DISPLAY_COMMIT_REQUEST "display.surface_commit"
#define DISPLAY_CLOSE_REQUEST  "display.surface_close"

/** How the panel is. */
typedef enum {
    DISPLAY_PANEL_ABSENT = 0, /**< it does not answer; it is looked for again and again */
    DISPLAY_PANEL_WELL,
    DISPLAY_PANEL_FAILING, /**< transfers fail; they are repeated */
} display_panel_t;

/** display.state: posted when one of these changes. */
typedef struct {
    status_header_t header;
    uint16_t width;     /**< of the screen as it is turned now */
    uint16_t height;    /**< the same */
    uint16_t top;       /**< rows of the status bar; an app's surface is below */
    uint16_t degrees;   /**< 0, 90, 180, 270 clockwise */
    uint8_t brightness; /**< percent */
    bool awake;
    uint8_t panel;    /**< display_panel_t */
    uint8_t surfaces; /**< open now */
} display_state_t;

/** display.toast: a short text over everything; a newer one takes the place of an older one. */
#define DISPLAY_TOAST_TEXT 80
typedef struct {
    status_header_t header;
    uint32_t duration_ms; /**< 0 = 2500; at most 10000 */
    char text[DISPLAY_TOAST_TEXT];
} display_toast_t;

/** display.set: what is to change; bits of display_set_t.what. */
enum {
    DISPLAY_SET_BRIGHTNESS = 1 << 0,
    DISPLAY_SET_DEGREES = 1 << 1,
    DISPLAY_SET_AWAKE = 1 << 2,
};

/** display.set. Answered with ESP_OK; ESP_ERR_INVALID_ARG a value out of its range, and nothing was
 *  changed; or what the panel's driver said, which is tried again when the panel is well. */
typedef struct {
    status_header_t header;
    uint8_t what;       /**< DISPLAY_SET_* */
    uint8_t brightness; /**< 1..100 percent */
    uint16_t degrees;   /**< 0, 90, 180, 270 */
    bool awake;         /**< false: light and picture off, until true */
} display_set_t;

/** The answer to display.get. */
typedef struct {
    status_header_t header;
    display_state_t state;
    uint32_t frames;   /**< that had something new */
    uint32_t flushes;  /**< rectangles transferred */
    uint32_t failures; /**< transfers that failed */
    uint32_t reopened; /**< how often the panel had to be set up again */
    bool due;          /**< a frame is to come: not everything is on the panel yet */
    uint8_t reserved[3];
    uint64_t pixels; /**< transferred */
} display_info_t;

/** display.raise: bring an app to the front. An app may name itself, the app
 *  CONFIG_DISPLAY_HOME_APP and firmware anyone. ESP_OK; ESP_ERR_NOT_FOUND it has no surface;
 *  ESP_ERR_NOT_OWNER */
typedef struct {
    status_header_t header;
    system_service_id_t app; /**< SYSTEM_SERVICE_ID_NONE = by name */
    char name[SYSTEM_NAME_MAX + 1];
} display_raise_t;

/** What is to go wrong between the service and its panel. */
typedef enum {
    DISPLAY_FAULT_NONE = 0,  /**< all is well again */
    DISPLAY_FAULT_UNPLUGGED, /**< nothing answers */
    DISPLAY_FAULT_STUCK,     /**< the next transfer never returns; once */
    DISPLAY_FAULT_SHORT,     /**< half of each rectangle arrives */
    DISPLAY_FAULT_WRONG,     /**< what arrives is not what was sent, and the panel notices */
    DISPLAY_FAULTS,          /**< how many there are */
} display_fault_t;

/** display.fault, for trying out what happens then. From firmware alone (ESP_ERR_NOT_OWNER);
 *  ESP_ERR_INVALID_ARG; ESP_ERR_SYSTEM_DISABLED without CONFIG_SYSTEM_FAULT_INJECTION. */
typedef struct {
    status_header_t header;
    uint8_t fault; /**< display_fault_t */
} display_fault_request_t;

/* ---- surfaces ----------------------------------------------------------------------------------
 */

#define DISPLAY_TITLE 24

/** ESP_OK, also when the app has a surface: the same; ESP_ERR_NOT_OWNER not an app;
 *  ESP_ERR_NO_MEM CONFIG_DISPLAY_SURFACES are open. */
typedef struct {
    status_header_t header;
    char title[DISPLAY_TITLE]; /**< for the status bar; "" = the app's name */
} display_surface_open_t;

typedef struct {
    status_header_t header;
    uint32_t surface; /**< its handle */
    uint16_t width;
    uint16_t height;
    display_color_t *pixels; /**< width * height at most; good until the app ends */
} display_surface_opened_t;

/** Show what was drawn. ESP_OK; ESP_ERR_NOT_FOUND no such surface (any more);
 *  ESP_ERR_INVALID_SIZE it was drawn for another size: the answer says which one it is now. */
typedef struct {
    status_header_t header;
    uint32_t surface;
    uint16_t width; /**< that it was drawn for */
    uint16_t height;
    display_damage_t damage;
} display_surface_commit_t;

typedef struct {
    status_header_t header;
    uint16_t width;
    uint16_t height;
} display_surface_committed_t;

/** ESP_OK; ESP_ERR_NOT_FOUND. The end of the app does the same. */
typedef struct {
    status_header_t header;
    uint32_t surface;
} display_surface_close_t;

#ifdef __cplusplus
}
#endif
