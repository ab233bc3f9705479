/* SPDX-License-Identifier: Apache-2.0 */
/* The event core brought up on the bare core, with everything switched on and nothing above it. */
#include "event_internal.h"
#include "flight_recorder_internal.h"
#include "handler_monitor_internal.h"
#include "lx7.h"
#include "resource_quota_internal.h"
#include "service_dependencies_internal.h"
#include "service_record.h"
#include "system_service/memory_pool.h"
#include "system_service/service_manager.h"
#include "task_backend.h"
#include "watchdog_internal.h"

#define TYPES 24u /* of the core's own: whatever comes later is none of them */

/* What the code asks the rest of the system. */
bool system_is_initialized(void)
{
    return true;
}

/* As the chip's backend, which takes the kernel's own lock: that costs as much. */
static portMUX_TYPE s_tasks = portMUX_INITIALIZER_UNLOCKED;

void task_backend_lock(void)
{
    portENTER_CRITICAL_SAFE(&s_tasks);
}

void task_backend_unlock(void)
{
    portEXIT_CRITICAL_SAFE(&s_tasks);
}

bool task_backend_is_there(TaskHandle_t task)
{
    return eTaskGetState(task) != eDeleted;
}

/* Nobody deletes anybody here. */
uint8_t task_backend_deleter(void)
{
    return 1;
}

bool task_backend_is_past(const StaticTask_t *tcb, uint8_t deleter)
{
    (void)tcb;
    (void)deleter;
    return true;
}

static void check(esp_err_t ret, const char *what)
{
    if (ret != ESP_OK) {
        lx7_fail(what, (uint32_t)ret);
    }
}

void lx7_core_init(void)
{
    lx7_kernel_init();
    flight_recorder_init(true);
    service_manager_init();
    dependencies_init();
    quota_init();
    watchdog_init();
    handler_monitor_init();
    event_types_init();
    event_routes_init();
    event_subs_init();
    event_mailbox_init();
    event_bus_init();
    check(memory_pool_init(), "memory_pool_init");
    check(event_workers_start(), "event_workers_start");
    lx7_drain(); /* the workers begin */
    for (unsigned i = 0; i < TYPES; i++) {
        char name[] = "core.a";
        system_event_type_t type;
        name[5] = (char)('a' + i);
        check(system_event_register_type(name, &type), name);
    }
}
