/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bus does, for a recording: the linker puts these functions before those of the core that
 * put events into mailboxes and take them out (host/cmake/idf_component.cmake, for the program
 * alone). They are called under the mailbox lock, so what they tell is the order of each mailbox.
 * Nothing here calls the core's code: in the simulator that would be a scheduling point.
 */
#include "event_internal.h"
#include "flight_recorder_internal.h"

#include "host_record.h"

bool __real_priority_queue_push(priority_queue_t *queue, unsigned lane, queue_entry_t entry);
bool __real_priority_queue_pop(priority_queue_t *queue, unsigned last_lane, queue_entry_t *out);
bool __real_priority_queue_replace(priority_queue_t *queue, unsigned lane, queue_entry_t entry,
                                   system_event_type_t type, queue_entry_t *old, bool *same_place);
void __real_flight_names_attach(unsigned slot, const char *name, uint32_t sequence);

bool __wrap_priority_queue_push(priority_queue_t *queue, unsigned lane, queue_entry_t entry);
bool __wrap_priority_queue_pop(priority_queue_t *queue, unsigned last_lane, queue_entry_t *out);
bool __wrap_priority_queue_replace(priority_queue_t *queue, unsigned lane, queue_entry_t entry,
                                   system_event_type_t type, queue_entry_t *old, bool *same_place);
void __wrap_flight_names_attach(unsigned slot, const char *name, uint32_t sequence);

unsigned __real_event_mailbox_claim(struct event_worker *worker, unsigned last_lane);
bool __real_event_mailbox_claim_own(struct event_worker *worker, unsigned slot);
delivery_t __real_event_mailbox_put(event_receiver_t receiver, pool_index_t block, unsigned lane,
                                    mailbox_wake_t *wake, pool_index_t *displaced);
unsigned __wrap_event_mailbox_claim(struct event_worker *worker, unsigned last_lane);
bool __wrap_event_mailbox_claim_own(struct event_worker *worker, unsigned slot);
delivery_t __wrap_event_mailbox_put(event_receiver_t receiver, pool_index_t block, unsigned lane,
                                    mailbox_wake_t *wake, pool_index_t *displaced);

static uint32_t slot_of(const priority_queue_t *queue)
{
    const mailbox_t *mailbox =
        (const mailbox_t *)(const void *)((const uint8_t *)queue - offsetof(mailbox_t, queue));
    return (uint32_t)(mailbox - event_mailboxes);
}

static host_trace_event_t describe(const priority_queue_t *queue, queue_entry_t entry)
{
    const pool_block_t *block = pool_block(entry.block);
    return (host_trace_event_t){
        .slot = slot_of(queue),
        .lane = priority_queue_lane((uint8_t)atomic_load(&block->link)),
        .type = block->type,
        .type_name = EVENT_TYPE_VALID(block->type) ? event_type_table[block->type - 1].name : "?",
        .source = atomic_load(&block->source),
        .sequence = *pool_sequence(entry.block),
        .sub = entry.sub,
    };
}

bool __wrap_priority_queue_push(priority_queue_t *queue, unsigned lane, queue_entry_t entry)
{
    const bool put = __real_priority_queue_push(queue, lane, entry);
    if (host_trace_on && put && entry.block != POOL_NONE) {
        const host_trace_event_t event = describe(queue, entry);
        host_trace_delivered(&event);
    }
    return put;
}

bool __wrap_priority_queue_replace(priority_queue_t *queue, unsigned lane, queue_entry_t entry,
                                   system_event_type_t type, queue_entry_t *old, bool *same_place)
{
    const bool found = __real_priority_queue_replace(queue, lane, entry, type, old, same_place);
    if (host_trace_on && found && *same_place) { /* else it is put in behind the others */
        const host_trace_event_t event = describe(queue, entry);
        host_trace_delivered(&event);
    }
    return found;
}

/* ---- a run of threads again: see host/src/steer_order.c ---------------------------------------
 */

