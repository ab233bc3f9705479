// SPDX-License-Identifier: Apache-2.0

// What apps store: settings and files, their quotas, and what a power cut leaves of them.

#include <stdlib.h>
#include <string.h>

#include "app_store.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "host_flash.h"
#include "host_trap.h"
#include "ktest.h"
#include "nvs.h"
#include "nvs_flash.h"
#include "system_up.h"

#include "data_app/app_data.h"
#include "kapp/kapp_trust.h"
#include "system_service/error_codes.h"

#define QUOTA   (CONFIG_KAPP_APP_STORAGE_KB * 1024u)
#define TIMEOUT pdMS_TO_TICKS(20000)

// ---- code that runs as an app's ----------------------------------------------------------------

static void (*s_job)(void);
static SemaphoreHandle_t s_done;

static void run_job(app_context_t *ctx)
{
    (void)ctx->heartbeat(ctx);
    s_job();
    xSemaphoreGive(s_done);
}

static const app_manifest_t s_apps[2] = {
    {.name = "one", .entry_point = run_job, .stack_size = 8192, .priority = 5},
    {.name = "two", .entry_point = run_job, .stack_size = 8192, .priority = 5},
};

static void as_named(const char *name, void (*job)(void))
{
    s_job = job;
    while (app_manager_start(name) == ESP_ERR_APP_INVALID_TRANSITION) {
        vTaskDelay(1); // its last life is not over yet
    }
    assert_int_equal(xSemaphoreTake(s_done, TIMEOUT), pdTRUE);
    const esp_err_t ret = app_manager_stop(name);
    assert_true(ret == ESP_OK || ret == ESP_ERR_APP_NOT_RUNNING);
}

static void as(unsigned app, void (*job)(void))
{
    as_named(s_apps[app].name, job);
}

static int set_up(void **state)
{
    static bool s_known;
    const int ret = app_store_set_up(state);
    if (!s_known) {
        s_done = xSemaphoreCreateBinary();
        KTEST_CHECK(app_manager_register(&s_apps[0]) == ESP_OK);
        KTEST_CHECK(app_manager_register(&s_apps[1]) == ESP_OK);
        s_known = true;
    }
    return ret;
}

// ---- settings ----------------------------------------------------------------------------------

static bool setting_is(const char *key, const char *value)
{
    char got[64] = "";
    size_t size = sizeof(got);
    return app_settings_get(key, got, &size) == ESP_OK && size == strlen(value) &&
           memcmp(got, value, size) == 0;
}

static void use_settings(void)
{
    char got[4];
    size_t size = sizeof(got);
    KTEST_CHECK(app_settings_get("a", got, &size) == ESP_ERR_NOT_FOUND);
    KTEST_CHECK(app_settings_erase("a") == ESP_ERR_NOT_FOUND);
    KTEST_CHECK(app_settings_set("a", "first", 5) == ESP_OK);
    KTEST_CHECK(app_settings_set("b", "", 0) == ESP_OK);
    size = 0;
    KTEST_CHECK(app_settings_get("b", NULL, &size) == ESP_OK && size == 0);
    size = sizeof(got);
    KTEST_CHECK(app_settings_set("c", "third", 5) == ESP_OK);
    KTEST_CHECK(setting_is("a", "first") && setting_is("b", "") && setting_is("c", "third"));
    KTEST_CHECK(app_settings_get("a", got, &size) == ESP_ERR_INVALID_SIZE && size == 5);
    KTEST_CHECK(app_settings_set("a", "second, and longer", 18) == ESP_OK);
    KTEST_CHECK(app_settings_erase("b") == ESP_OK);
    KTEST_CHECK(app_settings_erase("b") == ESP_ERR_NOT_FOUND);
    KTEST_CHECK(setting_is("a", "second, and longer") && setting_is("c", "third"));
    KTEST_CHECK(app_settings_set("no/name", "x", 1) == ESP_ERR_INVALID_ARG);
    KTEST_CHECK(app_settings_set("", "x", 1) == ESP_ERR_INVALID_ARG);
    KTEST_CHECK(app_settings_set("12345678901234567890123456789012", "x", 1) ==
                ESP_ERR_INVALID_ARG);
    KTEST_CHECK(app_settings_set("x", NULL, 1) == ESP_ERR_INVALID_ARG);
    KTEST_CHECK(app_settings_get(NULL, got, &size) == ESP_ERR_INVALID_ARG);
    KTEST_CHECK(app_settings_get("a", got, NULL) == ESP_ERR_INVALID_ARG);
    KTEST_CHECK(app_settings_get("a", NULL, &size) == ESP_ERR_INVALID_ARG);
    KTEST_CHECK(app_file_read("a", 0, got, NULL) == ESP_ERR_INVALID_ARG);
    KTEST_CHECK(app_file_read("a", 0, NULL, &size) == ESP_ERR_INVALID_ARG);
}

