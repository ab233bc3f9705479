// SPDX-License-Identifier: Apache-2.0
/*
 * What the core does when the n-th allocation fails, for every n there is: it says ESP_ERR_NO_MEM,
 * everything is taken back, and the same works when memory is there again.
 */
#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "memory_pool.h"
#include "memory_utils.h"
#include "system_service/app_manager.h"
#include "system_service/service_supervisor.h"

#include "host_heap.h"
#include "ktest.h"
#include "system_up.h"

#define MOST 200u

static uint32_t settled_tasks(void)
{
    vTaskDelay(pdMS_TO_TICKS(20)); // until the idle task has buried who ended
    return uxTaskGetNumberOfTasks();
}

static void the_core_comes_up_or_leaves_nothing(void **state)
{
    (void)state;
    system_down(system_up());
    const uint32_t tasks = settled_tasks();
    const size_t heap = heap_caps_get_free_size(MALLOC_CAP_DEFAULT);
    uint32_t n = 1;

    for (; n < MOST; n++) {
        system_secure_key_t key;
        const uint64_t failures = host_heap_injected_failures();
        host_heap_fail_nth(n, 1);
        const esp_err_t ret = system_service_init(&key);
        host_heap_fail_nth(0, 0);
        if (host_heap_injected_failures() == failures) {
            assert_int_equal(ret, ESP_OK); // there is no n-th one: all were tried
            system_down(key);
            break;
        }
        if (ret == ESP_OK) {
            system_down(key); // it could do without
        } else {
            assert_int_equal(ret, ESP_ERR_NO_MEM);
        }
        assert_int_equal(settled_tasks(), tasks);
        assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_DEFAULT), heap);
    }
    assert_in_range(n, 2, MOST - 1);
}

static esp_err_t start_ok(system_service_id_t id, void *arg)
{
    (void)id;
    (void)arg;
    return ESP_OK;
}

static void app_entry(app_context_t *ctx)
{
    while (ctx->sleep_ms(ctx, 10)) {
    }
}

static const system_service_descriptor_t s_worker_owner = {
    .name = "worker_owner", .lifecycle = {.start = start_ok}, .own_worker = true};
static const app_manifest_t s_app = {
    .name = "app", .entry_point = app_entry, .stack_size = 4096, .priority = 5};

static esp_err_t register_service(void)
{
    system_service_id_t id;
    const esp_err_t ret = system_service_register("worker_owner", &s_worker_owner, &id);
    if (ret != ESP_OK) {
        return ret;
    }
    const esp_err_t started = system_service_start(id);
    assert_int_equal(system_service_unregister(id), ESP_OK);
    return started;
}

static esp_err_t start_app(void)
{
    const esp_err_t ret = app_manager_start("app");
    if (ret == ESP_OK) {
        assert_int_equal(app_manager_stop("app"), ESP_OK);
    }
    return ret;
}

// Runs it with each of its allocations failing in turn.
static void with_each_allocation_failing(esp_err_t (*what)(void))
{
    assert_int_equal(what(), ESP_OK);
    const uint32_t tasks = settled_tasks();
    const size_t heap = heap_caps_get_free_size(MALLOC_CAP_DEFAULT);
    uint32_t n = 1;

    for (; n < MOST; n++) {
        const uint64_t failures = host_heap_injected_failures();
        host_heap_fail_nth(n, 1);
        const esp_err_t ret = what();
        host_heap_fail_nth(0, 0);
        if (host_heap_injected_failures() == failures) {
            assert_int_equal(ret, ESP_OK);
            break;
        }
        assert_int_equal(ret, ESP_ERR_NO_MEM);
        assert_int_equal(settled_tasks(), tasks);
        assert_int_equal(heap_caps_get_free_size(MALLOC_CAP_DEFAULT), heap);
    }
    assert_in_range(n, 2, MOST - 1);
}

static void a_worker_or_an_app_exists_or_leaves_nothing(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    assert_int_equal(app_manager_register(&s_app), ESP_OK);
    with_each_allocation_failing(register_service);
    with_each_allocation_failing(start_app);
    system_down(key);
}

// Without any memory: blocks of the pools go on being served, more than they have is refused.
static void without_a_heap_the_pools_serve_what_they_have(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    void *blocks[2 * CONFIG_SYSTEM_POOL_XLARGE_COUNT];
    unsigned count = 0;

    host_heap_fail_all();
    assert_null(memory_alloc(100, MEMORY_PURPOSE_GENERAL));
    assert_null(memory_pool_alloc(5000));
    while (count < 2 * CONFIG_SYSTEM_POOL_XLARGE_COUNT &&
           (blocks[count] = memory_pool_alloc(4096)) != NULL) {
        count++;
    }
    assert_in_range(count, 1, CONFIG_SYSTEM_POOL_XLARGE_COUNT);
    while (count-- > 0) {
        assert_int_equal(memory_pool_free(blocks[count]), ESP_OK);
    }
    host_heap_fail_nth(0, 0);
    assert_int_equal(memory_pool_check(), ESP_OK);
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_core_comes_up_or_leaves_nothing),
        cmocka_unit_test(a_worker_or_an_app_exists_or_leaves_nothing),
        cmocka_unit_test(without_a_heap_the_pools_serve_what_they_have),
    };
    return KTEST_MAIN(argc, argv, tests);
}
