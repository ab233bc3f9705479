// SPDX-License-Identifier: Apache-2.0
/*
 * The display service is taken down in the middle of its work, each time in another way by the
 * seed: a transfer that never returns, a handler that hangs, a crash, a stop and a start by an
 * operator. It comes back by itself within five seconds; apps draw all the while, keep their
 * surfaces, and the panel ends up with what they drew last.
 */
#include <stdatomic.h>

#include "display_app.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_display.h"
#include "ktest.h"
#include "scenario.h"
#include "system_service/app_manager.h"
#include "system_service/fault_injection.h"
#include "system_service/service_supervisor.h"
#include "system_up.h"

#define ROUNDS 2

static _Atomic bool s_go_on;
static _Atomic uint32_t s_shown;
static _Atomic uint32_t s_missed;

/** Draw on and on, whatever becomes of the commits. */
static esp_err_t draw_on(app_context_t *ctx, display_surface_t *surface)
{
    for (int16_t x = 0; atomic_load(&s_go_on) && ctx->sleep_ms(ctx, 7);
         x = (int16_t)((x + 9) % 200)) {
        const display_rect_t block = {x, (int16_t)(x + 20), 30, 12};
        display_canvas_rect(&surface->canvas, block, (display_color_t)(x * 321), DISPLAY_OPAQUE);
        const esp_err_t ret = display_surface_commit(ctx, surface);
        SCENARIO_CHECK(ret != ESP_ERR_NOT_FOUND && ret != ESP_ERR_INVALID_SIZE);
        atomic_fetch_add(ret == ESP_OK ? &s_shown : &s_missed, 1);
    }
    esp_err_t ret;
    for (int i = 0; (ret = display_app_fill(ctx, surface)) != ESP_OK && i < 500; i++) {
        (void)ctx->sleep_ms(ctx, 20); /* down just now: what was drawn is shown by the next one */
    }
    return ret;
}

static void do_in_background(void *arg)
{
    (void)arg;
    SCENARIO_CHECK_INT(display_app_do(DISPLAY_APP_IS_RED, draw_on), ==, ESP_OK);
    atomic_store(&s_shown, UINT32_MAX);
    vTaskDelete(NULL);
}

static uint32_t restarts(system_service_id_t id)
{
    system_service_info_t info;
    SCENARIO_CHECK_INT(system_service_get_info(id, &info), ==, ESP_OK);
    return info.restart_count;
}

static void wait_until_running(system_service_id_t id, uint32_t restarted)
{
    system_service_state_t state = SYSTEM_SERVICE_STATE_ERROR;
    for (int i = 0; i < 1200; i++) {
        SCENARIO_CHECK_INT(system_service_get_state(id, &state), ==, ESP_OK);
        if (state == SYSTEM_SERVICE_STATE_RUNNING && restarts(id) >= restarted) {
            return;
        }
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    SCENARIO_CHECK_INT(state, ==, SYSTEM_SERVICE_STATE_RUNNING);
    SCENARIO_CHECK_INT(restarts(id), >=, restarted);
}

static void take_down(system_service_id_t id, unsigned how)
{
    const uint32_t before = restarts(id);
    switch (how % 4) {
    case 0:
        SCENARIO_CHECK_INT(display_app_fault(DISPLAY_FAULT_STUCK), ==, ESP_OK);
        wait_until_running(id, before + 1);
        break;
    case 1:
        SCENARIO_CHECK_INT(system_fault_inject(id, SYSTEM_FAULT_HANG, 0), ==, ESP_OK);
        wait_until_running(id, before + 1);
        break;
    case 2:
        SCENARIO_CHECK_INT(system_fault_inject(id, SYSTEM_FAULT_CRASH, 0), ==, ESP_OK);
        wait_until_running(id, before + 1);
        break;
    default:
        SCENARIO_CHECK_INT(system_service_stop(id), ==, ESP_OK);
        vTaskDelay(pdMS_TO_TICKS(scenario_seed() % 50));
        SCENARIO_CHECK_INT(system_service_start(id), ==, ESP_OK);
        wait_until_running(id, before);
        break;
    }
}

static bool shows_red(void)
{
    for (unsigned y = DISPLAY_STATUS_BAR_HEIGHT; y < CONFIG_DISPLAY_HEIGHT; y += 5) {
        for (unsigned x = 0; x < CONFIG_DISPLAY_WIDTH; x += 5) {
            if (host_display_memory(x, y) != DISPLAY_APP_RED) {
                return false;
            }
        }
    }
    return true;
}

static void run(void)
{
    const system_secure_key_t key = system_up();
    const system_service_id_t id = display_app_service();
    display_app_start(DISPLAY_APP_IS_RED);
    SCENARIO_CHECK_INT(display_app_do(DISPLAY_APP_IS_RED, display_app_open), ==, ESP_OK);
    atomic_store(&s_go_on, true);
    SCENARIO_CHECK(xTaskCreate(do_in_background, "background", 8192, NULL, 4, NULL) == pdPASS);
    for (unsigned round = 0; round < ROUNDS; round++) {
        vTaskDelay(pdMS_TO_TICKS(20 + scenario_seed() * 7 % 60));
        take_down(id, (unsigned)scenario_seed() / (round == 0 ? 1 : 4));
        const uint32_t shown = atomic_load(&s_shown);
        for (int ms = 0; atomic_load(&s_shown) <= shown + 2; ms += 10) { /* it goes on */
            SCENARIO_CHECK(ms < ktest_polls(10000));
            vTaskDelay(pdMS_TO_TICKS(10));
        }
    }
    atomic_store(&s_go_on, false);
    for (int ms = 0; atomic_load(&s_shown) != UINT32_MAX || !shows_red(); ms += 10) {
        SCENARIO_CHECK(ms < ktest_polls(10000));
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    SCENARIO_CHECK_INT(display_app_info().state.surfaces, ==, 1);
    app_info_t app;
    SCENARIO_CHECK_INT(app_manager_get_info("red", &app), ==, ESP_OK);
    SCENARIO_CHECK_INT(app.crashes, ==, 0);
    display_app_stop(DISPLAY_APP_IS_RED);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const scenario_t scenario = {.name = "display_restart", .run = run};
    return scenario_main(argc, argv, &scenario);
}
