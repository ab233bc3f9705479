/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual board's folder of sound. */
#include "media_backend.h"

#include <errno.h>

#include "host_media.h"

static esp_err_t result(int error)
{
    switch (error) {
    case 0:
        return ESP_OK;
    case EFBIG:
        return ESP_ERR_NOT_SUPPORTED;
    case ENOENT:
    case ENOTDIR:
        return ESP_ERR_NOT_FOUND;
    default:
        return ESP_FAIL;
    }
}

esp_err_t media_backend_each(const char *folder, media_visit_t visit, void *arg)
{
    return result(host_media_each(folder, visit, arg));
}

esp_err_t media_backend_size(const char *path, uint32_t *size)
{
    return result(host_media_size(path, size));
}

esp_err_t media_backend_read(const char *path, uint32_t offset, void *to, size_t *size)
{
    return result(host_media_read(path, offset, to, size));
}
