/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ESP-IDF has no hook for panics, so its handler is wrapped by the linker (CMakeLists.txt). When it
 * is called the flash cache works again and the other core stands still.
 */
#include "flight_recorder_internal.h"

#include "esp_private/panic_internal.h"
#include "freertos/idf_additions.h"

void __real_esp_panic_handler(panic_info_t *info);
void __wrap_esp_panic_handler(panic_info_t *info);

static void (*_Atomic s_fn)(TaskHandle_t task);

void __wrap_esp_panic_handler(panic_info_t *info)
{
    /* Taken out first: a panic in here must not come here again. */
    void (*fn)(TaskHandle_t task) = atomic_exchange(&s_fn, NULL);
    if (fn != NULL) {
        fn(xTaskGetCurrentTaskHandleForCore(info->core));
    }
    __real_esp_panic_handler(info);
}

void panic_backend_install(void (*fn)(TaskHandle_t task))
{
    atomic_store(&s_fn, fn);
}
