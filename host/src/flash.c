// SPDX-License-Identifier: Apache-2.0

// The image of the chip is a file: in the state directory, where it outlives the program, or in
// memory, where it outlives resets only.

#include "flash.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hal/esp_flash_err.h"
#include "host_flash.h"
#include "host_services.h"
#include "host_system.h"
#include "partition_table.h"

#define CHIP_MIN    (8u * 1024u * 1024u)
#define CHIP_MAX    (64u * 1024u * 1024u)
#define SECTORS_MAX (CHIP_MAX / FLASH_SECTOR)

// flash lock: protects all below. Leaf lock.
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *s_chip;
static const uint8_t *s_view;
static size_t s_size;
static host_flash_stats_t s_stats;
static uint32_t s_erases[SECTORS_MAX];
static bool s_cut_armed;
static uint64_t s_budget;
static host_power_cut_t s_cut_what;
static uint64_t s_cut_noise;
static bool s_off;

static int open_image(const host_config_t *cfg)
{
    char path[4096];
    if (cfg->state_dir == NULL) {
        int fd = host_inherited_flash_fd();
        if (fd < 0) {
            fd = memfd_create("board flash", 0);
            host_keep_flash_fd(fd);
        }
        return fd;
    }
    (void)mkdir(cfg->state_dir, 0777); // there already is the usual case; open() tells the rest
    snprintf(path, sizeof(path), "%s/flash.bin", cfg->state_dir);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
}

static bool map_image(int fd, size_t want)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        return false;
    }
    size_t have = (size_t)st.st_size;
    size_t size = have > want ? have / FLASH_SECTOR * FLASH_SECTOR : want;
    if (size > CHIP_MAX || (have < size && ftruncate(fd, (off_t)size) != 0)) {
        return false;
    }
    void *chip = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    void *view = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (chip == MAP_FAILED || view == MAP_FAILED) {
        return false;
    }
    s_chip = chip;
    s_view = view;
    s_size = size;
    if (have < size) {
        memset(s_chip + have, 0xff, size - have);
    }
    return true;
}

void host_flash_init(const host_config_t *cfg)
{
    size_t want = partition_table_load();
    if (s_chip != NULL) {
        munmap(s_chip, s_size);
        munmap((void *)(uintptr_t)s_view, s_size);
    }
    int fd = open_image(cfg);
    want = want > CHIP_MIN ? want : CHIP_MIN;
    if (!map_image(fd, want)) {
        fprintf(stderr, "host: cannot open the flash image in %s: %m\n",
                cfg->state_dir != NULL ? cfg->state_dir : "memory");
        _exit(1);
    }
    if (cfg->state_dir != NULL) {
        close(fd); // the mapping keeps the file
    }
    memset(&s_stats, 0, sizeof(s_stats));
    memset(s_erases, 0, sizeof(s_erases));
    host_flash_power_on();
    host_nvs_init();
}

static uint64_t noise_locked(void)
{
    s_cut_noise = s_cut_noise * 6364136223846793005u + 1442695040888963407u;
    return s_cut_noise >> 33;
}

// Takes cost from the budget. @return how much of it the power lasts for
static uint64_t spend_locked(uint64_t cost)
{
    if (!s_cut_armed) {
        return cost;
    }
    if (cost <= s_budget) {
        s_budget -= cost;
        return cost;
    }
    uint64_t part = s_budget;
    s_budget = 0;
    s_cut_armed = false;
    s_off = true;
    return part;
}

static esp_err_t after_cut(void)
{
    if (s_cut_what == HOST_POWER_CUT_RESETS) {
        host_reset(ESP_RST_BROWNOUT);
    }
    return ESP_ERR_FLASH_OP_FAIL;
}

static bool outside(uint32_t address, size_t size)
{
    return address > s_size || size > s_size - address;
}

esp_err_t flash_read(uint32_t address, void *to, size_t size)
{
    esp_err_t err = ESP_OK;
    pthread_mutex_lock(&s_lock);
    if (outside(address, size)) {
        err = ESP_ERR_INVALID_ARG;
    } else if (s_off) {
        err = ESP_ERR_FLASH_OP_FAIL;
    } else {
        memcpy(to, s_chip + address, size);
    }
    pthread_mutex_unlock(&s_lock);
    return err;
}

