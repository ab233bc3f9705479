// SPDX-License-Identifier: Apache-2.0

// The loader's core, for both processors: relocations, and structured damage to every field.

#include <string.h>

#include "elf_builder.h"
#include "elf_format.h"
#include "ktest.h"

#include "system_service/error_codes.h"

#define IMPORTED 0x40001234u
#define FUNC     0x12u // global function
#define OBJECT   0x11u
#define WEAK     0x22u

static esp_err_t resolve(void *arg, const char *name, uint64_t *target)
{
    (void)arg;
    *target = IMPORTED;
    return strcmp(name, "imported") == 0 ? ESP_OK : ESP_ERR_NOT_FOUND;
}

/** Numbers of the relocations that both processors have. */
typedef struct {
    uint32_t absolute, global, jump, relative;
} types_t;

static types_t types_of(const elf_arch_t *arch)
{
    return arch->is_64 ? (types_t){1, 6, 7, 8} : (types_t){1, 3, 4, 5};
}

/** An address of the program itself, as the processor's linker writes it. */
static void own(eb_t *e, uint32_t place, uint32_t address)
{
    if (e->arch->is_64) {
        eb_rela(e, place, types_of(e->arch).relative, 0, address);
    } else {
        eb_word(e, place, address); // in place
        eb_rela(e, place, types_of(e->arch).relative, 0, 0);
    }
}

static void build(eb_t *e, const elf_arch_t *arch)
{
    const types_t t = types_of(arch);
    eb_begin(e, arch);
    const uint32_t imported = eb_symbol(e, "imported", FUNC, 0, 0, 0);
    const uint32_t weak = eb_symbol(e, "absent", WEAK, 0, 0, 0);
    eb_symbol(e, "app_main", FUNC, 2, EB_CODE, 0x40);
    const uint32_t data = eb_symbol(e, "data", OBJECT, 3, EB_DATA + 0x40, 8);
    eb_symbol(e, "helper", FUNC, 2, EB_CODE + 0x40, 0x20);
    eb_word(e, EB_DATA + 0x20, 0x30);
    own(e, EB_CODE + 0x10, EB_DATA + 0x44); // a literal in the code
    own(e, EB_DATA + 0x08, EB_CODE + 0x20);
    own(e, EB_INIT, EB_CODE + 0x40);
    own(e, EB_INIT + (arch->is_64 ? 8 : 4), EB_CODE + 0x50);
    own(e, EB_FINI, EB_CODE + 0x60);
    eb_rela(e, EB_DATA + 0x10, t.global, data, 0);
    eb_rela(e, EB_DATA + 0x18, t.global, weak, 0);
    eb_rela(e, EB_DATA + 0x20, t.absolute, imported, arch->is_64 ? 0x30 : 0);
    eb_plt(e, EB_DATA + 0x28, t.jump, imported, 0);
    eb_end(e);
}

static uint64_t word_at(const elf_image_t *image, uint32_t address)
{
    const uint8_t *p = elf_at(image, address, ELF_ADDR_SIZE(image->arch->is_64));
    assert_non_null(p);
    return elf_word(p, image->arch->is_64);
}

static void relocations_give_target_addresses(const elf_arch_t *arch)
{
    eb_t e;
    elf_image_t image;
    uint64_t target;
    uint32_t offset;
    build(&e, arch);
    const elf_parts_t parts = eb_parts(&e);
    assert_int_equal(elf_feed(arch, &parts, resolve, &image), ESP_OK);
    assert_int_equal(word_at(&image, EB_CODE + 0x10), EB_DATA_TARGET + EB_DATA + 0x44);
    assert_int_equal(word_at(&image, EB_DATA + 0x08), EB_CODE_TARGET + EB_CODE + 0x20);
    assert_int_equal(word_at(&image, EB_DATA + 0x10), EB_DATA_TARGET + EB_DATA + 0x40);
    assert_int_equal(word_at(&image, EB_DATA + 0x18), 0);
    assert_int_equal(word_at(&image, EB_DATA + 0x20), IMPORTED + 0x30);
    assert_int_equal(word_at(&image, EB_DATA + 0x28), IMPORTED);
    assert_int_equal(word_at(&image, EB_DATA + EB_DATA_SIZE - 8), 0);
    assert_int_equal(elf_init_function(&image, 1, &target), ESP_OK);
    assert_int_equal(target, EB_CODE_TARGET + EB_CODE + 0x50);
    assert_int_equal(elf_init_function(&image, 2, &target), ESP_ERR_NOT_FOUND);
    assert_int_equal(elf_fini_function(&image, 0, &target), ESP_OK);
    assert_int_equal(target, EB_CODE_TARGET + EB_CODE + 0x60);
    assert_string_equal(elf_symbol_at(&image, EB_CODE_TARGET + EB_CODE + 0x44, &offset), "helper");
    assert_int_equal(offset, 4);
    assert_string_equal(elf_symbol_at(&image, EB_CODE_TARGET + EB_CODE, &offset), "app_main");
    assert_null(elf_symbol_at(&image, EB_CODE_TARGET + EB_CODE + 0x60, &offset));
    assert_null(elf_symbol_at(&image, EB_CODE_TARGET + EB_DATA + 0x40, &offset)); // no code
    elf_feed_free(&image);
}

