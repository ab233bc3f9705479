// SPDX-License-Identifier: Apache-2.0

// Images of the firmware that come from somewhere: who may send them, and what is left of those
// that are cut, changed, someone else's or old.

#include <string.h>

#include "esp_app_desc.h"
#include "esp_ota_ops.h"
#include "firmware_image.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_flash.h"
#include "host_log.h"
#include "host_ota.h"
#include "ktest.h"
#include "nvs_flash.h"
#include "system_service/error_codes.h"
#include "system_up.h"
#include "updater_format.h"

#include "kapp/kapp_trust.h"
#include "updater/updater.h"

#define SLOT_BYTES 0x10000u
#define BYTES      0x2810u // not a whole number of sectors
#define CONFIRM    pdMS_TO_TICKS(CONFIG_UPDATER_CONFIRM_S * 1000u + 100u)

static const char s_table[] = "nvs,     data, nvs,   0x9000,  24K\n"
                              "otadata, data, ota,   0xf000,  8K\n"
                              "ota_0,   app,  ota_0, 0x20000, 64K\n"
                              "ota_1,   app,  ota_1, ,        64K\n";

static kb_key_t s_firmware, s_apps, s_revoked, s_stranger;
static kb_bytes_t s_image;
static kb_bytes_t s_signed;
static const char *s_product;

static void trust(const char *label, kb_key_t *key)
{
    kb_key_make(key);
    KTEST_CHECK(kapp_trust_add(label, key->public_key) == ESP_OK);
}

static void start_once(void)
{
    uint8_t id[KAPP_HASH_SIZE];
    if (s_product != NULL) {
        return;
    }
    s_product = esp_app_get_description()->project_name;
    KTEST_CHECK(nvs_flash_init() == ESP_OK);
    KTEST_CHECK(kapp_init() == ESP_OK);
    KTEST_CHECK(kapp_trust_erase() == ESP_OK);
    trust("firmware", &s_firmware);
    trust("somebody", &s_apps);
    trust("firmware", &s_revoked);
    kb_key_make(&s_stranger);
    KTEST_CHECK(kapp_key_id(s_revoked.public_key, id) == ESP_OK);
    KTEST_CHECK(kapp_trust_revoke(id) == ESP_OK);
}

/// An image in s_image, and signed in s_signed.
static void make(const char *product, const char *version, const kb_key_t *key)
{
    fi_image(&s_image, BYTES, product, version, 2);
    fi_sign(&s_signed, &s_image, product, version, key);
}

/// The first slot runs, and both are empty: on the PC the program itself stands for the first one.
static int begin(void **state)
{
    (void)state;
    const esp_partition_t *data =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_OTA, NULL);
    host_flash_power_on();
    start_once();
    KTEST_CHECK(esp_partition_erase_range(data, 0, data->size) == ESP_OK);
    const esp_partition_t *runs = host_bootloader_run();
    const esp_partition_t *other = esp_ota_get_next_update_partition(NULL);
    KTEST_CHECK(strcmp(runs->label, "ota_0") == 0);
    KTEST_CHECK(esp_partition_erase_range(runs, 0, runs->size) == ESP_OK);
    KTEST_CHECK(esp_partition_erase_range(other, 0, other->size) == ESP_OK);
    (void)updater_start();
    make(s_product, "9.0.0", &s_firmware);
    return 0;
}

// --- a stream that does what it is told ---

typedef struct {
    uint32_t at;
    uint32_t end;     // after so many bytes ...
    esp_err_t result; // ... this
    esp_err_t nested; // what an update in the middle of this one is told
} source_t;

static esp_err_t give(void *arg, void *to, size_t room, size_t *got)
{
    source_t *s = arg;
    const kapp_stream_t stream = {.read = give, .arg = arg};
    const size_t left = s->end - s->at;
    if (s->at == 0) {
        s->nested = updater_install_stream(&stream, false, NULL);
    }
    *got = room < left ? room : left;
    *got = *got > 777 ? 777 : *got; // networks do not know of sectors
    memcpy(to, s_signed.bytes + s->at, *got);
    s->at += (uint32_t)*got;
    return *got == 0 ? s->result : ESP_OK;
}

