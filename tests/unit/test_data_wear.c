// SPDX-License-Identifier: Apache-2.0

// How much an app may write to flash: what an hour brings, and who pays. Hours of virtual time.

#include <string.h>

#include "data_store.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "ktest.h"
#include "nvs_flash.h"

#include "kapp/kapp_install.h"
#include "kapp_internal.h"
#include "system_service/error_codes.h"

#define HOUR_MS  3600000u
#define FILES    (CONFIG_KAPP_APP_FILE_WRITES_KB * 1024u)
#define TABLES   (CONFIG_KAPP_APP_TABLE_WRITES_KB * 1024u)
#define AT_ONCE  (FILES + CONFIG_KAPP_APP_STORAGE_KB * 1024u)
#define T_ATONCE (TABLES + CONFIG_KAPP_APP_SETTINGS_BYTES)

static const data_owner_t s_owner = {1, 1234};

static int set_up(void **state)
{
    (void)state;
    static bool done;
    if (!done) {
        KTEST_CHECK(nvs_flash_init() == ESP_OK);
        kapp_store_init();
        KTEST_CHECK(store_mount() == ESP_OK);
        done = true;
    }
    data_wear_init();
    return 0;
}

static esp_err_t write_file(uint32_t bytes)
{
    return data_wear_take(&s_owner, bytes, 0);
}

static void an_hour_s_worth_may_come_at_once_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(write_file(AT_ONCE + 1), ESP_ERR_KAPP_DATA_WEAR);
    assert_int_equal(write_file(AT_ONCE), ESP_OK);
    assert_int_equal(write_file(1), ESP_ERR_KAPP_DATA_WEAR);
    assert_int_equal(write_file(0), ESP_OK);
    assert_int_equal(data_wear_take(&s_owner, 0, T_ATONCE), ESP_OK); // of its own
    assert_int_equal(data_wear_take(&s_owner, 0, 1), ESP_ERR_KAPP_DATA_WEAR);
    vTaskDelay(pdMS_TO_TICKS(HOUR_MS) + 2);
    assert_int_equal(write_file(FILES + 4096), ESP_ERR_KAPP_DATA_WEAR);
    assert_int_equal(write_file(FILES), ESP_OK);
    for (unsigned hour = 0; hour < 100; hour++) { // it does not add up
        vTaskDelay(pdMS_TO_TICKS(HOUR_MS));
    }
    assert_int_equal(write_file(AT_ONCE + 4096), ESP_ERR_KAPP_DATA_WEAR);
    assert_int_equal(write_file(AT_ONCE), ESP_OK);
}

static void one_kind_pays_for_nothing_if_the_other_cannot(void **state)
{
    (void)state;
    assert_int_equal(data_wear_take(&s_owner, AT_ONCE, T_ATONCE + 1), ESP_ERR_KAPP_DATA_WEAR);
    assert_int_equal(data_wear_take(&s_owner, AT_ONCE + 1, T_ATONCE), ESP_ERR_KAPP_DATA_WEAR);
    assert_int_equal(data_wear_take(&s_owner, AT_ONCE, T_ATONCE), ESP_OK);
}

/** However often it asks, no part of a byte is lost or given twice. */
static void many_small_writes_are_an_hour_s_worth(void **state)
{
    (void)state;
    uint32_t written = 0;
    assert_int_equal(write_file(AT_ONCE), ESP_OK);
    for (unsigned ms = 0; ms < HOUR_MS; ms += 700) {
        vTaskDelay(pdMS_TO_TICKS(700));
        while (write_file(10) == ESP_OK) {
            written += 10;
        }
    }
    assert_in_range(written, FILES - 100, FILES + 100);
}

static void what_had_to_be_written_is_paid_later(void **state)
{
    (void)state;
    assert_int_equal(data_wear_take(&s_owner, 0, T_ATONCE), ESP_OK);
    data_wear_add(&s_owner, TABLES);
    vTaskDelay(pdMS_TO_TICKS(HOUR_MS));
    assert_int_equal(data_wear_take(&s_owner, 0, 64), ESP_ERR_KAPP_DATA_WEAR);
    vTaskDelay(pdMS_TO_TICKS(HOUR_MS / 2));
    assert_int_equal(data_wear_take(&s_owner, 0, TABLES / 2 - 64), ESP_OK);
}

static void everybody_pays_alone(void **state)
{
    (void)state;
    const data_owner_t other = {2, 1234};
    const data_owner_t next = {1, 1235}; // had the place after it
    assert_int_equal(write_file(AT_ONCE), ESP_OK);
    assert_int_equal(data_wear_take(&other, AT_ONCE, 0), ESP_OK);
    assert_int_equal(data_wear_take(&next, AT_ONCE, 0), ESP_OK);
    assert_int_equal(data_wear_take(&next, 1, 0), ESP_ERR_KAPP_DATA_WEAR);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_hour_s_worth_may_come_at_once_and_no_more, set_up),
        cmocka_unit_test_setup(one_kind_pays_for_nothing_if_the_other_cannot, set_up),
        cmocka_unit_test_setup(many_small_writes_are_an_hour_s_worth, set_up),
        cmocka_unit_test_setup(what_had_to_be_written_is_paid_later, set_up),
        cmocka_unit_test_setup(everybody_pays_alone, set_up),
    };
    return KTEST_MAIN(argc, argv, tests);
}
