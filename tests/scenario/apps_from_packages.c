// SPDX-License-Identifier: Apache-2.0
/*
 * Apps out of packages come and go, while allocations fail and stops come at any moment. Whatever
 * happened in a round, afterwards not a byte, a place or a subscription is missing.
 */
#include <stdlib.h>
#include <string.h>

#include "esp_heap_caps.h"
#include "event_internal.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_heap.h"
#include "nvs_flash.h"

#include "kapp/kapp_app.h"
#include "kapp/kapp_trust.h"
#include "program_package.h"
#include "scenario.h"
#include "system_service/app_manager.h"
#include "system_service/error_codes.h"
#include "system_up.h"

#define ROUNDS 60

static uint32_t s_random;
static kb_bytes_t s_hello, s_deaf;

/** Numbers of the seed. */
static uint32_t draw(uint32_t below)
{
    s_random = s_random * 1664525u + 1013904223u;
    return (s_random >> 8) % below;
}

/** The nth allocation from now on fails, or none does. */
static void fault(bool wanted)
{
    host_heap_fail_nth(wanted ? 1 + draw(20) : 0, wanted ? 1 : 0);
}

static void disturb(const char *name)
{
    vTaskDelay(draw(20));
    switch (draw(5)) {
    case 0:
        (void)app_manager_pause(name);
        vTaskDelay(draw(5));
        (void)app_manager_resume(name);
        break;
    case 1:
        fault(draw(2) == 0); /* the second life may fail to begin */
        (void)app_manager_restart(name);
        break;
    case 2:
        (void)app_manager_pause(name); /* stopped while it is paused */
        break;
    default:
        break;
    }
}

static void one_round(void)
{
    const bool deaf = draw(12) == 0;
    const char *name = deaf ? "deaf" : "hello";
    const kb_bytes_t *bytes = deaf ? &s_deaf : &s_hello;
    const kapp_source_t source = kapp_source_memory(bytes->bytes, bytes->size);
    fault(draw(4) == 0);
    esp_err_t ret = kapp_app_register(&source, false, NULL);
    if (ret != ESP_OK) {
        host_heap_fail_nth(0, 0);
        SCENARIO_CHECK_INT(app_manager_start(name), ==, ESP_ERR_APP_NOT_FOUND);
        return;
    }
    fault(draw(4) == 0);
    ret = app_manager_start(name);
    if (ret == ESP_OK) {
        disturb(name);
    }
    host_heap_fail_nth(0, 0);
    ret = app_manager_stop(name);
    SCENARIO_CHECK(ret == ESP_OK || ret == ESP_ERR_APP_NOT_RUNNING ||
                   ret == ESP_ERR_APP_STOP_TIMEOUT);
    SCENARIO_CHECK(deaf || ret != ESP_ERR_APP_STOP_TIMEOUT);
    SCENARIO_CHECK_INT(kapp_app_unregister(name), ==, ESP_OK);
}

static void run(void)
{
    kb_key_t key;
    s_random = (uint32_t)scenario_seed();
    SCENARIO_CHECK_INT(nvs_flash_init(), ==, ESP_OK);
    SCENARIO_CHECK_INT(kapp_init(), ==, ESP_OK);
    kb_key_make(&key);
    SCENARIO_CHECK_INT(kapp_trust_add("test", key.public_key), ==, ESP_OK);
    s_hello = program_package(PROGRAM_HELLO, "hello", -1, &key);
    s_deaf = program_package(PROGRAM_DEAF, "deaf", -1, &key);
    const system_secure_key_t system = system_up();
    size_t before = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        one_round();
        SCENARIO_CHECK_INT(app_manager_set_aside_count(), ==, 0);
        SCENARIO_CHECK_INT(event_subs_count(SYSTEM_SLOT_NONE), ==, 0);
        const size_t now = heap_caps_get_free_size(MALLOC_CAP_8BIT);
        if (round == 10) {
            before = now; /* what first uses cost is behind us */
        }
        SCENARIO_CHECK(round <= 10 || now == before);
    }
    system_down(system);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "apps_from_packages", .run = run};
    return scenario_main(argc, argv, &s);
}
