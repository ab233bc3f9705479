/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an app calls. Each function finds out whose code is calling, refuses strangers, and passes
 * on to the call that services use.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "esp_log.h"
#include "esp_timer.h"

#include "app_lifecycle.h"
#include "app_rights.h"
#include "system_service/memory_utils.h"

#ifdef CONFIG_SYSTEM_APPS

/** Return from the calling function unless the context is the caller's own. */
#define OWN_LIFE(life, ctx, refusal)                                                               \
    app_life_t *life = app_context_check(ctx);                                                     \
    if (life == NULL) {                                                                            \
        return refusal;                                                                            \
    }

/** Return ESP_ERR_APP_PERMISSION_DENIED from the calling function unless the app may. */
#define MAY(check)                                                                                 \
    do {                                                                                           \
        const esp_err_t may = (check);                                                             \
        if (may != ESP_OK) {                                                                       \
            return may;                                                                            \
        }                                                                                          \
    } while (0)

/** What an app gives is touched before a lock is taken: see memory_touch(). More than an event can
 *  carry is refused without being looked at. */
static void touch_data(const void *data, size_t size)
{
    if (data != NULL && size <= MEMORY_POOL_MAX_BLOCK) {
        memory_touch(data, size, false);
    }
}

/** A name: as far as it can be one. */
static void touch_name(const char *name)
{
    const volatile char *at = name;
    for (size_t i = 0; at != NULL && i <= SYSTEM_NAME_MAX && at[i] != '\0'; i++) {
    }
}

/** Where a result goes; NULL is for the call to judge. */
static void touch_result(void *out, size_t size)
{
    if (out != NULL) {
        memory_touch(out, size, true);
    }
}

/* ---- pause points --------------------------------------------------------------------------- */

static uint32_t now_ms(void)
{
    return (uint32_t)(esp_timer_get_time() / 1000);
}

static bool in_own_task(const app_life_t *life)
{
    return system_identity() == life->identity;
}

static app_state_t state_of(const app_life_t *life)
{
    return (app_state_t)atomic_load(&life->state);
}

/** In the app's own task: a proof of life, and the place where it waits while it is paused. */
static app_state_t pause_point(app_life_t *life)
{
    if (!in_own_task(life)) {
        return state_of(life);
    }
    for (;;) {
        atomic_store(&life->alive_ms, now_ms());
        const app_state_t state = state_of(life);
        if (state != APP_STATE_PAUSED) {
            return state;
        }
        (void)xSemaphoreTake(life->wake, portMAX_DELAY);
    }
}

static app_state_t ctx_get_state(app_context_t *ctx)
{
    OWN_LIFE(life, ctx, APP_STATE_STOPPED);
    return pause_point(life);
}

static esp_err_t ctx_heartbeat(app_context_t *ctx)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    (void)system_service_heartbeat(life->id); /* its own code: not refused while it lives */
    (void)pause_point(life);
    return ESP_OK;
}

static bool ctx_should_stop(app_context_t *ctx)
{
    OWN_LIFE(life, ctx, true);
    return state_of(life) >= APP_STATE_STOPPING;
}

static bool ctx_sleep_ms(app_context_t *ctx, uint32_t ms)
{
    OWN_LIFE(life, ctx, false);
    if (!in_own_task(life)) { /* a handler: its wake-ups are not this semaphore's */
        vTaskDelay(pdMS_TO_TICKS(ms));
        return state_of(life) < APP_STATE_STOPPING;
    }
    const int64_t until = esp_timer_get_time() + (int64_t)ms * 1000;
    while (pause_point(life) < APP_STATE_STOPPING) {
        const int64_t left_ms = (until - esp_timer_get_time() + 999) / 1000;
        if (left_ms <= 0) {
            return true;
        }
        /* To sleep long is no sign of death: wake up in time to say so. */
        const uint32_t turn = life->watch_ms / 2;
        (void)xSemaphoreTake(life->wake, pdMS_TO_TICKS(left_ms < turn ? (uint32_t)left_ms : turn));
    }
    return false;
}

