// SPDX-License-Identifier: Apache-2.0

// The task watchdog. Its clock runs anew whenever everybody subscribed has reported since the last
// time; when it runs out, those who have not are named from an interrupt.
//
// The device watches its idle tasks by a hook in them. The board asks the scheduler when a core
// last had nothing to do, and only when the clock runs out: a core that stays busy is found after
// one to two periods instead of one.

#include "esp_task_wdt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "esp_rom_sys.h"
#include "host_control.h"
#include "host_heap.h"
#include "host_services.h"
#include "host_system.h"
#include "sched.h"

#define NAME_MAX_LEN 32
#define CORES_MAX    2
#define TEXT_MAX     256
#define RUNNER_STACK 4096

typedef struct esp_task_wdt_user_handle_s {
    struct esp_task_wdt_user_handle_s *next;
    TaskHandle_t task; // NULL for a user
    char name[NAME_MAX_LEN];
    bool reported;
} entry_t;

// The kernel lock protects all below.
static bool s_running;
static esp_task_wdt_config_t s_config;
static entry_t *s_entries;
static uint64_t s_fed_us;
static tcb_t *s_runner; // plays the timer interrupt; sleeps until the period is over

static uint64_t deadline_locked(void)
{
    bool idle_only = s_entries == NULL && host_sched() == HOST_SCHED_SIM;
    return !s_running || idle_only ? K_FOREVER : s_fed_us + (uint64_t)s_config.timeout_ms * 1000u;
}

// The deadline may have come nearer: let the runner look again.
static void hurry_locked(void)
{
    if (s_runner != NULL && s_runner->state == K_BLOCKED) {
        k_unblock(s_runner, K_WOKEN);
    }
}

static void feed_locked(void)
{
    for (entry_t *e = s_entries; e != NULL; e = e->next) {
        e->reported = false;
    }
    s_fed_us = host_now_us(); // the deadline moves away: the runner finds out when it wakes
}

static bool watches_idle_locked(void)
{
    return (s_config.idle_core_mask & ((1u << CORES_MAX) - 1)) != 0;
}

static bool idle_reported_locked(int core)
{
    return (s_config.idle_core_mask & (1u << core)) == 0 || host_core_last_idle_us(core) > s_fed_us;
}

static bool all_tasks_reported_locked(void)
{
    for (const entry_t *e = s_entries; e != NULL; e = e->next) {
        if (!e->reported) {
            return false;
        }
    }
    return true;
}

static bool all_reported_locked(void)
{
    for (int core = 0; core < CORES_MAX; core++) {
        if (!idle_reported_locked(core)) {
            return false;
        }
    }
    return all_tasks_reported_locked();
}

// Called after every change; with idle tasks watched, the end of the period decides.
static void feed_if_complete_locked(void)
{
    if (!watches_idle_locked() && all_tasks_reported_locked()) {
        feed_locked();
    }
}

static void append(char *text, size_t room, const char *name)
{
    size_t used = strlen(text);
    snprintf(text + used, room - used, "%s%s", used > 0 ? ", " : "", name);
}

// @return cores whose idle task is missing, as a mask
static int missing_locked(char *text, size_t room)
{
    int cores = 0;
    text[0] = '\0';
    for (const entry_t *e = s_entries; e != NULL; e = e->next) {
        if (!e->reported) {
            append(text, room, e->name);
        }
    }
    for (int core = 0; core < CORES_MAX; core++) {
        if (!idle_reported_locked(core)) {
            append(text, room, core == 0 ? "IDLE0 (CPU 0)" : "IDLE1 (CPU 1)");
            cores |= 1 << core;
        }
    }
    return cores;
}

// Runs as an interrupt, without the lock.
static void bark(const char *names, bool panic)
{
    esp_rom_printf("E (%" PRIu64 ") task_wdt: Task watchdog got triggered. The following "
                   "tasks/users did not reset the watchdog in time: %s\n",
                   host_now_us() / 1000u, names);
    if (esp_task_wdt_isr_user_handler != NULL) {
        esp_task_wdt_isr_user_handler();
    }
    if (panic) {
        host_panic_as(ESP_RST_TASK_WDT, "Task watchdog: %s", names);
    }
}

