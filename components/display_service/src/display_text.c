/* SPDX-License-Identifier: Apache-2.0 */
/* Text: from UTF-8 to glyphs to pixels. */
#include "display_app/display_text.h"

#include <string.h>

#include "display_canvas_internal.h"
#include "display_font.h"

#define ELLIPSIS   0x2026u
#define COVER_FULL 15

/** Take one character off a text. A byte that is no UTF-8 is taken alone. @return its code point */
static uint32_t next_character(const char **text)
{
    const uint8_t *p = (const uint8_t *)*text;
    const unsigned lead = *p;
    unsigned more = 0;
    uint32_t code = lead;

    if (lead >= 0xC2 && lead <= 0xDF) {
        more = 1;
        code = lead & 0x1F;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        more = 2;
        code = lead & 0x0F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        more = 3;
        code = lead & 0x07;
    } else if (lead >= 0x80) {
        code = DISPLAY_FONT_MISSING;
    }
    for (unsigned i = 1; i <= more; i++) {
        if ((p[i] & 0xC0) != 0x80) { /* the end of the text, too */
            *text += 1;
            return DISPLAY_FONT_MISSING;
        }
        code = code << 6 | (p[i] & 0x3F);
    }
    *text += 1 + more;
    return code;
}

static const display_glyph_t *find(const display_font_t *font, uint32_t code)
{
    unsigned low = 0;
    unsigned high = font->count;
    while (low < high) {
        const unsigned middle = (low + high) / 2;
        if (font->glyphs[middle].code < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < font->count && font->glyphs[low].code == code ? &font->glyphs[low] : NULL;
}

static const display_glyph_t *glyph_of(const display_font_t *font, uint32_t code)
{
    const display_glyph_t *glyph = find(font, code);
    return glyph != NULL ? glyph : find(font, DISPLAY_FONT_MISSING);
}

/** @return the pixels that may have changed; whoever calls notes them, once for the whole text */
static display_rect_t draw_glyph(display_canvas_t *canvas, int x, int y, const display_font_t *font,
                                 const display_glyph_t *glyph, display_color_t color)
{
    const int left = x + glyph->left;
    const int top = y - glyph->top;
    if (left < -DISPLAY_CANVAS_MAX || top < -DISPLAY_CANVAS_MAX || left > DISPLAY_CANVAS_MAX ||
        top > DISPLAY_CANVAS_MAX) {
        return (display_rect_t){0};
    }
    const display_rect_t inside = display_rect_intersect(
        (display_rect_t){(int16_t)left, (int16_t)top, glyph->width, glyph->height}, canvas->clip);
    const unsigned stride = (glyph->width + 1u) / 2;
    for (int row = inside.y; row < inside.y + inside.h; row++) {
        const uint8_t *from = font->pixels + glyph->offset + (unsigned)(row - top) * stride;
        display_color_t *pixel = display_canvas_at(canvas, inside.x, row);
        for (int column = inside.x - left; column < inside.x - left + inside.w; column++) {
            const unsigned pair = from[column / 2];
            const unsigned cover = column % 2 == 0 ? pair >> 4 : pair & 0xF;
            display_canvas_blend(pixel++, color, cover * DISPLAY_OPAQUE / COVER_FULL);
        }
    }
    return inside;
}

/** Draw the characters of [text,end). @return where the next one would begin */
static int draw_until(display_canvas_t *canvas, int x, int y, const display_font_t *font,
                      display_color_t color, const char *text, const char *end)
{
    display_rect_t touched = {0};

    while (text < end && *text != '\0') {
        const display_glyph_t *glyph = glyph_of(font, next_character(&text));
        touched = display_rect_union(touched, draw_glyph(canvas, x, y, font, glyph, color));
        x += glyph->advance;
    }
    display_damage_add(&canvas->damage, touched);
    return x;
}

/** The end of the part of a text that fits into so many pixels. */
static const char *fitting(const display_font_t *font, const char *text, int width)
{
    while (*text != '\0') {
        const char *next = text;
        width -= glyph_of(font, next_character(&next))->advance;
        if (width < 0) {
            break;
        }
        text = next;
    }
    return text;
}

/* ---- public API ----------------------------------------------------------------------------- */

int display_text_width(const display_font_t *font, const char *text)
{
    int width = 0;
    while (*text != '\0') {
        width += glyph_of(font, next_character(&text))->advance;
    }
    return width;
}

int display_text_height(const display_font_t *font)
{
    return font->ascent + font->descent;
}

int display_text_cap_height(const display_font_t *font)
{
    return font->cap_height;
}

/** Far beyond any canvas one place is as good as another, and can be added to. */
static int held(int at)
{
    const int limit = 256 * DISPLAY_CANVAS_MAX;
    return at < -limit ? -limit : at > limit ? limit : at;
}

int display_text_draw(display_canvas_t *canvas, int x, int y, const display_font_t *font,
                      display_color_t color, const char *text)
{
    return draw_until(canvas, held(x), held(y), font, color, text, text + strlen(text));
}

void display_text_box(display_canvas_t *canvas, display_rect_t box, display_align_t align,
                      const display_font_t *font, display_color_t color, const char *text)
{
    const display_rect_t clip = canvas->clip;
    const display_rect_t inside = display_rect_intersect(clip, box);
    const int width = display_text_width(font, text);
    const int baseline = box.y + (box.h + font->cap_height + 1) / 2;
    int x = box.x;

    display_canvas_set_clip(canvas, &inside);
    if (width > box.w) {
        const display_glyph_t *dots = glyph_of(font, ELLIPSIS);
        const char *end = fitting(font, text, box.w - dots->advance);
        x = draw_until(canvas, x, baseline, font, color, text, end);
        display_damage_add(&canvas->damage, draw_glyph(canvas, x, baseline, font, dots, color));
    } else {
        if (align == DISPLAY_ALIGN_CENTER) {
            x += (box.w - width) / 2;
        } else if (align == DISPLAY_ALIGN_RIGHT) {
            x += box.w - width;
        }
        (void)display_text_draw(canvas, x, baseline, font, color, text);
    }
    canvas->clip = clip;
}

/** Where a line of at most so many pixels ends: at its last space, or anywhere in a long word. */
static const char *end_of_line(const display_font_t *font, const char *text, int width)
{
    const char *newline = strchr(text, '\n');
    const char *end = fitting(font, text, width);
    if (newline != NULL && newline <= end) {
        return newline;
    }
    if (*end == '\0' || *end == ' ') {
        return end;
    }
    for (const char *space = end; space > text; space--) {
        if (space[-1] == ' ') {
            return space - 1;
        }
    }
    if (end == text) { /* not even one character fits: the line takes it nevertheless */
        (void)next_character(&end);
    }
    return end;
}

int display_text_paragraph(display_canvas_t *canvas, display_rect_t box, const display_font_t *font,
                           display_color_t color, const char *text)
{
    const display_rect_t clip = canvas->clip;
    const display_rect_t inside = display_rect_intersect(clip, box);
    const int line_height = font->cap_height * 3 / 2 + 2;
    int taken = 0;

    display_canvas_set_clip(canvas, &inside);
    while (*text != '\0') {
        const char *end = end_of_line(font, text, box.w);
        (void)draw_until(canvas, box.x, box.y + taken + font->cap_height + 2, font, color, text,
                         end);
        taken += line_height;
        text = *end == ' ' || *end == '\n' ? end + 1 : end;
    }
    canvas->clip = clip;
    return taken;
}
