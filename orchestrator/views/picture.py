"""The task graph as an SVG picture, drawn with drawsvg (`pip install 'orchestrator[pictures]'`).

Waves from left to right, the critical path in colour, names in boxes. Where things go is `layers`.
"""

from __future__ import annotations

import importlib
from itertools import pairwise
from typing import Any

from orchestrator.core.graph import TaskGraph
from orchestrator.core.model import BeadId, Manifest
from orchestrator.views.layers import Slot, layers
from orchestrator.views.times import span

BOX_HEIGHT = 26.0
LANE_HEIGHT = 10.0
GAP = 12.0
COLUMN_GAP = 64.0
MARGIN = 24.0
HEADER = 34.0
CHARACTER = 7.3
"""Of a 12 px monospaced face, with a little room."""
LONGEST_NAME = 28

FACE = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
INK, PAPER, LINE, FILL, ACCENT, ACCENT_FILL, FAINT = (
    "#1f2937", "#ffffff", "#94a3b8", "#f1f5f9", "#c2410c", "#ffedd5", "#64748b"
)  # fmt: skip

Place = tuple[float, float]


class NoPictures(Exception):
    """The library that draws is not installed: `pip install 'orchestrator[pictures]'`."""

    def __init__(self) -> None:
        super().__init__("drawing needs drawsvg, which is not installed: pip install 'orchestrator[pictures]'")


def as_svg(manifest: Manifest) -> str:
    """The picture's text. Raises `NoPictures` where drawsvg is missing."""
    try:
        draw: Any = importlib.import_module("drawsvg")
    except ImportError as missing:
        raise NoPictures from missing
    graph = TaskGraph(manifest.beads)
    return _Picture(draw, manifest.name, graph).svg()


