// SPDX-License-Identifier: Apache-2.0

// The flash chip and its partitions against what ESP-IDF's headers promise.

#include "ktest.h"

#include <string.h>
#include "esp_partition.h"
#include "hal/esp_flash_err.h"
#include "host_flash.h"

static const char s_table[] = "# Name, Type, SubType, Offset, Size, Flags\n"
                              "nvs,      data, nvs,     0x9000,  16K\n"
                              "phy_init, data, phy,     ,        4K, readonly\n"
                              "factory,  app,  factory, ,        1M\n"
                              "ota_0,    app,  ota_0,   ,        1M\n"
                              "nvs2,     data, nvs,     ,        0x3000\n"
                              "apps,     data, 0x40,    ,        64K\n";

static const esp_partition_t *apps(void)
{
    const esp_partition_t *p =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, (esp_partition_subtype_t)0x40, "apps");
    assert_non_null(p);
    return p;
}

static void table_gives_the_partitions(void **state)
{
    int count = 0;
    (void)state;
    const esp_partition_t *app =
        esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_FACTORY, NULL);
    assert_int_equal(app->address, 0x10000);
    assert_int_equal(app->size, 0x100000);
    assert_int_equal(app->erase_size, 4096);
    assert_string_equal(app->label, "factory");
    assert_null(esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "x"));
    assert_null(esp_partition_find(ESP_PARTITION_TYPE_ANY, ESP_PARTITION_SUBTYPE_DATA_NVS, NULL));
    esp_partition_iterator_t it =
        esp_partition_find(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_NVS, NULL);
    for (; it != NULL; it = esp_partition_next(it)) {
        assert_int_equal(esp_partition_get(it)->subtype, ESP_PARTITION_SUBTYPE_DATA_NVS);
        count++;
    }
    assert_int_equal(count, 2);
    esp_partition_t copy = *app;
    assert_ptr_equal(esp_partition_verify(&copy), app);
    assert_true(esp_partition_check_identity(&copy, app));
    copy.size += 4096;
    assert_null(esp_partition_verify(&copy));
}

static void flash_behaves_like_nor(void **state)
{
    uint8_t bytes[4];
    const void *view;
    esp_partition_mmap_handle_t handle;
    host_flash_stats_t before;
    host_flash_stats_t after;
    const esp_partition_t *p = apps();
    (void)state;
    host_flash_get_stats(&before);
    assert_int_equal(esp_partition_erase_range(p, 0, 8192), ESP_OK);
    assert_int_equal(esp_partition_mmap(p, 4000, 4, ESP_PARTITION_MMAP_DATA, &view, &handle),
                     ESP_OK);
    assert_int_equal(esp_partition_write(p, 4000, "\xf0\x0f\xaa\x55", 4), ESP_OK);
    assert_int_equal(esp_partition_write(p, 4000, "\x0f\xff\xff\x00", 4), ESP_OK);
    assert_int_equal(esp_partition_read(p, 4000, bytes, 4), ESP_OK);
    assert_memory_equal(bytes, "\x00\x0f\xaa\x00", 4);
    assert_memory_equal(view, bytes, 4);
    esp_partition_munmap(handle);
    host_flash_get_stats(&after);
    assert_int_equal(after.sectors_erased - before.sectors_erased, 2);
    assert_int_equal(after.bytes_written - before.bytes_written, 8);
    assert_int_equal(host_flash_erase_count(p->address), 1);
}

static void ranges_are_checked(void **state)
{
    uint8_t byte = 0;
    const esp_partition_t *p = apps();
    const esp_partition_t *ro =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_PHY, NULL);
    (void)state;
    assert_int_equal(esp_partition_read(p, p->size + 1, &byte, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_read(p, p->size, &byte, 1), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_partition_read(p, p->size, &byte, 0), ESP_OK);
    assert_int_equal(esp_partition_write(p, p->size + 1, &byte, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_write(p, 1, &byte, SIZE_MAX), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_partition_write(ro, 0, &byte, 1), ESP_ERR_NOT_ALLOWED);
    assert_int_equal(esp_partition_erase_range(ro, 0, 4096), ESP_ERR_NOT_ALLOWED);
    assert_int_equal(esp_partition_erase_range(p, 0, 100), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_partition_erase_range(p, 100, 4096), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_erase_range(p, 0, p->size + 4096), ESP_ERR_INVALID_SIZE);
}

static void hash_is_sha256(void **state)
{
    // The digest of 64 KB of 0xff, from sha256sum.
    static const uint8_t s_digest[32] = {
        0x71, 0x18, 0x9f, 0x7f, 0xb6, 0xae, 0xd6, 0x38, 0x64, 0x00, 0x78,
        0xfb, 0xa3, 0xa3, 0x5f, 0xda, 0x6c, 0x39, 0xc8, 0x96, 0x2e, 0x74,
        0xdc, 0xc7, 0x59, 0x35, 0xaa, 0xc9, 0x48, 0xda, 0x90, 0x63,
    };
    uint8_t digest[32];
    const esp_partition_t *p = apps();
    (void)state;
    assert_int_equal(esp_partition_erase_range(p, 0, p->size), ESP_OK);
    assert_int_equal(esp_partition_get_sha256(p, digest), ESP_OK);
    assert_memory_equal(digest, s_digest, sizeof(digest));
}

static void without_power_everything_fails(void **state)
{
    uint8_t byte;
    (void)state;
    host_flash_cut_power_after(0, HOST_POWER_CUT_FAILS, 1);
    assert_int_equal(esp_partition_write(apps(), 0, "x", 1), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(esp_partition_read(apps(), 0, &byte, 1), ESP_ERR_FLASH_OP_FAIL);
    assert_int_equal(esp_partition_erase_range(apps(), 0, 4096), ESP_ERR_FLASH_OP_FAIL);
    assert_true(host_flash_is_off());
    host_flash_power_on();
    assert_int_equal(esp_partition_read(apps(), 0, &byte, 1), ESP_OK);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_gives_the_partitions),
        cmocka_unit_test(flash_behaves_like_nor),
        cmocka_unit_test(ranges_are_checked),
        cmocka_unit_test(hash_is_sha256),
        cmocka_unit_test(without_power_everything_fails),
    };
    host_flash_use_table(s_table);
    return KTEST_MAIN(argc, argv, tests);
}
