# SPDX-License-Identifier: Apache-2.0
set(scripted "${KRAKEN_ROOT}/tests/support/system_up.c" "${KRAKEN_ROOT}/tests/support/scripted_service.c")

kraken_unit_test(restart_policy BARE LINK system PRIVATE_OF system
    SRCS test_restart_policy.c "${KRAKEN_ROOT}/components/system/src/restart_policy.c")
kraken_unit_test(supervision SRCS test_supervision.c ${scripted} LINK system PRIVATE_OF system)
kraken_unit_test(service_watchdog BARE LINK system esp_timer PRIVATE_OF system
    SRCS test_service_watchdog.c "${KRAKEN_ROOT}/tests/support/fake_registry.c"
        "${KRAKEN_ROOT}/components/system/src/service_watchdog.c")
kraken_unit_test(worker_high SRCS test_worker_high.c ${scripted} LINK system)
kraken_unit_test(late_wake SRCS test_late_wake.c ${scripted} LINK system PRIVATE_OF system)
target_link_options(unit_late_wake PRIVATE -Wl,--wrap=xTaskGenericNotify)
kraken_unit_test(task_ref SRCS test_task_ref.c LINK system PRIVATE_OF system)
target_link_options(unit_task_ref PRIVATE -Wl,--wrap=xTaskGenericNotify -Wl,--wrap=vTaskPrioritySet -Wl,--wrap=vTaskSuspend
    -Wl,--wrap=vTaskResume -Wl,--wrap=eTaskGetState -Wl,--wrap=uxTaskGetStackHighWaterMark)
kraken_unit_test(ownership SRCS test_ownership.c ${scripted} LINK system)
kraken_unit_test(task_memory SRCS test_task_memory.c ${scripted} LINK system PRIVATE_OF system MODES sim)

# As the device has it; its time is virtual.
kraken_unit_test(supervisor_backstop SRCS test_supervisor_backstop.c "${KRAKEN_ROOT}/components/system/src/supervisor_backstop.c"
    PRIVATE_OF system DEFINES CONFIG_SYSTEM_SUPERVISOR_TASK_WDT=1 MODES sim)
