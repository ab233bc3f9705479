# SPDX-License-Identifier: Apache-2.0
#
# ESP-IDF's component mbedtls, as far as the PSA Crypto API goes: Debian's library of the same name. Its headers get a folder of
# their own, so that they are found by who requires the component, and by the cross compiler of the checks.
find_path(KRAKEN_MBEDTLS_INCLUDE psa/crypto.h)
find_library(KRAKEN_MBEDCRYPTO mbedcrypto)
if(NOT KRAKEN_MBEDTLS_INCLUDE OR NOT KRAKEN_MBEDCRYPTO)
    message(FATAL_ERROR "psa/crypto.h or libmbedcrypto is missing (Debian: libmbedtls-dev)")
endif()
set(mbedtls_headers "${CMAKE_BINARY_DIR}/board/mbedtls")
file(MAKE_DIRECTORY "${mbedtls_headers}")
foreach(folder psa mbedtls)
    file(CREATE_LINK "${KRAKEN_MBEDTLS_INCLUDE}/${folder}" "${mbedtls_headers}/${folder}" SYMBOLIC)
endforeach()
target_include_directories(__idf_mbedtls INTERFACE "${mbedtls_headers}")
target_link_libraries(__idf_mbedtls INTERFACE "${KRAKEN_MBEDCRYPTO}")
