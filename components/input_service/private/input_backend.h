/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The seam to buttons, touch panel and knob: port/esp32s3 reads pins, an I2C controller and
 *        a pulse counter, port/linux the wires of the virtual board.
 *
 * Called by the input service alone, one call at a time. When the service is restarted,
 * input_backend_open() comes without a close before it, in another task.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

/** One change, with the time when it happened. */
typedef struct {
    enum {
        INPUT_RAW_KEY,   /**< key, down */
        INPUT_RAW_TOUCH, /**< down, x, y */
        INPUT_RAW_KNOB,  /**< count */
    } kind;
    uint8_t key;    /**< input_button_t that the hardware calls it */
    bool down;      /**< pressed; the finger is on the glass, also while it moves */
    bool held;      /**< of a key: was down before anybody looked */
    bool upright;   /**< of a touch: x, y are of the panel when it stands upright, not as it is
                         turned now */
    int16_t x;      /**< pixels */
    int16_t y;      /**< pixels */
    uint16_t count; /**< of the knob, clockwise upwards; wraps */
    int64_t at_us;  /**< esp_timer_get_time() of the edge */
} input_raw_t;

/** What there is; bits. */
enum {
    INPUT_HAS_KEYS = 1 << 0,
    INPUT_HAS_TOUCH = 1 << 1,
    INPUT_HAS_KNOB = 1 << 2,
};

/**
 * @brief Claim the hardware and begin to listen.
 * @param[in]  changed called in an interrupt whenever there is something to take
 * @param[out] has     INPUT_HAS_* that work; what does not answer is told in the log and left out
 * @return ESP_OK, also when nothing answers; ESP_ERR_NO_MEM; what the drivers returned
 */
esp_err_t input_backend_open(void (*changed)(void), uint8_t *has);

/** Listen no more and release the hardware. Fine on what is not open. */
void input_backend_close(void);

/** @brief Take the oldest change. @return false: there is none */
bool input_backend_take(input_raw_t *raw);

/** @brief In how many ms to look again although nothing changed: a finger that moves, a knob that
 *         nobody interrupts for. @return 0 = no need */
uint32_t input_backend_poll_ms(void);

/** @brief Ask what can be asked whether it is there. @param[out] has INPUT_HAS_* that answer */
void input_backend_probe(uint8_t *has);

/** @brief How many changes were lost since open: more came than could be kept. */
uint32_t input_backend_lost(void);
