// SPDX-License-Identifier: Apache-2.0
#include "event_system.h"

const event_system_t event_system_esp_event = {
    .name = "esp_event",
    .about = "not built: set IDF_PATH to an ESP-IDF v5.5 before configuring",
};
