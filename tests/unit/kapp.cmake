# SPDX-License-Identifier: Apache-2.0
#
# App packages: the reader, its manifest, and the trust store.
set(kapp_builder "${KRAKEN_ROOT}/tests/support/kapp_builder.c")
foreach(name package manifest trust)
    kraken_unit_test(kapp_${name} SRCS test_kapp_${name}.c "${kapp_builder}"
        LINK kapp mbedtls nvs_flash PRIVATE_OF kapp)
    if(TARGET unit_kapp_${name})
        target_link_libraries(unit_kapp_${name} PRIVATE z)
    endif()
endforeach()
