/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The surfaces of apps. Each has two pictures: the app draws into one; a commit copies what changed
 * into the other, which is what is shown. So nobody ever sees a half-drawn picture, and an app that
 * dies leaves a whole one behind.
 *
 * Their memory is static: an app that cannot be ended may write into it for ever, and harms a
 * picture at most; and it survives a restart of the service, since apps go on drawing.
 */
#include "display_internal.h"

#include <string.h>

#include "sdkconfig.h"

#include "esp_attr.h"
#include "esp_log.h"
#include "system_service/service_manager.h"

static const char *TAG = "display";

#define PLACES       CONFIG_DISPLAY_SURFACES
#define ROWS_UP      (CONFIG_DISPLAY_HEIGHT - DISPLAY_TOP) /* of a surface, upright */
#define ROWS_ASIDE   (CONFIG_DISPLAY_WIDTH - DISPLAY_TOP)
#define PIXELS_UP    ((size_t)CONFIG_DISPLAY_WIDTH * ROWS_UP)
#define PIXELS_ASIDE ((size_t)CONFIG_DISPLAY_HEIGHT * ROWS_ASIDE)
#define PIXELS       (PIXELS_UP > PIXELS_ASIDE ? PIXELS_UP : PIXELS_ASIDE)
#define BYTES        (PIXELS * sizeof(display_color_t))

typedef struct {
    system_service_id_t app; /* SYSTEM_SERVICE_ID_NONE = free */
    uint32_t generation;     /* of the place, so that an old handle names nothing */
    uint32_t raised;         /* the highest is in front */
    char name[SYSTEM_NAME_MAX + 1];
    char title[DISPLAY_TITLE];
} surface_t;

static surface_t s_surfaces[PLACES];
/* Aligned as graphics libraries like their buffers. */
static EXT_RAM_BSS_ATTR _Alignas(4) display_color_t s_drawings[PLACES][PIXELS]; /* the apps' */
static EXT_RAM_BSS_ATTR display_color_t s_pictures[PLACES][PIXELS];             /* what is shown */
static uint32_t s_raised;

static display_rect_t body(void)
{
    display_rect_t area = display_screen_area();
    area.y = DISPLAY_TOP;
    area.h = (int16_t)(area.h - DISPLAY_TOP);
    return area;
}

static surface_t *front(void)
{
    surface_t *found = NULL;
    for (unsigned i = 0; i < PLACES; i++) {
        surface_t *s = &s_surfaces[i];
        if (s->app != SYSTEM_SERVICE_ID_NONE && (found == NULL || s->raised > found->raised)) {
            found = s;
        }
    }
    return found;
}

static surface_t *of_app(system_service_id_t app)
{
    for (unsigned i = 0; i < PLACES; i++) {
        if (s_surfaces[i].app == app) {
            return &s_surfaces[i];
        }
    }
    return NULL;
}

static uint32_t handle_of(const surface_t *surface)
{
    return surface->generation << 8 | (uint32_t)(surface - s_surfaces + 1);
}

/** The surface of this handle, if it is this app's. */
static surface_t *by_handle(uint32_t handle, system_service_id_t app)
{
    const uint32_t place = (handle & 0xFF) - 1;
    if (place >= PLACES) {
        return NULL;
    }
    surface_t *surface = &s_surfaces[place];
    return surface->app == app && handle_of(surface) == handle ? surface : NULL;
}

static void show_all(void)
{
    display_screen_damage(display_screen_area());
    display_service_announce();
}

static void raise_surface(surface_t *surface)
{
    surface->raised = ++s_raised;
    show_all();
}

static void release(surface_t *surface)
{
    const bool seen = surface == front();
    surface->app = SYSTEM_SERVICE_ID_NONE;
    surface->generation = (surface->generation + 1) & 0xFFFFFF;
    if (seen) {
        show_all();
    }
    display_service_announce();
}

static display_color_t *drawing_of(const surface_t *surface)
{
    return s_drawings[surface - s_surfaces];
}

static display_color_t *picture_of(const surface_t *surface)
{
    return s_pictures[surface - s_surfaces];
}

static void blacken(const surface_t *surface)
{
    memset(drawing_of(surface), 0, BYTES);
    memset(picture_of(surface), 0, BYTES);
}

