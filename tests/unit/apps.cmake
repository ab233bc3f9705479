# SPDX-License-Identifier: Apache-2.0
#
# Requests and apps, with the whole core up.
set(system_up "${KRAKEN_ROOT}/tests/support/system_up.c")

kraken_unit_test(request_response SRCS test_request_response.c "${system_up}" LINK system PRIVATE_OF system)
kraken_unit_test(app_manager SRCS test_app_manager.c "${system_up}" LINK system PRIVATE_OF system)
kraken_unit_test(app_aside SRCS test_app_aside.c "${system_up}" LINK system PRIVATE_OF system)
kraken_unit_test(app_pointers SRCS test_app_pointers.c "${system_up}" LINK system)
kraken_unit_test(app_info SRCS test_app_info.c "${system_up}" LINK system)
kraken_unit_test(apps SRCS test_apps.c "${system_up}" LINK system hello goodbye custom)
