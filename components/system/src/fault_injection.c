/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults on purpose. A subscription is made in the victim's name, one event is posted to it, and
 * its handler misbehaves; the subscription ends before it does, so that it strikes once.
 */
#include "system_service/fault_injection.h"

#include "sdkconfig.h"

static const char *const s_names[SYSTEM_FAULTS] = {
    [SYSTEM_FAULT_HANG] = "hang", [SYSTEM_FAULT_SLOW] = "slow",   [SYSTEM_FAULT_CRASH] = "crash",
    [SYSTEM_FAULT_LEAK] = "leak", [SYSTEM_FAULT_FLOOD] = "flood",
};

const char *system_fault_name(system_fault_t kind)
{
    return (unsigned)kind < SYSTEM_FAULTS ? s_names[kind] : "?";
}

#ifdef CONFIG_SYSTEM_FAULT_INJECTION

#include <inttypes.h>

#include "esp_log.h"

#include "event_internal.h"
#include "system_service/memory_pool.h"
#include "system_service/service_supervisor.h"

static const char *TAG = "fault";

#define LEAK_BLOCK_BYTES 64

typedef struct {
    system_service_id_t victim;
    system_subscription_t subscription; /* its own: another one may be made while it strikes */
    uint8_t kind;
    uint32_t amount;
} fault_t;

static const uint32_t s_default_amount[SYSTEM_FAULTS] = {
    [SYSTEM_FAULT_SLOW] = 500,
    [SYSTEM_FAULT_LEAK] = 20,
    [SYSTEM_FAULT_FLOOD] = 1000,
};

/* ---- what goes wrong: runs as a handler of the victim ---------------------------------------- */

static void hang(void)
{
    for (;;) {
        vTaskDelay(pdMS_TO_TICKS(1000));
    }
}

static void leak(uint32_t blocks)
{
    uint32_t got = 0;
    while (got < blocks && memory_pool_alloc(LEAK_BLOCK_BYTES) != NULL) {
        got++;
    }
    ESP_LOGW(TAG, "leaked %" PRIu32 " of %" PRIu32 " blocks", got, blocks);
}

static void flood(system_service_id_t victim, uint32_t events)
{
    system_event_type_t type;
    uint32_t posted = 0;
    if (system_event_register_type("fault.flood", &type) != ESP_OK) {
        return;
    }
    for (uint32_t i = 0; i < events; i++) {
        posted +=
            system_event_post(victim, type, &i, sizeof(i), SYSTEM_EVENT_PRIORITY_LOW) == ESP_OK;
    }
    ESP_LOGW(TAG, "posted %" PRIu32 " events at once, %" PRIu32 " were refused", events,
             events - posted);
}

static void strike(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const fault_t *fault = event->data;
    if (fault->victim != system_service_current()) {
        return; /* meant for another victim that waits for its own */
    }
    (void)system_event_unsubscribe(fault->victim, fault->subscription);
    ESP_LOGW(TAG, "injected into %s: %s", service_slot_name(system_current_slot()),
             system_fault_name((system_fault_t)fault->kind));
    switch ((system_fault_t)fault->kind) {
    case SYSTEM_FAULT_HANG:
        hang();
        break;
    case SYSTEM_FAULT_SLOW:
        vTaskDelay(pdMS_TO_TICKS(fault->amount));
        break;
    case SYSTEM_FAULT_CRASH:
        (void)system_service_report_fault(fault->victim, ESP_ERR_SERVICE_CRASHED);
        break;
    case SYSTEM_FAULT_LEAK:
        leak(fault->amount);
        break;
    case SYSTEM_FAULT_FLOOD:
        flood(fault->victim, fault->amount);
        break;
    case SYSTEM_FAULTS:
        break;
    }
}

/* ---- public ---------------------------------------------------------------------------------- */

/** Subscribe in the victim's name. Apps are subscribed by nobody else, so act as the victim. */
static esp_err_t subscribe_as(unsigned slot, system_service_id_t id, system_event_type_t type,
                              system_subscription_t *out)
{
    system_identity_t victim = {.slot = (uint8_t)slot};
    system_identity_set(&victim);
    const esp_err_t ret = system_event_subscribe_ex(id, type, strike, NULL, NULL, out);
    system_identity_set(NULL);
    return ret;
}

static void unsubscribe_as(unsigned slot, system_service_id_t id,
                           system_subscription_t subscription)
{
    system_identity_t victim = {.slot = (uint8_t)slot};
    system_identity_set(&victim);
    (void)system_event_unsubscribe(id, subscription);
    system_identity_set(NULL);
}

esp_err_t system_fault_inject(system_service_id_t id, system_fault_t kind, uint32_t amount)
{
    unsigned slot;
    system_event_type_t type;
    system_subscription_t subscription;
    if ((unsigned)kind >= SYSTEM_FAULTS || amount > SYSTEM_FAULT_AMOUNT_MAX) {
        return ESP_ERR_INVALID_ARG;
    }
    if (system_identity() != NULL) {
        return ESP_ERR_NOT_OWNER;
    }
    esp_err_t ret = service_slot_of(id, &slot);
    if (ret == ESP_OK) {
        ret = system_event_register_type("fault.inject", &type);
    }
    if (ret == ESP_OK) {
        ret = subscribe_as(slot, id, type, &subscription);
    }
    if (ret != ESP_OK) {
        return ret;
    }
    const fault_t fault = {
        .victim = id,
        .subscription = subscription,
        .kind = (uint8_t)kind,
        .amount = amount != 0 ? amount : s_default_amount[kind],
    };
    ret = event_bus_post_as(SYSTEM_SLOT_NONE, type, &fault, sizeof(fault),
                            SYSTEM_EVENT_PRIORITY_NORMAL);
    if (ret != ESP_OK) {
        unsubscribe_as(slot, id, subscription);
    }
    return ret;
}

#else

esp_err_t system_fault_inject(system_service_id_t id, system_fault_t kind, uint32_t amount)
{
    (void)id;
    (void)kind;
    (void)amount;
    return ESP_ERR_SYSTEM_DISABLED;
}

#endif
