/* SPDX-License-Identifier: Apache-2.0 */
#include "inflate_backend.h"

#include <stdbool.h>
#include <zlib.h>

/** One more byte than wanted may not come out of it. */
static int step(z_stream *stream, uint8_t *extra)
{
    if (stream->avail_out == 0) {
        stream->next_out = extra;
        stream->avail_out = 1;
    }
    return inflate(stream, Z_NO_FLUSH);
}

static esp_err_t run(z_stream *stream, inflate_read_t read, void *arg, size_t size)
{
    uint8_t in[512];
    uint8_t extra;
    for (;;) {
        size_t got = 0;
        const esp_err_t ret = read(arg, in, sizeof(in), &got);
        if (ret != ESP_OK) {
            return ret;
        }
        if (got == 0) {
            return ESP_FAIL; /* it ends before the stream does */
        }
        stream->next_in = in;
        stream->avail_in = (uInt)got;
        do {
            const int state = step(stream, &extra);
            if (stream->total_out > size) {
                return ESP_FAIL;
            }
            if (state == Z_STREAM_END) {
                const bool all = stream->avail_in == 0 && stream->total_out == size &&
                                 read(arg, in, 1, &got) == ESP_OK && got == 0;
                return all ? ESP_OK : ESP_FAIL;
            }
            if (state == Z_MEM_ERROR) {
                return ESP_ERR_NO_MEM;
            }
            if (state != Z_OK && state != Z_BUF_ERROR) {
                return ESP_FAIL;
            }
        } while (stream->avail_in != 0);
    }
}

esp_err_t inflate_backend(inflate_read_t read, void *arg, uint8_t *to, size_t size)
{
    z_stream stream = {.next_out = to, .avail_out = (uInt)size};
    if (inflateInit(&stream) != Z_OK) {
        return ESP_ERR_NO_MEM;
    }
    const esp_err_t ret = run(&stream, read, arg, size);
    (void)inflateEnd(&stream);
    return ret;
}
