// SPDX-License-Identifier: Apache-2.0

// The log: which lines are printed, and through what.

#include "esp_log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "host_services.h"
#include "host_system.h"

typedef struct tag_level {
    struct tag_level *next;
    esp_log_level_t level;
    char tag[];
} tag_level_t;

// log lock: protects the list of tags. Leaf lock, never held while printing.
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static tag_level_t *s_tags;
static vprintf_like_t s_vprintf = host_console_vprintf;

esp_log_level_t esp_log_default_level = CONFIG_LOG_DEFAULT_LEVEL;

static tag_level_t *take_all_locked(void)
{
    tag_level_t *all = s_tags;
    __atomic_store_n(&s_tags, NULL, __ATOMIC_RELEASE);
    return all;
}

static void free_all(tag_level_t *t)
{
    while (t != NULL) {
        tag_level_t *next = t->next;
        free(t);
        t = next;
    }
}

void host_log_init(void)
{
    pthread_mutex_lock(&s_lock);
    tag_level_t *old = take_all_locked();
    pthread_mutex_unlock(&s_lock);
    free_all(old);
    __atomic_store_n(&esp_log_default_level, CONFIG_LOG_DEFAULT_LEVEL, __ATOMIC_RELAXED);
    __atomic_store_n(&s_vprintf, host_console_vprintf, __ATOMIC_RELEASE);
}

static tag_level_t *find_locked(const char *tag)
{
    for (tag_level_t *t = s_tags; t != NULL; t = t->next) {
        if (strcmp(t->tag, tag) == 0) {
            return t;
        }
    }
    return NULL;
}

static bool update(const char *tag, esp_log_level_t level)
{
    pthread_mutex_lock(&s_lock);
    tag_level_t *t = find_locked(tag);
    if (t != NULL) {
        t->level = level;
    }
    pthread_mutex_unlock(&s_lock);
    return t != NULL;
}

void esp_log_level_set(const char *tag, esp_log_level_t level)
{
    if (strcmp(tag, "*") == 0) {
        pthread_mutex_lock(&s_lock);
        tag_level_t *old = take_all_locked();
        __atomic_store_n(&esp_log_default_level, level, __ATOMIC_RELAXED);
        pthread_mutex_unlock(&s_lock);
        free_all(old);
        return;
    }
    if (update(tag, level)) {
        return;
    }
    size_t length = strlen(tag) + 1;
    tag_level_t *fresh = malloc(sizeof(*fresh) + length);
    if (fresh == NULL) {
        return;
    }
    memcpy(fresh->tag, tag, length);
    fresh->level = level;
    pthread_mutex_lock(&s_lock);
    tag_level_t *other = find_locked(tag); // another task may have been faster
    if (other != NULL) {
        other->level = level;
    } else {
        fresh->next = s_tags;
        __atomic_store_n(&s_tags, fresh, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&s_lock);
    if (other != NULL) {
        free(fresh);
    }
}

esp_log_level_t esp_log_level_get(const char *tag)
{
    esp_log_level_t level = esp_log_get_default_level();
    if (tag == NULL || __atomic_load_n(&s_tags, __ATOMIC_ACQUIRE) == NULL) {
        return level;
    }
    pthread_mutex_lock(&s_lock);
    const tag_level_t *t = find_locked(tag);
    if (t != NULL) {
        level = t->level;
    }
    pthread_mutex_unlock(&s_lock);
    return level;
}

vprintf_like_t esp_log_set_vprintf(vprintf_like_t func)
{
    return __atomic_exchange_n(&s_vprintf, func, __ATOMIC_ACQ_REL);
}

void esp_log_writev(esp_log_level_t level, const char *tag, const char *format, va_list args)
{
    host_refuse_isr("esp_log_write");
    if (level == ESP_LOG_NONE || esp_log_level_get(tag) < level) {
        return;
    }
    vprintf_like_t print = __atomic_load_n(&s_vprintf, __ATOMIC_ACQUIRE);
    print(format, args);
}

void esp_log_write(esp_log_level_t level, const char *tag, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    esp_log_writev(level, tag, format, args);
    va_end(args);
}

uint32_t esp_log_timestamp(void)
{
    return host_is_running() ? (uint32_t)(host_now_us() / 1000u) : 0;
}

uint32_t esp_log_early_timestamp(void)
{
    return esp_log_timestamp();
}

char *esp_log_system_timestamp(void)
{
    static _Thread_local char text[20];
    struct timespec now;
    struct tm parts;
    if (host_sched() == HOST_SCHED_SIM && host_is_running()) {
        uint64_t us = host_now_us(); // the virtual clock, counted from midnight
        now.tv_sec = (time_t)(us / 1000000u);
        now.tv_nsec = (long)(us % 1000000u) * 1000;
        gmtime_r(&now.tv_sec, &parts);
    } else {
        clock_gettime(CLOCK_REALTIME, &now);
        localtime_r(&now.tv_sec, &parts);
    }
    snprintf(text, sizeof(text), "%02u:%02u:%02u.%03u", (unsigned)parts.tm_hour % 24u,
             (unsigned)parts.tm_min % 60u, (unsigned)parts.tm_sec % 61u,
             (unsigned)(now.tv_nsec / 1000000) % 1000u);
    return text;
}
