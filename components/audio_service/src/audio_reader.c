/* SPDX-License-Identifier: Apache-2.0 */
#include "audio_decoder.h"

#include <string.h>

void audio_reader_init(audio_reader_t *reader, const audio_source_t *source)
{
    reader->source = *source;
    reader->at = 0;
    reader->filled = 0;
}

/** Let the window begin at an offset within the file. */
static esp_err_t fill(audio_reader_t *reader, uint32_t offset)
{
    size_t size = reader->source.size - offset;
    size = size < sizeof(reader->window) ? size : sizeof(reader->window);
    const size_t wanted = size;
    reader->filled = 0;
    const esp_err_t ret = reader->source.read(reader->source.arg, offset, reader->window, &size);
    if (ret == ESP_OK) {
        reader->at = offset;
        reader->filled = (uint32_t)(size < wanted ? size : wanted);
    }
    return ret;
}

esp_err_t audio_reader_some(audio_reader_t *reader, uint32_t offset, void *to, size_t size,
                            size_t *got)
{
    uint8_t *out = to;
    *got = 0;
    while (*got < size && offset < reader->source.size) {
        if (offset < reader->at || offset - reader->at >= reader->filled) {
            const esp_err_t ret = fill(reader, offset);
            if (ret != ESP_OK) {
                return ret;
            }
            if (reader->filled == 0) { /* it has become shorter */
                break;
            }
        }
        const size_t there = reader->filled - (offset - reader->at);
        const size_t part = there < size - *got ? there : size - *got;
        memcpy(out + *got, reader->window + (offset - reader->at), part);
        *got += part;
        if (part > UINT32_MAX - offset) {
            break;
        }
        offset += (uint32_t)part;
    }
    return ESP_OK;
}

esp_err_t audio_reader_get(audio_reader_t *reader, uint32_t offset, void *to, size_t size)
{
    size_t got;
    const esp_err_t ret = audio_reader_some(reader, offset, to, size, &got);
    if (ret != ESP_OK) {
        return ret;
    }
    return got == size ? ESP_OK : ESP_ERR_INVALID_RESPONSE;
}
