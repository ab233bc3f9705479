// SPDX-License-Identifier: Apache-2.0

// Key-value storage against what ESP-IDF's headers promise.

#include "ktest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "esp_partition.h"
#include "esp_rom_crc.h"
#include "host_flash.h"
#include "host_heap.h"
#include "nvs.h"
#include "nvs_flash.h"

static const char s_table[] = "# Name, Type, SubType, Offset, Size, Flags\n"
                              "nvs,      data, nvs,     0x9000,  16K\n"
                              "phy_init, data, phy,     ,        4K, readonly\n"
                              "factory,  app,  factory, ,        1M\n"
                              "ota_0,    app,  ota_0,   ,        1M\n"
                              "nvs2,     data, nvs,     ,        0x3000\n"
                              "apps,     data, 0x40,    ,        64K\n";

static nvs_handle_t fresh(void)
{
    nvs_handle_t h = 0;
    assert_int_equal(nvs_flash_erase(), ESP_OK);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open("test", NVS_READWRITE, &h), ESP_OK);
    return h;
}

static void remount(nvs_handle_t *h)
{
    assert_int_equal(nvs_flash_deinit(), ESP_OK);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open("test", NVS_READWRITE, h), ESP_OK);
}

static void opening_has_its_errors(void **state)
{
    nvs_handle_t h;
    (void)state;
    (void)nvs_flash_deinit();
    assert_int_equal(nvs_flash_deinit(), ESP_ERR_NVS_NOT_INITIALIZED);
    assert_int_equal(nvs_open("test", NVS_READWRITE, &h), ESP_ERR_NVS_NOT_INITIALIZED);
    assert_int_equal(nvs_flash_init_partition("none"), ESP_ERR_NOT_FOUND);
    assert_int_equal(nvs_flash_erase_partition("none"), ESP_ERR_NOT_FOUND);
    h = fresh();
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(nvs_open_from_partition("nvs2", "x", NVS_READWRITE, &h),
                     ESP_ERR_NVS_PART_NOT_FOUND);
    assert_int_equal(nvs_open("absent", NVS_READONLY, &h), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_open("sixteen_letters_", NVS_READWRITE, &h), ESP_ERR_NVS_KEY_TOO_LONG);
    assert_int_equal(nvs_open("fifteen_letters", NVS_READWRITE, &h), ESP_OK);
    nvs_close(h);
    assert_int_equal(nvs_set_u8(h, "k", 1), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_commit(h), ESP_ERR_NVS_INVALID_HANDLE);
    assert_int_equal(nvs_open("test", NVS_READONLY, &h), ESP_OK);
    assert_int_equal(nvs_set_u8(h, "k", 1), ESP_ERR_NVS_READ_ONLY);
    assert_int_equal(nvs_erase_key(h, "k"), ESP_ERR_NVS_READ_ONLY);
    assert_int_equal(nvs_erase_all(h), ESP_ERR_NVS_READ_ONLY);
    host_heap_fail_nth(1, 1);
    assert_int_equal(nvs_open("test", NVS_READONLY, &h), ESP_ERR_NO_MEM);
    host_heap_fail_nth(0, 0);
}

static void every_type_comes_back(void **state)
{
    int8_t i8;
    uint16_t u16;
    int32_t i32;
    int64_t i64;
    uint64_t u64;
    char text[16];
    size_t length = sizeof(text);
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_set_i8(h, "i8", -5), ESP_OK);
    assert_int_equal(nvs_set_u16(h, "u16", 65535), ESP_OK);
    assert_int_equal(nvs_set_i32(h, "i32", INT32_MIN), ESP_OK);
    assert_int_equal(nvs_set_i64(h, "i64", INT64_MIN), ESP_OK);
    assert_int_equal(nvs_set_u64(h, "u64", UINT64_MAX), ESP_OK);
    assert_int_equal(nvs_set_str(h, "str", "hello"), ESP_OK);
    assert_int_equal(nvs_commit(h), ESP_OK);
    remount(&h);
    assert_int_equal(nvs_get_i8(h, "i8", &i8), ESP_OK);
    assert_int_equal(nvs_get_u16(h, "u16", &u16), ESP_OK);
    assert_int_equal(nvs_get_i32(h, "i32", &i32), ESP_OK);
    assert_int_equal(nvs_get_i64(h, "i64", &i64), ESP_OK);
    assert_int_equal(nvs_get_u64(h, "u64", &u64), ESP_OK);
    assert_int_equal(nvs_get_str(h, "str", text, &length), ESP_OK);
    assert_true(i8 == -5 && u16 == 65535 && i32 == INT32_MIN && i64 == INT64_MIN);
    assert_true(u64 == UINT64_MAX && length == 6);
    assert_string_equal(text, "hello");
}

