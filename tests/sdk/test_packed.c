// SPDX-License-Identifier: Apache-2.0

// A package of the package tool, read by the system: hello for the PC, and a program that Xtensa's
// own compiler and linker made.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_builder.h"
#include "ktest.h"
#include "nvs_flash.h"
#include "system_up.h"

#include "kapp/kapp_app.h"
#include "kapp/kapp_trust.h"
#include "system_service/app_manager.h"
#include "system_service/error_codes.h"

#define S3       KAPP_TARGET_XTENSA_ESP32S3
#define IMPORTED 0x40005678u

static uint8_t s_bytes[65536];
static kapp_source_t s_source;
static kapp_t s_package;
static _Atomic uint32_t s_greetings;

static void on_greeting(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
    s_greetings++;
}

static size_t read_file(const char *path, void *to, size_t room)
{
    FILE *file = fopen(path, "rb");
    KTEST_CHECK(file != NULL);
    const size_t size = fread(to, 1, room, file);
    fclose(file);
    return size;
}

/** The key as the tool prints it: id and bytes, in hexadecimal. */
static void trust_key(void)
{
    char text[256] = "";
    uint8_t key[KAPP_PUBLIC_KEY_SIZE];
    (void)read_file(PACKAGES "/key.txt", text, sizeof(text) - 1);
    for (unsigned i = 0; i < sizeof(key); i++) {
        unsigned byte;
        KTEST_CHECK(sscanf(text + 65 + (size_t)2 * i, "%2x", &byte) == 1);
        key[i] = (uint8_t)byte;
    }
    KTEST_CHECK(kapp_trust_add("tool", key) == ESP_OK);
}

static int set_up(void **state)
{
    (void)state;
    static bool done;
    if (!done) {
        KTEST_CHECK(nvs_flash_init() == ESP_OK);
        KTEST_CHECK(kapp_init() == ESP_OK);
        const size_t size = read_file(PACKAGES "/hello.kapp", s_bytes, sizeof(s_bytes));
        s_source = kapp_source_memory(s_bytes, (uint32_t)size);
        done = true;
    }
    return 0;
}

static void the_system_reads_what_the_tool_wrote(void **state)
{
    (void)state;
    kapp_manifest_t m;
    kapp_verdict_t verdict;
    const kapp_section_t *asset;
    char text[64];
    assert_int_equal(kapp_open(&s_package, &s_source), ESP_OK);
    assert_int_equal(kapp_verify(&s_package, false, &verdict), ESP_ERR_KAPP_SIGNER_UNKNOWN);
    trust_key();
    assert_int_equal(kapp_verify(&s_package, false, &verdict), ESP_OK);
    assert_int_equal(kapp_read_manifest(&s_package, &m), ESP_OK);
    assert_string_equal(m.id, "org.example.hello");
    assert_string_equal(m.author, "J\303\266rg");
    assert_int_equal(m.version.patch, 3);
    assert_int_equal(m.stack_size, 8192);
    assert_true(m.restart_on_crash);
    assert_int_equal(m.permissions, 1u << KAPP_GROUP_EVENTS);
    assert_int_equal(m.pattern_count, 2);
    assert_int_equal(m.patterns[0].rights, KAPP_PATTERN_POST | KAPP_PATTERN_SUBSCRIBE);
    assert_int_equal(m.quota.max_events_per_sec, 50);
    assert_int_equal(m.memory_bytes, 4096);
    assert_int_equal(kapp_find_asset(&s_package, "self.toml", &asset), ESP_OK);
    assert_true(asset->compressed && asset->size < 4096);
    char *whole = malloc(asset->size);
    assert_int_equal(kapp_load_section(&s_package, asset, whole), ESP_OK);
    memcpy(text, whole, sizeof(text));
    free(whole);
    assert_memory_equal(text, "# SPDX-License-Identifier", 25);
}

static void it_runs_here(void **state)
{
    (void)state;
    (void)system_up();
    const system_service_id_t witness = system_up_service("witness");
    assert_int_equal(
        system_event_subscribe_pattern(witness, "hello.*", on_greeting, NULL, NULL, NULL), ESP_OK);
    assert_int_equal(kapp_app_register(&s_source, false, NULL), ESP_OK);
    assert_int_equal(app_manager_start("hello"), ESP_OK);
    assert_true(system_up_wait(&s_greetings, 2, 20000));
    assert_int_equal(app_manager_stop("hello"), ESP_OK);
    assert_int_equal(kapp_app_unregister("hello"), ESP_OK);
}

