/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apps whose code comes out of a package.
 */
#include "kapp/kapp_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"

#include "kapp/kapp_interface.h"
#include "kapp/kapp_program.h"
#include "kapp_internal.h"
#include "kapp_policy.h"
#include "system_service/app_manager.h"
#include "system_service/error_codes.h"
#include "system_service/service_manager.h"

static const char *TAG = "kapp";

/** What the app manager is told, and what it refers to. Lives while the app is registered. */
typedef struct packaged {
    struct packaged *next;
    kapp_manifest_t manifest;
    char version[sizeof("65535.65535.65535")];
    app_manifest_t app;
    kapp_event_rights_t rights;
    uint32_t denied; /* permissions that it asks for and does not have */
    app_image_t image;
    kapp_source_t source;
    kapp_verdict_t verdict;
    bool allow_unsigned;
    kapp_program_t
        *program; /* of the life that was started last; written before its task is made */
} packaged_t;

/* The packaged lock (order 0, above the app lock): protects the list. Not held while loading. */
static StaticSemaphore_t s_lock_storage;
static SemaphoreHandle_t s_lock;
static packaged_t *s_packaged;

void kapp_app_init(void)
{
    if (s_lock == NULL) {
        s_lock = xSemaphoreCreateMutexStatic(&s_lock_storage);
    }
}

static void lock(void)
{
    (void)xSemaphoreTake(s_lock, portMAX_DELAY);
}

static void unlock(void)
{
    (void)xSemaphoreGive(s_lock);
}

/** The link that leads to an app. Packaged lock held. */
static packaged_t **find_locked(const char *name)
{
    packaged_t **at = &s_packaged;
    while (*at != NULL && strcmp((*at)->manifest.name, name) != 0) {
        at = &(*at)->next;
    }
    return at;
}

/* ---- a life --------------------------------------------------------------------------------- */

static esp_err_t load_into(packaged_t *p, kapp_t *package)
{
    kapp_importer_t importer = {kapp_interface_list(), &p->manifest, p->denied};
    esp_err_t ret = kapp_trust_check(&p->verdict, p->allow_unsigned); /* it may have changed */
    if (ret == ESP_OK) {
        ret = kapp_open(package, &p->source);
    }
    if (ret == ESP_OK) {
        ret = kapp_check_hash(package, p->verdict.hash);
    }
    if (ret == ESP_OK) {
        ret = kapp_program_load(package, p->manifest.name, kapp_interface_resolve, &importer,
                                &p->program);
    }
    return ret;
}

/** app_image_t.load */
static esp_err_t load(void *arg, void **image)
{
    packaged_t *p = arg;
    kapp_t *package = malloc(sizeof(*package)); /* 1 KB: whose stack this is nobody knows */
    if (package == NULL) {
        return ESP_ERR_NO_MEM;
    }
    const esp_err_t ret = load_into(p, package);
    free(package);
    *image = ret == ESP_OK ? p->program : NULL;
    return ret;
}

/** app_image_t.unload */
static void unload(void *image)
{
    kapp_program_unload(image);
}

/** app_image_t.locate: in its own functions, or where it is in the program. */
static bool locate(void *image, uintptr_t address, char name[APP_CRASH_NAME_MAX], uint32_t *offset)
{
    kapp_location_t at;
    (void)image;
    if (kapp_program_locate(address, &at) != ESP_OK) {
        return false;
    }
    const char *text = at.function[0] != '\0' ? at.function : at.program;
    const size_t length = strnlen(text, APP_CRASH_NAME_MAX - 1);
    memcpy(name, text, length);
    name[length] = '\0';
    *offset = at.offset;
    return true;
}

/** In the app's own task, from its beginning to its end. */
static void run(app_context_t *ctx)
{
    lock();
    const packaged_t *p = *find_locked(ctx->name); /* registered as long as it runs */
    kapp_program_t *program = p->program;
    unlock();
    const esp_err_t ret = kapp_program_construct(program);
    if (ret != ESP_OK) {
        ctx->log(ctx, ESP_LOG_ERROR, "its constructors: %s", system_error_to_string(ret));
        (void)ctx->set_state(ctx, APP_STATE_CRASHED);
        return;
    }
    void (*entry)(app_context_t *) = (void (*)(app_context_t *))kapp_program_entry(program);
    entry(ctx);
    kapp_program_destruct(program);
}

/* ---- registering ---------------------------------------------------------------------------- */

/** It is what this name is, or the beginning of it before a dot. */
static bool begins(const char *name, const char *with)
{
    const size_t length = strlen(with);
    return strncmp(name, with, length) == 0 && (name[length] == '\0' || name[length] == '.');
}

/** The events "NAME.*" become the app's: they may not be those of the core or of a service. */
static esp_err_t check_name(const char *name)
{
    static const char *const core[] = {"system", "service", "app"};
    size_t count = CONFIG_SYSTEM_MAX_SERVICES + CONFIG_SYSTEM_MAX_APPS;
    const size_t room = count;
    bool reserved = false;
    for (unsigned i = 0; i < sizeof(core) / sizeof(core[0]); i++) {
        reserved = reserved || begins(name, core[i]);
    }
    system_service_info_t *all = calloc(count, sizeof(*all));
    if (all == NULL) {
        return ESP_ERR_NO_MEM;
    }
    (void)system_service_list(all, &count);
    for (size_t i = 0; i < count && i < room; i++) {
        reserved = reserved ||
                   (!all[i].is_app && (begins(all[i].name, name) || begins(name, all[i].name)));
    }
    free(all);
    return reserved ? ESP_ERR_KAPP_NAME_RESERVED : ESP_OK;
}

