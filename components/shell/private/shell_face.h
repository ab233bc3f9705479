/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The seam to where the operator sits; one implementation per platform under port/.
 */

#include <stdbool.h>

#include "esp_err.h"

/** Begin to read commands in a task of its own. @return ESP_OK; ESP_ERR_NO_MEM; the platform's */
esp_err_t shell_face_open(void);

/** The operator wants to leave. @return false: there is nowhere to leave to, e.g. on a UART */
bool shell_face_quit(void);
