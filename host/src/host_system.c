// SPDX-License-Identifier: Apache-2.0

// Resets: the process starts itself again with the same arguments. What survives (the reason, the
// no-init sections, the descriptor of a flash image in memory) travels in a memory file whose
// number is in the environment.

#include "heap_wrap.h"
#include "host_system.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "esp_attr.h"
#include "esp_rom_crc.h"
#include "host_heap.h"
#include "host_panic.h"
#include "host_services.h"
#include "record.h"

#define STATE_ENV   "KRAKEN_HOST_STATE_FD"
#define STATE_MAGIC 0x4b424f41u
#define ARGS_MAX    (128u * 1024u)

typedef struct {
    uint32_t magic;
    uint32_t boot_count;
    int32_t reason;
    int32_t flash_fd;
    uint64_t rtc_size;
    uint64_t noinit_size;
} state_t;

// The linker gives the bounds of a section whose name is an identifier, if anybody uses it.
extern uint8_t __start_host_rtc_noinit[] __attribute__((weak));
extern uint8_t __stop_host_rtc_noinit[] __attribute__((weak));
extern uint8_t __start_host_noinit[] __attribute__((weak));
extern uint8_t __stop_host_noinit[] __attribute__((weak));

// Coverage builds write their counters when the process ends in order; we often do not.
extern void __gcov_dump(void) __attribute__((weak));

static esp_reset_reason_t s_reason = ESP_RST_POWERON;
static uint32_t s_boot_count;
static int s_flash_fd = -1;
static bool s_inherited; // this process was started by a reset
static bool s_next_is_reset;
static esp_reset_reason_t s_next_reason;

static size_t section_size(const uint8_t *start, const uint8_t *stop)
{
    return start == NULL ? 0 : (size_t)(stop - start);
}

static bool read_all(int fd, void *to, size_t size)
{
    uint8_t *p = to;
    while (size > 0) {
        ssize_t n = read(fd, p, size);
        if (n <= 0) {
            return false;
        }
        p += n;
        size -= (size_t)n;
    }
    return true;
}

static bool write_all(int fd, const void *from, size_t size)
{
    const uint8_t *p = from;
    while (size > 0) {
        ssize_t n = write(fd, p, size);
        if (n <= 0) {
            return false;
        }
        p += n;
        size -= (size_t)n;
    }
    return true;
}

// Before main(): the sections must be as they were before any code looks at them.
__attribute__((constructor)) static void inherit(void)
{
    const char *number = getenv(STATE_ENV);
    if (number == NULL) {
        return;
    }
    char *end;
    const long value = strtol(number, &end, 10);
    const bool valid = end != number && *end == '\0' && value >= 0 && value <= INT_MAX;
    unsetenv(STATE_ENV);
    if (!valid) {
        return; // not written by the board: a power-on
    }
    const int fd = (int)value;
    size_t rtc = section_size(__start_host_rtc_noinit, __stop_host_rtc_noinit);
    size_t noinit = section_size(__start_host_noinit, __stop_host_noinit);
    state_t state;
    if (lseek(fd, 0, SEEK_SET) == 0 && read_all(fd, &state, sizeof(state)) &&
        state.magic == STATE_MAGIC && state.rtc_size == rtc && state.noinit_size == noinit &&
        read_all(fd, __start_host_rtc_noinit, rtc) && read_all(fd, __start_host_noinit, noinit)) {
        s_inherited = true;
        s_boot_count = state.boot_count;
        s_reason = (esp_reset_reason_t)state.reason;
        s_flash_fd = state.flash_fd;
    }
    close(fd);
}

// RAM holds noise after power-on; code that trusts it without a check shall notice on the PC.
static void fill_noise(uint8_t *start, size_t size, uint64_t seed)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + 0x1234567u;
    for (size_t i = 0; i < size; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        start[i] = (uint8_t)x;
    }
}

void host_system_init(const host_config_t *cfg)
{
    host_wdt_reset();
    if (s_inherited) {
        s_inherited = false; // a second boot in this process is one of its own
        return;
    }
    if (s_next_is_reset) {
        s_next_is_reset = false;
        s_reason = s_next_reason;
        s_boot_count++;
        return;
    }
    s_reason = ESP_RST_POWERON;
    s_boot_count = 0;
    fill_noise(__start_host_rtc_noinit,
               section_size(__start_host_rtc_noinit, __stop_host_rtc_noinit), cfg->seed);
    fill_noise(__start_host_noinit, section_size(__start_host_noinit, __stop_host_noinit),
               cfg->seed + 1);
}

uint32_t host_noinit_digest(void)
{
    const uint32_t crc =
        esp_rom_crc32_le(0, __start_host_rtc_noinit,
                         (uint32_t)section_size(__start_host_rtc_noinit, __stop_host_rtc_noinit));
    return esp_rom_crc32_le(crc, __start_host_noinit,
                            (uint32_t)section_size(__start_host_noinit, __stop_host_noinit));
}

