/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief New images of the firmware: taken in when somebody whom we trust has signed them, started
 *        on probation, kept once they have proven themselves; else the one before returns.
 *
 * A signed image is made by "./kraken firmware sign". It goes into the slot that does not run, and
 * is started once by the next reset. What is here confirms it after CONFIG_UPDATER_CONFIRM_S if the
 * system is healthy by then, and goes back to the image before if it is not.
 */

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

#include "kapp/kapp_install.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How an update went. */
typedef struct {
    char running[33];     /**< version that runs */
    char version[33];     /**< of the image; "" if it did not come so far */
    char slot[17];        /**< where it went; likewise */
    uint32_t image_bytes; /**< of the image, without what it begins with */
} updater_report_t;

/**
 * @brief Take in an image, and have it started by the next reset.
 *
 * Until the last byte of it was checked nothing is changed but a slot that nothing starts: whenever
 * it breaks off, the board is as it was. One that waits for the reset already gives way, also when
 * this one fails.
 *
 * @context any task that is not an app's, after updater_start() and kapp_init(); needs about 5 KB
 * of its stack
 * @blocks  as the location does, on flash writes, and about 0.3 s for the signature on the device
 * @param   location     a path, or an address for which there is an opener
 * @param   allow_older  also a version that is older, or that cannot be compared
 * @param[out] report    may be NULL
 * @return ESP_OK, an error of the location, of the flash, of kapp_trust_verify(), or
 *  - ESP_ERR_INVALID_ARG           location is NULL
 *  - ESP_ERR_INVALID_STATE         another one is being taken in, or updater_start() was not called
 *  - ESP_ERR_UPDATE_PROBATION      the image that runs is not confirmed: it needs the way back
 *  - ESP_ERR_UPDATE_FORMAT         no signed image
 *  - ESP_ERR_UPDATE_SIGNER         the key's label is not CONFIG_UPDATER_KEY_LABEL
 *  - ESP_ERR_UPDATE_OTHER          another product's
 *  - ESP_ERR_UPDATE_SAME           the version that runs
 *  - ESP_ERR_UPDATE_OLDER          not a newer one
 *  - ESP_ERR_UPDATE_TOO_LARGE      larger than the slot
 *  - ESP_ERR_UPDATE_LENGTH         the transfer was cut, or something follows the image
 *  - ESP_ERR_UPDATE_DAMAGED        what was written is not what was signed
 *  - ESP_ERR_OTA_VALIDATE_FAILED   it was signed, but no processor of this kind can run it
 *  - ESP_ERR_NOT_SUPPORTED         the partition table has no second slot
 */
esp_err_t updater_install(const char *location, bool allow_older, updater_report_t *report);

/** @brief The same from a stream. @context, @blocks, @return as updater_install() */
esp_err_t updater_install_stream(const kapp_stream_t *stream, bool allow_older,
                                 updater_report_t *report);

/** Which images there are. */
typedef struct {
    char product[33];
    char running[33];  /**< version that runs ... */
    char slot[17];     /**< ... and where from */
    char next[17];     /**< the slot that the next reset starts, "" = the same */
    char given_up[17]; /**< the slot whose image did not confirm itself, "" = none */
    bool on_probation; /**< the one that runs has not, so far */
} updater_state_t;

/** @brief What runs, and what will. @context any task  @blocks on flash reads */
void updater_get(updater_state_t *out);

/**
 * @brief Begin the probation of the running image, if it is on one; and be ready for updates.
 *
 * @context main task, after system_service_init()  @blocks never
 * @return ESP_OK, also when there is nothing to confirm, or
 *  - ESP_ERR_INVALID_STATE  the probation has begun already
 *  - ESP_ERR_NO_MEM         no timer: the image will not be confirmed
 */
esp_err_t updater_start(void);

/** @brief The running image is not confirmed yet.  @context any task  @blocks on a flash read */
bool updater_on_probation(void);

/** The product's own idea of health, asked at the end of the probation.
 *  @context the timer task: it must not block  @return true: the image may stay */
typedef bool (*updater_check_t)(void);

/** @brief Have it asked besides the system's verdict; NULL: no more.
 *  @context any task  @blocks never */
void updater_set_check(updater_check_t check);

/** @brief Keep the running image, without waiting for the end of its probation.
 *  @context any task that is not an app's  @blocks on a flash write
 *  @return ESP_OK, also when it is kept already; an error of the flash */
esp_err_t updater_confirm(void);

/** @brief Give the running image up and start the one before; does not return then.
 *  @context any task that is not an app's  @blocks on a flash write
 *  @return ESP_ERR_OTA_ROLLBACK_FAILED there is none; an error of the flash */
esp_err_t updater_back(void);

#ifdef __cplusplus
}
#endif
