// SPDX-License-Identifier: Apache-2.0
/*
 * Apps are installed, updated, started, stopped and removed, while allocations fail and the power
 * goes at any moment. After each step the store holds what was there before it or what was to be;
 * whenever nothing is installed, not a byte of memory, an extent or an entry of NVS is missing.
 *
 * 10,000 rounds: ./kraken torture --apps 10000
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_heap_caps.h"
#include "event_internal.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_flash.h"
#include "host_heap.h"
#include "nvs.h"
#include "nvs_flash.h"

#include "kapp/kapp_install.h"
#include "kapp/kapp_trust.h"
#include "program_package.h"
#include "scenario.h"
#include "system_service/app_manager.h"
#include "system_service/error_codes.h"
#include "system_up.h"
#include "tally.h"

#define ROUNDS  100
#define SETTLED 20 /* rounds: what first uses cost is behind us then */
#define APPS    3u

static const char s_table[] = "nvs,  data, nvs,  0x9000, 24K\n"
                              "apps, data, 0x40, 0x20000, 320K\n";
static const char *const s_names[APPS] = {"hello", "keeps", "deaf"};
static const char *const s_ids[APPS] = {"org.hello", "org.keeps", "org.deaf"};

static uint32_t s_random;
static kb_bytes_t s_packages[APPS][2]; /* versions 1 and 2 */
static kb_bytes_t s_dies;              /* version 3 of the first one, which fails on probation */
static unsigned s_versions[APPS];      /* what is installed; 0: nothing */

/* Over all seeds. Bytes, entries and ids that are missing would have ended the run. */
typedef struct {
    _Atomic uint32_t rounds, installed, updated, uninstalled, started, stopped;
    _Atomic uint32_t refused, short_of_memory, power_cuts, clears;
} counts_t;

static counts_t *s_counts;

static uint32_t draw(uint32_t below)
{
    s_random = s_random * 1664525u + 1013904223u;
    return (s_random >> 8) % below;
}

typedef struct {
    const kb_bytes_t *bytes;
    uint32_t at;
} stream_t;

static esp_err_t give(void *arg, void *to, size_t room, size_t *got)
{
    stream_t *s = arg;
    const uint32_t left = s->bytes->size - s->at;
    *got = room < left ? room : left;
    memcpy(to, s->bytes->bytes + s->at, *got);
    s->at += (uint32_t)*got;
    return ESP_OK;
}

/* ---- faults --------------------------------------------------------------------------------- */

static void fault_begin(void)
{
    switch (draw(4)) {
    case 0:
        host_heap_fail_nth(1 + draw(40), 1);
        s_counts->short_of_memory++;
        break;
    case 1:
        host_flash_cut_power_after(draw(20000), HOST_POWER_CUT_FAILS, s_random);
        break;
    default:
        break;
    }
}

/** The board after a power cut. */
static void boot(void)
{
    SCENARIO_CHECK_INT(kapp_store_stop(), ==, ESP_OK);
    SCENARIO_CHECK_INT(nvs_flash_deinit(), ==, ESP_OK);
    SCENARIO_CHECK_INT(nvs_flash_init(), ==, ESP_OK);
    SCENARIO_CHECK_INT(kapp_init(), ==, ESP_OK);
    SCENARIO_CHECK_INT(kapp_store_start(true), ==, ESP_OK);
}

static void fault_end(void)
{
    host_heap_fail_nth(0, 0);
    if (host_flash_is_off()) {
        s_counts->power_cuts++;
        host_flash_power_on();
        boot();
    }
    host_flash_power_on();
}

/* ---- what there is -------------------------------------------------------------------------- */

static unsigned installed_version(unsigned app)
{
    app_installed_t installed[CONFIG_KAPP_MAX_INSTALLED];
    size_t count = CONFIG_KAPP_MAX_INSTALLED;
    SCENARIO_CHECK_INT(app_manager_installed(installed, &count), ==, ESP_OK);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(installed[i].id, s_ids[app]) == 0) {
            return installed[i].version.major;
        }
    }
    return 0;
}

/** It is as it was, or as it was to be. */
static void settle(unsigned app, esp_err_t ret, unsigned wanted)
{
    s_counts->refused += ret != ESP_OK;
    const unsigned now = installed_version(app);
    SCENARIO_CHECK(now == wanted || now == s_versions[app]);
    SCENARIO_CHECK(ret != ESP_OK || now == wanted);
    s_versions[app] = now;
}

