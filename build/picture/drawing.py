"""Draws a terminal's screen as SVG: plain text in a monospace font, so that it is sharp at any size and can be searched."""

import re
from itertools import groupby
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 8.4, 19
MARGIN, TITLE = 16, 36
BACK, BAR, FORE, DIM = "#0d1117", "#161b22", "#d1d7e0", "#8b949e"
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"

# Several spaces in a row would be drawn as one.
WORDS = re.compile(r"\S+(?: \S+)*")
COLOURS = {
    "black": "#484f58", "red": "#ff7b72", "green": "#56d364", "brown": "#e3b341", "yellow": "#e3b341", "blue": "#79c0ff",
    "magenta": "#d2a8ff", "cyan": "#76e3ea", "white": FORE, "brightblack": DIM, "brightred": "#ffa198", "brightgreen": "#7ee787",
    "brightbrown": "#f2cc60", "brightyellow": "#f2cc60", "brightblue": "#a5d6ff", "brightmagenta": "#e2c5ff", "brightcyan": "#b3f0ff",
    "brightwhite": "#ffffff",
}


def to_svg(lines, command):
    columns = max(len(line) for line in lines)
    width = columns * WIDTH + 2 * MARGIN
    height = TITLE + (len(lines) + 1.5) * HEIGHT + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img">',
        f"<title>{escape(command)}</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{BACK}"/>',
        f'<path d="M0 {TITLE - 6}V8a8 8 0 0 1 8-8H{width - 8:g}a8 8 0 0 1 8 8V{TITLE - 6}z" fill="{BAR}"/>',
        *(f'<circle cx="{18 + 20 * place}" cy="15" r="6" fill="{colour}"/>' for place, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))),
        f'<g font-family="{FONT}" font-size="14" fill="{FORE}">',
        text(0, 0, "$", DIM) + text(0, 2, command, FORE, bold=True),
    ]
    parts += [part for row, line in enumerate(lines) for part in draw(row + 1.5, line)]
    return "\n".join([*parts, "</g>", "</svg>", ""])


def draw(row, line):
    column = 0
    for (fore, back, bold), run in groupby(line, key=style):
        characters = "".join(cell.data for cell in run)
        if back:
            yield (f'<rect x="{x(column):g}" y="{y(row) - 0.75 * HEIGHT:g}" width="{len(characters) * WIDTH:g}" height="{HEIGHT}" fill="{back}"/>')
        yield from (text(row, column + words.start(), words.group(), fore, bold) for words in WORDS.finditer(characters))
        column += len(characters)


def style(cell):
    fore, back = colour(cell.fg, FORE), colour(cell.bg, None)
    if cell.reverse:
        fore, back = back or BACK, fore
    return fore, back, cell.bold


def colour(name, default):
    return default if name == "default" else COLOURS.get(name, f"#{name}")


# Each run of characters has the same place and length as in the terminal, whatever the reader's font.
def text(row, column, characters, fill, bold=False):
    return (f'<text x="{x(column):g}" y="{y(row):g}" textLength="{len(characters) * WIDTH:g}" lengthAdjust="spacingAndGlyphs"'
            + (f' fill="{fill}"' if fill != FORE else "") + (' font-weight="bold"' if bold else "") + f">{escape(characters)}</text>")


def x(column):
    return MARGIN + column * WIDTH


def y(row):
    return TITLE + (row + 0.75) * HEIGHT
