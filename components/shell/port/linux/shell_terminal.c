/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Line editing by libedit. While a line is being edited, what the log prints is kept; the task that
 * edits is woken, clears its line, prints the log, and draws its line again. So only one task
 * writes to the terminal at that time.
 *
 * The pthread mutex is held for a copy only, never across a call that may switch tasks.
 */
#include "shell_terminal.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "host_heap.h"
#include "host_log.h"
#include "host_record.h"
#include "shell_internal.h"

#define HISTORY_LINES   200
#define POLL_MS         100
#define CANDIDATES_MAX  64
#define CANDIDATE_BYTES (SYSTEM_NAME_MAX + 1)

static EditLine *s_edit;
static History *s_history;
static int s_wake = -1; /* eventfd: something was kept */

/* s_lock: protects what follows. */
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static bool s_editing;
static char *s_kept;
static size_t s_kept_length;
static size_t s_kept_room;

/* ---- output while a line is edited ----------------------------------------------------------- */

static bool keep_locked(const char *text, size_t length)
{
    if (s_kept_length + length > s_kept_room) {
        const size_t room = (s_kept_length + length) * 2;
        char *grown = host_libc_realloc(s_kept, room);
        if (grown == NULL) {
            return false;
        }
        s_kept = grown;
        s_kept_room = room;
    }
    memcpy(s_kept + s_kept_length, text, length);
    s_kept_length += length;
    return true;
}

static void on_console(const char *text, size_t length, void *ctx)
{
    (void)ctx;
    const uint64_t one = 1;
    pthread_mutex_lock(&s_lock);
    const bool kept = s_editing && keep_locked(text, length);
    pthread_mutex_unlock(&s_lock);
    if (!kept) {
        fwrite(text, 1, length, stdout);
    } else if (write(s_wake, &one, sizeof(one)) < 0) {
        return; /* the counter is at its end: the reader is woken anyway */
    }
}

static void on_line(const char *line, void *arg)
{
    char text[SHELL_OUTPUT_MAX + 2];
    const int length = snprintf(text, sizeof(text), "%s\n", line);
    on_console(text, (size_t)length, arg);
}

/** Print what was kept above the line that is being edited. */
static void flush_kept(void)
{
    char *text = NULL;
    pthread_mutex_lock(&s_lock);
    const size_t length = s_kept_length;
    if (length != 0) {
        text = s_kept;
        s_kept = NULL;
        s_kept_length = s_kept_room = 0;
    }
    pthread_mutex_unlock(&s_lock);
    if (text == NULL) {
        return;
    }
    fputs("\r\033[K", stdout);
    fwrite(text, 1, length, stdout);
    fflush(stdout);
    host_libc_free(text);
    (void)el_set(s_edit, EL_REFRESH);
}

static void set_editing(bool editing)
{
    pthread_mutex_lock(&s_lock);
    s_editing = editing;
    pthread_mutex_unlock(&s_lock);
}

/* ---- input ------------------------------------------------------------------------------------
 */

static int read_key(EditLine *edit, wchar_t *out)
{
    (void)edit;
    for (;;) {
        struct pollfd sources[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                   {.fd = s_wake, .events = POLLIN}};
        (void)poll(sources, 2, POLL_MS);
        vTaskDelay(0); /* a point where the board may be stopped */
        if ((sources[1].revents & POLLIN) != 0) {
            uint64_t count;
            (void)!read(s_wake, &count, sizeof(count));
            flush_kept();
        }
        if ((sources[0].revents & (POLLIN | POLLHUP | POLLERR)) == 0) {
            continue;
        }
        unsigned char byte;
        const ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n == 1) {
            *out = byte;
            return 1;
        }
        if (n == 0 || errno != EINTR) {
            return n == 0 ? 0 : -1;
        }
    }
}

static char *prompt(EditLine *edit)
{
    (void)edit;
    static char s_prompt[] = "kraken> ";
    return s_prompt;
}

/* ---- completion -------------------------------------------------------------------------------
 */

