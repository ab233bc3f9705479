/* SPDX-License-Identifier: Apache-2.0 */
#include "system_service/error_codes.h"

#define IN_RANGE(name, offset, text)                                                               \
    _Static_assert((name) > SYSTEM_ERR_BASE && (name) <= SYSTEM_ERR_LAST, #name);
SYSTEM_ERROR_LIST(IN_RANGE)

/* Two codes of one value would be two equal case labels, which no compiler accepts. */

const char *system_error_to_string(esp_err_t code)
{
    switch (code) {
#define AS_NAME(name, offset, text)                                                                \
    case name:                                                                                     \
        return #name;
        SYSTEM_ERROR_LIST(AS_NAME)
    default:
        return esp_err_to_name(code);
    }
}

const char *system_error_describe(esp_err_t code)
{
    switch (code) {
#define AS_TEXT(name, offset, text)                                                                \
    case name:                                                                                     \
        return text;
        SYSTEM_ERROR_LIST(AS_TEXT)
    case ESP_OK:
        return "no error";
    case ESP_FAIL:
        return "failed without a more precise reason";
    case ESP_ERR_NO_MEM:
        return "out of memory";
    case ESP_ERR_INVALID_ARG:
        return "an argument is NULL or out of range";
    case ESP_ERR_INVALID_STATE:
        return "this cannot be done now, or not from here";
    case ESP_ERR_INVALID_SIZE:
        return "a size is wrong, or the buffer is too small";
    case ESP_ERR_NOT_FOUND:
        return "what was asked for does not exist";
    case ESP_ERR_NOT_SUPPORTED:
        return "this is not supported here";
    case ESP_ERR_TIMEOUT:
        return "it did not happen in time";
    default:
        return esp_err_to_name(code);
    }
}
