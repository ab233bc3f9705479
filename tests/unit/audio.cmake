# SPDX-License-Identifier: Apache-2.0
#
# The audio service: what comes out is measured.
set(audio_measure "${KRAKEN_ROOT}/tests/support/audio_measure.c")
kraken_unit_test(audio_mixer SRCS test_audio_mixer.c "${audio_measure}" LINK audio_service PRIVATE_OF audio_service PLAIN)
set(minutes 60)
if(NOT KRAKEN_FLAVOUR STREQUAL "host")
    set(minutes 3) # every access to memory is slower there
endif()
kraken_unit_test(audio_resampler SRCS test_audio_resampler.c "${audio_measure}" LINK audio_service PRIVATE_OF audio_service
    DEFINES MINUTES=${minutes} PLAIN)
set(minutes 10)
if(NOT KRAKEN_FLAVOUR STREQUAL "host")
    set(minutes 1)
endif()
set(audio_player "${audio_measure}" "${KRAKEN_ROOT}/tests/support/audio_player.c" "${KRAKEN_ROOT}/tests/support/system_up.c")
kraken_unit_test(audio_service SRCS test_audio_service.c ${audio_player} LINK audio_service system DEFINES MINUTES=${minutes} MODES sim)
kraken_unit_test(audio_faults SRCS test_audio_faults.c ${audio_player} LINK audio_service system MODES sim)
# Files; the tunes are made up when the test runs.
pkg_check_modules(test_flac REQUIRED IMPORTED_TARGET flac)
set(tunes "${KRAKEN_ROOT}/tests/support/tunes.c")
kraken_unit_test(audio_decoder SRCS test_audio_decoder.c "${tunes}" LINK audio_service PRIVATE_OF audio_service)
kraken_unit_test(audio_track SRCS test_audio_track.c "${tunes}" LINK audio_service)
target_link_libraries(unit_audio_decoder PRIVATE PkgConfig::test_flac)
target_link_libraries(unit_audio_track PRIVATE PkgConfig::test_flac)
