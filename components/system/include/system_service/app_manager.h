/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Apps: what one consists of, what it may call, and how apps are started and stopped.
 *
 * An app is a function that runs in a task of its own, beside a mailbox whose handlers run in a
 * worker of its own. It calls the system through its context only. Whatever it has, the system
 * takes back when it ends.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"
#include "esp_log.h"

#include "system_service/error_codes.h"
#include "system_service/event_bus.h"
#include "system_service/event_timer.h"
#include "system_service/request_response.h"
#include "system_service/resource_quota.h"
#include "system_service/system_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Priorities of events, as apps write them. */
#define PRIORITY_CRITICAL SYSTEM_EVENT_PRIORITY_CRITICAL
#define PRIORITY_HIGH     SYSTEM_EVENT_PRIORITY_HIGH
#define PRIORITY_NORMAL   SYSTEM_EVENT_PRIORITY_NORMAL
#define PRIORITY_LOW      SYSTEM_EVENT_PRIORITY_LOW

/** Where an app is in its life. */
typedef enum {
    APP_STATE_REGISTERED = 0, /**< known, was never started */
    APP_STATE_STARTING,       /**< its task is being made */
    APP_STATE_RUNNING,        /**< its entry point runs */
    APP_STATE_PAUSED,         /**< waits at its next pause point; its events are kept */
    APP_STATE_STOPPING,       /**< asked to stop, or its entry point returned */
    APP_STATE_STOPPED,        /**< ended in order; may be started again */
    APP_STATE_CRASHED,        /**< ended because of a fault; may be started again */
} app_state_t;

/** Smallest and largest stack of an app in bytes. */
#define APP_STACK_SIZE_MIN 2048u
#define APP_STACK_SIZE_MAX 65536u

/** Room for app_manager_list(). Where apps are switched off there is none to list, but an array of
 *  nothing is no array. */
#define APP_LIST_ROOM (CONFIG_SYSTEM_MAX_APPS != 0 ? CONFIG_SYSTEM_MAX_APPS : 1)

typedef struct app_context app_context_t;

/**
 * What an app may call, always with its own context as the first argument. A context is good for
 * one life of one app, and only in that app's own code (its task, its handlers): anybody else gets
 * ESP_ERR_APP_CONTEXT_INVALID. Unless it says otherwise a call is for any code of the app, and
 * behaves and fails like the system_* function named beside it.
 *
 * heartbeat(), get_state() and sleep_ms(), called in the app's own task, are its *pause points*:
 * they wait there while the app is paused. Each of them is also a proof of life; an app whose task
 * does not come to one within its watchdog timeout is taken for hung.
 */
struct app_context {
    const char *name;       /**< of the app */
    system_service_id_t id; /**< of this life of it */

    /* state */
    /** Declare a state: RUNNING (undoes a pause of its own, not an operator's), PAUSED, STOPPED
     * (ends this life, asynchronously), CRASHED (likewise, as a fault). @return ESP_OK;
     * ESP_ERR_APP_INVALID_TRANSITION; ESP_ERR_APP_CONTEXT_INVALID */
    esp_err_t (*set_state)(app_context_t *ctx, app_state_t state);
    /** Pause point. @return RUNNING until the app is to stop; STOPPED for a context that is not
     *  valid. In a handler it does not wait and may return PAUSED. */
    app_state_t (*get_state)(app_context_t *ctx);
    /** Pause point. @return ESP_OK; ESP_ERR_APP_CONTEXT_INVALID */
    esp_err_t (*heartbeat)(app_context_t *ctx);
    /** True once the app is to stop. Never waits. */
    bool (*should_stop)(app_context_t *ctx);
    /** Pause point: sleep; a request to stop ends it early.
     *  @return true: time is up; false: the app is to stop, or the context is not valid */
    bool (*sleep_ms)(app_context_t *ctx, uint32_t ms);

    /* events: event_bus.h, event_timer.h */
    esp_err_t (*register_event)(app_context_t *ctx, const char *name, system_event_type_t *out);
    esp_err_t (*subscribe)(app_context_t *ctx, system_event_type_t type,
                           system_event_handler_t handler, void *user_data);
    esp_err_t (*subscribe_pattern)(app_context_t *ctx, const char *pattern,
                                   system_event_handler_t handler, void *user_data);
    /** handler NULL: every subscription to the type. system_event_unsubscribe_type() */
    esp_err_t (*unsubscribe)(app_context_t *ctx, system_event_type_t type,
                             system_event_handler_t handler);
    esp_err_t (*post_event)(app_context_t *ctx, system_event_type_t type, const void *data,
                            size_t size, uint8_t priority);
    esp_err_t (*post_after)(app_context_t *ctx, system_event_type_t type, const void *data,
                            size_t size, uint8_t priority, uint32_t delay_ms,
                            system_event_timer_t *out);
    esp_err_t (*post_every)(app_context_t *ctx, system_event_type_t type, const void *data,
                            size_t size, uint8_t priority, uint32_t period_ms,
                            system_event_timer_t *out);
    esp_err_t (*cancel_timer)(app_context_t *ctx, system_event_timer_t timer);

