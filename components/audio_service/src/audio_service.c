/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service: what wakes it, and what it tells. It has a worker of its own, since mixing must not
 * wait for anybody. Everything below runs in that worker; the lifecycle functions run when it does
 * not. While nothing sounds the device is off and no timer runs.
 */
#include "audio_service/audio_service.h"

#include <math.h>
#include <string.h>

#include "sdkconfig.h"

#include "audio_internal.h"
#include "esp_check.h"
#include "esp_timer.h"
#include "system_service/common_events.h"
#include "system_service/event_bus.h"
#include "system_service/event_timer.h"

static const char *TAG = "audio";

#define HEADER(type) STATUS_HEADER(type, AUDIO_EVENTS_VERSION)
#define SETTINGS     (AUDIO_SET_VOLUME | AUDIO_SET_MUTED)

static system_service_id_t s_id;
static system_event_type_t s_work;
static system_event_type_t s_state;
static system_event_type_t s_level;
static system_event_type_t s_stream;
static system_event_timer_t s_timer; /* 0 = asleep */
static int64_t s_heard_us;           /* when something last sounded */
static int64_t s_measured_us;
static audio_state_t s_told;

/* What people set; survives a restart of the service. */
static struct {
    uint8_t volume;
    bool muted;
} s_settings = {.volume = CONFIG_AUDIO_VOLUME};

/* ---- what it tells -----------------------------------------------------------------------------
 */

static void tell(system_event_type_t type, const void *data, size_t size)
{
    const esp_err_t ret = system_event_post(s_id, type, data, size, SYSTEM_EVENT_PRIORITY_NORMAL);
    if (ret != ESP_OK && ret != ESP_ERR_EVENT_QUEUE_FULL) {
        ESP_LOGW(TAG, "not told: %s", system_error_to_string(ret));
        if (type == s_state) {
            audio_service_announce();
        }
    }
}

void audio_service_announce(void)
{
    memset(&s_told, 0, sizeof(s_told)); /* differs from everything */
}

void audio_service_tell(const audio_stream_event_t *event)
{
    tell(s_stream, event, sizeof(*event));
}

static void describe(audio_state_t *state)
{
    memset(state, 0, sizeof(*state)); /* it is compared, its holes too */
    state->header = (status_header_t)HEADER(audio_state_t);
    state->volume = s_settings.volume;
    state->muted = s_settings.muted;
    audio_device_describe(state);
    audio_streams_describe(state);
}

/** Post what changed. */
static void settle(void)
{
    audio_state_t state;
    describe(&state);
    if (memcmp(&state, &s_told, sizeof(state)) != 0) {
        s_told = state;
        tell(s_state, &state, sizeof(state));
    }
}

static uint16_t rms(uint64_t squares, uint32_t frames)
{
    return frames != 0 ? (uint16_t)lroundf(sqrtf((float)squares / (float)frames)) : 0;
}

static void tell_level(void)
{
    audio_meter_t *meter = audio_mixer_meter();
    const audio_level_t level = {
        .header = HEADER(audio_level_t),
        .peak_left = meter->peak[0],
        .peak_right = meter->peak[1],
        .rms_left = rms(meter->squares[0], meter->frames),
        .rms_right = rms(meter->squares[1], meter->frames),
    };
    *meter = (audio_meter_t){.clipped = meter->clipped};
    tell(s_level, &level, sizeof(level));
}

/* ---- awake and asleep --------------------------------------------------------------------------
 */

void audio_service_wake(void)
{
    s_heard_us = esp_timer_get_time();
    if (s_timer != 0) {
        return;
    }
    atomic_store(&audio_ring_asleep, false);
    const esp_err_t ret = system_event_post_every(s_id, s_work, NULL, 0, SYSTEM_EVENT_PRIORITY_HIGH,
                                                  CONFIG_AUDIO_PERIOD_MS, &s_timer);
    if (ret != ESP_OK) { /* the next look tries again */
        ESP_LOGW(TAG, "nothing is heard yet: %s", system_error_to_string(ret));
        s_timer = 0;
        return;
    }
    s_measured_us = s_heard_us;
    audio_device_run(true);
}

/** Sleep, unless somebody wrote meanwhile: a writer looks at audio_ring_asleep after it wrote. */
static void sleep_now(void)
{
    atomic_store(&audio_ring_asleep, true);
    if (!audio_streams_silent()) {
        atomic_store(&audio_ring_asleep, false);
        audio_service_wake();
        return;
    }
    if (s_timer != 0) {
        (void)system_event_timer_cancel(s_id, s_timer);
        s_timer = 0;
        audio_device_run(false);
        *audio_mixer_meter() = (audio_meter_t){.clipped = audio_mixer_meter()->clipped};
        tell_level();
    }
}

