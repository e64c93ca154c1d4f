"""Bar charts as SVG, readable on light and dark pages."""

from html import escape

_LEFT, _WIDTH, _BAR, _GAP = 190, 760, 20, 8
_COLOURS = {"stock": "#8a8f98", "stock-inline": "#5b6b8c", "nginx": "#c9a227", "node": "#c9a227", "gunicorn": "#c9a227", "floor": "#c9a227"}
_OURS = "#2e9e5b"
_TEXT = 'font-family="system-ui, sans-serif" font-size="13"'


def bars(title, rows, unit, mark=None):
    """rows: (label, value, text). The mark, if given, is a line at that value."""
    height = 46 + len(rows) * (_BAR + _GAP) + 10
    longest = max([row[1] for row in rows] + [mark or 0]) or 1
    scale = (_WIDTH - _LEFT - 110) / longest
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" rx="6" fill="#ffffff"/>',
        f'<text x="14" y="24" {_TEXT} font-weight="600" fill="#1f2328">{escape(title)}</text>',
        f'<text x="{_WIDTH - 14}" y="24" {_TEXT} fill="#656d76" text-anchor="end">{escape(unit)}</text>',
    ]
    for index, (label, number, text) in enumerate(rows):
        y = 42 + index * (_BAR + _GAP)
        width = max(1, number * scale)
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 15}" {_TEXT} fill="#1f2328" text-anchor="end">{escape(label)}</text>')
        parts.append(f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="3" fill="{_COLOURS.get(label, _OURS)}"/>')
        parts.append(f'<text x="{_LEFT + width + 6:.1f}" y="{y + 15}" {_TEXT} fill="#656d76">{escape(text)}</text>')
    if mark is not None:
        x = _LEFT + mark * scale
        parts.append(f'<line x1="{x:.1f}" y1="38" x2="{x:.1f}" y2="{height - 8}" stroke="#1f2328" stroke-dasharray="3 3"/>')
    return "\n".join([*parts, "</svg>", ""])