static esp_err_t ctx_set_state(app_context_t *ctx, app_state_t state)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    app_t *app = app_at(life->app);
    const app_state_t before = state_of(life);
    if (state == before) {
        return ESP_OK;
    }
    if (state == APP_STATE_PAUSED) {
        return app_manager_pause(app->manifest->name);
    }
    if (state == APP_STATE_RUNNING && before == APP_STATE_PAUSED) {
        /* "I run" does not undo the pause of an operator. */
        return atomic_load(&life->paused_itself) ? app_manager_resume(app->manifest->name) : ESP_OK;
    }
    if (state != APP_STATE_STOPPED && state != APP_STATE_CRASHED) {
        return ESP_ERR_APP_INVALID_TRANSITION;
    }
    app_lock();
    const esp_err_t ret = app_lifecycle_ask_stop_locked(
        app, state == APP_STATE_CRASHED ? ESP_ERR_SERVICE_CRASHED : ESP_OK);
    app_unlock();
    app_keeper_kick();
    return ret;
}

/* ---- events --------------------------------------------------------------------------------- */

static esp_err_t ctx_register_event(app_context_t *ctx, const char *name, system_event_type_t *out)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    touch_name(name);
    touch_result(out, sizeof(*out));
    MAY(app_rights_check(life, name, APP_EVENT_POST | APP_EVENT_SUBSCRIBE));
    return system_event_register_type(name, out);
}

static esp_err_t ctx_subscribe(app_context_t *ctx, system_event_type_t type,
                               system_event_handler_t handler, void *user_data)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    MAY(app_rights_check_type(life, type, APP_EVENT_SUBSCRIBE));
    return system_event_subscribe(life->id, type, handler, user_data);
}

static esp_err_t ctx_subscribe_pattern(app_context_t *ctx, const char *pattern,
                                       system_event_handler_t handler, void *user_data)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    touch_name(pattern);
    MAY(app_rights_check(life, pattern, APP_EVENT_SUBSCRIBE));
    return system_event_subscribe_pattern(life->id, pattern, handler, user_data, NULL, NULL);
}

static esp_err_t ctx_unsubscribe(app_context_t *ctx, system_event_type_t type,
                                 system_event_handler_t handler)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    return system_event_unsubscribe_type(life->id, type, handler);
}

static esp_err_t ctx_post_event(app_context_t *ctx, system_event_type_t type, const void *data,
                                size_t size, uint8_t priority)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    MAY(app_rights_check_type(life, type, APP_EVENT_POST));
    touch_data(data, size);
    return system_event_post(life->id, type, data, size, priority);
}

static esp_err_t ctx_post_after(app_context_t *ctx, system_event_type_t type, const void *data,
                                size_t size, uint8_t priority, uint32_t delay_ms,
                                system_event_timer_t *out)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    MAY(app_rights_check_type(life, type, APP_EVENT_POST));
    touch_data(data, size);
    touch_result(out, sizeof(*out));
    return system_event_post_after(life->id, type, data, size, priority, delay_ms, out);
}

static esp_err_t ctx_post_every(app_context_t *ctx, system_event_type_t type, const void *data,
                                size_t size, uint8_t priority, uint32_t period_ms,
                                system_event_timer_t *out)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    MAY(app_rights_check_type(life, type, APP_EVENT_POST));
    touch_data(data, size);
    touch_result(out, sizeof(*out));
    return system_event_post_every(life->id, type, data, size, priority, period_ms, out);
}

static esp_err_t ctx_cancel_timer(app_context_t *ctx, system_event_timer_t timer)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    return system_event_timer_cancel(life->id, timer);
}

/* ---- requests ------------------------------------------------------------------------------- */

static esp_err_t ctx_find(app_context_t *ctx, const char *name, system_service_id_t *out)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    touch_name(name);
    touch_result(out, sizeof(*out));
    return system_service_find(name, out);
}