static esp_err_t take_in(uint32_t end, esp_err_t result, bool older)
{
    source_t source = {.end = end, .result = result};
    const kapp_stream_t stream = {.read = give, .arg = &source};
    const esp_err_t ret = updater_install_stream(&stream, older, NULL);
    assert_int_equal(source.nested, ESP_ERR_INVALID_STATE);
    return ret;
}

static esp_err_t take_in_all(void)
{
    return take_in(s_signed.size, ESP_OK, false);
}

static const char *next(void)
{
    updater_state_t state;
    updater_get(&state);
    return strcmp(state.next, "") == 0 ? "the same" : "another";
}

/// Refused, and the board is as it was.
#define assert_refused(call, error)                                                                \
    do {                                                                                           \
        assert_int_equal(call, error);                                                             \
        assert_string_equal(next(), "the same");                                                   \
    } while (0)

// --- the cases ---

static void a_signed_image_is_started_by_the_next_reset(void **state)
{
    (void)state;
    updater_state_t images;
    assert_int_equal(take_in_all(), ESP_OK);
    updater_get(&images);
    assert_string_equal(images.slot, "ota_0");
    assert_string_equal(images.next, "ota_1");
    assert_false(images.on_probation);
    assert_string_equal(host_bootloader_run()->label, "ota_1");
    assert_true(updater_on_probation());
}

static void on_probation_no_other_is_taken_in(void **state)
{
    (void)state;
    source_t source = {.end = s_signed.size};
    const kapp_stream_t stream = {.read = give, .arg = &source};
    assert_int_equal(take_in_all(), ESP_OK);
    (void)host_bootloader_run();
    assert_int_equal(updater_install_stream(&stream, true, NULL), ESP_ERR_UPDATE_PROBATION);
    assert_int_equal(source.at, 0);
    assert_int_equal(updater_confirm(), ESP_OK);
    assert_int_equal(updater_confirm(), ESP_OK); // it is already
    assert_false(updater_on_probation());
}

static void a_transfer_that_is_cut_leaves_the_board_as_it_was(void **state)
{
    static const uint32_t s_ends[] = {4, 207, 208, 209, 208 + 4096, 208 + BYTES - 1};
    (void)state;
    for (unsigned i = 0; i < sizeof(s_ends) / sizeof(s_ends[0]); i++) {
        assert_refused(take_in(s_ends[i], ESP_OK, false), ESP_ERR_UPDATE_LENGTH);
        assert_refused(take_in(s_ends[i], ESP_ERR_NETWORK_TRUNCATED, false),
                       ESP_ERR_NETWORK_TRUNCATED);
    }
    assert_refused(take_in(3, ESP_OK, false), ESP_ERR_UPDATE_FORMAT);
    assert_int_equal(take_in_all(), ESP_OK); // and the next one is none the worse
}

static void what_follows_the_image_is_refused(void **state)
{
    (void)state;
    kb_u8(&s_signed, 0);
    assert_refused(take_in_all(), ESP_ERR_UPDATE_LENGTH);
}

static void an_image_that_nobody_signed_is_refused(void **state)
{
    (void)state;
    kb_free(&s_signed);
    kb_append(&s_signed, s_image.bytes, s_image.size);
    assert_refused(take_in_all(), ESP_ERR_UPDATE_FORMAT);
}

