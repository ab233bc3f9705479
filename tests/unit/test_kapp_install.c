// SPDX-License-Identifier: Apache-2.0

// Installing and removing apps: what comes of it, and what is left when it fails.

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app_store.h"
#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_flash.h"
#include "host_log.h"
#include "ktest.h"

#include "kapp/kapp_trust.h"
#include "system_service/error_codes.h"

static kb_key_t s_other; // not trusted

static int set_up(void **state)
{
    static bool s_done;
    if (!s_done) {
        KTEST_CHECK(app_manager_uninstall("x", false) == ESP_ERR_INVALID_STATE);
        KTEST_CHECK(kapp_store_start(true) == ESP_ERR_INVALID_STATE);
    }
    const int ret = app_store_set_up(state);
    if (!s_done) {
        kb_key_make(&s_other);
        s_done = true;
    }
    return ret;
}

// ---- installing --------------------------------------------------------------------------------

static void an_installed_app_starts_also_after_a_boot(void **state)
{
    (void)state;
    uint8_t signer[KAPP_HASH_SIZE];
    assert_int_equal(app_store_install(&app_store_v1), ESP_OK);
    assert_int_equal(app_store_info("hello").state, APP_STATE_REGISTERED);
    assert_int_equal(app_manager_start("hello"), ESP_OK);
    vTaskDelay(20);
    assert_int_equal(app_store_install(&app_store_v1), ESP_ERR_APP_ALREADY_REGISTERED);
    app_store_boot();
    assert_int_equal(app_store_info("hello").state, APP_STATE_REGISTERED);
    assert_int_equal(app_manager_start("hello"), ESP_OK);
    assert_int_equal(app_manager_set_autostart(APP_STORE_ID, true), ESP_OK);
    app_store_boot();
    assert_int_equal(app_store_info("hello").starts, 1);
    const app_installed_t installed = app_store_only_one();
    assert_string_equal(installed.id, APP_STORE_ID);
    assert_string_equal(installed.name, "hello");
    assert_int_equal(installed.version.major, 1);
    assert_int_equal(installed.package_bytes, app_store_v1.size);
    assert_true(installed.autostart && installed.is_signed);
    assert_int_equal(kapp_key_id(app_store_key.public_key, signer), ESP_OK);
    assert_memory_equal(installed.signer, signer, sizeof(signer));
    assert_int_equal(app_manager_set_autostart("hello", false), ESP_OK); // its name will do
    app_store_boot();
    assert_int_equal(app_store_info("hello").state, APP_STATE_REGISTERED);
}

static void uninstalling_leaves_nothing(void **state)
{
    (void)state;
    app_info_t info;
    size_t before = 0;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(app_store_install(&app_store_v1), ESP_OK);
        assert_int_equal(app_store_used_kb(), 64);
        if (i % 2 == 0) {
            assert_int_equal(app_manager_start("hello"), ESP_OK);
        }
        assert_int_equal(app_manager_uninstall(APP_STORE_ID, false), ESP_OK);
        assert_int_equal(app_manager_get_info("hello", &info), ESP_ERR_APP_NOT_FOUND);
        assert_int_equal(app_store_used_kb(), 0);
        const size_t now = heap_caps_get_free_size(MALLOC_CAP_8BIT);
        assert_true(i < 2 || now == before);
        before = now;
    }
    assert_int_equal(app_manager_uninstall(APP_STORE_ID, false), ESP_ERR_APP_NOT_FOUND);
    assert_int_equal(app_manager_uninstall("fixed", false), ESP_ERR_KAPP_STORE_BUILT_IN);
    assert_int_equal(app_manager_uninstall(NULL, false), ESP_ERR_INVALID_ARG);
    app_store_boot();
    assert_int_equal(app_manager_get_info("hello", &info), ESP_ERR_APP_NOT_FOUND);
}

static void one_that_does_not_stop_is_uninstalled_all_the_same(void **state)
{
    (void)state;
    kb_bytes_t deaf = program_package(PROGRAM_DEAF, "deaf", -1, &app_store_key);
    assert_int_equal(app_store_install(&deaf), ESP_OK);
    assert_int_equal(app_manager_start("deaf"), ESP_OK);
    for (int ms = 0; app_store_info("deaf").state != APP_STATE_RUNNING; ms++) {
        assert_true(ms < ktest_polls(1000));
        vTaskDelay(1);
    }
    vTaskDelay(20);
    assert_int_equal(app_manager_uninstall("org.example.deaf", false), ESP_OK);
    assert_int_equal(app_store_used_kb(), 0);
    kb_free(&deaf);
}

typedef struct {
    const kb_bytes_t *bytes;
    esp_err_t answer;
} refusal_t;

