/* SPDX-License-Identifier: Apache-2.0 */
/* The services of this firmware; their dependencies decide in which order they start. */
#include "boot_tables.h"

#include "sdkconfig.h"

#include "app_control_service/app_control_service.h"
#include "audio_service/audio_service.h"
#include "bluetooth_service/bluetooth_service.h"
#include "demo_service/demo_service.h"
#include "display_service/display_service.h"
#include "input_service/input_service.h"
#include "network_service/network_service.h"
#include "shell/shell.h"

const system_service_descriptor_t *const service_table[] = {
    &shell_service,
#ifdef CONFIG_DISPLAY_SERVICE
    &app_control_service, &display_service,
#endif
#ifdef CONFIG_AUDIO_SERVICE
    &audio_service,
#endif
#ifdef CONFIG_BLUETOOTH_SERVICE
    &bluetooth_service,
#endif
#ifdef CONFIG_INPUT_SERVICE
    &input_service,
#endif
#ifdef CONFIG_NETWORK_SERVICE
    &network_service,
#endif
#ifdef CONFIG_DEMO_SERVICES
    &demo_sensor_service, &demo_logger_service,
#endif
};

const size_t service_table_size = sizeof(service_table) / sizeof(service_table[0]);
