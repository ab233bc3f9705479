// SPDX-License-Identifier: Apache-2.0

// Which partitions serve as key-value storage.

#include "nvs_flash.h"

#include <stdio.h>
#include <string.h>
#include "host_heap.h"
#include "host_services.h"
#include "host_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "nvs_internal.h"
#include "sched.h"

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static nvs_mount_t *s_mounts;

void nvs_lock(const char *call)
{
    host_refuse_isr(call);
    // In the simulator all tasks are one thread: whoever holds it goes on only if this one lets it.
    while (host_sched() == HOST_SCHED_SIM && pthread_mutex_trylock(&s_lock) != 0) {
        vTaskDelay(1);
    }
    if (host_sched() != HOST_SCHED_SIM) {
        pthread_mutex_lock(&s_lock);
    }
}

void nvs_unlock(void)
{
    pthread_mutex_unlock(&s_lock);
}

nvs_mount_t *nvs_mount_find(const char *label)
{
    for (nvs_mount_t *m = s_mounts; m != NULL; m = m->next) {
        if (strcmp(m->label, label) == 0) {
            return m;
        }
    }
    return NULL;
}

bool nvs_any_mounted(void)
{
    return s_mounts != NULL;
}

static void unmount(nvs_mount_t *mount)
{
    nvs_mount_t **link = &s_mounts;
    while (*link != mount) {
        link = &(*link)->next;
    }
    *link = mount->next;
    nvs_handles_close(mount);
    nvs_store_close(&mount->store);
    host_libc_free(mount);
}

void host_nvs_init(void)
{
    // An earlier boot may have ended in the middle of a call, with the lock held.
    s_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    nvs_handles_forget(); // their memory went with the board's heap
    while (s_mounts != NULL) {
        unmount(s_mounts);
    }
}

static esp_err_t mount_locked(const esp_partition_t *partition)
{
    if (nvs_mount_find(partition->label) != NULL) {
        return ESP_OK;
    }
    nvs_mount_t *mount = host_libc_calloc(1, sizeof(*mount));
    if (mount == NULL) {
        return ESP_ERR_NO_MEM;
    }
    esp_err_t err = nvs_store_open(&mount->store, partition);
    if (err != ESP_OK) {
        host_libc_free(mount);
        return err;
    }
    snprintf(mount->label, sizeof(mount->label), "%s", partition->label);
    mount->next = s_mounts;
    s_mounts = mount;
    return ESP_OK;
}

static const esp_partition_t *find_partition(const char *label)
{
    return esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_NVS, label);
}

esp_err_t nvs_flash_init_partition_ptr(const esp_partition_t *partition)
{
    if (partition == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    nvs_lock(__func__);
    esp_err_t err = mount_locked(partition);
    nvs_unlock();
    return err;
}

esp_err_t nvs_flash_init_partition(const char *partition_label)
{
    const esp_partition_t *partition = find_partition(partition_label);
    return partition == NULL ? ESP_ERR_NOT_FOUND : nvs_flash_init_partition_ptr(partition);
}

esp_err_t nvs_flash_init(void)
{
    return nvs_flash_init_partition(NVS_DEFAULT_PART_NAME);
}

esp_err_t nvs_flash_deinit_partition(const char *partition_label)
{
    nvs_lock(__func__);
    nvs_mount_t *mount = nvs_mount_find(partition_label);
    if (mount != NULL) {
        unmount(mount);
    }
    nvs_unlock();
    return mount == NULL ? ESP_ERR_NVS_NOT_INITIALIZED : ESP_OK;
}

esp_err_t nvs_flash_deinit(void)
{
    return nvs_flash_deinit_partition(NVS_DEFAULT_PART_NAME);
}

esp_err_t nvs_flash_erase_partition_ptr(const esp_partition_t *partition)
{
    if (partition == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    (void)nvs_flash_deinit_partition(partition->label); // not being in use is fine
    return esp_partition_erase_range(partition, 0, partition->size);
}

esp_err_t nvs_flash_erase_partition(const char *part_name)
{
    const esp_partition_t *partition = find_partition(part_name);
    return partition == NULL ? ESP_ERR_NOT_FOUND : nvs_flash_erase_partition_ptr(partition);
}

esp_err_t nvs_flash_erase(void)
{
    return nvs_flash_erase_partition(NVS_DEFAULT_PART_NAME);
}
