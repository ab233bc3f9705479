// SPDX-License-Identifier: Apache-2.0
#pragma once

// Shared by the files of the NVS calls.

#include <pthread.h>
#include <stdbool.h>
#include "nvs_flash.h"
#include "nvs_store.h"

typedef struct nvs_mount {
    struct nvs_mount *next;
    char label[NVS_PART_NAME_MAX_SIZE + 1];
    nvs_store_t store;
} nvs_mount_t;

typedef struct nvs_open_handle {
    struct nvs_open_handle *next;
    nvs_handle_t id;
    nvs_mount_t *mount;
    uint8_t ns;
    bool read_only;
} nvs_open_handle_t;

// nvs lock: protects mounts, handles and every store. Order: nvs < flash.
void nvs_lock(const char *call);
void nvs_unlock(void);

/** @return the mounted partition of this name, NULL if there is none. nvs lock held. */
nvs_mount_t *nvs_mount_find(const char *label);
bool nvs_any_mounted(void);

/** @return the open handle, NULL if it is none. nvs lock held. */
nvs_open_handle_t *nvs_handle_find(nvs_handle_t id);

/** Closes every handle on a partition. nvs lock held. */
void nvs_handles_close(const nvs_mount_t *mount);
void nvs_handles_forget(void);