static void find_settings(void)
{
    KTEST_CHECK(setting_is("a", "second, and longer") && setting_is("c", "third"));
}

static void find_nothing(void)
{
    char got[4];
    size_t size = sizeof(got);
    KTEST_CHECK(app_settings_get("a", got, &size) == ESP_ERR_NOT_FOUND);
    KTEST_CHECK(app_file_read("a", 0, got, &size) == ESP_ERR_NOT_FOUND);
    size = 0;
    KTEST_CHECK(app_file_list(NULL, &size) == ESP_OK && size == 0);
}

static void settings_are_the_app_s_own_and_stay(void **state)
{
    (void)state;
    size_t size = 0;
    as(0, use_settings);
    as(1, find_nothing);
    app_store_boot();
    as(0, find_settings);
    assert_int_equal(app_settings_get("a", NULL, &size), ESP_ERR_APP_NOT_FOUND); // no app calls
    assert_int_equal(app_settings_set("a", "x", 1), ESP_ERR_APP_NOT_FOUND);
    assert_int_equal(app_file_list(NULL, &size), ESP_ERR_APP_NOT_FOUND);
    assert_int_equal(app_manager_uninstall("firmware.one", false), ESP_OK);
    as(0, find_nothing);
}

static void fill_settings(void)
{
    static uint8_t s_value[CONFIG_KAPP_APP_SETTINGS_BYTES + 1];
    const size_t most = CONFIG_KAPP_APP_SETTINGS_BYTES - 3 - 1;
    KTEST_CHECK(app_settings_set("k", s_value, sizeof(s_value)) == ESP_ERR_KAPP_DATA_QUOTA);
    KTEST_CHECK(app_settings_set("k", s_value, most + 1) == ESP_ERR_KAPP_DATA_QUOTA);
    KTEST_CHECK(app_settings_set("k", s_value, most) == ESP_OK);
    KTEST_CHECK(app_settings_set("l", s_value, 0) == ESP_ERR_KAPP_DATA_QUOTA);
    s_value[0] = 1;
    KTEST_CHECK(app_settings_set("k", s_value, most) == ESP_OK); // in place of the old one
    KTEST_CHECK(app_settings_set("k", s_value, most - 4) == ESP_OK);
    KTEST_CHECK(app_settings_set("l", s_value, 0) == ESP_OK);
    KTEST_CHECK(app_data_erase() == ESP_OK);
    KTEST_CHECK(app_settings_set("k", s_value, most) == ESP_OK);
}

static void settings_have_a_quota(void **state)
{
    (void)state;
    as(0, fill_settings);
}

// ---- files -------------------------------------------------------------------------------------

static uint8_t s_content[QUOTA + 1], s_got[QUOTA + 1];

static void make_content(unsigned seed)
{
    for (size_t i = 0; i < sizeof(s_content); i++) {
        s_content[i] = (uint8_t)(i * 7 + i / 251 + seed);
    }
}

static bool file_is(const char *name, size_t size)
{
    size_t got = sizeof(s_got);
    return app_file_read(name, 0, s_got, &got) == ESP_OK && got == size &&
           memcmp(s_got, s_content, size) == 0;
}

