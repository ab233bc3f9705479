# SPDX-License-Identifier: Apache-2.0
#
# Modules of the core that need nothing but the registry: tested alone, over a registry and a clock that the test turns.
set(system_src "${KRAKEN_ROOT}/components/system/src")
set(fake_registry "${KRAKEN_ROOT}/tests/support/fake_registry.c")
set(fake_log "${KRAKEN_ROOT}/tests/support/fake_log.c")

kraken_unit_test(error_codes SRCS test_error_codes.c LINK system)
kraken_unit_test(resource_quota BARE LINK system esp_timer PRIVATE_OF system
    SRCS test_resource_quota.c "${fake_registry}" "${system_src}/quota_charge.c" "${system_src}/resource_quota.c")
kraken_unit_test(quota_charge BARE LINK system esp_timer PRIVATE_OF system
    SRCS test_quota_charge.c "${fake_registry}" "${system_src}/quota_charge.c" "${system_src}/resource_quota.c")
kraken_unit_test(handler_monitor BARE LINK system esp_timer PRIVATE_OF system
    SRCS test_handler_monitor.c "${fake_registry}" "${system_src}/handler_monitor.c")
kraken_unit_test(service_dependencies BARE LINK system esp_timer PRIVATE_OF system
    SRCS test_service_dependencies.c "${fake_registry}" "${fake_log}" "${system_src}/service_dependencies.c")
kraken_unit_test(memory_utils BARE LINK system esp_timer PRIVATE_OF system
    SRCS test_memory_utils.c "${fake_registry}" "${fake_log}" "${KRAKEN_ROOT}/tests/support/fake_heap.c"
         "${system_src}/memory_utils.c" "${system_src}/memory_ledger.c" "${system_src}/memory_hooks.c"
         "${system_src}/quota_charge.c" "${system_src}/resource_quota.c")
kraken_unit_test(heap_monitor BARE LINK system esp_timer PRIVATE_OF system
    SRCS test_heap_monitor.c "${fake_registry}" "${system_src}/heap_monitor.c" "${system_src}/heap_monitor_text.c")
kraken_unit_test(log_control BARE LINK system esp_timer PRIVATE_OF system
    SRCS test_log_control.c "${fake_registry}" "${system_src}/log_control.c")
kraken_unit_test(memory_ledger BARE LINK system PRIVATE_OF system
    SRCS test_memory_ledger.c "${system_src}/memory_ledger.c")
