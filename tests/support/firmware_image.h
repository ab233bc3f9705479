// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Makes images of the firmware and signs them, right and wrong ones, for tests. Written from the
 * table in docs/OTA.md and not from the reader.
 */

#include "kapp_builder.h"

/** As esptool makes it: one segment of size - 48 bytes, without the optional hash. */
void fi_image(kb_bytes_t *out, uint32_t size, const char *product, const char *version,
              uint8_t filling);
/** What a signed image begins with, for this image, and the image behind it. */
void fi_sign(kb_bytes_t *out, const kb_bytes_t *image, const char *product, const char *version,
             const kb_key_t *key);
/** Sign the first bytes again after something in them was changed. */
void fi_sign_again(kb_bytes_t *signed_image, const kb_key_t *key);