static void use_files(void)
{
    app_file_t files[3];
    size_t count = 3;
    make_content(1);
    KTEST_CHECK(app_file_write("a", s_content, 10) == ESP_OK);
    KTEST_CHECK(app_file_write("empty", NULL, 0) == ESP_OK);
    KTEST_CHECK(app_file_write("large", s_content, 70001) == ESP_OK);
    KTEST_CHECK(file_is("a", 10) && file_is("empty", 0) && file_is("large", 70001));
    KTEST_CHECK(app_file_list(files, &count) == ESP_OK && count == 3);
    KTEST_CHECK(strcmp(files[2].name, "large") == 0 && files[2].size == 70001);
    count = 2;
    KTEST_CHECK(app_file_list(files, &count) == ESP_ERR_INVALID_SIZE && count == 3);
    size_t size = 100;
    KTEST_CHECK(app_file_read("large", 65500, s_got, &size) == ESP_OK && size == 100);
    KTEST_CHECK(memcmp(s_got, s_content + 65500, 100) == 0);
    size = 100;
    KTEST_CHECK(app_file_read("large", 69990, s_got, &size) == ESP_OK && size == 11);
    size = 100;
    KTEST_CHECK(app_file_read("large", 70002, s_got, &size) == ESP_OK && size == 0);
    KTEST_CHECK(app_file_write("a", s_content, 5000) == ESP_OK);
    KTEST_CHECK(file_is("a", 5000) && file_is("large", 70001));
    KTEST_CHECK(app_file_remove("empty") == ESP_OK);
    KTEST_CHECK(app_file_remove("empty") == ESP_ERR_NOT_FOUND);
    KTEST_CHECK(app_file_write("x y", s_content, 1) == ESP_ERR_INVALID_ARG);
    KTEST_CHECK(app_file_write("x", NULL, 1) == ESP_ERR_INVALID_ARG);
}

static void find_files(void)
{
    make_content(1);
    KTEST_CHECK(file_is("a", 5000) && file_is("large", 70001));
    KTEST_CHECK(app_file_remove("large") == ESP_OK);
    KTEST_CHECK(file_is("a", 5000));
}

static void remove_the_last(void)
{
    KTEST_CHECK(app_file_remove("a") == ESP_OK);
}

static void files_are_the_app_s_own_and_stay(void **state)
{
    (void)state;
    as(0, use_files);
    as(1, find_nothing);
    assert_int_equal(app_store_used_kb(), 128);
    app_store_boot();
    as(0, find_files);
    assert_int_equal(app_store_used_kb(), 64); // what is not used goes back
    as(0, remove_the_last);
    assert_int_equal(app_store_used_kb(), 0);
}

static void fill_files(void)
{
    char name[] = "f_";
    make_content(2);
    KTEST_CHECK(app_file_write("a", s_content, QUOTA + 1) == ESP_ERR_KAPP_DATA_QUOTA);
    KTEST_CHECK(app_file_write("a", s_content, QUOTA) == ESP_OK);
    KTEST_CHECK(app_file_write("b", s_content, 1) == ESP_ERR_KAPP_DATA_QUOTA);
    KTEST_CHECK(app_file_write("a", s_content, QUOTA - 4096) == ESP_OK); // beside the old one
    KTEST_CHECK(app_file_write("b", s_content, 1) == ESP_OK);
    KTEST_CHECK(file_is("a", QUOTA - 4096) && file_is("b", 1));
    KTEST_CHECK(app_data_erase() == ESP_OK);
    for (unsigned i = 0; i <= APP_FILES_MAX; i++) {
        name[1] = (char)('a' + i);
        KTEST_CHECK(app_file_write(name, s_content, i) ==
                    (i < APP_FILES_MAX ? ESP_OK : ESP_ERR_KAPP_DATA_QUOTA));
    }
}

static void files_have_a_quota(void **state)
{
    (void)state;
    as(0, fill_files);
    assert_int_equal(app_store_used_kb(), 64);
}

static void write_much(void)
{
    make_content(3);
    KTEST_CHECK(app_file_write("a", s_content, QUOTA) == ESP_OK);
}

static void write_more(void)
{
    make_content(4);
    KTEST_CHECK(app_file_write("keep", s_content, 100) == ESP_OK);
    // Five extents are too few for both apps' files, and for a new one beside an old one.
    KTEST_CHECK(app_file_write("a", s_content, QUOTA - 4096) == ESP_OK);
    KTEST_CHECK(app_file_write("a", s_content, QUOTA - 4096) == ESP_ERR_LOADER_STORAGE_FULL);
    KTEST_CHECK(file_is("a", QUOTA - 4096) && file_is("keep", 100));
}

static void a_full_partition_loses_nothing(void **state)
{
    (void)state;
    as(0, write_much);
    as(1, write_more);
    app_store_boot();
    assert_int_equal(app_manager_uninstall("firmware.one", false), ESP_OK);
    assert_int_equal(app_manager_uninstall("firmware.two", false), ESP_OK);
    assert_int_equal(app_store_used_kb(), 0);
}

