// SPDX-License-Identifier: Apache-2.0

// Updating apps, running ones too: virtual time, for each of those is on probation for seconds.

#include <string.h>

#include "app_store.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_flash.h"
#include "host_heap.h"
#include "ktest.h"

#include "installer.h"
#include "kapp/kapp_trust.h"
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

/** Every allocation of an update fails once. */
static void an_update_in_vain_starts_nothing(void **state)
{
    (void)state;
    uint64_t failures;
    unsigned in_vain = 0;
    assert_int_equal(app_store_install(&app_store_v1), ESP_OK);
    for (uint64_t nth = 1;; nth++) {
        failures = host_heap_injected_failures();
        host_heap_fail_nth(nth, 1);
        const esp_err_t ret = app_store_update(&app_store_v2, false, NULL);
        host_heap_fail_nth(0, 0);
        in_vain += ret != ESP_OK;
        assert_string_equal(app_store_info("hello").manifest->version,
                            ret == ESP_OK ? "2.2.3" : "1.2.3");
        assert_int_equal(app_store_info("hello").state, APP_STATE_REGISTERED);
        assert_int_equal(app_store_info("hello").starts, 0);
        assert_int_equal(app_store_used_kb(), 64);
        if (host_heap_injected_failures() == failures) {
            break;
        }
        assert_true(ret != ESP_OK || app_store_update(&app_store_v1, true, NULL) == ESP_OK);
    }
    assert_true(in_vain > 5);
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

// ---- whose app it is ----------------------------------------------------------------------------

static void an_update_is_the_same_signer_s(void **state)
{
    (void)state;
    static kb_key_t s_other, s_next;
    uint8_t id[KAPP_HASH_SIZE], next_id[KAPP_HASH_SIZE];
    kb_key_make(&s_other);
    kb_key_make(&s_next);
    kb_bytes_t others = program_package_of(PROGRAM_HELLO, APP_STORE_ID, "hello", 2, &s_other);
    kb_bytes_t rotated = program_package_of(PROGRAM_HELLO, APP_STORE_ID, "hello", 3, &s_next);
    assert_int_equal(kapp_key_id(app_store_key.public_key, id), ESP_OK);
    assert_int_equal(kapp_key_id(s_next.public_key, next_id), ESP_OK);
    assert_int_equal(kapp_trust_add("other", s_other.public_key), ESP_OK);
    assert_int_equal(app_store_install(&app_store_v1), ESP_OK);
    assert_int_equal(app_store_update(&others, true, NULL), ESP_ERR_KAPP_SIGNER_OTHER);
    assert_int_equal(app_manager_start("hello"), ESP_OK);
    assert_int_equal(app_store_update(&others, false, NULL), ESP_ERR_KAPP_SIGNER_OTHER);
    assert_string_equal(app_store_info("hello").manifest->version, "1.2.3");
    assert_int_equal(app_store_info("hello").starts, 1); // it was not even stopped
    // What was kept of it is still its signer's, after a boot, too.
    assert_int_equal(app_manager_uninstall(APP_STORE_ID, true), ESP_OK);
    assert_int_equal(app_store_install(&others), ESP_ERR_KAPP_SIGNER_OTHER);
    app_store_boot();
    assert_int_equal(app_store_install(&others), ESP_ERR_KAPP_SIGNER_OTHER);
    assert_int_equal(app_manager_uninstall(APP_STORE_ID, true), ESP_OK); // nothing to keep of it
    assert_int_equal(app_store_install(&others), ESP_ERR_KAPP_SIGNER_OTHER);
    assert_int_equal(app_store_install(&app_store_v1), ESP_OK);
    // A key that took the place of the signer's is the signer's.
    assert_int_equal(kapp_trust_rotate(id, "next", s_next.public_key), ESP_OK);
    assert_int_equal(kapp_init(), ESP_OK); // as the next boot reads it
    assert_int_equal(app_store_update(&rotated, false, NULL), ESP_OK);
    assert_int_equal(app_store_update(&app_store_v1, true, NULL), ESP_ERR_KAPP_SIGNER_REVOKED);
    assert_int_equal(app_store_update(&others, true, NULL), ESP_ERR_KAPP_SIGNER_OTHER);
    // Without its data it is anybody's again.
    assert_int_equal(app_manager_uninstall(APP_STORE_ID, false), ESP_OK);
    assert_int_equal(app_store_install(&others), ESP_OK);
    assert_int_equal(kapp_trust_erase(), ESP_OK);
    assert_int_equal(kapp_trust_add("test", app_store_key.public_key), ESP_OK);
    kb_free(&others);
    kb_free(&rotated);
    kb_key_free(&s_other);
    kb_key_free(&s_next);
}

/** Developer mode: what it let in is nobody's, and takes no signer's place. */
static void what_is_not_signed_is_nobody_s(void **state)
{
    (void)state;
    store_entry_t entry = {.id = APP_STORE_ID, .current = {.size = 1}};
    store_package_t unsigned_one = {.size = 1}, signed_one = {.size = 1, .signer = {1}};
    assert_int_equal(kapp_installed_check_signer(&entry, &unsigned_one), ESP_OK);
    assert_int_equal(kapp_installed_check_signer(&entry, &signed_one), ESP_OK);
    entry.current.signer[0] = 1;
    assert_int_equal(kapp_installed_check_signer(&entry, &signed_one), ESP_OK);
    assert_int_equal(kapp_installed_check_signer(&entry, &unsigned_one), ESP_ERR_KAPP_SIGNER_OTHER);
    entry.current = (store_package_t){0};
    assert_int_equal(kapp_installed_check_signer(&entry, &unsigned_one), ESP_OK);
    entry.kept_of[0] = 1;
    assert_int_equal(kapp_installed_check_signer(&entry, &signed_one), ESP_OK);
    assert_int_equal(kapp_installed_check_signer(&entry, &unsigned_one), ESP_ERR_KAPP_SIGNER_OTHER);
}

// ---- what goes wrong ----------------------------------------------------------------------------

/** Let it be started again after a crash: the last byte of the field of its task. */
static void restart_on_crash(kb_bytes_t *package)
{
    static const uint8_t task[14] = {0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0};
    uint8_t *at = memmem(package->bytes, package->size, task, sizeof(task));
    assert_non_null(at);
    at[13] = 1;
    kb_sign(package, &app_store_key);
}

static void an_update_of_one_that_waits_after_a_crash_is_on_probation(void **state)
{
    (void)state;
    app_install_report_t report;
    kb_bytes_t v1 = program_package_of(PROGRAM_DIES, APP_STORE_ID, "hello", 1, &app_store_key);
    kb_bytes_t v3 = program_package_of(PROGRAM_DIES, APP_STORE_ID, "hello", 3, &app_store_key);
    restart_on_crash(&v1);
    assert_int_equal(app_store_install(&v1), ESP_OK);
    assert_int_equal(app_manager_start("hello"), ESP_OK);
    while (!app_store_info("hello").starts_again) {
        vTaskDelay(1);
    }
    assert_int_equal(app_store_info("hello").state, APP_STATE_CRASHED);
    assert_int_not_equal(app_store_update(&v3, false, &report), ESP_OK);
    assert_true(report.rolled_back);
    assert_string_equal(app_store_info("hello").manifest->version, "1.2.3");
    while (!app_store_info("hello").starts_again) { // it is back, runs, and crashes
        vTaskDelay(1);
    }
    assert_int_equal(app_store_update(&app_store_v2, false, &report), ESP_OK);
    assert_int_equal(app_store_info("hello").state, APP_STATE_RUNNING);
    assert_string_equal(app_store_info("hello").manifest->version, "2.2.3");
    assert_false(app_store_info("hello").starts_again);
    kb_free(&v1);
    kb_free(&v3);
}

/** As after an update to version 3 that failed and could not be taken back. */
static void stay_with_a_failed_version(void)
{
    store_directory_t *next;
    kb_bytes_t failed = program_package_of(PROGRAM_HELLO, "org.other", "other", 3, &app_store_key);
    assert_int_equal(app_store_install(&app_store_v1), ESP_OK);
    assert_int_equal(app_store_install(&failed), ESP_OK);
    assert_int_equal(kapp_store_stop(), ESP_OK);
    assert_int_equal(store_change(&next), ESP_OK);
    store_entry_t *entry = store_directory_find(next, APP_STORE_ID);
    store_entry_t *other = store_directory_find(next, "org.other");
    const unsigned place = (unsigned)(entry - next->entries);
    entry->previous = entry->current;
    entry->current = other->current;
    memset(other, 0, sizeof(*other));
    const store_package_t current = entry->current;
    assert_int_equal(store_change_end(ESP_OK), ESP_OK);
    assert_int_equal(kapp_operation_begin(), ESP_OK);
    assert_int_equal(kapp_installed_register(place, &current), ESP_OK);
    kapp_operation_end();
    assert_int_equal(app_manager_start("other"), ESP_OK);
    kb_free(&failed);
}

static void a_version_that_was_not_taken_back_is_not_what_to_go_back_to(void **state)
{
    (void)state;
    app_install_report_t report;
    kb_bytes_t dies = program_package_of(PROGRAM_DIES, APP_STORE_ID, "hello", 4, &app_store_key);
    kb_bytes_t names = program_package_of(PROGRAM_HELLO, "org.names", "hello", 1, &app_store_key);
    stay_with_a_failed_version();
    assert_int_equal(app_store_install(&names), ESP_ERR_APP_ALREADY_REGISTERED); // it may come back
    assert_int_not_equal(app_store_update(&dies, false, &report), ESP_OK);
    assert_true(report.rolled_back);
    assert_int_equal(report.replaced.major, 1);
    assert_string_equal(app_store_info("hello").manifest->version, "1.2.3");
    assert_int_equal(app_store_used_kb(), 64);
    app_store_boot();
    assert_string_equal(app_store_info("hello").manifest->version, "1.2.3");
    // One that works takes the place of both.
    assert_int_equal(app_manager_uninstall(APP_STORE_ID, false), ESP_OK);
    stay_with_a_failed_version();
    assert_int_equal(app_store_update(&app_store_v2, false, &report), ESP_OK);
    assert_int_equal(app_store_used_kb(), 64);
    app_store_boot();
    assert_string_equal(app_store_info("hello").manifest->version, "2.2.3");
    kb_free(&dies);
    kb_free(&names);
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
        app_info_t info; // what did not run before does not run now
        assert_true(runs || app_manager_get_info("hello", &info) != ESP_OK || info.starts == 0 ||
                    info.state == APP_STATE_STOPPED);
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

/** Takes the power of the flash away as soon as version 2 runs. */
static void cut_during_probation(void *arg)
{
    app_info_t info;
    (void)arg;
    do {
        vTaskDelay(1);
    } while (app_manager_get_info("hello", &info) != ESP_OK || info.state != APP_STATE_RUNNING ||
             info.manifest == NULL || strcmp(info.manifest->version, "2.2.3") != 0);
    host_flash_cut_power_after(0, HOST_POWER_CUT_FAILS, 1);
    vTaskDelete(NULL);
}

static void a_version_that_cannot_be_confirmed_says_so(void **state)
{
    (void)state;
    app_install_report_t report;
    assert_int_equal(app_store_install(&app_store_v1), ESP_OK);
    assert_int_equal(app_manager_start("hello"), ESP_OK);
    assert_int_equal(xTaskCreate(cut_during_probation, "cut", 4096, NULL, 10, NULL), pdPASS);
    assert_int_not_equal(app_store_update(&app_store_v2, false, &report), ESP_OK);
    assert_true(report.unconfirmed);
    assert_false(report.rolled_back);
    assert_string_equal(app_store_info("hello").manifest->version, "2.2.3");
    assert_int_equal(app_store_info("hello").state, APP_STATE_RUNNING);
    host_flash_power_on();
    app_store_boot();
    assert_string_equal(app_store_info("hello").manifest->version, "1.2.3");
    assert_int_equal(app_store_update(&app_store_v2, false, &report), ESP_OK);
    assert_false(report.unconfirmed);
    app_store_boot();
    assert_string_equal(app_store_info("hello").manifest->version, "2.2.3");
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, app_store_set_up, app_store_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(an_update_takes_the_place_of_a_running_app),
        TEST(an_update_that_fails_is_taken_back),
        TEST(an_update_in_vain_starts_nothing),
        TEST(an_update_is_the_same_app_of_somebody_trusted),
        TEST(an_update_is_the_same_signer_s),
        TEST(what_is_not_signed_is_nobody_s),
        TEST(an_update_of_one_that_waits_after_a_crash_is_on_probation),
        TEST(a_version_that_was_not_taken_back_is_not_what_to_go_back_to),
        TEST(a_version_before_goes_with_the_one_that_is_uninstalled),
        TEST(a_power_cut_leaves_an_app_that_starts),
        TEST(a_version_that_cannot_be_confirmed_says_so),
    };
    host_flash_use_table(app_store_table);
    return KTEST_MAIN(argc, argv, tests);
}