esp_err_t flash_write(uint32_t address, const void *from, size_t size)
{
    const uint8_t *src = from;
    pthread_mutex_lock(&s_lock);
    if (outside(address, size) || s_off) {
        esp_err_t err = s_off ? ESP_ERR_FLASH_OP_FAIL : ESP_ERR_INVALID_ARG;
        pthread_mutex_unlock(&s_lock);
        return err;
    }
    size_t lasts = (size_t)spend_locked(size);
    for (size_t i = 0; i < lasts; i++) {
        s_chip[address + i] &= src[i];
    }
    if (lasts < size) {
        s_chip[address + lasts] &= (uint8_t)(src[lasts] | noise_locked());
    }
    s_stats.writes++;
    s_stats.bytes_written += lasts;
    pthread_mutex_unlock(&s_lock);
    return lasts < size ? after_cut() : ESP_OK;
}

// An erase that the power did not last for may have raised most bits, a part of the sector, or
// hardly anything: so little that what is left looks like data in order.
static void tear_sector_locked(uint8_t *sector)
{
    uint64_t kind = noise_locked() % 3u;
    uint32_t edge = (uint32_t)(noise_locked() % FLASH_SECTOR);
    for (uint32_t i = 0; i < FLASH_SECTOR; i++) {
        uint64_t n = noise_locked();
        if (kind == 0) {
            sector[i] |= (n & 1u) != 0 ? 0xffu : (uint8_t)(n >> 8);
        } else if (kind == 1) {
            sector[i] |= i >= edge ? 0xffu : 0u;
        } else if ((n & 127u) == 0) {
            sector[i] |= (uint8_t)(1u << ((n >> 8) & 7u)); // one bit in 1024
        }
    }
}

esp_err_t flash_erase(uint32_t address, size_t size)
{
    bool cut = false;
    pthread_mutex_lock(&s_lock);
    if (outside(address, size) || address % FLASH_SECTOR != 0 || size % FLASH_SECTOR != 0 ||
        s_off) {
        esp_err_t err = s_off ? ESP_ERR_FLASH_OP_FAIL : ESP_ERR_INVALID_ARG;
        pthread_mutex_unlock(&s_lock);
        return err;
    }
    for (uint32_t at = address; at < address + size && !cut; at += FLASH_SECTOR) {
        cut = spend_locked(FLASH_SECTOR) < FLASH_SECTOR;
        if (cut) {
            tear_sector_locked(s_chip + at);
        } else {
            memset(s_chip + at, 0xff, FLASH_SECTOR);
        }
        uint32_t worn = ++s_erases[at / FLASH_SECTOR];
        s_stats.sectors_erased++;
        s_stats.most_erased = worn > s_stats.most_erased ? worn : s_stats.most_erased;
    }
    pthread_mutex_unlock(&s_lock);
    return cut ? after_cut() : ESP_OK;
}

const uint8_t *flash_view(void)
{
    return s_view;
}

size_t flash_size(void)
{
    return s_size;
}

void host_flash_get_stats(host_flash_stats_t *stats)
{
    pthread_mutex_lock(&s_lock);
    *stats = s_stats;
    pthread_mutex_unlock(&s_lock);
}

uint32_t host_flash_erase_count(uint32_t address)
{
    pthread_mutex_lock(&s_lock);
    uint32_t count = address < s_size ? s_erases[address / FLASH_SECTOR] : 0;
    pthread_mutex_unlock(&s_lock);
    return count;
}

void host_flash_cut_power_after(uint64_t budget, host_power_cut_t what, uint64_t seed)
{
    pthread_mutex_lock(&s_lock);
    s_cut_armed = true;
    s_budget = budget;
    s_cut_what = what;
    s_cut_noise = seed;
    pthread_mutex_unlock(&s_lock);
}

void host_flash_power_on(void)
{
    pthread_mutex_lock(&s_lock);
    s_cut_armed = false;
    s_off = false;
    pthread_mutex_unlock(&s_lock);
}

bool host_flash_is_off(void)
{
    pthread_mutex_lock(&s_lock);
    bool off = s_off;
    pthread_mutex_unlock(&s_lock);
    return off;
}

bool host_flash_peek(uint32_t address, void *to, size_t size)
{
    pthread_mutex_lock(&s_lock);
    bool inside = !outside(address, size);
    if (inside) {
        memcpy(to, s_chip + address, size);
    }
    pthread_mutex_unlock(&s_lock);
    return inside;
}

bool host_flash_poke(uint32_t address, const void *from, size_t size)
{
    pthread_mutex_lock(&s_lock);
    bool inside = !outside(address, size);
    if (inside) {
        memcpy(s_chip + address, from, size);
    }
    pthread_mutex_unlock(&s_lock);
    return inside;
}