static void a_head_that_breaks_a_rule_is_refused(void **state)
{
    // where, and what it must not be: format, size of the head, of the image, reserved, texts
    static const struct {
        uint32_t at;
        uint8_t value;
    } s_wrong[] = {{4, 2}, {6, 0}, {12, 1}, {16, 0}, {48, 0}, {79, 'x'}, {16 + 31, 'x'}};
    (void)state;
    for (unsigned i = 0; i < sizeof(s_wrong) / sizeof(s_wrong[0]); i++) {
        make(s_product, "9.0.0", &s_firmware);
        s_signed.bytes[s_wrong[i].at] = s_wrong[i].value;
        fi_sign_again(&s_signed, &s_firmware); // who signs nonsense is trusted no more for that
        assert_refused(take_in_all(), ESP_ERR_UPDATE_FORMAT);
    }
    make(s_product, "9.0.0", &s_firmware);
    memset(s_signed.bytes + 8, 0, 4);
    fi_sign_again(&s_signed, &s_firmware);
    assert_refused(take_in_all(), ESP_ERR_UPDATE_FORMAT);
}

static void the_signature_is_checked_before_anything_is_written(void **state)
{
    (void)state;
    s_signed.bytes[48] = '8'; // the version, after signing
    const esp_partition_t *other = esp_ota_get_next_update_partition(NULL);
    uint8_t first = 0;
    assert_refused(take_in_all(), ESP_ERR_KAPP_SIGNATURE_WRONG);
    s_signed.bytes[48] = '9';
    s_signed.bytes[200] ^= 1; // the signature itself
    assert_refused(take_in_all(), ESP_ERR_KAPP_SIGNATURE_WRONG);
    make(s_product, "9.0.0", &s_stranger);
    assert_refused(take_in_all(), ESP_ERR_KAPP_SIGNER_UNKNOWN);
    make(s_product, "9.0.0", &s_revoked);
    assert_refused(take_in_all(), ESP_ERR_KAPP_SIGNER_REVOKED);
    make(s_product, "9.0.0", &s_apps);
    assert_refused(take_in_all(), ESP_ERR_UPDATE_SIGNER);
    assert_int_equal(esp_partition_read(other, 0, &first, 1), ESP_OK);
    assert_int_equal(first, 0xff);
}

static void an_image_that_was_changed_is_refused(void **state)
{
    (void)state;
    s_signed.bytes[208 + 0x900] ^= 1;
    assert_refused(take_in_all(), ESP_ERR_UPDATE_DAMAGED);
    // signed, but not what it says of itself
    fi_image(&s_image, BYTES, s_product, "8.0.0", 2);
    fi_sign(&s_signed, &s_image, s_product, "9.0.0", &s_firmware);
    assert_refused(take_in_all(), ESP_ERR_UPDATE_DAMAGED);
    // signed, but no image that the boot loader would start
    fi_image(&s_image, BYTES, s_product, "9.0.0", 2);
    s_image.bytes[BYTES - 1] ^= 1;
    fi_sign(&s_signed, &s_image, s_product, "9.0.0", &s_firmware);
    assert_refused(take_in_all(), ESP_ERR_OTA_VALIDATE_FAILED);
}

static void anothers_the_same_and_older_ones_are_refused(void **state)
{
    (void)state;
    const char *running = esp_app_get_description()->version;
    make("toaster", "9.0.0", &s_firmware);
    assert_refused(take_in_all(), ESP_ERR_UPDATE_OTHER);
    make(s_product, running, &s_firmware);
    assert_refused(take_in_all(), ESP_ERR_UPDATE_SAME);
    assert_refused(take_in(s_signed.size, ESP_OK, true), ESP_ERR_UPDATE_SAME);
    make(s_product, "0.0.1", &s_firmware);
    assert_refused(take_in_all(), ESP_ERR_UPDATE_OLDER);
    assert_int_equal(take_in(s_signed.size, ESP_OK, true), ESP_OK);
    assert_string_equal(host_bootloader_run()->label, "ota_1");
}

