/* SPDX-License-Identifier: Apache-2.0 */
#include "flight_recorder_internal.h"

#include "host_control.h"
#include "host_system.h"

static void (*_Atomic s_fn)(TaskHandle_t task);

static void on_panic(esp_reset_reason_t reason, const char *text)
{
    (void)reason;
    (void)text;
    void (*fn)(TaskHandle_t task) = atomic_load(&s_fn);
    if (fn != NULL && host_is_running()) {
        fn(xPortInIsrContext() ? NULL : xTaskGetCurrentTaskHandle());
    }
}

void panic_backend_install(void (*fn)(TaskHandle_t task))
{
    atomic_store(&s_fn, fn);
    host_panic_set_hook(fn != NULL ? on_panic : NULL);
}
