// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * A system with a small app store in it, for tests of what is installed there. Programs come from
 * the definitions PROGRAM_*; every failure of these helpers ends the test.
 */

#include "kapp_builder.h"
#include "program_package.h"

#include "kapp/kapp_install.h"
#include "system_service/app_manager.h"

#define APP_STORE_ID "org.example.hello"

/** Partitions with room for five packages of up to 64 KB: for host_flash_use_table(). */
extern const char app_store_table[];

extern kb_key_t app_store_key;  /**< trusted */
extern kb_bytes_t app_store_v1; /**< hello 1.2.3 */
extern kb_bytes_t app_store_v2; /**< hello 2.2.3 */

/** Setup of a test: the system, up, with an app "fixed" that is built in, and an empty store. */
int app_store_set_up(void **state);
int app_store_tear_down(void **state);

/** A stream over bytes. */
typedef struct {
    const kb_bytes_t *bytes;
    uint32_t at;
    uint32_t most; /**< bytes given at once */
} app_store_stream_t;

/** kapp_stream_t.read over an app_store_stream_t. */
esp_err_t app_store_give(void *arg, void *to, size_t room, size_t *got);
esp_err_t app_store_install(const kb_bytes_t *package);
esp_err_t app_store_update(const kb_bytes_t *package, bool allow_older,
                           app_install_report_t *report);

/** What the app manager knows of an app that it must know. */
app_info_t app_store_info(const char *name);
/** Bytes of the store that are in use, in KB. */
unsigned app_store_used_kb(void);
/** The app that is installed, and no other. */
app_installed_t app_store_only_one(void);
/** What the next boot does, as far as installed apps are concerned. */
void app_store_boot(void);