/** The extents in use are those of what is installed. */
static void check_extents(void)
{
    kapp_store_usage_t usage;
    unsigned least = 0;
    for (unsigned i = 0; i < APPS; i++) {
        least += s_versions[i] != 0;
    }
    SCENARIO_CHECK_INT(kapp_store_get_usage(&usage), ==, ESP_OK);
    const unsigned used = usage.used_bytes / 65536;
    /* Only "keeps" stores something. */
    SCENARIO_CHECK(used == least || (s_versions[1] != 0 && used == least + 1));
    SCENARIO_CHECK_INT(usage.apps, ==, least);
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void install(unsigned app)
{
    const unsigned version = draw(2);
    stream_t s = {&s_packages[app][version], 0};
    const kapp_stream_t stream = {give, &s};
    fault_begin();
    const esp_err_t ret = app_manager_install_stream(&stream, NULL);
    fault_end();
    s_counts->installed += ret == ESP_OK;
    settle(app, ret, version + 1);
}

static void update(unsigned app)
{
    const bool dies = app == 0 && draw(3) == 0;
    const unsigned version = draw(2);
    stream_t s = {dies ? &s_dies : &s_packages[app][version], 0};
    const kapp_stream_t stream = {give, &s};
    fault_begin();
    const esp_err_t ret = app_manager_update_stream(&stream, true, NULL);
    fault_end();
    s_counts->updated += ret == ESP_OK;
    settle(app, ret, dies ? 3 : version + 1);
}

static void uninstall(unsigned app)
{
    fault_begin();
    const esp_err_t ret = app_manager_uninstall(s_ids[app], false);
    fault_end();
    s_counts->uninstalled += ret == ESP_OK;
    settle(app, ret, 0);
}

static void run_for_a_moment(unsigned app)
{
    app_info_t info;
    fault_begin();
    if (app_manager_start(s_names[app]) == ESP_OK) {
        s_counts->started++;
        vTaskDelay(draw(30));
    }
    if (draw(2) == 0) {
        s_counts->stopped += app_manager_stop(s_names[app]) == ESP_OK;
    }
    fault_end();
    if (app_manager_get_info(s_names[app], &info) != ESP_OK) {
        boot(); /* memory was short when it was to be made known again */
        SCENARIO_CHECK_INT(app_manager_get_info(s_names[app], &info), ==, ESP_OK);
    }
}

static void one_round(void)
{
    const unsigned app = draw(APPS);
    if (s_versions[app] == 0) {
        install(app);
    } else {
        switch (draw(4)) {
        case 0:
            uninstall(app);
            break;
        case 1:
            update(app);
            break;
        default:
            run_for_a_moment(app);
            break;
        }
    }
    check_extents();
}

/** Remove everything. */
static void clear(void)
{
    for (unsigned i = 0; i < APPS; i++) {
        if (s_versions[i] != 0) {
            SCENARIO_CHECK_INT(app_manager_uninstall(s_ids[i], false), ==, ESP_OK);
            s_counts->uninstalled++;
            s_versions[i] = 0;
        }
    }
    check_extents();
    SCENARIO_CHECK_INT(app_manager_set_aside_count(), ==, 0);
    SCENARIO_CHECK_INT(event_subs_count(SYSTEM_SLOT_NONE), ==, 0);
}

typedef struct {
    size_t memory;
    size_t entries; /* of NVS that are in use */
    uint32_t services, subscriptions;
} left_t;

static left_t what_is_left(system_secure_key_t system)
{
    left_t left;
    nvs_stats_t stats;
    size_t apps = 0;
    SCENARIO_CHECK_INT(nvs_get_stats(NULL, &stats), ==, ESP_OK);
    (void)app_manager_list(NULL, &apps);
    SCENARIO_CHECK_INT(apps, ==, 0);
    left.memory = heap_caps_get_free_size(MALLOC_CAP_8BIT);
    left.entries = stats.used_entries;
    SCENARIO_CHECK_INT(system_service_get_stats(system, &left.services, NULL, &left.subscriptions),
                       ==, ESP_OK);
    return left;
}

static void make_packages(void)
{
    static const char *const programs[APPS] = {PROGRAM_HELLO, PROGRAM_KEEPS, PROGRAM_DEAF};
    kb_key_t key;
    kb_key_make(&key);
    SCENARIO_CHECK_INT(kapp_trust_add("test", key.public_key), ==, ESP_OK);
    for (unsigned i = 0; i < APPS; i++) {
        for (unsigned version = 0; version < 2; version++) {
            s_packages[i][version] =
                program_package_storing(programs[i], s_ids[i], s_names[i], version + 1, &key);
        }
    }
    s_dies = program_package_of(PROGRAM_DIES, s_ids[0], s_names[0], 3, &key);
}

static void run(void)
{
    left_t before = {0};
    s_random = (uint32_t)scenario_seed();
    SCENARIO_CHECK_INT(nvs_flash_init(), ==, ESP_OK);
    SCENARIO_CHECK_INT(kapp_init(), ==, ESP_OK);
    make_packages();
    const system_secure_key_t system = system_up();
    SCENARIO_CHECK_INT(kapp_store_start(true), ==, ESP_OK);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        one_round();
        s_counts->rounds++;
        if (round % 10 != 0) {
            continue;
        }
        clear();
        const left_t now = what_is_left(system);
        s_counts->clears++;
        if (round > SETTLED) {
            SCENARIO_CHECK_INT(now.memory, ==, before.memory);
            SCENARIO_CHECK_INT(now.entries, ==, before.entries);
            SCENARIO_CHECK_INT(now.services, ==, before.services);
            SCENARIO_CHECK_INT(now.subscriptions, ==, before.subscriptions);
        }
        before = now;
    }
    system_down(system);
}

static void print_counts(void)
{
    const counts_t *c = s_counts;
    printf(
        "%u rounds: %u installed, %u updated, %u started, %u stopped, %u uninstalled; %u refused\n",
        (unsigned)c->rounds, (unsigned)c->installed, (unsigned)c->updated, (unsigned)c->started,
        (unsigned)c->stopped, (unsigned)c->uninstalled, (unsigned)c->refused);
    printf(
        "%u times an allocation was to fail, %u power cuts; %u times nothing was installed: each "
        "time no byte, entry, id or subscription was missing\n",
        (unsigned)c->short_of_memory, (unsigned)c->power_cuts, (unsigned)c->clears);
}

int main(int argc, char **argv)
{
    static const scenario_t s = {.name = "app_store_cycles", .run = run};
    bool prints;
    s_counts = tally_share(sizeof(*s_counts), &prints);
    host_flash_use_table(s_table);
    const int code = scenario_main(argc, argv, &s);
    if (prints) {
        print_counts();
    }
    return code;
}