static void reading_has_its_errors(void **state)
{
    uint8_t u8 = 77;
    char text[8] = "same";
    size_t length = 3;
    nvs_type_t type;
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_get_u8(h, "none", &u8), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_set_i32(h, "n", 1), ESP_OK);
    assert_int_equal(nvs_get_u8(h, "n", &u8), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(u8, 77);
    assert_int_equal(nvs_set_str(h, "s", "abcdef"), ESP_OK);
    assert_int_equal(nvs_get_str(h, "s", text, &length), ESP_ERR_NVS_INVALID_LENGTH);
    assert_int_equal(length, 7);
    assert_string_equal(text, "same");
    assert_int_equal(nvs_get_str(h, "s", NULL, &length), ESP_OK);
    assert_int_equal(nvs_get_str(h, "s", text, NULL), ESP_ERR_NVS_INVALID_LENGTH);
    assert_int_equal(nvs_get_blob(h, "s", text, &length), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_find_key(h, "s", &type), ESP_OK);
    assert_int_equal(type, NVS_TYPE_STR);
    assert_int_equal(nvs_find_key(h, "none", &type), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_set_u8(h, "s", 9), ESP_OK); // another type replaces the value
    assert_int_equal(nvs_get_str(h, "s", text, &length), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_erase_key(h, "s"), ESP_OK);
    assert_int_equal(nvs_erase_key(h, "s"), ESP_ERR_NVS_NOT_FOUND);
    assert_int_equal(nvs_set_u8(h, "sixteen_letters_", 1), ESP_ERR_NVS_KEY_TOO_LONG);
}

static void long_values_have_limits(void **state)
{
    static char s_text[4002];
    static uint8_t s_blob[12000];
    static uint8_t s_back[12000];
    size_t length = sizeof(s_back);
    (void)state;
    nvs_handle_t h = fresh();
    memset(s_text, 'a', 4000);
    assert_int_equal(nvs_set_str(h, "s", s_text), ESP_ERR_NVS_VALUE_TOO_LONG);
    s_text[3999] = '\0';
    assert_int_equal(nvs_set_str(h, "s", s_text), ESP_OK);
    assert_int_equal(nvs_erase_all(h), ESP_OK);
    assert_int_equal(nvs_set_blob(h, "b", s_blob, 3 * 4000 + 1), ESP_ERR_NVS_VALUE_TOO_LONG);
    for (size_t i = 0; i < sizeof(s_blob); i++) {
        s_blob[i] = (uint8_t)(i * 7 + i / 256);
    }
    assert_int_equal(nvs_set_blob(h, "b", s_blob, 9000), ESP_OK);
    assert_int_equal(nvs_set_blob(h, "empty", s_blob, 0), ESP_OK);
    assert_int_equal(nvs_set_blob(h, "c", s_blob, 9000), ESP_ERR_NVS_NOT_ENOUGH_SPACE);
    remount(&h);
    assert_int_equal(nvs_get_blob(h, "b", s_back, &length), ESP_OK);
    assert_int_equal(length, 9000);
    assert_memory_equal(s_blob, s_back, 9000);
    assert_int_equal(nvs_get_blob(h, "empty", s_back, &length), ESP_OK);
    assert_int_equal(length, 0);
    assert_int_equal(nvs_get_blob(h, "c", NULL, &length), ESP_ERR_NVS_NOT_FOUND);
}