static void set_in_vain(void)
{
    make_content(6);
    KTEST_CHECK(app_settings_set("a", s_content, 900) == ESP_ERR_NVS_NOT_ENOUGH_SPACE);
}

static void set_again(void)
{
    KTEST_CHECK(app_settings_set("a", s_content, 900) == ESP_OK);
}

static void settings_that_found_no_room_find_it_later(void **state)
{
    (void)state;
    esp_err_t ret = ESP_OK;
    nvs_handle_t nvs;
    as(0, use_settings);
    assert_int_equal(nvs_open("filler", NVS_READWRITE, &nvs), ESP_OK);
    make_content(7);
    for (unsigned i = 0; ret == ESP_OK; i++) {
        char key[8];
        (void)snprintf(key, sizeof(key), "%u", i);
        ret = nvs_set_blob(nvs, key, s_content, 400);
    }
    assert_int_equal(ret, ESP_ERR_NVS_NOT_ENOUGH_SPACE);
    as(0, set_in_vain);
    as(0, find_settings);
    assert_int_equal(nvs_erase_all(nvs), ESP_OK);
    assert_int_equal(nvs_commit(nvs), ESP_OK);
    nvs_close(nvs);
    as(0, set_again);
}

// ---- wear ---------------------------------------------------------------------------------------

static void write_without_end(void)
{
    uint32_t count = 0;
    esp_err_t ret = ESP_OK;
    make_content(5);
    KTEST_CHECK(app_file_write("a", s_content, 5000) == ESP_OK);
    while (ret == ESP_OK && count < 10000) {
        count++;
        ret = app_settings_set("count", &count, sizeof(count));
    }
    KTEST_CHECK(ret == ESP_ERR_KAPP_DATA_WEAR);
    count--;
    KTEST_CHECK(count >= CONFIG_KAPP_APP_TABLE_WRITES_KB * 1024 / 128);
    uint32_t got = 0;
    size_t size = sizeof(got);
    KTEST_CHECK(app_settings_get("count", &got, &size) == ESP_OK && got == count);
    KTEST_CHECK(app_settings_set("count", &count, sizeof(count)) == ESP_OK); // no change, no wear
    KTEST_CHECK(app_file_write("a", s_content, 10) == ESP_ERR_KAPP_DATA_WEAR);
    KTEST_CHECK(app_file_remove("a") == ESP_ERR_KAPP_DATA_WEAR);
    KTEST_CHECK(app_data_erase() == ESP_ERR_KAPP_DATA_WEAR);
    KTEST_CHECK(app_settings_erase("count") == ESP_ERR_KAPP_DATA_WEAR);
    KTEST_CHECK(file_is("a", 5000));
}

static void no_app_wears_the_flash_out(void **state)
{
    (void)state;
    as(0, write_without_end);
    as(1, use_settings); // another one has its own share
}

// ---- wrong pointers ----------------------------------------------------------------------------

static void *volatile s_nowhere = (void *)16;

static void set_from_nowhere(void)
{
    (void)app_settings_set("a", s_nowhere, 4);
}

static void get_to_nowhere(void)
{
    size_t size = 8;
    (void)app_settings_set("a", "text", 4);
    (void)app_settings_get("a", s_nowhere, &size);
}

static void write_from_nowhere(void)
{
    (void)app_file_write("a", s_nowhere, 5000);
}

static void read_to_nowhere(void)
{
    size_t size = 8;
    (void)app_file_write("a", s_content, 5000);
    (void)app_file_read("a", 0, s_nowhere, &size);
}

static const char s_constant[8] = "constant";

static void read_to_constant(void)
{
    size_t size = sizeof(s_constant);
    (void)app_file_write("a", s_content, 5000);
    (void)app_file_read("a", 0, (void *)(uintptr_t)s_constant, &size);
}

static void list_to_nowhere(void)
{
    size_t count = 1;
    (void)app_file_write("a", s_content, 10);
    (void)app_file_list(s_nowhere, &count);
}

