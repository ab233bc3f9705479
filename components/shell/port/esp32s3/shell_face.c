/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shell on the console, a UART or the chip's own USB: ESP-IDF's line editor, history and
 * completion over our table.
 */
#include "shell_face.h"

#include "sdkconfig.h"

#include "esp_check.h"
#include "esp_console.h"

#include "shell_internal.h"

static const char *TAG = "shell";

#define FACE_STACK 8192 /* a signature is checked on it; so is the health report written */

static esp_err_t register_commands(void)
{
    size_t count;
    const shell_command_t *commands = shell_commands(&count);

    for (size_t i = 0; i < count; i++) {
        const esp_console_cmd_t command = {
            .command = commands[i].name,
            .help = commands[i].help,
            .hint = commands[i].arguments[0] != '\0' ? commands[i].arguments : NULL,
            .func = shell_call,
        };
        ESP_RETURN_ON_ERROR(esp_console_cmd_register(&command), TAG, "command %s", command.command);
    }
    return ESP_OK;
}

static esp_err_t new_repl(const esp_console_repl_config_t *config, esp_console_repl_t **repl)
{
#ifdef CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG
    const esp_console_dev_usb_serial_jtag_config_t usb =
        ESP_CONSOLE_DEV_USB_SERIAL_JTAG_CONFIG_DEFAULT();
    return esp_console_new_repl_usb_serial_jtag(&usb, config, repl);
#elif defined(CONFIG_ESP_CONSOLE_USB_CDC)
    const esp_console_dev_usb_cdc_config_t usb = ESP_CONSOLE_DEV_CDC_CONFIG_DEFAULT();
    return esp_console_new_repl_usb_cdc(&usb, config, repl);
#elif defined(CONFIG_ESP_CONSOLE_NONE)
    (void)config;
    (void)repl;
    return ESP_ERR_NOT_SUPPORTED; /* this board has no console */
#else
    const esp_console_dev_uart_config_t uart = ESP_CONSOLE_DEV_UART_CONFIG_DEFAULT();
    return esp_console_new_repl_uart(&uart, config, repl);
#endif
}

esp_err_t shell_face_open(void)
{
    esp_console_repl_t *repl = NULL;
    esp_console_repl_config_t config = ESP_CONSOLE_REPL_CONFIG_DEFAULT();
    esp_err_t ret = ESP_OK;

    config.prompt = "kraken>"; /* the console adds a blank */
    config.task_stack_size = FACE_STACK;
    config.max_cmdline_length = SHELL_LINE_MAX + 1;
    config.max_cmdline_args = SHELL_ARGS_MAX;
    ESP_RETURN_ON_ERROR(new_repl(&config, &repl), TAG, "no console");
    ESP_GOTO_ON_ERROR(register_commands(), err, TAG, "commands");
    ESP_GOTO_ON_ERROR(esp_console_start_repl(repl), err, TAG, "not started");
    return ESP_OK;
err:
    (void)repl->del(repl);
    return ret;
}

bool shell_face_quit(void)
{
    return false;
}
