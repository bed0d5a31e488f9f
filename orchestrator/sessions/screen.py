"""What a person would see on an agent's screen: the terminal emulated, looked at when it is at rest.

Knows cells and lines, and how much of a flood need be drawn. Does not know what stands there (`dialogs`).
"""

from __future__ import annotations

import re

import pyte

REST_S = 0.7
"""Without output: what moves is not looked at."""
_MOST_UNDRAWN = 1 << 17
"""Bytes. What a flood drew before them is painted over anyway: a screen holds a few thousand characters."""
_UNKNOWN = re.compile(
    rb"\x1b\[[<=>][0-9;:]*[@-~]"  # keyboard protocols and other private sequences, which pyte would print
    rb"|\x1b\[[0-9;]*:[0-9;:]*m"  # colours with subparameters
    rb"|\x1b[PX^_][^\x1b]*(?:\x1b\\|$)"  # DCS, SOS, PM, APC
)
_CUT = re.compile(rb"\x1b(?:\[[0-9;:?<=>]*|[\]PX^_][^\x07\x1b]*)?\Z")
"""An escape that the next chunk goes on with."""
_PASTES = 2004 << 5


class Screen:
    """Bytes go in as they come, and cost next to nothing until somebody looks."""

    def __init__(self, columns: int, rows: int) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._undrawn = bytearray()
        self.heard_at = float("-inf")
        """When it changed last (monotonic)."""
        self.changed = False
        """Since it was looked at."""

    def feed(self, chunk: bytes, now: float) -> None:
        self._undrawn += chunk
        del self._undrawn[:-_MOST_UNDRAWN]
        self.heard_at, self.changed = now, True

    @property
    def due(self) -> float:
        """When it may be looked at next, if nothing more comes."""
        return self.heard_at + REST_S if self.changed else float("inf")

    def text(self) -> str:
        """What stands there now, without the blanks around it."""
        self.changed = False
        return self.glance()

    def glance(self) -> str:
        """The same, and it still wants to be looked at."""
        self._draw()
        lines = [line.rstrip() for line in self._screen.display]
        return "\n".join(lines).strip("\n")

    @property
    def takes_pastes(self) -> bool:
        """The program asked for pastes between brackets, so that it can tell them from keys."""
        self._draw()
        return _PASTES in self._screen.mode

    def _draw(self) -> None:
        if self._undrawn:
            cut = _CUT.search(self._undrawn)
            end = cut.start() if cut else len(self._undrawn)
            self._stream.feed(_UNKNOWN.sub(b"", bytes(self._undrawn[:end])))
            del self._undrawn[:end]