static void figures_count_entries(void **state)
{
    nvs_stats_t stats;
    size_t used;
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_get_stats(NULL, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(nvs_get_stats("nvs2", &stats), ESP_ERR_NVS_NOT_INITIALIZED);
    assert_int_equal(nvs_set_u8(h, "a", 1), ESP_OK);
    assert_int_equal(nvs_set_str(h, "b", "0123456789012345678901234567890"), ESP_OK);
    assert_int_equal(nvs_set_blob(h, "c", "0123456789", 10), ESP_OK);
    assert_int_equal(nvs_get_stats(NULL, &stats), ESP_OK);
    assert_int_equal(stats.total_entries, 4 * 126);
    assert_int_equal(stats.used_entries, 1 + 1 + 2 + 3);
    assert_int_equal(stats.free_entries, stats.total_entries - stats.used_entries);
    assert_int_equal(stats.available_entries, stats.free_entries - 126);
    assert_int_equal(stats.namespace_count, 1);
    assert_int_equal(nvs_get_used_entry_count(h, &used), ESP_OK);
    assert_int_equal(used, 6);
}

static void entries_are_listed(void **state)
{
    nvs_iterator_t it = NULL;
    nvs_entry_info_t info;
    nvs_handle_t other;
    int count = 0;
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_entry_find("nvs", NULL, NVS_TYPE_ANY, &it), ESP_ERR_NVS_NOT_FOUND);
    assert_null(it);
    assert_int_equal(nvs_open("other", NVS_READWRITE, &other), ESP_OK);
    assert_int_equal(nvs_set_u8(h, "one", 1), ESP_OK);
    assert_int_equal(nvs_set_blob(h, "two", "x", 1), ESP_OK);
    assert_int_equal(nvs_set_u8(other, "three", 3), ESP_OK);
    esp_err_t err = nvs_entry_find("nvs", NULL, NVS_TYPE_ANY, &it);
    for (; err == ESP_OK; err = nvs_entry_next(&it)) {
        count++;
    }
    assert_int_equal(err, ESP_ERR_NVS_NOT_FOUND);
    assert_null(it);
    assert_int_equal(count, 3);
    assert_int_equal(nvs_entry_find("nvs", "other", NVS_TYPE_U8, &it), ESP_OK);
    assert_int_equal(nvs_entry_info(it, &info), ESP_OK);
    assert_string_equal(info.namespace_name, "other");
    assert_string_equal(info.key, "three");
    nvs_release_iterator(it);
    assert_int_equal(nvs_entry_find_in_handle(h, NVS_TYPE_BLOB, &it), ESP_OK);
    assert_int_equal(nvs_entry_info(it, &info), ESP_OK);
    assert_string_equal(info.key, "two");
    assert_int_equal(info.type, NVS_TYPE_BLOB);
    nvs_release_iterator(it);
}

static void writing_the_same_value_costs_no_flash(void **state)
{
    host_flash_stats_t before;
    host_flash_stats_t after;
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_set_str(h, "s", "unchanged"), ESP_OK);
    host_flash_get_stats(&before);
    assert_int_equal(nvs_set_str(h, "s", "unchanged"), ESP_OK);
    host_flash_get_stats(&after);
    assert_int_equal(before.bytes_written, after.bytes_written);
}

static void it_can_be_rewritten_for_ever(void **state)
{
    uint32_t value;
    uint8_t kept;
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_set_u8(h, "kept", 99), ESP_OK);
    for (uint32_t i = 0; i < 3000; i++) {
        assert_int_equal(nvs_set_u32(h, "n", i), ESP_OK);
    }
    remount(&h);
    assert_int_equal(nvs_get_u32(h, "n", &value), ESP_OK);
    assert_int_equal(value, 2999);
    assert_int_equal(nvs_get_u8(h, "kept", &kept), ESP_OK);
    assert_int_equal(kept, 99);
}