static void what_is_not_right_is_not_installed(void **state)
{
    (void)state;
    const size_t free_before = heap_caps_get_free_size(MALLOC_CAP_8BIT);
    kb_bytes_t unsigned_one = program_package(PROGRAM_HELLO, "hello", -1, NULL);
    kb_bytes_t unknown = program_package(PROGRAM_HELLO, "hello", -1, &s_other);
    kb_bytes_t lacking = program_package(PROGRAM_LACKING, "lacking", -1, &app_store_key);
    kb_bytes_t takes_name = program_package(PROGRAM_HELLO, "fixed", -1, &app_store_key);
    kb_bytes_t empty = {0};
    kb_bytes_t cut = app_store_v1, longer = {0}, changed = {0}, text = {0}, header = app_store_v1;
    cut.size--;
    header.size = 19;
    kb_append(&longer, app_store_v1.bytes, app_store_v1.size);
    kb_u8(&longer, 0);
    kb_append(&changed, app_store_v1.bytes, app_store_v1.size);
    changed.bytes[changed.size / 2] ^= 1;
    kb_append(&text, "hello, world! this is not a package", 35);
    const refusal_t refusals[] = {
        {&unsigned_one, ESP_ERR_KAPP_UNSIGNED},
        {&unknown, ESP_ERR_KAPP_SIGNER_UNKNOWN},
        {&lacking, ESP_ERR_LOADER_UNRESOLVED_SYMBOL},
        {&takes_name, ESP_ERR_APP_ALREADY_REGISTERED},
        {&empty, ESP_ERR_KAPP_NOT_A_PACKAGE},
        {&cut, ESP_ERR_KAPP_TRUNCATED},
        {&longer, ESP_ERR_KAPP_TRAILING},
        {&changed, ESP_ERR_KAPP_SIGNATURE_WRONG},
        {&text, ESP_ERR_KAPP_NOT_A_PACKAGE},
        {&header, ESP_ERR_KAPP_TRUNCATED},
    };
    const size_t held = free_before - heap_caps_get_free_size(MALLOC_CAP_8BIT);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const esp_err_t ret = app_store_install(refusals[i].bytes);
        if (ret != refusals[i].answer) {
            print_error("refusal %u: %s\n", (unsigned)i, system_error_to_string(ret));
        }
        assert_int_equal(ret, refusals[i].answer);
        assert_int_equal(app_store_used_kb(), 0);
    }
    assert_int_equal(free_before - heap_caps_get_free_size(MALLOC_CAP_8BIT), held);
    kb_free(&unsigned_one);
    kb_free(&unknown);
    kb_free(&lacking);
    kb_free(&takes_name);
    kb_free(&longer);
    kb_free(&changed);
    kb_free(&text);
}

static void a_store_that_is_full_says_so(void **state)
{
    (void)state;
    char name[] = "hello0";
    char id[] = "org.example.hello0";
    for (unsigned i = 0; i < 6; i++) { // there are five extents
        name[5] = id[17] = (char)('0' + i);
        kb_bytes_t b = program_package_of(PROGRAM_HELLO, id, name, 1, &app_store_key);
        assert_int_equal(app_store_install(&b), i < 5 ? ESP_OK : ESP_ERR_LOADER_STORAGE_FULL);
        kb_free(&b);
    }
    app_store_boot();
    size_t count = 0;
    assert_int_equal(app_manager_installed(NULL, &count), ESP_ERR_INVALID_SIZE);
    assert_int_equal(count, 5);
    // The place of one that goes is there for the next.
    kb_bytes_t b = program_package_of(PROGRAM_HELLO, id, name, 1, &app_store_key);
    assert_int_equal(app_manager_uninstall("hello3", false), ESP_OK);
    assert_int_equal(app_store_install(&b), ESP_OK);
    assert_int_equal(app_manager_start(name), ESP_OK);
    kb_free(&b);
}

/** The app "other" of somebody who is trusted from now on. */
static void install_other_signer_s(uint8_t id[KAPP_HASH_SIZE])
{
    assert_int_equal(kapp_trust_add("other", s_other.public_key), ESP_OK);
    assert_int_equal(kapp_key_id(s_other.public_key, id), ESP_OK);
    kb_bytes_t b = program_package(PROGRAM_HELLO, "other", -1, &s_other);
    assert_int_equal(app_store_install(&b), ESP_OK);
    kb_free(&b);
}