/* ---- what the service asks for ----------------------------------------------------------------
 */

void display_surfaces_forget_the_dead(void)
{
    for (unsigned i = 0; i < PLACES; i++) {
        system_service_state_t state;
        if (s_surfaces[i].app != SYSTEM_SERVICE_ID_NONE &&
            system_service_get_state(s_surfaces[i].app, &state) != ESP_OK) {
            release(&s_surfaces[i]);
        }
    }
}

void display_surfaces_resize(void)
{
    for (unsigned i = 0; i < PLACES; i++) {
        memset(s_pictures[i], 0, BYTES); /* its rows have another length now */
    }
}

void display_surfaces_app_ended(system_service_id_t app)
{
    surface_t *surface = app != SYSTEM_SERVICE_ID_NONE ? of_app(app) : NULL;
    if (surface != NULL) {
        release(surface);
    }
}

unsigned display_surfaces_count(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < PLACES; i++) {
        count += s_surfaces[i].app != SYSTEM_SERVICE_ID_NONE;
    }
    return count;
}

display_front_t display_surfaces_front(void)
{
    const surface_t *surface = front();
    if (surface == NULL) {
        return (display_front_t){.name = "", .title = ""};
    }
    return (display_front_t){
        .app = surface->app,
        .name = surface->name,
        .title = surface->title[0] != '\0' ? surface->title : surface->name,
    };
}

bool display_surfaces_draw(display_canvas_t *screen)
{
    const surface_t *surface = front();
    const display_rect_t area = body();
    const display_rect_t clip = display_rect_intersect(screen->clip, area);

    if (surface == NULL) {
        return false;
    }
    for (int y = clip.y; y < clip.y + clip.h; y++) {
        memcpy(screen->pixels + (size_t)y * screen->stride + clip.x,
               picture_of(surface) + (size_t)(y - area.y) * (size_t)area.w + clip.x,
               (size_t)clip.w * sizeof(display_color_t));
    }
    return true;
}

/* ---- what apps ask for ------------------------------------------------------------------------
 */

static bool is_whole(const system_request_t *request, size_t size)
{
    return status_event_fits(request->data, request->data_size, DISPLAY_EVENTS_VERSION, size);
}

static esp_err_t open_for(system_service_id_t app, const display_surface_open_t *wish,
                          surface_t **out)
{
    system_service_info_t info;
    surface_t *surface = of_app(app);

    if (app == SYSTEM_SERVICE_ID_NONE || system_service_get_info(app, &info) != ESP_OK ||
        !info.is_app) {
        return ESP_ERR_NOT_OWNER;
    }
    if (surface == NULL) {
        display_surfaces_forget_the_dead();
        surface = of_app(SYSTEM_SERVICE_ID_NONE);
    }
    if (surface == NULL) {
        ESP_LOGW(TAG, "no surface for %s: all are in use (CONFIG_DISPLAY_SURFACES)", info.name);
        return ESP_ERR_NO_MEM;
    }
    if (surface->app != app) {
        blacken(surface);
    }
    surface->app = app;
    memcpy(surface->name, info.name, sizeof(surface->name));
    memcpy(surface->title, wish->title, sizeof(surface->title));
    surface->title[sizeof(surface->title) - 1] = '\0';
    raise_surface(surface);
    *out = surface;
    return ESP_OK;
}

void display_surfaces_on_open(const system_request_t *request, void *user_data)
{
    (void)user_data;
    surface_t *surface = NULL;
    if (!is_whole(request, sizeof(display_surface_open_t))) {
        display_service_answer(request, ESP_ERR_INVALID_ARG, NULL, 0);
        return;
    }
    const esp_err_t ret = open_for(request->from, request->data, &surface);
    if (ret != ESP_OK) {
        display_service_answer(request, ret, NULL, 0);
        return;
    }
    const display_rect_t area = body();
    const display_surface_opened_t opened = {
        .header = STATUS_HEADER(display_surface_opened_t, DISPLAY_EVENTS_VERSION),
        .surface = handle_of(surface),
        .width = (uint16_t)area.w,
        .height = (uint16_t)area.h,
        .pixels = drawing_of(surface),
    };
    display_service_answer(request, ESP_OK, &opened, sizeof(opened));
}

