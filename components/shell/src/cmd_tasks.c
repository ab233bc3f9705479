/* SPDX-License-Identifier: Apache-2.0 */
/* ps */
#include "shell_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "system_service/service_manager.h"

#ifdef CONFIG_SHELL_PS

#define LONGEST_MS 60000u
#define MORE_TASKS 4u /* that may come between the count and the list */

/** All tasks at one moment. */
typedef struct {
    TaskStatus_t *tasks; /* and behind them their names */
    UBaseType_t count;
    configRUN_TIME_COUNTER_TYPE at; /* of the clock of run times; 0 without them */
} listing_t;

static bool list_tasks(listing_t *out)
{
    const UBaseType_t room = uxTaskGetNumberOfTasks() + MORE_TASKS;
    out->at = 0;
    out->count = 0;
    out->tasks = calloc(room, sizeof(*out->tasks) + configMAX_TASK_NAME_LEN);
    if (out->tasks != NULL) {
        out->count = uxTaskGetSystemState(out->tasks, room, &out->at);
    }
    /* A name is good as long as its task. */
    char *name = (char *)(out->tasks + room);
    for (UBaseType_t i = 0; i < out->count; i++, name += configMAX_TASK_NAME_LEN) {
        memcpy(name, out->tasks[i].pcTaskName, configMAX_TASK_NAME_LEN - 1);
        out->tasks[i].pcTaskName = name;
    }
    if (out->count == 0) {
        shell_print("ps: %s", out->tasks == NULL ? "ESP_ERR_NO_MEM" : "more tasks by the moment");
        free(out->tasks);
    }
    return out->count != 0;
}

static int by_number(const void *a, const void *b)
{
    const TaskStatus_t *one = a;
    const TaskStatus_t *other = b;
    return (one->xTaskNumber > other->xTaskNumber) - (one->xTaskNumber < other->xTaskNumber);
}

static const char *state_name(eTaskState state)
{
    static const char *const names[] = {"running", "ready", "waits", "suspended", "deleted"};
    return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

/** Hundredths of a core between two lists, however often the counters wrapped around. */
static void print_share(char *out, size_t size, const listing_t *before, const listing_t *now,
                        const TaskStatus_t *task)
{
    const configRUN_TIME_COUNTER_TYPE period = now->at - before->at;
    const TaskStatus_t *was = bsearch(task, before->tasks, before->count, sizeof(*task), by_number);
    const configRUN_TIME_COUNTER_TYPE used =
        task->ulRunTimeCounter - (was != NULL ? was->ulRunTimeCounter : 0);
    (void)snprintf(out, size, " %3u %%",
                   period != 0 ? (unsigned)((uint64_t)used * 100 / period) : 0);
}

/** Apps run in tasks of their name, and services call theirs so. */
static const char *owner_of(const char *task)
{
    size_t count;
    const system_service_info_t *owners = shell_owners(&count);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(owners[i].name, task, configMAX_TASK_NAME_LEN - 1) == 0) {
            return owners[i].name;
        }
    }
    return "-";
}

static void print_task(const TaskStatus_t *task, const char *share)
{
    char core[12] = "any";
#if configTASKLIST_INCLUDE_COREID == 1
    if (task->xCoreID != tskNO_AFFINITY) {
        (void)snprintf(core, sizeof(core), "%d", (int)task->xCoreID);
    }
#endif
    shell_print("%-16s %-16s %4u %4s %-9s %10" PRIu32 "%s", task->pcTaskName,
                owner_of(task->pcTaskName), (unsigned)task->uxCurrentPriority, core,
                state_name(task->eCurrentState), (uint32_t)task->usStackHighWaterMark, share);
}

static void print_all(const listing_t *before, listing_t *now)
{
    char share[16] = "";
    /* Without run times the clock stands still: then there is nothing to say. */
    const bool shares = before != NULL && now->at != before->at;
    qsort(now->tasks, now->count, sizeof(now->tasks[0]), by_number);
    shell_print("%-16s %-16s %4s %4s %-9s %10s%s", "task", "owner", "prio", "core", "state",
                "stack free", shares ? "   cpu" : "");
    for (UBaseType_t i = 0; i < now->count; i++) {
        if (shares) {
            print_share(share, sizeof(share), before, now, &now->tasks[i]);
        }
        print_task(&now->tasks[i], share);
    }
    if (before != NULL && !shares) {
        shell_print("run times are not counted: CONFIG_FREERTOS_GENERATE_RUN_TIME_STATS");
    }
}

int cmd_ps(int argc, char **argv)
{
    uint32_t ms = 0;
    listing_t before = {.tasks = NULL};
    listing_t now;

    if (argc > 2 || (argc == 2 && !shell_number(argv[1], 1, LONGEST_MS, &ms))) {
        return shell_usage("ps");
    }
    if (ms != 0) {
        if (!list_tasks(&before)) {
            return SHELL_FAILED;
        }
        qsort(before.tasks, before.count, sizeof(before.tasks[0]), by_number);
        shell_wait(ms);
    }
    const bool listed = list_tasks(&now);
    if (listed) {
        print_all(ms != 0 ? &before : NULL, &now);
        free(now.tasks);
    }
    free(before.tasks);
    return listed ? SHELL_OK : SHELL_FAILED;
}

#else

int cmd_ps(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    shell_print("ps: %s", "this firmware has no list of tasks: CONFIG_SHELL_PS");
    return SHELL_FAILED;
}

#endif
