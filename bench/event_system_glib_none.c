// SPDX-License-Identifier: Apache-2.0
#include "event_system.h"

const event_system_t event_system_glib = {
    .name = "glib",
    .about = "not built: libglib2.0-dev is not installed",
};
