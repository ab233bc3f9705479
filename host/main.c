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

#include "host_control.h"
#include "host_program.h"

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
    "  --help        this text\n"
    "\n"
    "Without --demo and --shell: the shell on a terminal, the demonstration otherwise and with\n"
    "--seed.\n"
    "Exit status: 0 fine; 1 the demonstration or a command failed; 2 wrong arguments;\n"
    "90 to 95 the board stopped (host/README.md).\n";

typedef struct {
    bool demo;
    bool shell;
    bool seeded;
    host_config_t board;
} options_t;

static bool parse_number(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 0);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

static _Noreturn void refuse(const char *what, const char *value)
{
    fprintf(stderr, "kraken-os: %s%s%s\nkraken-os: try --help\n", what, value != NULL ? ": " : "",
            value != NULL ? value : "");
    exit(EXIT_USAGE);
}

static void parse(int argc, char **argv, options_t *options)
{
    static const struct option known[] = {
        {"demo", no_argument, NULL, 'd'},       {"shell", no_argument, NULL, 's'},
        {"seed", required_argument, NULL, 'n'}, {"state", required_argument, NULL, 'D'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
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
        case 'h':
            fputs(s_help, stdout);
            exit(0);
        default: // getopt_long() has said what is wrong
            refuse("wrong arguments", NULL);
        }
    }
    if (optind < argc) {
        refuse("what is this", argv[optind]);
    }
    if (options->demo && options->shell) {
        refuse("--demo and --shell exclude each other", NULL);
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
    app_main();
}

int main(int argc, char **argv)
{
    options_t options = {0};
    parse(argc, argv, &options);
    if (options.board.state_dir != NULL) {
        prepare_state_dir(options.board.state_dir);
    }
    const bool terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
    const bool shell = options.shell || (!options.demo && !options.seeded && terminal);
    host_program_set_mode(shell ? HOST_PROGRAM_SHELL : HOST_PROGRAM_DEMO);
    options.board.sched = options.seeded ? HOST_SCHED_SIM : HOST_SCHED_THREADS;
    // Whoever reads a pipe sees each line when it is printed, in order with the errors.
    setvbuf(stdout, NULL, _IOLBF, 0);
    return host_boot(&options.board, run_main, NULL);
}
