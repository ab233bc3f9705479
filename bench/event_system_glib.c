// SPDX-License-Identifier: Apache-2.0

// GLib's main loop in a thread of its own, as desktop programs pass work to it: one source and one
// copy of the payload for each event, no bound on the queue.

#include "event_system.h"

#include <glib.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "bench.h"

typedef struct {
    size_t size;
    gpointer data;
} event_t;

static GMainContext *s_context;
static GMainLoop *s_loop;
static unsigned s_subscribers;
static event_system_handler_t s_handler;

static gboolean on_event(gpointer arg)
{
    const event_t *event = arg;
    for (unsigned i = 0; i < s_subscribers; i++) {
        s_handler(event->data, event->size);
    }
    return G_SOURCE_REMOVE;
}

static void free_event(gpointer arg)
{
    event_t *event = arg;
    g_free(event->data);
    g_free(event);
}

static void loop_task(void *arg)
{
    (void)arg;
    g_main_loop_run(s_loop);
    vTaskDelete(NULL);
}

static void start(unsigned subscribers, size_t max_size, event_system_handler_t handler)
{
    (void)max_size;
    s_subscribers = subscribers;
    s_handler = handler;
    s_context = g_main_context_new();
    s_loop = g_main_loop_new(s_context, FALSE);
    BENCH_CHECK(xTaskCreatePinnedToCore(loop_task, "glib", 65536, NULL, 8, NULL, 1) == pdPASS);
    while (!g_main_loop_is_running(s_loop)) { /* else posts would run in this very task */
        vTaskDelay(1);
    }
}

static void post(const void *data, size_t size, unsigned priority)
{
    event_t *event = g_new(event_t, 1);
    event->size = size;
    event->data = g_memdup2(data, size);
    GSource *source = g_idle_source_new();
    g_source_set_priority(source, (int)priority);
    g_source_set_callback(source, on_event, event, free_event);
    g_source_attach(source, s_context);
    g_source_unref(source);
}

static void stop(void)
{
    g_main_loop_quit(s_loop);
}

const event_system_t event_system_glib = {
    .name = "glib",
    .about = "GLib's main loop, one idle source for each event",
    .start = start,
    .post = post,
    .stop = stop,
};
