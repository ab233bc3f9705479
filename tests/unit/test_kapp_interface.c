// SPDX-License-Identifier: Apache-2.0

// What apps may import: every line of the list, versions, and permissions.

#include <string.h>

#include "kapp_internal.h"
#include "kapp_policy.h"
#include "ktest.h"

#include "kapp/kapp_interface.h"
#include "system_service/error_codes.h"

static kapp_manifest_t manifest_for(unsigned group, uint16_t major, uint16_t minor)
{
    kapp_manifest_t m = {.name = "app", .interface_count = 1};
    m.interfaces[0] = (kapp_interface_t){(uint8_t)group, major, minor};
    return m;
}

static void every_function_of_the_list_is_found(void **state)
{
    (void)state;
    const kapp_interface_list_t *list = kapp_interface_list();
    kapp_interface_init();
    assert_true(list->count > 20);
    for (unsigned i = 0; i < list->count; i++) {
        const kapp_export_t *e = &list->exports[i];
        kapp_manifest_t m =
            manifest_for(e->group, list->groups[e->group].major, list->groups[e->group].minor);
        m.permissions = e->group == KAPP_GROUP_CORE ? 0 : 1u << e->group;
        const kapp_importer_t importer = {list, &m, 0};
        uintptr_t address = 0;
        assert_true(e->minor <= list->groups[e->group].minor);
        assert_int_equal(kapp_interface_resolve((void *)(uintptr_t)&importer, e->name, &address),
                         ESP_OK);
        assert_true(address != 0 && address == (uintptr_t)e->function);
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(e->name, list->exports[j].name);
        }
    }
}

static void other_names_are_not(void **state)
{
    (void)state;
    static const char *const names[] = {"",        "system",   "printf",
                                        "memcpy2", "memcp",    "exit",
                                        "mallo",   "nvs_open", "system_service_register"};
    kapp_interface_init();
    kapp_manifest_t m = manifest_for(KAPP_GROUP_CORE, 1, 0);
    m.permissions = UINT32_MAX;
    kapp_importer_t importer = {kapp_interface_list(), &m, 0};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uintptr_t address;
        assert_int_equal(kapp_interface_resolve(&importer, names[i], &address), ESP_ERR_NOT_FOUND);
    }
}

static void function(void)
{
}

static const kapp_export_t s_some[] = {
    {"old", function, KAPP_GROUP_STORAGE, 0},
    {"new", function, KAPP_GROUP_STORAGE, 3},
    {"core", function, KAPP_GROUP_CORE, 0},
};
static const kapp_interface_list_t s_list = {
    .exports = s_some,
    .count = 3,
    .groups = {[KAPP_GROUP_CORE] = {KAPP_GROUP_CORE, 1, 0},
               [KAPP_GROUP_STORAGE] = {KAPP_GROUP_STORAGE, 2, 3}},
};

static uint32_t s_denied;

static esp_err_t resolve(const kapp_manifest_t *m, const char *name)
{
    uintptr_t address;
    kapp_importer_t importer = {&s_list, m, s_denied};
    return kapp_interface_resolve(&importer, name, &address);
}

static void a_group_needs_its_permission(void **state)
{
    (void)state;
    kapp_manifest_t m = manifest_for(KAPP_GROUP_STORAGE, 2, 3);
    assert_int_equal(resolve(&m, "old"), ESP_ERR_APP_PERMISSION_DENIED);
    m.permissions = ~(1u << KAPP_GROUP_STORAGE);
    assert_int_equal(resolve(&m, "old"), ESP_ERR_APP_PERMISSION_DENIED);
    m.permissions = 1u << KAPP_GROUP_STORAGE;
    assert_int_equal(resolve(&m, "old"), ESP_OK);
    s_denied = 1u << KAPP_GROUP_STORAGE; // by the policy
    assert_int_equal(resolve(&m, "old"), ESP_ERR_APP_PERMISSION_DENIED);
    s_denied = ~s_denied;
    assert_int_equal(resolve(&m, "old"), ESP_OK);
    assert_int_equal(resolve(&m, "core"), ESP_ERR_LOADER_ABI_MISMATCH); // not stated
    m = manifest_for(KAPP_GROUP_CORE, 1, 0);
    assert_int_equal(resolve(&m, "core"), ESP_OK); // needs none
    s_denied = 0;
}

static void a_function_newer_than_stated_is_refused(void **state)
{
    (void)state;
    kapp_manifest_t m = manifest_for(KAPP_GROUP_STORAGE, 2, 2);
    m.permissions = 1u << KAPP_GROUP_STORAGE;
    assert_int_equal(resolve(&m, "old"), ESP_OK);
    assert_int_equal(resolve(&m, "new"), ESP_ERR_LOADER_ABI_MISMATCH);
    m.interfaces[0].minor = 3;
    assert_int_equal(resolve(&m, "new"), ESP_OK);
}

