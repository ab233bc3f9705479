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

system_identity_t *system_identity(void)
{
    return identity_backend_in_task() ? identity_backend_get() : NULL;
}

void system_identity_set(system_identity_t *identity)
{
    vTaskSetThreadLocalStoragePointer(NULL, CONFIG_SYSTEM_TLS_INDEX, identity);
    identity_backend_set(identity);
}

void system_identity_set_until(system_identity_t *identity, TlsDeleteCallbackFunction_t on_deleted)
{
    vTaskSetThreadLocalStoragePointerAndDelCallback(NULL, CONFIG_SYSTEM_TLS_INDEX, identity,
                                                    on_deleted);
    identity_backend_set(identity);
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
    const system_identity_t *identity = identity_backend_get();
    return identity != NULL && identity->is_worker;
}
