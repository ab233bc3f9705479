// SPDX-License-Identifier: Apache-2.0

// Programs made by the compiler, from a package into memory, and run.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_heap_caps.h"
#include "kapp_builder.h"
#include "ktest.h"
#include "nvs_flash.h"

#include "kapp/kapp_program.h"
#include "program_package.h"
#include "system_service/error_codes.h"

static char s_notes[200];

static int host_add(int a, int b)
{
    return a + b;
}

static void host_note(const char *what)
{
    strcat(s_notes, what);
    strcat(s_notes, " ");
}

static esp_err_t resolve(void *arg, const char *name, uintptr_t *address)
{
    if (strcmp(name, "host_add") == 0) {
        *address = (uintptr_t)host_add;
    } else if (strcmp(name, "host_note") == 0) {
        *address = (uintptr_t)host_note;
    } else {
        return ESP_ERR_NOT_FOUND;
    }
    return arg != NULL ? *(const esp_err_t *)arg : ESP_OK;
}

static int set_up(void **state)
{
    (void)state;
    static bool done;
    if (!done) {
        kapp_t none = {0};
        kapp_program_t *program;
        kapp_location_t location;
        KTEST_CHECK(kapp_program_load(&none, "x", resolve, NULL, &program) ==
                    ESP_ERR_INVALID_STATE);
        KTEST_CHECK(kapp_program_locate(1, &location) == ESP_ERR_NOT_FOUND);
        KTEST_CHECK(nvs_flash_init() == ESP_OK);
        KTEST_CHECK(kapp_init() == ESP_OK);
        done = true;
    }
    s_notes[0] = '\0';
    return 0;
}

static esp_err_t load(const kb_bytes_t *b, void *arg, kapp_program_t **out)
{
    kapp_t package;
    const kapp_source_t source = kapp_source_memory(b->bytes, b->size);
    assert_int_equal(kapp_open(&package, &source), ESP_OK);
    return kapp_program_load(&package, "good", resolve, arg, out);
}

static void a_program_has_a_name(void **state)
{
    (void)state;
    char name[SYSTEM_NAME_MAX + 2] = "";
    kapp_t package;
    kapp_program_t *program;
    kb_bytes_t b = program_package(PROGRAM_GOOD, "good", -1, NULL);
    const kapp_source_t source = kapp_source_memory(b.bytes, b.size);
    assert_int_equal(kapp_open(&package, &source), ESP_OK);
    assert_int_equal(kapp_program_load(NULL, "x", resolve, NULL, &program), ESP_ERR_INVALID_ARG);
    assert_int_equal(kapp_program_load(&package, NULL, resolve, NULL, &program),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(kapp_program_load(&package, "x", NULL, NULL, &program), ESP_ERR_INVALID_ARG);
    assert_int_equal(kapp_program_load(&package, "x", resolve, NULL, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(kapp_program_load(&package, name, resolve, NULL, &program),
                     ESP_ERR_INVALID_ARG);
    memset(name, 'n', SYSTEM_NAME_MAX);
    assert_int_equal(kapp_program_load(&package, name, resolve, NULL, &program), ESP_OK);
    kapp_program_unload(program);
    name[SYSTEM_NAME_MAX] = 'n';
    assert_int_equal(kapp_program_load(&package, name, resolve, NULL, &program),
                     ESP_ERR_INVALID_ARG);
    kb_free(&b);
}

static void a_program_runs(void **state)
{
    (void)state;
    kapp_program_t *program;
    kapp_location_t location;
    kb_bytes_t b = program_package(PROGRAM_GOOD, "good", -1, NULL);
    assert_int_equal(load(&b, NULL, &program), ESP_OK);
    kb_free(&b); // nothing of the package is needed any more
    assert_string_equal(s_notes, "");
    const uintptr_t entry = kapp_program_entry(program);
    assert_int_equal(kapp_program_construct(program), ESP_OK);
    assert_string_equal(s_notes, "first second ");
    int (*app_main)(int) = (int (*)(int))entry;
    assert_int_equal(app_main(30), 12 + 30);
    assert_int_equal(app_main(30), 12 + 60);
    kapp_program_destruct(program);
    assert_string_equal(s_notes, "first second beta beta last ");
    assert_int_equal(kapp_program_locate(entry + 3, &location), ESP_OK);
    assert_string_equal(location.program, "good");
    assert_string_equal(location.function, "app_main");
    assert_int_equal(location.offset, 3);
    assert_true(kapp_program_size(program) > 12000);
    kapp_program_unload(program);
    assert_int_equal(kapp_program_locate(entry + 3, &location), ESP_ERR_NOT_FOUND);
    kapp_program_unload(NULL);
}

static void two_loads_are_two_programs(void **state)
{
    (void)state;
    kapp_program_t *one, *two;
    kb_bytes_t b = program_package(PROGRAM_GOOD, "good", -1, NULL);
    assert_int_equal(load(&b, NULL, &one), ESP_OK);
    assert_int_equal(load(&b, NULL, &two), ESP_OK);
    kb_free(&b);
    int (*main_one)(int) = (int (*)(int))kapp_program_entry(one);
    int (*main_two)(int) = (int (*)(int))kapp_program_entry(two);
    assert_int_equal(main_one(1), 6);
    assert_int_equal(main_one(1), 7);
    assert_int_equal(main_two(1), 6);
    kapp_program_unload(one);
    assert_int_equal(main_two(1), 7);
    kapp_program_unload(two);
}

/** Rights of the page that holds an address, as /proc says: "r-xp". */
static void rights_at(uintptr_t address, char rights[5])
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    strcpy(rights, "none");
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from, to;
        char found[5];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, found) == 3 && address >= from &&
            address < to) {
            strcpy(rights, found);
        }
    }
    fclose(maps);
}

