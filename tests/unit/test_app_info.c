// SPDX-License-Identifier: Apache-2.0

// What is told about an app outlives its manifest: another task may unregister it meanwhile.

#include <string.h>

#include "ktest.h"
#include "system_service/app_manager.h"
#include "system_up.h"

static void nothing(app_context_t *ctx)
{
    (void)ctx;
}

static void a_snapshot_outlives_the_app(void **state)
{
    (void)state;
    static char s_texts[3][100];
    static app_manifest_t s_manifest;
    app_info_t infos[CONFIG_SYSTEM_MAX_APPS];
    app_info_t info;
    size_t count = CONFIG_SYSTEM_MAX_APPS;
    const system_secure_key_t key = system_up();

    strcpy(s_texts[0], "fleeting");
    strcpy(s_texts[1], "1.2.3");
    memset(s_texts[2], 'd', sizeof(s_texts[2]) - 1);
    s_manifest = (app_manifest_t){
        .name = s_texts[0],
        .version = s_texts[1],
        .description = s_texts[2],
        .entry_point = nothing,
        .stack_size = APP_STACK_SIZE_MIN,
        .priority = 1,
    };
    assert_int_equal(app_manager_register(&s_manifest), ESP_OK);
    assert_int_equal(app_manager_list(infos, &count), ESP_OK);
    assert_int_equal(count, 1);
    assert_int_equal(app_manager_get_info("fleeting", &info), ESP_OK);
    assert_int_equal(app_manager_unregister("fleeting"), ESP_OK);
    memset(s_texts, '?', sizeof(s_texts));
    memset(&s_manifest, 0, sizeof(s_manifest));

    assert_string_equal(infos[0].name, "fleeting");
    assert_string_equal(infos[0].version, "1.2.3");
    assert_int_equal(strlen(infos[0].description), APP_INFO_DESCRIPTION - 1);
    assert_string_equal(info.name, "fleeting");
    system_down(key);
}

static void what_a_manifest_does_not_say_is_empty(void **state)
{
    (void)state;
    static const app_manifest_t silent = {
        .name = "silent",
        .entry_point = nothing,
        .stack_size = APP_STACK_SIZE_MIN,
        .priority = 1,
    };
    app_info_t info;
    memset(&info, '?', sizeof(info));
    const system_secure_key_t key = system_up();
    assert_int_equal(app_manager_register(&silent), ESP_OK);
    assert_int_equal(app_manager_get_info("silent", &info), ESP_OK);
    assert_string_equal(info.version, "");
    assert_string_equal(info.description, "");
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_outlives_the_app),
        cmocka_unit_test(what_a_manifest_does_not_say_is_empty),
    };
    return KTEST_MAIN(argc, argv, tests);
}
