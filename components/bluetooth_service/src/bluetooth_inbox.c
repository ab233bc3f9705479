/* SPDX-License-Identifier: Apache-2.0 */
/* From the radio's task to the service: a ring with one writer and one reader. */
#include "bluetooth_radio.h"

#include <stdatomic.h>
#include <string.h>

#include "sdkconfig.h"

#include "esp_attr.h"

static EXT_RAM_BSS_ATTR bluetooth_radio_event_t s_events[CONFIG_BLUETOOTH_INBOX];
static _Atomic uint32_t s_head; /* put: the backend's */
static _Atomic uint32_t s_tail; /* taken: the service's */
static _Atomic uint32_t s_overruns;
static void (*_Atomic s_wake)(void);

void bluetooth_inbox_begin(void (*wake)(void))
{
    atomic_store(&s_wake, wake);
    atomic_store(&s_tail, atomic_load(&s_head));
}

unsigned bluetooth_inbox_room(void)
{
    return CONFIG_BLUETOOTH_INBOX - (atomic_load(&s_head) - atomic_load(&s_tail));
}

bool bluetooth_inbox_put(const bluetooth_radio_event_t *event, const void *data, size_t size)
{
    const uint32_t head = atomic_load(&s_head);
    if (bluetooth_inbox_room() == 0) {
        atomic_fetch_add(&s_overruns, 1);
        return false;
    }
    bluetooth_radio_event_t *slot = &s_events[head % CONFIG_BLUETOOTH_INBOX];
    *slot = *event;
    slot->size = (uint16_t)(size < sizeof(slot->data) ? size : sizeof(slot->data));
    if (slot->size != 0) {
        memcpy(slot->data, data, slot->size);
    }
    atomic_store(&s_head, head + 1);
    void (*const wake)(void) = atomic_load(&s_wake);
    if (wake != NULL) {
        wake();
    }
    return true;
}

bool bluetooth_inbox_take(bluetooth_radio_event_t *event)
{
    const uint32_t tail = atomic_load(&s_tail);
    if (tail == atomic_load(&s_head)) {
        return false;
    }
    bluetooth_radio_event_t *slot = &s_events[tail % CONFIG_BLUETOOTH_INBOX];
    *event = *slot;
    explicit_bzero(slot->data, slot->size); /* a peer may have written a secret */
    atomic_store(&s_tail, tail + 1);
    return true;
}

uint32_t bluetooth_inbox_overruns(void)
{
    return atomic_load(&s_overruns);
}
