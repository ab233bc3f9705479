// SPDX-License-Identifier: Apache-2.0
//
// D15: an app's context was a set of functions that took any service's id, so an app could post as,
// change the state of, and unregister any service; and a context kept after its app was gone still
// worked. Here who calls is known by the running task or mailbox: a context that is borrowed, stale
// or made up is refused, and so is another owner's id.
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "ktest.h"
#include "system_up.h"
#include "system_service/app_manager.h"

static app_context_t *volatile s_victims; // as an attacker would come by it
static _Atomic uint32_t s_victim_ready, s_attacks;
static _Atomic bool s_victim_gone;
static system_event_type_t s_type;
static system_service_id_t s_service;

static void handler(const system_event_t *event, void *user_data)
{
    (void)event;
    (void)user_data;
}

static void victim_main(app_context_t *ctx)
{
    s_victims = ctx;
    s_victim_ready++;
    while (ctx->sleep_ms(ctx, 50)) {
    }
}

/** Everything that a context offers, tried with one that is not the caller's. */
static void attack(app_context_t *ctx)
{
    system_event_type_t type;
    system_service_id_t id;
    KTEST_CHECK(ctx->post_event(ctx, s_type, NULL, 0, PRIORITY_NORMAL) ==
                ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->subscribe(ctx, s_type, handler, NULL) == ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->subscribe_pattern(ctx, "*", handler, NULL) == ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->unsubscribe(ctx, s_type, NULL) == ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->register_event(ctx, "attack.x", &type) == ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->post_after(ctx, s_type, NULL, 0, 0, 1, NULL) == ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->post_every(ctx, s_type, NULL, 0, 0, 1, NULL) == ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->cancel_timer(ctx, 1) == ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->find(ctx, "service", &id) == ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->serve(ctx, s_type, NULL, NULL) == ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->request(ctx, s_service, s_type, NULL, 0, 0, NULL, NULL, 1) ==
                ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->request_async(ctx, s_service, s_type, NULL, 0, 0, NULL, NULL, 1, NULL) ==
                ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->cancel_request(ctx, 1) == ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->respond(ctx, 1, ESP_OK, NULL, 0) == ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->set_state(ctx, APP_STATE_STOPPED) == ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->heartbeat(ctx) == ESP_ERR_APP_CONTEXT_INVALID);
    KTEST_CHECK(ctx->get_state(ctx) == APP_STATE_STOPPED);
    KTEST_CHECK(ctx->should_stop(ctx) && !ctx->sleep_ms(ctx, 1000000));
    KTEST_CHECK(ctx->alloc(ctx, 10) == NULL);
    KTEST_CHECK(ctx->free(ctx, NULL) == ESP_ERR_APP_CONTEXT_INVALID);
    ctx->log(ctx, ESP_LOG_ERROR, "in somebody else's name");
}

static void attacker_main(app_context_t *ctx)
{
    app_context_t copy = *ctx; // made up: a copy is not the context
    attack(s_victims);
    attack(&copy);
    // Nor do the calls that take an id.
    KTEST_CHECK(system_event_post(s_service, s_type, NULL, 0, 0) == ESP_ERR_NOT_OWNER);
    KTEST_CHECK(system_service_unregister(s_service) == ESP_ERR_NOT_OWNER);
    KTEST_CHECK(system_service_set_state(s_service, SYSTEM_SERVICE_STATE_ERROR) ==
                ESP_ERR_NOT_OWNER);
    KTEST_CHECK(system_service_heartbeat(s_service) == ESP_ERR_NOT_OWNER);
    // Nor those that manage apps.
    KTEST_CHECK(app_manager_stop("victim") == ESP_ERR_NOT_OWNER);
    KTEST_CHECK(app_manager_pause("victim") == ESP_ERR_NOT_OWNER);
    KTEST_CHECK(app_manager_restart("victim") == ESP_ERR_NOT_OWNER);
    KTEST_CHECK(app_manager_unregister("victim") == ESP_ERR_NOT_OWNER);
    KTEST_CHECK(app_manager_start("victim") == ESP_ERR_NOT_OWNER);
    s_attacks++;
    while (!s_victim_gone) {
        KTEST_CHECK(ctx->sleep_ms(ctx, 1));
    }
    attack(s_victims); // what it was, without rights
    s_attacks++;
}

static const app_manifest_t s_victim = {
    .name = "victim",
    .entry_point = victim_main,
    .stack_size = 4096,
    .priority = 5,
};
static const app_manifest_t s_attacker = {
    .name = "attacker",
    .entry_point = attacker_main,
    .stack_size = 4096,
    .priority = 5,
};

static void borrowed_and_stale_contexts_give_no_rights(void **state)
{
    (void)state;
    const system_secure_key_t key = system_up();
    s_service = system_up_service("service");
    s_type = system_up_type("test.type");
    assert_int_equal(app_manager_register(&s_victim), ESP_OK);
    assert_int_equal(app_manager_register(&s_attacker), ESP_OK);
    assert_int_equal(app_manager_start("victim"), ESP_OK);
    assert_true(system_up_wait(&s_victim_ready, 1, 5000));
    attack(s_victims); // firmware neither
    assert_int_equal(app_manager_start("attacker"), ESP_OK);
    assert_true(system_up_wait(&s_attacks, 1, 5000));
    assert_int_equal(app_manager_stop("victim"), ESP_OK);

    s_victim_gone = true;
    assert_true(system_up_wait(&s_attacks, 2, 5000));
    system_down(key);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(borrowed_and_stale_contexts_give_no_rights),
    };
    return KTEST_MAIN(argc, argv, tests);
}
