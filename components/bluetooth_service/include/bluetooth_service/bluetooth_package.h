/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Packages that peers send, as a stream for whoever installs them: one task at a time, again
 *        and again bluetooth_package_wait(), bluetooth_package_read() to the end,
 *        bluetooth_package_done(). It can be there for good, or come when it is called.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t size;    /**< of the package in bytes, as the peer says */
    bool update;      /**< the peer wants it in the place of an installed version */
    bool allow_older; /**< also of a newer one */
} bluetooth_package_t;

/** @brief Have the task called when a peer begins to send one or has something to set up, rather
 *         than wait all the time: its stack is memory that is rarely used.
 *  @context init only  @blocks never
 *  @param[in] call in the service's worker; blocks never. What it returns other than ESP_OK ends
 *             what the peer began, and the peer is told */
void bluetooth_package_on_offer(esp_err_t (*call)(void));

/** @brief There is something that bluetooth_package_wait() would return with at once.
 *  @context any task  @blocks never */
bool bluetooth_package_is_offered(void);

/** @brief Wait until a peer begins to send one.
 *  @context one task, not an app's  @blocks until then, at most timeout_ms
 *  @return ESP_OK; ESP_ERR_TIMEOUT; ESP_ERR_NOT_FINISHED not a package, but something to set up:
 *          bluetooth_setup_take() has it, then wait on */
esp_err_t bluetooth_package_wait(bluetooth_package_t *out, uint32_t timeout_ms);

/** @brief Give the next bytes, at least one; as kapp_stream_t wants it. arg is not used.
 *  @context the task that waited  @blocks until there are some: a connection that ends may come
 *           again. At most 2 * CONFIG_BLUETOOTH_STALL_MS + CONFIG_BLUETOOTH_RESUME_MS
 *  @param[out] got 0: that was all
 *  @return ESP_OK; ESP_ERR_TIMEOUT the peer is silent; ESP_ERR_NOT_FINISHED the connection ended
 * and did not come again in time, or the peer called it off; ESP_ERR_INVALID_STATE the service was
 * restarted; ESP_ERR_INVALID_CRC it is not what the peer meant to send */
esp_err_t bluetooth_package_read(void *arg, void *to, size_t room, size_t *got);

/** @brief Tell the peer, and everybody by bluetooth.told, how it went. Whatever was not read is
 *         forgotten.
 *  @context the task that waited  @blocks never  @param name of the app, may be "" */
void bluetooth_package_done(esp_err_t status, const char *name);

#ifdef __cplusplus
}
#endif
