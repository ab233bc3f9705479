/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Installing, updating and uninstalling apps, and which of them start at boot.
 *
 * Installed packages lie in the partition "apps" (data, subtype 0x40). One is written there first,
 * then checked where it lies: its signature, that it is for this processor, that the system has the
 * interfaces it needs, and that every function it imports is there and permitted. Only then does it
 * become installed, in one step: a power cut at any moment leaves everything as it was or as it is
 * to be.
 *
 * An app is known by the id in its manifest; wherever an id is asked for, its name will do. One
 * operation runs at a time, others wait.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#include "kapp/kapp.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The bytes of a package as they come, from its beginning to its end. */
typedef struct {
    /** Give at most room bytes. @param[out] got 0: that was all
     *  @return ESP_OK, or any error, which the call that reads then returns. Must not call what is
     *          declared in this header. */
    esp_err_t (*read)(void *arg, void *to, size_t room, size_t *got);
    void *arg;
} kapp_stream_t;

/** Opens what a location names; for addresses such as "http://example.org/clock.kapp". */
typedef struct kapp_opener {
    const char *scheme; /**< what stands before "://" */
    /** @return ESP_OK with a stream that close() ends; any error, which the caller gets */
    esp_err_t (*open)(const char *location, kapp_stream_t *out);
    void (*close)(kapp_stream_t *stream);
    struct kapp_opener *next; /**< kapp_stream_add_opener()'s */
} kapp_opener_t;

/** How an operation went. */
typedef struct {
    char id[KAPP_ID_MAX + 1];       /**< "" if it did not come so far */
    char name[SYSTEM_NAME_MAX + 1]; /**< likewise */
    kapp_version_t version;         /**< of the package */
    kapp_version_t replaced;        /**< of the one before it, for an update */
    bool rolled_back;               /**< it was installed, failed, and the one before is back */
    bool unconfirmed; /**< it is well and runs, but that could not be stored: the next boot starts
                           the one before */
} app_install_report_t;

/** An installed app. */
typedef struct {
    char id[KAPP_ID_MAX + 1];
    char name[SYSTEM_NAME_MAX + 1]; /**< "": only its data were kept */
    kapp_version_t version;
    bool is_signed;
    uint8_t signer[KAPP_HASH_SIZE]; /**< SHA-256 of the signer's public key */
    bool autostart;
    uint32_t package_bytes; /**< size of the package */
    uint32_t data_bytes;    /**< of the partition for what it stored */
} app_installed_t;

/** Use of the partition. */
typedef struct {
    uint32_t total_bytes;
    uint32_t used_bytes; /**< in whole extents of 64 KB */
    uint32_t free_bytes;
    unsigned apps, apps_max; /**< entries of the directory */
} kapp_store_usage_t;

/**
 * @brief The code of this app ran when the last boot ended by a panic or a watchdog.
 *
 * Its fault was one that cannot be contained, such as an overflow of its stack. It is not started
 * at this boot, but by hand, or at the next one.
 *
 * @context any task, after system_service_init()  @blocks never
 */
bool kapp_ended_last_boot(const char *name);

/**
 * @brief Find the store, and make the apps in it known to the app manager.
 *
 * An app that cannot be made known is named in the log, and does not keep the others from it.
 *
 * @context after kapp_init() and system_service_init(); a task that is not an app's
 * @blocks  on reads of the flash: each package is read once
 * @param   start_apps  start those that are to start at boot, but for kapp_ended_last_boot()
 * @return ESP_OK, an error of NVS, or
 *  - ESP_ERR_INVALID_STATE        kapp_init() was not called
 *  - ESP_ERR_KAPP_STORE_MISSING   there is no partition "apps", or it has less than 64 KB
 *  - ESP_ERR_KAPP_STORE_DAMAGED   the directory cannot be read: see kapp_store_erase()
 *  - ESP_ERR_NO_MEM
 */
esp_err_t kapp_store_start(bool start_apps);

/** @brief Stop all installed apps, and make them unknown; kapp_store_start() brings them back.
 *  @context as app_manager_install()  @blocks as app_manager_stop()
 *  @return ESP_OK; ESP_ERR_NOT_OWNER; ESP_ERR_INVALID_STATE; ESP_ERR_TIMEOUT one does not stop: it
 *          stays, and those that were not asked yet */
esp_err_t kapp_store_stop(void);

/** @brief Forget all installed apps and their data, also of a store that cannot be read. None of
 *         them may run.
 *  @context as app_manager_install()  @blocks on a flash write
 *  @return ESP_OK; ESP_ERR_APP_IN_USE one runs; else as kapp_store_start() */
esp_err_t kapp_store_erase(void);

/** @brief How full it is. @context any task  @blocks on the store lock  @return ESP_OK;
 *  ESP_ERR_INVALID_ARG; else as kapp_store_start() */
esp_err_t kapp_store_get_usage(kapp_store_usage_t *out);

