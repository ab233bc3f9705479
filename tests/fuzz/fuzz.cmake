# SPDX-License-Identifier: Apache-2.0
#
# The corpora of the fuzzers as tests of every flavour; the fuzzers themselves: ./kraken fuzz
set(kapp "${KRAKEN_ROOT}/components/kapp")
file(GLOB readers CONFIGURE_DEPENDS "${kapp}/src/elf_*.c")
list(APPEND readers "${kapp}/src/kapp_package.c" "${kapp}/src/kapp_content.c" "${kapp}/src/kapp_manifest_read.c"
    "${kapp}/src/kapp_text.c" "${kapp}/port/linux/inflate_backend.c" "${KRAKEN_ROOT}/tests/support/elf_builder.c")
foreach(name package manifest elf)
    kraken_unit_test(${name} BARE SRCS fuzz_${name}.c replay.c ${readers} LINK kapp PRIVATE_OF kapp
        ARGS "${CMAKE_CURRENT_LIST_DIR}/corpus/${name}")
    if(TARGET fuzz_${name})
        target_link_libraries(fuzz_${name} PRIVATE z)
    endif()
endforeach()

# What a Bluetooth peer sends, to the service's own readers of it.
set(bluetooth "${KRAKEN_ROOT}/components/bluetooth_service")
set(adv "${bluetooth}/src/bluetooth_ad.c" "${bluetooth}/src/bluetooth_table.c")
set(att "${bluetooth}/src/att_client.c" "${bluetooth}/src/att_server.c" "${bluetooth}/src/bluetooth_table.c")
set(smp "${bluetooth}/src/smp.c" "${bluetooth}/src/smp_toolbox.c" "${bluetooth}/port/linux/smp_crypto.c")
foreach(name adv att smp)
    kraken_unit_test(${name} BARE SRCS fuzz_${name}.c replay.c ${${name}} LINK bluetooth_service kapp PRIVATE_OF bluetooth_service kapp
        ARGS "${CMAKE_CURRENT_LIST_DIR}/corpus/${name}")
    if(TARGET fuzz_${name})
        target_link_libraries(fuzz_${name} PRIVATE z)
    endif()
endforeach()
if(TARGET fuzz_smp)
    target_link_libraries(fuzz_smp PRIVATE mbedcrypto)
endif()
