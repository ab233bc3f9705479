# SPDX-License-Identifier: Apache-2.0
#
# The display: drawing, pictures against references, and the service with apps on the board's panel.
pkg_check_modules(test_libpng REQUIRED IMPORTED_TARGET libpng)
kraken_unit_test(display_canvas SRCS test_display_canvas.c LINK display_service PRIVATE_OF display_service MODES threads)
kraken_unit_test(display_pictures SRCS test_display_pictures.c LINK display_service MODES threads
    DEFINES "PICTURES=\"${KRAKEN_ROOT}/tests/unit/pictures\"")
target_link_libraries(unit_display_pictures PRIVATE PkgConfig::test_libpng)
set(display_app "${KRAKEN_ROOT}/tests/support/display_app.c" "${KRAKEN_ROOT}/tests/support/system_up.c")
kraken_unit_test(display_service SRCS test_display_service.c ${display_app}
    LINK display_service app_control_service esp_timer system)
# Its waits for the panel are seconds: virtual ones.
kraken_unit_test(display_faults SRCS test_display_faults.c ${display_app} LINK display_service system MODES sim)
kraken_unit_test(launcher SRCS test_launcher.c ${display_app}
    LINK launcher app_control_service display_service input_service system)
