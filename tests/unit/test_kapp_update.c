// SPDX-License-Identifier: Apache-2.0

// Updating apps, running ones too: virtual time, for each of those is on probation for seconds.

#include <string.h>

#include "app_store.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_flash.h"
#include "ktest.h"

#include "store.h"
#include "system_service/error_codes.h"

static void an_update_takes_the_place_of_a_running_app(void **state)
{
    (void)state;
    app_install_report_t report;
    assert_int_equal(app_store_update(&app_store_v2, false, NULL), ESP_ERR_APP_NOT_FOUND);
    assert_int_equal(app_store_install(&app_store_v1), ESP_OK);
    assert_int_equal(app_manager_set_autostart(APP_STORE_ID, true), ESP_OK);
    assert_int_equal(app_manager_start("hello"), ESP_OK);
    assert_int_equal(app_store_update(&app_store_v2, false, &report), ESP_OK);
    assert_false(report.rolled_back);
    assert_int_equal(app_store_info("hello").state, APP_STATE_RUNNING);
    assert_string_equal(app_store_info("hello").manifest->version, "2.2.3");
    assert_int_equal(app_store_used_kb(), 64);
    assert_int_equal(app_store_update(&app_store_v1, false, NULL), ESP_ERR_LOADER_VERSION_OLDER);
    assert_string_equal(app_store_info("hello").manifest->version, "2.2.3");
    app_store_boot();
    assert_int_equal(app_store_info("hello").state, APP_STATE_RUNNING);
    assert_string_equal(app_store_info("hello").manifest->version, "2.2.3");
    assert_int_equal(app_manager_stop("hello"), ESP_OK);
    assert_int_equal(app_store_update(&app_store_v1, true, NULL),
                     ESP_OK); // it does not run, and stays so
    assert_string_equal(app_store_info("hello").manifest->version, "1.2.3");
    assert_int_equal(app_store_info("hello").state, APP_STATE_REGISTERED);
    assert_true(app_store_only_one().autostart);
}

static void an_update_that_fails_is_taken_back(void **state)
{
    (void)state;
    app_install_report_t report;
    kb_bytes_t dies = program_package_of(PROGRAM_DIES, APP_STORE_ID, "hello", 3, &app_store_key);
    assert_int_equal(app_store_install(&app_store_v1), ESP_OK);
    assert_int_equal(app_manager_start("hello"), ESP_OK);
    assert_int_not_equal(app_store_update(&dies, false, &report), ESP_OK);
    assert_true(report.rolled_back);
    while (app_store_info("hello").state == APP_STATE_STARTING) { // its task may not have run yet
        vTaskDelay(1);
    }
    assert_int_equal(app_store_info("hello").state, APP_STATE_RUNNING);
    assert_string_equal(app_store_info("hello").manifest->version, "1.2.3");
    assert_int_equal(app_store_used_kb(), 64);
    app_store_boot();
    assert_string_equal(app_store_info("hello").manifest->version, "1.2.3");
    kb_free(&dies);
}

static void an_update_is_the_same_app_of_somebody_trusted(void **state)
{
    (void)state;
    kb_bytes_t other_name =
        program_package_of(PROGRAM_HELLO, APP_STORE_ID, "fixed", 2, &app_store_key);
    kb_bytes_t renamed =
        program_package_of(PROGRAM_HELLO, APP_STORE_ID, "renamed", 2, &app_store_key);
    kb_bytes_t same_name =
        program_package_of(PROGRAM_HELLO, "org.other", "hello", 2, &app_store_key);
    kb_bytes_t nobody = program_package_of(PROGRAM_HELLO, APP_STORE_ID, "hello", 2, NULL);
    app_info_t info;
    assert_int_equal(app_store_install(&app_store_v1), ESP_OK);
    assert_int_equal(app_store_update(&other_name, false, NULL), ESP_ERR_APP_ALREADY_REGISTERED);
    assert_int_equal(app_store_update(&same_name, false, NULL), ESP_ERR_APP_NOT_FOUND);
    assert_int_equal(app_store_install(&same_name), ESP_ERR_APP_ALREADY_REGISTERED);
    assert_int_equal(app_store_update(&nobody, false, NULL), ESP_ERR_KAPP_UNSIGNED);
    assert_int_equal(app_manager_start("hello"), ESP_OK);
    assert_int_equal(app_store_update(&renamed, false, NULL), ESP_OK);
    assert_int_equal(app_manager_get_info("hello", &info), ESP_ERR_APP_NOT_FOUND);
    assert_int_equal(app_store_info("renamed").state, APP_STATE_RUNNING);
    assert_int_equal(app_store_used_kb(), 64);
    kb_free(&other_name);
    kb_free(&renamed);
    kb_free(&same_name);
    kb_free(&nobody);
}

/** As after an update whose last step failed: the directory still names the version before it. */
static void a_version_before_goes_with_the_one_that_is_uninstalled(void **state)
{
    (void)state;
    store_directory_t *next;
    store_package_t before = {0};
    assert_int_equal(app_store_install(&app_store_v1), ESP_OK);
    assert_int_equal(store_reserve(1000, 1, before.extents, &before.count), ESP_OK);
    assert_int_equal(store_change(&next), ESP_OK);
    store_entry_t *entry = store_directory_find(next, APP_STORE_ID);
    strcpy(before.name, "hello");
    before.size = 1000;
    entry->previous = before;
    assert_int_equal(store_change_end(ESP_OK), ESP_OK);
    store_release(before.extents, before.count);
    assert_int_equal(app_store_used_kb(), 128);
    assert_int_equal(app_manager_uninstall(APP_STORE_ID, true), ESP_OK);
    assert_int_equal(app_store_used_kb(), 0);
    app_store_boot(); // a directory with a version before none would be refused as damaged
    assert_int_equal(app_store_install(&app_store_v1), ESP_OK);
}

// ---- power -------------------------------------------------------------------------------------

static void a_power_cut_leaves_an_app_that_starts(void **state)
{
    (void)state;
    unsigned cuts = 0;
    bool newer = false;
    bool was_cut = true;
    assert_int_equal(app_store_install(&app_store_v1), ESP_OK);
    for (uint64_t budget = 0; was_cut || cuts < 20; budget += 311) {
        const bool runs = cuts % 2 == 0;
        assert_true(!runs || app_manager_start("hello") == ESP_OK);
        host_flash_cut_power_after(budget, HOST_POWER_CUT_FAILS, budget + 1);
        const esp_err_t ret = app_store_update(newer ? &app_store_v1 : &app_store_v2, true, NULL);
        was_cut = host_flash_is_off();
        cuts += was_cut;
        host_flash_power_on();
        app_store_boot();
        const bool is_newer = app_store_only_one().version.major == 2;
        assert_true(ret != ESP_OK || is_newer != newer);
        assert_true(ret == ESP_OK || was_cut);
        assert_int_equal(app_store_used_kb(), 64);
        newer = is_newer;
        assert_int_equal(app_manager_start("hello"), ESP_OK);
        assert_int_equal(app_manager_stop("hello"), ESP_OK);
    }
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, app_store_set_up, app_store_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(an_update_takes_the_place_of_a_running_app),
        TEST(an_update_that_fails_is_taken_back),
        TEST(an_update_is_the_same_app_of_somebody_trusted),
        TEST(a_version_before_goes_with_the_one_that_is_uninstalled),
        TEST(a_power_cut_leaves_an_app_that_starts),
    };
    host_flash_use_table(app_store_table);
    return KTEST_MAIN(argc, argv, tests);
}
