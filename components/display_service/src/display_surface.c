/* SPDX-License-Identifier: Apache-2.0 */
/* The app's side of a surface: requests in the app's own name. */
#include "display_app/display_surface.h"

#include <string.h>

#include "display_service/display_events.h"

#define HEADER(type) STATUS_HEADER(type, DISPLAY_EVENTS_VERSION)

/** Cut a text to what a field holds, without cutting a character in two. */
static void copy_text(char *to, size_t size, const char *from)
{
    size_t length = strnlen(from, size);
    if (length == size) {
        length = size - 1;
        while (length > 0 && ((uint8_t)from[length] & 0xC0) == 0x80) {
            length--;
        }
    }
    memcpy(to, from, length);
    memset(to + length, 0, size - length);
}

static esp_err_t ask(app_context_t *ctx, const char *name, const void *data, size_t size,
                     void *answer, size_t answer_size)
{
    system_event_type_t type;
    size_t room = answer_size;
    const esp_err_t ret = ctx->register_event(ctx, name, &type);
    if (ret != ESP_OK) {
        return ret;
    }
    return ctx->request(ctx, SYSTEM_SERVICE_ID_NONE, type, data, size, PRIORITY_NORMAL, answer,
                        answer != NULL ? &room : NULL, 0);
}

esp_err_t display_surface_open(app_context_t *ctx, const char *title, display_surface_t *surface)
{
    display_surface_open_t wish = {.header = HEADER(display_surface_open_t)};
    display_surface_opened_t opened = {0};

    if (ctx == NULL || surface == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    copy_text(wish.title, sizeof(wish.title), title != NULL ? title : "");
    esp_err_t ret = ctx->register_event(ctx, DISPLAY_COMMIT_REQUEST, &surface->commit);
    if (ret == ESP_OK) {
        ret = ask(ctx, DISPLAY_OPEN_REQUEST, &wish, sizeof(wish), &opened, sizeof(opened));
    }
    if (ret == ESP_OK) {
        surface->id = opened.surface;
        display_canvas_init(&surface->canvas, opened.pixels, opened.width, opened.height,
                            opened.width);
    }
    return ret;
}

esp_err_t display_surface_commit(app_context_t *ctx, display_surface_t *surface)
{
    if (ctx == NULL || surface == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    display_canvas_t *canvas = &surface->canvas;
    const display_surface_commit_t wish = {
        .header = HEADER(display_surface_commit_t),
        .surface = surface->id,
        .width = canvas->width,
        .height = canvas->height,
        .damage = canvas->damage,
    };
    display_surface_committed_t committed = {0};
    size_t room = sizeof(committed);
    const esp_err_t ret = ctx->request(ctx, SYSTEM_SERVICE_ID_NONE, surface->commit, &wish,
                                       sizeof(wish), PRIORITY_NORMAL, &committed, &room, 0);
    if (ret == ESP_OK) {
        canvas->damage.count = 0;
    } else if (ret == ESP_ERR_INVALID_SIZE && committed.width != 0 && committed.height != 0) {
        display_canvas_init(canvas, canvas->pixels, committed.width, committed.height,
                            committed.width);
    }
    return ret;
}

esp_err_t display_surface_close(app_context_t *ctx, display_surface_t *surface)
{
    if (ctx == NULL || surface == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    const display_surface_close_t wish = {.header = HEADER(display_surface_close_t),
                                          .surface = surface->id};
    return ask(ctx, DISPLAY_CLOSE_REQUEST, &wish, sizeof(wish), NULL, 0);
}

esp_err_t display_surface_raise(app_context_t *ctx, const char *name)
{
    display_raise_t wish = {.header = HEADER(display_raise_t)};
    if (ctx == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    copy_text(wish.name, sizeof(wish.name), name != NULL ? name : ctx->name);
    return ask(ctx, DISPLAY_RAISE_REQUEST, &wish, sizeof(wish), NULL, 0);
}

esp_err_t display_toast(app_context_t *ctx, const char *text, uint32_t duration_ms)
{
    display_toast_t toast = {.header = HEADER(display_toast_t), .duration_ms = duration_ms};
    system_event_type_t type;

    if (ctx == NULL || text == NULL) {
        return ESP_ERR_INVALID_ARG;
    }
    copy_text(toast.text, sizeof(toast.text), text);
    const esp_err_t ret = ctx->register_event(ctx, DISPLAY_TOAST_EVENT, &type);
    return ret == ESP_OK ? ctx->post_event(ctx, type, &toast, sizeof(toast), PRIORITY_NORMAL) : ret;
}
