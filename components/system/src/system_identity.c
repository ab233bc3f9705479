/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose code runs here? A task that acts for a service or app carries a pointer to its identity in
 * a FreeRTOS thread-local slot. Workers change theirs with every mailbox; firmware has none.
 */
#include "event_internal.h"

#if CONFIG_FREERTOS_THREAD_LOCAL_STORAGE_POINTERS <= CONFIG_SYSTEM_TLS_INDEX
#error "raise CONFIG_FREERTOS_THREAD_LOCAL_STORAGE_POINTERS above CONFIG_SYSTEM_TLS_INDEX"
#endif

system_identity_t *system_identity(void)
{
    if (xPortInIsrContext() || xTaskGetSchedulerState() == taskSCHEDULER_NOT_STARTED) {
        return NULL;
    }
    return pvTaskGetThreadLocalStoragePointer(NULL, CONFIG_SYSTEM_TLS_INDEX);
}

void system_identity_set(system_identity_t *identity)
{
    vTaskSetThreadLocalStoragePointer(NULL, CONFIG_SYSTEM_TLS_INDEX, identity);
}

unsigned system_current_slot(void)
{
    const system_identity_t *identity = system_identity();
    return identity ? atomic_load_explicit(&identity->slot, memory_order_relaxed)
                    : SYSTEM_SLOT_NONE;
}

bool system_must_not_block(void)
{
    if (xPortInIsrContext()) {
        return true;
    }
    const system_identity_t *identity = system_identity();
    return identity != NULL && identity->is_worker;
}
