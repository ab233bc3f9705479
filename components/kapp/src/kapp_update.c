/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another version in the place of an installed one.
 *
 * While the new version is on probation the directory holds both. So there is nothing to copy when
 * it fails, and a board that goes down in between comes up with the old one (store.c).
 */
#include <stdlib.h>
#include <string.h>

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "installer.h"
#include "kapp_internal.h"
#include "system_service/app_manager.h"
#include "system_service/error_codes.h"

static const char *TAG = "kapp";

#define LOOK_EVERY_MS   20u /* at an app on probation */
#define COMMIT_AGAIN    3
#define COMMIT_AGAIN_MS 20

/** An update under way. Too large for a stack. */
typedef struct {
    unsigned place;
    store_entry_t before; /* what the directory says now */
    store_package_t old;  /* what the update takes the place of: a version that passed probation */
    const staged_t *staged;
    app_install_report_t *report;
} update_t;

/** May the staged package take the place of the installed one? */
static esp_err_t check(const update_t *u, bool allow_older)
{
    const kapp_manifest_t *m = &u->staged->manifest;
    const esp_err_t ret = kapp_installed_check_signer(&u->before, &u->staged->package);
    if (ret != ESP_OK) {
        return ret;
    }
    if (kapp_version_compare(m->version, u->old.version) < 0 && !allow_older) {
        return ESP_ERR_LOADER_VERSION_OLDER;
    }
    return kapp_installed_check_name(m->name, u->place);
}

/** One step: what the directory says of the app. */
static esp_err_t commit(const update_t *u, const store_package_t *current,
                        const store_package_t *previous)
{
    store_directory_t *next;
    const esp_err_t ret = store_change(&next);
    if (ret != ESP_OK) {
        return ret;
    }
    store_entry_t *entry = &next->entries[u->place];
    entry->current = *current;
    if (previous != NULL) {
        entry->previous = *previous;
    } else {
        memset(&entry->previous, 0, sizeof(entry->previous));
    }
    return store_change_end(ESP_OK);
}

/** What has happened already has to be written down: memory may be short for a moment alone. */
static esp_err_t commit_patiently(const update_t *u, const store_package_t *current)
{
    esp_err_t ret = commit(u, current, NULL);
    for (unsigned again = 0; again < COMMIT_AGAIN && ret != ESP_OK; again++) {
        vTaskDelay(pdMS_TO_TICKS(COMMIT_AGAIN_MS));
        ret = commit(u, current, NULL);
    }
    return ret;
}

/** The old version is what the app manager knows again; started again if it ran. */
static void bring_back(const update_t *u, bool start)
{
    esp_err_t ret = kapp_installed_register(u->place, &u->old);
    if (ret == ESP_OK && start) {
        ret = app_manager_start(u->old.name);
    }
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "%s is back, but: %s", u->before.id, system_error_describe(ret));
    }
}

/** Update of one that does not run. */
static esp_err_t replace(const update_t *u)
{
    const store_package_t *new = &u->staged->package;
    esp_err_t ret = kapp_installed_unregister(u->place);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = kapp_installed_register(u->place, new);
    if (ret == ESP_OK) {
        ret = commit(u, new, NULL);
        if (ret != ESP_OK) {
            (void)kapp_installed_unregister(u->place);
        }
    }
    if (ret != ESP_OK) {
        bring_back(u, false);
    }
    return ret;
}

/** Does the app that was just started stay alive? @return ESP_OK; why not */
static esp_err_t probation(const char *name)
{
    app_info_t info;
    for (uint32_t ms = 0; ms < CONFIG_KAPP_PROBATION_MS; ms += LOOK_EVERY_MS) {
        vTaskDelay(pdMS_TO_TICKS(LOOK_EVERY_MS));
        const esp_err_t ret = app_manager_get_info(name, &info);
        if (ret != ESP_OK) {
            return ret;
        }
        if (info.crashes != 0) {
            return info.last_error != ESP_OK ? info.last_error : ESP_ERR_APP_START_FAILED;
        }
        if (info.state == APP_STATE_STOPPED) {
            break; /* it did what it had to do, or was told to stop */
        }
    }
    return ESP_OK;
}

