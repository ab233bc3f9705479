// SPDX-License-Identifier: Apache-2.0

// The air between radios: distance, loss, and the sockets of other programs.

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host_control.h"
#include "host_services.h"
#include "radio.h"

#define RANGE_M      30
#define ADDRESS_TEXT 12 // an address in hexadecimal

// Never held across a call of the scheduler.
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static host_radio_t s_radio[RADIO_MAX];
static host_air_t s_air;
static uint32_t s_random;
static char s_folder[sizeof(((struct sockaddr_un *)0)->sun_path) - ADDRESS_TEXT - 1];
static int s_socket = -1;
static char s_own[ADDRESS_TEXT + 1];

void radio_lock(void)
{
    pthread_mutex_lock(&s_lock);
}

void radio_unlock(void)
{
    struct {
        void (*wake)(void *arg);
        void *arg;
    } woken[RADIO_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < RADIO_MAX; i++) {
        if (s_radio[i].rouse) {
            s_radio[i].rouse = false;
            woken[count].wake = s_radio[i].wake;
            woken[count++].arg = s_radio[i].arg;
        }
    }
    pthread_mutex_unlock(&s_lock);
    for (unsigned i = 0; i < count && host_is_running(); i++) {
        (void)host_isr_raise(woken[i].wake, woken[i].arg, 0);
    }
}

host_radio_t *radio_at(unsigned index)
{
    return index < RADIO_MAX ? &s_radio[index] : NULL;
}

void host_radio_set_air(const host_air_t *air)
{
    radio_lock();
    s_air = *air;
    radio_unlock();
}

/** Of its own: whether something is lost must not change what others draw from the board's. */
uint32_t radio_air_random(void)
{
    if (s_random == 0) {
        s_random = (uint32_t)host_config()->seed * 2654435761u | 1u;
    }
    s_random ^= s_random << 13;
    s_random ^= s_random >> 17;
    s_random ^= s_random << 5;
    return s_random;
}

/** 6 dB less with every doubling of the distance. */
int8_t radio_air_rssi(int metres)
{
    int rssi = -45;
    for (int m = metres; m > 1 && rssi > -100; m /= 2) {
        rssi -= 6;
    }
    return (int8_t)rssi;
}

static void hear(host_radio_t *radio, int place, uint32_t access, const uint8_t *pdu, size_t size)
{
    const int metres = place > radio->place ? place - radio->place : radio->place - place;
    const int range = s_air.range_m != 0 ? (int)s_air.range_m : RANGE_M;
    if (!radio->on || metres > range || radio->inbox_count == RADIO_INBOX ||
        (s_air.loss_ppm != 0 && radio_air_random() % 1000000 < s_air.loss_ppm)) {
        return;
    }
    radio_frame_t *frame = &radio->inbox[(radio->inbox_first + radio->inbox_count++) % RADIO_INBOX];
    frame->metres = metres;
    frame->access = access;
    frame->size = (uint16_t)size;
    memcpy(frame->pdu, pdu, size);
    radio->rouse = true;
}

/* ---- other programs ---- */

static void name_of(const uint8_t address[6], char name[ADDRESS_TEXT + 1])
{
    (void)snprintf(name, ADDRESS_TEXT + 1, "%02x%02x%02x%02x%02x%02x", address[5], address[4],
                   address[3], address[2], address[1], address[0]);
}

static bool path_of(const char *name, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    const int length = snprintf(out->sun_path, sizeof(out->sun_path), "%s/%s", s_folder, name);
    return length > 0 && (size_t)length < sizeof(out->sun_path);
}

/** What cannot be sent at once is lost, as on the air. */
static void send_to(const char *name, const void *bytes, size_t size)
{
    struct sockaddr_un to;
    if (path_of(name, &to) &&
        sendto(s_socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&to,
               sizeof(to)) < 0 &&
        errno == ECONNREFUSED) {
        (void)unlink(to.sun_path); // of a program that ended without a word
    }
}

