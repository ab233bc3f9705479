// SPDX-License-Identifier: Apache-2.0

// An app package: to verify it, to install it, to load its program, to start it; and the heap that
// this takes.

#include <stdio.h>
#include <string.h>

#include "esp_heap_caps.h"
#include "nvs_flash.h"

#include "bench.h"
#include "kapp/kapp_install.h"
#include "kapp/kapp_interface.h"
#include "kapp/kapp_program.h"
#include "kapp/kapp_trust.h"
#include "system_service/app_manager.h"

#define LARGEST (1024u * 1024u)

static uint8_t s_package[LARGEST];

static esp_err_t read_package(void *arg, uint32_t offset, void *to, size_t size)
{
    const uint32_t *total = arg;
    if (offset > *total || size > *total - offset) {
        return ESP_ERR_INVALID_SIZE;
    }
    memcpy(to, s_package + offset, size);
    return ESP_OK;
}

static size_t free_bytes(void)
{
    return heap_caps_get_free_size(MALLOC_CAP_8BIT);
}

static size_t least_free_bytes(void)
{
    return heap_caps_get_minimum_free_size(MALLOC_CAP_8BIT);
}

static uint32_t read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    BENCH_CHECK(file != NULL);
    const size_t got = fread(s_package, 1, sizeof(s_package), file);
    BENCH_CHECK(got > 0 && feof(file));
    fclose(file);
    return (uint32_t)got;
}

static void measure_load(const kapp_t *package)
{
    static kapp_manifest_t s_manifest;
    kapp_program_t *program;
    BENCH_CHECK(kapp_read_manifest(package, &s_manifest) == ESP_OK);
    kapp_importer_t importer = {kapp_interface_list(), &s_manifest, 0};
    const size_t before = free_bytes();
    const uint64_t began = bench_now_ns();
    BENCH_CHECK(kapp_program_load(package, s_manifest.name, kapp_interface_resolve, &importer,
                                  &program) == ESP_OK);
    bench_figure("load_us", (double)(bench_now_ns() - began) / 1000);
    bench_figure_count("heap_beside_image", before - free_bytes());
    kapp_program_unload(program);

    kapp_code_t code;
    uint32_t image = 0;
    BENCH_CHECK(kapp_find_code(package, kapp_program_target(), &code) == ESP_OK);
    for (unsigned i = 0; i < code.segment_count; i++) {
        image += code.segments[i].size;
    }
    bench_figure_count("image_bytes", image);
}

static void measure_install(const char *path)
{
    app_install_report_t report;
    const size_t before = free_bytes();
    uint64_t began = bench_now_ns();
    BENCH_CHECK(app_manager_install(path, &report) == ESP_OK);
    bench_figure("install_us", (double)(bench_now_ns() - began) / 1000);
    const size_t least = least_free_bytes();
    bench_figure_count("install_heap_most", before > least ? before - least : 0);

    const size_t stopped = free_bytes();
    began = bench_now_ns();
    BENCH_CHECK(app_manager_start(report.name) == ESP_OK);
    bench_figure("start_us", (double)(bench_now_ns() - began) / 1000);
    bench_figure_count("heap_running", stopped - free_bytes());
    BENCH_CHECK(app_manager_stop(report.name) == ESP_OK);
}

static void run(const bench_args_t *args)
{
    static kapp_t s_opened;
    const char *path = bench_arg(args, "package", NULL);
    const char *key_text = bench_arg(args, "key", NULL);
    uint8_t key[KAPP_PUBLIC_KEY_SIZE];
    kapp_verdict_t verdict;
    BENCH_CHECK(path != NULL && key_text != NULL && kapp_key_parse(key_text, key) == ESP_OK);
    uint32_t size = read_file(path);
    BENCH_CHECK(nvs_flash_init() == ESP_OK && kapp_init() == ESP_OK);
    BENCH_CHECK(kapp_trust_add("bench", key) == ESP_OK);
    (void)bench_system_up();
    BENCH_CHECK(kapp_store_start(false) == ESP_OK);

    const kapp_source_t source = {.read = read_package, .arg = &size, .size = size};
    BENCH_CHECK(kapp_open(&s_opened, &source) == ESP_OK);
    const uint64_t began = bench_now_ns();
    BENCH_CHECK(kapp_verify(&s_opened, false, &verdict) == ESP_OK);
    bench_figure("verify_us", (double)(bench_now_ns() - began) / 1000);
    bench_figure_count("package_bytes", size);
    measure_load(&s_opened);
    measure_install(path);
}

const bench_case_t bench_case_apps = {
    .name = "apps",
    .help = "an app package: verify, install, load, start",
    .sched = HOST_SCHED_THREADS,
    .run = run,
};
