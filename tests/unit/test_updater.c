/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New images of the firmware: written to the slot that does not run, started on probation, kept or
 * given up; and what a power cut at any byte of it leaves behind.
 */
#include "ktest.h"

#include <string.h>

#include "esp_ota_ops.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_flash.h"
#include "host_log.h"
#include "host_ota.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"
#include "updater/updater.h"

#define IMAGE_BYTES 0x1810u /* header, one segment, checksum */
#define CONFIRM     pdMS_TO_TICKS(CONFIG_UPDATER_CONFIRM_S * 1000u + 100u)
#define CUTS        160u

static const char s_table[] = "otadata, data, ota,   0x9000, 8K\n"
                              "ota_0,   app,  ota_0, 0x10000, 64K\n"
                              "ota_1,   app,  ota_1, ,        64K\n";

static uint8_t s_image[IMAGE_BYTES];

/** As esptool makes it, without the optional hash. */
static void make_image(uint8_t filling)
{
    const uint32_t length = IMAGE_BYTES - 24 - 8 - 16;
    uint8_t sum = 0xEF;
    esp_app_desc_t desc = {.magic_word = ESP_APP_DESC_MAGIC_WORD};
    memset(s_image, 0, sizeof(s_image));
    memset(s_image + 32, filling, length);
    memcpy(s_image + 32, &desc, sizeof(desc));
    s_image[0] = 0xE9;
    s_image[1] = 1;
    memcpy(s_image + 28, &length, sizeof(length));
    for (uint32_t i = 0; i < length; i++) {
        sum ^= s_image[32 + i];
    }
    s_image[IMAGE_BYTES - 1] = sum;
}

static esp_err_t install(void)
{
    const esp_partition_t *slot = esp_ota_get_next_update_partition(NULL);
    esp_ota_handle_t handle;
    esp_err_t ret = esp_ota_begin(slot, OTA_WITH_SEQUENTIAL_WRITES, &handle);
    for (uint32_t at = 0; ret == ESP_OK && at < IMAGE_BYTES; at += 0x100) {
        const uint32_t part = IMAGE_BYTES - at < 0x100 ? IMAGE_BYTES - at : 0x100;
        ret = esp_ota_write(handle, s_image + at, part);
    }
    const esp_err_t closed = esp_ota_end(handle);
    ret = ret == ESP_OK ? closed : ret;
    return ret == ESP_OK ? esp_ota_set_boot_partition(slot) : ret;
}

/** Both slots hold confirmed images, and ota_0 runs. */
static int begin(void **state)
{
    const esp_partition_t *data =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_OTA, NULL);
    (void)state;
    host_flash_power_on();
    assert_int_equal(esp_partition_erase_range(data, 0, data->size), ESP_OK);
    make_image(1);
    (void)host_bootloader_run();
    for (int i = 0; i < 2; i++) { /* from ota_0, which stands for the program, to ota_1 and back */
        assert_int_equal(install(), ESP_OK);
        (void)host_bootloader_run();
        assert_int_equal(esp_ota_mark_app_valid_cancel_rollback(), ESP_OK);
    }
    assert_string_equal(esp_ota_get_running_partition()->label, "ota_0");
    return 0;
}

static const char *start_new_image(void)
{
    make_image(2);
    assert_int_equal(install(), ESP_OK);
    return host_bootloader_run()->label;
}

static void an_image_that_lasts_is_kept(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    assert_int_equal(updater_start(), ESP_OK); /* nothing to confirm */
    assert_string_equal(start_new_image(), "ota_1");
    assert_true(updater_on_probation());
    assert_int_equal(updater_start(), ESP_OK);
    assert_int_equal(updater_start(), ESP_ERR_INVALID_STATE);
    assert_int_equal(install(), ESP_ERR_OTA_ROLLBACK_INVALID_STATE); /* the way back is kept */
    vTaskDelay(CONFIRM);
    assert_false(updater_on_probation());
    assert_string_equal(host_bootloader_run()->label, "ota_1");
    system_down(key);
}

