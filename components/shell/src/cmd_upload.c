/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload: a package over the console, in lines of base64. Each piece names its offset, and each
 * answer says how much is there: a piece of which a serial line lost something is sent again.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "esp_log.h"
#include "esp_rom_crc.h"
#include "esp_timer.h"
#include "sdkconfig.h"

#include "kapp/kapp_install.h"
#include "shell_internal.h"

#define LARGEST (CONFIG_KAPP_MAX_PACKAGE_KB * 1024u)
#define IDLE_US UINT64_C(60000000) /* whoever sends has gone */
#define SOON_US UINT64_C(1000000)

static const char *TAG = "shell";

/* Commands are executed one at a time. */
static uint8_t *s_bytes; /* NULL: nothing is being taken in */
static uint32_t s_size;
static uint32_t s_have;
static uint32_t s_crc;
static esp_timer_handle_t s_timer; /* runs while there are bytes */

static void forget(void)
{
    if (s_timer != NULL) {
        (void)esp_timer_stop(s_timer);
    }
    free(s_bytes);
    s_bytes = NULL;
    s_size = s_have = s_crc = 0;
}

/** Nobody went on with it. */
static void on_idle(void *arg)
{
    (void)arg;
    if (!shell_enter()) {
        (void)esp_timer_start_once(s_timer, SOON_US); /* a long command: it may be ours */
        return;
    }
    if (s_bytes != NULL && !esp_timer_is_active(s_timer)) {
        ESP_LOGW(TAG, "upload: nothing came for long: given up");
        forget();
    }
    shell_leave();
}

/** It is being gone on with. */
static void keep(void)
{
    static const esp_timer_create_args_t args = {.callback = on_idle, .name = "upload"};
    if (s_timer == NULL && esp_timer_create(&args, &s_timer) != ESP_OK) {
        return; /* then it stays until "upload off" */
    }
    (void)esp_timer_stop(s_timer);
    (void)esp_timer_start_once(s_timer, IDLE_US);
}

static int progress(int status)
{
    keep();
    shell_print("have %" PRIu32 " of %" PRIu32, s_have, s_size);
    return status;
}

static int begin(const char *size_text, const char *crc_text)
{
    uint32_t size;
    uint32_t crc;
    if (!shell_number(size_text, 1, LARGEST, &size)) {
        shell_print("%s: a package has 1 to %u bytes", size_text, LARGEST);
        return SHELL_FAILED;
    }
    if (!shell_number(crc_text, 0, UINT32_MAX, &crc)) {
        return shell_usage("upload");
    }
    forget();
    s_bytes = malloc(size);
    if (s_bytes == NULL) {
        return shell_result("upload", ESP_ERR_NO_MEM);
    }
    s_size = size;
    s_crc = crc;
    return progress(SHELL_OK);
}

/** @return 0..63, or -1 */
static int digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/** Take in base64 without padding, all of it or nothing. */
static bool take(const char *text)
{
    uint32_t bits = 0;
    unsigned waiting = 0;
    uint32_t have = s_have;
    for (; *text != '\0'; text++) {
        const int value = digit(*text);
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        waiting += 6;
        if (waiting >= 8) {
            waiting -= 8;
            if (have == s_size) {
                return false;
            }
            s_bytes[have++] = (uint8_t)(bits >> waiting);
        }
    }
    s_have = have;
    return true;
}

/** Whoever sends may go back, to a piece that arrived damaged. */
static int piece(const char *offset_text, const char *text)
{
    uint32_t offset;
    if (!shell_number(offset_text, 0, s_have, &offset)) {
        return progress(SHELL_FAILED);
    }
    s_have = offset;
    return progress(take(text) ? SHELL_OK : SHELL_FAILED);
}

/* ---- what came in, as a stream --------------------------------------------------------------- */

static esp_err_t give(void *arg, void *to, size_t room, size_t *got)
{
    uint32_t *at = arg;
    *got = room < s_size - *at ? room : s_size - *at;
    memcpy(to, s_bytes + *at, *got);
    *at += (uint32_t)*got;
    return ESP_OK;
}

static int finish(bool update, bool allow_older)
{
    app_install_report_t report = {0};
    uint32_t at = 0;
    const kapp_stream_t stream = {.read = give, .arg = &at};
    if (s_have != s_size) {
        return progress(SHELL_FAILED);
    }
    if (esp_rom_crc32_le(0, s_bytes, s_size) != s_crc) {
        shell_print("upload: damaged on the way: send it again");
        forget();
        return SHELL_FAILED;
    }
    const int status =
        update ? shell_updated("upload", app_manager_update_stream(&stream, allow_older, &report),
                               &report)
               : shell_installed("upload", app_manager_install_stream(&stream, &report), &report);
    if (status == SHELL_OK) {
        forget(); /* else it stays, for "upload update" after "upload install" */
    }
    return status;
}

int cmd_upload(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (argc == 2 && strcmp(verb, "off") == 0) {
        forget();
        return SHELL_OK;
    }
    if (argc == 3 && verb[0] >= '0' && verb[0] <= '9') {
        return begin(verb, argv[2]);
    }
    const bool more = argc == 4 && strcmp(verb, "+") == 0;
    const bool install = argc == 2 && strcmp(verb, "install") == 0;
    const bool older = argc == 3 && strcmp(argv[2], "older") == 0;
    const bool update = (argc == 2 || older) && strcmp(verb, "update") == 0;
    if (!more && !install && !update) {
        return shell_usage("upload");
    }
    if (s_bytes == NULL) {
        shell_print("upload: nothing was begun: \"upload BYTES CRC\" is first");
        return SHELL_FAILED;
    }
    return more ? piece(argv[2], argv[3]) : finish(update, older);
}
