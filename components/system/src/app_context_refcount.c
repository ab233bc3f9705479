/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of contexts. More than there are apps: a context whose task could not be ended stays
 * taken, and the app is to start again all the same.
 */
#include "app_context_refcount.h"

#include <string.h>

#include "esp_attr.h"

#ifdef CONFIG_SYSTEM_APPS

#define LIVES (CONFIG_SYSTEM_MAX_APPS + CONFIG_SYSTEM_APP_SPARE_CONTEXTS)

static EXT_RAM_BSS_ATTR app_life_t s_lives[LIVES];
/* Of each: these two are in internal RAM. */
static system_identity_t s_identities[LIVES];
static StaticTask_t s_tcbs[LIVES];

void app_contexts_init(void)
{
    for (unsigned i = 0; i < LIVES; i++) {
        if (s_lives[i].wake == NULL) {
            s_lives[i].identity = &s_identities[i];
            s_lives[i].tcb = &s_tcbs[i];
            s_lives[i].wake = xSemaphoreCreateBinaryStatic(&s_lives[i].wake_storage);
        }
    }
}

app_life_t *app_context_take(void)
{
    for (unsigned i = 0; i < LIVES; i++) {
        app_life_t *life = &s_lives[i];
        uint8_t expected = 0;
        if (!atomic_compare_exchange_strong(&life->refs, &expected, 1)) {
            continue;
        }
        memset(&life->api, 0, sizeof(life->api));
        life->set_aside = false;
        atomic_store(&life->task, NULL);
        atomic_store(&life->deleter, 0); /* a life ends after he is past */
        life->stack = NULL;
        life->unload = NULL;
        life->image = NULL;
        life->image_kept = false;
        atomic_store(&life->refusals, 0);
        atomic_store(&life->task_state, APP_TASK_NONE);
        atomic_store(&life->state, APP_STATE_STARTING);
        atomic_store(&life->identity->slot, SYSTEM_SLOT_DEAD);
        atomic_store(&life->identity->depth, 0);
        (void)xSemaphoreTake(life->wake, 0); /* a late wake for its last user */
        return life;
    }
    return NULL;
}

void app_context_ref(app_life_t *life)
{
    atomic_fetch_add(&life->refs, 1);
}

void app_context_unref(app_life_t *life)
{
    if (atomic_load(&life->refs) == 1) { /* the last one: nobody else can take one meanwhile */
        life->id = SYSTEM_SERVICE_ID_NONE;
    }
    atomic_fetch_sub(&life->refs, 1);
}

app_life_t *app_context_check(app_context_t *ctx)
{
    const uintptr_t offset = (uintptr_t)ctx - (uintptr_t)s_lives;
    if (ctx == NULL || offset >= sizeof(s_lives) || offset % sizeof(s_lives[0]) != 0) {
        return NULL;
    }
    app_life_t *life = &s_lives[offset / sizeof(s_lives[0])];
    /* The caller is known by its task or mailbox; an id has a generation, so an old life's is never
     * the id of a living owner. */
    const system_service_id_t caller = service_slot_id(system_current_slot());
    return caller != SYSTEM_SERVICE_ID_NONE && caller == life->id ? life : NULL;
}

app_life_t *app_context_of(const system_identity_t *identity)
{
    return &s_lives[identity - s_identities];
}

void app_contexts_for_each(void (*fn)(app_life_t *life, void *arg), void *arg)
{
    for (unsigned i = 0; i < LIVES; i++) {
        if (atomic_load(&s_lives[i].refs) != 0) {
            fn(&s_lives[i], arg);
        }
    }
}

#endif
