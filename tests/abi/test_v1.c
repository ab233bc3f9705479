// SPDX-License-Identifier: Apache-2.0

// An app that was built against interface version 1, on the system as it is now.

#include <stdio.h>
#include <string.h>

#include "app_store.h"
#include "host_flash.h"
#include "kapp_internal.h"
#include "ktest.h"
#include "system_up.h"

#include "kapp/kapp_interface.h"
#include "system_service/app_manager.h"
#include "system_service/error_codes.h"

#define CHECKS 30u // at least

static uint32_t s_result[2];
static _Atomic uint32_t s_results;

static void on_result(const system_event_t *event, void *user_data)
{
    (void)user_data;
    KTEST_CHECK(event->data_size == sizeof(s_result));
    memcpy(s_result, event->data, sizeof(s_result));
    s_results++;
}

static unsigned group_of(const char *name)
{
    unsigned group = 0;
    while (group < KAPP_GROUP_COUNT && strcmp(kapp_group_name(group), name) != 0) {
        group++;
    }
    KTEST_CHECK(group < KAPP_GROUP_COUNT);
    return group;
}

static void all_that_there_was_can_be_imported(void **state)
{
    (void)state;
    char group[16];
    char name[48];
    unsigned major, minor;
    unsigned lines = 0;
    FILE *file = fopen(V1_INTERFACE, "r");
    assert_non_null(file);
    kapp_interface_init();
    while (fscanf(file, "%15s %u.%u %47s", group, &major, &minor, name) == 4) {
        uintptr_t address;
        kapp_manifest_t m = {.name = "abi1", .permissions = UINT32_MAX, .interface_count = 1};
        m.interfaces[0] =
            (kapp_interface_t){(uint8_t)group_of(group), (uint16_t)major, (uint16_t)minor};
        kapp_importer_t importer = {kapp_interface_list(), &m, 0};
        if (kapp_interface_check(&importer) != ESP_OK ||
            kapp_interface_resolve(&importer, name, &address) != ESP_OK) {
            fail_msg("%s of interface %s %u.%u is gone", name, group, major, minor);
        }
        lines++;
    }
    fclose(file);
    assert_true(lines >= 40);
}

static void an_app_of_that_time_runs(void **state)
{
    (void)state;
    app_info_t info;
    const system_service_id_t witness = system_up_service("witness");
    assert_int_equal(
        system_event_subscribe(witness, system_up_type("abi1.result"), on_result, NULL), ESP_OK);
    kb_bytes_t b = program_package_storing(V1_APP, "org.example.abi1", "abi1", 1, &app_store_key);
    assert_int_equal(app_store_install(&b), ESP_OK);
    assert_int_equal(app_manager_start("abi1"), ESP_OK);
    assert_true(system_up_wait(&s_results, 1, 20000));
    assert_int_equal(s_result[1], 0);
    assert_true(s_result[0] >= CHECKS);
    assert_int_equal(app_manager_stop("abi1"), ESP_OK);
    assert_int_equal(app_manager_get_info("abi1", &info), ESP_OK);
    assert_int_equal(info.crashes, 0);
    kb_free(&b);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_there_was_can_be_imported),
        cmocka_unit_test_setup_teardown(an_app_of_that_time_runs, app_store_set_up,
                                        app_store_tear_down),
    };
    host_flash_use_table(app_store_table);
    return KTEST_MAIN(argc, argv, tests);
}
