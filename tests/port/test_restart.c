// SPDX-License-Identifier: Apache-2.0

// Three lives of one board: power-on, esp_restart(), panic. The program starts itself again each
// time; what it finds then is what a device would find.

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "esp_attr.h"
#include "esp_log.h"
#include "esp_system.h"
#include "lives.h"
#include "nvs.h"
#include "nvs_flash.h"

#define MARK 0xc0ffee42u

static RTC_NOINIT_ATTR uint32_t s_mark;
static RTC_NOINIT_ATTR uint32_t s_life;
static __NOINIT_ATTR uint32_t s_noinit;
static uint32_t s_ordinary = 7;
static bool s_survived_arguments;

static uint32_t stored_life(nvs_handle_t *handle)
{
    uint32_t life = 0;
    lives_check(nvs_flash_init() == ESP_OK, "storage opens");
    lives_check(nvs_open("restart", NVS_READWRITE, handle) == ESP_OK, "namespace opens");
    (void)nvs_get_u32(*handle, "life", &life);
    return life;
}

static void first_life(nvs_handle_t handle)
{
    lives_check(esp_reset_reason() == ESP_RST_POWERON, "power-on is reported");
    lives_check(s_mark != MARK || s_noinit != MARK, "memory is noise after power-on");
    s_mark = MARK;
    s_noinit = MARK;
    s_life = 1;
    s_ordinary = 99;
    lives_check(nvs_set_u32(handle, "life", 1) == ESP_OK, "value is stored");
    esp_restart();
}

static void second_life(nvs_handle_t handle)
{
    lives_check(esp_reset_reason() == ESP_RST_SW, "restart is reported");
    lives_check(s_mark == MARK && s_noinit == MARK && s_life == 1, "no-init memory survived");
    lives_check(s_ordinary == 7, "other memory did not");
    s_life = 2;
    lives_check(nvs_set_u32(handle, "life", 2) == ESP_OK, "value is stored");
    abort();
}

static void third_life(void)
{
    lives_check(esp_reset_reason() == ESP_RST_PANIC, "panic is reported");
    lives_check(s_mark == MARK && s_life == 2, "no-init memory survived the panic");
    host_exit(0);
}

static void live(void *arg)
{
    nvs_handle_t handle;
    (void)arg;
    uint32_t life = stored_life(&handle);
    lives_check(life == host_boot_count(), "flash remembers the life before");
    lives_check(s_survived_arguments, "arguments are those of the first start");
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
    // Start once more with an argument that every later life must see.
    if (argc == 1) {
        char *again[] = {argv[0], "argument with spaces", "", NULL};
        execv("/proc/self/exe", again);
        return 1;
    }
    s_survived_arguments =
        argc == 3 && strcmp(argv[1], "argument with spaces") == 0 && argv[2][0] == '\0';
    return lives_run(HOST_SCHED_THREADS, live, 3);
}