/** A fault behind a lock of ours could not be contained. */
static void a_wrong_pointer_ends_the_app_alone(void **state)
{
    (void)state;
    host_trap_install(); // cmocka has put its own signal handlers in place
    static void (*const jobs[])(void) = {set_from_nowhere, get_to_nowhere,   write_from_nowhere,
                                         read_to_nowhere,  read_to_constant, list_to_nowhere};
    for (unsigned i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
        const uint32_t crashes = app_store_info("one").crashes;
        s_job = jobs[i];
        assert_int_equal(app_manager_start("one"), ESP_OK);
        while (app_store_info("one").crashes == crashes) {
            vTaskDelay(1);
        }
    }
    as(1, use_settings); // nobody else is locked out
    as(0, write_much);
}

// ---- damage and power --------------------------------------------------------------------------

static void find_damage(void)
{
    char got[4];
    size_t size = sizeof(got);
    KTEST_CHECK(app_settings_get("nothing", got, &size) == ESP_ERR_KAPP_DATA_DAMAGED);
    KTEST_CHECK(app_settings_set("a", "x", 1) == ESP_ERR_KAPP_DATA_DAMAGED);
    KTEST_CHECK(app_file_read("a", 0, got, &size) == ESP_ERR_KAPP_DATA_DAMAGED);
    KTEST_CHECK(app_file_write("a", "x", 1) == ESP_ERR_KAPP_DATA_DAMAGED);
    KTEST_CHECK(app_data_erase() == ESP_OK);
    KTEST_CHECK(app_settings_set("a", "x", 1) == ESP_OK && setting_is("a", "x"));
    KTEST_CHECK(app_file_write("a", "x", 1) == ESP_OK);
}

static void damage_is_said_and_can_be_erased(void **state)
{
    (void)state;
    static uint8_t s_table[2000];
    static const char *const keys[] = {"s0", "f0"};
    nvs_handle_t nvs;
    as(0, use_settings);
    as(0, use_files);
    assert_int_equal(nvs_open("kapp", NVS_READWRITE, &nvs), ESP_OK);
    for (unsigned i = 0; i < 2; i++) { // its last entry lacks a byte
        size_t size = sizeof(s_table);
        assert_int_equal(nvs_get_blob(nvs, keys[i], s_table, &size), ESP_OK);
        assert_int_equal(nvs_set_blob(nvs, keys[i], s_table, size - 1), ESP_OK);
    }
    nvs_close(nvs);
    as(0, find_damage);
    assert_int_equal(app_store_used_kb(), 64);
}

static unsigned s_version;

static void write_versions(void)
{
    char text[8] = {0};
    text[0] = (char)s_version;
    make_content(s_version);
    if (app_settings_set("v", text, 7) == ESP_OK) {
        (void)app_file_write("v", s_content, 4099);
    }
}

static void check_versions(void)
{
    char text[8];
    size_t size = sizeof(text);
    KTEST_CHECK(app_settings_get("v", text, &size) == ESP_OK && size == 7);
    KTEST_CHECK((uint8_t)text[0] == s_version || (uint8_t)text[0] == s_version - 1);
    make_content(s_version);
    const bool is_new = file_is("v", 4099);
    make_content(s_version - 1);
    KTEST_CHECK(is_new || file_is("v", 4099));
    KTEST_CHECK(!is_new || (uint8_t)text[0] == s_version); // one after the other
}

static void a_power_cut_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    unsigned cuts = 0;
    s_version = 1;
    as(0, write_versions);
    bool was_cut = true;
    for (uint64_t budget = 0; was_cut; budget += budget < 400 ? 5 : budget < 12400 ? 401 : 3) {
        s_version = s_version % 200 + 1;
        if (s_version == 1) {
            as(0, write_versions);
            s_version = 2;
        }
        host_flash_cut_power_after(budget, HOST_POWER_CUT_FAILS, budget + 1);
        as(0, write_versions);
        was_cut = host_flash_is_off();
        cuts += was_cut;
        host_flash_power_on();
        app_store_boot();
        as(0, check_versions);
        as(0, write_versions);
        as(0, check_versions);
        assert_int_equal(app_store_used_kb(), 64);
    }
    assert_true(cuts > 80);
}

// ---- an installed app --------------------------------------------------------------------------

static _Atomic uint32_t s_lives[2], s_said;

static void on_lives(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(uint32_t[2]));
    uint32_t lives[2];
    memcpy(lives, event->data, sizeof(lives));
    s_lives[0] = lives[0];
    s_lives[1] = lives[1];
    s_said++;
}

static void hear_lives(void)
{
    static bool s_hears;
    if (!s_hears) {
        const system_service_id_t witness = system_up_service("witness");
        assert_int_equal(
            system_event_subscribe_pattern(witness, "keeps.*", on_lives, NULL, NULL, NULL), ESP_OK);
        s_hears = true;
    }
}

