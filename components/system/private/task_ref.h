/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * @brief Calls on tasks that somebody else may delete meanwhile.
 *
 * FreeRTOS believes every handle, so whether a task is there has to hold until the call is over.
 * Here look and call are one critical section, and a reference becomes void in such a section:
 * before we delete its task ourselves, and in the deletion callback of FreeRTOS when somebody else
 * does. So there is no look that is out of date, and nobody is kept from its core between the two.
 *
 * What is called inside does not block: xTaskNotifyGive(), vTaskPrioritySet(), vTaskSuspend() of
 * another task, vTaskResume(), eTaskGetState() take the kernel's lock, which nests in ours, and a
 * task that is to run at once does so when the section ends.
 *
 * On the chip, vTaskDelete() unlinks a task before it calls back, and may be kept from its core in
 * between: so each look asks FreeRTOS, too, inside the lock under which it unlinks.
 *
 * A gap is left in task_ref_delete(), between its look and vTaskDelete(), which cannot be called in
 * the section: should somebody else begin and end a deletion of that task right there, it is
 * deleted twice, and FreeRTOS panics. And a task that is deleted before its first instructions, in
 * which it makes its callback known, is missed by nobody.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

/** A task, or NULL: there is none (any more). Reading it is free; it may be void when it is read.
 */
typedef _Atomic(TaskHandle_t) task_ref_t;

/** The section, for those who look at more than the reference. A leaf in the order of locks;
 * isr-ok.
 */
void task_refs_lock(void);
void task_refs_unlock(void);

/** A task was made; or it is gone again already. @context any task */
void task_ref_set(task_ref_t *ref, TaskHandle_t task);
/** It is gone, or about to be. @return what it was @context any task, the deletion callback */
TaskHandle_t task_ref_void(task_ref_t *ref);

/** @param woken for an ISR @return false: it is not there @context any, isr-ok */
bool task_ref_notify(const task_ref_t *ref, BaseType_t *woken);
/** Nobody deleted it, or begins to. */
bool task_ref_is_there_locked(const task_ref_t *ref);
bool task_ref_notify_locked(const task_ref_t *ref, BaseType_t *woken);
/** @return false: it is not there @context any task */
bool task_ref_set_priority(const task_ref_t *ref, UBaseType_t priority);
bool task_ref_set_priority_locked(const task_ref_t *ref, UBaseType_t priority);
/** Of another task. @return false: it is not there */
bool task_ref_suspend(const task_ref_t *ref);
void task_ref_resume(const task_ref_t *ref);
/** It is there, and suspended, and so off both cores. */
bool task_ref_is_suspended(const task_ref_t *ref);
/** Mutexes that it holds; 0 if it is not there. */
uint32_t task_ref_mutexes_held(const task_ref_t *ref);
/** Stack that it never used, in bytes; 0 if it is not there. Takes long for a large one, and is no
 *  section: the caller sees to it that the stack stays. */
uint32_t task_ref_stack_free(const task_ref_t *ref);
/** Delete another task, which is suspended. @return false: somebody else did, or begins to */
bool task_ref_delete(task_ref_t *ref);
