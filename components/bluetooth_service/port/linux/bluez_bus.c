/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that has the bus. Two rings under one lock lie between it and the board: orders of the
 * service, and what it is told, which a task of ours takes out. Nothing of D-Bus runs under the
 * lock.
 */
#include "bluez.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "sdkconfig.h"

#include "esp_app_desc.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_control.h"

static const char *TAG = "bluetooth";

#define STACK    8192
#define PRIORITY 20
#define RING     64
#define FULL_MS  5 /* the service is behind: look again */

/* For the task of ours alone, beside what the service is told. */
enum {
    ASKED_VALUE = 0xf0, /* value, number */
    COMPLAINED,         /* data = text */
    BECAME_READY,       /* number = life */
};

typedef enum {
    OFF = 0,
    WANTED, /* the thread is at it */
    ABSENT, /* there is none */
    READY,  /* the next to open has it */
    IN_USE,
} phase_t;

/* s_lock: protects what follows. */
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static phase_t s_phase;
static uint32_t s_life; /* counts BLUEZ_RESET */
static bluetooth_address_t s_own;
static bluez_order_t s_orders[RING];
static unsigned s_order_first, s_order_count;
static bluetooth_radio_event_t s_events[RING];
static unsigned s_event_first, s_event_count;
static bool s_no_room; /* a notification found none in s_orders */

static int s_wake = -1; /* eventfd: there are orders */
static StaticTask_t s_task_storage;
static StackType_t s_stack[STACK];
static TaskHandle_t s_task;

/* The thread's alone. */
sd_bus *bluez_bus;
static bool s_lost; /* BlueZ has gone: noticed in the middle of something */
static char s_complaint[160];

/* ---- the thread tells ---------------------------------------------------------------------------
 */

static void on_interrupt(void *arg)
{
    (void)arg;
    BaseType_t woken = pdFALSE;
    vTaskNotifyGiveFromISR(s_task, &woken);
    portYIELD_FROM_ISR(woken);
}

/** Everything is to begin anew. s_lock held. */
static bool is_reset_due(void)
{
    return s_order_count != 0 && s_orders[s_order_first].kind == BLUEZ_RESET;
}

/** Waits for room: BlueZ then waits for us. Not when everything is to begin anew. */
static void put_event(const bluetooth_radio_event_t *event)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    pthread_mutex_lock(&s_lock);
    while (s_event_count == RING && !is_reset_due()) {
        pthread_mutex_unlock(&s_lock);
        (void)nanosleep(&pause, NULL);
        pthread_mutex_lock(&s_lock);
    }
    if (s_event_count < RING) {
        s_events[(s_event_first + s_event_count++) % RING] = *event;
    }
    pthread_mutex_unlock(&s_lock);
    if (host_is_running()) {
        (void)host_isr_raise(on_interrupt, NULL, 0);
    }
}

void bluez_tell(bluetooth_radio_event_t event, const void *data, size_t size)
{
    event.size = (uint16_t)(size < sizeof(event.data) ? size : sizeof(event.data));
    if (event.size != 0) {
        memcpy(event.data, data, event.size);
    }
    put_event(&event);
}

void bluez_ask_value(uint8_t value, uint32_t number)
{
    bluez_tell((bluetooth_radio_event_t){.kind = ASKED_VALUE, .value = value, .number = number},
               NULL, 0);
}

void bluez_complain(const char *what, const char *why)
{
    char text[sizeof(s_complaint)];
    (void)snprintf(text, sizeof(text), "%s: %s", what, why);
    if (strcmp(text, s_complaint) != 0) {
        memcpy(s_complaint, text, sizeof(text));
        bluez_tell((bluetooth_radio_event_t){.kind = COMPLAINED}, text, strlen(text) + 1);
    }
}

void bluez_lose(void)
{
    s_lost = true;
}