/* Where the lanes' rings begin. */
static const uint16_t s_first[SYSTEM_EVENT_LANES] = {
    0,
    CONFIG_SYSTEM_QUEUE_CRITICAL,
    CONFIG_SYSTEM_QUEUE_CRITICAL + CONFIG_SYSTEM_QUEUE_HIGH,
    CONFIG_SYSTEM_QUEUE_CRITICAL + CONFIG_SYSTEM_QUEUE_HIGH + CONFIG_SYSTEM_QUEUE_NORMAL,
};

/** Which lane's first event was taken out of this mailbox next. */
static int choose_lane(priority_queue_t *queue)
{
    host_trace_event_t heads[SYSTEM_EVENT_LANES];
    for (unsigned lane = 0; lane < SYSTEM_EVENT_LANES; lane++) {
        const queue_entry_t entry = queue->ring[s_first[lane] + queue->head[lane]];
        heads[lane] = (host_trace_event_t){.slot = slot_of(queue)};
        if (queue->count[lane] != 0 && entry.block != POOL_NONE) {
            heads[lane] = describe(queue, entry);
        }
    }
    return host_steer_choose(heads, SYSTEM_EVENT_LANES);
}

/** Pings first: they are not recorded. Then what was taken out next, whoever may take it now. */
static bool pop_recorded(priority_queue_t *queue, unsigned last_lane, queue_entry_t *out)
{
    for (unsigned lane = 0; lane < SYSTEM_EVENT_LANES; lane++) {
        if (priority_queue_drop_oldest(queue, lane, SUB_PING, out)) {
            return true;
        }
    }
    const int lane = choose_lane(queue);
    if (lane < 0) {
        return lane == HOST_STEER_ANY && __real_priority_queue_pop(queue, last_lane, out);
    }
    const uint16_t sub = queue->ring[s_first[lane] + queue->head[lane]].sub;
    return priority_queue_drop_oldest(queue, (unsigned)lane, sub, out);
}

bool __wrap_priority_queue_pop(priority_queue_t *queue, unsigned last_lane, queue_entry_t *out)
{
    const bool taken = host_steer_on ? pop_recorded(queue, last_lane, out)
                                     : __real_priority_queue_pop(queue, last_lane, out);
    if (host_trace_on && taken && out->block != POOL_NONE) {
        const host_trace_event_t event = describe(queue, *out);
        host_trace_handled(&event);
    }
    return taken;
}

/** The worker has the mailbox; it begins when what was taken out next is there. */
static void hold(unsigned slot)
{
    while (choose_lane(&event_mailboxes[slot].queue) == HOST_STEER_WAIT) {
        host_steer_pause(slot);
    }
}

unsigned __wrap_event_mailbox_claim(struct event_worker *worker, unsigned last_lane)
{
    const unsigned slot = __real_event_mailbox_claim(worker, last_lane);
    if (host_steer_on && slot != SYSTEM_SLOT_NONE) {
        hold(slot);
    }
    return slot;
}

bool __wrap_event_mailbox_claim_own(struct event_worker *worker, unsigned slot)
{
    const bool claimed = __real_event_mailbox_claim_own(worker, slot);
    if (host_steer_on && claimed) {
        hold(slot);
    }
    return claimed;
}

delivery_t __wrap_event_mailbox_put(event_receiver_t receiver, pool_index_t block, unsigned lane,
                                    mailbox_wake_t *wake, pool_index_t *displaced)
{
    if (!host_steer_on) {
        return __real_event_mailbox_put(receiver, block, lane, wake, displaced);
    }
    const unsigned slot = atomic_load(&event_sub(receiver.sub)->slot);
    if (slot >= SYSTEM_SLOTS) { /* the subscription has just ended */
        return __real_event_mailbox_put(receiver, block, lane, wake, displaced);
    }
    const host_trace_event_t event =
        describe(&event_mailboxes[slot].queue, (queue_entry_t){block, receiver.sub});
    const uint32_t turn = host_steer_deliver(&event);
    const delivery_t outcome = __real_event_mailbox_put(receiver, block, lane, wake, displaced);
    host_steer_delivered(slot, turn);
    return outcome;
}

/* ---- owners -----------------------------------------------------------------------------------
 */

void __wrap_flight_names_attach(unsigned slot, const char *name, uint32_t sequence)
{
    if (host_trace_on) {
        host_trace_owner(slot, name);
    }
    __real_flight_names_attach(slot, name, sequence);
}