static esp_err_t resolve(void *arg, const char *name, uint64_t *target)
{
    (void)arg;
    *target = IMPORTED;
    return strcmp(name, "host_add") == 0 || strcmp(name, "host_note") == 0 ? ESP_OK
                                                                           : ESP_ERR_NOT_FOUND;
}

static bool in_segment(const elf_image_t *image, uint32_t target, uint8_t flags)
{
    const uint64_t base = (flags & ELF_FLAG_X) != 0 ? EB_CODE_TARGET : EB_DATA_TARGET;
    const elf_segment_t *s = elf_segment_of(image, image->layout.base + (target - base));
    return s != NULL && s->flags == flags;
}

static uint32_t word(const elf_image_t *image, uint64_t address)
{
    uint32_t value;
    const uint8_t *p = elf_at(image, address, 4);
    assert_non_null(p);
    memcpy(&value, p, 4);
    return value;
}

static void a_program_of_xtensas_linker_is_linked(void **state)
{
    (void)state;
    kapp_code_t code;
    elf_image_t image;
    elf_parts_t parts = {0};
    static uint8_t head[KAPP_HEAD_MAX];
    static uint8_t segments[KAPP_SEGMENTS_MAX][16384];
    assert_int_equal(kapp_find_code(&s_package, S3, &code), ESP_OK);
    assert_int_equal(kapp_load_section(&s_package, code.head, head), ESP_OK);
    parts.head = head;
    parts.head_size = code.head->size;
    parts.segment_count = code.segment_count;
    for (unsigned i = 0; i < code.segment_count; i++) {
        assert_true(code.segments[i].size <= sizeof(segments[i]));
        assert_int_equal(kapp_load_section(&s_package, &code.segments[i], segments[i]), ESP_OK);
        parts.segments[i].bytes = segments[i];
        parts.segments[i].size = code.segments[i].size;
    }
    assert_int_equal(elf_feed(&elf_arch_xtensa, &parts, resolve, &image), ESP_OK);
    // Code stands alone; constants and tables are on the data bus.
    unsigned code_segments = 0;
    for (unsigned i = 0; i < image.layout.segment_count; i++) {
        code_segments += (image.layout.segments[i].flags & ELF_FLAG_X) != 0;
    }
    assert_int_equal(code_segments, 1);
    // Each address that the linker left is one of the bus it belongs to.
    unsigned own = 0, imports = 0;
    for (uint32_t at = 0; at < image.relocations.size; at += 12) {
        const uint64_t r = image.relocations.address + at;
        const uint32_t value = word(&image, word(&image, r));
        const uint32_t type = word(&image, r + 4) & 0xFF;
        own += type == 5;
        assert_true(type != 5 || in_segment(&image, value, ELF_FLAG_R | ELF_FLAG_X) ||
                    in_segment(&image, value, ELF_FLAG_R) ||
                    in_segment(&image, value, ELF_FLAG_R | ELF_FLAG_W));
    }
    for (uint32_t at = 0; at < image.plt_relocations.size; at += 12) {
        imports += word(&image, word(&image, image.plt_relocations.address + at)) == IMPORTED;
    }
    assert_true(own >= 5 && imports >= 2);
    // Two constructors and a destructor, out of .ctors and .dtors.
    uint64_t target;
    assert_int_equal(elf_init_function(&image, 1, &target), ESP_OK);
    assert_true(in_segment(&image, (uint32_t)target, ELF_FLAG_R | ELF_FLAG_X));
    assert_int_equal(elf_init_function(&image, 2, &target), ESP_ERR_NOT_FOUND);
    assert_int_equal(elf_fini_function(&image, 0, &target), ESP_OK);
    assert_int_equal(elf_fini_function(&image, 1, &target), ESP_ERR_NOT_FOUND);
    uint32_t offset;
    uint64_t entry;
    assert_true(elf_target(&image, image.layout.entry, &entry));
    assert_string_equal(elf_symbol_at(&image, entry, &offset), "app_main");
    elf_feed_free(&image);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_system_reads_what_the_tool_wrote, set_up),
        cmocka_unit_test_setup(it_runs_here, set_up),
        cmocka_unit_test_setup(a_program_of_xtensas_linker_is_linked, set_up),
    };
    return KTEST_MAIN(argc, argv, tests);
}
