// SPDX-License-Identifier: Apache-2.0
#include "scripted_service.h"

#include <stdio.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_up.h"

static bool take_one(_Atomic uint32_t *counter)
{
    uint32_t left = atomic_load(counter);
    while (left != 0) {
        if (atomic_compare_exchange_weak(counter, &left, left - 1)) {
            return true;
        }
    }
    return false;
}

static void hang(scripted_t *service)
{
    atomic_fetch_sub(&service->inside, 1); /* it will be cut here: nobody counts back */
    for (;;) {
        if (service->how == SCRIPTED_SPIN) {
            host_busy(500);
        } else {
            vTaskDelay(pdMS_TO_TICKS(50));
        }
    }
}

static esp_err_t play(scripted_t *service, scripted_code_t code)
{
    KTEST_CHECK(atomic_fetch_add(&service->inside, 1) == 0);
    KTEST_CHECK(system_service_current() == service->id);
    KTEST_CHECK(system_service_heartbeat(service->id) == ESP_OK);
    atomic_fetch_add(&service->calls[code], 1);
    if (take_one(&service->hang[code])) {
        hang(service);
    }
    const esp_err_t ret = take_one(&service->fail[code]) ? ESP_FAIL : ESP_OK;
    KTEST_CHECK(atomic_fetch_sub(&service->inside, 1) == 1);
    return ret;
}

static void on_work(const system_event_t *event, void *user_data)
{
    scripted_t *service = user_data;
    KTEST_CHECK(event->type == service->work);
    (void)play(service, SCRIPTED_HANDLER);
    const uint32_t ms = atomic_load(&service->slow_ms);
    if (ms != 0) {
        vTaskDelay(pdMS_TO_TICKS(ms));
    }
}

static esp_err_t scripted_init(system_service_id_t id, void *arg)
{
    (void)id;
    return play(arg, SCRIPTED_INIT);
}

static esp_err_t scripted_start(system_service_id_t id, void *arg)
{
    scripted_t *service = arg;
    const esp_err_t ret = system_event_subscribe(id, service->work, on_work, service);
    if (ret != ESP_OK) {
        fprintf(stderr, "%s: subscribe: %s\n", service->descriptor.name,
                system_error_to_string(ret));
    }
    KTEST_CHECK(ret == ESP_OK);
    return play(service, SCRIPTED_START);
}

static esp_err_t scripted_stop(system_service_id_t id, void *arg)
{
    (void)id;
    KTEST_CHECK(system_service_should_stop());
    return play(arg, SCRIPTED_STOP);
}

static esp_err_t scripted_deinit(system_service_id_t id, void *arg)
{
    (void)id;
    return play(arg, SCRIPTED_DEINIT);
}

void scripted_prepare(scripted_t *service, const char *name, const char *const *depends_on)
{
    memset(service, 0, sizeof(*service));
    service->watchdog = (service_watchdog_config_t)SERVICE_WATCHDOG_CONFIG_DEFAULT();
    service->quota = (service_quota_t)SYSTEM_UP_WIDE_QUOTA;
    service->descriptor = (system_service_descriptor_t){
        .name = name,
        .lifecycle = {.init = scripted_init,
                      .start = scripted_start,
                      .stop = scripted_stop,
                      .deinit = scripted_deinit},
        .arg = service,
        .depends_on = depends_on,
        .watchdog = &service->watchdog,
        .quota = &service->quota,
    };
}

void scripted_register(scripted_t *service)
{
    char type[SYSTEM_NAME_MAX + 1];
    snprintf(type, sizeof(type), "%.20s.work", service->descriptor.name);
    KTEST_CHECK(system_event_register_type(type, &service->work) == ESP_OK);
    KTEST_CHECK(system_service_register(service->descriptor.name, &service->descriptor,
                                        &service->id) == ESP_OK);
}

esp_err_t scripted_post(const scripted_t *service, system_service_id_t poster)
{
    return system_event_post(poster, service->work, "work", 5, SYSTEM_EVENT_PRIORITY_NORMAL);
}