// @return true if somebody is missing, with the names
static bool period_is_over_locked(char *names, size_t room)
{
    bool nobody = s_entries == NULL && !watches_idle_locked();
    if (nobody || all_reported_locked()) {
        feed_locked();
        return false;
    }
    (void)missing_locked(names, room);
    s_fed_us = host_now_us(); // the hardware starts over; who is missing stays missing
    return true;
}

static void runner_main(void *arg)
{
    char names[TEXT_MAX];
    (void)arg;
    for (;;) {
        k_lock();
        while (host_now_us() < deadline_locked()) {
            (void)k_block(NULL, deadline_locked(), "the task watchdog's period", 0);
        }
        bool missing = period_is_over_locked(names, sizeof(names));
        bool panic = s_config.trigger_panic;
        k_unlock();
        if (missing) {
            bark(names, panic);
        }
    }
}

static bool start_runner(void)
{
    if (s_runner == NULL) {
        const k_task_spec_t spec = {
            .fn = runner_main,
            .name = "task_wdt",
            .stack = RUNNER_STACK,
            .prio = K_ISR_PRIO,
            .core = 0,
            .is_isr = true,
            .is_daemon = true,
        };
        s_runner = k_task_create(&spec);
    }
    return s_runner != NULL;
}

esp_err_t esp_task_wdt_init(const esp_task_wdt_config_t *config)
{
    if (config == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (!start_runner()) {
        return ESP_ERR_NO_MEM;
    }
    k_lock();
    bool running = s_running;
    if (!running) {
        s_config = *config;
        s_fed_us = host_now_us();
        s_running = true;
        hurry_locked();
    }
    k_unlock();
    return running ? ESP_ERR_INVALID_STATE : ESP_OK;
}

esp_err_t esp_task_wdt_reconfigure(const esp_task_wdt_config_t *config)
{
    if (config == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    k_lock();
    bool running = s_running;
    if (running) {
        s_config = *config;
        feed_locked();
        hurry_locked();
    }
    k_unlock();
    return running ? ESP_OK : ESP_ERR_INVALID_STATE;
}

esp_err_t esp_task_wdt_deinit(void)
{
    k_lock();
    esp_err_t err = s_running && s_entries == NULL ? ESP_OK : ESP_ERR_INVALID_STATE;
    if (err == ESP_OK) {
        s_running = false;
    }
    k_unlock();
    return err;
}

void host_wdt_init(void)
{
#if defined(CONFIG_ESP_TASK_WDT_INIT) && CONFIG_ESP_TASK_WDT_INIT
    esp_task_wdt_config_t config = {.timeout_ms = CONFIG_ESP_TASK_WDT_TIMEOUT_S * 1000u};
#ifdef CONFIG_ESP_TASK_WDT_CHECK_IDLE_TASK_CPU0
    config.idle_core_mask |= 1u << 0;
#endif
#ifdef CONFIG_ESP_TASK_WDT_CHECK_IDLE_TASK_CPU1
    config.idle_core_mask |= host_config()->cores > 1 ? 1u << 1 : 0u;
#endif
#ifdef CONFIG_ESP_TASK_WDT_PANIC
    config.trigger_panic = true;
#endif
    if (esp_task_wdt_init(&config) != ESP_OK) {
        host_panic("the task watchdog cannot be started");
    }
#endif
}

void host_wdt_reset(void)
{
    while (s_entries != NULL) { // before the board's first task: no lock is needed, or there
        entry_t *e = s_entries;
        s_entries = e->next;
        host_libc_free(e);
    }
    s_running = false;
    s_runner = NULL;
}

static entry_t **find_task_locked(TaskHandle_t task)
{
    entry_t **link = &s_entries;
    while (*link != NULL && (*link)->task != task) {
        link = &(*link)->next;
    }
    return link;
}

static entry_t **find_user_locked(esp_task_wdt_user_handle_t user)
{
    entry_t **link = &s_entries;
    while (*link != NULL && (*link != user || (*link)->task != NULL)) {
        link = &(*link)->next;
    }
    return link;
}

static esp_err_t add_locked(TaskHandle_t task, const char *name, entry_t **out)
{
    if (!s_running) {
        return ESP_ERR_INVALID_STATE;
    }
    if (task != NULL && *find_task_locked(task) != NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    entry_t *e = host_libc_calloc(1, sizeof(*e));
    if (e == NULL) {
        return ESP_ERR_NO_MEM;
    }
    e->task = task;
    snprintf(e->name, sizeof(e->name), "%s", name);
    e->reported = true; // it has only just come
    if (s_entries == NULL) {
        s_fed_us = host_now_us(); // nobody has been waiting for an answer until now
    }
    e->next = s_entries;
    s_entries = e;
    hurry_locked();
    if (out != NULL) {
        *out = e;
    }
    feed_if_complete_locked();
    return ESP_OK;
}

esp_err_t esp_task_wdt_add(TaskHandle_t task_handle)
{
    TaskHandle_t task = task_handle != NULL ? task_handle : xTaskGetCurrentTaskHandle();
    const char *name = pcTaskGetName(task);
    k_lock();
    esp_err_t err = add_locked(task, name, NULL);
    k_unlock();
    return err;
}

esp_err_t esp_task_wdt_add_user(const char *user_name, esp_task_wdt_user_handle_t *user_handle_ret)
{
    if (user_name == NULL || user_handle_ret == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    k_lock();
    esp_err_t err = add_locked(NULL, user_name, user_handle_ret);
    k_unlock();
    return err;
}

typedef enum {
    DO_RESET,
    DO_DELETE,
    DO_STATUS,
} action_t;

static esp_err_t act_locked(entry_t **link, action_t action)
{
    if (!s_running) {
        return ESP_ERR_INVALID_STATE;
    }
    entry_t *e = *link;
    if (e == NULL) {
        return ESP_ERR_NOT_FOUND;
    }
    if (action == DO_RESET) {
        e->reported = true;
    } else if (action == DO_DELETE) {
        *link = e->next;
        host_libc_free(e);
    }
    if (action != DO_STATUS) {
        feed_if_complete_locked();
    }
    return ESP_OK;
}

static esp_err_t act_on_task(TaskHandle_t task_handle, action_t action)
{
    TaskHandle_t task = task_handle != NULL ? task_handle : xTaskGetCurrentTaskHandle();
    k_lock();
    esp_err_t err = act_locked(find_task_locked(task), action);
    k_unlock();
    return err;
}

static esp_err_t act_on_user(esp_task_wdt_user_handle_t user, action_t action)
{
    if (user == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    k_lock();
    esp_err_t err = act_locked(find_user_locked(user), action);
    k_unlock();
    return err;
}

esp_err_t esp_task_wdt_reset(void)
{
    return act_on_task(NULL, DO_RESET);
}

esp_err_t esp_task_wdt_reset_user(esp_task_wdt_user_handle_t user_handle)
{
    return act_on_user(user_handle, DO_RESET);
}

esp_err_t esp_task_wdt_delete(TaskHandle_t task_handle)
{
    return act_on_task(task_handle, DO_DELETE);
}

esp_err_t esp_task_wdt_delete_user(esp_task_wdt_user_handle_t user_handle)
{
    return act_on_user(user_handle, DO_DELETE);
}

esp_err_t esp_task_wdt_status(TaskHandle_t task_handle)
{
    return act_on_task(task_handle, DO_STATUS);
}

esp_err_t esp_task_wdt_print_triggered_tasks(task_wdt_msg_handler msg_handler, void *opaque,
                                             int *cpus_fail)
{
    char names[TEXT_MAX];
    k_lock();
    bool running = s_running;
    int cores = running ? missing_locked(names, sizeof(names)) : 0;
    k_unlock();
    if (!running) {
        return ESP_ERR_INVALID_STATE;
    }
    if (cpus_fail != NULL) {
        *cpus_fail = cores;
    }
    if (msg_handler != NULL) {
        msg_handler(opaque, names);
    } else {
        esp_rom_printf("%s\n", names);
    }
    return ESP_OK;
}
