// SPDX-License-Identifier: Apache-2.0

// Restart and its handlers, the reason for the last reset, and the heap figures of esp_system.h.

#include "esp_system.h"

#include <pthread.h>
#include "esp_heap_caps.h"
#include "esp_rom_sys.h"
#include "host_system.h"

#define SHUTDOWN_HANDLERS 5 // as many as the device has places for

// shutdown lock: protects the table. Not held while a handler runs.
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static shutdown_handler_t s_handlers[SHUTDOWN_HANDLERS];

esp_err_t esp_register_shutdown_handler(shutdown_handler_t handle)
{
    esp_err_t err = ESP_ERR_NO_MEM;
    pthread_mutex_lock(&s_lock);
    for (int i = 0; i < SHUTDOWN_HANDLERS; i++) {
        if (s_handlers[i] == handle) {
            err = ESP_ERR_INVALID_STATE;
            break;
        }
        if (s_handlers[i] == NULL) {
            s_handlers[i] = handle;
            err = ESP_OK;
            break;
        }
    }
    pthread_mutex_unlock(&s_lock);
    return err;
}

esp_err_t esp_unregister_shutdown_handler(shutdown_handler_t handle)
{
    esp_err_t err = ESP_ERR_INVALID_STATE;
    pthread_mutex_lock(&s_lock);
    for (int i = 0; i < SHUTDOWN_HANDLERS; i++) {
        if (s_handlers[i] == handle) {
            s_handlers[i] = NULL;
            err = ESP_OK;
            break;
        }
    }
    pthread_mutex_unlock(&s_lock);
    return err;
}

static shutdown_handler_t take_handler(int i)
{
    pthread_mutex_lock(&s_lock);
    shutdown_handler_t handler = s_handlers[i];
    s_handlers[i] = NULL;
    pthread_mutex_unlock(&s_lock);
    return handler;
}

void esp_restart(void)
{
    host_refuse_isr("esp_restart");
    for (int i = SHUTDOWN_HANDLERS - 1; i >= 0; i--) {
        shutdown_handler_t handler = take_handler(i);
        if (handler != NULL) {
            handler();
        }
    }
    host_reset(ESP_RST_SW);
}

void esp_rom_software_reset_system(void)
{
    host_reset(ESP_RST_SW);
}

void esp_system_abort(const char *details)
{
    host_panic("%s", details);
}

uint32_t esp_get_free_heap_size(void)
{
    return (uint32_t)heap_caps_get_free_size(MALLOC_CAP_DEFAULT);
}

uint32_t esp_get_free_internal_heap_size(void)
{
    return (uint32_t)heap_caps_get_free_size(MALLOC_CAP_8BIT | MALLOC_CAP_DMA |
                                             MALLOC_CAP_INTERNAL);
}

uint32_t esp_get_minimum_free_heap_size(void)
{
    return (uint32_t)heap_caps_get_minimum_free_size(MALLOC_CAP_DEFAULT);
}

const char *esp_get_idf_version(void)
{
    return "v5.5.5-host";
}
