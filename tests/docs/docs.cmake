# SPDX-License-Identifier: Apache-2.0
#
# The examples of the documents, compiled as they stand there, and run.
kraken_extract_example(docs/SERVICE_DEVELOPMENT.md thermometer.c thermometer)
kraken_extract_example(docs/APP_DEVELOPMENT.md alarm_app.c alarm)
kraken_unit_test(service_example SRCS test_service_example.c "${thermometer}" LINK system
    DEFINES "EXAMPLE_FILE=\"${thermometer}\"")
kraken_unit_test(app_example SRCS test_app_example.c "${alarm}" LINK system)
kraken_extract_example(docs/services/display.md thermometer_face.c face)
kraken_unit_test(display_example SRCS test_display_example.c "${face}" "${KRAKEN_ROOT}/tests/support/display_app.c"
    "${KRAKEN_ROOT}/tests/support/system_up.c" LINK display_service system)

# The commands of a document, as a newcomer types them. They build with ./kraken, in the folder that ./kraken uses.
get_filename_component(docs_build_name "${CMAKE_BINARY_DIR}" NAME)
execute_process(COMMAND /usr/bin/python3 -c "import cryptography, tomllib" RESULT_VARIABLE docs_no_cryptography ERROR_QUIET)
if(TARGET kraken_os AND KRAKEN_FLAVOUR STREQUAL "host" AND docs_build_name STREQUAL "host" AND NOT docs_no_cryptography)
    get_filename_component(docs_build_root "${CMAKE_BINARY_DIR}" DIRECTORY)
    add_test(NAME docs.first_app COMMAND /usr/bin/python3 "${CMAKE_CURRENT_LIST_DIR}/test_commands.py" "${docs_build_root}")
    set_tests_properties(docs.first_app PROPERTIES LABELS docs TIMEOUT 300)
endif()
