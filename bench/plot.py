# SPDX-License-Identifier: Apache-2.0
"""The simulated month as SVG, without any library."""

import html

WIDTH, HEIGHT, LEFT, GAP = 900, 260, 70, 60
COLOURS = {"malloc": "#c0392b", "pools": "#1f6f8b"}


def polyline(points, colour, top, highest):
    last = points[-1][0]
    steps = (f"{LEFT + x / last * (WIDTH - LEFT - 20):.1f},{top + HEIGHT - y / highest * HEIGHT:.1f}" for x, y in points)
    return f'<polyline fill="none" stroke="{colour}" stroke-width="1.2" points="{" ".join(steps)}"/>'


def axes(title, top, highest, unit):
    parts = [f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{title}</text>']
    for i in range(5):
        y = top + HEIGHT - i / 4 * HEIGHT
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{highest * i / 4:.0f}{unit}</text>')
    for day in range(0, 31, 5):
        x = LEFT + day / 30 * (WIDTH - LEFT - 20)
        parts.append(f'<text x="{x:.0f}" y="{top + HEIGHT + 16}" text-anchor="middle">{day}</text>')
    return parts


def month(series, text):
    """{name: [[hour, fragmentation, free bytes, largest block, …], …]} and the same in words -> SVG"""
    total = 2 * HEIGHT + 3 * GAP
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" font-family="sans-serif" font-size="12">',
             f"<desc>{html.escape(text)}</desc>",
             f'<rect width="{WIDTH}" height="{total}" fill="white"/>']
    top = GAP
    highest = max(5.0, max(point[1] * 100 for points in series.values() for point in points) * 1.1)
    parts += axes("fragmentation of the largest internal region: 1 - largest free block / free bytes", top, highest, " %")
    for name, points in series.items():
        parts.append(polyline([(p[0], p[1] * 100) for p in points], COLOURS[name], top, highest))
    top += HEIGHT + GAP
    highest = max(point[3] / 1024 for points in series.values() for point in points) * 1.1
    parts += axes("largest free block", top, highest, " KB")
    for name, points in series.items():
        parts.append(polyline([(p[0], p[3] / 1024) for p in points], COLOURS[name], top, highest))
    for i, name in enumerate(series):
        y = total - 16
        parts.append(f'<rect x="{LEFT + i * 330}" y="{y - 10}" width="12" height="12" fill="{COLOURS[name]}"/>')
        text = "all from the heap" if name == "malloc" else "events and messages from the pools"
        parts.append(f'<text x="{LEFT + i * 330 + 18}" y="{y}">{text} (days on the axis)</text>')
    return "\n".join(parts) + "\n</svg>\n"
