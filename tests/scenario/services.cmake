# SPDX-License-Identifier: Apache-2.0
kraken_scenario(services_fail_alone SRCS services_fail_alone.c "${KRAKEN_ROOT}/tests/support/system_up.c"
    LINK music audio_service bluetooth_service display_service input_service network_service nvs_flash system SEEDS 6 MODES sim)