static void an_image_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    fi_image(&s_image, SLOT_BYTES + 16, s_product, "9.0.0", 2);
    fi_sign(&s_signed, &s_image, s_product, "9.0.0", &s_firmware);
    assert_refused(take_in_all(), ESP_ERR_UPDATE_TOO_LARGE);
}

/// Behind the head of the right one, bytes that nobody signed and that any boot loader starts.
static void replace_image(void)
{
    fi_image(&s_image, BYTES, s_product, "9.0.0", 3);
    memcpy(s_signed.bytes + 208, s_image.bytes, s_image.size);
}

static void write_running(void)
{
    const esp_partition_t *runs = esp_ota_get_running_partition();
    fi_image(&s_image, BYTES, s_product, "1.0.0", 1);
    KTEST_CHECK(esp_partition_write(runs, 0, s_image.bytes, s_image.size) == ESP_OK);
    fi_image(&s_image, BYTES, s_product, "9.0.0", 2);
}

/// The next image is written to where one waits for the reset, which the boot loader is told to
/// start: what nobody signed must not take its place.
static void what_waits_is_not_replaced_by_what_nobody_signed(void **state)
{
    (void)state;
    assert_int_equal(take_in_all(), ESP_OK);
    replace_image();
    assert_int_equal(take_in_all(), ESP_ERR_UPDATE_DAMAGED);
    assert_string_equal(host_bootloader_run()->label, "ota_0");
    make(s_product, "9.0.0", &s_firmware);
    assert_int_equal(take_in_all(), ESP_OK); // and the next one is none the worse
    assert_string_equal(host_bootloader_run()->label, "ota_1");
    assert_true(updater_on_probation());
}

static void what_waits_gives_way_and_the_way_back_stays(void **state)
{
    (void)state;
    esp_ota_img_states_t running = ESP_OTA_IMG_UNDEFINED;
    write_running();
    assert_int_equal(take_in_all(), ESP_OK);
    assert_string_equal(next(), "another");
    replace_image();
    assert_refused(take_in_all(), ESP_ERR_UPDATE_DAMAGED);
    assert_false(esp_ota_check_rollback_is_possible()); // "firmware back" would start it
    assert_string_equal(host_bootloader_run()->label, "ota_0");
    assert_false(updater_on_probation());
    for (unsigned i = 0; i < 2; i++) { // one after the other
        make(s_product, i == 0 ? "9.0.0" : "9.0.1", &s_firmware);
        assert_int_equal(take_in_all(), ESP_OK);
    }
    assert_string_equal(host_bootloader_run()->label, "ota_1");
    assert_true(updater_on_probation());
    assert_string_equal(host_bootloader_run()->label, "ota_0"); // it did not confirm itself
    assert_int_equal(esp_ota_get_state_partition(esp_ota_get_running_partition(), &running),
                     ESP_OK);
    assert_int_equal(running, ESP_OTA_IMG_VALID);
}

/// Whenever the power goes: what starts from the slot is what was signed, all of it.
static void a_power_cut_starts_nothing_that_nobody_signed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        uint8_t filling = 0;
        assert_int_equal(begin(NULL), 0);
        assert_int_equal(take_in_all(), ESP_OK);
        replace_image();
        host_flash_cut_power_after(i * 800u, HOST_POWER_CUT_FAILS, i + 1);
        assert_int_not_equal(take_in_all(), ESP_OK);
        host_flash_power_on();
        const esp_partition_t *starts = host_bootloader_run();
        if (strcmp(starts->label, "ota_1") == 0) {
            assert_int_equal(esp_partition_read(starts, 0x2000, &filling, 1), ESP_OK);
            assert_int_equal(filling, 2);
        }
    }
}

static void a_power_cut_in_the_middle_leaves_something_to_start(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(begin(NULL), 0);
        host_flash_cut_power_after(i * 800u, HOST_POWER_CUT_FAILS, i + 1);
        const esp_err_t ret = take_in_all();
        const bool cut = host_flash_is_off();
        host_flash_power_on();
        const char *label = host_bootloader_run()->label;
        assert_true(ret == ESP_OK ? strcmp(label, "ota_1") == 0 : cut);
    }
}

