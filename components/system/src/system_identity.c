/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose code runs here? A task that acts for a service or app carries a pointer to its identity in
 * a FreeRTOS thread-local slot. Workers change theirs with every mailbox; firmware has none.
 */
#include "event_internal.h"

#if CONFIG_FREERTOS_THREAD_LOCAL_STORAGE_POINTERS <= CONFIG_SYSTEM_TLS_INDEX
#error "raise CONFIG_FREERTOS_THREAD_LOCAL_STORAGE_POINTERS above CONFIG_SYSTEM_TLS_INDEX"
#endif

_Atomic uint32_t system_posts_of_firmware;

system_identity_t *system_identity_of_task(void)
{
    return pvTaskGetThreadLocalStoragePointer(NULL, CONFIG_SYSTEM_TLS_INDEX);
}

system_identity_t *system_identity(void)
{
    if (xPortInIsrContext() || xTaskGetSchedulerState() == taskSCHEDULER_NOT_STARTED) {
        return NULL;
    }
    return system_identity_of_task();
}

void system_identity_set(system_identity_t *identity)
{
    vTaskSetThreadLocalStoragePointer(NULL, CONFIG_SYSTEM_TLS_INDEX, identity);
}

unsigned system_current_slot(void)
{
    return system_identity_slot(system_identity());
}

bool system_must_not_block(void)
{
    if (xPortInIsrContext()) {
        return true;
    }
    const system_identity_t *identity = system_identity_of_task();
    return identity != NULL && identity->is_worker;
}
