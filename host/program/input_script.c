// SPDX-License-Identifier: Apache-2.0

#include "input_script.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_control.h"
#include "host_input.h"

#define WORDS      8
#define CLICK_US   50000
#define STROKE_US  10000 // from one place of a swipe to the next
#define AT_MOST_MS 1e9
#define FAR        10000
#define LONGEST_MS 10000 // of one wait
#define STACK      4096

typedef struct {
    char *words[WORDS];
    unsigned count;
} line_t;

static host_input_t *s_steps;
static size_t s_count;
static size_t s_room;
static size_t s_next;
static bool s_begun;

// Protects these two: the window's thread and tasks of the board put at the same time.
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *s_recording;
static uint64_t s_written_us; // time of the last line

// ---- reading -----------------------------------------------------------------------------------

static const char *add(uint64_t at_us, host_input_t step)
{
    if (s_count == s_room) {
        const size_t room = s_room != 0 ? 2 * s_room : 64;
        host_input_t *more = realloc(s_steps, room * sizeof(*more));
        if (more == NULL) {
            return "no memory for so long a script";
        }
        s_steps = more;
        s_room = room;
    }
    step.at_us = at_us;
    s_steps[s_count++] = step;
    return NULL;
}

static const char *add_key(uint64_t at_us, const char *name, bool down)
{
    host_input_t step = {.kind = HOST_INPUT_KEY, .down = down};
    if (strlen(name) >= sizeof(step.key)) {
        return "no key has so long a name";
    }
    memcpy(step.key, name, strlen(name) + 1);
    return add(at_us, step);
}

static const char *add_touch(uint64_t at_us, bool down, long x, long y)
{
    return add(at_us,
               (host_input_t){.kind = HOST_INPUT_TOUCH, .down = down, .x = (int)x, .y = (int)y});
}

static bool number(const char *text, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *out >= -FAR && *out <= FAR;
}

// The numbers from words[first] on. @return how many there are; -1: one is no number
static int numbers(const line_t *line, unsigned first, long out[WORDS])
{
    for (unsigned i = first; i < line->count; i++) {
        if (!number(line->words[i], &out[i - first])) {
            return -1;
        }
    }
    return (int)(line->count - first);
}

static const char *read_key(const line_t *line, uint64_t at_us)
{
    long ms = CLICK_US / 1000;
    if (line->count < 4) {
        return "wanted: key NAME down|up, or key NAME click [MS]";
    }
    const char *name = line->words[2];
    const char *what = line->words[3];
    if (line->count == 4 && (strcmp(what, "down") == 0 || strcmp(what, "up") == 0)) {
        return add_key(at_us, name, strcmp(what, "down") == 0);
    }
    if (strcmp(what, "click") != 0 || line->count > 5 ||
        (line->count == 5 && (!number(line->words[4], &ms) || ms <= 0))) {
        return "wanted: key NAME down|up, or key NAME click [MS]";
    }
    const char *wrong = add_key(at_us, name, true);
    return wrong != NULL ? wrong : add_key(at_us + (uint64_t)ms * 1000, name, false);
}

static const char *read_swipe(uint64_t at_us, const long n[WORDS])
{
    if (n[4] <= 0) {
        return "a swipe wants to last for some milliseconds";
    }
    const uint64_t lasts_us = (uint64_t)n[4] * 1000;
    const char *wrong = NULL;
    for (uint64_t us = 0; us < lasts_us && wrong == NULL; us += STROKE_US) {
        wrong = add_touch(at_us + us, true, n[0] + (n[2] - n[0]) * (long)us / (long)lasts_us,
                          n[1] + (n[3] - n[1]) * (long)us / (long)lasts_us);
    }
    wrong = wrong != NULL ? wrong : add_touch(at_us + lasts_us, true, n[2], n[3]);
    return wrong != NULL ? wrong : add_touch(at_us + lasts_us, false, n[2], n[3]);
}

static const char *read_action(const line_t *line, uint64_t at_us)
{
    long n[WORDS] = {0};
    const char *what = line->words[1];
    if (strcmp(what, "key") == 0) {
        return read_key(line, at_us);
    }
    const int count = numbers(line, 2, n);
    if (strcmp(what, "touch") == 0) {
        return count == 2 ? add_touch(at_us, true, n[0], n[1]) : "wanted: touch X Y";
    }
    if (strcmp(what, "lift") == 0) {
        return count == 0 ? add_touch(at_us, false, 0, 0) : "wanted: lift";
    }
    if (strcmp(what, "tap") == 0) {
        const char *wrong = count == 2 ? add_touch(at_us, true, n[0], n[1]) : "wanted: tap X Y";
        return wrong != NULL ? wrong : add_touch(at_us + CLICK_US, false, n[0], n[1]);
    }
    if (strcmp(what, "swipe") == 0) {
        return count == 5 ? read_swipe(at_us, n) : "wanted: swipe X Y TO_X TO_Y MS";
    }
    if (strcmp(what, "turn") == 0) {
        return count == 1 ? add(at_us, (host_input_t){.kind = HOST_INPUT_TURN, .x = (int)n[0]})
                          : "wanted: turn COUNTS";
    }
    return "what is to happen? key, touch, lift, tap, swipe or turn";
}