static esp_err_t ctx_serve(app_context_t *ctx, system_event_type_t type,
                           system_request_handler_t handler, void *user_data)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    MAY(app_rights_check_type(life, type, APP_EVENT_SUBSCRIBE));
    return system_request_serve(life->id, type, handler, user_data);
}

static esp_err_t ctx_request(app_context_t *ctx, system_service_id_t target,
                             system_event_type_t type, const void *data, size_t size,
                             uint8_t priority, void *response, size_t *response_size,
                             uint32_t timeout_ms)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    MAY(app_rights_check_type(life, type, APP_EVENT_POST));
    touch_data(data, size);
    if (response != NULL && response_size != NULL) {
        touch_result(response, *response_size < MEMORY_POOL_MAX_BLOCK ? *response_size
                                                                      : MEMORY_POOL_MAX_BLOCK);
    }
    touch_result(response_size, sizeof(*response_size));
    return system_request_sync(life->id, target, type, data, size, priority, response,
                               response_size, timeout_ms);
}

static esp_err_t ctx_request_async(app_context_t *ctx, system_service_id_t target,
                                   system_event_type_t type, const void *data, size_t size,
                                   uint8_t priority, system_response_handler_t callback,
                                   void *user_data, uint32_t timeout_ms, system_request_id_t *out)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    MAY(app_rights_check_type(life, type, APP_EVENT_POST));
    touch_data(data, size);
    touch_result(out, sizeof(*out));
    return system_request_async(life->id, target, type, data, size, priority, callback, user_data,
                                timeout_ms, out);
}

static esp_err_t ctx_cancel_request(app_context_t *ctx, system_request_id_t request)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    return system_request_cancel(life->id, request);
}

static esp_err_t ctx_respond(app_context_t *ctx, system_request_id_t request, esp_err_t status,
                             const void *data, size_t size)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    touch_data(data, size);
    return system_request_respond(request, status, data, size);
}

/* ---- memory and log ------------------------------------------------------------------------- */

static void *ctx_alloc(app_context_t *ctx, size_t size)
{
    OWN_LIFE(life, ctx, NULL);
    return memory_alloc(size, MEMORY_PURPOSE_GENERAL);
}

static esp_err_t ctx_free(app_context_t *ctx, void *ptr)
{
    OWN_LIFE(life, ctx, ESP_ERR_APP_CONTEXT_INVALID);
    return memory_free(ptr);
}

static void ctx_log(app_context_t *ctx, esp_log_level_t level, const char *format, ...)
{
    char line[128];
    va_list args;
    const app_life_t *life = app_context_check(ctx);
    if (life == NULL) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    /* The name in the context may have been scribbled over. */
    ESP_LOG_LEVEL(level, app_at(life->app)->manifest->name, "%s", line);
}

void app_context_fill(app_life_t *life, const char *name, system_service_id_t id)
{
    life->id = id;
    life->api = (app_context_t){
        .name = name,
        .id = id,
        .set_state = ctx_set_state,
        .get_state = ctx_get_state,
        .heartbeat = ctx_heartbeat,
        .should_stop = ctx_should_stop,
        .sleep_ms = ctx_sleep_ms,
        .register_event = ctx_register_event,
        .subscribe = ctx_subscribe,
        .subscribe_pattern = ctx_subscribe_pattern,
        .unsubscribe = ctx_unsubscribe,
        .post_event = ctx_post_event,
        .post_after = ctx_post_after,
        .post_every = ctx_post_every,
        .cancel_timer = ctx_cancel_timer,
        .find = ctx_find,
        .serve = ctx_serve,
        .request = ctx_request,
        .request_async = ctx_request_async,
        .cancel_request = ctx_cancel_request,
        .respond = ctx_respond,
        .alloc = ctx_alloc,
        .free = ctx_free,
        .log = ctx_log,
    };
}

#endif
