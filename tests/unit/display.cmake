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
# Debian has no LVGL: its calls are stood in for. The example's own app is compiled with them too.
set(lvgl "${KRAKEN_ROOT}/examples/lvgl")
set(display_lvgl "${lvgl}/components/display_lvgl")
kraken_unit_test(display_lvgl SRCS test_display_lvgl.c "${display_lvgl}/display_lvgl.c"
    "${KRAKEN_ROOT}/tests/support/lvgl9/lvgl_stand_in.c" ${display_app} LINK display_service esp_timer system
    INCLUDE "${display_lvgl}/include" "${KRAKEN_ROOT}/tests/support/lvgl9")
add_library(display_lvgl_example OBJECT EXCLUDE_FROM_ALL "${lvgl}/main/lvgl_main.c")
target_include_directories(display_lvgl_example PRIVATE "${display_lvgl}/include" "${KRAKEN_ROOT}/tests/support/lvgl9")
target_link_libraries(display_lvgl_example PRIVATE __idf_display_service __idf_system)
target_compile_options(display_lvgl_example PRIVATE -Wall -Wextra -Werror -Wstrict-prototypes) # nothing declares app_main()
if(TARGET unit_display_lvgl)
    add_dependencies(unit_display_lvgl display_lvgl_example)
endif()
