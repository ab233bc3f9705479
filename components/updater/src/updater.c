/* SPDX-License-Identifier: Apache-2.0 */
#include "updater/updater.h"

#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_timer.h"

#include "system_service/service_supervisor.h"

static const char *TAG = "updater";
static esp_timer_handle_t s_timer; /* the main task alone */

bool updater_on_probation(void)
{
    esp_ota_img_states_t state;
    return esp_ota_get_state_partition(esp_ota_get_running_partition(), &state) == ESP_OK &&
           state == ESP_OTA_IMG_PENDING_VERIFY;
}

/** Does not return when there is an image to go back to. */
static void give_up(const char *slot)
{
    ESP_LOGE(TAG, "the new image in %s came into safe mode: back to the one before", slot);
    const esp_err_t ret = esp_ota_mark_app_invalid_rollback_and_reboot();
    ESP_LOGE(TAG, "there is no way back (%s): it goes on, unconfirmed", esp_err_to_name(ret));
}

static void judge(void *arg)
{
    const char *slot = esp_ota_get_running_partition()->label;
    (void)arg;
    if (system_safe_mode_active()) {
        give_up(slot);
        return;
    }
    const esp_err_t ret = esp_ota_mark_app_valid_cancel_rollback();
    if (ret == ESP_OK) {
        ESP_LOGI(TAG, "the new image in %s is confirmed", slot);
    } else {
        ESP_LOGE(TAG, "the new image in %s cannot be confirmed: %s", slot, esp_err_to_name(ret));
    }
}

esp_err_t updater_start(void)
{
    static const esp_timer_create_args_t args = {.callback = judge, .name = "updater"};
    esp_err_t ret = ESP_OK;
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