static void both_processors_are_linked(void **state)
{
    (void)state;
    relocations_give_target_addresses(&elf_arch_x86_64);
    relocations_give_target_addresses(&elf_arch_xtensa);
}

static void rtld_marks_are_left_alone(void **state)
{
    (void)state;
    eb_t e;
    elf_image_t image;
    build(&e, &elf_arch_xtensa);
    eb_word(&e, EB_CODE, 0x12345678);
    eb_rela(&e, EB_CODE, 2, 0, 1);
    eb_rela(&e, EB_CODE + 4, 2, 0, 2);
    eb_rela(&e, 0xFFFFFFFF, 0, 0, 0);
    eb_end(&e);
    const elf_parts_t parts = eb_parts(&e);
    assert_int_equal(elf_feed(&elf_arch_xtensa, &parts, resolve, &image), ESP_OK);
    assert_int_equal(word_at(&image, EB_CODE), 0x12345678);
    elf_feed_free(&image);
}

static esp_err_t with_rela(const elf_arch_t *arch, uint64_t place, uint32_t type, uint32_t symbol,
                           int64_t addend)
{
    eb_t e;
    build(&e, arch);
    eb_rela(&e, place, type, symbol, addend);
    eb_end(&e);
    const elf_parts_t parts = eb_parts(&e);
    return elf_feed(arch, &parts, resolve, NULL);
}

static void relocations_that_are_not_known_are_refused(void **state)
{
    (void)state;
    static const uint32_t good[2][7] = {{0, 1, 2, 3, 4, 5, 6}, {0, 1, 6, 7, 8, 8, 8}};
    for (uint32_t type = 0; type < 256; type++) {
        for (int is_64 = 0; is_64 < 2; is_64++) {
            bool known = false;
            for (int i = 0; i < 7; i++) {
                known = known || good[is_64][i] == type;
            }
            const elf_arch_t *arch = is_64 ? &elf_arch_x86_64 : &elf_arch_xtensa;
            assert_int_equal(with_rela(arch, EB_DATA + 0x60, type, 1, 0),
                             known ? ESP_OK : ESP_ERR_LOADER_BAD_RELOCATION);
        }
    }
    assert_int_equal(with_rela(&elf_arch_x86_64, EB_DATA + 0x60, 0x100, 1, 0),
                     ESP_ERR_LOADER_BAD_RELOCATION);
}

