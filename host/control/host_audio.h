// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The virtual board's loudspeaker: a FIFO that a clock empties, as an I2S peripheral does. The
 * driver (audio_service's port/linux) writes to it; the sound card, a WAV file and tests hear it.
 *
 * By itself it plays by the board's clock: real with threads, virtual in the simulator. With a
 * puller (a sound card) it plays as fast as that one asks. What is played while the FIFO is empty
 * is silence, and counted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Most frames of the FIFO; a frame is two samples, left and right. */
#define HOST_AUDIO_FRAMES_MAX 16384

/** @brief Set the device up, silent and empty. @context any task @return false: no such size */
bool host_audio_open(unsigned rate, unsigned frames);

/** @brief Play, or be silent and forget what was not played. @context any task */
void host_audio_run(bool on);

/** @brief Frames that fit in now. @context any task */
unsigned host_audio_room(void);

/** @brief @return frames taken @context any task */
unsigned host_audio_write(const int16_t *samples, unsigned frames);

/** @brief How often it ran out of frames while it played. @context any */
uint32_t host_audio_underruns(void);

/* ---- who listens ---- */

/** Gets all that is played, in order. */
typedef void (*host_audio_tap_t)(const int16_t *samples, unsigned frames, void *arg);

/** @brief Hear what is played. One at a time; NULL = nobody. The tap must not call anything here.
 * @context any */
void host_audio_set_tap(host_audio_tap_t tap, void *arg);

/** @brief Write what is played into a WAV file, until host_audio_finish(). What was not played
 * because the device was off is not in it.
 * @context plain program code before host_boot() @return false: errno says why */
bool host_audio_record(const char *path);

/** @brief Complete the file. @context plain program code after host_boot()
 * @return false: not all of it could be written; errno says why */
bool host_audio_finish(void);

/** @brief From now on play only what is pulled. @context any */
void host_audio_set_pulled(bool pulled);

/** @brief Play so many frames for a sound card of this rate. @context foreign threads @return
 * false: the device is off or of another rate; samples are silence then */
bool host_audio_pull(unsigned rate, int16_t *samples, unsigned frames);

/** @brief The rate it was set up with; 0 = never. @context any */
unsigned host_audio_rate(void);

/** @brief Let its clock be wrong by so many parts in a million. @context any */
void host_audio_set_drift(int ppm);

#ifdef __cplusplus
}
#endif