/** The radio works: the service may open it once it has taken what was told before. */
static void ready(const bluetooth_address_t *own, uint32_t life)
{
    s_complaint[0] = '\0';
    pthread_mutex_lock(&s_lock);
    s_own = *own;
    pthread_mutex_unlock(&s_lock);
    bluez_tell((bluetooth_radio_event_t){.kind = BECAME_READY, .number = life}, NULL, 0);
}

/* ---- the thread ---------------------------------------------------------------------------------
 */

static void end_all(void)
{
    if (bluez_bus == NULL) {
        return;
    }
    bluez_peers_end();
    bluez_gatts_end();
    bluez_agent_end();
    bluez_gap_end();
    bluez_bus = sd_bus_flush_close_unref(bluez_bus);
    s_lost = false;
}

static bool begin_all(bluetooth_address_t *own)
{
    const int rc = sd_bus_open_system(&bluez_bus); /* DBUS_SYSTEM_BUS_ADDRESS says where else */
    if (rc < 0) {
        bluez_bus = NULL;
        bluez_complain("no D-Bus, so no radio (apt-get install dbus, and start it)", strerror(-rc));
        return false;
    }
    return bluez_peers_begin() && bluez_gap_begin(own) && bluez_agent_begin() &&
           bluez_gatts_begin();
}

static void set_phase(phase_t from, phase_t to)
{
    pthread_mutex_lock(&s_lock);
    s_phase = s_phase == from ? to : s_phase;
    pthread_mutex_unlock(&s_lock);
}

/** What is left of an earlier life, but for what people should know. */
static void drop_events(void)
{
    unsigned kept = 0;
    pthread_mutex_lock(&s_lock);
    for (unsigned i = 0; i < s_event_count; i++) {
        const bluetooth_radio_event_t *event = &s_events[(s_event_first + i) % RING];
        if (event->kind == COMPLAINED) {
            s_events[(s_event_first + kept++) % RING] = *event;
        }
    }
    s_event_count = kept;
    pthread_mutex_unlock(&s_lock);
}

static void reset(bool on, uint32_t life)
{
    end_all();
    drop_events();
    bluetooth_address_t own;
    if (on && begin_all(&own)) {
        ready(&own, life);
    } else if (on) {
        end_all();
        set_phase(WANTED, ABSENT);
    }
}

static void lose(void)
{
    end_all();
    pthread_mutex_lock(&s_lock);
    s_phase = is_reset_due() ? s_phase : OFF; /* nor may one that is not open yet be opened */
    pthread_mutex_unlock(&s_lock);
    bluez_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_RESET}, NULL, 0);
}

static void execute(const bluez_order_t *order)
{
    if (order->kind == BLUEZ_RESET) {
        reset(order->on, order->number);
        return;
    }
    if (bluez_bus == NULL) {
        return;
    }
    switch (order->kind) {
    case BLUEZ_ADVERTISE:
        bluez_advertise(order);
        break;
    case BLUEZ_SCAN:
        bluez_scan(order->on);
        break;
    case BLUEZ_CONNECT:
        bluez_connect(order);
        break;
    case BLUEZ_DISCONNECT:
        bluez_disconnect(order->link);
        break;
    case BLUEZ_PAIR:
        bluez_pair(order->link);
        break;
    case BLUEZ_FORGET:
        bluez_forget();
        break;
    case BLUEZ_PASSKEY:
        bluez_passkey(order->link, order->number);
        break;
    case BLUEZ_NOTIFY:
        bluez_notify(order);
        break;
    case BLUEZ_ANSWER:
        bluez_answer(order);
        break;
    case BLUEZ_DISCOVER:
        bluez_discover(order->link);
        break;
    case BLUEZ_READ:
        bluez_read(order);
        break;
    case BLUEZ_WRITE:
        bluez_write(order);
        break;
    case BLUEZ_SUBSCRIBE:
        bluez_subscribe(order);
        break;
    default:
        break;
    }
}