static void no_page_is_writable_and_executable(void **state)
{
    (void)state;
    char rights[5];
    kapp_program_t *program;
    kb_bytes_t b = program_package(PROGRAM_GOOD, "good", -1, NULL);
    assert_int_equal(load(&b, NULL, &program), ESP_OK);
    kb_free(&b);
    const uintptr_t entry = kapp_program_entry(program);
    rights_at(entry, rights);
    assert_string_equal(rights, "r-xp");
    bool writable = false;
    for (uintptr_t at = entry / 4096 * 4096; at < entry + kapp_program_size(program); at += 4096) {
        rights_at(at, rights);
        writable = writable || strncmp(rights, "rw-", 3) == 0;
        assert_false(rights[1] == 'w' && rights[2] == 'x');
    }
    assert_true(writable);
    kapp_program_unload(program);
}

static void what_it_lacks_refuses_it(void **state)
{
    (void)state;
    kapp_program_t *program = NULL;
    esp_err_t denied = ESP_ERR_APP_PERMISSION_DENIED;
    kb_bytes_t b = program_package(PROGRAM_LACKING, "lacking", -1, NULL);
    assert_int_equal(load(&b, NULL, &program), ESP_ERR_LOADER_UNRESOLVED_SYMBOL);
    kb_free(&b);
    b = program_package(PROGRAM_GOOD, "good", -1, NULL);
    assert_int_equal(load(&b, &denied, &program), ESP_ERR_APP_PERMISSION_DENIED);
    kb_free(&b);
    b = program_package(PROGRAM_GOOD, "good", 1, NULL);
    assert_int_equal(load(&b, NULL, &program), ESP_ERR_LOADER_BAD_ELF);
    kb_free(&b);
    assert_null(program);
}

static void nothing_is_lost(void **state)
{
    (void)state;
    kapp_program_t *program;
    kb_bytes_t good = program_package(PROGRAM_GOOD, "good", -1, NULL);
    kb_bytes_t lacking = program_package(PROGRAM_LACKING, "lacking", -1, NULL);
    const size_t before = heap_caps_get_free_size(MALLOC_CAP_8BIT);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(load(&good, NULL, &program), ESP_OK);
        kapp_program_unload(program);
        assert_int_equal(load(&lacking, NULL, &program), ESP_ERR_LOADER_UNRESOLVED_SYMBOL);
    }
    assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_8BIT), before);
    kb_free(&good);
    kb_free(&lacking);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_program_has_a_name, set_up),
        cmocka_unit_test_setup(a_program_runs, set_up),
        cmocka_unit_test_setup(two_loads_are_two_programs, set_up),
        cmocka_unit_test_setup(no_page_is_writable_and_executable, set_up),
        cmocka_unit_test_setup(what_it_lacks_refuses_it, set_up),
        cmocka_unit_test_setup(nothing_is_lost, set_up),
    };
    return KTEST_MAIN(argc, argv, tests);
}
