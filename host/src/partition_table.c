// SPDX-License-Identifier: Apache-2.0

// Reads partitions.csv by the rules of ESP-IDF's tool: name, type, subtype, offset, size, flags;
// an empty offset means right after the one before, applications on 64 KB.

#include "partition_table.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "flash.h"
#include "host_flash.h"
#include "host_heap.h"
#include "host_services.h"
#include "host_system.h"

#ifndef HOST_PROJECT_DIR
#define HOST_PROJECT_DIR "."
#endif
#define FIRST_OFFSET 0x9000u // the table itself is at 0x8000
#define APP_ALIGN    0x10000u
#define FIELDS       6
#define TEXT_MAX     16384u

// In force where the project has no partitions.csv.
static const char s_plain_table[] = "nvs,      data, nvs,     0x9000,  24K\n"
                                    "phy_init, data, phy,     0xf000,  4K\n"
                                    "factory,  app,  factory, 0x10000, 2M\n"
                                    "storage,  data, fat,     ,        1M\n";

typedef struct {
    const char *name;
    int value;
} word_t;

static const word_t s_types[] = {{"app", ESP_PARTITION_TYPE_APP},
                                 {"data", ESP_PARTITION_TYPE_DATA},
                                 {"bootloader", ESP_PARTITION_TYPE_BOOTLOADER},
                                 {"partition_table", ESP_PARTITION_TYPE_PARTITION_TABLE}};
static const word_t s_app_subtypes[] = {{"factory", ESP_PARTITION_SUBTYPE_APP_FACTORY},
                                        {"test", ESP_PARTITION_SUBTYPE_APP_TEST}};
static const word_t s_data_subtypes[] = {{"ota", ESP_PARTITION_SUBTYPE_DATA_OTA},
                                         {"phy", ESP_PARTITION_SUBTYPE_DATA_PHY},
                                         {"nvs", ESP_PARTITION_SUBTYPE_DATA_NVS},
                                         {"coredump", ESP_PARTITION_SUBTYPE_DATA_COREDUMP},
                                         {"nvs_keys", ESP_PARTITION_SUBTYPE_DATA_NVS_KEYS},
                                         {"efuse", ESP_PARTITION_SUBTYPE_DATA_EFUSE_EM},
                                         {"undefined", ESP_PARTITION_SUBTYPE_DATA_UNDEFINED},
                                         {"esphttpd", ESP_PARTITION_SUBTYPE_DATA_ESPHTTPD},
                                         {"fat", ESP_PARTITION_SUBTYPE_DATA_FAT},
                                         {"spiffs", ESP_PARTITION_SUBTYPE_DATA_SPIFFS},
                                         {"littlefs", ESP_PARTITION_SUBTYPE_DATA_LITTLEFS}};
#define WORDS(table) (table), sizeof(table) / sizeof((table)[0])

static esp_partition_t s_table[PARTITIONS_MAX];
static size_t s_count;
static char *s_own_text;

void host_flash_use_table(const char *csv)
{
    host_libc_free(s_own_text);
    s_own_text = NULL;
    if (csv != NULL) {
        size_t size = strlen(csv) + 1;
        s_own_text = host_libc_malloc(size);
        if (s_own_text != NULL) {
            memcpy(s_own_text, csv, size);
        }
    }
    if (host_inherited_flash_fd() >= 0) {
        close(host_inherited_flash_fd());
        host_keep_flash_fd(-1);
    }
}

static void bad_line(int line, const char *why)
{
    host_panic("partition table, line %d: %s", line, why);
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1])) {
        text[--n] = '\0';
    }
    return text;
}

static bool parse_number(const char *text, uint32_t *value)
{
    char *end;
    unsigned shift = 0;
    if (!isdigit((unsigned char)text[0])) { /* strtoul() would read "-1" */
        return false;
    }
    errno = 0;
    const unsigned long n = strtoul(text, &end, 0);
    if (*end == 'K' || *end == 'k') {
        shift = 10;
        end++;
    } else if (*end == 'M' || *end == 'm') {
        shift = 20;
        end++;
    }
    if (*end != '\0' || errno != 0 || n > UINT32_MAX >> shift) {
        return false;
    }
    *value = (uint32_t)n << shift;
    return true;
}