static void a_full_partition_says_so_and_recovers(void **state)
{
    char key[16];
    int n = 0;
    esp_err_t err = ESP_OK;
    (void)state;
    nvs_handle_t h = fresh();
    while (err == ESP_OK) {
        snprintf(key, sizeof(key), "k%d", n);
        err = nvs_set_i32(h, key, n);
        n += err == ESP_OK;
    }
    assert_int_equal(err, ESP_ERR_NVS_NOT_ENOUGH_SPACE);
    assert_int_equal(n, 3 * 126 - 1); // one page in reserve, one entry is the namespace
    assert_int_equal(nvs_erase_key(h, "k7"), ESP_OK);
    assert_int_equal(nvs_set_i32(h, "again", 1), ESP_OK);
}

static void garbage_is_erased_and_newer_versions_refused(void **state)
{
    nvs_handle_t h;
    uint8_t noise[64];
    const esp_partition_t *p =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_NVS, "nvs2");
    (void)state;
    memset(noise, 0x5a, sizeof(noise));
    assert_int_equal(nvs_flash_erase_partition("nvs2"), ESP_OK);
    assert_int_equal(esp_partition_write(p, 0, noise, sizeof(noise)), ESP_OK);
    assert_int_equal(nvs_flash_init_partition("nvs2"), ESP_OK);
    assert_int_equal(nvs_open_from_partition("nvs2", "x", NVS_READWRITE, &h), ESP_OK);
    assert_int_equal(nvs_set_u8(h, "k", 1), ESP_OK);
    assert_int_equal(nvs_flash_deinit_partition("nvs2"), ESP_OK);
    // The first three words of a page are magic, version and number; their CRC is the fourth.
    uint32_t header[4];
    assert_true(host_flash_peek(p->address, header, sizeof(header)));
    header[1]++;
    header[3] = esp_rom_crc32_le(0, (const uint8_t *)header, 12);
    assert_true(host_flash_poke(p->address, header, sizeof(header)));
    assert_int_equal(nvs_flash_init_partition("nvs2"), ESP_ERR_NVS_NEW_VERSION_FOUND);
    assert_int_equal(nvs_flash_erase_partition("nvs2"), ESP_OK);
    assert_int_equal(nvs_flash_init_partition("nvs2"), ESP_OK);
}

static void damaged_data_is_not_handed_out(void **state)
{
    char bytes[4096];
    char text[64];
    size_t length = sizeof(text);
    const esp_partition_t *p =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_NVS, "nvs");
    (void)state;
    nvs_handle_t h = fresh();
    assert_int_equal(nvs_set_str(h, "s", "a text that will be damaged"), ESP_OK);
    assert_true(host_flash_peek(p->address, bytes, sizeof(bytes)));
    char *at = memmem(bytes, sizeof(bytes), "damaged", 7);
    assert_non_null(at);
    assert_true(host_flash_poke(p->address + (uint32_t)(at - bytes), "D", 1));
    assert_int_equal(nvs_get_str(h, "s", text, &length), ESP_ERR_NVS_NOT_FOUND);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_has_its_errors),
        cmocka_unit_test(every_type_comes_back),
        cmocka_unit_test(reading_has_its_errors),
        cmocka_unit_test(long_values_have_limits),
        cmocka_unit_test(figures_count_entries),
        cmocka_unit_test(entries_are_listed),
        cmocka_unit_test(writing_the_same_value_costs_no_flash),
        cmocka_unit_test(it_can_be_rewritten_for_ever),
        cmocka_unit_test(a_full_partition_says_so_and_recovers),
        cmocka_unit_test(garbage_is_erased_and_newer_versions_refused),
        cmocka_unit_test(damaged_data_is_not_handed_out),
    };
    host_flash_use_table(s_table);
    return KTEST_MAIN(argc, argv, tests);
}
