// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/cdefs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
