// SPDX-License-Identifier: Apache-2.0

// Three lives of one board: power-on, esp_restart(), panic. The program starts itself again each
// time; what it finds then is what a device would find.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "esp_attr.h"
#include "esp_log.h"
#include "esp_system.h"
#include "host_control.h"
#include "host_system.h"
#include "nvs.h"
#include "nvs_flash.h"

#define MARK 0xc0ffee42u

static RTC_NOINIT_ATTR uint32_t s_mark;
static RTC_NOINIT_ATTR uint32_t s_life;
static __NOINIT_ATTR uint32_t s_noinit;
static uint32_t s_ordinary = 7;
static bool s_survived_arguments;

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "life %u: failed: %s\n", (unsigned)host_boot_count(), what);
        _Exit(1);
    }
}

static uint32_t stored_life(nvs_handle_t *handle)
{
    uint32_t life = 0;
    check(nvs_flash_init() == ESP_OK, "storage opens");
    check(nvs_open("restart", NVS_READWRITE, handle) == ESP_OK, "namespace opens");
    (void)nvs_get_u32(*handle, "life", &life);
    return life;
}

static void first_life(nvs_handle_t handle)
{
    check(esp_reset_reason() == ESP_RST_POWERON, "power-on is reported");
    check(s_mark != MARK || s_noinit != MARK, "memory is noise after power-on");
    s_mark = MARK;
    s_noinit = MARK;
    s_life = 1;
    s_ordinary = 99;
    check(nvs_set_u32(handle, "life", 1) == ESP_OK, "value is stored");
    esp_restart();
}

static void second_life(nvs_handle_t handle)
{
    check(esp_reset_reason() == ESP_RST_SW, "restart is reported");
    check(s_mark == MARK && s_noinit == MARK && s_life == 1, "no-init memory survived");
    check(s_ordinary == 7, "other memory did not");
    s_life = 2;
    check(nvs_set_u32(handle, "life", 2) == ESP_OK, "value is stored");
    abort();
}

static void third_life(void)
{
    check(esp_reset_reason() == ESP_RST_PANIC, "panic is reported");
    check(s_mark == MARK && s_life == 2, "no-init memory survived the panic");
    host_exit(0);
}

static void live(void *arg)
{
    nvs_handle_t handle;
    (void)arg;
    uint32_t life = stored_life(&handle);
    check(life == host_boot_count(), "flash remembers the life before");
    check(s_survived_arguments, "arguments are those of the first start");
    if (life == 0) {
        first_life(handle);
    } else if (life == 1) {
        second_life(handle);
    } else {
        third_life();
    }
}

int main(int argc, char **argv)
{
    const host_config_t config = {.quiet = true, .seed = 5};
    // Start once more with an argument that every later life must see.
    if (argc == 1) {
        char *again[] = {argv[0], "argument with spaces", "", NULL};
        execv("/proc/self/exe", again);
        return 1;
    }
    s_survived_arguments =
        argc == 3 && strcmp(argv[1], "argument with spaces") == 0 && argv[2][0] == '\0';
    int code = host_boot(&config, live, NULL);
    if (code != 0 || host_boot_count() != 2) {
        fprintf(stderr, "ended with %d in life %u\n", code, (unsigned)host_boot_count());
        return 1;
    }
    puts("three lives, one board");
    return 0;
}
