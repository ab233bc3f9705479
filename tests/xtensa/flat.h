// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kapp_internal.h"

/** The package that was linked in. */
kapp_source_t flat_package(void);

/** Say what failed, and end. */
void flat_check(esp_err_t ret, const char *what);