static void relocations_stay_inside(void **state)
{
    (void)state;
    const elf_arch_t *const archs[] = {&elf_arch_x86_64, &elf_arch_xtensa};
    for (int i = 0; i < 2; i++) {
        const types_t t = types_of(archs[i]);
        const uint32_t w = archs[i]->is_64 ? 8 : 4;
        const uint64_t outside[] = {EB_TABLES_SIZE,
                                    EB_TABLES_SIZE - w + 1,
                                    EB_CODE + EB_CODE_SIZE,
                                    EB_DATA + EB_DATA_SIZE - w + 1,
                                    EB_DATA + EB_DATA_SIZE,
                                    0x7FFFFFFF,
                                    0xFFFFFFFF,
                                    0xFFFFFFFF - w + 1};
        for (unsigned n = 0; n < sizeof(outside) / sizeof(outside[0]); n++) {
            assert_int_equal(with_rela(archs[i], outside[n], t.jump, 1, 0),
                             ESP_ERR_LOADER_BAD_RELOCATION);
        }
        // The last place that is inside, an address one behind the end, and one further.
        assert_int_equal(with_rela(archs[i], EB_DATA + EB_DATA_SIZE - w, t.jump, 1, 0), ESP_OK);
        assert_int_equal(with_rela(archs[i], EB_DATA + 0x60, t.relative, 0, EB_DATA + EB_DATA_SIZE),
                         ESP_OK);
        assert_int_equal(
            with_rela(archs[i], EB_DATA + 0x60, t.relative, 0, EB_DATA + EB_DATA_SIZE + 1),
            ESP_ERR_LOADER_BAD_RELOCATION);
        assert_int_equal(with_rela(archs[i], EB_DATA + 0x60, t.relative, 0, -1),
                         ESP_ERR_LOADER_BAD_RELOCATION);
        // A symbol that does not exist, and none where one is needed.
        assert_int_equal(with_rela(archs[i], EB_DATA + 0x60, t.jump, 6, 0),
                         ESP_ERR_LOADER_BAD_RELOCATION);
        assert_int_equal(with_rela(archs[i], EB_DATA + 0x60, t.jump, 0, 0),
                         ESP_ERR_LOADER_BAD_RELOCATION);
        assert_int_equal(with_rela(archs[i], EB_DATA + 0x60, t.jump, 0xFFFFFF, 0),
                         ESP_ERR_LOADER_BAD_RELOCATION);
    }
}

/** A program with one more symbol, which is used. */
static esp_err_t with_symbol(const elf_arch_t *arch, const char *name, unsigned info,
                             unsigned section, uint64_t value)
{
    eb_t e;
    build(&e, arch);
    const uint32_t symbol = eb_symbol(&e, name, info, section, value, 0);
    eb_rela(&e, EB_DATA + 0x60, types_of(arch).global, symbol, 0);
    eb_end(&e);
    const elf_parts_t parts = eb_parts(&e);
    return elf_feed(arch, &parts, resolve, NULL);
}

static void symbols_are_judged(void **state)
{
    (void)state;
    const elf_arch_t *const archs[] = {&elf_arch_x86_64, &elf_arch_xtensa};
    for (int i = 0; i < 2; i++) {
        const elf_arch_t *a = archs[i];
        assert_int_equal(with_symbol(a, "imported", FUNC, 0, 0), ESP_OK);
        assert_int_equal(with_symbol(a, "absent", FUNC, 0, 0), ESP_ERR_LOADER_UNRESOLVED_SYMBOL);
        assert_int_equal(with_symbol(a, "absent", WEAK, 0, 0), ESP_OK);
        assert_int_equal(with_symbol(a, "", FUNC, 0, 0), ESP_ERR_LOADER_BAD_ELF);
        assert_int_equal(with_symbol(a, "imported", FUNC, 2, EB_CODE), ESP_OK); // its own
        assert_int_equal(with_symbol(a, "x", FUNC, 2, 0x10000), ESP_ERR_LOADER_BAD_ELF);
        assert_int_equal(with_symbol(a, "x", FUNC, 0xFFF1, EB_CODE), ESP_ERR_LOADER_BAD_ELF);
        assert_int_equal(with_symbol(a, "x", 0x16, 2, EB_CODE), ESP_ERR_LOADER_BAD_ELF); // TLS
        assert_int_equal(with_symbol(a, "x", 0x1A, 2, EB_CODE), ESP_ERR_LOADER_BAD_ELF); // IFUNC
    }
}

/* ---- damage ---- */

static unsigned s_accepted, s_refused;

static void feed_with(const eb_t *good, uint32_t at, uint32_t size, uint64_t value)
{
    eb_t e = *good;
    for (uint32_t i = 0; i < size; i++) {
        e.bytes[at + i] = (uint8_t)(value >> 8 * i);
    }
    const elf_parts_t parts = eb_parts(&e);
    if (elf_feed(e.arch, &parts, resolve, NULL) == ESP_OK) {
        s_accepted++;
    } else {
        s_refused++;
    }
}