/** What is in a package that is whole. */
static esp_err_t read_content(const kapp_t *package, kapp_manifest_t *manifest)
{
    kapp_code_t code;
    const kapp_importer_t importer = {kapp_interface_list(), manifest, 0};
    esp_err_t ret = kapp_read_manifest(package, manifest);
    if (ret == ESP_OK) {
        ret = check_name(manifest->name);
    }
    if (ret == ESP_OK) {
        ret = kapp_find_code(package, kapp_program_target(), &code);
    }
    return ret == ESP_OK ? kapp_interface_check(&importer) : ret;
}

esp_err_t kapp_app_check(const kapp_source_t *source, bool allow_unsigned, kapp_t *package,
                         kapp_verdict_t *verdict, kapp_manifest_t *manifest)
{
    esp_err_t ret = kapp_open(package, source);
    if (ret == ESP_OK) {
        ret = kapp_verify(package, allow_unsigned, verdict);
    }
    return ret == ESP_OK ? read_content(package, manifest) : ret;
}

/** The same for one that was verified before: the signature is not checked again. */
static esp_err_t check_again(const kapp_source_t *source, kapp_t *package, packaged_t *p)
{
    esp_err_t ret = kapp_open(package, source);
    if (ret == ESP_OK) {
        ret = kapp_check_hash(package, p->verdict.hash);
    }
    return ret == ESP_OK ? read_content(package, &p->manifest) : ret;
}

esp_err_t kapp_app_try(const kapp_t *package, const kapp_verdict_t *verdict,
                       const kapp_manifest_t *manifest)
{
    kapp_importer_t importer = {kapp_interface_list(), manifest,
                                kapp_policy_denied(manifest, verdict)};
    kapp_program_t *program = NULL;
    const esp_err_t ret =
        kapp_program_load(package, manifest->name, kapp_interface_resolve, &importer, &program);
    if (ret == ESP_OK) {
        kapp_program_unload(program);
    }
    /* That others need the memory now says nothing about the package. */
    return ret == ESP_ERR_NO_MEM || ret == ESP_ERR_LOADER_NO_EXEC_MEMORY ? ESP_OK : ret;
}

/** What the app manager is told. */
static void describe(packaged_t *p)
{
    const kapp_manifest_t *m = &p->manifest;
    (void)snprintf(p->version, sizeof(p->version), "%u.%u.%u", m->version.major, m->version.minor,
                   m->version.patch);
    p->image = (app_image_t){.load = load, .unload = unload, .arg = p, .locate = locate};
    p->denied = kapp_policy_denied(m, &p->verdict);
    kapp_policy_event_rights(m, p->denied, &p->rights);
    p->app = (app_manifest_t){
        .name = m->name,
        .version = p->version,
        .author = m->author,
        .description = m->description,
        .entry_point = run,
        .stack_size = m->stack_size,
        .priority = m->priority,
        .handler_stack_size = m->handler_stack_size,
        .watchdog_timeout_ms = m->watchdog_timeout_ms,
        .restart_on_crash = m->restart_on_crash,
        .quota = &m->quota,
        .image = &p->image,
        .event_rights = &p->rights.rights,
    };
}

static esp_err_t add(packaged_t *p)
{
    lock();
    const esp_err_t ret = app_manager_register(&p->app);
    if (ret == ESP_OK) {
        p->next = s_packaged;
        s_packaged = p;
    }
    unlock();
    return ret;
}

/** @param verdict  NULL: it is to be verified */
static esp_err_t register_package(const kapp_source_t *source, const kapp_verdict_t *verdict,
                                  bool allow_unsigned, char *name)
{
    if (source == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (s_lock == NULL) {
        return ESP_ERR_INVALID_STATE;
    }
    packaged_t *p = calloc(1, sizeof(*p));
    kapp_t *package = malloc(sizeof(*package));
    esp_err_t ret = p == NULL || package == NULL ? ESP_ERR_NO_MEM : ESP_OK;
    if (ret == ESP_OK && verdict != NULL) {
        p->verdict = *verdict;
        ret = check_again(source, package, p);
    } else if (ret == ESP_OK) {
        ret = kapp_app_check(source, allow_unsigned, package, &p->verdict, &p->manifest);
    }
    free(package);
    if (ret == ESP_OK) {
        p->source = *source;
        p->allow_unsigned = allow_unsigned;
        describe(p);
        if (name != NULL) {
            memcpy(name, p->manifest.name, sizeof(p->manifest.name));
        }
        ret = add(p);
    }
    if (ret != ESP_OK) {
        free(p);
    }
    return ret;
}

esp_err_t kapp_app_register(const kapp_source_t *source, bool allow_unsigned, char *name)
{
    const esp_err_t ret = register_package(source, NULL, allow_unsigned, name);
    if (ret != ESP_OK && ret != ESP_ERR_INVALID_ARG && ret != ESP_ERR_INVALID_STATE) {
        ESP_LOGE(TAG, "package refused: %s", system_error_describe(ret));
    }
    return ret;
}

esp_err_t kapp_app_register_verified(const kapp_source_t *source, const kapp_verdict_t *verdict,
                                     bool allow_unsigned)
{
    return register_package(source, verdict, allow_unsigned, NULL);
}

esp_err_t kapp_app_unregister(const char *name)
{
    esp_err_t ret = ESP_ERR_APP_NOT_FOUND;
    if (name == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    if (s_lock == NULL) {
        return ret;
    }
    lock();
    packaged_t **at = find_locked(name);
    packaged_t *p = *at;
    if (p != NULL) {
        ret = app_manager_unregister(name);
        if (ret == ESP_OK) {
            *at = p->next;
        }
    }
    unlock();
    /* A task that could not be ended may look at its name for ever: better lost than used. */
    if (ret == ESP_OK && app_manager_set_aside_count() == 0) {
        free(p);
    }
    return ret;
}