static void versions_must_be_there(void **state)
{
    (void)state;
    static const struct {
        unsigned group;
        uint16_t major, minor;
        esp_err_t expected;
    } cases[] = {
        {KAPP_GROUP_STORAGE, 2, 0, ESP_OK},
        {KAPP_GROUP_STORAGE, 2, 3, ESP_OK},
        {KAPP_GROUP_STORAGE, 2, 4, ESP_ERR_LOADER_ABI_MISMATCH},
        {KAPP_GROUP_STORAGE, 1, 0, ESP_ERR_LOADER_ABI_MISMATCH},
        {KAPP_GROUP_STORAGE, 3, 0, ESP_ERR_LOADER_ABI_MISMATCH},
        {KAPP_GROUP_AUDIO, 1, 0, ESP_ERR_LOADER_ABI_MISMATCH},
        {KAPP_GROUP_AUDIO, 0, 0, ESP_ERR_LOADER_ABI_MISMATCH},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const kapp_manifest_t m = manifest_for(cases[i].group, cases[i].major, cases[i].minor);
        const kapp_importer_t importer = {&s_list, &m, 0};
        assert_int_equal(kapp_interface_check(&importer), cases[i].expected);
    }
    assert_int_equal(kapp_interface_check(NULL), ESP_ERR_INVALID_ARG);
}

static void groups_can_be_added(void **state)
{
    (void)state;
    static const kapp_export_t exports[] = {{"draw", function, KAPP_GROUP_DISPLAY, 0}};
    static const kapp_export_t others[] = {{"strange", function, KAPP_GROUP_AUDIO, 0}};
    static const app_event_right_t rights[KAPP_PART_RIGHTS_MAX + 1] = {
        {APP_EVENT_POST, "display.surface_*"}};
    static const kapp_interface_part_t display = {
        {KAPP_GROUP_DISPLAY, 1, 0}, exports, 1, rights, 1};
    static const kapp_interface_part_t wrong[] = {
        {{KAPP_GROUP_COUNT, 1, 0}, NULL, 0, NULL, 0},
        {{KAPP_GROUP_INPUT, 0, 1}, NULL, 0, NULL, 0},
        {{KAPP_GROUP_INPUT, 1, 0}, others, 1, NULL, 0},
    };
    static const kapp_interface_part_t again = {{KAPP_GROUP_CORE, 1, 0}, NULL, 0, NULL, 0};
    static const kapp_interface_part_t long_one = {
        {KAPP_GROUP_AUDIO, 1, 0}, others, 1, rights, KAPP_PART_RIGHTS_MAX};
    const unsigned before = kapp_interface_list()->count;

    assert_int_equal(kapp_interface_add(NULL), ESP_ERR_INVALID_ARG);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(kapp_interface_add(&wrong[i]), ESP_ERR_INVALID_ARG);
    }
    assert_int_equal(kapp_interface_add(&again), ESP_ERR_INVALID_STATE);
    assert_int_equal(kapp_interface_add(&display), ESP_OK);
    assert_int_equal(kapp_interface_add(&display), ESP_ERR_INVALID_STATE);
    assert_int_equal(kapp_interface_add(&long_one), ESP_ERR_NO_MEM);
    assert_int_equal(kapp_interface_list()->count, before + 1);

    // It is there now, for whoever states it and has the permission; and so are its events.
    kapp_manifest_t m = manifest_for(KAPP_GROUP_DISPLAY, 1, 0);
    kapp_importer_t importer = {kapp_interface_list(), &m, 0};
    uintptr_t address = 0;
    kapp_event_rights_t granted;
    assert_int_equal(kapp_interface_check(&importer), ESP_OK);
    assert_int_equal(kapp_interface_resolve(&importer, "draw", &address),
                     ESP_ERR_APP_PERMISSION_DENIED);
    kapp_policy_event_rights(&m, 0, &granted);
    assert_int_equal(granted.rights.count, 0);
    m.permissions = 1u << KAPP_GROUP_DISPLAY;
    assert_int_equal(kapp_interface_resolve(&importer, "draw", &address), ESP_OK);
    assert_true(address == (uintptr_t)function);
    kapp_policy_event_rights(&m, 0, &granted);
    assert_int_equal(granted.rights.count, 1);
    assert_string_equal(granted.rights.list[0].pattern, "display.surface_*");
    kapp_policy_event_rights(&m, 1u << KAPP_GROUP_DISPLAY, &granted); // asked for, not granted
    assert_int_equal(granted.rights.count, 0);
    every_function_of_the_list_is_found(state);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_of_the_list_is_found),
        cmocka_unit_test(other_names_are_not),
        cmocka_unit_test(a_group_needs_its_permission),
        cmocka_unit_test(a_function_newer_than_stated_is_refused),
        cmocka_unit_test(versions_must_be_there),
        cmocka_unit_test(groups_can_be_added),
    };
    return KTEST_MAIN(argc, argv, tests);
}
