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