/** Every field of a range, taken as numbers of each width, with the values that break things. */
static void damage(const eb_t *good, uint32_t from, uint32_t to)
{
    for (uint32_t size = 1; size <= 8; size *= 2) {
        for (uint32_t at = from; at + size <= to; at += size) {
            uint64_t old = 0;
            for (uint32_t i = 0; i < size; i++) {
                old |= (uint64_t)good->bytes[at + i] << 8 * i;
            }
            const uint64_t values[] = {
                0,
                1,
                UINT64_MAX,
                UINT64_MAX >> 1,
                old + 1,
                old - 1,
                ~old,
                old + 4,
                old + 8,
                old * 2,
                EB_CODE,
                EB_DATA,
                EB_DYNAMIC,
                EB_RELA,
                0x7FFFFFFF,
                0x80000,
                0xFFFFFFF0,
                0x80000000,
                0xFFFFFFFFFFFFF000,
                EB_FILE_SIZE,
            };
            for (unsigned n = 0; n < sizeof(values) / sizeof(values[0]); n++) {
                feed_with(good, at, size, values[n]);
            }
        }
    }
}

static void damage_is_refused_or_harmless(void **state)
{
    (void)state;
    const elf_arch_t *const archs[] = {&elf_arch_x86_64, &elf_arch_xtensa};
    for (int i = 0; i < 2; i++) {
        eb_t e;
        build(&e, archs[i]);
        s_accepted = s_refused = 0;
        damage(&e, 0, eb_phdr_at(&e, 4));
        damage(&e, EB_HASH, EB_HASH + 8);
        damage(&e, EB_SYMBOLS, EB_SYMBOLS + 6 * ELF_SYM_SIZE(archs[i]->is_64));
        damage(&e, EB_RELA, EB_RELA + 8 * ELF_RELA_SIZE(archs[i]->is_64));
        damage(&e, EB_PLT, EB_PLT + ELF_RELA_SIZE(archs[i]->is_64));
        print_message("%u accepted, %u refused\n", s_accepted, s_refused);
        damage(&e, EB_INIT, EB_DYNAMIC + 16 * ELF_DYN_SIZE(archs[i]->is_64));
        assert_true(s_accepted > 2000 && s_refused > 5000); // neither all nor nothing
    }
}

/** Fields of the head that have one right value, or none but the old one. */
static void wrong_heads_are_refused(void **state)
{
    (void)state;
    const elf_arch_t *const archs[] = {&elf_arch_x86_64, &elf_arch_xtensa};
    for (int i = 0; i < 2; i++) {
        eb_t good;
        const bool is_64 = archs[i]->is_64;
        build(&good, archs[i]);
        const uint32_t w = is_64 ? 8 : 4;
        const uint32_t tail = 24 + 3 * w;
        const uint32_t flags = is_64 ? 4 : 24;
        const uint32_t p0 = eb_phdr_at(&good, 0), p1 = eb_phdr_at(&good, 1);
        const uint32_t address = is_64 ? 16 : 8;
        const uint32_t memory = address + 3 * w;
        const uint32_t align = is_64 ? 48 : 28;
        const struct {
            uint32_t at, size;
            uint64_t value;
            esp_err_t expected;
        } changes[] = {
            {0, 1, 0, ESP_ERR_LOADER_BAD_ELF},                  // magic
            {4, 1, is_64 ? 1 : 2, ESP_ERR_LOADER_WRONG_TARGET}, // class
            {5, 1, 2, ESP_ERR_LOADER_BAD_ELF},                  // big-endian
            {16, 2, 2, ESP_ERR_LOADER_BAD_ELF},                 // an executable
            {18, 2, 3, ESP_ERR_LOADER_WRONG_TARGET},            // another processor
            {20, 1, 2, ESP_ERR_LOADER_BAD_ELF},
            {24, 4, EB_DATA, ESP_ERR_LOADER_BAD_ELF}, // the entry is no code
            {24, 4, 0, ESP_ERR_LOADER_BAD_ELF},
            {24 + w, 4, 0, ESP_ERR_LOADER_BAD_ELF},   // program headers elsewhere
            {tail + 4, 2, 0, ESP_ERR_LOADER_BAD_ELF}, // sizes of the headers
            {tail + 6, 2, 0, ESP_ERR_LOADER_BAD_ELF},
            {tail + 6, 2, is_64 ? 57 : 33, ESP_ERR_LOADER_BAD_ELF},
            {tail + 8, 2, 3, ESP_ERR_LOADER_BAD_ELF}, // fewer or more than there are
            {tail + 8, 2, 5, ESP_ERR_LOADER_BAD_ELF},
            {tail + 8, 2, 0xFFFF, ESP_ERR_LOADER_BAD_ELF},
            {p0, 4, 3, ESP_ERR_LOADER_BAD_ELF},           // an interpreter
            {p0, 4, 7, ESP_ERR_LOADER_BAD_ELF},           // thread variables
            {p1 + flags, 4, 7, ESP_ERR_LOADER_BAD_ELF},   // writable and executable
            {p1 + flags, 4, 4, ESP_ERR_LOADER_BAD_ELF},   // no code at the entry
            {p1 + address, 4, 0, ESP_ERR_LOADER_BAD_ELF}, // overlaps
            {p1 + address, 4, EB_TABLES_SIZE - 1, ESP_ERR_LOADER_BAD_ELF},
            {p1 + address, 4, EB_DATA, ESP_ERR_LOADER_BAD_ELF},
            {p0 + address, 4, 8, ESP_ERR_LOADER_BAD_ELF}, // not aligned
            {p1 + memory, 4, 0, ESP_ERR_LOADER_BAD_ELF},  // less than the file gives
            {p1 + memory, 4, 0x7FFFFFFF, ESP_ERR_KAPP_TOO_LARGE},
            {p1 + address, 4, 0x7FFFFFFF, ESP_ERR_KAPP_TOO_LARGE},
            {p1 + align, 4, 3, ESP_ERR_LOADER_BAD_ELF},
            {p1 + align, 4, 0x80000000, ESP_ERR_LOADER_BAD_ELF},
        };
        for (unsigned n = 0; n < sizeof(changes) / sizeof(changes[0]); n++) {
            eb_t e = good;
            eb_half(&e, changes[n].at, (uint32_t)changes[n].value, changes[n].size);
            const elf_parts_t parts = eb_parts(&e);
            const esp_err_t ret = elf_feed(archs[i], &parts, resolve, NULL);
            if (ret != changes[n].expected) {
                fail_msg("%d: change %u: %s", i, n, system_error_to_string(ret));
            }
        }
    }
}

