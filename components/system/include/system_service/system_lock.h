/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Locks that outlive their holders: for what several tasks share and a fault must not block.
 *
 * A FreeRTOS mutex dies with the task that holds it, so a task that hangs with one in its hands
 * cannot be ended. A lock of this kind is in the ledger of its holder. When the holder's code is
 * ended by force, or returns without giving it back, the lock is free again, and the next to take
 * it is told so by ESP_ERR_LOCK_OWNER_DEAD: it has the lock and finds the data as they were left.
 * It puts them in order and says so with system_lock_mend(); else the one after it is told, too.
 *
 * A holder that cannot be ended may still be at work, so its lock is not given away: until that
 * task ends or gives it back, everybody else gets ESP_ERR_SYSTEM_LOCK_LOST at once.
 *
 * Locks are taken by code of services and apps: handlers, lifecycle functions, attached tasks, an
 * app's main function. Firmware, which nobody restarts, uses FreeRTOS mutexes. They are for short
 * sections: a holder runs at the ceiling priority of the lock, which keeps those in between from
 * delaying those who wait (the alternative to inheriting priorities that needs no task to touch
 * another one that may be ending). The longest-waiting of the most urgent gets it next.
 */

#include <stdbool.h>
#include <stdint.h>

#include "system_service/error_codes.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Names a lock, with the generation of its use: that of a lock that is gone stays dead. */
typedef uint32_t system_lock_t;

#define SYSTEM_LOCK_NONE ((system_lock_t)0)

/** Wait as long as it takes; the handler monitor still sees a handler that does. */
#define SYSTEM_LOCK_WAIT_FOREVER UINT32_MAX

/** What a lock is like now; every field is always written. */
typedef struct {
    char name[SYSTEM_NAME_MAX + 1];
    system_service_id_t owner;  /**< who created it */
    system_service_id_t holder; /**< who has it; SYSTEM_SERVICE_ID_NONE = nobody */
    bool lost;                  /**< its holder was given up and still runs */
    bool mend;                  /**< a holder died; nobody has called system_lock_mend() since */
    uint8_t ceiling;            /**< FreeRTOS priority of whoever holds it */
    uint32_t waiting;           /**< tasks that wait for it now */
    uint32_t taken;             /**< how often it was taken */
    uint32_t waited;            /**< how often somebody had to wait */
    uint32_t deaths;            /**< holders that were ended or forgot it */
} system_lock_info_t;

/**
 * @brief Create a lock, or find one's own of that name: a service that restarts keeps its locks.
 *
 * It goes when its owner is unregistered or its app ends: those that wait are told, and the place
 * in the table is free once a holder has given it back.
 *
 * @context code of the owner, or firmware for a service  @blocks never  @owns name is copied
 * @param[in]  id      the owner
 * @param[in]  name    unique; characters as of a service's name
 * @param[in]  ceiling priority of holders, at least that of the most urgent taker;
 *                     0 = CONFIG_SYSTEM_WORKER_PRIORITY, at most CONFIG_SYSTEM_EXPRESS_PRIORITY
 * @param[out] out     the lock
 * @return ESP_OK, or ESP_ERR_INVALID_ARG a NULL, a bad name or ceiling, ESP_ERR_LOCKS_FULL,
 *         ESP_ERR_NOT_OWNER not the caller's id, or another owner has a lock of this name,
 *         ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID
 */
esp_err_t system_lock_create(system_service_id_t id, const char *name, uint8_t ceiling,
                             system_lock_t *out);

/** @brief Look a lock up by name. @context any task  @blocks never
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_LOCK_NOT_FOUND */
esp_err_t system_lock_find(const char *name, system_lock_t *out);

/**
 * @brief Take a lock.
 *
 * A lock taken in a handler or lifecycle function has to be given before it returns: what it
 * forgets is taken from it, as from a dead holder.
 *
 * @context code of a service or app, not an ISR  @blocks up to timeout_ms
 * @param timeout_ms 0 = do not wait
 * @return ESP_OK, or
 *  - ESP_ERR_LOCK_OWNER_DEAD      taken; but a holder died: look at the data, then
 * system_lock_mend()
 *  - ESP_ERR_TIMEOUT              somebody else has it
 *  - ESP_ERR_SYSTEM_WOULD_DEADLOCK the calling task has it already, or its holder waits, itself or
 *                                 through others, for a lock that the caller holds
 *  - ESP_ERR_SYSTEM_LOCK_LOST     its holder hangs and could not be ended
 *  - ESP_ERR_LOCK_WAIT_ENDED      the caller is being stopped, so its wait ended
 *  - ESP_ERR_LOCK_NOT_FOUND       no such lock, or not any more
 *  - ESP_ERR_NO_MEM               CONFIG_SYSTEM_MAX_LOCK_WAITERS wait already
 *  - ESP_ERR_NOT_OWNER            called by firmware, or by an app that is gone
 *  - ESP_ERR_INVALID_STATE        called from an ISR
 */
esp_err_t system_lock_take(system_lock_t lock, uint32_t timeout_ms);

/** @brief Give a lock back. @context the task that took it  @blocks never
 *  @return ESP_OK; ESP_ERR_LOCK_NOT_HELD not by this task, or not any more; ESP_ERR_LOCK_NOT_FOUND;
 *          ESP_ERR_INVALID_STATE called from an ISR */
esp_err_t system_lock_give(system_lock_t id);

/** @brief What the lock protects is in order again. @context the task that holds it  @blocks never
 *  @return as system_lock_give(); ESP_OK also when nothing was to be mended */
esp_err_t system_lock_mend(system_lock_t id);

/** @brief Describe a lock. @context any task  @blocks never
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_LOCK_NOT_FOUND */
esp_err_t system_lock_get_info(system_lock_t id, system_lock_info_t *out);

#ifdef __cplusplus
}
#endif
