/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending a task from outside. A task that is deleted while it holds a mutex takes the mutex with
 * it, so the number of mutexes it holds decides. FreeRTOS keeps that number in the task's control
 * block; a self-test at boot makes sure that we read it right, by taking a mutex and looking.
 * Should the test fail, no task is ever ended by force.
 */
#include "task_end.h"

#include "esp_log.h"
#include "freertos/semphr.h"

#include "request_internal.h"
#include "system_lock_internal.h"
#include "task_backend.h"

static const char *TAG = "task_end";
static bool s_mutex_count_readable;

void task_end_self_test(void)
{
    StaticSemaphore_t storage;
    const SemaphoreHandle_t mutex = xSemaphoreCreateMutexStatic(&storage);
    const TaskHandle_t self = xTaskGetCurrentTaskHandle();
    const uint32_t before = task_backend_mutexes_held(self);
    (void)xSemaphoreTake(mutex, 0);
    const uint32_t during = task_backend_mutexes_held(self);
    (void)xSemaphoreGive(mutex);
    const uint32_t after = task_backend_mutexes_held(self);
    vSemaphoreDelete(mutex);
    s_mutex_count_readable = during == before + 1 && after == before;
    if (!s_mutex_count_readable) {
        ESP_LOGW(TAG, "cannot tell which mutexes a task holds: stuck tasks will be set aside");
    }
}

/** Suspended, and so off both cores: a task on the other core is there a moment longer. */
static bool suspend(task_ref_t *task)
{
    (void)task_ref_suspend(task);
    for (unsigned i = 0; i < 3; i++) {
        if (task_ref_is_suspended(task)) {
            return true;
        }
        vTaskDelay(1);
    }
    return false;
}

esp_err_t task_try_end(task_ref_t *task, const system_identity_t *identity)
{
    if (!s_mutex_count_readable) {
        return ESP_ERR_TIMEOUT;
    }
    const bool stands = suspend(task);
    const bool locks = stands && task_ref_mutexes_held(task) != 0;
    if (stands && !locks && atomic_load(&identity->depth) == 0 && task_ref_delete(task)) {
        return ESP_OK;
    }
    task_ref_resume(task);
    return locks ? ESP_ERR_INVALID_STATE : ESP_ERR_TIMEOUT;
}

esp_err_t task_end(task_ref_t *task, const system_identity_t *identity)
{
    const unsigned slot = system_identity_slot(identity);
    event_waits_end(slot); /* a wait inside a call of ours would outlast all attempts */
    requests_cancel_asker(slot);
    system_locks_end_waits(slot);
    for (TickType_t waited = 0; s_mutex_count_readable; waited++) {
        if (task_try_end(task, identity) == ESP_OK) {
            return ESP_OK;
        }
        if (waited >= pdMS_TO_TICKS(CONFIG_SYSTEM_TASK_END_MS) || atomic_load(task) == NULL) {
            break;
        }
        vTaskDelay(1);
    }
    return ESP_ERR_TIMEOUT;
}

bool task_end_loses_mutex(TaskHandle_t task)
{
    return !s_mutex_count_readable || task_backend_mutexes_held(task) != 0;
}
