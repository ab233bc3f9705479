// SPDX-License-Identifier: Apache-2.0

// The program: boots the virtual board and calls app_main() in its main task.

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_audio.h"
#include "host_control.h"
#include "host_media.h"
#include "host_program.h"
#include "host_radio.h"
#include "host_record.h"
#include "input_script.h"
#include "picture.h"
#include "sound.h"
#include "window.h"

#define EXIT_USAGE 2

void app_main(void);

static const char s_help[] =
    "usage: ./kraken run [OPTION]...\n"
    "Boot Kraken-OS on the virtual board.\n"
    "\n"
    "  --demo        the narrated demonstration; exits 0 only if it showed what it claims\n"
    "  --shell       the shell, on a terminal with line editing or on a pipe: one command a line,\n"
    "                ends at the end of input with 1 if a command failed, else 0\n"
    "  --seed N      in the deterministic simulator: virtual time, same N, same run\n"
    "  --state DIR   keep the flash of the board in DIR; without it, it is new each time\n"
    "  --record FILE write down all that comes from outside and every event: ./kraken replay FILE\n"
    "  --replay FILE the recorded run again, in the simulator; with it alone:\n"
    "    --until S     stop when S seconds of a boot have passed\n"
    "    --break-at N  raise SIGTRAP before event N, for a debugger\n"
    "    --verbose     print each record as it happens again\n"
    "    --any-build   try a recording that another build of the program made\n"
    "  --picture F   at the end, write what is on the screen to F (PNG); without --demo and "
    "--shell\n"
    "                the end comes when it has run for a while\n"
    "    --after MS    how long; 3000 if not given\n"
    "    --app NAME    start this app first\n"
    "  --input FILE  what a hand does at buttons, screen and knob (docs/services/input.md)\n"
    "  --record-input FILE\n"
    "                write down what one does there, in the same format\n"
    "  --radio DIR   meet other boards in DIR: what one advertises there, the others hear;\n"
    "                bluez: this computer's own radio (docs/services/bluetooth.md)\n"
    "  --audio FILE  write what the loudspeaker plays to FILE (WAV)\n"
    "  --music DIR   what apps can play: the folder DIR, WAV and FLAC\n"
    "  --no-window   no window, and no sound, although this computer has a display\n"
    "  --help        this text\n"
    "\n"
    "Without --demo and --shell: the shell on a terminal, the demonstration otherwise and with\n"
    "--seed.\n"
    "Exit status: 0 fine; 1 the demonstration or a command failed, or a replay differs;\n"
    "2 wrong arguments, or a recording that cannot be used;\n"
    "90 to 94 the board stopped (host/README.md).\n";

typedef struct {
    bool demo;
    bool shell;
    bool seeded;
    const char *record;
    const char *replay;
    bool replay_only; // an option that only a replay has
    host_replay_options_t how;
    bool no_window;
    const char *input;
    const char *record_input;
    bool window; // decided by choose_mode()
    const char *picture;
    const char *audio;
    const char *radio;
    const char *music;
    host_program_picture_t picture_of;
    host_config_t board;
} options_t;

static bool parse_number(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 0);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

static bool parse_seconds(const char *text, uint64_t *out_us)
{
    char *end;
    errno = 0;
    const double seconds = strtod(text, &end);
    *out_us = seconds > 0 && seconds < 1e9 ? (uint64_t)(seconds * 1e6) : 0;
    return errno == 0 && end != text && *end == '\0' && *out_us != 0;
}

static _Noreturn void refuse(const char *what, const char *value)
{
    fprintf(stderr, "kraken-os: %s%s%s\nkraken-os: try --help\n", what, value != NULL ? ": " : "",
            value != NULL ? value : "");
    exit(EXIT_USAGE);
}

static void parse_replay_option(int option, options_t *options)
{
    options->replay_only = true;
    switch (option) {
    case 'u':
        if (!parse_seconds(optarg, &options->how.until_us)) {
            refuse("--until wants seconds", optarg);
        }
        break;
    case 'b':
        if (!parse_number(optarg, &options->how.break_at) || options->how.break_at == 0) {
            refuse("--break-at wants the number of an event", optarg);
        }
        break;
    case 'v':
        options->how.verbose = true;
        break;
    case 'a':
        options->how.any_build = true;
        break;
    default: // getopt_long() has said what is wrong
        refuse("wrong arguments", NULL);
    }
}

