// SPDX-License-Identifier: Apache-2.0

#include "host_network.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "host_control.h"
#include "host_record.h"

// Held for a few instructions, never across a call of the scheduler.
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static const host_network_t *s_networks;
static unsigned s_network_count;
static const host_network_file_t *s_files;
static unsigned s_file_count;
static uint32_t s_requests;
static bool s_scripted;
static bool s_cut;
static void (*s_fn)(void *arg);
static void *s_arg;

bool host_network_real(void)
{
    pthread_mutex_lock(&s_lock);
    const bool scripted = s_scripted;
    pthread_mutex_unlock(&s_lock);
    return !scripted && host_sched() == HOST_SCHED_THREADS && !host_recording();
}

void host_network_script(bool on)
{
    pthread_mutex_lock(&s_lock);
    s_scripted = on;
    pthread_mutex_unlock(&s_lock);
}

void host_network_set(const host_network_t *networks, unsigned count)
{
    pthread_mutex_lock(&s_lock);
    s_networks = networks;
    s_network_count = count;
    pthread_mutex_unlock(&s_lock);
}

void host_network_serve(const host_network_file_t *files, unsigned count)
{
    pthread_mutex_lock(&s_lock);
    s_files = files;
    s_file_count = count;
    pthread_mutex_unlock(&s_lock);
}

void host_network_changed(void)
{
    pthread_mutex_lock(&s_lock);
    void (*const fn)(void *arg) = s_fn;
    void *const arg = s_arg;
    pthread_mutex_unlock(&s_lock);
    if (fn != NULL && host_is_running()) {
        (void)host_isr_raise(fn, arg, 0);
    }
}

void host_network_cut(bool cut)
{
    pthread_mutex_lock(&s_lock);
    s_cut = cut;
    pthread_mutex_unlock(&s_lock);
    host_network_changed();
}

uint32_t host_network_requests(void)
{
    pthread_mutex_lock(&s_lock);
    const uint32_t requests = s_requests;
    pthread_mutex_unlock(&s_lock);
    return requests;
}

bool host_network_is_cut(void)
{
    pthread_mutex_lock(&s_lock);
    const bool cut = s_cut;
    pthread_mutex_unlock(&s_lock);
    return cut;
}

const host_network_t *host_network_at(unsigned index)
{
    pthread_mutex_lock(&s_lock);
    const host_network_t *found = index < s_network_count ? &s_networks[index] : NULL;
    pthread_mutex_unlock(&s_lock);
    return found;
}

const host_network_t *host_network_find(const char *name)
{
    const host_network_t *found = NULL;
    pthread_mutex_lock(&s_lock);
    for (unsigned i = 0; i < s_network_count && found == NULL; i++) {
        if (name == NULL || strcmp(s_networks[i].name, name) == 0) {
            found = &s_networks[i];
        }
    }
    pthread_mutex_unlock(&s_lock);
    return found;
}

const host_network_file_t *host_network_file(const char *url)
{
    const host_network_file_t *found = NULL;
    pthread_mutex_lock(&s_lock);
    s_requests++;
    for (unsigned i = 0; i < s_file_count && found == NULL; i++) {
        if (strcmp(s_files[i].url, url) == 0) {
            found = &s_files[i];
        }
    }
    pthread_mutex_unlock(&s_lock);
    return found;
}

void host_network_on_change(void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&s_lock);
    s_fn = fn;
    s_arg = arg;
    pthread_mutex_unlock(&s_lock);
}