static void send_to_others(const host_radio_t *from, uint32_t access, const uint8_t *pdu,
                           size_t size, const uint8_t *to)
{
    radio_bytes_t bytes = {
        .place = {(uint8_t)from->place, (uint8_t)(from->place >> 8)},
        .access = {(uint8_t)access, (uint8_t)(access >> 8), (uint8_t)(access >> 16),
                   (uint8_t)(access >> 24)},
    };
    memcpy(bytes.pdu, pdu, size);
    const size_t total = sizeof(bytes) - sizeof(bytes.pdu) + size;
    if (to != NULL) {
        char name[ADDRESS_TEXT + 1];
        name_of(to, name);
        send_to(name, &bytes, total);
        return;
    }
    DIR *folder = opendir(s_folder);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (strlen(entry->d_name) == ADDRESS_TEXT && strcmp(entry->d_name, s_own) != 0) {
            send_to(entry->d_name, &bytes, total);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
}

void radio_air_send(host_radio_t *from, uint32_t access, const uint8_t *pdu, size_t size,
                    const uint8_t *to)
{
    for (unsigned i = 0; i < RADIO_MAX; i++) {
        if (&s_radio[i] != from) {
            hear(&s_radio[i], from->place, access, pdu, size);
        }
    }
    if (s_socket >= 0) {
        send_to_others(from, access, pdu, size, to);
    }
}

static void *listen_to_others(void *arg)
{
    (void)arg;
    for (;;) {
        radio_bytes_t bytes;
        const ssize_t n = recv(s_socket, &bytes, sizeof(bytes), 0);
        const size_t head = sizeof(bytes) - sizeof(bytes.pdu);
        if (n < 0 && errno != EINTR) {
            return NULL;
        }
        if (n < (ssize_t)head + 2) {
            continue; // not a PDU
        }
        const int16_t place = (int16_t)(bytes.place[0] | bytes.place[1] << 8);
        const uint32_t access = (uint32_t)bytes.access[0] | (uint32_t)bytes.access[1] << 8 |
                                (uint32_t)bytes.access[2] << 16 | (uint32_t)bytes.access[3] << 24;
        radio_lock();
        for (unsigned i = 0; i < RADIO_MAX; i++) {
            hear(&s_radio[i], place, access, bytes.pdu, (size_t)n - head);
        }
        radio_unlock();
    }
}

bool host_radio_share(const char *folder)
{
    struct stat info;
    if (strlen(folder) >= sizeof(s_folder)) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (stat(folder, &info) != 0) {
        return false;
    }
    if (!S_ISDIR(info.st_mode)) {
        errno = ENOTDIR;
        return false;
    }
    (void)snprintf(s_folder, sizeof(s_folder), "%s", folder);
    return true;
}

static void leave(void)
{
    struct sockaddr_un own;
    if (path_of(s_own, &own)) {
        (void)unlink(own.sun_path);
    }
}

void radio_air_join(const host_radio_t *radio)
{
    pthread_t thread;
    struct sockaddr_un own;
    if (s_folder[0] == '\0' || s_socket >= 0 || host_sched() == HOST_SCHED_SIM) {
        return;
    }
    name_of(radio->address, s_own);
    const int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (made < 0 || !path_of(s_own, &own) ||
        bind(made, (const struct sockaddr *)&own, sizeof(own)) != 0) {
        fprintf(stderr, "kraken-os: the radio reaches nobody: %s: %s\n", s_folder, strerror(errno));
        if (made >= 0) {
            (void)close(made);
        }
        return;
    }
    s_socket = made;
    (void)atexit(leave);
    host_at_end(leave);
    if (pthread_create(&thread, NULL, listen_to_others, NULL) != 0) {
        fprintf(stderr, "kraken-os: the radio hears nobody: no thread\n");
        return;
    }
    (void)pthread_detach(thread);
}