static void live(uint32_t expected)
{
    const uint32_t said = s_said;
    assert_int_equal(app_manager_start("keeps"), ESP_OK);
    assert_true(system_up_wait(&s_said, said + 1, 20000));
    assert_int_equal(s_lives[0], expected);
    assert_int_equal(s_lives[1], expected);
    assert_int_equal(app_manager_stop("keeps"), ESP_OK);
}

static void data_outlive_everything_but_the_app(void **state)
{
    (void)state;
    hear_lives();
    kb_bytes_t v1 = program_package_storing(PROGRAM_KEEPS, "org.keeps", "keeps", 1, &app_store_key);
    kb_bytes_t v2 = program_package_storing(PROGRAM_KEEPS, "org.keeps", "keeps", 2, &app_store_key);
    kb_bytes_t lacking = program_package_of(PROGRAM_KEEPS, "org.keeps", "keeps", 3, &app_store_key);
    kb_bytes_t posing =
        program_package_storing(PROGRAM_KEEPS, "firmware.one", "keeps", 1, &app_store_key);
    assert_int_equal(app_store_install(&lacking), ESP_ERR_LOADER_ABI_MISMATCH);
    assert_int_equal(app_store_install(&posing), ESP_ERR_KAPP_STORE_BUILT_IN);
    assert_int_equal(app_store_install(&v1), ESP_OK);
    live(1);
    live(2);
    app_store_boot();
    live(3);
    assert_int_equal(app_store_update(&v2, false, NULL), ESP_OK);
    live(4);
    assert_int_equal(app_manager_uninstall("keeps", true), ESP_OK);
    app_store_boot();
    assert_int_equal(app_store_used_kb(), 64);
    assert_int_equal(app_store_install(&v1), ESP_OK);
    live(5);
    assert_int_equal(app_manager_uninstall("keeps", false), ESP_OK);
    assert_int_equal(app_store_used_kb(), 0);
    assert_int_equal(app_store_install(&v1), ESP_OK);
    live(1);
    kb_free(&v1);
    kb_free(&v2);
    kb_free(&lacking);
    kb_free(&posing);
}

static void find_nothing_of_the_installed_one(void)
{
    uint32_t lives;
    size_t size = sizeof(lives);
    KTEST_CHECK(app_settings_get("lives", &lives, &size) == ESP_ERR_NOT_FOUND);
    KTEST_CHECK(app_settings_set("lives", "firmware", 8) == ESP_OK);
}

/** Another firmware may bring an app that has the name of one that is installed. */
static void an_app_of_the_firmware_does_not_get_what_an_installed_one_stored(void **state)
{
    (void)state;
    static const app_manifest_t s_same_name = {
        .name = "keeps", .entry_point = run_job, .stack_size = 8192, .priority = 5};
    kb_bytes_t b = program_package_storing(PROGRAM_KEEPS, "org.keeps", "keeps", 1, &app_store_key);
    hear_lives();
    assert_int_equal(app_store_install(&b), ESP_OK);
    live(1);
    assert_int_equal(kapp_store_stop(), ESP_OK);
    assert_int_equal(app_manager_register(&s_same_name), ESP_OK);
    as_named("keeps", find_nothing_of_the_installed_one);
    assert_int_equal(app_manager_unregister("keeps"), ESP_OK);
    assert_int_equal(kapp_store_start(true), ESP_OK);
    live(2);
    kb_free(&b);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, app_store_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(settings_are_the_app_s_own_and_stay),
        TEST(settings_have_a_quota),
        TEST(files_are_the_app_s_own_and_stay),
        TEST(files_have_a_quota),
        TEST(settings_that_found_no_room_find_it_later),
        TEST(no_app_wears_the_flash_out),
        TEST(a_wrong_pointer_ends_the_app_alone),
        TEST(a_full_partition_loses_nothing),
        TEST(damage_is_said_and_can_be_erased),
        TEST(a_power_cut_leaves_the_old_or_the_new),
        TEST(data_outlive_everything_but_the_app),
        TEST(an_app_of_the_firmware_does_not_get_what_an_installed_one_stored),
    };
    host_flash_use_table(app_store_table);
    return KTEST_MAIN(argc, argv, tests);
}