static void parse_picture_option(int option, options_t *options)
{
    uint64_t number;
    if (option == 'P') {
        options->picture = optarg;
    } else if (option == 'A') {
        options->picture_of.app = optarg;
    } else if (parse_number(optarg, &number) && number <= UINT32_MAX / 2) {
        options->picture_of.after_ms = (unsigned)number;
    } else {
        refuse("--after wants a number of milliseconds", optarg);
    }
}

static void parse_input_option(int option, options_t *options)
{
    if (option == 'w') {
        options->no_window = true;
    } else if (option == 'R') {
        options->radio = optarg;
    } else {
        *(option == 'i' ? &options->input : &options->record_input) = optarg;
    }
}

static void check_music_option(const options_t *options)
{
    struct stat info;
    if (options->music == NULL) {
        return;
    }
    if (options->record != NULL || options->replay != NULL) {
        refuse("--music and --record or --replay exclude each other", NULL);
    }
    if (stat(options->music, &info) != 0 || !S_ISDIR(info.st_mode) ||
        access(options->music, R_OK | X_OK) != 0) {
        refuse("--music wants a folder to read", options->music);
    }
    host_media_set_folder(options->music);
}

static void check_input_options(const options_t *options)
{
    if (options->input != NULL && (options->record != NULL || options->replay != NULL)) {
        refuse("--input and --record or --replay exclude each other", NULL);
    }
    if (options->radio != NULL &&
        (options->seeded || options->record != NULL || options->replay != NULL)) {
        refuse("--radio and --seed, --record or --replay exclude each other", NULL);
    }
    if (options->radio != NULL && strcmp(options->radio, "bluez") == 0) {
        host_radio_use_computers();
    } else if (options->radio != NULL && !host_radio_share(options->radio)) {
        fprintf(stderr, "kraken-os: --radio %s: %s\n", options->radio, strerror(errno));
        exit(EXIT_USAGE);
    }
    if ((options->input != NULL && !input_script_read(options->input)) ||
        (options->record_input != NULL && !input_script_record(options->record_input))) {
        exit(EXIT_USAGE);
    }
}

static const struct option s_known[] = {
    {"demo", no_argument, NULL, 'd'},
    {"shell", no_argument, NULL, 's'},
    {"seed", required_argument, NULL, 'n'},
    {"state", required_argument, NULL, 'D'},
    {"record", required_argument, NULL, 'r'},
    {"replay", required_argument, NULL, 'p'},
    {"until", required_argument, NULL, 'u'},
    {"break-at", required_argument, NULL, 'b'},
    {"verbose", no_argument, NULL, 'v'},
    {"any-build", no_argument, NULL, 'a'},
    {"picture", required_argument, NULL, 'P'},
    {"after", required_argument, NULL, 'T'},
    {"app", required_argument, NULL, 'A'},
    {"no-window", no_argument, NULL, 'w'},
    {"audio", required_argument, NULL, 'S'},
    {"radio", required_argument, NULL, 'R'},
    {"music", required_argument, NULL, 'm'},
    {"input", required_argument, NULL, 'i'},
    {"record-input", required_argument, NULL, 'I'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void parse(int argc, char **argv, options_t *options)
{
    int option;

    while ((option = getopt_long(argc, argv, "h", s_known, NULL)) != -1) {
        switch (option) {
        case 'd':
            options->demo = true;
            break;
        case 's':
            options->shell = true;
            break;
        case 'n':
            if (!parse_number(optarg, &options->board.seed)) {
                refuse("--seed wants a number", optarg);
            }
            options->seeded = true;
            break;
        case 'D':
            options->board.state_dir = optarg;
            break;
        case 'P':
        case 'T':
        case 'A':
            parse_picture_option(option, options);
            break;
        case 'S':
        case 'm':
            *(option == 'S' ? &options->audio : &options->music) = optarg;
            break;
        case 'w':
        case 'i':
        case 'I':
        case 'R':
            parse_input_option(option, options);
            break;
        case 'h':
            fputs(s_help, stdout);
            exit(0);
        case 'r':
            options->record = optarg;
            break;
        case 'p':
            options->replay = optarg;
            break;
        default:
            parse_replay_option(option, options);
            break;
        }
    }
    if (optind < argc) {
        refuse("what is this", argv[optind]);
    }
    if (options->demo && options->shell) {
        refuse("--demo and --shell exclude each other", NULL);
    }
    if (options->replay_only && options->replay == NULL) {
        refuse("--until, --break-at, --verbose and --any-build belong to --replay", NULL);
    }
    if (options->replay != NULL && (options->record != NULL || options->demo || options->shell ||
                                    options->seeded || options->board.state_dir != NULL)) {
        refuse("--replay takes everything else from the recording", NULL);
    }
    if (options->picture != NULL && options->replay != NULL) {
        refuse("--picture and --replay exclude each other", NULL);
    }
}

static void prepare_state_dir(const char *dir)
{
    struct stat info;
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "kraken-os: --state %s: %s\n", dir, strerror(errno));
        exit(EXIT_USAGE);
    }
    if (stat(dir, &info) != 0 || !S_ISDIR(info.st_mode) || access(dir, R_OK | W_OK | X_OK) != 0) {
        fprintf(stderr, "kraken-os: --state %s: not a directory to read and write in\n", dir);
        exit(EXIT_USAGE);
    }
}

static void run_main(void *arg)
{
    (void)arg;
    input_script_begin();
    app_main();
}

static void choose_mode(options_t *options)
{
    const bool watched = isatty(STDOUT_FILENO) == 1;
    const bool terminal = isatty(STDIN_FILENO) == 1 && watched;
    const bool shell = options->shell || (!options->demo && !options->seeded && terminal);
    const bool picture = options->picture != NULL && !options->shell && !options->demo;
    host_program_set_mode(picture ? HOST_PROGRAM_PICTURE
                          : shell ? HOST_PROGRAM_SHELL
                                  : HOST_PROGRAM_DEMO);
    host_program_set_picture(&options->picture_of);
    options->window = terminal && !options->seeded && !options->no_window &&
                      options->picture == NULL && options->replay == NULL;
    host_program_set_watched(watched);
    options->board.sched = options->seeded ? HOST_SCHED_SIM : HOST_SCHED_THREADS;
}

static void open_recording(options_t *options)
{
    const char *wrong = NULL;
    if (options->replay != NULL) {
        wrong = host_replay_from(options->replay, &options->how, &options->board);
    } else if (options->record != NULL) {
        wrong = host_record_to(options->record);
    }
    if (wrong != NULL) {
        fprintf(stderr, "kraken-os: %s: %s\n",
                options->replay != NULL ? options->replay : options->record, wrong);
        exit(EXIT_USAGE);
    }
}

int main(int argc, char **argv)
{
    options_t options = {.picture_of = {.after_ms = 3000}};
    parse(argc, argv, &options);
    if (options.board.state_dir != NULL) {
        prepare_state_dir(options.board.state_dir);
    }
    choose_mode(&options);
    check_input_options(&options);
    check_music_option(&options);
    open_recording(&options);
    // Whoever reads a pipe sees each line when it is printed, in order with the errors.
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (options.audio != NULL && !host_audio_record(options.audio)) {
        fprintf(stderr, "kraken-os: --audio %s: %s\n", options.audio, strerror(errno));
        exit(EXIT_USAGE);
    }
    if (options.window) {
        (void)window_open();
        (void)sound_open();
    }
    int status = host_record_finish(host_boot(&options.board, run_main, NULL));
    sound_close();
    window_close();
    if (options.audio != NULL && !host_audio_finish()) {
        fprintf(stderr, "kraken-os: --audio %s: %s\n", options.audio, strerror(errno));
        status = EXIT_FAILURE;
    }
    if (!input_script_finish() && status == 0) {
        status = EXIT_FAILURE;
    }
    if (options.picture != NULL && !picture_write(options.picture)) {
        status = EXIT_FAILURE;
    }
    return status;
}
