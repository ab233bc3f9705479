# SPDX-License-Identifier: Apache-2.0
#
# The backends there are. A board links those that boards/<name>/board.cmake names and nothing of the others: neither their
# sources nor the drivers they require. (REQUIRES cannot depend on Kconfig: ESP-IDF reads them before there is a configuration.)
# A service without a backend has a file that says so, and the rest of the system goes on.
set(KRAKEN_ALL_BACKENDS
    audio_i2s   # I2S, with an ES8311 or an amplifier without settings; otherwise sound goes nowhere, in real time
    bluetooth_nimble # the chip's radio by ESP-IDF's NimBLE; otherwise there is none
    card_sdmmc  # a memory card with FAT in a slot of the SDMMC host; otherwise what the project mounts
    display_spi # a panel on SPI2; otherwise there is none
    net_wifi    # Wi-Fi of the chip, as a station or an access point; otherwise there is no network
    net_openeth # the Ethernet of QEMU
    input_pins  # buttons, an I2C touch panel, a knob; otherwise what the shell's input command makes up
)

# Sets KRAKEN_BACKENDS to what the board in this folder names.
function(kraken_read_board folder)
    set(KRAKEN_BACKENDS "")
    include("${folder}/board.cmake")
    foreach(backend ${KRAKEN_BACKENDS})
        if(NOT backend IN_LIST KRAKEN_ALL_BACKENDS)
            string(REPLACE ";" " " all "${KRAKEN_ALL_BACKENDS}")
            message(FATAL_ERROR "${folder}/board.cmake: there is no backend '${backend}'; there are: ${all}")
        endif()
    endforeach()
    set(KRAKEN_BACKENDS "${KRAKEN_BACKENDS}" PARENT_SCOPE)
endfunction()
