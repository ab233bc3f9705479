// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The virtual board's memory card: a folder of the PC, read only, or files that a test made up.
 * The driver (audio_service's port/linux) reads it. Paths are relative and were checked above; ""
 * is the folder itself.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Most made-up files. */
#define HOST_MEDIA_FILES 64

/** @brief Put a card in: this folder of the PC. The text must live on; NULL: there is none.
 * @context plain program code before host_boot() */
void host_media_set_folder(const char *path);

/** @brief Make a file up; with the first one the folder counts no more. path and data must live on.
 * @context any @return false: there is no more room */
bool host_media_put(const char *path, const void *data, size_t size);

/** @brief Take all made-up files out. @context any, while nobody reads */
void host_media_clear(void);

/* ---- the driver's side; all return 0 or an errno ---- */

/** @context any task */
int host_media_each(const char *folder, void (*visit)(void *arg, const char *name, bool is_folder),
                    void *arg);

/** @return besides: EFBIG 4 GB or more @context any task */
int host_media_size(const char *path, uint32_t *size);

/** @param[in,out] size in: bytes wanted; out: bytes read, fewer at the end @context any task */
int host_media_read(const char *path, uint32_t offset, void *to, size_t *size);

#ifdef __cplusplus
}
#endif
