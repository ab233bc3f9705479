/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief The inside of the flight recorder, grouped by the file that defines it.
 *
 * What survives a reset is in RTC memory: two rings of records, a table of names, two copies of the
 * boot record. All of it carries checksums, and nothing is believed without: after power-on it is
 * noise, and a reset may cut any write short. RTC memory is slow and takes no compare-and-swap on
 * the device, so the counters that several writers share are in internal RAM, and a boot finds
 * their values again from the newest record.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_attr.h"
#include "esp_system.h"

#include "system_internal.h"
#include "system_service/flight_recorder.h"

/* ---- flight_recorder.c: the rings --------------------------------------------------------------
 */

/** Find out what the reset left, or erase everything after power-on. @context init only */
void flight_recorder_init(bool erase);

/**
 * Write one record.
 * @context any, isr-ok, also while the flash cache is off  @blocks never
 * @param subject of flight_subject() or flight_subject_of(); 0 = the system
 * @param tag     of flight_tag(); 0 = no event type
 */
void flight_record(flight_kind_t kind, uint8_t subject, uint16_t tag, uint32_t a, uint32_t b);

/** A common event is posted. @context as common_event_post() */
void flight_record_common(system_event_type_t type, const void *data, size_t size);

/** A slot's fault or state. SYSTEM_SLOT_NONE = the system. */
void flight_record_slot(flight_kind_t kind, unsigned slot, system_event_type_t type, uint32_t a,
                        uint32_t b);

/** An event of priority CRITICAL is on its way. isr-ok */
void flight_record_post(system_service_id_t source, system_event_type_t type, size_t size,
                        int64_t now_us);

/* ---- flight_names.c: names that outlive a reset ------------------------------------------------
 */

/** Drop entries that are not intact, or all. @context init only */
void flight_names_init(bool erase);
/** No slot has an owner. @context init only */
void flight_names_forget_owners(void);
/** A new owner of a slot. @context any task */
void flight_names_attach(unsigned slot, const char *name, uint32_t sequence);
extern _Atomic uint8_t flight_subjects[SYSTEM_SLOTS];
extern _Atomic uint16_t flight_tags[CONFIG_SYSTEM_MAX_EVENT_TYPES];
/** The number of a slot's name; 0 for none. isr-ok, IRAM */
FORCE_INLINE_ATTR uint8_t flight_subject(unsigned slot)
{
    return slot < SYSTEM_SLOTS ? atomic_load_explicit(&flight_subjects[slot], memory_order_relaxed)
                               : 0;
}
/** The number of a name; it is entered if it was not. Takes a leaf lock. @context any task */
uint8_t flight_subject_of(const char *name, uint32_t sequence);
/** The name behind a number as it was when a record was written. @return false: not kept */
bool flight_name(uint8_t subject, uint32_t sequence, char out[SYSTEM_NAME_MAX + 1]);
/** A new event type. Registry lock held. */
void flight_tag_register(system_event_type_t type, const char *name);
/** The tag of a registered type; 0 for none. isr-ok, IRAM */
FORCE_INLINE_ATTR uint16_t flight_tag(system_event_type_t type)
{
    return type != SYSTEM_EVENT_TYPE_NONE && type <= CONFIG_SYSTEM_MAX_EVENT_TYPES
               ? atomic_load_explicit(&flight_tags[type - 1], memory_order_relaxed)
               : 0;
}
/** The type that has this tag, or SYSTEM_EVENT_TYPE_NONE. */
system_event_type_t flight_tag_type(uint16_t tag);
/** Sequence number that the next record will have. */
uint32_t flight_next_sequence(void);

/** Checksum of words, started from a salt of the layout. IRAM */
uint32_t flight_checksum(const uint32_t *words, size_t count);

/* ---- boot_record.c: boots, crashes, culprits ----------------------------------------------------
 */

/** Read how this boot came about; first of all. @context init only */
void boot_record_init(void);
/** The system is up: say what there is to say, enter safe mode after a crash loop, begin to wait
 *  for the healthy minute. @return ESP_OK; ESP_ERR_NO_MEM no timer */
esp_err_t boot_record_start(void);
void boot_record_stop(void);
/** Crashes in a row, as they count now. Without a record nobody knows: UINT32_MAX. */
uint32_t boot_crashes_in_a_row(void);
/** As boot_restart_into_safe_mode(), by name and without a word on the console. */
void boot_restart_for(const char *culprit, esp_err_t reason) __attribute__((noreturn));

/* ---- port: panic_backend.c ----------------------------------------------------------------------
 */

/** Have fn called when the chip panics, before it resets, with the task that ran on the core. NULL
 *  = no more. fn may read memory; it must not wait, print, or use the heap. */
void panic_backend_install(void (*fn)(TaskHandle_t task));
