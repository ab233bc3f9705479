// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <assert.h>

#ifdef __cplusplus
#define ESP_STATIC_ASSERT static_assert
#else
#define ESP_STATIC_ASSERT _Static_assert
#endif

// At compile time when the compiler knows the value, at run time otherwise.
#define TRY_STATIC_ASSERT(CONDITION, MSG)                                                          \
    do {                                                                                           \
        ESP_STATIC_ASSERT(__builtin_choose_expr(__builtin_constant_p(CONDITION), (CONDITION), 1),  \
                          #MSG);                                                                   \
        assert(#MSG && (CONDITION));                                                               \
    } while (0)
