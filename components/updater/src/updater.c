/* SPDX-License-Identifier: Apache-2.0 */
#include "updater/updater.h"

#include <stdatomic.h>
#include <string.h>

#include "esp_app_desc.h"
#include "esp_attr.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_timer.h"

#include "system_service/health_report.h"
#include "updater_internal.h"

#define CRITICAL_REASON(constant, bit, verdict, text)                                              \
    ((verdict) == HEALTH_CRITICAL ? constant : 0u) |
#define HEALTH_CRITICAL_REASONS (HEALTH_REASON_LIST(CRITICAL_REASON) 0u)

static const char *TAG = "updater";
static esp_timer_handle_t s_timer; /* the main task alone */
static _Atomic updater_check_t s_check;

bool updater_on_probation(void)
{
    esp_ota_img_states_t state;
    return esp_ota_get_state_partition(esp_ota_get_running_partition(), &state) == ESP_OK &&
           state == ESP_OTA_IMG_PENDING_VERIFY;
}

/** Does not return when there is an image to go back to. */
static void give_up(const char *slot, const char *why)
{
    ESP_LOGE(TAG, "the new image in %s failed, %s: back to the one before", slot, why);
    const esp_err_t ret = updater_back();
    ESP_LOGE(TAG, "there is no way back (%s): it goes on, unconfirmed", esp_err_to_name(ret));
}

/** @return NULL: nothing that matters */
static const char *what_fails(void)
{
    static EXT_RAM_BSS_ATTR health_report_t s_report; /* large for a stack */
    const esp_err_t ret = health_report_get(&s_report);
    if (ret == ESP_ERR_SYSTEM_DISABLED) {
        return NULL; /* switched off: the product's own check decides */
    }
    if (ret != ESP_OK) {
        return "its health is not known";
    }
    for (uint32_t bit = 1; s_report.verdict == HEALTH_CRITICAL && bit != 0; bit <<= 1) {
        if ((s_report.reasons & bit & HEALTH_CRITICAL_REASONS) != 0) {
            return health_reason_text(bit);
        }
    }
    return NULL;
}

static void judge(void *arg)
{
    const char *slot = esp_ota_get_running_partition()->label;
    const updater_check_t check = atomic_load(&s_check);
    (void)arg;
    if (!updater_on_probation()) {
        return; /* somebody was faster */
    }
    const char *why = what_fails();
    if (why != NULL) {
        give_up(slot, why);
    } else if (check != NULL && !check()) {
        give_up(slot, "by the product's own check");
    } else {
        (void)updater_confirm();
    }
}

void updater_set_check(updater_check_t check)
{
    atomic_store(&s_check, check);
}

esp_err_t updater_confirm(void)
{
    const char *slot = esp_ota_get_running_partition()->label;
    if (!updater_on_probation()) {
        return ESP_OK;
    }
    const esp_err_t ret = esp_ota_mark_app_valid_cancel_rollback();
    if (ret == ESP_OK) {
        ESP_LOGI(TAG, "the new image in %s is confirmed", slot);
    } else {
        ESP_LOGE(TAG, "the new image in %s cannot be confirmed: %s", slot, esp_err_to_name(ret));
    }
    return ret;
}

esp_err_t updater_back(void)
{
    return esp_ota_mark_app_invalid_rollback_and_reboot();
}

void updater_get(updater_state_t *out)
{
    const esp_app_desc_t *desc = esp_app_get_description();
    const esp_partition_t *runs = esp_ota_get_running_partition();
    const esp_partition_t *next = esp_ota_get_boot_partition();
    const esp_partition_t *given_up = esp_ota_get_last_invalid_partition();
    *out = (updater_state_t){.on_probation = updater_on_probation()};
    memcpy(out->product, desc->project_name, sizeof(desc->project_name));
    memcpy(out->running, desc->version, sizeof(desc->version));
    memcpy(out->slot, runs->label, sizeof(runs->label));
    if (next != NULL && next != runs) {
        memcpy(out->next, next->label, sizeof(next->label));
    }
    if (given_up != NULL && given_up != runs) {
        memcpy(out->given_up, given_up->label, sizeof(given_up->label));
    }
}

esp_err_t updater_start(void)
{
    static const esp_timer_create_args_t args = {.callback = judge, .name = "updater"};
    esp_err_t ret = ESP_OK;
    updater_install_init();
    if (s_timer != NULL && esp_timer_is_active(s_timer)) {
        return ESP_ERR_INVALID_STATE;
    }
    if (!updater_on_probation()) {
        return ESP_OK;
    }
    ESP_LOGW(TAG, "a new image runs for the first time: it is confirmed after %d s",
             CONFIG_UPDATER_CONFIRM_S);
    if (s_timer == NULL) {
        ret = esp_timer_create(&args, &s_timer);
    }
    if (ret == ESP_OK) {
        ret = esp_timer_start_once(s_timer, CONFIG_UPDATER_CONFIRM_S * UINT64_C(1000000));
    }
    return ret;
}
