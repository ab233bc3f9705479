// SPDX-License-Identifier: Apache-2.0

#include "picture.h"

#include <png.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "host_display.h"

bool picture_write(const char *path)
{
    unsigned width;
    unsigned height;
    if (!host_display_size(&width, &height)) {
        fprintf(stderr, "kraken-os: %s: the board has no screen, or nobody set it up\n", path);
        return false;
    }
    uint8_t *rgb = malloc((size_t)width * height * 3);
    png_image image = {
        .version = PNG_IMAGE_VERSION,
        .width = width,
        .height = height,
        .format = PNG_FORMAT_RGB,
    };
    bool ok = rgb != NULL && host_display_see(width, height, rgb);
    if (ok && png_image_write_to_file(&image, path, 0, rgb, 0, NULL) == 0) {
        fprintf(stderr, "kraken-os: %s: %s\n", path, image.message);
        ok = false;
    }
    free(rgb);
    return ok;
}
