// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The network around the virtual board: the PC's own, or a scripted one that depends on nothing but
 * the board's clock. Scripted in the simulator and in whatever is recorded or replayed, and where a
 * test says so.
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How long a scripted server takes to answer. */
#define HOST_NETWORK_TRIP_MS 20

/* A network that has a name; strings must live. */
typedef struct {
    const char *name;
    const char *secret; /* NULL = none is wanted */
    int8_t rssi_dbm;
    bool absent;     /* out of reach */
    bool no_address; /* lets us in, and gives no address */
} host_network_t;

/* A file of a scripted server; strings and body must live. */
typedef struct {
    const char *url; /* the whole of it */
    const void *body;
    uint32_t size;
    int status;           /* 0 = 200, or 206 for a part */
    const char *tag;      /* ETag; NULL = none */
    const char *location; /* for redirections */
    uint32_t announced;   /* length that it claims; 0 = the true one */
    uint32_t chunk;       /* bytes that come at once; 0 = as many as wanted */
    uint32_t delay_ms;    /* before each of them */
    uint32_t break_after; /* bytes after which each connection breaks; 0 = never */
    uint32_t stall_after; /* bytes after which nothing more comes; 0 = never */
    bool no_range;        /* always sends all of it */
    bool wrong_range;     /* sends another part than was asked for */
    bool endless;         /* never stops */
    bool mute;            /* takes the request and says nothing */
} host_network_file_t;

/** @brief True: the PC's network. @context any */
bool host_network_real(void);

/** @brief Script it also with the threads scheduler. @context any, before the service starts */
void host_network_script(bool on);

/** @brief Which networks there are; none: a cable. @context any; *networks must live */
void host_network_set(const host_network_t *networks, unsigned count);

/** @brief Which files servers have; others cannot be found. @context any; *files must live */
void host_network_serve(const host_network_file_t *files, unsigned count);

/** @brief Nothing gets through any more, or again. @context any task */
void host_network_cut(bool cut);

/** @brief Somebody changed what networks_set() was given. @context any task */
void host_network_changed(void);

/** @brief Requests that scripted servers got. @context any */
uint32_t host_network_requests(void);

/* ---- for the backends ---- */

bool host_network_is_cut(void);
const host_network_t *host_network_at(unsigned index);         /* NULL = there are no more */
const host_network_t *host_network_find(const char *name);     /* NULL name: any */
const host_network_file_t *host_network_file(const char *url); /* counts a request */
/** @brief Have fn called, as an interrupt of core 0, after a change. NULL = nobody. */
void host_network_on_change(void (*fn)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif
