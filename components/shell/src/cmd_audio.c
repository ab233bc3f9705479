/* SPDX-License-Identifier: Apache-2.0 */
/* audio: by requests alone, so a firmware without a loudspeaker links nothing of it */
#include <inttypes.h>
#include <string.h>

#include "audio_service/audio_events.h"
#include "shell_internal.h"

#define HEADER(type) STATUS_HEADER(type, AUDIO_EVENTS_VERSION)
#define TONE_VOLUME  70

static const char *const s_devices[] = {
    [AUDIO_DEVICE_ABSENT] = "does not answer",
    [AUDIO_DEVICE_WELL] = "well",
    [AUDIO_DEVICE_FAILING] = "fails",
};

static const char *const s_faults[AUDIO_FAULTS] = {
    [AUDIO_FAULT_NONE] = "none",   [AUDIO_FAULT_UNPLUGGED] = "unplugged",
    [AUDIO_FAULT_STUCK] = "stuck", [AUDIO_FAULT_SHORT] = "short",
    [AUDIO_FAULT_WRONG] = "wrong", [AUDIO_FAULT_CARD] = "card",
};

static int describe(void)
{
    audio_info_t info;
    size_t size = sizeof(info);
    const esp_err_t ret = shell_ask(AUDIO_GET_REQUEST, NULL, 0, &info, &size);
    if (ret != ESP_OK) {
        return shell_result("audio", ret);
    }
    const audio_state_t *state = &info.state;
    const size_t devices = sizeof(s_devices) / sizeof(s_devices[0]);
    shell_print("volume %u %%%s; %u streams, %u of them sound", state->volume,
                state->muted ? ", muted" : "", state->streams, state->playing);
    shell_print("the device %s, %" PRIu32 " Hz; set up anew %" PRIu32 " times",
                state->device < devices ? s_devices[state->device] : "?", state->rate,
                info.reopened);
    shell_print("%" PRIu64 " frames sent, %" PRIu32 " too loud; %" PRIu32 " blocks failed, %" PRIu32
                " went to nobody",
                info.frames, info.clipped, info.failures, info.lost);
    shell_print("ran dry: streams %" PRIu32 " times, the device %" PRIu32 " times", info.underruns,
                info.device_underruns);
    return SHELL_OK;
}

static int set(const char *what, audio_set_t wish)
{
    return shell_result(what, shell_ask(AUDIO_SET_REQUEST, &wish, sizeof(wish), NULL, NULL));
}

static int inject(const char *name)
{
    audio_fault_request_t wish = {.header = HEADER(audio_fault_request_t)};
    if (!shell_choice(name, s_faults, AUDIO_FAULTS, &wish.fault)) {
        return shell_usage("audio");
    }
    return shell_result(name, shell_ask(AUDIO_FAULT_REQUEST, &wish, sizeof(wish), NULL, NULL));
}

static int tone(uint32_t hz, uint32_t ms)
{
    const audio_tone_t wish = {
        .header = HEADER(audio_tone_t),
        .hz = (uint16_t)hz,
        .ms = (uint16_t)ms,
        .volume = TONE_VOLUME,
    };
    return shell_result("tone", shell_tell(AUDIO_TONE_EVENT, &wish, sizeof(wish)));
}

int cmd_audio(int argc, char **argv)
{
    const audio_set_t header = {.header = HEADER(audio_set_t)};
    audio_set_t wish = header;
    uint32_t number = 0;
    uint32_t ms = 0;

    if (argc == 1) {
        return describe();
    }
    if (argc == 2 && (strcmp(argv[1], "mute") == 0 || strcmp(argv[1], "unmute") == 0)) {
        wish.what = AUDIO_SET_MUTED;
        wish.muted = argv[1][0] == 'm';
        return set(argv[1], wish);
    }
    if (argc == 3 && strcmp(argv[1], "volume") == 0 && shell_number(argv[2], 0, 100, &number)) {
        wish.what = AUDIO_SET_VOLUME;
        wish.volume = (uint8_t)number;
        return set(argv[1], wish);
    }
    if (argc == 4 && strcmp(argv[1], "tone") == 0 && shell_number(argv[2], 20, 20000, &number) &&
        shell_number(argv[3], 1, 10000, &ms)) {
        return tone(number, ms);
    }
    if (argc == 3 && strcmp(argv[1], "fault") == 0) {
        return inject(argv[2]);
    }
    return shell_usage("audio");
}
