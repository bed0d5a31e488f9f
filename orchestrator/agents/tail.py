"""The last words of a session: the end of what stood on its screen, without the events.

Most lines are pushed out again by later ones before anybody asks. So they wait as they came, and are looked at from
their end only.

Knows how word wrapping looks, and how much counts. Does not know what the words mean (`words`, `verdict`).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.agents.profile import LastWords
from orchestrator.agents.stream import shown, straight

MAX_TAIL = 4096
"""Characters of the screen that are kept."""
_MOST_WAITING = 1 << 16
"""Characters of lines that wait."""


@dataclass(slots=True)
class _Line:
    text: str
    wrapped: bool
    """It ends with a blank: word wrapping left it there, and the next line belongs to it."""


class Tail:
    """Lines go in as they come; the last ones come out, put together where the terminal had wrapped them."""

    def __init__(self, words: LastWords, *, empty_is_gap: bool = True) -> None:
        self._words = words
        self._empty_is_gap = empty_is_gap
        self._waiting: list[str] = []
        self._waiting_size = 0
        self._kept: deque[_Line] = deque()
        self._size = 0

    def take(self, lines: Sequence[str]) -> None:
        """Lines as they came from the terminal, or as `shown`."""
        self._waiting += lines
        self._waiting_size += sum(map(len, lines))
        if self._waiting_size + len(self._waiting) > _MOST_WAITING:
            self._look()

    def add(self, text: str) -> None:
        """A line as it is shown."""
        self._look()
        self._add(text)

    def _look(self) -> None:
        """Take in those of the waiting lines that are not pushed out again by others of them."""
        if not self._waiting:
            return
        lines: list[str] = []
        size = 0
        for line in reversed(self._waiting):
            text = shown(line) if line else line
            lines.append(text)
            if text and not text.isspace():
                size += min(len(text), MAX_TAIL)
                # More than is kept: whatever stood before it, wrapped into it or not, is gone.
                if size > MAX_TAIL:
                    break
        self._waiting.clear()
        self._waiting_size = 0
        for text in reversed(lines):
            if text and not text.isspace():
                self._add(text)
            elif self._empty_is_gap:
                self._gap()

    def _add(self, text: str) -> None:
        if not text.strip():
            return
        text = text[-MAX_TAIL:]
        if self._kept and self._kept[-1].wrapped:
            last = self._kept.pop()
            self._size -= len(last.text)
            text = (last.text + text)[-MAX_TAIL:]
        self._kept.append(_Line(text, text.endswith(" ")))
        self._size += len(text)
        while self._size > MAX_TAIL and len(self._kept) > 1:
            self._size -= len(self._kept.popleft().text)

    def gap(self) -> None:
        """An empty line: nothing is wrapped over it."""
        self._look()
        self._gap()

    def _gap(self) -> None:
        if self._kept:
            self._kept[-1].wrapped = False

    def lines(self) -> tuple[str, ...]:
        self._look()
        lines = [re.sub(r"\s+", " ", line.text).strip() for line in self._kept]
        if self._words.after is not None:
            for place in range(len(lines) - 1, -1, -1):
                if self._words.after.search(straight(lines[place])):
                    lines = lines[place + 1 :]
                    break
        return tuple(lines[-self._words.lines :])