/** Entries of the dynamic table that a loader must not ignore. */
static void wrong_dynamic_tables_are_refused(void **state)
{
    (void)state;
    const elf_arch_t *const archs[] = {&elf_arch_x86_64, &elf_arch_xtensa};
    static const uint32_t refused[] = {1, 17, 32, 36, 4, 7}; // NEEDED REL PREINIT RELR, twice
    for (int i = 0; i < 2; i++) {
        for (unsigned n = 0; n < sizeof(refused) / sizeof(refused[0]); n++) {
            eb_t e;
            build(&e, archs[i]);
            eb_word(&e, eb_dynamic_at(&e, 13), refused[n]); // in place of the destructors
            eb_word(&e, eb_dynamic_at(&e, 14), 0x6FFFFFFB); // flags: not looked at
            const elf_parts_t parts = eb_parts(&e);
            assert_int_equal(elf_feed(archs[i], &parts, resolve, NULL), ESP_ERR_LOADER_BAD_ELF);
        }
        // Tag of each pair replaced by one that is ignored: half a table is none.
        for (unsigned n = 0; n < 15; n++) {
            eb_t e;
            build(&e, archs[i]);
            eb_word(&e, eb_dynamic_at(&e, n), 0x6FFFFFFB);
            const elf_parts_t parts = eb_parts(&e);
            const esp_err_t ret = elf_feed(archs[i], &parts, resolve, NULL);
            assert_true(ret != ESP_OK || n == 10); // PLTREL is a formality
        }
        eb_t e;
        build(&e, archs[i]);
        for (unsigned n = 15; eb_dynamic_at(&e, n) < EB_DYNAMIC + 0x100; n++) {
            eb_word(&e, eb_dynamic_at(&e, n), 0x6FFFFFFB); // no end
        }
        const elf_parts_t parts = eb_parts(&e);
        assert_int_equal(elf_feed(archs[i], &parts, resolve, NULL), ESP_ERR_LOADER_BAD_ELF);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_processors_are_linked),
        cmocka_unit_test(rtld_marks_are_left_alone),
        cmocka_unit_test(relocations_that_are_not_known_are_refused),
        cmocka_unit_test(relocations_stay_inside),
        cmocka_unit_test(symbols_are_judged),
        cmocka_unit_test(damage_is_refused_or_harmless),
        cmocka_unit_test(wrong_heads_are_refused),
        cmocka_unit_test(wrong_dynamic_tables_are_refused),
    };
    return KTEST_MAIN(argc, argv, tests);
}
