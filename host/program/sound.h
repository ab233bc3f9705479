// SPDX-License-Identifier: Apache-2.0
#pragma once

// The virtual board's loudspeaker on this computer's sound card, by SDL.

#include <stdbool.h>

/** Let the sound card play. Fine without one: then nothing is heard, and time passes all the same.
 *  @return false: there is none, or it cannot be had */
bool sound_open(void);

/** Fine when it is not open. */
void sound_close(void);
