// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sdkconfig.h"

#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#endif
#ifndef unlikely
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

#define ESP_COMPILER_PRAGMA_(text) _Pragma(#text)
#define ESP_COMPILER_DIAGNOSTIC_PUSH_IGNORE(warning)                                               \
    ESP_COMPILER_PRAGMA_(GCC diagnostic push)                                                      \
    ESP_COMPILER_PRAGMA_(GCC diagnostic ignored "-Wpragmas")                                       \
    ESP_COMPILER_PRAGMA_(GCC diagnostic ignored warning)
#define ESP_COMPILER_DIAGNOSTIC_POP(warning) ESP_COMPILER_PRAGMA_(GCC diagnostic pop)

// Only a static analyser build gives this a meaning; there is none on the PC.
#define ESP_STATIC_ANALYZER_CHECK(_expr_, _ret_)

// C can name the member of a designated aggregate and leave out an empty one.
#define ESP_COMPILER_DESIGNATED_INIT_AGGREGATE_TYPE_STR(member, value) .member = value,
#define ESP_COMPILER_DESIGNATED_INIT_AGGREGATE_TYPE_EMPTY(member)
