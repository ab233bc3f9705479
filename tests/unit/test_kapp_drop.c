// SPDX-License-Identifier: Apache-2.0

// The drop folder: what is put there is installed, updated, or set aside.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app_store.h"
#include "host_flash.h"
#include "ktest.h"

static char s_state[] = "/tmp/kapp_drop_XXXXXX";

static const char *path_of(const char *name)
{
    static char s_path[128];
    snprintf(s_path, sizeof(s_path), "%s/drop/%s", s_state, name);
    return s_path;
}

static bool is_there(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

/** @param age  in seconds since it was written */
static void drop(const char *name, const kb_bytes_t *b, int age)
{
    struct timespec times[2] = {{0, UTIME_OMIT}, {0}};
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(b->bytes, 1, b->size, file), b->size);
    fclose(file);
    clock_gettime(CLOCK_REALTIME, &times[1]);
    times[1].tv_sec -= age;
    assert_int_equal(utimensat(AT_FDCWD, path_of(name), times, 0), 0);
}

static void what_is_dropped_is_installed_or_updated(void **state)
{
    (void)state;
    assert_int_equal(kapp_drop_scan(), 0);
    drop("b.kapp", &app_store_v2, 10); // names decide the order
    drop("a.kapp", &app_store_v1, 10);
    drop("c.txt", &app_store_v1, 10);
    assert_int_equal(kapp_drop_scan(), 2);
    assert_int_equal(app_store_only_one().version.major, 2);
    assert_false(is_there("a.kapp") || is_there("b.kapp"));
    assert_true(is_there("c.txt"));
    unlink(path_of("c.txt"));
}

static void what_is_refused_is_set_aside(void **state)
{
    (void)state;
    kb_bytes_t half = {app_store_v1.bytes, app_store_v1.size / 2, 0};
    drop("half.kapp", &half, 10);
    assert_int_equal(kapp_drop_scan(), 0);
    assert_false(is_there("half.kapp"));
    assert_true(is_there("half.kapp.refused"));
    unlink(path_of("half.kapp.refused"));
    size_t count = 0;
    assert_int_equal(app_manager_installed(NULL, &count), ESP_OK);
    assert_int_equal(count, 0);
}

static void what_is_still_written_is_left_alone(void **state)
{
    (void)state;
    drop("new.kapp", &app_store_v1, -1000); // written in a moment that is not over yet
    drop("now.kapp", &app_store_v1, 0);
    const unsigned taken = kapp_drop_scan();
    // A machine that stood still meanwhile may find "now" old enough.
    assert_true(taken == 1 || (taken == 2 && !is_there("now.kapp")));
    unlink(path_of("now.kapp"));
    unlink(path_of("now.kapp.refused"));
}

/** Last: the folder is of no use from then on. */
static void what_cannot_be_taken_away_is_tried_once(void **state)
{
    (void)state;
    kb_bytes_t half = {app_store_v1.bytes, app_store_v1.size / 2, 0};
    assert_int_equal(mkdir(path_of("half.kapp.refused"), 0777), 0); // in the way
    drop("half.kapp", &half, 10);
    assert_int_equal(kapp_drop_scan(), 0);
    assert_true(is_there("half.kapp")); // nobody's file is lost
    assert_int_equal(kapp_drop_scan(), 0);
    unlink(path_of("half.kapp"));
    rmdir(path_of("half.kapp.refused"));
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, app_store_set_up, app_store_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(what_is_dropped_is_installed_or_updated),
        TEST(what_is_refused_is_set_aside),
        TEST(what_is_still_written_is_left_alone),
        TEST(what_cannot_be_taken_away_is_tried_once),
    };
    host_config_t board = {.state_dir = s_state};
    host_flash_use_table(app_store_table);
    if (mkdtemp(s_state) == NULL) {
        return 1;
    }
    const int ret = KTEST_MAIN_CONFIG(argc, argv, tests, &board);
    rmdir(path_of(""));
    char flash[64];
    snprintf(flash, sizeof(flash), "rm -rf %s", s_state);
    return system(flash) == 0 ? ret : 1;
}
