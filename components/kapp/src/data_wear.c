/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much an app may write to flash: a bucket of bytes for its files and one for its tables in
 * NVS, which fill again in the course of an hour. They are in memory alone: a boot fills them.
 */
#include <inttypes.h>

#include "data_store.h"
#include "esp_attr.h"
#include "esp_log.h"
#include "esp_timer.h"
#include "system_service/error_codes.h"

static const char *TAG = "kapp_data";

#define HOUR_US INT64_C(3600000000)

/* Of each kind, in bytes: what an hour brings, and what a bucket holds. A whole storage can always
 * be written at once. */
#define FILES_PER_HOUR  (CONFIG_KAPP_APP_FILE_WRITES_KB * 1024)
#define TABLES_PER_HOUR (CONFIG_KAPP_APP_TABLE_WRITES_KB * 1024)
static const int32_t s_per_hour[DATA_WEAR_KINDS] = {FILES_PER_HOUR, TABLES_PER_HOUR};
static const int32_t s_room[DATA_WEAR_KINDS] = {
    FILES_PER_HOUR + CONFIG_KAPP_APP_STORAGE_KB * 1024,
    TABLES_PER_HOUR + CONFIG_KAPP_APP_SETTINGS_BYTES,
};

typedef struct {
    int64_t filled_us; /* until when it is filled up */
    int32_t bytes;     /* below 0: what was written could not be known before */
} bucket_t;

/* Under the data lock. */
typedef struct {
    uint32_t birth; /* whose */
    bool used;
    int64_t told_us; /* when it was said last that it writes too much; 0: never */
    bucket_t buckets[DATA_WEAR_KINDS];
} wear_t;
static EXT_RAM_BSS_ATTR wear_t s_wear[CONFIG_KAPP_MAX_INSTALLED];

void data_wear_init(void)
{
    for (unsigned i = 0; i < CONFIG_KAPP_MAX_INSTALLED; i++) {
        s_wear[i] = (wear_t){0};
    }
}

static void fill(bucket_t *bucket, unsigned kind, int64_t now_us)
{
    const int64_t missing = (int64_t)s_room[kind] - bucket->bytes;
    const int64_t elapsed_us = now_us - bucket->filled_us;
    if (elapsed_us / HOUR_US > missing / s_per_hour[kind]) { /* longer than it takes */
        bucket->bytes = s_room[kind];
        bucket->filled_us = now_us;
        return;
    }
    const int64_t gained = elapsed_us * s_per_hour[kind] / HOUR_US;
    bucket->bytes += (int32_t)(gained < missing ? gained : missing);
    bucket->filled_us += gained * HOUR_US / s_per_hour[kind]; /* parts of a byte are not lost */
}

static wear_t *wear_of(const data_owner_t *owner)
{
    wear_t *wear = &s_wear[owner->place];
    const int64_t now_us = esp_timer_get_time();
    if (!wear->used || wear->birth != owner->birth) {
        *wear = (wear_t){.birth = owner->birth, .used = true};
        for (unsigned kind = 0; kind < DATA_WEAR_KINDS; kind++) {
            wear->buckets[kind] = (bucket_t){now_us, s_room[kind]};
        }
    }
    for (unsigned kind = 0; kind < DATA_WEAR_KINDS; kind++) {
        if (s_per_hour[kind] != 0) {
            fill(&wear->buckets[kind], kind, now_us);
        }
    }
    return wear;
}

static bool has(const wear_t *wear, unsigned kind, uint32_t bytes)
{
    return s_per_hour[kind] == 0 || wear->buckets[kind].bytes >= (int32_t)bytes;
}

static void charge(wear_t *wear, unsigned kind, uint32_t bytes)
{
    if (s_per_hour[kind] != 0) {
        wear->buckets[kind].bytes -= (int32_t)bytes;
    }
}

static void tell(wear_t *wear, const data_owner_t *owner)
{
    const store_directory_t *directory;
    const int64_t now_us = esp_timer_get_time();
    const bool due = wear->told_us == 0 || now_us - wear->told_us >= HOUR_US;
    if (due && store_look(&directory) == ESP_OK) {
        ESP_LOGW(TAG, "%s writes too much to flash: refused for now",
                 directory->entries[owner->place].id);
        store_look_end();
        wear->told_us = now_us;
    }
}

esp_err_t data_wear_take(const data_owner_t *owner, uint32_t file_bytes, uint32_t table_bytes)
{
    wear_t *wear = wear_of(owner);
    if (!has(wear, DATA_WEAR_FILES, file_bytes) || !has(wear, DATA_WEAR_TABLES, table_bytes)) {
        tell(wear, owner);
        return ESP_ERR_KAPP_DATA_WEAR;
    }
    charge(wear, DATA_WEAR_FILES, file_bytes);
    charge(wear, DATA_WEAR_TABLES, table_bytes);
    return ESP_OK;
}

void data_wear_add(const data_owner_t *owner, uint32_t table_bytes)
{
    charge(wear_of(owner), DATA_WEAR_TABLES, table_bytes);
}
