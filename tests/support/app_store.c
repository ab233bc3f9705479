// SPDX-License-Identifier: Apache-2.0
#include "app_store.h"

#include <string.h>

#include "ktest.h"
#include "nvs_flash.h"
#include "system_up.h"

#include "kapp/kapp_trust.h"

const char app_store_table[] = "nvs,  data, nvs,  0x9000, 24K\n"
                               "apps, data, 0x40, 0x20000, 320K\n";

kb_key_t app_store_key;
kb_bytes_t app_store_v1, app_store_v2;

static void built_in(app_context_t *ctx)
{
    (void)ctx->heartbeat(ctx);
}

static const app_manifest_t s_built_in = {
    .name = "fixed", .entry_point = built_in, .stack_size = 4096, .priority = 5};

int app_store_set_up(void **state)
{
    (void)state;
    static bool done;
    if (!done) {
        KTEST_CHECK(nvs_flash_init() == ESP_OK);
        KTEST_CHECK(kapp_init() == ESP_OK);
        kb_key_make(&app_store_key);
        KTEST_CHECK(kapp_trust_add("test", app_store_key.public_key) == ESP_OK);
        (void)system_up();
        KTEST_CHECK(app_manager_register(&s_built_in) == ESP_OK);
        KTEST_CHECK(kapp_store_start(true) == ESP_OK);
        done = true;
    }
    KTEST_CHECK(kapp_store_stop() == ESP_OK);
    KTEST_CHECK(kapp_store_erase() == ESP_OK);
    app_store_v1 = program_package(PROGRAM_HELLO, "hello", -1, &app_store_key);
    app_store_v2 = program_package_of(PROGRAM_HELLO, APP_STORE_ID, "hello", 2, &app_store_key);
    return 0;
}

int app_store_tear_down(void **state)
{
    (void)state;
    kb_free(&app_store_v1);
    kb_free(&app_store_v2);
    return 0;
}

// ---- streams -----------------------------------------------------------------------------------

esp_err_t app_store_give(void *arg, void *to, size_t room, size_t *got)
{
    app_store_stream_t *m = arg;
    const uint32_t left = m->bytes->size - m->at;
    *got = room < left ? room : left;
    *got = *got < m->most ? *got : m->most;
    if (*got != 0) {
        memcpy(to, m->bytes->bytes + m->at, *got);
    }
    m->at += (uint32_t)*got;
    return ESP_OK;
}

esp_err_t app_store_install(const kb_bytes_t *b)
{
    app_store_stream_t m = {b, 0, 777};
    const kapp_stream_t stream = {app_store_give, &m};
    return app_manager_install_stream(&stream, NULL);
}

esp_err_t app_store_update(const kb_bytes_t *b, bool allow_older, app_install_report_t *report)
{
    app_store_stream_t m = {b, 0, 100000};
    const kapp_stream_t stream = {app_store_give, &m};
    return app_manager_update_stream(&stream, allow_older, report);
}

// ---- what there is -----------------------------------------------------------------------------

app_info_t app_store_info(const char *name)
{
    app_info_t info;
    assert_int_equal(app_manager_get_info(name, &info), ESP_OK);
    return info;
}

unsigned app_store_used_kb(void)
{
    kapp_store_usage_t usage;
    assert_int_equal(kapp_store_get_usage(&usage), ESP_OK);
    assert_int_equal(usage.used_bytes + usage.free_bytes, usage.total_bytes);
    return usage.used_bytes / 1024;
}

app_installed_t app_store_only_one(void)
{
    app_installed_t installed;
    size_t count = 1;
    assert_int_equal(app_manager_installed(&installed, &count), ESP_OK);
    assert_int_equal(count, 1);
    return installed;
}

/** What the next boot does, as far as installed apps are concerned. */
void app_store_boot(void)
{
    assert_int_equal(kapp_store_stop(), ESP_OK);
    assert_int_equal(nvs_flash_deinit(), ESP_OK);
    assert_int_equal(nvs_flash_init(), ESP_OK);
    assert_int_equal(kapp_init(), ESP_OK);
    assert_int_equal(kapp_store_start(true), ESP_OK);
}