static bool take_order(bluez_order_t *order)
{
    pthread_mutex_lock(&s_lock);
    const bool is_one = s_order_count != 0;
    if (is_one) {
        *order = s_orders[s_order_first];
        explicit_bzero(&s_orders[s_order_first], sizeof(*order));
        s_order_first = (s_order_first + 1) % RING;
        s_order_count--;
    }
    const bool room = s_no_room && s_order_count == 0;
    s_no_room = s_no_room && !room;
    pthread_mutex_unlock(&s_lock);
    for (uint8_t link = 0; room && link < BLUETOOTH_LINKS; link++) {
        bluez_tell((bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_ROOM, .link = link}, NULL, 0);
    }
    return is_one;
}

/** Until there is an order, or something on the bus, or due there. */
static void wait_for_more(void)
{
    struct pollfd fds[2] = {{.fd = s_wake, .events = POLLIN}, {.fd = -1}};
    uint64_t due = UINT64_MAX;
    uint64_t count;
    int ms = -1;
    if (bluez_bus != NULL) {
        struct timespec now;
        fds[1].fd = sd_bus_get_fd(bluez_bus);
        fds[1].events = (short)sd_bus_get_events(bluez_bus);
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        const uint64_t now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
        if (sd_bus_get_timeout(bluez_bus, &due) >= 0 && due != UINT64_MAX) {
            ms = due <= now_us ? 0 : (int)((due - now_us + 999) / 1000 % INT32_MAX);
        }
    }
    (void)poll(fds, 2, ms);
    if (read(s_wake, &count, sizeof(count)) < 0 && errno != EAGAIN) {
        s_wake = -1; /* not one that can be waited for: the bus alone */
    }
}

static void *thread_main(void *arg)
{
    static bluez_order_t s_order;
    (void)arg;
    for (;;) {
        while (take_order(&s_order)) {
            execute(&s_order);
        }
        const int rc = bluez_bus != NULL ? sd_bus_process(bluez_bus, NULL) : 0;
        if (rc < 0 || s_lost) {
            lose();
        } else if (rc == 0) {
            wait_for_more();
        }
    }
    return NULL;
}

/* ---- the task that passes on --------------------------------------------------------------------
 */

static bool take_event(bluetooth_radio_event_t *event)
{
    pthread_mutex_lock(&s_lock);
    const bool is_one = s_event_count != 0;
    if (is_one) {
        *event = s_events[s_event_first];
        s_event_first = (s_event_first + 1) % RING;
        s_event_count--;
    }
    pthread_mutex_unlock(&s_lock);
    return is_one;
}

static void answer_value(const bluetooth_radio_event_t *event)
{
    uint8_t data[BLUETOOTH_VALUE];
    const size_t size = bluetooth_value_get(event->value, data, sizeof(data));
    const bluez_order_t answer = {.kind = BLUEZ_ANSWER, .number = event->number};
    while (!bluez_order(&answer, data, size)) {
        vTaskDelay(pdMS_TO_TICKS(FULL_MS));
    }
}

static void put_in_inbox(const bluetooth_radio_event_t *event)
{
    while (bluetooth_inbox_room() == 0) {
        vTaskDelay(pdMS_TO_TICKS(FULL_MS));
    }
    (void)bluetooth_inbox_put(event, event->data, event->size);
}

static bool is_alive(uint32_t life, bool now_ready)
{
    pthread_mutex_lock(&s_lock);
    const bool alive = s_life == life && s_phase == WANTED;
    s_phase = alive && now_ready ? READY : s_phase;
    pthread_mutex_unlock(&s_lock);
    return alive;
}

/**
 * Whatever was told of an earlier life ends with BLUETOOTH_RADIO_RESET. Not before the service has
 * taken that may it open the radio, or it would take it for the end of the new one.
 */