static void an_image_that_resets_early_is_given_up(void **state)
{
    (void)state;
    assert_string_equal(start_new_image(), "ota_1");
    assert_string_equal(host_bootloader_run()->label, "ota_0");
    assert_string_equal(esp_ota_get_last_invalid_partition()->label, "ota_1");
    assert_false(updater_on_probation());
}

static void a_damaged_image_is_never_started(void **state)
{
    (void)state;
    make_image(2);
    s_image[0x900] ^= 1;
    assert_int_equal(install(), ESP_ERR_OTA_VALIDATE_FAILED);
    assert_string_equal(host_bootloader_run()->label, "ota_0");
    s_image[0] = 0; /* not an image at all */
    assert_int_equal(install(), ESP_ERR_OTA_VALIDATE_FAILED);
    assert_int_equal(esp_ota_set_boot_partition(NULL), ESP_ERR_INVALID_ARG);
}

static void the_running_slot_is_not_written(void **state)
{
    esp_ota_handle_t handle;
    (void)state;
    assert_int_equal(esp_ota_begin(esp_ota_get_running_partition(), 0, &handle),
                     ESP_ERR_OTA_PARTITION_CONFLICT);
}

static void safe_mode_without_a_way_back_goes_on(void **state)
{
    (void)state;
    assert_string_equal(start_new_image(), "ota_1");
    const esp_partition_t *old =
        esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_OTA_0, NULL);
    assert_int_equal(esp_partition_erase_range(old, 0, old->size), ESP_OK);
    const system_secure_key_t key = system_up();
    assert_int_equal(system_safe_mode_enter("a test"), ESP_OK);
    assert_int_equal(updater_start(), ESP_OK);
    host_log_capture_start(false);
    vTaskDelay(CONFIRM);
    host_log_capture_stop();
    assert_int_equal(host_log_count("no way back (ESP_ERR_OTA_ROLLBACK_FAILED)"), 1);
    assert_true(updater_on_probation());
    system_down(key);
}

/** Whatever byte the power goes at: what runs next is whole, and the old one until all was written.
 */
static void a_power_cut_leaves_something_to_start(void **state)
{
    (void)state;
    unsigned old = 0;
    unsigned new = 0;
    for (unsigned i = 0; i < CUTS; i++) {
        /* erasing a sector counts 4096: an update is about 18000, its last 4200 choose the slot */
        const uint64_t budget = i < CUTS / 2 ? i * 230u : 14000u + (i - CUTS / 2) * 60u;
        assert_int_equal(begin(NULL), 0);
        make_image(2);
        host_flash_cut_power_after(budget, HOST_POWER_CUT_FAILS, i + 1);
        const esp_err_t ret = install();
        const bool cut = host_flash_is_off();
        host_flash_power_on();
        const char *label = host_bootloader_run()->label;
        assert_true(ret == ESP_OK ? strcmp(label, "ota_1") == 0 : cut);
        if (strcmp(label, "ota_1") == 0) {
            new ++;
            assert_true(updater_on_probation());
            assert_string_equal(host_bootloader_run()->label, "ota_0"); /* not confirmed */
        } else {
            old++;
            assert_string_equal(label, "ota_0");
        }
    }
    assert_true(old > CUTS / 4);
    assert_true(new > 0);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_image_that_lasts_is_kept, begin),
        cmocka_unit_test_setup(an_image_that_resets_early_is_given_up, begin),
        cmocka_unit_test_setup(a_damaged_image_is_never_started, begin),
        cmocka_unit_test_setup(the_running_slot_is_not_written, begin),
        cmocka_unit_test_setup(safe_mode_without_a_way_back_goes_on, begin),
        cmocka_unit_test(a_power_cut_leaves_something_to_start),
    };
    host_flash_use_table(s_table);
    return KTEST_MAIN(argc, argv, tests);
}
