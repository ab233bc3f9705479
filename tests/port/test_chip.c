// SPDX-License-Identifier: Apache-2.0

// What the chip and the program say about themselves, and randomness.

#include "ktest.h"

#include <string.h>
#include "esp_app_desc.h"
#include "esp_chip_info.h"
#include "esp_cpu.h"
#include "esp_debug_helpers.h"
#include "esp_mac.h"
#include "esp_random.h"
#include "esp_rom_crc.h"
#include "esp_rom_sys.h"
#include "esp_system.h"
#include "host_log.h"

static void description_is_complete(void **state)
{
    char hex[65];
    char cut[10];
    (void)state;
    const esp_app_desc_t *desc = esp_app_get_description();
    assert_int_equal(desc->magic_word, ESP_APP_DESC_MAGIC_WORD);
    assert_string_not_equal(desc->version, "");
    assert_string_equal(desc->idf_ver, esp_get_idf_version());
    assert_int_equal(esp_app_get_elf_sha256(hex, sizeof(hex)), 65);
    assert_int_equal(strspn(hex, "0123456789abcdef"), 64);
    assert_int_equal(esp_app_get_elf_sha256(cut, sizeof(cut)), 9);
    assert_memory_equal(hex, cut, 8);
}

static void addresses_follow_the_base(void **state)
{
    static const uint8_t base[6] = {0x02, 1, 2, 3, 4, 5};
    static const uint8_t multicast[6] = {0x01, 1, 2, 3, 4, 5};
    uint8_t mac[6];
    (void)state;
    assert_int_equal(esp_base_mac_addr_set(NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_base_mac_addr_set(multicast), ESP_ERR_INVALID_MAC);
    assert_int_equal(esp_base_mac_addr_set(base), ESP_OK);
    assert_int_equal(esp_read_mac(mac, ESP_MAC_WIFI_STA), ESP_OK);
    assert_memory_equal(mac, base, 6);
    assert_int_equal(esp_read_mac(mac, ESP_MAC_BT), ESP_OK);
    assert_int_equal(mac[5], base[5] + 2);
    assert_int_equal(esp_read_mac(mac, ESP_MAC_EFUSE_CUSTOM), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(esp_mac_addr_len_get(ESP_MAC_IEEE802154), 8);
}

static void chip_is_no_silicon_and_has_two_cores(void **state)
{
    esp_chip_info_t info;
    uint32_t word = 5;
    (void)state;
    esp_chip_info(&info);
    assert_int_equal(info.model, CHIP_POSIX_LINUX);
    assert_int_equal(info.cores, 2);
    assert_int_equal(esp_cpu_get_core_id(), 0); // the main task's
    assert_true(esp_cpu_compare_and_set(&word, 5, 6));
    assert_false(esp_cpu_compare_and_set(&word, 5, 7));
    assert_int_equal(word, 6);
}

static void cycles_count_with_the_clock(void **state)
{
    (void)state;
    uint32_t before = esp_cpu_get_cycle_count();
    esp_rom_delay_us(200);
    assert_true(esp_cpu_get_cycle_count() - before >= 200u * esp_rom_get_cpu_ticks_per_us());
}

static void random_bytes_fill_all_of_a_buffer(void **state)
{
    uint8_t seen[13] = {0};
    uint8_t guarded[15] = {0};
    (void)state;
    for (int i = 0; i < 64; i++) {
        esp_fill_random(guarded + 1, 13);
        for (int k = 0; k < 13; k++) {
            seen[k] |= guarded[k + 1];
        }
    }
    for (int k = 0; k < 13; k++) {
        assert_int_not_equal(seen[k], 0);
    }
    assert_int_equal(guarded[0] | guarded[14], 0);
}

static void crc_is_the_usual_one(void **state)
{
    const uint8_t *digits = (const uint8_t *)"123456789";
    (void)state;
    assert_int_equal(esp_rom_crc32_le(0, digits, 9), 0xcbf43926u);
    assert_int_equal(esp_rom_crc32_le(esp_rom_crc32_le(0, digits, 4), digits + 4, 5), 0xcbf43926u);
}

static void backtrace_is_printed(void **state)
{
    (void)state;
    host_log_capture_start(false);
    assert_int_equal(esp_backtrace_print(0), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_backtrace_print(4), ESP_OK);
    host_log_capture_stop();
    assert_int_equal(host_log_count("Backtrace:"), 1);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(description_is_complete),
        cmocka_unit_test(addresses_follow_the_base),
        cmocka_unit_test(chip_is_no_silicon_and_has_two_cores),
        cmocka_unit_test(cycles_count_with_the_clock),
        cmocka_unit_test(random_bytes_fill_all_of_a_buffer),
        cmocka_unit_test(crc_is_the_usual_one),
        cmocka_unit_test(backtrace_is_printed),
    };
    return KTEST_MAIN(argc, argv, tests);
}
