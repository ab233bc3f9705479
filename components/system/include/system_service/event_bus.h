/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The priority event bus: types, subscriptions, posting.
 *
 * A post finds the subscribers, puts one reference to one shared copy of the payload into each
 * subscriber's mailbox and returns. Handlers run later, in worker tasks; handlers of one subscriber
 * never run at the same time. Order is first in, first out per publisher, lane and subscriber.
 *
 * Whoever calls is known by the running mailbox or task, not by the id it passes: code of a service
 * or app that passes somebody else's id gets ESP_ERR_NOT_OWNER. Tasks that belong to no service or
 * app (drivers, main) are firmware and may name any service, but no app.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"
#include "freertos/FreeRTOS.h"

#include "system_service/error_codes.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An event as its handler sees it; valid until the handler returns. */
typedef struct {
    system_event_type_t type;   /**< the registered type */
    const char *name;           /**< the type's name, e.g. "network.connected" */
    system_service_id_t source; /**< who posted it */
    uint8_t priority;           /**< as posted, 0..255 */
    uint32_t sequence;          /**< counts all events of the bus; wraps */
    int64_t timestamp_us;       /**< when it was posted, esp_timer_get_time(); of a retained event
                                     that is 12 days old when it is delivered: later, by 2^40 us */
    const void *data;           /**< payload, NULL when data_size is 0 */
    size_t data_size;           /**< bytes at data */
} system_event_t;

/**
 * @brief Called for each event of a subscription.
 *
 * @context a worker task (the subscriber's own for apps and for services that asked for one);
 *          never an ISR, never with a lock of the system held, never twice at once per subscriber
 * @blocks  may block, but is timed: see handler_monitor.h
 * @owns    nothing: copy what must outlive the call
 */
typedef void (*system_event_handler_t)(const system_event_t *event, void *user_data);

/** What happens when the subscriber's lane is full. */
typedef enum {
    SYSTEM_OVERFLOW_REJECT = 0,  /**< this subscriber misses the event; the poster is told */
    SYSTEM_OVERFLOW_DROP_OLDEST, /**< the oldest waiting event of this subscription goes */
    SYSTEM_OVERFLOW_KEEP_LATEST, /**< one waiting event per type: a newer one replaces it */
    SYSTEM_OVERFLOW_BLOCK,       /**< the poster waits up to block_ms; REJECT for posts of workers,
                                    ISRs, timers and the system itself */
} system_overflow_t;

/** Longest wait that SYSTEM_OVERFLOW_BLOCK may ask of a poster, in ms. */
#define SYSTEM_EVENT_BLOCK_MS_MAX 60000u
/** Longest time limit of a handler, in ms. */
#define SYSTEM_EVENT_TIME_LIMIT_MS_MAX 600000u

/** How a subscription behaves; all zero is a valid default. */
typedef struct {
    system_overflow_t overflow; /**< 0 = reject */
    uint32_t block_ms;          /**< with SYSTEM_OVERFLOW_BLOCK: longest wait of a poster in ms,
                                     1..SYSTEM_EVENT_BLOCK_MS_MAX; else 0 */
    uint32_t time_limit_ms;     /**< longest run of the handler before it counts as slow, in ms;
                                     0 = CONFIG_SYSTEM_HANDLER_WARN_MS, at most
                                     SYSTEM_EVENT_TIME_LIMIT_MS_MAX */
} system_subscription_config_t;

/** Names one subscription; 0 is none. Carries a generation like a service id. */
typedef uint32_t system_subscription_t;

/** What became of one post. */
typedef struct {
    uint16_t matched;   /**< subscriptions that the event was for */
    uint16_t delivered; /**< mailboxes slots it was put into (replacements included) */
    uint16_t refused;   /**< subscriptions that had no room for it */
    uint16_t displaced; /**< older events that had to make room (drop oldest, keep latest) */
} system_post_result_t;

/** Totals of the bus since boot; each counted once, where the thing happened. */
typedef struct {
    uint32_t posted;    /**< posts that passed every check */
    uint32_t delivered; /**< references put into mailboxes */
    uint32_t handled;   /**< handlers that returned in time */
    uint32_t refused;   /**< deliveries refused for want of room */
    uint32_t displaced; /**< deliveries taken back by drop oldest or keep latest */
    uint32_t discarded; /**< deliveries thrown away because the subscriber went */
    uint32_t cut;       /**< deliveries whose handler was given up: ended, or it returned too late.
                             delivered = handled + displaced + discarded + cut, and what waits or
                             is in its handler now */
    uint32_t no_memory; /**< posts that found no pool block */
} system_event_bus_stats_t;

