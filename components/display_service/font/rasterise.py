#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The strokes of a font file -> antialiased bitmaps as C tables.  usage: rasterise.py FONT OUT.c NAME:UNIT:THICKNESS…

UNIT and THICKNESS are in pixels: what a unit of the font file becomes, and how thick strokes are. A pixel's coverage is its
distance to the nearest stroke. Needs nothing but Python's own library: both builds run it.
"""

import math
import os
import sys

STEPS = 24  # pieces that a whole curve is approximated by
SIDE = 0.5  # free space on either side of a glyph, in units


class FontError(Exception):
    pass


def character(text):
    return int(text[2:], 16) if text.startswith("U+") and len(text) > 2 else ord(text)


def cubic(a, b, c, d):
    for step in range(1, STEPS + 1):
        t = step / STEPS
        u = 1 - t
        yield tuple(u ** 3 * p + 3 * u * u * t * q + 3 * u * t * t * r + t ** 3 * s for p, q, r, s in zip(a, b, c, d))


def arc(x, y, rx, ry, start, end):
    for step in range(STEPS + 1):
        angle = math.radians(start + (end - start) * step / STEPS)
        yield x + rx * math.cos(angle), y + ry * math.sin(angle)


def polyline(words, strokes):
    """One stroke -> its corner points; a dot is a stroke of one point."""
    points = []
    position = 0

    def numbers(count):
        nonlocal position
        taken = [float(word) for word in words[position:position + count]]
        if len(taken) != count:
            raise FontError("a number is missing")
        position += count
        return taken

    while position < len(words):
        command = words[position]
        position += 1
        if command in ("M", "D"):
            points = [tuple(numbers(2))]
        elif command == "L":
            points.append(tuple(numbers(2)))
        elif command == "C":
            n = numbers(6)
            points += cubic(points[-1], n[0:2], n[2:4], n[4:6])
        elif command == "E":
            points += arc(*numbers(6))
        elif command == "&":
            return strokes[character(words[position])]
        else:
            raise FontError(f"no such command: {command}")
    return [points]


def parse(path):
    """-> {code point: (width, [polyline])}"""
    widths, strokes = {}, {}
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            try:
                head, width, rest = (line.split(None, 2) + [""])[:3]
                code = character(head)
                if code in widths:
                    raise FontError("this glyph was given before")
                found = []
                for part in rest.split(";"):
                    if part.strip():
                        found += polyline(part.split(), strokes)
                widths[code], strokes[code] = float(width), found
            except (FontError, ValueError, KeyError, IndexError) as error:
                sys.exit(f"{path}:{number}: {error}")
    return {code: (widths[code], strokes[code]) for code in sorted(widths)}


def distance(px, py, a, b):
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    t = 0 if length == 0 else max(0, min(1, ((px - a[0]) * dx + (py - a[1]) * dy) / length))
    return math.hypot(px - a[0] - t * dx, py - a[1] - t * dy)


class Glyph:
    """Coverage 0..15 of each pixel, in the smallest box that holds all that is not 0."""

    def __init__(self, code, width, lines, unit, thick):
        self.code = code
        self.advance = round((width + 2 * SIDE) * unit + thick)
        # The left edge of a stroke at x 0, the lower edge of one at y 0 and so most others lie between two pixels.
        shift_x, shift_y = round(SIDE * unit) + thick / 2, thick / 2
        placed = [[(x * unit + shift_x, y * unit + shift_y) for x, y in line] for line in lines]
        self.left, self.top, self.rows = self.trim(self.paint(placed, thick))

    @staticmethod
    def paint(placed, thick):
        """-> {(x, y): coverage}, y up, 0 being the first row above the baseline"""
        pixels = {}
        for line in placed:
            dot = len(line) == 1
            radius = thick * 0.62 if dot else thick / 2
            for a, b in zip(line, line if dot else line[1:]):
                reach = radius + 1
                for y in range(math.floor(min(a[1], b[1]) - reach), math.ceil(max(a[1], b[1]) + reach) + 1):
                    for x in range(math.floor(min(a[0], b[0]) - reach), math.ceil(max(a[0], b[0]) + reach) + 1):
                        cover = radius + 0.5 - distance(x + 0.5, y + 0.5, a, b)
                        if cover > 0:
                            pixels[x, y] = max(pixels.get((x, y), 0), min(1, cover))
        return {place: round(15 * cover) for place, cover in pixels.items() if round(15 * cover) > 0}

    @staticmethod
    def trim(pixels):
        if not pixels:
            return 0, 0, []
        xs, ys = [x for x, _ in pixels], [y for _, y in pixels]
        rows = [[pixels.get((x, y), 0) for x in range(min(xs), max(xs) + 1)] for y in range(max(ys), min(ys) - 1, -1)]
        return min(xs), max(ys) + 1, rows


def packed(rows):
    """Two pixels a byte, the left one in the upper half; each row begins with a byte of its own."""
    for row in rows:
        for index in range(0, len(row), 2):
            yield row[index] << 4 | (row[index + 1] if index + 1 < len(row) else 0)


def table(name, font, unit, thick):
    glyphs = [Glyph(code, width, lines, unit, thick) for code, (width, lines) in font.items()]
    ascent = max(glyph.top for glyph in glyphs)
    descent = max(len(glyph.rows) - glyph.top for glyph in glyphs)
    data, entries = [], []
    for glyph in glyphs:
        width = len(glyph.rows[0]) if glyph.rows else 0
        entries.append(f"    {{0x{glyph.code:04x}, {len(data)}, {glyph.advance}, {glyph.left}, {glyph.top}, {width}, {len(glyph.rows)}}},")
        data += packed(glyph.rows)
    text = [f"static const uint8_t s_{name}_pixels[] = {{"]
    text += ["    " + " ".join(f"0x{byte:02x}," for byte in data[start:start + 20]) for start in range(0, len(data), 20)]
    text += ["};", f"static const display_glyph_t s_{name}_glyphs[] = {{", *entries, "};"]
    cap = round(7 * unit + thick)
    text += [f"const display_font_t display_font_{name} = {{",
             f"    .glyphs = s_{name}_glyphs, .pixels = s_{name}_pixels, .count = {len(glyphs)}, .ascent = {ascent}, .descent = {descent},",
             f"    .cap_height = {cap},", "};", ""]
    return text


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__.splitlines()[0])
    source, out = sys.argv[1:3]
    font = parse(source)
    lines = [f"/* SPDX-License-Identifier: Apache-2.0 */", f"/* Made by rasterise.py from {os.path.basename(source)}. */",
             '#include "display_font.h"', ""]
    for size in sys.argv[3:]:
        name, unit, thick = size.split(":")
        lines += table(name, font, float(unit), float(thick))
    with open(out, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


if __name__ == "__main__":
    main()