static esp_err_t start_new(const update_t *u)
{
    const store_package_t *new = &u->staged->package;
    esp_err_t ret = kapp_installed_register(u->place, new);
    if (ret == ESP_OK) {
        ret = app_manager_start(new->name);
    }
    return ret == ESP_OK ? probation(new->name) : ret;
}

/** The new version failed. */
static void roll_back(const update_t *u)
{
    if (kapp_installed_unregister(u->place) != ESP_OK) {
        /* It does not let itself be ended. The next boot takes the old one. */
        ESP_LOGE(TAG, "%s: the old version is back after a restart", u->before.id);
        return;
    }
    const esp_err_t ret = commit_patiently(u, &u->old);
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "%s: the next boot takes the old version: %s", u->before.id,
                 esp_err_to_name(ret));
    }
    u->report->rolled_back = true;
    bring_back(u, true);
}

/** Update of one that runs. */
static esp_err_t replace_running(const update_t *u)
{
    const store_package_t *new = &u->staged->package;
    esp_err_t ret = commit(u, new, &u->old);
    if (ret != ESP_OK) {
        return ret;
    }
    ret = kapp_installed_unregister(u->place);
    if (ret != ESP_OK) { /* what runs goes on running, and is what the directory had said */
        (void)commit(u, &u->before.current, &u->before.previous);
        return ret;
    }
    ret = start_new(u);
    if (ret != ESP_OK) {
        ESP_LOGE(TAG, "%s: the new version failed: %s", u->before.id, system_error_describe(ret));
        roll_back(u);
        return ret;
    }
    ret = commit_patiently(u, new);
    if (ret != ESP_OK) {
        u->report->unconfirmed = true;
        ESP_LOGE(TAG, "%s: the new version runs, but the next boot takes the old one: %s",
                 u->before.id, system_error_describe(ret));
    }
    return ret;
}

static esp_err_t update_staged(update_t *u, bool allow_older)
{
    esp_err_t ret = kapp_installed_find(u->staged->manifest.id, &u->place, &u->before);
    /* Its name does not make it the same app, and data alone are no app. */
    if (ret == ESP_OK &&
        (strcmp(u->before.id, u->staged->manifest.id) != 0 || u->before.current.size == 0)) {
        ret = ESP_ERR_APP_NOT_FOUND;
    }
    if (ret == ESP_OK) {
        /* An update that could not be taken back is not what there is to go back to. */
        u->old = u->before.previous.size != 0 ? u->before.previous : u->before.current;
        u->report->replaced = u->old.version;
        ret = check(u, allow_older);
    }
    if (ret != ESP_OK) {
        return ret;
    }
    return kapp_installed_runs(u->place) ? replace_running(u) : replace(u);
}

static esp_err_t update(const kapp_stream_t *stream, bool allow_older, update_t *u)
{
    staged_t *staged = NULL;
    esp_err_t ret = kapp_stage(stream, &staged);
    if (ret == ESP_OK) {
        kapp_report(u->report, staged);
        u->staged = staged;
        ret = update_staged(u, allow_older);
    }
    kapp_unstage(staged);
    return ret;
}

esp_err_t app_manager_update_stream(const kapp_stream_t *stream, bool allow_older,
                                    app_install_report_t *report)
{
    app_install_report_t unwanted = {0};
    report = report != NULL ? report : &unwanted;
    *report = (app_install_report_t){0};
    if (stream == NULL || stream->read == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = kapp_operation_begin();
    if (ret != ESP_OK) {
        return ret;
    }
    update_t *u = calloc(1, sizeof(*u));
    if (u != NULL) {
        u->report = report;
        ret = update(stream, allow_older, u);
        free(u);
    } else {
        ret = ESP_ERR_NO_MEM;
    }
    kapp_operation_end();
    return ret;
}

esp_err_t app_manager_update(const char *location, bool allow_older, app_install_report_t *report)
{
    const kapp_opener_t *opener;
    kapp_stream_t stream;
    if (location == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    esp_err_t ret = kapp_stream_open(location, &stream, &opener);
    if (ret == ESP_OK) {
        ret = app_manager_update_stream(&stream, allow_older, report);
        opener->close(&stream);
    }
    return ret;
}
