/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks that wait on a mailbox, for room or for a handler to return. Their places are few and made
 * once: whoever is woken looks again at what it waits for, so one wake-up too many does no harm.
 */
#include "esp_attr.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"

#include "event_internal.h"

/** A task that waits on a mailbox. */
typedef struct mailbox_waiter {
    StaticSemaphore_t storage;
    SemaphoreHandle_t semaphore;
    uint8_t slot; /* SYSTEM_SLOT_NONE = free */
} mailbox_waiter_t;

static EXT_RAM_BSS_ATTR mailbox_waiter_t s_waiters[CONFIG_SYSTEM_MAX_BLOCKED_POSTERS];
static portMUX_TYPE s_waiter_lock = portMUX_INITIALIZER_UNLOCKED; /* protects .slot; leaf */
static _Atomic bool s_waits_ended[SYSTEM_SLOTS]; /* of the owner whose tasks are to wait no more */

void event_waiters_init(void)
{
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_BLOCKED_POSTERS; i++) {
        s_waiters[i].slot = SYSTEM_SLOT_NONE;
        s_waiters[i].semaphore = xSemaphoreCreateBinaryStatic(&s_waiters[i].storage);
    }
}

mailbox_waiter_t *event_waiter_begin(unsigned slot)
{
    mailbox_waiter_t *waiter = NULL;
    portENTER_CRITICAL(&s_waiter_lock);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_BLOCKED_POSTERS && waiter == NULL; i++) {
        if (s_waiters[i].slot == SYSTEM_SLOT_NONE) {
            waiter = &s_waiters[i];
            waiter->slot = (uint8_t)slot;
        }
    }
    portEXIT_CRITICAL(&s_waiter_lock);
    if (waiter != NULL) {
        (void)xSemaphoreTake(waiter->semaphore, 0); /* a late signal for its last user */
        portENTER_CRITICAL(&event_mailboxes[slot].lock);
        event_mailboxes[slot].waiters++;
        portEXIT_CRITICAL(&event_mailboxes[slot].lock);
    }
    return waiter;
}

bool event_waiter_sleep(mailbox_waiter_t *waiter, TickType_t ticks)
{
    return xSemaphoreTake(waiter->semaphore, ticks) == pdTRUE;
}

void event_waiter_end(mailbox_waiter_t *waiter)
{
    if (waiter == NULL) {
        return;
    }
    mailbox_t *mailbox = &event_mailboxes[waiter->slot];
    portENTER_CRITICAL(&mailbox->lock);
    mailbox->waiters--;
    portEXIT_CRITICAL(&mailbox->lock);
    portENTER_CRITICAL(&s_waiter_lock);
    waiter->slot = SYSTEM_SLOT_NONE;
    portEXIT_CRITICAL(&s_waiter_lock);
}

void event_waits_begin(unsigned slot)
{
    atomic_store(&s_waits_ended[slot], false);
}

void event_waits_end(unsigned slot)
{
    if (slot >= SYSTEM_SLOTS) {
        return;
    }
    atomic_store(&s_waits_ended[slot], true);
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_BLOCKED_POSTERS; i++) {
        (void)xSemaphoreGive(s_waiters[i].semaphore); /* whoever it is looks what is new */
    }
}

bool event_waits_ended(void)
{
    const unsigned slot = system_current_slot();
    return slot < SYSTEM_SLOTS && atomic_load(&s_waits_ended[slot]);
}

void event_waiters_signal(unsigned slot)
{
    for (unsigned i = 0; i < CONFIG_SYSTEM_MAX_BLOCKED_POSTERS; i++) {
        portENTER_CRITICAL(&s_waiter_lock);
        const bool waits = s_waiters[i].slot == slot;
        portEXIT_CRITICAL(&s_waiter_lock);
        if (waits) {
            (void)xSemaphoreGive(s_waiters[i].semaphore);
        }
    }
}
