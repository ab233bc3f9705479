// SPDX-License-Identifier: Apache-2.0
/*
 * The story: the function that lists services in their start order was told how much room there was
 * and did not look: it wrote all of them. And when the table was full, the failure to make an entry
 * was ignored.
 *
 * Here there is room for fewer than there are, with canaries behind it, and tables are filled until
 * they refuse.
 */
#include <stdio.h>
#include <string.h>

#include "system_service/handler_monitor.h"
#include "system_service/log_control.h"
#include "system_service/service_dependencies.h"

#include "ktest.h"
#include "system_up.h"

#define CANARY 0xC0FFEEu

static void lists_stay_within_their_room(void **state)
{
    (void)state;
    static const char *const needs_ab[] = {"a", "b", NULL};
    static const system_service_descriptor_t a = {.name = "a"}, b = {.name = "b"},
                                             c = {.name = "c", .depends_on = needs_ab};
    const system_secure_key_t key = system_up();
    system_service_id_t id_a, id_b, id_c, order[4] = {CANARY, CANARY, CANARY, CANARY};
    struct {
        service_dependency_t room[1];
        uint32_t canary;
    } needs = {.canary = CANARY};
    struct {
        system_service_info_t room[2];
        uint32_t canary;
    } infos = {.canary = CANARY};
    size_t count = 2;

    assert_int_equal(system_service_register("c", &c, &id_c), ESP_OK);
    assert_int_equal(system_service_register("a", &a, &id_a), ESP_OK);
    assert_int_equal(system_service_register("b", &b, &id_b), ESP_OK);
    assert_int_equal(dependencies_get_start_order(order, &count), ESP_ERR_INVALID_SIZE);
    assert_int_equal(count, 3);
    assert_int_equal(order[0], id_a);
    assert_int_equal(order[1], id_b);
    assert_int_equal(order[2], CANARY);
    count = 1;
    assert_int_equal(dependencies_list(id_c, needs.room, &count), ESP_ERR_INVALID_SIZE);
    assert_int_equal(count, 2);
    assert_int_equal(needs.canary, CANARY);
    count = 1;
    order[1] = CANARY;
    assert_int_equal(dependencies_list_dependants(id_a, order, &count), ESP_OK);
    assert_int_equal(order[0], id_c);
    assert_int_equal(order[1], CANARY);
    count = 2;
    assert_int_equal(system_service_list(infos.room, &count), ESP_ERR_INVALID_SIZE);
    assert_int_equal(count, 3);
    assert_int_equal(infos.canary, CANARY);
    system_down(key);
}

static void a_full_table_says_so(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    const char *names[SERVICE_DEPENDENCIES_MAX + 2];
    char text[SERVICE_DEPENDENCIES_MAX + 1][16];
    system_service_descriptor_t greedy = {.name = "greedy", .depends_on = names};
    system_service_id_t id;
    esp_err_t ret = ESP_OK;
    unsigned count = 0;
    char name[16];

    for (int i = 0; i <= SERVICE_DEPENDENCIES_MAX; i++) {
        snprintf(text[i], sizeof(text[i]), "need%d", i);
        names[i] = text[i];
    }
    names[SERVICE_DEPENDENCIES_MAX + 1] = NULL;
    assert_int_equal(system_service_register("greedy", &greedy, &id),
                     ESP_ERR_SERVICE_DEPENDENCIES_FULL);
    assert_int_equal(system_service_find("greedy", &id), ESP_ERR_SERVICE_NOT_FOUND);

    for (; ret == ESP_OK && count < 1000; count++) {
        snprintf(name, sizeof(name), "service%u", count);
        ret = system_service_register(name, NULL, &id);
    }
    assert_int_equal(ret, ESP_ERR_SERVICE_TABLE_FULL);
    assert_int_equal(count, CONFIG_SYSTEM_MAX_SERVICES + 1);
    assert_int_equal(system_service_find("service0", &id), ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_stay_within_their_room),
        cmocka_unit_test(a_full_table_says_so),
    };
    return KTEST_MAIN(argc, argv, tests);
}
