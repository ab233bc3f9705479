/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief What this firmware is made of.
 */

#include <stddef.h>

#include "system_service/app_manager.h"
#include "system_service/service_manager.h"

/* ---- service_table.c ------------------------------------------------------------------------- */

extern const system_service_descriptor_t *const service_table[];
extern const size_t service_table_size;

/* ---- app_table.c ----------------------------------------------------------------------------- */

/** An app that is built in. */
typedef struct {
    const app_manifest_t *manifest;
    bool start_at_boot;
} app_table_entry_t;

extern const app_table_entry_t app_table[];
extern const size_t app_table_size;

/* ---- install_bluetooth.c --------------------------------------------------------------------- */

/** Install what peers send, from now on. @context init only */
void install_bluetooth_start(void);

/* ---- app_interfaces.c ------------------------------------------------------------------------ */

/** Offer what the services of this firmware have for installed apps; before kapp_init(). */
esp_err_t app_interfaces_offer(void);

/* ---- demo_devices.c -------------------------------------------------------------------------- */

/** The demonstration's chapter about the devices of this firmware. */
void demo_devices(void);
