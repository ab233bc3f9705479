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

static host_trace_event_t describe(const priority_queue_t *queue, queue_entry_t entry)
{
    const pool_block_t *block = pool_block(entry.block);
    const mailbox_t *mailbox =
        (const mailbox_t *)(const void *)((const uint8_t *)queue - offsetof(mailbox_t, queue));
    return (host_trace_event_t){
        .slot = (uint32_t)(mailbox - event_mailboxes),
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

bool __wrap_priority_queue_pop(priority_queue_t *queue, unsigned last_lane, queue_entry_t *out)
{
    const bool taken = __real_priority_queue_pop(queue, last_lane, out);
    if (host_trace_on && taken && out->block != POOL_NONE) {
        const host_trace_event_t event = describe(queue, *out);
        host_trace_handled(&event);
    }
    return taken;
}

void __wrap_flight_names_attach(unsigned slot, const char *name, uint32_t sequence)
{
    if (host_trace_on) {
        host_trace_owner(slot, name);
    }
    __real_flight_names_attach(slot, name, sequence);
}
