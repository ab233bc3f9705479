/* SPDX-License-Identifier: Apache-2.0 */
/* What peers read about us, and what they want of whoever plays. */
#include <string.h>

#include "bluetooth_internal.h"
#include "esp_app_desc.h"

#define INFO_FORMAT   1
#define HEALTH_FORMAT 1
#define APPEARANCE    0x0080 /* Generic Computer (Assigned Numbers 2.6) */

static void set_text(uint8_t value, const char *text)
{
    bluetooth_value_set(value, text, strlen(text));
}

void bluetooth_control_begin(const char *name)
{
    static const uint8_t s_appearance[2] = {APPEARANCE & 0xff, APPEARANCE >> 8};
    set_text(GATT_VALUE_NAME, name);
    bluetooth_value_set(GATT_VALUE_APPEARANCE, s_appearance, sizeof(s_appearance));
    set_text(GATT_VALUE_MANUFACTURER, "Kraken-OS");
}

/** Not before somebody is there to read it: by then the backend knows what program this is. */
void bluetooth_control_describe(void)
{
    const esp_app_desc_t *firmware = esp_app_get_description();
    uint8_t info[BLUETOOTH_VALUE_MAX] = {INFO_FORMAT, BLUETOOTH_EVENTS_VERSION, BLUETOOTH_LINKS};
    const size_t length = strnlen(firmware->version, sizeof(firmware->version));
    memcpy(info + 4, firmware->version, length);
    bluetooth_value_set(GATT_VALUE_MODEL, firmware->project_name,
                        strnlen(firmware->project_name, sizeof(firmware->project_name)));
    bluetooth_value_set(GATT_VALUE_FIRMWARE, firmware->version, length);
    bluetooth_value_set(GATT_VALUE_INFO, info, 4 + length);
}

void bluetooth_control_health(uint8_t verdict, uint32_t reasons)
{
    uint8_t out[8] = {HEALTH_FORMAT, verdict};
    for (unsigned i = 0; i < 4; i++) {
        out[4 + i] = (uint8_t)(reasons >> (8 * i));
    }
    bluetooth_peers_publish(GATT_VALUE_HEALTH, out, sizeof(out));
}

/** An action, and its value of 32 bits if it has one. */
bool bluetooth_control_take(uint8_t link, const uint8_t *data, size_t size)
{
    static const struct {
        bool has_value;
        uint32_t min, max;
    } s_actions[BLUETOOTH_CONTROLS] = {
        [BLUETOOTH_CONTROL_VOLUME] = {true, 0, 100},
        [BLUETOOTH_CONTROL_LOUDER] = {true, 1, 100},
        [BLUETOOTH_CONTROL_QUIETER] = {true, 1, 100},
        [BLUETOOTH_CONTROL_SEEK] = {true, 0, UINT32_MAX},
    };
    if (size == 0 || data[0] == BLUETOOTH_CONTROL_NONE || data[0] >= BLUETOOTH_CONTROLS ||
        size != (s_actions[data[0]].has_value ? 5 : 1)) {
        return false;
    }
    bluetooth_control_t control = {
        .header = BLUETOOTH_HEADER(bluetooth_control_t), .action = data[0], .link = link};
    if (size == 5) {
        control.value = (uint32_t)data[1] | (uint32_t)data[2] << 8 | (uint32_t)data[3] << 16 |
                        (uint32_t)data[4] << 24;
        if (control.value < s_actions[data[0]].min || control.value > s_actions[data[0]].max) {
            return false;
        }
    }
    bluetooth_service_control(&control);
    return true;
}