/** Take over what changed in an app's drawing. */
static void take_over(surface_t *surface, const display_damage_t *damage)
{
    const display_rect_t area = body();
    const display_rect_t all = {0, 0, area.w, area.h};
    const bool seen = surface == front();
    const unsigned count =
        damage->count < DISPLAY_DAMAGE_RECTS ? damage->count : DISPLAY_DAMAGE_RECTS;

    for (unsigned i = 0; i < count; i++) {
        display_rect_t rect = display_rect_intersect(damage->rects[i], all);
        for (int y = rect.y; y < rect.y + rect.h; y++) {
            const size_t first = (size_t)y * (size_t)area.w + (size_t)rect.x;
            memcpy(picture_of(surface) + first, drawing_of(surface) + first,
                   (size_t)rect.w * sizeof(display_color_t));
        }
        if (seen && !display_rect_empty(rect)) {
            rect.y = (int16_t)(rect.y + area.y);
            display_screen_damage(rect);
        }
    }
}

void display_surfaces_on_commit(const system_request_t *request, void *user_data)
{
    (void)user_data;
    const display_surface_commit_t *wish = request->data;
    const display_rect_t area = body();
    const display_surface_committed_t committed = {
        .header = STATUS_HEADER(display_surface_committed_t, DISPLAY_EVENTS_VERSION),
        .width = (uint16_t)area.w,
        .height = (uint16_t)area.h,
    };
    esp_err_t ret = ESP_OK;

    if (!is_whole(request, sizeof(*wish))) {
        display_service_answer(request, ESP_ERR_INVALID_ARG, NULL, 0);
        return;
    }
    surface_t *surface = by_handle(wish->surface, request->from);
    if (surface == NULL) {
        display_service_answer(request, ESP_ERR_NOT_FOUND, NULL, 0);
        return;
    }
    if (wish->width != area.w || wish->height != area.h) {
        ret = ESP_ERR_INVALID_SIZE;
    } else {
        take_over(surface, &wish->damage);
    }
    display_service_answer(request, ret, &committed, sizeof(committed));
}

void display_surfaces_on_close(const system_request_t *request, void *user_data)
{
    (void)user_data;
    surface_t *surface = NULL;
    if (is_whole(request, sizeof(display_surface_close_t))) {
        const display_surface_close_t *wish = request->data;
        surface = by_handle(wish->surface, request->from);
    }
    if (surface != NULL) {
        release(surface);
    }
    display_service_answer(request, surface != NULL ? ESP_OK : ESP_ERR_NOT_FOUND, NULL, 0);
}

static surface_t *by_name(const char *name)
{
    for (unsigned i = 0; i < PLACES; i++) {
        if (s_surfaces[i].app != SYSTEM_SERVICE_ID_NONE &&
            strncmp(s_surfaces[i].name, name, sizeof(s_surfaces[i].name)) == 0) {
            return &s_surfaces[i];
        }
    }
    return NULL;
}

/** Firmware and the home app may raise anybody, an app itself. */
static bool may_raise(system_service_id_t from, const surface_t *surface)
{
    system_service_info_t info;
    if (from == SYSTEM_SERVICE_ID_NONE || from == surface->app) {
        return true;
    }
    return system_service_get_info(from, &info) == ESP_OK &&
           (!info.is_app || strcmp(info.name, CONFIG_DISPLAY_HOME_APP) == 0);
}

void display_surfaces_on_raise(const system_request_t *request, void *user_data)
{
    (void)user_data;
    const display_raise_t *wish = request->data;
    surface_t *surface = NULL;

    if (!is_whole(request, sizeof(*wish))) {
        display_service_answer(request, ESP_ERR_INVALID_ARG, NULL, 0);
        return;
    }
    surface = wish->app != SYSTEM_SERVICE_ID_NONE ? of_app(wish->app) : by_name(wish->name);
    esp_err_t ret = ESP_OK;
    if (surface == NULL) {
        ret = ESP_ERR_NOT_FOUND;
    } else if (!may_raise(request->from, surface)) {
        ret = ESP_ERR_NOT_OWNER;
    } else if (surface != front()) {
        raise_surface(surface);
    }
    display_service_answer(request, ret, NULL, 0);
}
