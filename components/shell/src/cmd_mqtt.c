/* SPDX-License-Identifier: Apache-2.0 */
/* mqtt: by requests alone, as net */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "network_service/network_events.h"
#include "shell_internal.h"

#define HEADER(type) STATUS_HEADER(type, NETWORK_EVENTS_VERSION)
#define WRITE_MS     10000 /* what is remembered goes to the flash, which takes its time */

static const char *const s_states[] = {
    [NETWORK_BRIDGE_OFF] = "off",
    [NETWORK_BRIDGE_WAITING] = "waiting",
    [NETWORK_BRIDGE_CONNECTING] = "connecting",
    [NETWORK_BRIDGE_CONNECTED] = "connected",
};

static int describe(void)
{
    network_info_t info;
    size_t size = sizeof(info);
    const esp_err_t ret = shell_ask(NETWORK_GET_REQUEST, NULL, 0, &info, &size);
    if (ret != ESP_OK) {
        return shell_result("mqtt", ret);
    }
    const size_t states = sizeof(s_states) / sizeof(s_states[0]);
    shell_print("%s%s%s, topics %s/out/... and %s/in/..., %u rules",
                info.bridge.state < states ? s_states[info.bridge.state] : "?",
                info.broker[0] != '\0' ? ": " : "", info.broker, info.base, info.base, info.rules);
    if (info.bridge.reason != ESP_OK && info.bridge.state != NETWORK_BRIDGE_CONNECTED) {
        shell_print("%s: %s", system_error_to_string(info.bridge.reason),
                    system_error_describe(info.bridge.reason));
    }
    shell_print("%" PRIu32 " messages wait, %" PRIu32 " published, %" PRIu32 " dropped; %" PRIu32
                " received, %" PRIu32 " for nobody",
                info.queued, info.published, info.dropped, info.received, info.unknown);
    return SHELL_OK;
}

static int control(network_wish_t what, const char *user, const char *password, const char *text)
{
    network_control_t wish = {.header = HEADER(network_control_t), .what = (uint8_t)what};
    if (strlen(user) > NETWORK_NAME_MAX || strlen(password) > NETWORK_SECRET_MAX ||
        strlen(text) > NETWORK_TEXT_MAX) {
        shell_print("mqtt: an address has up to %d bytes, a user up to %d, a password up to %d",
                    NETWORK_TEXT_MAX, NETWORK_NAME_MAX, NETWORK_SECRET_MAX);
        return SHELL_FAILED;
    }
    memcpy(wish.name, user, strlen(user) + 1);
    memcpy(wish.secret, password, strlen(password) + 1);
    memcpy(wish.text, text, strlen(text) + 1);
    return shell_result("mqtt", shell_ask_within(NETWORK_CONTROL_REQUEST, &wish, sizeof(wish), NULL,
                                                 NULL, WRITE_MS));
}

static int add_rule(int argc, char **argv)
{
    char text[NETWORK_TEXT_MAX + 1] = "";
    size_t at = 0;
    for (int i = 2; i < argc; i++) {
        const int length =
            snprintf(text + at, sizeof(text) - at, "%s%s", i > 2 ? " " : "", argv[i]);
        if (length < 0 || (size_t)length >= sizeof(text) - at) {
            return shell_usage("mqtt");
        }
        at += (size_t)length;
    }
    return control(NETWORK_BRIDGE_RULE, "", "", text);
}

int cmd_mqtt(int argc, char **argv)
{
    const char *what = argc >= 2 ? argv[1] : "";
    if (argc == 1) {
        return describe();
    }
    if ((argc == 3 || argc == 5) && strcmp(what, "broker") == 0) {
        return control(NETWORK_BRIDGE_SET, argc == 5 ? argv[3] : "", argc == 5 ? argv[4] : "",
                       argv[2]);
    }
    if (argc >= 4 && strcmp(what, "rule") == 0) {
        return add_rule(argc, argv);
    }
    if (argc == 2 && strcmp(what, "clear") == 0) {
        return control(NETWORK_BRIDGE_CLEAR, "", "", "");
    }
    return argc == 2 && strcmp(what, "off") == 0 ? control(NETWORK_BRIDGE_SET, "", "", "")
                                                 : shell_usage("mqtt");
}
