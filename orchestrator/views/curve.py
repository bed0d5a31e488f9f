"""What more workers bring, as a curve: in a terminal, and as a picture. And how many are worth their while."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from orchestrator.views.picture import ACCENT, FACE, FAINT, INK, LINE, PAPER, NoPictures

Point = tuple[int, float]
"""Workers, and beads an hour."""

NEARLY = 0.9
"""Of the best rate: the fewest that reach it are recommended."""
WIDTH = 48
_EIGHTHS = " ▏▎▍▌▋▊▉"


def recommended(points: Sequence[Point]) -> int | None:
    """None: nothing was done at all."""
    best = max((rate for _, rate in points), default=0.0)
    return min((workers for workers, rate in points if rate >= NEARLY * best), default=None) if best > 0 else None


def as_text(points: Sequence[Point]) -> str:
    """A bar for each, beside what as many could bring at the best."""
    best = max((rate for _, rate in points), default=0.0)
    fewest, alone = points[0] if points else (1, 0.0)
    lines = []
    for workers, rate in points:
        share = f"{rate / (alone * workers / fewest):4.0%}" if alone else ""
        lines.append(f"{workers:>4} {_bar(rate / best if best else 0.0):<{WIDTH}} {rate:8.1f} beads/h  {share}")
    return "\n".join(lines)


def _bar(share: float) -> str:
    eighths = round(share * WIDTH * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def as_svg(points: Sequence[Point], name: str) -> str:
    """The picture's text: what was measured, and a line for what as many could bring. Raises `NoPictures`."""
    try:
        draw: Any = importlib.import_module("drawsvg")
    except ImportError as missing:
        raise NoPictures from missing
    wide, high, margin = 640.0, 360.0, 56.0
    best, most = max(rate for _, rate in points) or 1.0, max(workers for workers, _ in points)
    alone = points[0][1] / points[0][0]

    def at(workers: float, rate: float) -> tuple[float, float]:
        across = (wide - 2 * margin) * (workers / most)
        return margin + across, high - margin - (high - 2 * margin) * min(rate / best, 1.0)

    picture = draw.Drawing(wide, high)
    picture.append(draw.Rectangle(0, 0, wide, high, fill=PAPER))
    picture.append(
        draw.Lines(margin, margin, margin, high - margin, wide - margin, high - margin, fill="none", stroke=LINE)
    )
    reach = min(most, best / alone) if alone else 0.0
    picture.append(draw.Line(*at(0, 0), *at(reach, alone * reach), stroke=FAINT, stroke_dasharray="4 4"))
    places = [place for point in points for place in at(*point)]
    picture.append(draw.Lines(*places, fill="none", stroke=ACCENT, stroke_width=2))
    for workers, rate in points:
        x, y = at(workers, rate)
        picture.append(draw.Circle(x, y, 3.5, fill=ACCENT))
        picture.append(draw.Text(f"{rate:.0f}", 11, x, y - 8, text_anchor="middle", font_family=FACE, fill=INK))
        picture.append(
            draw.Text(f"{workers}", 11, x, high - margin + 16, text_anchor="middle", font_family=FACE, fill=INK)
        )
    picture.append(draw.Text(f"{name}: beads an hour, by workers", 13, margin, margin - 24, font_family=FACE, fill=INK))
    return str(picture.as_svg())