static bool parse_word(const char *text, const word_t *words, size_t count, uint32_t *value)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i].name) == 0) {
            *value = (uint32_t)words[i].value;
            return true;
        }
    }
    return parse_number(text, value);
}

static bool parse_subtype(const char *text, uint32_t type, uint32_t *value)
{
    if (type == ESP_PARTITION_TYPE_APP && strncmp(text, "ota_", 4) == 0) {
        char *end;
        const unsigned long slot = strtoul(text + 4, &end, 10);
        *value = ESP_PARTITION_SUBTYPE_APP_OTA_MIN + (uint32_t)slot;
        return isdigit((unsigned char)text[4]) && *end == '\0' &&
               slot < ESP_PARTITION_SUBTYPE_APP_OTA_MAX - ESP_PARTITION_SUBTYPE_APP_OTA_MIN;
    }
    if (type == ESP_PARTITION_TYPE_APP) {
        return parse_word(text, WORDS(s_app_subtypes), value);
    }
    if (*text == '\0') {
        *value = type == ESP_PARTITION_TYPE_DATA ? ESP_PARTITION_SUBTYPE_DATA_UNDEFINED : 0;
        return true;
    }
    return parse_word(text, WORDS(s_data_subtypes), value);
}

static void parse_line(char *text, int line, uint32_t *next)
{
    char *field[FIELDS] = {"", "", "", "", "", ""};
    char *rest = text;
    for (int i = 0; i < FIELDS && rest != NULL; i++) {
        field[i] = trim(strsep(&rest, ","));
    }
    uint32_t type;
    uint32_t subtype;
    uint32_t size;
    uint32_t align = FLASH_SECTOR;
    if (s_count == PARTITIONS_MAX) {
        bad_line(line, "too many partitions");
    }
    if (strlen(field[0]) > 16 || !parse_word(field[1], WORDS(s_types), &type) ||
        !parse_subtype(field[2], type, &subtype) || !parse_number(field[4], &size)) {
        bad_line(line, "cannot be read");
    }
    if (type == ESP_PARTITION_TYPE_APP) {
        align = APP_ALIGN;
    }
    uint32_t offset = (*next + align - 1) / align * align;
    if (field[3][0] != '\0' && !parse_number(field[3], &offset)) {
        bad_line(line, "has an offset that cannot be read");
    }
    if (offset < *next || offset % align != 0 || size == 0 || size % FLASH_SECTOR != 0 ||
        size > UINT32_MAX - offset) {
        bad_line(line, "overlaps the one before, is not aligned, or ends beyond 4 GB");
    }
    esp_partition_t *p = &s_table[s_count++];
    *p = (esp_partition_t){
        .type = (esp_partition_type_t)type,
        .subtype = (esp_partition_subtype_t)subtype,
        .address = offset,
        .size = size,
        .erase_size = FLASH_SECTOR,
        .readonly = strstr(field[5], "readonly") != NULL,
    };
    snprintf(p->label, sizeof(p->label), "%s", field[0]);
    *next = offset + size;
}

static void parse(char *text)
{
    uint32_t next = FIRST_OFFSET;
    int line = 0;
    s_count = 0;
    for (char *rest = text; rest != NULL;) {
        char *one = strsep(&rest, "\n");
        line++;
        one[strcspn(one, "#")] = '\0';
        one = trim(one);
        if (*one != '\0') {
            parse_line(one, line, &next);
        }
    }
}

static bool read_project_table(char *text, size_t room)
{
    FILE *file = fopen(HOST_PROJECT_DIR "/partitions.csv", "re");
    if (file == NULL) {
        return false;
    }
    size_t n = fread(text, 1, room - 1, file);
    fclose(file);
    text[n] = '\0';
    return true;
}

size_t partition_table_load(void)
{
    static char s_text[TEXT_MAX];
    if (s_own_text != NULL) {
        snprintf(s_text, sizeof(s_text), "%s", s_own_text);
    } else if (!read_project_table(s_text, sizeof(s_text))) {
        snprintf(s_text, sizeof(s_text), "%s", s_plain_table);
    }
    parse(s_text);
    size_t end = 0;
    for (size_t i = 0; i < s_count; i++) {
        size_t stop = (size_t)s_table[i].address + s_table[i].size;
        end = stop > end ? stop : end;
    }
    return end;
}

const esp_partition_t *partition_table_get(size_t i)
{
    return i < s_count ? &s_table[i] : NULL;
}
