// SPDX-License-Identifier: Apache-2.0

// What the chip says about itself: model, cores, clock, addresses.

#include "esp_chip_info.h"
#include "esp_cpu.h"
#include "esp_mac.h"
#include "esp_rom_sys.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "host_control.h"
#include "host_task.h"

#ifdef CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ
#define CPU_MHZ ((uint32_t)CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ)
#else
#define CPU_MHZ 160u
#endif
#define MAC_BYTES     6
#define MULTICAST_BIT 0x01

// Locally administered, so that it is nobody's.
static const uint8_t s_factory_mac[MAC_BYTES] = {0x02, 0x4b, 0x52, 0x4b, 0x4e, 0x10};
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER; // protects s_base_mac
static uint8_t s_base_mac[MAC_BYTES];
static bool s_base_set;

void esp_chip_info(esp_chip_info_t *out_info)
{
    const host_config_t *cfg = host_config();
    *out_info = (esp_chip_info_t){
        .model = CHIP_POSIX_LINUX,
        .features = CHIP_FEATURE_WIFI_BGN | CHIP_FEATURE_BLE | CHIP_FEATURE_EMB_PSRAM,
        .revision = 0,
        .cores = (uint8_t)(cfg != NULL && cfg->cores != 0 ? cfg->cores : 2),
    };
}

int esp_cpu_get_core_id(void)
{
    return host_core_id();
}

esp_cpu_cycle_count_t esp_cpu_get_cycle_count(void)
{
    return (esp_cpu_cycle_count_t)(host_now_us() * CPU_MHZ);
}

bool esp_cpu_compare_and_set(volatile uint32_t *addr, uint32_t compare_value, uint32_t new_value)
{
    return __atomic_compare_exchange_n(addr, &compare_value, new_value, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

bool esp_cpu_dbgr_is_attached(void)
{
    return false;
}

uint32_t esp_rom_get_cpu_ticks_per_us(void)
{
    return CPU_MHZ;
}

void esp_rom_delay_us(uint32_t us)
{
    host_busy(us);
}

esp_err_t esp_efuse_mac_get_default(uint8_t *mac)
{
    if (mac == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    memcpy(mac, s_factory_mac, MAC_BYTES);
    return ESP_OK;
}

esp_err_t esp_base_mac_addr_set(const uint8_t *mac)
{
    if (mac == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (mac[0] & MULTICAST_BIT) {
        return ESP_ERR_INVALID_MAC;
    }
    pthread_mutex_lock(&s_lock);
    memcpy(s_base_mac, mac, MAC_BYTES);
    s_base_set = true;
    pthread_mutex_unlock(&s_lock);
    return ESP_OK;
}

esp_err_t esp_base_mac_addr_get(uint8_t *mac)
{
    if (mac == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    pthread_mutex_lock(&s_lock);
    memcpy(mac, s_base_set ? s_base_mac : s_factory_mac, MAC_BYTES);
    pthread_mutex_unlock(&s_lock);
    return ESP_OK;
}

esp_err_t esp_read_mac(uint8_t *mac, esp_mac_type_t type)
{
    esp_err_t err = esp_base_mac_addr_get(mac);
    if (err != ESP_OK) {
        return err;
    }
    switch (type) {
    case ESP_MAC_WIFI_STA:
    case ESP_MAC_BASE:
        return ESP_OK;
    case ESP_MAC_WIFI_SOFTAP:
    case ESP_MAC_BT:
    case ESP_MAC_ETH:
        mac[MAC_BYTES - 1] = (uint8_t)(mac[MAC_BYTES - 1] + (uint8_t)type);
        return ESP_OK;
    case ESP_MAC_EFUSE_FACTORY:
        return esp_efuse_mac_get_default(mac);
    case ESP_MAC_IEEE802154:
    case ESP_MAC_EFUSE_CUSTOM:
    case ESP_MAC_EFUSE_EXT:
        break;
    }
    return ESP_ERR_NOT_SUPPORTED;
}

size_t esp_mac_addr_len_get(esp_mac_type_t type)
{
    switch (type) {
    case ESP_MAC_IEEE802154:
        return 8;
    case ESP_MAC_EFUSE_EXT:
        return 2;
    case ESP_MAC_WIFI_STA:
    case ESP_MAC_WIFI_SOFTAP:
    case ESP_MAC_BT:
    case ESP_MAC_ETH:
    case ESP_MAC_BASE:
    case ESP_MAC_EFUSE_FACTORY:
    case ESP_MAC_EFUSE_CUSTOM:
        return MAC_BYTES;
    }
    return 0;
}
