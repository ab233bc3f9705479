# SPDX-License-Identifier: Apache-2.0
kraken_scenario(services_fail_alone SRCS services_fail_alone.c "${KRAKEN_ROOT}/tests/support/services_at_work.c"
        "${KRAKEN_ROOT}/tests/support/system_up.c"
    LINK music audio_service bluetooth_service display_service input_service network_service esp_app_format nvs_flash system
    PRIVATE_OF bluetooth_service SEEDS 10 MODES sim)