/**
 * @brief Install an app. It does not run yet.
 *
 * @context any task that is not an app's; needs about 5 KB of its stack
 * @blocks  as the location does, on flash writes, and about 0.3 s for the signature on the device
 * @param   location  a path, or an address for which there is an opener
 * @param[out] report may be NULL
 * @return ESP_OK, an error of the stream, of NVS or of the flash, or
 *  - ESP_ERR_INVALID_ARG, ESP_ERR_NOT_OWNER (called by an app), ESP_ERR_NO_MEM
 *  - ESP_ERR_NOT_FOUND              there is no such file
 *  - ESP_ERR_KAPP_STREAM_SCHEME     there is no opener for such an address
 *  - what kapp_store_start() said of the store
 *  - what kapp_app_register() says of a package that is not right; unsigned ones are accepted only
 *    with CONFIG_KAPP_DEVELOPER_MODE
 *  - ESP_ERR_LOADER_UNRESOLVED_SYMBOL and the other errors of kapp_program_load()
 *  - ESP_ERR_APP_ALREADY_REGISTERED it is installed: update it; or another app has its name
 *  - ESP_ERR_KAPP_SIGNER_OTHER      the data that were kept of it are another signer's: uninstall
 *    them first
 *  - ESP_ERR_KAPP_STORE_SLOTS       CONFIG_KAPP_MAX_INSTALLED are in the store
 *  - ESP_ERR_LOADER_STORAGE_FULL    not enough free extents
 */
esp_err_t app_manager_install(const char *location, app_install_report_t *report);

/** @brief Install from a stream. @context, @blocks, @return as app_manager_install() */
esp_err_t app_manager_install_stream(const kapp_stream_t *stream, app_install_report_t *report);

/**
 * @brief Put another version in the place of an installed one. Its data and settings stay.
 *
 * If the app runs, or waits to be started again after a crash, it is stopped, and the new version
 * is started. Should that fail within
 * CONFIG_KAPP_PROBATION_MS, the old version is put back and started again; so it is when power is
 * lost meanwhile.
 *
 * @context, @blocks as app_manager_install(), and as app_manager_stop() and the probation
 * @param   allow_older  also an older version than the installed one
 * @return ESP_OK; as app_manager_install() but for ESP_ERR_APP_ALREADY_REGISTERED of its id; or
 *  - ESP_ERR_APP_NOT_FOUND          it is not installed
 *  - ESP_ERR_LOADER_VERSION_OLDER   older than the installed one
 *  - ESP_ERR_KAPP_SIGNER_OTHER      the installed one is another signer's, or this one is not
 * signed and the installed one is: uninstall that first
 *  - ESP_ERR_TIMEOUT                the running one does not stop: it stays
 *  - what app_manager_start() said, or why it crashed: report->rolled_back is true
 *  - an error of NVS at the end of its probation: report->unconfirmed is true; another update with
 *    the same package tries again
 */
esp_err_t app_manager_update(const char *location, bool allow_older, app_install_report_t *report);

/** @brief Update from a stream. @context, @blocks, @return as app_manager_update() */
esp_err_t app_manager_update_stream(const kapp_stream_t *stream, bool allow_older,
                                    app_install_report_t *report);

/**
 * @brief Stop an app if it runs, and remove it.
 * @context any task that is not an app's  @blocks as app_manager_stop(), on flash writes
 * @param   keep_data  keep what it stored, for when it is installed again
 * @return ESP_OK, an error of NVS; ESP_ERR_INVALID_ARG; ESP_ERR_NOT_OWNER;
 *         ESP_ERR_APP_NOT_FOUND; ESP_ERR_KAPP_STORE_BUILT_IN it is part of the firmware;
 *         ESP_ERR_TIMEOUT it does not stop: it stays; else as kapp_store_start()
 */
esp_err_t app_manager_uninstall(const char *id, bool keep_data);

/** @brief Shall an app be started at boot? It is not, unless this was called.
 *  @context any task that is not an app's  @blocks on a flash write
 *  @return ESP_OK, an error of NVS; ESP_ERR_INVALID_ARG; ESP_ERR_NOT_OWNER; ESP_ERR_APP_NOT_FOUND;
 *          else as kapp_store_start() */
esp_err_t app_manager_set_autostart(const char *id, bool on);

/**
 * @brief All installed apps.
 * @context any task  @blocks on the store lock
 * @param[in,out] count in: room in out; out: how many there are, also when that is more
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_SIZE some did not fit; else as
 *         kapp_store_start()
 */
esp_err_t app_manager_installed(app_installed_t *out, size_t *count);

/**
 * @brief Install or update what lies in the drop folder, in the order of its names: on a PC the
 *        folder "drop" beside the board's flash (--state); a device has none. What was refused is
 *        set aside under another name, and the log says why.
 * @context, @blocks as app_manager_update()
 * @return how many were installed or updated
 */
unsigned kapp_drop_scan(void);

/** @brief Do that now and, on a PC, whenever something new lies there.
 *  @context init only, after kapp_store_start(); once  @blocks as kapp_drop_scan()
 *  @return ESP_OK; ESP_ERR_NO_MEM no task: it is not watched */
esp_err_t kapp_drop_start(void);

/** @brief Let locations of a scheme be opened. A later one takes the place of an earlier one.
 *  @context init only  @owns *opener must live for ever */
void kapp_stream_add_opener(kapp_opener_t *opener);

/**
 * @brief Open what a location names, as app_manager_install() does: for whoever takes in something
 *        else than an app.
 * @context any task  @blocks as the location does
 * @param[out] stream  read it to its end; not valid after the opener's close()
 * @param[out] opener  whose close() ends it, if this returned ESP_OK
 * @return ESP_OK; ESP_ERR_NOT_FOUND no such file; ESP_ERR_KAPP_STREAM_SCHEME there is no opener for
 *         such an address; what the opener returned
 */
esp_err_t kapp_stream_open(const char *location, kapp_stream_t *stream,
                           const kapp_opener_t **opener);

#ifdef __cplusplus
}
#endif