esp_reset_reason_t esp_reset_reason(void)
{
    return s_reason;
}

uint32_t host_boot_count(void)
{
    return s_boot_count;
}

void host_next_boot_is_reset(esp_reset_reason_t reason)
{
    s_next_is_reset = true;
    s_next_reason = reason;
}

int host_inherited_flash_fd(void)
{
    return s_flash_fd;
}

void host_keep_flash_fd(int fd)
{
    s_flash_fd = fd;
}

// A reset stops all tasks at once, in the middle of whatever they write; here they go on for a
// moment. So this may see half of a record, as the chip's memory may hold half of it, and that is
// no race.
__attribute__((no_sanitize("thread"))) static bool write_memory(int fd, const uint8_t *from,
                                                                size_t size)
{
    uint8_t copy[256];
    while (size > 0) {
        const size_t n = size < sizeof(copy) ? size : sizeof(copy);
        for (size_t i = 0; i < n; i++) {
            copy[i] = ((const volatile uint8_t *)from)[i];
        }
        if (!write_all(fd, copy, n)) {
            return false;
        }
        from += n;
        size -= n;
    }
    return true;
}

static int save_state(esp_reset_reason_t reason)
{
    state_t state = {
        .magic = STATE_MAGIC,
        .boot_count = s_boot_count + 1,
        .reason = (int32_t)reason,
        .flash_fd = s_flash_fd,
        .rtc_size = section_size(__start_host_rtc_noinit, __stop_host_rtc_noinit),
        .noinit_size = section_size(__start_host_noinit, __stop_host_noinit),
    };
    int fd = memfd_create("board state", 0);
    if (fd < 0 || !write_all(fd, &state, sizeof(state)) ||
        !write_memory(fd, __start_host_rtc_noinit, (size_t)state.rtc_size) ||
        !write_memory(fd, __start_host_noinit, (size_t)state.noinit_size)) {
        return -1;
    }
    return fd;
}

// The arguments this process was started with, from the kernel: nobody passed us argv.
static char **own_arguments(void)
{
    char *text = host_libc_malloc(ARGS_MAX);
    char **argv = host_libc_calloc(ARGS_MAX / 2, sizeof(*argv));
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (text == NULL || argv == NULL || fd < 0) {
        return NULL;
    }
    size_t length = 0;
    ssize_t n;
    while (length < ARGS_MAX - 1 && (n = read(fd, text + length, ARGS_MAX - 1 - length)) > 0) {
        length += (size_t)n;
    }
    close(fd);
    text[length] = '\0';
    size_t count = 0;
    for (size_t at = 0; at < length; at += strlen(text + at) + 1) {
        argv[count++] = text + at;
    }
    return argv;
}

static void dump_coverage(void)
{
    heap_wrap_bypass(); // it allocates, and a panic may come from within the heap
    if (__gcov_dump != NULL) {
        __gcov_dump();
    }
}

static void (*s_at_end)(void);

void host_at_end(void (*leave)(void))
{
    s_at_end = leave;
}

/** The process ends, or begins anew as another: nothing of atexit() is called. */
static void leave(void)
{
    void (*const last)(void) = s_at_end;
    s_at_end = NULL;
    if (last != NULL) {
        last();
    }
}

void host_quit(int code)
{
    leave();
    fflush(NULL);
    dump_coverage();
    _exit(code);
}

static void end_process(int code) __attribute__((noreturn));
static void end_process(int code)
{
    record_end(END_EXIT, code);
    host_quit(code);
}

static void start_again(esp_reset_reason_t reason) __attribute__((noreturn));
static void start_again(esp_reset_reason_t reason)
{
    int fd = save_state(reason);
    char **argv = own_arguments();
    char number[16];
    snprintf(number, sizeof(number), "%d", fd);
    if (fd < 0 || argv == NULL || setenv(STATE_ENV, number, 1) != 0) {
        fprintf(stderr, "host: cannot keep the state over a reset: %s\n", strerror(errno));
        end_process(HOST_EXIT_RESTART);
    }
    record_end(END_RESET, (int)reason);
    leave();
    fflush(NULL);
    dump_coverage();
    execv("/proc/self/exe", argv);
    fprintf(stderr, "host: cannot start again: %s\n", strerror(errno));
    end_process(HOST_EXIT_RESTART);
}

static bool stays_down(void)
{
    return !host_is_running() || host_config()->restart_exits;
}

void host_reset(esp_reset_reason_t reason)
{
    steer_before_end();
    if (!stays_down()) {
        start_again(reason);
    }
    host_next_boot_is_reset(reason);
    if (host_is_running() && !host_in_isr()) {
        host_exit(HOST_EXIT_RESTART);
    }
    end_process(HOST_EXIT_RESTART);
}

void host_panic_reset(esp_reset_reason_t reason)
{
    if (!stays_down()) {
        start_again(reason);
    }
    end_process(HOST_EXIT_PANIC);
}