/**
 * @brief Register an event type by name, or find the one that already has it.
 *
 * @context any task  @blocks registry lock  @owns name is copied
 * @param[in]  name 1..SYSTEM_NAME_MAX bytes of [a-z0-9_.-], e.g. "my_service.data_ready"
 * @param[out] out  the type
 * @return ESP_OK (also when the name was registered before: same id), or
 *  - ESP_ERR_INVALID_ARG          name or out is NULL, or the name is empty
 *  - ESP_ERR_EVENT_NAME_TOO_LONG  more than SYSTEM_NAME_MAX bytes
 *  - ESP_ERR_EVENT_NAME_INVALID   a byte outside [A-Za-z0-9_.-]
 *  - ESP_ERR_EVENT_TYPES_FULL     CONFIG_SYSTEM_MAX_EVENT_TYPES are in use
 *  - ESP_ERR_SYSTEM_NOT_INITIALIZED before system_service_init()
 */
esp_err_t system_event_register_type(const char *name, system_event_type_t *out);

/**
 * @brief Make a type keep its last event: a new subscriber gets it at once.
 *
 * @context firmware, and one owner: the service that made it retained first, as long as it is
 * there; an app only what it registered itself. The core's own types: firmware  @blocks never
 * @return ESP_OK; ESP_ERR_EVENT_TYPE_NOT_FOUND; ESP_ERR_NOT_OWNER
 */
esp_err_t system_event_set_retained(system_event_type_t type, bool retained);

/**
 * @brief Look a type up by name without registering it.
 * @context any task  @blocks registry lock
 * @return ESP_OK; ESP_ERR_INVALID_ARG a NULL; ESP_ERR_EVENT_TYPE_NOT_FOUND
 */
esp_err_t system_event_find_type(const char *name, system_event_type_t *out);

/**
 * @brief Copy a type's name.
 * @context any task  @blocks never
 * @param[in] len size of out; the name is never cut
 * @return ESP_OK; ESP_ERR_INVALID_ARG out is NULL; ESP_ERR_INVALID_SIZE it does not fit in len
 *         (out becomes "" when len > 0); ESP_ERR_EVENT_TYPE_NOT_FOUND
 */
esp_err_t system_event_get_type_name(system_event_type_t type, char *out, size_t len);

/**
 * @brief Subscribe with the default behaviour (overflow: reject).
 *
 * @context any task of that subscriber, or firmware  @blocks registry lock
 * @owns    user_data stays the caller's and must live until the subscription is gone
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG              handler is NULL
 *  - ESP_ERR_SERVICE_NOT_FOUND        subscriber_id names nobody
 *  - ESP_ERR_SERVICE_STALE_ID         its owner is gone
 *  - ESP_ERR_NOT_OWNER                the caller is somebody else
 *  - ESP_ERR_EVENT_TYPE_NOT_FOUND     no such type
 *  - ESP_ERR_EVENT_ALREADY_SUBSCRIBED same subscriber, type, handler and user_data
 *  - ESP_ERR_QUOTA_SUBS_EXCEEDED      the subscriber's quota is used up
 *  - ESP_ERR_EVENT_SUBSCRIPTIONS_FULL all CONFIG_SYSTEM_MAX_SUBSCRIPTIONS are in use
 */
esp_err_t system_event_subscribe(system_service_id_t subscriber_id, system_event_type_t type,
                                 system_event_handler_t handler, void *user_data);

/**
 * @brief Subscribe with a declared behaviour and get a handle.
 *
 * @param[in]  config NULL = defaults
 * @param[out] out    may be NULL
 * @return as system_event_subscribe(), or ESP_ERR_INVALID_ARG for a bad config
 */
esp_err_t system_event_subscribe_ex(system_service_id_t subscriber_id, system_event_type_t type,
                                    system_event_handler_t handler, void *user_data,
                                    const system_subscription_config_t *config,
                                    system_subscription_t *out);

/**
 * @brief Subscribe to every present and future type whose name matches.
 *
 * @param[in] pattern a name, or a prefix followed by '*' ("network.*", "*")
 * @return as system_event_subscribe_ex(), or
 *  - ESP_ERR_EVENT_PATTERN_INVALID  empty, too long, or a '*' that is not last
 *  - ESP_ERR_EVENT_PATTERNS_FULL    CONFIG_SYSTEM_MAX_PATTERNS are in use
 */
esp_err_t system_event_subscribe_pattern(system_service_id_t subscriber_id, const char *pattern,
                                         system_event_handler_t handler, void *user_data,
                                         const system_subscription_config_t *config,
                                         system_subscription_t *out);

/**
 * @brief End one subscription. Once it returns ESP_OK the handler is not running and will not run
 *        again; called from inside that handler, this holds as soon as the handler returns.
 *
 * @context any task of the subscriber, or firmware
 * @blocks  until a running call of the handler returns, at most CONFIG_SYSTEM_UNSUBSCRIBE_WAIT_MS
 * @return ESP_OK, or
 *  - ESP_ERR_EVENT_NOT_SUBSCRIBED  no such subscription (any more)
 *  - ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID, ESP_ERR_NOT_OWNER
 *  - ESP_ERR_TIMEOUT               the handler hangs: it gets no further event, but still runs
 */
