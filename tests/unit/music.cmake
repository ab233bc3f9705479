# SPDX-License-Identifier: Apache-2.0
#
# The music app, heard at the loudspeaker, in virtual time.
pkg_check_modules(test_flac REQUIRED IMPORTED_TARGET flac)
kraken_unit_test(music SRCS test_music.c "${KRAKEN_ROOT}/tests/support/tunes.c" "${KRAKEN_ROOT}/tests/support/audio_measure.c"
        "${KRAKEN_ROOT}/tests/support/system_up.c"
    LINK music audio_service bluetooth_service display_service input_service kapp nvs_flash system MODES sim)
target_link_libraries(unit_music PRIVATE PkgConfig::test_flac)
