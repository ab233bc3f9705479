/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands from other programs of the PC, at a socket in the board's state folder. One packet to us
 * is one command. Packets from us: " TEXT" a line that it printed, "=N" its status and its end,
 * "~TEXT" what the log printed, for a client that sent "follow".
 *
 * For a recording the commands come from outside. The simulator has no such socket: there, when a
 * command comes would depend on the PC.
 */
#include "shell_remote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "host_control.h"
#include "host_log.h"
#include "host_record.h"
#include "shell_internal.h"

#define REMOTE_STACK    8192 /* a signature is checked on it */
#define REMOTE_PRIORITY 2
#define POLL_MS         100
#define SEND_WAIT_S     2 /* a client that does not read is given up */
#define CLIENTS         4
#define LOG_MAX         1024

static const char *TAG = "shell";
static const char s_channel[] = "remote";

static int s_listening = -1;

/* s_lock: protects what follows against the log, which comes from every task. Held for calls that
 * do not wait only. */
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    int fd; /* -1: free */
    bool follows;
} s_clients[CLIENTS];

/* ---- output ---------------------------------------------------------------------------------- */

static void on_log(const char *text, size_t length, void *ctx)
{
    (void)ctx;
    char packet[LOG_MAX];
    const int size = snprintf(packet, sizeof(packet), "~%.*s", (int)length, text);
    const size_t bytes = (size_t)size < sizeof(packet) ? (size_t)size : sizeof(packet) - 1;
    pthread_mutex_lock(&s_lock);
    for (int i = 0; i < CLIENTS; i++) {
        if (s_clients[i].fd >= 0 && s_clients[i].follows) {
            (void)send(s_clients[i].fd, packet, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
    }
    pthread_mutex_unlock(&s_lock);
}

static void give_up(int client)
{
    pthread_mutex_lock(&s_lock);
    const int fd = s_clients[client].fd;
    s_clients[client].fd = -1;
    pthread_mutex_unlock(&s_lock);
    if (fd >= 0) {
        close(fd);
    }
}

/** Only the task of this file closes clients, so it may read a descriptor without the lock. */
static void on_line(const char *line, void *arg)
{
    const int client = *(const int *)arg;
    char packet[SHELL_OUTPUT_MAX + 2];
    const int size = snprintf(packet, sizeof(packet), " %s", line);
    if (s_clients[client].fd >= 0 &&
        send(s_clients[client].fd, packet, (size_t)size, MSG_NOSIGNAL) < 0) {
        give_up(client);
    }
}

/* ---- commands -------------------------------------------------------------------------------- */

static void execute(int client, const char *line)
{
    char status[16];
    int code = SHELL_OK;
    if (strcmp(line, "follow") == 0) {
        pthread_mutex_lock(&s_lock);
        s_clients[client].follows = true;
        pthread_mutex_unlock(&s_lock);
    } else {
        code = shell_execute(line, on_line, &client);
    }
    const int size = snprintf(status, sizeof(status), "=%d", code);
    if (s_clients[client].fd >= 0 &&
        send(s_clients[client].fd, status, (size_t)size, MSG_NOSIGNAL) < 0) {
        give_up(client);
    }
}

static void receive(int client)
{
    char line[SHELL_LINE_MAX + 2]; /* one byte too many shows that it is too long */
    const ssize_t n = recv(s_clients[client].fd, line, sizeof(line) - 1, MSG_DONTWAIT);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            give_up(client);
        }
        return;
    }
    line[n] = '\0';
    host_input_note(s_channel, line, (uint32_t)n);
    execute(client, line);
}

static void take_client(void)
{
    const struct timeval wait = {.tv_sec = SEND_WAIT_S};
    const int fd = accept4(s_listening, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    for (int i = 0; i < CLIENTS; i++) {
        if (s_clients[i].fd < 0) {
            pthread_mutex_lock(&s_lock);
            s_clients[i].follows = false;
            s_clients[i].fd = fd;
            pthread_mutex_unlock(&s_lock);
            return;
        }
    }
    static const char full[] = " the board serves 4 others already";
    (void)send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

static void serve(void)
{
    struct pollfd sources[CLIENTS + 1];
    for (int i = 0; i < CLIENTS; i++) {
        sources[i] = (struct pollfd){.fd = s_clients[i].fd, .events = POLLIN};
    }
    sources[CLIENTS] = (struct pollfd){.fd = s_listening, .events = POLLIN};
    const int ready = poll(sources, CLIENTS + 1, POLL_MS);
    vTaskDelay(0); /* a point where the board may be stopped */
    if (ready <= 0) {
        return;
    }
    for (int i = 0; i < CLIENTS; i++) {
        if (sources[i].fd >= 0 && sources[i].revents != 0) {
            receive(i);
        }
    }
    if (sources[CLIENTS].revents != 0) {
        take_client();
    }
}

/** The commands of a recording; what they print goes nowhere. */
static void serve_again(void)
{
    static char s_line[SHELL_LINE_MAX + 2];
    uint32_t size;
    while ((size = host_input_again(s_channel, s_line, sizeof(s_line) - 1)) != 0) {
        s_line[size] = '\0';
        execute(0, s_line);
    }
}

static void remote_task(void *arg)
{
    (void)arg;
    if (host_replaying()) {
        serve_again();
        vTaskDelete(NULL);
    }
    for (;;) {
        serve();
    }
}

/* ---- the socket ------------------------------------------------------------------------------ */

/** @return a listening socket, or -1 with *why. */
static int listen_in(const char *folder, const char **why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    /* By the folder's descriptor: an address has room for 107 bytes only. */
    const int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/console", dir);
    *why = NULL;
    if (dir < 0 || fd < 0) {
        *why = strerror(errno);
    } else if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        *why = "another board runs with the same state";
    } else if (unlink(address.sun_path) != 0 && errno != ENOENT) {
        *why = strerror(errno);
    } else if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
               listen(fd, CLIENTS) != 0) {
        *why = strerror(errno);
    }
    if (dir >= 0) {
        close(dir);
    }
    if (*why != NULL && fd >= 0) {
        close(fd);
    }
    return *why != NULL ? -1 : fd;
}

void shell_remote_open(void)
{
    const char *folder = host_config()->state_dir;
    const char *why;
    for (int i = 0; i < CLIENTS; i++) {
        s_clients[i].fd = -1;
    }
    if (host_replaying()) {
        if (!host_steer_on) {
            return; /* a run of the simulator */
        }
    } else if (folder == NULL || host_sched() == HOST_SCHED_SIM) {
        return;
    } else {
        s_listening = listen_in(folder, &why);
        if (s_listening < 0) {
            ESP_LOGW(TAG, "no commands from other programs: %s: %s", folder, why);
            return;
        }
        host_console_set_listener(on_log, NULL);
    }
    if (xTaskCreatePinnedToCore(remote_task, "remote", REMOTE_STACK, NULL, REMOTE_PRIORITY, NULL,
                                tskNO_AFFINITY) != pdPASS) {
        ESP_LOGW(TAG, "no commands from other programs: no memory");
    }
}