esp_err_t system_event_unsubscribe(system_service_id_t subscriber_id,
                                   system_subscription_t subscription);

/**
 * @brief End the subscriber's subscriptions to a type with this handler (NULL: with any handler).
 * @return as system_event_unsubscribe()
 */
esp_err_t system_event_unsubscribe_type(system_service_id_t subscriber_id, system_event_type_t type,
                                        system_event_handler_t handler);

/**
 * @brief Post an event to all subscribers of its type.
 *
 * @context any task; from an ISR use system_event_post_from_isr()
 * @blocks  only if a subscriber declared SYSTEM_OVERFLOW_BLOCK, up to its block_ms, never in a
 *          worker
 * @owns    data is copied; the caller's buffer is free on return
 * @param[in] priority 0..255, see system_event_priority_t
 * @return ESP_OK (also when nobody subscribes), or
 *  - ESP_ERR_INVALID_ARG            data is NULL but size is not 0
 *  - ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID, ESP_ERR_NOT_OWNER
 *  - ESP_ERR_EVENT_TYPE_NOT_FOUND   no such type
 *  - ESP_ERR_EVENT_DATA_TOO_LARGE   more than the largest pool block holds
 *  - ESP_ERR_QUOTA_DATA_EXCEEDED    more than the publisher's quota allows
 *  - ESP_ERR_QUOTA_EVENTS_EXCEEDED  the publisher's rate is used up
 *  - ESP_ERR_EVENT_NO_MEMORY        no pool block; nobody got the event
 *  - ESP_ERR_EVENT_QUEUE_FULL       at least one subscriber had no room; all others got it
 */
esp_err_t system_event_post(system_service_id_t service_id, system_event_type_t type,
                            const void *data, size_t size, uint8_t priority);

/**
 * @brief As system_event_post(), and tells what became of the event.
 * @param[out] result may be NULL; zeroed when the post was refused as a whole
 */
esp_err_t system_event_post_ex(system_service_id_t service_id, system_event_type_t type,
                               const void *data, size_t size, uint8_t priority,
                               system_post_result_t *result);

/**
 * @brief Post from an interrupt: a real payload, no heap, no waiting.
 *
 * @context isr-ok  @blocks never
 * @param[in,out] woken set to pdTRUE when a higher-priority task became ready, for
 *                portYIELD_FROM_ISR(); may be NULL
 * @return as system_event_post(); SYSTEM_OVERFLOW_BLOCK acts as reject
 */
esp_err_t system_event_post_from_isr(system_service_id_t service_id, system_event_type_t type,
                                     const void *data, size_t size, uint8_t priority,
                                     BaseType_t *woken);

/**
 * @brief Borrow a payload block to write into, for a post without copying.
 *
 * The block counts against the borrower's memory and goes back by system_event_publish(),
 * system_event_return(), or when the borrower is reclaimed.
 *
 * @context any task, isr-ok  @blocks never  @owns the caller, until published or returned
 * @return ESP_OK, or ESP_ERR_INVALID_ARG, ESP_ERR_SERVICE_NOT_FOUND, ESP_ERR_SERVICE_STALE_ID,
 *         ESP_ERR_NOT_OWNER, ESP_ERR_EVENT_DATA_TOO_LARGE, ESP_ERR_QUOTA_DATA_EXCEEDED,
 *         ESP_ERR_EVENT_NO_MEMORY
 */
esp_err_t system_event_loan(system_service_id_t service_id, size_t size, void **payload);

/**
 * @brief Post a borrowed block. Whatever is returned but ESP_ERR_INVALID_ARG, the loan is over.
 *
 * @param[in] size bytes of the payload that are valid, at most what was borrowed
 * @return as system_event_post_ex(), or ESP_ERR_INVALID_ARG when payload is not a loan of this
 *         service or size is larger than it
 */
esp_err_t system_event_publish(system_service_id_t service_id, system_event_type_t type,
                               void *payload, size_t size, uint8_t priority,
                               system_post_result_t *result);

/**
 * @brief Give a borrowed block back unposted.
 * @context any task, isr-ok  @blocks never
 * @return ESP_OK; ESP_ERR_INVALID_ARG payload is not a loan of this service
 */
esp_err_t system_event_return(system_service_id_t service_id, void *payload);

/** Totals since boot. @context any task  @blocks never  @return ESP_OK; ESP_ERR_INVALID_ARG */
esp_err_t system_event_get_bus_stats(system_event_bus_stats_t *out);

#ifdef __cplusplus
}
#endif