static const char *read_line(line_t *line)
{
    char *end;
    const char *when = line->words[0];
    const uint64_t last_us = s_count != 0 ? s_steps[s_count - 1].at_us : 0;
    const bool later = *when == '+';
    const double ms = strtod(when + later, &end);
    if (end == when + later || *end != '\0' || !(ms >= 0 && ms <= AT_MOST_MS)) {
        return "a line begins with a time in milliseconds: 1500, 1500.25, or +200";
    }
    const uint64_t at_us = (later ? last_us : 0) + (uint64_t)(ms * 1000 + 0.5);
    if (line->count < 2) {
        return "what is to happen? key, touch, lift, tap, swipe or turn";
    }
    return at_us < last_us ? "this is before the end of the line above" : read_action(line, at_us);
}

static void split(char *text, line_t *line)
{
    char *rest = NULL;
    text[strcspn(text, "#\n")] = '\0';
    line->count = 0;
    for (char *word = strtok_r(text, " \t\r", &rest); word != NULL && line->count < WORDS;
         word = strtok_r(NULL, " \t\r", &rest)) {
        line->words[line->count++] = word;
    }
}

bool input_script_read(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    unsigned at = 0;
    const char *wrong = NULL;
    FILE *file = fopen(path, "re");

    s_count = 0;
    s_next = 0;
    s_begun = false;
    if (file == NULL) {
        fprintf(stderr, "kraken-os: %s: %s\n", path, strerror(errno));
        return false;
    }
    while (wrong == NULL && getline(&text, &size, file) >= 0) {
        line_t line;
        at++;
        split(text, &line);
        wrong = line.count != 0 ? read_line(&line) : NULL;
    }
    if (wrong != NULL) {
        fprintf(stderr, "kraken-os: %s:%u: %s\n", path, at, wrong);
    } else if (ferror(file)) {
        wrong = "cannot be read";
        fprintf(stderr, "kraken-os: %s: %s\n", path, wrong);
    }
    free(text);
    fclose(file);
    return wrong == NULL;
}

// ---- playing -----------------------------------------------------------------------------------

// A task of the board, above all of its own: a hand does not wait for anybody.
static void play(void *arg)
{
    (void)arg;
    for (; s_next < s_count; s_next++) {
        const uint64_t at_us = s_steps[s_next].at_us;
        for (uint64_t now_us = host_now_us(); now_us < at_us; now_us = host_now_us()) {
            const uint64_t ms = (at_us - now_us + 999) / 1000;
            vTaskDelay(pdMS_TO_TICKS(ms < LONGEST_MS ? ms : LONGEST_MS));
        }
        host_input_put(&s_steps[s_next]);
    }
    vTaskDelete(NULL);
}

void input_script_begin(void)
{
    if (s_begun || s_count == 0) {
        return;
    }
    s_begun = true;
    if (xTaskCreate(play, "input_script", STACK, NULL, configMAX_PRIORITIES - 1, NULL) != pdPASS) {
        fprintf(stderr, "kraken-os: no input from the script: no memory for its task\n");
    }
}

// ---- recording ---------------------------------------------------------------------------------

static void write_line(const host_input_t *change)
{
    // Who came first to the clock may come second to the lock.
    s_written_us = change->at_us > s_written_us ? change->at_us : s_written_us;
    fprintf(s_recording, "%" PRIu64 ".%03u ", s_written_us / 1000, (unsigned)(s_written_us % 1000));
    switch (change->kind) {
    case HOST_INPUT_KEY:
        fprintf(s_recording, "key %s %s\n", change->key, change->down ? "down" : "up");
        break;
    case HOST_INPUT_TOUCH:
        if (change->down) {
            fprintf(s_recording, "touch %d %d\n", change->x, change->y);
        } else {
            fprintf(s_recording, "lift\n");
        }
        break;
    case HOST_INPUT_TURN:
        fprintf(s_recording, "turn %d\n", change->x);
        break;
    }
}

static void write_down(const host_input_t *change)
{
    pthread_mutex_lock(&s_lock);
    if (s_recording != NULL) { // it may have ended since this was put
        write_line(change);
    }
    pthread_mutex_unlock(&s_lock);
}

bool input_script_record(const char *path)
{
    s_recording = fopen(path, "we");
    if (s_recording == NULL) {
        fprintf(stderr, "kraken-os: %s: %s\n", path, strerror(errno));
        return false;
    }
    s_written_us = 0;
    setvbuf(s_recording, NULL, _IOLBF, 0); // of use even if the program is ended
    fprintf(s_recording, "# milliseconds since boot, and what happened then\n");
    host_input_on_put(write_down);
    return true;
}

bool input_script_finish(void)
{
    bool ok = true;
    host_input_on_put(NULL);
    pthread_mutex_lock(&s_lock);
    if (s_recording != NULL) {
        const bool failed = ferror(s_recording) != 0;
        ok = fclose(s_recording) == 0 && !failed;
        s_recording = NULL;
    }
    pthread_mutex_unlock(&s_lock);
    if (!ok) {
        fprintf(stderr, "kraken-os: the recording of the input is not complete\n");
    }
    return ok;
}