static void a_revoked_signer_s_apps_start_no_more(void **state)
{
    (void)state;
    uint8_t id[KAPP_HASH_SIZE];
    install_other_signer_s(id);
    assert_int_equal(app_manager_start("other"), ESP_OK);
    assert_int_equal(app_manager_stop("other"), ESP_OK);
    assert_int_equal(kapp_trust_revoke(id), ESP_OK);
    assert_int_equal(app_manager_start("other"), ESP_ERR_KAPP_SIGNER_REVOKED);
    app_store_boot();
    assert_int_equal(app_manager_start("other"), ESP_ERR_KAPP_SIGNER_REVOKED);
    assert_int_equal(kapp_trust_remove(id), ESP_OK);
    assert_int_equal(app_manager_start("other"), ESP_ERR_KAPP_SIGNER_UNKNOWN);
    assert_int_equal(app_manager_uninstall("other", false), ESP_OK);
}

/** What a boot has to say. */
static bool boot_says(const char *text)
{
    static char s_log[4096];
    host_log_capture_start(false);
    app_store_boot();
    host_log_capture_stop();
    host_log_captured(s_log, sizeof(s_log));
    return strstr(s_log, text) != NULL;
}

static void a_boot_names_what_does_not_start(void **state)
{
    (void)state;
    uint8_t id[KAPP_HASH_SIZE];
    install_other_signer_s(id);
    assert_int_equal(app_manager_set_autostart("other", true), ESP_OK);
    assert_false(boot_says("does not start"));
    assert_int_equal(app_store_info("other").starts, 1);
    assert_int_equal(kapp_trust_remove(id), ESP_OK);
    assert_true(boot_says("does not start"));
    assert_int_equal(app_store_info("other").starts, 0);
    assert_int_equal(app_manager_uninstall("other", false), ESP_OK);
}

// ---- locations ---------------------------------------------------------------------------------

static void a_file_is_installed(void **state)
{
    (void)state;
    char path[] = "/tmp/kapp_XXXXXX";
    app_install_report_t report;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, app_store_v1.bytes, app_store_v1.size), app_store_v1.size);
    assert_int_equal(app_manager_install(path, &report), ESP_OK);
    assert_string_equal(report.id, APP_STORE_ID);
    assert_string_equal(report.name, "hello");
    assert_int_equal(report.version.minor, 2);
    assert_int_equal(pwrite(fd, app_store_v2.bytes, app_store_v2.size, 0), app_store_v2.size);
    assert_int_equal(app_manager_update(path, false, &report), ESP_OK);
    assert_int_equal(report.version.major, 2);
    assert_int_equal(report.replaced.major, 1);
    close(fd);
    unlink(path);
    assert_int_equal(app_manager_install(path, &report), ESP_ERR_NOT_FOUND);
    assert_int_equal(app_manager_install("/", &report), ESP_FAIL);
    assert_int_equal(app_manager_install(NULL, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(app_manager_update(NULL, false, NULL), ESP_ERR_INVALID_ARG);
}

static unsigned s_closed;

static esp_err_t open_address(const char *location, kapp_stream_t *out)
{
    static app_store_stream_t s_stream;
    s_stream = (app_store_stream_t){&app_store_v1, 0, 1};
    *out = (kapp_stream_t){app_store_give, &s_stream};
    return strcmp(location, "test://here") == 0 ? ESP_OK : ESP_ERR_NOT_FINISHED;
}

static void close_address(kapp_stream_t *stream)
{
    (void)stream;
    s_closed++;
}

static void an_address_is_opened_by_its_scheme(void **state)
{
    (void)state;
    static kapp_opener_t s_opener = {"test", open_address, close_address, NULL};
    assert_int_equal(app_manager_install("test://here", NULL), ESP_ERR_KAPP_STREAM_SCHEME);
    kapp_stream_add_opener(&s_opener);
    assert_int_equal(app_manager_install("test://there", NULL), ESP_ERR_NOT_FINISHED);
    assert_int_equal(s_closed, 0);
    assert_int_equal(app_manager_install("test://here", NULL), ESP_OK);
    assert_int_equal(app_manager_install("test://here", NULL), ESP_ERR_APP_ALREADY_REGISTERED);
    assert_int_equal(s_closed, 2);
    assert_int_equal(app_manager_install("tests://here", NULL), ESP_ERR_KAPP_STREAM_SCHEME);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, app_store_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(an_installed_app_starts_also_after_a_boot),
        TEST(uninstalling_leaves_nothing),
        TEST(one_that_does_not_stop_is_uninstalled_all_the_same),
        TEST(what_is_not_right_is_not_installed),
        TEST(a_store_that_is_full_says_so),
        TEST(a_revoked_signer_s_apps_start_no_more),
        TEST(a_boot_names_what_does_not_start),
        TEST(a_file_is_installed),
        TEST(an_address_is_opened_by_its_scheme),
    };
    host_flash_use_table(app_store_table);
    return KTEST_MAIN(argc, argv, tests);
}