typedef struct {
    char names[CANDIDATES_MAX][CANDIDATE_BYTES];
    size_t count;
} candidates_t;

static void on_proposal(const char *name, size_t length, void *arg)
{
    candidates_t *c = arg;
    if (c->count < CANDIDATES_MAX && length < CANDIDATE_BYTES) {
        memcpy(c->names[c->count], name, length);
        c->names[c->count++][length] = '\0';
    }
}

static size_t common_length(const candidates_t *c)
{
    size_t length = strlen(c->names[0]);
    for (size_t i = 1; i < c->count; i++) {
        size_t same = 0;
        while (same < length && c->names[i][same] == c->names[0][same]) {
            same++;
        }
        length = same;
    }
    return length;
}

static unsigned char complete(EditLine *edit, int key)
{
    (void)key;
    static candidates_t s_candidates; /* the one task that edits */
    const LineInfo *info = el_line(edit);
    const size_t cursor = (size_t)(info->cursor - info->buffer);
    candidates_t *c = &s_candidates;

    c->count = 0;
    const size_t typed = cursor - shell_propose(info->buffer, cursor, on_proposal, c);
    if (c->count == 0) {
        return CC_REFRESH_BEEP;
    }
    const size_t common = common_length(c);
    if (common > typed || c->count == 1) {
        char rest[CANDIDATE_BYTES + 1];
        snprintf(rest, sizeof(rest), "%.*s%s", (int)(common - typed), c->names[0] + typed,
                 c->count == 1 ? " " : "");
        return el_insertstr(edit, rest) == 0 ? CC_REFRESH : CC_ERROR;
    }
    fputc('\n', stdout);
    for (size_t i = 0; i < c->count; i++) {
        printf("%s  ", c->names[i]);
    }
    printf("\n");
    fflush(stdout);
    return CC_REDISPLAY;
}

/* ---- open, read, close ------------------------------------------------------------------------
 */

bool shell_terminal_open(void)
{
    HistEvent event;

    s_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s_history = history_init();
    s_edit = el_init("kraken", stdin, stdout, stderr);
    if (s_wake < 0 || s_history == NULL || s_edit == NULL) {
        shell_terminal_close();
        return false;
    }
    (void)history(s_history, &event, H_SETSIZE, HISTORY_LINES);
    (void)history(s_history, &event, H_SETUNIQUE, 1);
    (void)el_set(s_edit, EL_PROMPT, prompt);
    (void)el_set(s_edit, EL_EDITOR, "emacs");
    (void)el_set(s_edit, EL_SIGNAL, 1); /* the terminal is put in order before a signal ends us */
    (void)el_set(s_edit, EL_HIST, history, s_history);
    (void)el_set(s_edit, EL_GETCFN, read_key);
    (void)el_set(s_edit, EL_ADDFN, "kraken-complete", "complete the word", complete);
    (void)el_set(s_edit, EL_BIND, "^I", "kraken-complete", NULL);
    host_console_set_sink(on_console, NULL);
    shell_output_set_default(on_line, NULL);
    return true;
}

void shell_terminal_close(void)
{
    host_console_set_sink(NULL, NULL);
    shell_output_set_default(NULL, NULL);
    if (s_edit != NULL) {
        el_end(s_edit);
        s_edit = NULL;
    }
    if (s_history != NULL) {
        history_end(s_history);
        s_history = NULL;
    }
    if (s_wake >= 0) {
        (void)close(s_wake);
        s_wake = -1;
    }
}

bool shell_terminal_read(char *line, size_t size)
{
    int count;
    HistEvent event;

    fflush(stdout);
    set_editing(true);
    const char *text = el_gets(s_edit, &count);
    set_editing(false);
    flush_kept();
    if (text == NULL || count <= 0) {
        host_console_note(NULL);
        return false;
    }
    snprintf(line, size, "%s", text);
    line[strcspn(line, "\r\n")] = '\0';
    host_console_note(line);
    if (line[strspn(line, " \t")] != '\0') {
        (void)history(s_history, &event, H_ENTER, line);
    }
    return true;
}
