/* SPDX-License-Identifier: Apache-2.0 */
/* What peers read: copied in by the service, out by the radio's task. */
#include <string.h>

#include "bluetooth_internal.h"
#include "bluetooth_radio.h"
#include "esp_attr.h"
#include "freertos/FreeRTOS.h"

static EXT_RAM_BSS_ATTR struct {
    uint8_t size;
    uint8_t bytes[BLUETOOTH_VALUE_MAX];
} s_values[GATT_VALUES];
static portMUX_TYPE s_lock = portMUX_INITIALIZER_UNLOCKED;

void bluetooth_value_set(uint8_t value, const void *data, size_t size)
{
    size = size < BLUETOOTH_VALUE_MAX ? size : BLUETOOTH_VALUE_MAX;
    portENTER_CRITICAL(&s_lock);
    memcpy(s_values[value].bytes, data, size);
    s_values[value].size = (uint8_t)size;
    portEXIT_CRITICAL(&s_lock);
}

size_t bluetooth_value_get(uint8_t value, uint8_t *out, size_t room)
{
    if (value >= GATT_VALUES) {
        return 0;
    }
    portENTER_CRITICAL(&s_lock);
    const size_t size = s_values[value].size < room ? s_values[value].size : room;
    memcpy(out, s_values[value].bytes, size);
    portEXIT_CRITICAL(&s_lock);
    return size;
}
