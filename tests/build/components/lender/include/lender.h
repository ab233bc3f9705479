// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nvs.h"

int lender_count(void);
