# SPDX-License-Identifier: Apache-2.0
#
# The network service over a scripted network: joining, losing, coming back; downloads from servers that misbehave.
set(network_up "${KRAKEN_ROOT}/tests/support/network_up.c" "${KRAKEN_ROOT}/tests/support/system_up.c")
kraken_unit_test(network_url SRCS test_network_url.c LINK network_service PRIVATE_OF network_service MODES sim)
kraken_unit_test(network_rules SRCS test_network_rules.c LINK network_service system PRIVATE_OF network_service MODES sim)
kraken_unit_test(network_service SRCS test_network_service.c ${network_up} LINK network_service nvs_flash system MODES sim)
kraken_unit_test(network_http SRCS test_network_http.c ${network_up} LINK network_service nvs_flash system MODES sim)
