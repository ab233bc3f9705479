/* SPDX-License-Identifier: Apache-2.0 */
#include "audio_internal.h"

int32_t audio_gain_of(unsigned percent)
{
    if (percent >= 100) {
        return AUDIO_GAIN_ONE;
    }
    return (int32_t)((uint64_t)percent * percent * percent * AUDIO_GAIN_ONE / 1000000);
}

void audio_ramp_set(audio_ramp_t *ramp, int32_t gain)
{
    *ramp = (audio_ramp_t){.now = gain << 15, .target = gain << 15};
}

void audio_ramp_to(audio_ramp_t *ramp, int32_t gain, uint32_t frames)
{
    ramp->target = gain << 15;
    ramp->left = frames != 0 && ramp->now != ramp->target ? frames : 0;
    if (ramp->left == 0) {
        ramp->now = ramp->target;
        return;
    }
    ramp->step = (int32_t)(((int64_t)ramp->target - ramp->now) / (int64_t)frames);
}

bool audio_ramp_silent(const audio_ramp_t *ramp)
{
    return ramp->left == 0 && ramp->now == 0;
}
