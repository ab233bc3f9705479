/* SPDX-License-Identifier: Apache-2.0 */
#include "inflate_backend.h"

#include "esp_heap_caps.h"
#include "miniz.h"

typedef struct {
    tinfl_decompressor state; /* 11 KB: too large for a stack */
    uint8_t in[512];
} inflate_work_t;

/** With the whole result as its window, the stream needs no ring of 32 KB. */
#define FLAGS                                                                                      \
    (TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF |                     \
     TINFL_FLAG_COMPUTE_ADLER32)

static esp_err_t run(inflate_work_t *work, inflate_read_t read, void *arg, uint8_t *to, size_t size)
{
    size_t out = 0;
    for (;;) {
        size_t got = 0;
        size_t used = 0;
        esp_err_t ret = read(arg, work->in, sizeof(work->in), &got);
        if (ret != ESP_OK) {
            return ret;
        }
        if (got == 0) {
            return ESP_FAIL; /* it ends before the stream does */
        }
        while (used < got) {
            size_t in_size = got - used;
            size_t out_size = size - out;
            const tinfl_status status =
                tinfl_decompress(&work->state, work->in + used, &in_size, to, to + out, &out_size,
                                 FLAGS | TINFL_FLAG_HAS_MORE_INPUT);
            used += in_size;
            out += out_size;
            if (status == TINFL_STATUS_DONE) {
                if (used != got || out != size) {
                    return ESP_FAIL;
                }
                ret = read(arg, work->in, 1, &got);
                return ret != ESP_OK || got == 0 ? ret : ESP_FAIL;
            }
            if (status != TINFL_STATUS_NEEDS_MORE_INPUT) { /* damaged, or more than size */
                return ESP_FAIL;
            }
        }
    }
}

esp_err_t inflate_backend(inflate_read_t read, void *arg, uint8_t *to, size_t size)
{
    inflate_work_t *work = heap_caps_malloc(sizeof(*work), MALLOC_CAP_8BIT);
    if (work == NULL) {
        return ESP_ERR_NO_MEM;
    }
    tinfl_init(&work->state);
    const esp_err_t ret = run(work, read, arg, to, size);
    heap_caps_free(work);
    return ret;
}