class _Picture:
    def __init__(self, draw: Any, name: str, graph: TaskGraph) -> None:
        self.draw = draw
        self.name = name
        self.graph = graph
        self.path = graph.critical_path()
        self.layers = layers(graph)
        self.columns = {slot: number for number, column in enumerate(self.layers.columns) for slot in column}
        self.wide = [_width(column) for column in self.layers.columns]
        self.lefts = [
            MARGIN + sum(self.wide[:number]) + number * COLUMN_GAP for number in range(len(self.layers.columns))
        ]
        self.middles = self._middles()

    def svg(self) -> str:
        width = max(260.0, (self.lefts[-1] + self.wide[-1] if self.lefts else 0.0) + MARGIN)
        height = max((self.middles[slot] for slot in self.middles), default=HEADER) + BOX_HEIGHT / 2 + 2 * MARGIN
        drawing = self.draw.Drawing(width, height, origin=(0, 0))
        drawing.append(self.draw.Rectangle(0, 0, width, height, fill=PAPER))
        for number, left in enumerate(self.lefts):
            self._text(drawing, f"wave {number + 1}", left + self.wide[number] / 2, MARGIN, FAINT, size=11)
        critical = set(pairwise(self.path))
        links = sorted(self.layers.links, key=lambda link: (link[0], link[-1]) in critical)
        for link in links:
            self._link(drawing, link, critical=(link[0], link[-1]) in critical)
        for number, column in enumerate(self.layers.columns):
            for slot in column:
                if isinstance(slot, str):
                    self._box(drawing, slot, number)
        seconds = span(self.graph.critical_seconds())
        said = f"{self.name}: {len(self.graph.beads)} beads; critical path of {len(self.path)}, {seconds}"
        drawing.append(
            self.draw.Text(said, 11, MARGIN, height - MARGIN / 2, fill=FAINT, font_family=FACE, text_anchor="start")
        )
        text: str = drawing.as_svg()
        return text

    def _middles(self) -> dict[Slot, float]:
        """Heights: columns are centred, then every slot is drawn towards its neighbours as far as there is room."""
        columns = self.layers.columns
        tallest = max((_height(column) for column in columns), default=0.0)
        found: dict[Slot, float] = {}
        for column in columns:
            at = HEADER + MARGIN + (tallest - _height(column)) / 2
            for slot in column:
                found[slot] = at + _tall(slot) / 2
                at += _tall(slot) + GAP
        beside: dict[Slot, list[Slot]] = {}
        for link in self.layers.links:
            for one, other in pairwise(link):
                beside.setdefault(one, []).append(other)
                beside.setdefault(other, []).append(one)
        for _ in range(8):
            for column in columns:
                self._draw_together(column, beside, found)
        highest = min((found[slot] - _tall(slot) / 2 for slot in found), default=0.0)
        return {slot: middle - highest + HEADER + MARGIN / 2 for slot, middle in found.items()}

    @staticmethod
    def _draw_together(column: tuple[Slot, ...], beside: dict[Slot, list[Slot]], found: dict[Slot, float]) -> None:
        wished = {
            slot: sum(found[each] for each in beside[slot]) / len(beside[slot]) if slot in beside else found[slot]
            for slot in column
        }
        down, up, least, most = [], [], float("-inf"), float("inf")
        for slot in column:
            least = max(least + _tall(slot) / 2, wished[slot])
            down.append(least)
            least += _tall(slot) / 2 + GAP
        for slot in reversed(column):
            most = min(most - _tall(slot) / 2, wished[slot])
            up.append(most)
            most -= _tall(slot) / 2 + GAP
        for slot, low, high in zip(column, down, reversed(up), strict=True):
            found[slot] = (low + high) / 2

    def _link(self, drawing: Any, link: tuple[Slot, ...], *, critical: bool) -> None:
        points: list[Place] = []
        for slot in link:
            number = self.columns[slot]
            left, right = self.lefts[number], self.lefts[number] + self.wide[number]
            points += [(left, self.middles[slot]), (right, self.middles[slot])]
        points = points[1:-1]
        path = self.draw.Path(
            stroke=ACCENT if critical else LINE, stroke_width=2.4 if critical else 1.2, fill="none"
        ).M(*points[0])
        for (x, y), (to_x, to_y) in pairwise(points):
            if y == to_y:
                path.L(to_x, to_y)
            else:
                bend = (to_x - x) / 2
                path.C(x + bend, y, to_x - bend, to_y, to_x, to_y)
        drawing.append(path)
        x, y = points[-1]
        head = (x, y, x - 7, y - 3.5, x - 7, y + 3.5)
        drawing.append(self.draw.Lines(*head, fill=ACCENT if critical else LINE, close=True))

    def _box(self, drawing: Any, bead: BeadId, number: int) -> None:
        critical, held = bead in self.path, bool(self.graph.beads[bead].hold)
        left, top = self.lefts[number], self.middles[bead] - BOX_HEIGHT / 2
        style = {"stroke_dasharray": "4 3"} if held else {}
        box = self.draw.Rectangle(
            left, top, self.wide[number], BOX_HEIGHT, rx=5, fill=ACCENT_FILL if critical else FILL,
            stroke=ACCENT if critical else LINE, stroke_width=1.8 if critical else 1, **style,
        )  # fmt: skip
        box.append_title(f"{bead}: {self.graph.beads[bead].title}")
        drawing.append(box)
        self._text(drawing, _shown(bead), left + self.wide[number] / 2, self.middles[bead], INK, size=12)

    def _text(self, drawing: Any, text: str, x: float, y: float, ink: str, *, size: int) -> None:
        drawing.append(self.draw.Text(text, size, x, y, center=True, fill=ink, font_family=FACE))


def _shown(bead: BeadId) -> str:
    return bead if len(bead) <= LONGEST_NAME else bead[: LONGEST_NAME - 1] + "…"


def _width(column: tuple[Slot, ...]) -> float:
    return max((len(_shown(slot)) for slot in column if isinstance(slot, str)), default=4) * CHARACTER + 20


def _tall(slot: Slot) -> float:
    return BOX_HEIGHT if isinstance(slot, str) else LANE_HEIGHT


def _height(column: tuple[Slot, ...]) -> float:
    return sum(_tall(slot) + GAP for slot in column) - GAP
