/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A memory card with FAT in a slot of the SDMMC host, one or four data lines. A task of its own
 * looks every LOOK_MS whether there is one, from the first time that somebody wants a file; one
 * that was pulled out is unmounted, the next one mounted. Nothing is ever formatted or written.
 */
#include "media_card.h"

#include <sys/lock.h>

#include "driver/gpio.h"
#include "driver/sdmmc_host.h"
#include "esp_log.h"
#include "esp_vfs_fat.h"
#include "freertos/FreeRTOS.h"
#include "freertos/event_groups.h"
#include "freertos/task.h"
#include "sdkconfig.h"
#include "sdmmc_cmd.h"

#define LOOK_MS    2000
#define MISSED     2 /* looks without an answer, and it is gone */
#define STACK      4096
#define PRIORITY   2
#define OPEN_FILES 8 /* one for each app at a time */
#define LOOKED     BIT0

#define PIN(name) ((gpio_num_t)CONFIG_AUDIO_CARD_PIN_##name)

static const char *TAG = "media_card";

/* s_lock: held while the file system is used, mounted or unmounted. The system ends no task that
 * holds a mutex, so it is always given back. */
static _lock_t s_lock;
static StaticEventGroup_t s_looked_storage;
static EventGroupHandle_t s_looked; /* LOOKED: it was looked for once */
static TaskHandle_t s_task;
static sdmmc_card_t *s_card;
static esp_err_t s_told;

static void power_on(void)
{
    if (CONFIG_AUDIO_CARD_PIN_POWER >= 0) { /* low is on */
        (void)gpio_set_level(PIN(POWER), 0);
        (void)gpio_set_direction(PIN(POWER), GPIO_MODE_OUTPUT);
    }
}

static void mount(void)
{
    const esp_vfs_fat_mount_config_t config = {.format_if_mount_failed = false,
                                               .max_files = OPEN_FILES};
    const sdmmc_host_t host = SDMMC_HOST_DEFAULT();
    sdmmc_slot_config_t slot = SDMMC_SLOT_CONFIG_DEFAULT();
    slot.clk = PIN(CLK);
    slot.cmd = PIN(CMD);
    slot.d0 = PIN(D0);
    slot.d1 = PIN(D1);
    slot.d2 = PIN(D2);
    slot.d3 = PIN(D3);
    slot.width = CONFIG_AUDIO_CARD_PIN_D3 >= 0 ? 4 : 1;
    slot.flags = SDMMC_SLOT_FLAG_INTERNAL_PULLUP;
    const esp_err_t ret =
        esp_vfs_fat_sdmmc_mount(CONFIG_AUDIO_MEDIA_PATH, &host, &slot, &config, &s_card);
    if (ret != ESP_OK) {
        s_card = NULL;
        if (ret != s_told && ret != ESP_ERR_TIMEOUT) { /* that is an empty slot */
            ESP_LOGW(TAG, "a card that cannot be read: %s%s", esp_err_to_name(ret),
                     ret == ESP_FAIL ? "; it needs a FAT file system" : "");
        }
    } else {
        ESP_LOGI(TAG, "%s is mounted at %s", s_card->cid.name, CONFIG_AUDIO_MEDIA_PATH);
    }
    s_told = ret;
}

static void look(unsigned *missed)
{
    _lock_acquire(&s_lock);
    if (s_card == NULL) {
        *missed = 0;
        mount();
    } else if (sdmmc_get_status(s_card) == ESP_OK) {
        *missed = 0;
    } else if (++*missed >= MISSED) {
        ESP_LOGI(TAG, "the card is gone");
        (void)esp_vfs_fat_sdcard_unmount(CONFIG_AUDIO_MEDIA_PATH, s_card);
        s_card = NULL;
    }
    _lock_release(&s_lock);
}

static void card_task(void *arg)
{
    unsigned missed = 0;
    (void)arg;
    power_on();
    while (true) {
        look(&missed);
        (void)xEventGroupSetBits(s_looked, LOOKED);
        vTaskDelay(pdMS_TO_TICKS(LOOK_MS));
    }
}

static void begin(void)
{
    _lock_acquire(&s_lock);
    if (s_looked == NULL) {
        s_looked = xEventGroupCreateStatic(&s_looked_storage);
    }
    if (s_task == NULL &&
        xTaskCreate(card_task, "card", STACK, NULL, PRIORITY, &s_task) != pdPASS) {
        s_task = NULL; /* the next call tries again; until then there is no card */
        ESP_LOGE(TAG, "no memory for the task that looks for the card");
        (void)xEventGroupSetBits(s_looked, LOOKED);
    }
    _lock_release(&s_lock);
}

void media_card_take(void)
{
    begin();
    (void)xEventGroupWaitBits(s_looked, LOOKED, pdFALSE, pdTRUE, portMAX_DELAY);
    _lock_acquire(&s_lock);
}

void media_card_give(void)
{
    _lock_release(&s_lock);
}
