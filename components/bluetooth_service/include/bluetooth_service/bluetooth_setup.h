/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What a paired peer wants to set up, for the task that also takes its packages
 *        (bluetooth_package.h): the service itself knows no network, and no event carries a secret.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    BLUETOOTH_SETUP_JOIN = 1, /**< remember the network called name, and join it */
    BLUETOOTH_SETUP_FORGET,   /**< factory reset: everything that was set up or installed */
} bluetooth_setup_kind_t;

typedef struct {
    uint8_t what;    /**< bluetooth_setup_kind_t */
    char name[33];   /**< of a network */
    char secret[65]; /**< "" = none */
} bluetooth_setup_t;

/** @brief Take what bluetooth_package_wait() told of. Whoever took it must say how it went.
 *  @context the task that waited  @blocks never  @return false: there is nothing */
bool bluetooth_setup_take(bluetooth_setup_t *out);

/** @brief Tell the peer how it went.  @context the task that took it  @blocks never */
void bluetooth_setup_done(esp_err_t status);

#ifdef __cplusplus
}
#endif
