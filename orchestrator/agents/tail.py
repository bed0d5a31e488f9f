"""The last words of a session: the end of what stood on its screen, without the events.

Knows how word wrapping looks, and how much counts. Does not know what the words mean (`words`, `verdict`).
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from orchestrator.agents.profile import LastWords
from orchestrator.agents.stream import straight

MAX_TAIL = 4096
"""Characters of the screen that are kept."""


@dataclass(slots=True)
class _Line:
    text: str
    wrapped: bool
    """It ends with a blank: word wrapping left it there, and the next line belongs to it."""


class Tail:
    """Lines go in as they come; the last ones come out, put together where the terminal had wrapped them."""

    def __init__(self, words: LastWords) -> None:
        self._words = words
        self._kept: deque[_Line] = deque()
        self._size = 0

    def add(self, text: str) -> None:
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
        if self._kept:
            self._kept[-1].wrapped = False

    def lines(self) -> tuple[str, ...]:
        lines = [re.sub(r"\s+", " ", line.text).strip() for line in self._kept]
        if self._words.after is not None:
            for place in range(len(lines) - 1, -1, -1):
                if self._words.after.search(straight(lines[place])):
                    lines = lines[place + 1 :]
                    break
        return tuple(lines[-self._words.lines :])