static void begin_life(uint32_t life)
{
    put_in_inbox(&(bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_RESET});
    while (bluetooth_inbox_room() < CONFIG_BLUETOOTH_INBOX && is_alive(life, false)) {
        vTaskDelay(pdMS_TO_TICKS(FULL_MS));
    }
    if (is_alive(life, true)) { /* and something of no meaning, that it looks */
        put_in_inbox(
            &(bluetooth_radio_event_t){.kind = BLUETOOTH_RADIO_ROOM, .link = BLUETOOTH_NO_LINK});
    }
}

static void pass_on(const bluetooth_radio_event_t *event)
{
    if (event->kind == ASKED_VALUE) {
        answer_value(event);
    } else if (event->kind == COMPLAINED) {
        ESP_LOGW(TAG, "%s", (const char *)event->data);
    } else if (event->kind == BECAME_READY) {
        begin_life(event->number);
    } else {
        put_in_inbox(event);
    }
}

static void pump_task(void *arg)
{
    static bluetooth_radio_event_t s_event;
    (void)arg;
    (void)esp_app_get_description(); /* once, and slow on a PC: nobody is to wait for it later */
    for (;;) {
        while (take_event(&s_event)) {
            pass_on(&s_event);
            explicit_bzero(s_event.data, s_event.size);
        }
        (void)ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
    }
}

/* ---- for the service ----------------------------------------------------------------------------
 */

bool bluez_order(const bluez_order_t *order, const void *data, size_t size)
{
    pthread_mutex_lock(&s_lock);
    if (order->kind == BLUEZ_RESET) {
        s_order_count = 0; /* whatever was wanted before */
        s_no_room = false;
    }
    const bool room = s_order_count < RING && size <= sizeof(order->data);
    if (room) {
        bluez_order_t *slot = &s_orders[(s_order_first + s_order_count++) % RING];
        *slot = *order;
        slot->size = (uint16_t)size;
        if (order->kind == BLUEZ_RESET) {
            slot->number = ++s_life;
        }
        if (size != 0) {
            memcpy(slot->data, data, size);
        }
    }
    s_no_room = s_no_room || (!room && order->kind == BLUEZ_NOTIFY);
    pthread_mutex_unlock(&s_lock);
    const uint64_t one = 1;
    return write(s_wake, &one, sizeof(one)) == sizeof(one) && room;
}

static bool start(void)
{
    pthread_t thread;
    if (s_wake < 0) {
        s_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    if (s_task == NULL) {
        s_task = xTaskCreateStatic(pump_task, "ble_bluez", STACK, NULL, PRIORITY, s_stack,
                                   &s_task_storage);
    }
    static bool s_runs;
    if (s_wake >= 0 && s_task != NULL && !s_runs &&
        pthread_create(&thread, NULL, thread_main, NULL) == 0) {
        (void)pthread_detach(thread);
        s_runs = true;
    }
    return s_runs;
}

esp_err_t bluez_open(bluetooth_address_t *own)
{
    static const bluez_order_t s_begin = {.kind = BLUEZ_RESET, .on = true};
    if (!start()) {
        return ESP_ERR_NO_MEM;
    }
    pthread_mutex_lock(&s_lock);
    const phase_t phase = s_phase;
    s_phase = phase == READY ? IN_USE : WANTED;
    if (phase == READY) {
        *own = s_own;
    }
    pthread_mutex_unlock(&s_lock);
    if (phase == READY) {
        return ESP_OK;
    }
    if (phase != WANTED) {
        (void)bluez_order(&s_begin, NULL, 0);
    }
    return phase == ABSENT ? ESP_ERR_NOT_FOUND : ESP_ERR_NOT_FINISHED;
}

void bluez_close(void)
{
    static const bluez_order_t s_end = {.kind = BLUEZ_RESET, .on = false};
    pthread_mutex_lock(&s_lock);
    const bool began = s_phase != OFF;
    s_phase = OFF;
    pthread_mutex_unlock(&s_lock);
    if (began) {
        (void)bluez_order(&s_end, NULL, 0);
    }
}
