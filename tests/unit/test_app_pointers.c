// SPDX-License-Identifier: Apache-2.0

// Pointers that lead nowhere, in every argument of the calls of a context: the fault is the app's,
// behind no lock, and everybody else goes on.

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "host_trap.h"
#include "ktest.h"
#include "system_up.h"

#include "system_service/app_manager.h"

#define WAIT_MS 30000

static void *volatile s_nowhere = (void *)16;
static system_event_type_t s_type;
static system_service_id_t s_target;

static void ignore(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static void ignore_response(const system_response_t *response, void *user_data)
{
    (void)response;
    (void)user_data;
}

static void register_name(app_context_t *ctx)
{
    system_event_type_t type;
    (void)ctx->register_event(ctx, s_nowhere, &type);
}

static void register_out(app_context_t *ctx)
{
    (void)ctx->register_event(ctx, "wrong.type", s_nowhere);
}

static void pattern(app_context_t *ctx)
{
    (void)ctx->subscribe_pattern(ctx, s_nowhere, ignore, NULL);
}

static void post(app_context_t *ctx)
{
    (void)ctx->post_event(ctx, s_type, s_nowhere, 8, PRIORITY_NORMAL);
}

static void after_out(app_context_t *ctx)
{
    (void)ctx->post_after(ctx, s_type, NULL, 0, PRIORITY_NORMAL, 1000, s_nowhere);
}

static void every_out(app_context_t *ctx)
{
    (void)ctx->post_every(ctx, s_type, NULL, 0, PRIORITY_NORMAL, 1000, s_nowhere);
}

static void find_name(app_context_t *ctx)
{
    system_service_id_t id;
    (void)ctx->find(ctx, s_nowhere, &id);
}

static void find_out(app_context_t *ctx)
{
    (void)ctx->find(ctx, "target", s_nowhere);
}

static void request_response(app_context_t *ctx)
{
    size_t size = 8;
    (void)ctx->request(ctx, s_target, s_type, NULL, 0, PRIORITY_NORMAL, s_nowhere, &size, 100);
}

static void request_size(app_context_t *ctx)
{
    char response[8];
    (void)ctx->request(ctx, s_target, s_type, NULL, 0, PRIORITY_NORMAL, response, s_nowhere, 100);
}

static void request_out(app_context_t *ctx)
{
    (void)ctx->request_async(ctx, s_target, s_type, NULL, 0, PRIORITY_NORMAL, ignore_response, NULL,
                             100, s_nowhere);
}

static void (*const s_jobs[])(app_context_t *ctx) = {
    register_name, register_out, pattern,          post,         after_out,   every_out,
    find_name,     find_out,     request_response, request_size, request_out,
};
static void (*s_job)(app_context_t *ctx);
static _Atomic uint32_t s_survived;

static void wrong_main(app_context_t *ctx)
{
    s_job(ctx);
    s_survived++;
}

static const app_manifest_t s_wrong = {
    .name = "wrong", .entry_point = wrong_main, .stack_size = 8192, .priority = 5};

static app_info_t info(void)
{
    app_info_t out;
    assert_int_equal(app_manager_get_info("wrong", &out), ESP_OK);
    return out;
}

static void each_wrong_pointer_ends_the_app_alone(void **state)
{
    (void)state;
    (void)system_up();
    host_trap_install(); // cmocka has put its own signal handlers in place
    s_target = system_up_service("target");
    s_type = system_up_type("target.type");
    assert_int_equal(app_manager_register(&s_wrong), ESP_OK);
    for (unsigned i = 0; i < sizeof(s_jobs) / sizeof(s_jobs[0]); i++) {
        s_job = s_jobs[i];
        assert_int_equal(app_manager_start("wrong"), ESP_OK);
        for (unsigned ms = 0; info().crashes == i && s_survived == 0 && ms < WAIT_MS; ms++) {
            vTaskDelay(1);
        }
        if (s_survived != 0 || info().crashes != i + 1) {
            print_error("pointer %u\n", i);
        }
        assert_int_equal(s_survived, 0);
        assert_int_equal(info().crashes, i + 1);
    }
    // Nobody is locked out.
    assert_int_equal(system_up_type("target.other") != s_type, true);
    assert_int_equal(system_event_post(s_target, s_type, NULL, 0, 200), ESP_OK);
    assert_int_equal(app_manager_set_aside_count(), 0);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wrong_pointer_ends_the_app_alone),
    };
    return KTEST_MAIN(argc, argv, tests);
}