static void on_work(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    if (s_timer == 0) { /* on its way when it fell asleep */
        return;
    }
    const int64_t now_us = esp_timer_get_time();
    if (!audio_streams_silent()) {
        s_heard_us = now_us;
    }
    audio_device_feed(audio_streams_mix);
    audio_streams_tend();
    if (now_us - s_measured_us >= CONFIG_AUDIO_LEVEL_MS * 1000LL) {
        s_measured_us = now_us;
        tell_level();
    }
    if (now_us - s_heard_us >= CONFIG_AUDIO_IDLE_MS * 1000LL) {
        sleep_now();
    }
    settle();
}

static void on_wake(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    if (s_timer == 0) {
        sleep_now();
    }
    settle();
}

static void on_look(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    audio_device_look();
    audio_streams_forget_the_dead(); /* should an event have been lost */
    if (s_timer == 0) {
        sleep_now();
    }
    settle();
}

/* ---- what it is asked --------------------------------------------------------------------------
 */

static void on_tone(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const audio_tone_t *tone = event->data;
    if (!status_event_fits(tone, event->data_size, AUDIO_EVENTS_VERSION, sizeof(*tone)) ||
        !audio_tone_play(tone)) {
        ESP_LOGW(TAG, "a tone with values out of their range is left out");
        return;
    }
    audio_service_wake();
}

static void on_app(const system_event_t *event, void *user_data)
{
    (void)user_data;
    const service_event_t *app = event->data;
    if (event->data_size < sizeof(*app)) {
        return;
    }
    if (event->type == SYSTEM_EVENT_APP_PAUSED || event->type == SYSTEM_EVENT_APP_RESUMED) {
        audio_streams_app_held(app->id, event->type == SYSTEM_EVENT_APP_PAUSED);
        if (s_timer == 0) {
            sleep_now();
        }
    } else {
        audio_streams_app_ended(app->id);
    }
    settle();
}

void audio_service_answer(const system_request_t *request, esp_err_t status, const void *data,
                          size_t size)
{
    const esp_err_t ret = system_request_respond(request->id, status, data, size);
    if (ret != ESP_OK && ret != ESP_ERR_REQUEST_NOT_FOUND) {
        ESP_LOGW(TAG, "an answer is lost: %s", system_error_to_string(ret));
    }
    settle();
}

static void apply_volume(uint32_t fade_ms)
{
    audio_mixer_set_master(s_settings.muted ? 0 : s_settings.volume, fade_ms);
}

static esp_err_t set(const audio_set_t *wish)
{
    if ((wish->what & ~SETTINGS) != 0 || wish->fade_ms > AUDIO_FADE_MS_MAX ||
        ((wish->what & AUDIO_SET_VOLUME) != 0 && wish->volume > 100)) {
        return ESP_ERR_INVALID_ARG;
    }
    if ((wish->what & AUDIO_SET_VOLUME) != 0) {
        s_settings.volume = wish->volume;
    }
    if ((wish->what & AUDIO_SET_MUTED) != 0) {
        s_settings.muted = wish->muted;
    }
    apply_volume(wish->fade_ms);
    return ESP_OK;
}

static void on_set(const system_request_t *request, void *user_data)
{
    (void)user_data;
    esp_err_t ret = ESP_ERR_INVALID_ARG;
    if (status_event_fits(request->data, request->data_size, AUDIO_EVENTS_VERSION,
                          sizeof(audio_set_t))) {
        ret = set(request->data);
    }
    audio_service_answer(request, ret, NULL, 0);
}

static void on_get(const system_request_t *request, void *user_data)
{
    (void)user_data;
    audio_info_t info = {.header = HEADER(audio_info_t)};
    describe(&info.state);
    info.underruns = audio_streams_underruns();
    info.clipped = audio_mixer_meter()->clipped;
    audio_device_count(&info);
    audio_service_answer(request, ESP_OK, &info, sizeof(info));
}

static void on_fault(const system_request_t *request, void *user_data)
{
    (void)user_data;
    const audio_fault_request_t *wish = request->data;
    esp_err_t ret = ESP_ERR_INVALID_ARG;
    if (request->from != SYSTEM_SERVICE_ID_NONE) {
        ret = ESP_ERR_NOT_OWNER;
    } else if (status_event_fits(wish, request->data_size, AUDIO_EVENTS_VERSION, sizeof(*wish))) {
        ret = audio_link_inject((audio_fault_t)wish->fault);
    }
    audio_service_answer(request, ret, NULL, 0);
}

