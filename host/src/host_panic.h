// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "esp_system.h"

/** Starts again with this reason, or ends the process with HOST_EXIT_PANIC. */
void host_panic_reset(esp_reset_reason_t reason) __attribute__((noreturn));