bool scripted_wait_state(system_service_id_t id, system_service_state_t state, uint32_t ms)
{
    system_service_state_t now;
    const uint32_t bound = ktest_patience_ms(ms);
    for (uint32_t waited = 0; system_service_get_state(id, &now) == ESP_OK; waited++) {
        if (now == state) {
            return true;
        }
        if (waited >= bound) {
            return false;
        }
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    return false;
}

system_service_info_t scripted_info(system_service_id_t id)
{
    system_service_info_t info;
    KTEST_CHECK(system_service_get_info(id, &info) == ESP_OK);
    return info;
}

/* ---- code that somebody deletes ---- */

static _Atomic(TaskHandle_t) s_sitting;

_Noreturn void scripted_sit(void)
{
    atomic_store(&s_sitting, xTaskGetCurrentTaskHandle());
    for (;;) {
        vTaskDelay(pdMS_TO_TICKS(20));
    }
}

TaskHandle_t scripted_who_sits(void)
{
    for (int ms = 0; atomic_load(&s_sitting) == NULL; ms++) {
        KTEST_CHECK(ms < ktest_polls(5000));
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    vTaskDelay(pdMS_TO_TICKS(2)); /* and is asleep */
    return atomic_exchange(&s_sitting, NULL);
}

/* ---- the observer --------------------------------------------------------------------------- */

static observed_t s_observed[OBSERVED_MAX];
static _Atomic uint32_t s_count;

static void on_announcement(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const uint32_t n = atomic_load(&s_count);
    KTEST_CHECK(n < OBSERVED_MAX);
    observed_t *o = &s_observed[n];
    *o = (observed_t){.type = event->type, .at_us = host_now_us()};
    if (event->type == SYSTEM_EVENT_HANDLER_SLOW) {
        memcpy(&o->slow, event->data, sizeof(o->slow));
        strcpy(o->name, o->slow.name);
    } else if (event->data_size == sizeof(service_event_t)) {
        service_event_t service;
        memcpy(&service, event->data, sizeof(service));
        strcpy(o->name, service.name);
        o->reason = service.reason;
        o->attempt = service.attempt;
        o->recovery_ms = service.recovery_ms;
    }
    atomic_store(&s_count, n + 1);
}

system_service_id_t observer_start(void)
{
    static const service_watchdog_config_t critical = {.is_critical = true}; /* in safe mode, too */
    const system_service_id_t id = system_up_service("observer");
    KTEST_CHECK(watchdog_register_service(id, &critical) == ESP_OK);
    atomic_store(&s_count, 0);
    KTEST_CHECK(system_event_subscribe_pattern(id, "service.*", on_announcement, NULL, NULL,
                                               NULL) == ESP_OK);
    KTEST_CHECK(system_event_subscribe_pattern(id, "system.*", on_announcement, NULL, NULL, NULL) ==
                ESP_OK);
    return id;
}

static bool matches(const observed_t *o, system_event_type_t type, const char *name)
{
    return o->type == type && (name == NULL || strcmp(o->name, name) == 0);
}

uint32_t observer_count(system_event_type_t type, const char *name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < atomic_load(&s_count); i++) {
        count += matches(&s_observed[i], type, name);
    }
    return count;
}

bool observer_last(system_event_type_t type, const char *name, observed_t *out)
{
    for (uint32_t i = atomic_load(&s_count); i > 0; i--) {
        if (matches(&s_observed[i - 1], type, name)) {
            *out = s_observed[i - 1];
            return true;
        }
    }
    return false;
}

bool observer_wait(system_event_type_t type, const char *name, uint32_t n, uint32_t ms)
{
    const uint32_t bound = ktest_patience_ms(ms);
    for (uint32_t waited = 0; observer_count(type, name) < n; waited++) {
        if (waited >= bound) {
            return false;
        }
        vTaskDelay(pdMS_TO_TICKS(1));
    }
    return true;
}