/* ---- lifecycle ---------------------------------------------------------------------------------
 */

void audio_service_rate_changed(uint32_t rate)
{
    audio_mixer_begin(rate);
    audio_streams_set_rate(rate);
    apply_volume(0);
}

static esp_err_t serve_all(system_service_id_t id)
{
    static const struct {
        const char *name;
        system_request_handler_t handler;
    } served[] = {
        {AUDIO_SET_REQUEST, on_set},
        {AUDIO_GET_REQUEST, on_get},
        {AUDIO_FAULT_REQUEST, on_fault},
        {AUDIO_OPEN_REQUEST, audio_streams_on_open},
        {AUDIO_CONTROL_REQUEST, audio_streams_on_control},
    };
    system_event_type_t type;
    for (size_t i = 0; i < sizeof(served) / sizeof(served[0]); i++) {
        ESP_RETURN_ON_ERROR(system_event_register_type(served[i].name, &type), TAG, "type");
        ESP_RETURN_ON_ERROR(system_request_serve(id, type, served[i].handler, NULL), TAG, "serve");
    }
    return ESP_OK;
}

static esp_err_t register_types(void)
{
    ESP_RETURN_ON_ERROR(system_event_register_type("audio.work", &s_work), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(AUDIO_STATE_EVENT, &s_state), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(AUDIO_LEVEL_EVENT, &s_level), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(AUDIO_STREAM_EVENT, &s_stream), TAG, "type");
    return system_event_set_retained(s_state, true);
}

static esp_err_t subscribe_all(system_service_id_t id)
{
    /* Work that could not be done in time is done once. */
    static const system_subscription_config_t latest = {.overflow = SYSTEM_OVERFLOW_KEEP_LATEST};
    system_event_type_t look, tone, wake;
    ESP_RETURN_ON_ERROR(system_event_register_type("audio.look", &look), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(AUDIO_TONE_EVENT, &tone), TAG, "type");
    ESP_RETURN_ON_ERROR(system_event_register_type(AUDIO_WAKE_EVENT, &wake), TAG, "type");
    const struct {
        system_event_type_t type;
        system_event_handler_t handler;
        const system_subscription_config_t *config;
    } wanted[] = {
        {s_work, on_work, &latest},
        {wake, on_wake, &latest},
        {look, on_look, &latest},
        {tone, on_tone, NULL},
        {SYSTEM_EVENT_APP_STOPPED, on_app, NULL},
        {SYSTEM_EVENT_APP_CRASHED, on_app, NULL},
        {SYSTEM_EVENT_APP_PAUSED, on_app, NULL},
        {SYSTEM_EVENT_APP_RESUMED, on_app, NULL},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        ESP_RETURN_ON_ERROR(system_event_subscribe_ex(id, wanted[i].type, wanted[i].handler, NULL,
                                                      wanted[i].config, NULL),
                            TAG, "subscribe");
    }
    return system_event_post_every(id, look, NULL, 0, SYSTEM_EVENT_PRIORITY_NORMAL,
                                   CONFIG_AUDIO_PROBE_MS, NULL);
}

static esp_err_t audio_start(system_service_id_t id, void *arg)
{
    (void)arg;
    s_id = id;
    s_timer = 0; /* the last life's went with it */
    audio_service_announce();
    ESP_RETURN_ON_ERROR(register_types(), TAG, "types");
    audio_service_rate_changed(audio_device_rate());
    audio_device_begin();
    audio_streams_begin(audio_device_rate());
    ESP_RETURN_ON_ERROR(serve_all(id), TAG, "requests");
    ESP_RETURN_ON_ERROR(subscribe_all(id), TAG, "events");
    sleep_now(); /* unless streams of the last life have something to play */
    settle();
    return ESP_OK;
}

static esp_err_t audio_stop(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    audio_device_end();
    return ESP_OK;
}

/* A block takes a fraction of a millisecond to mix; a transfer that takes a second is stuck. */
static const service_watchdog_config_t s_watchdog = {.timeout_ms = 1000, .auto_restart = true};

/* Work, level and stream events of its own; answers count as well. */
static const service_quota_t s_quota = {
    .max_events_per_sec = 1000,
    .max_subscriptions = 24,
    .max_event_data_size = 256,
    .max_memory_bytes = 2 * 1024 * 1024,
    .max_cpu_percent = 60,
};

const system_service_descriptor_t audio_service = {
    .name = AUDIO_SERVICE_NAME,
    .lifecycle = {.start = audio_start, .stop = audio_stop},
    .watchdog = &s_watchdog,
    .quota = &s_quota,
    .own_worker = true,
};
