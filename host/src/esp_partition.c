// SPDX-License-Identifier: Apache-2.0

// Partitions: found by kind and name, read, written and erased within their bounds.

#include "esp_partition.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "flash.h"
#include "host_system.h"
#include "partition_table.h"
#include "sha256.h"

#define MAPPINGS_MAX 64 // as many 64 KB pages as the device has for data at most, roughly

struct esp_partition_iterator_opaque_ {
    esp_partition_type_t type;
    esp_partition_subtype_t subtype;
    const char *label;
    size_t next;
    const esp_partition_t *current;
};

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER; // protects s_mapped
static uint64_t s_mapped;

static bool matches(const esp_partition_t *p, esp_partition_type_t type,
                    esp_partition_subtype_t subtype, const char *label)
{
    return (type == ESP_PARTITION_TYPE_ANY || type == p->type) &&
           (subtype == ESP_PARTITION_SUBTYPE_ANY || subtype == p->subtype) &&
           (label == NULL || strcmp(label, p->label) == 0);
}

static const esp_partition_t *find_from(size_t *next, esp_partition_type_t type,
                                        esp_partition_subtype_t subtype, const char *label)
{
    const esp_partition_t *p;
    while ((p = partition_table_get(*next)) != NULL) {
        (*next)++;
        if (matches(p, type, subtype, label)) {
            return p;
        }
    }
    return NULL;
}

esp_partition_iterator_t esp_partition_find(esp_partition_type_t type,
                                            esp_partition_subtype_t subtype, const char *label)
{
    // Any subtype of no particular type is all that "any" can mean.
    if (type == ESP_PARTITION_TYPE_ANY && subtype != ESP_PARTITION_SUBTYPE_ANY) {
        return NULL;
    }
    esp_partition_iterator_t it = calloc(1, sizeof(*it));
    if (it == NULL) {
        return NULL;
    }
    it->type = type;
    it->subtype = subtype;
    it->label = label;
    return esp_partition_next(it);
}

const esp_partition_t *esp_partition_find_first(esp_partition_type_t type,
                                                esp_partition_subtype_t subtype, const char *label)
{
    size_t next = 0;
    if (type == ESP_PARTITION_TYPE_ANY && subtype != ESP_PARTITION_SUBTYPE_ANY) {
        return NULL;
    }
    return find_from(&next, type, subtype, label);
}

const esp_partition_t *esp_partition_get(esp_partition_iterator_t iterator)
{
    assert(iterator != NULL);
    return iterator->current;
}

esp_partition_iterator_t esp_partition_next(esp_partition_iterator_t iterator)
{
    assert(iterator != NULL);
    iterator->current =
        find_from(&iterator->next, iterator->type, iterator->subtype, iterator->label);
    if (iterator->current == NULL) {
        esp_partition_iterator_release(iterator);
        return NULL;
    }
    return iterator;
}

void esp_partition_iterator_release(esp_partition_iterator_t iterator)
{
    free(iterator);
}

bool esp_partition_check_identity(const esp_partition_t *partition_1,
                                  const esp_partition_t *partition_2)
{
    if (partition_1 == NULL || partition_2 == NULL) {
        return false;
    }
    return partition_1->flash_chip == partition_2->flash_chip &&
           partition_1->type == partition_2->type && partition_1->subtype == partition_2->subtype &&
           partition_1->address == partition_2->address && partition_1->size == partition_2->size &&
           strcmp(partition_1->label, partition_2->label) == 0;
}

const esp_partition_t *esp_partition_verify(const esp_partition_t *partition)
{
    assert(partition != NULL);
    const esp_partition_t *p;
    for (size_t i = 0; (p = partition_table_get(i)) != NULL; i++) {
        if (p->address == partition->address && p->size == partition->size &&
            p->type == partition->type && p->subtype == partition->subtype &&
            (partition->label[0] == '\0' || strcmp(p->label, partition->label) == 0)) {
            return p;
        }
    }
    return NULL;
}

static esp_err_t check_range(const esp_partition_t *p, size_t offset, size_t size)
{
    assert(p != NULL);
    host_refuse_isr("esp_partition access");
    if (offset > p->size) {
        return ESP_ERR_INVALID_ARG;
    }
    return size > p->size - offset ? ESP_ERR_INVALID_SIZE : ESP_OK;
}

esp_err_t esp_partition_read(const esp_partition_t *partition, size_t src_offset, void *dst,
                             size_t size)
{
    esp_err_t err = check_range(partition, src_offset, size);
    return err != ESP_OK ? err : flash_read(partition->address + (uint32_t)src_offset, dst, size);
}

esp_err_t esp_partition_write(const esp_partition_t *partition, size_t dst_offset, const void *src,
                              size_t size)
{
    assert(partition != NULL);
    if (partition->readonly) {
        return ESP_ERR_NOT_ALLOWED;
    }
    esp_err_t err = check_range(partition, dst_offset, size);
    return err != ESP_OK ? err : flash_write(partition->address + (uint32_t)dst_offset, src, size);
}

esp_err_t esp_partition_read_raw(const esp_partition_t *partition, size_t src_offset, void *dst,
                                 size_t size)
{
    return esp_partition_read(partition, src_offset, dst, size);
}

esp_err_t esp_partition_write_raw(const esp_partition_t *partition, size_t dst_offset,
                                  const void *src, size_t size)
{
    return esp_partition_write(partition, dst_offset, src, size);
}

esp_err_t esp_partition_erase_range(const esp_partition_t *partition, size_t offset, size_t size)
{
    assert(partition != NULL);
    if (partition->readonly) {
        return ESP_ERR_NOT_ALLOWED;
    }
    esp_err_t err = check_range(partition, offset, size);
    if (err != ESP_OK) {
        return err;
    }
    if (size % FLASH_SECTOR != 0) {
        return ESP_ERR_INVALID_SIZE;
    }
    if (offset % FLASH_SECTOR != 0) {
        return ESP_ERR_INVALID_ARG;
    }
    return flash_erase(partition->address + (uint32_t)offset, size);
}

esp_err_t esp_partition_mmap(const esp_partition_t *partition, size_t offset, size_t size,
                             esp_partition_mmap_memory_t memory, const void **out_ptr,
                             esp_partition_mmap_handle_t *out_handle)
{
    esp_err_t err = check_range(partition, offset, size);
    if (err != ESP_OK) {
        return err;
    }
    if (memory == ESP_PARTITION_MMAP_INST) {
        return ESP_ERR_NOT_SUPPORTED; // device code cannot be executed here
    }
    pthread_mutex_lock(&s_lock);
    if (s_mapped == UINT64_MAX) {
        err = ESP_ERR_NO_MEM;
    } else {
        uint32_t slot = (uint32_t)__builtin_ctzll(~s_mapped);
        s_mapped |= 1ull << slot;
        *out_ptr = flash_view() + partition->address + offset;
        *out_handle = slot + 1;
    }
    pthread_mutex_unlock(&s_lock);
    return err;
}

void esp_partition_munmap(esp_partition_mmap_handle_t handle)
{
    if (handle == 0 || handle > MAPPINGS_MAX) {
        return;
    }
    pthread_mutex_lock(&s_lock);
    s_mapped &= ~(1ull << (handle - 1));
    pthread_mutex_unlock(&s_lock);
}

esp_err_t esp_partition_get_sha256(const esp_partition_t *partition, uint8_t *sha_256)
{
    if (partition == NULL || sha_256 == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    sha256_of(flash_view() + partition->address, partition->size, sha_256);
    return ESP_OK;
}

uint32_t esp_partition_get_main_flash_sector_size(void)
{
    return FLASH_SECTOR;
}