    /* requests: request_response.h */
    /** Find a service or app by name, to ask it something. system_service_find() */
    esp_err_t (*find)(app_context_t *ctx, const char *name, system_service_id_t *out);
    esp_err_t (*serve)(app_context_t *ctx, system_event_type_t type,
                       system_request_handler_t handler, void *user_data);
    /** system_request_sync() */
    esp_err_t (*request)(app_context_t *ctx, system_service_id_t target, system_event_type_t type,
                         const void *data, size_t size, uint8_t priority, void *response,
                         size_t *response_size, uint32_t timeout_ms);
    esp_err_t (*request_async)(app_context_t *ctx, system_service_id_t target,
                               system_event_type_t type, const void *data, size_t size,
                               uint8_t priority, system_response_handler_t callback,
                               void *user_data, uint32_t timeout_ms, system_request_id_t *out);
    esp_err_t (*cancel_request)(app_context_t *ctx, system_request_id_t request);
    esp_err_t (*respond)(app_context_t *ctx, system_request_id_t request, esp_err_t status,
                         const void *data, size_t size);

    /* memory and log */
    /** Memory that counts as the app's and goes back with it. NULL: over its quota, none left, or
     *  the context is not valid. */
    void *(*alloc)(app_context_t *ctx, size_t size);
    esp_err_t (*free)(app_context_t *ctx, void *ptr);
    /** Write a line to the log, with the app's name as its tag; cut at 127 bytes. */
    void (*log)(app_context_t *ctx, esp_log_level_t level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
};

/** Room for the name of a function in a crash report; longer ones are cut. */
#define APP_CRASH_NAME_MAX 40

/** Why the code of an app was ended. */
typedef enum {
    APP_CRASH_NONE = 0,
    APP_CRASH_ADDRESS,     /**< used an address that it may not use */
    APP_CRASH_JUMP,        /**< went to where no code is */
    APP_CRASH_ALIGNMENT,   /**< bus error, or an address that is not aligned */
    APP_CRASH_ARITHMETIC,  /**< division by zero and the like */
    APP_CRASH_INSTRUCTION, /**< an instruction that there is not */
    APP_CRASH_STACK,       /**< used up its stack */
    APP_CRASH_ABORT,       /**< its own abort() or a failed assert() */
    APP_CRASH_HEAP,        /**< freed what is not its own, or twice */
    APP_CRASH_CAUSES,      /**< how many there are */
} app_crash_cause_t;

/** The last fault in the code of an app. */
typedef struct {
    app_crash_cause_t cause;
    const char *what;                  /**< as the platform calls it, e.g. "SIGSEGV" */
    uintptr_t pc;                      /**< where */
    uintptr_t address;                 /**< that could not be used; 0 = none, or address 0 */
    char function[APP_CRASH_NAME_MAX]; /**< that pc is in, or that jumped there; "" = not known */
    uint32_t offset;                   /**< in it */
    uint32_t time_ms;                  /**< since boot */
    bool in_handler;                   /**< false: in the app's own task */
    char event[SYSTEM_NAME_MAX + 1];   /**< type that the handler worked on */
} app_crash_report_t;

/** Code that is brought in for each life of an app and taken out after it. */
typedef struct {
    /** Called when the app is started, in the task that starts it.
     *  @return ESP_OK with what unload() is to get; anything else: the start fails with it */
    esp_err_t (*load)(void *arg, void **image);
    /** Called when no code of that life runs any more. For a life whose task or handler hangs where
     *  it cannot be ended, later or never. */
    void (*unload)(void *image);
    void *arg;
    /** Name an address in it, for reports; NULL: it cannot. @return false: not in it */
    bool (*locate)(void *image, uintptr_t address, char name[APP_CRASH_NAME_MAX], uint32_t *offset);
} app_image_t;

#define APP_EVENT_POST      0x01u /**< post and schedule it, or ask somebody with it */
#define APP_EVENT_SUBSCRIBE 0x02u /**< subscribe to it, or serve requests of it */

/** Event names that an app may use beyond those that begin with its own name and a dot. */
typedef struct {
    uint8_t rights;      /**< APP_EVENT_* */
    const char *pattern; /**< a name, or the beginning of one and '*' */
} app_event_right_t;

typedef struct {
    const app_event_right_t *list;
    uint8_t count;
} app_event_rights_t;

/** What an app consists of. Lives as long as the app is registered, in flash as a rule. */
typedef struct {
    const char *name;        /**< 1..SYSTEM_NAME_MAX bytes of [A-Za-z0-9_.-]; no service has it */
    const char *version;     /**< e.g. "1.0.0"; NULL = "" */
    const char *author;      /**< NULL = "" */
    const char *description; /**< one line; NULL = "" */
    void (*entry_point)(app_context_t *ctx); /**< runs in the app's task; returning ends the app */
    uint32_t stack_size; /**< of the app's task in bytes, internal RAM, APP_STACK_SIZE_MIN.._MAX */
    uint8_t priority; /**< of the app's task and its handlers, 1..CONFIG_SYSTEM_WORKER_PRIORITY */

    uint32_t handler_stack_size;  /**< of its handlers' worker; 0 = CONFIG_SYSTEM_WORKER_STACK */
    uint32_t watchdog_timeout_ms; /**< longest time between two pause points, 10..3600000; 0 =
                                       CONFIG_SYSTEM_WATCHDOG_TIMEOUT_MS */
    bool restart_on_crash;        /**< start it again after a fault, at most
                                       CONFIG_SYSTEM_WATCHDOG_MAX_RESTARTS times in
                                       CONFIG_SYSTEM_RESTART_WINDOW_MS */
    const service_quota_t *quota; /**< NULL = the defaults of resource_quota.h */
    const app_image_t *image;     /**< NULL: its code is part of the firmware */
    const app_event_rights_t *event_rights; /**< NULL: any event; else what is beyond is refused
                                                  with ESP_ERR_APP_PERMISSION_DENIED */
} app_manifest_t;

#define APP_INFO_VERSION     16
#define APP_INFO_DESCRIPTION 64

/** A snapshot of one app; every field is always written. The texts are copies, cut to their fields:
 *  an app may be unregistered, and its manifest gone, as soon as the snapshot was made. */
typedef struct {
    char name[SYSTEM_NAME_MAX + 1];
    char version[APP_INFO_VERSION];
    char description[APP_INFO_DESCRIPTION];
    const app_manifest_t *manifest; /**< for who knows that it stays registered */
    app_state_t state;
    system_service_id_t id; /**< of the present life; SYSTEM_SERVICE_ID_NONE when there is none */
    uint32_t starts;        /**< lives begun since it was registered */
    uint32_t crashes;       /**< lives that ended with a fault */
    uint32_t forced_stops;  /**< lives that had to be ended by force */
    esp_err_t last_error;   /**< why it crashed last; ESP_OK = it never did */
    int64_t started_us;     /**< when the present or last life began; 0 = it never did */
    uint32_t stack_free_bytes; /**< least that was ever free of its stack in this life; 0 = none */
    bool starts_again;         /**< it crashed, and is about to be started again by itself */
} app_info_t;

/**
 * @brief Make an app known. It does not run yet.
 *
 * @context any task that is not an app's  @blocks app lock
 * @owns    *manifest and what it points to must live until app_manager_unregister()
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG            manifest is NULL
 *  - ESP_ERR_APP_MANIFEST_INVALID   no entry point, or a value out of its range
 *  - ESP_ERR_APP_ALREADY_REGISTERED an app has this name
 *  - ESP_ERR_APP_TABLE_FULL         CONFIG_SYSTEM_MAX_APPS are known
 *  - ESP_ERR_NOT_OWNER              called by an app
 *  - ESP_ERR_SYSTEM_NOT_INITIALIZED before system_service_init()
 */
esp_err_t app_manager_register(const app_manifest_t *manifest);

/**
 * @brief Forget an app that does not run.
 * @context any task that is not an app's  @blocks app lock
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_APP_NOT_FOUND; ESP_ERR_APP_IN_USE it runs;
 *         ESP_ERR_NOT_OWNER called by an app
 */
esp_err_t app_manager_unregister(const char *name);

/**
 * @brief Start an app. Returns when its task exists; follow the events app.started, app.stopped,
 *        app.crashed.
 *
 * @context any task that is not an app's  @blocks app lock, registry lock
 * @return ESP_OK, or
 *  - ESP_ERR_INVALID_ARG, ESP_ERR_APP_NOT_FOUND
 *  - ESP_ERR_APP_ALREADY_RUNNING        it runs, is paused, or is being started
 *  - ESP_ERR_APP_INVALID_TRANSITION     it is being stopped
 *  - ESP_ERR_SERVICE_ALREADY_REGISTERED a service has its name
 *  - ESP_ERR_SYSTEM_SAFE_MODE           safe mode is on
 *  - ESP_ERR_NO_MEM                     no memory for its stacks, no free worker or context
 *  - ESP_ERR_NOT_OWNER                  called by an app
 *  - what app_image_t.load() returned   its code could not be brought in
 */
esp_err_t app_manager_start(const char *name);

/**
 * @brief Stop an app: it is asked first, and ended by force after CONFIG_SYSTEM_STOP_GRACE_MS.
 *        Afterwards nothing of it is left but its registration. One that crashed and is about to be
 *        started again stays as it is.
 *
 * @context any task; of apps only its own
 * @blocks  until it is stopped, within the grace period and what force takes; called from the app's
 *          own code or from a handler it only asks, and returns at once
 * @return ESP_OK it stopped, or was asked to where the call may not wait; or
 *  - ESP_ERR_INVALID_ARG, ESP_ERR_APP_NOT_FOUND
 *  - ESP_ERR_APP_NOT_RUNNING  it does not run
 *  - ESP_ERR_APP_STOP_TIMEOUT it did not stop when asked: it was ended by force and is stopped now
 *  - ESP_ERR_TIMEOUT          it is not stopped yet; the app manager goes on trying
 *  - ESP_ERR_NOT_OWNER        called by another app
 */
esp_err_t app_manager_stop(const char *name);

/** @brief Stop an app if it runs, and start it. @context, @blocks as app_manager_stop()
 *  @return as app_manager_stop() but for ESP_ERR_APP_NOT_RUNNING and ESP_ERR_APP_STOP_TIMEOUT, or
 * as app_manager_start() */
esp_err_t app_manager_restart(const char *name);

/**
 * @brief Pause an app: it waits at its next pause point, and its events wait in its mailbox.
 * @context any task; of apps only its own  @blocks app lock
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_APP_NOT_FOUND; ESP_ERR_APP_NOT_RUNNING;
 *         ESP_ERR_APP_INVALID_TRANSITION it is paused already, or starts or stops just now;
 *         ESP_ERR_NOT_OWNER called by another app
 */
esp_err_t app_manager_pause(const char *name);

/** @brief Let a paused app go on. @context, @blocks as app_manager_pause()
 *  @return as app_manager_pause(); ESP_ERR_APP_NOT_PAUSED */
esp_err_t app_manager_resume(const char *name);

/** @brief Describe an app. @context any task  @blocks app lock
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_APP_NOT_FOUND */
esp_err_t app_manager_get_info(const char *name, app_info_t *out);

/**
 * @brief Describe all apps in the order of their registration places.
 * @context any task  @blocks app lock
 * @param[in,out] count in: room in out; out: how many there are, also when that is more
 * @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_INVALID_SIZE some did not fit
 */
esp_err_t app_manager_list(app_info_t *out, size_t *count);

/** @brief Tasks of apps that could not be ended safely and were set aside, and still exist.
 *  @context any task  @blocks never */
uint32_t app_manager_set_aside_count(void);

/** @brief The state's name, e.g. "RUNNING"; "?" for an unknown one. Never NULL. */
const char *app_state_name(app_state_t state);

/** @brief How the last life of an app that faulted did so: which fault, where. A fault is what the
 *  processor refuses, or abort(); an app that hangs or reports itself broken has none.
 *  @context any task  @blocks app lock
 *  @return ESP_OK; ESP_ERR_INVALID_ARG; ESP_ERR_APP_NOT_FOUND; ESP_ERR_NOT_FOUND it never did */
esp_err_t app_manager_get_crash(const char *name, app_crash_report_t *out);

/** @brief Put a crash report into words, without the app's name. @context any task  @blocks never
 *  @return the length it has, or would have with more room, as snprintf() */
int app_crash_describe(const app_crash_report_t *report, char *out, size_t size);

/** @brief What kind of fault, in words; "?" for another value. Never NULL. */
const char *app_crash_cause_name(app_crash_cause_t cause);

/**
 * @brief End the calling app as crashed, at once. For functions that apps are linked to, such as
 *        their abort(); anybody else's code aborts.
 * @context any; in an app's task or handler  @blocks does not return
 * @param what   name of it; lives for ever
 * @param where  address in the app's code
 */
void app_manager_abort(app_crash_cause_t cause, const char *what, const void *where)
    __attribute__((noreturn));

#ifdef __cplusplus
}
#endif
