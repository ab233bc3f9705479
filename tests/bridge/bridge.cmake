# SPDX-License-Identifier: Apache-2.0
#
# The bridge to ESP-IDF's esp_event, against the real one: where IDF_PATH names an ESP-IDF, as for the bench.
set(KRAKEN_IDF_PATH "$ENV{IDF_PATH}" CACHE PATH "ESP-IDF v5.5 whose esp_event is compared with; empty: none")
set(esp_event "${KRAKEN_IDF_PATH}/components/esp_event")
if(KRAKEN_IDF_PATH AND EXISTS "${esp_event}/esp_event.c")
    add_library(kraken_test_esp_event STATIC "${esp_event}/esp_event.c" "${esp_event}/esp_event_private.c"
        "${esp_event}/default_event_loop.c")
    target_include_directories(kraken_test_esp_event SYSTEM PUBLIC "${esp_event}/include" PRIVATE "${esp_event}/private_include")
    target_compile_options(kraken_test_esp_event PRIVATE -w)
    target_compile_definitions(kraken_test_esp_event PUBLIC CONFIG_ESP_EVENT_POST_FROM_ISR=1
        CONFIG_ESP_EVENT_POST_FROM_IRAM_ISR=1)
    target_link_libraries(kraken_test_esp_event PUBLIC kraken_idf_common __idf_esp_timer PRIVATE kraken_host)
    set(bridge "${KRAKEN_ROOT}/components/esp_event_bridge/port/esp32s3")
    kraken_unit_test(esp_event SRCS test_esp_event.c "${bridge}/esp_event_bridge.c" "${KRAKEN_ROOT}/tests/support/system_up.c"
        LINK system INCLUDE "${bridge}/include")
    target_link_libraries(bridge_esp_event PRIVATE kraken_test_esp_event)
endif()
