// SPDX-License-Identifier: Apache-2.0

// What the running program says about itself. Its hash is that of the executable file; the times of
// compilation stay empty, so that two builds of the same sources are the same.

#include "esp_app_desc.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "esp_idf_version.h"
#include "sha256.h"

#ifndef PROJECT_VER
#define PROJECT_VER "1"
#endif
#ifndef PROJECT_NAME
#define PROJECT_NAME "kraken-os"
#endif

static esp_app_desc_t s_desc;
static pthread_once_t s_once = PTHREAD_ONCE_INIT;

static void hash_program(uint8_t digest[SHA256_BYTES])
{
    struct stat st;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &st) == 0) {
        void *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (file != MAP_FAILED) {
            sha256_of(file, (size_t)st.st_size, digest);
            munmap(file, (size_t)st.st_size);
        }
    }
    close(fd);
}

static void describe(void)
{
    s_desc.magic_word = ESP_APP_DESC_MAGIC_WORD;
    snprintf(s_desc.version, sizeof(s_desc.version), "%s", PROJECT_VER);
    snprintf(s_desc.project_name, sizeof(s_desc.project_name), "%s", PROJECT_NAME);
    snprintf(s_desc.idf_ver, sizeof(s_desc.idf_ver), "%s", esp_get_idf_version());
    s_desc.mmu_page_size = 16; // log2 of 64 KB
    hash_program(s_desc.app_elf_sha256);
}

const esp_app_desc_t *esp_app_get_description(void)
{
    pthread_once(&s_once, describe);
    return &s_desc;
}

int esp_app_get_elf_sha256(char *dst, size_t size)
{
    const esp_app_desc_t *desc = esp_app_get_description();
    size_t n = 0;
    if (dst == NULL || size == 0) {
        return 0;
    }
    while (n / 2 < sizeof(desc->app_elf_sha256) && n + 2 < size) {
        snprintf(dst + n, 3, "%02x", desc->app_elf_sha256[n / 2]);
        n += 2;
    }
    dst[n] = '\0';
    return (int)n + 1;
}
