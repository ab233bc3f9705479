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
