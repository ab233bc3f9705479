/* SPDX-License-Identifier: Apache-2.0 */
#include "system_service/error_codes.h"

#include <stdint.h>
#include <string.h>

#include "sdkconfig.h"

#define IN_RANGE(name, offset, text)                                                               \
    _Static_assert((name) > SYSTEM_ERR_BASE && (name) <= SYSTEM_ERR_LAST, #name);
SYSTEM_ERROR_LIST(IN_RANGE)

#if defined(CONFIG_SYSTEM_ERROR_NAMES) || defined(CONFIG_SYSTEM_ERROR_TEXTS)

/* One after the other and without pointers: a third of the flash that a switch takes. */
#define OFFSET_OF(name, offset, text) offset,
static const uint16_t s_offsets[] = {SYSTEM_ERROR_LIST(OFFSET_OF)};

#define CODES (sizeof(s_offsets) / sizeof(s_offsets[0]))

/** The string that belongs to code, or NULL: it is none of ours. */
static const char *string_of(const char *strings, esp_err_t code)
{
    for (unsigned i = 0; i < CODES; i++) {
        if (code == SYSTEM_ERR_BASE + (esp_err_t)s_offsets[i]) {
            return strings;
        }
        strings += strlen(strings) + 1;
    }
    return NULL;
}

#endif

const char *system_error_to_string(esp_err_t code)
{
#ifdef CONFIG_SYSTEM_ERROR_NAMES
#define NAME_OF(name, offset, text) #name "\0"
    static const char s_names[] = SYSTEM_ERROR_LIST(NAME_OF);
    const char *name = string_of(s_names, code);
    if (name != NULL) {
        return name;
    }
#endif
    return esp_err_to_name(code);
}

#ifdef CONFIG_SYSTEM_ERROR_TEXTS

const char *system_error_describe(esp_err_t code)
{
#define TEXT_OF(name, offset, text) text "\0"
    static const char s_texts[] = SYSTEM_ERROR_LIST(TEXT_OF);
    const char *text = string_of(s_texts, code);
    if (text != NULL) {
        return text;
    }
    switch (code) {
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

#else

const char *system_error_describe(esp_err_t code)
{
    return system_error_to_string(code);
}

#endif