static bool unhappy(void)
{
    return false;
}

static void the_products_own_check_decides_too(void **state)
{
    (void)state;
    assert_int_equal(take_in_all(), ESP_OK);
    (void)host_bootloader_run();
    const system_secure_key_t key = system_up();
    updater_set_check(unhappy);
    assert_int_equal(updater_start(), ESP_OK);
    host_log_capture_start(false);
    vTaskDelay(CONFIRM);
    host_log_capture_stop();
    assert_int_equal(host_log_count("failed, by the product's own check"), 1);
    assert_true(updater_on_probation()); // the other slot holds nothing to go back to
    updater_set_check(NULL);
    system_down(key);
}

static void versions_are_compared_as_people_mean_them(void **state)
{
    static const struct {
        const char *version, *base;
        updater_order_t order;
    } s_pairs[] = {
        {"1.2.3", "1.2.3", UPDATER_SAME},
        {"1.2.4", "1.2.3", UPDATER_NEWER},
        {"1.2.3", "1.2.4", UPDATER_OLDER},
        {"1.10.0", "1.9.9", UPDATER_NEWER},
        {"v2", "1.9", UPDATER_NEWER},
        {"v1.2.3-4-gabcdef", "v1.2.3", UPDATER_NEWER},
        {"1.2.3-4-gaa", "1.2.3-5-gbb", UPDATER_OLDER},
        {"1.2.3-rc1", "1.2.3", UPDATER_OLDER},
        {"1.2.3", "1.2.3-rc1", UPDATER_NEWER},
        {"1.2.3-rc1", "1.2.2", UPDATER_NEWER},
        {"c85d5b6", "1.0.0", UPDATER_OLDER},
        {"1.0.0", "c85d5b6", UPDATER_OLDER},
        {"abc", "abc", UPDATER_SAME},
        {"1.2", "1.2.0", UPDATER_OLDER},
        {"99999999999.0", "1.0", UPDATER_OLDER},
        {"1.2.x", "1.0", UPDATER_OLDER},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(s_pairs) / sizeof(s_pairs[0]); i++) {
        assert_int_equal(updater_compare(s_pairs[i].version, s_pairs[i].base), s_pairs[i].order);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_signed_image_is_started_by_the_next_reset, begin),
        cmocka_unit_test_setup(on_probation_no_other_is_taken_in, begin),
        cmocka_unit_test_setup(a_transfer_that_is_cut_leaves_the_board_as_it_was, begin),
        cmocka_unit_test_setup(what_follows_the_image_is_refused, begin),
        cmocka_unit_test_setup(an_image_that_nobody_signed_is_refused, begin),
        cmocka_unit_test_setup(a_head_that_breaks_a_rule_is_refused, begin),
        cmocka_unit_test_setup(the_signature_is_checked_before_anything_is_written, begin),
        cmocka_unit_test_setup(an_image_that_was_changed_is_refused, begin),
        cmocka_unit_test_setup(anothers_the_same_and_older_ones_are_refused, begin),
        cmocka_unit_test_setup(an_image_that_does_not_fit_is_refused, begin),
        cmocka_unit_test_setup(what_waits_is_not_replaced_by_what_nobody_signed, begin),
        cmocka_unit_test_setup(what_waits_gives_way_and_the_way_back_stays, begin),
        cmocka_unit_test(a_power_cut_starts_nothing_that_nobody_signed),
        cmocka_unit_test(a_power_cut_in_the_middle_leaves_something_to_start),
        cmocka_unit_test_setup(the_products_own_check_decides_too, begin),
        cmocka_unit_test(versions_are_compared_as_people_mean_them),
    };
    host_flash_use_table(s_table);
    return KTEST_MAIN(argc, argv, tests);
}
