"""Events that an agent's program writes into files instead of onto its terminal: hooks, transcripts.

Knows files that grow and lines that are whole. Does not know what a line means.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.runtime.ports import EventFile

EVERY_S = 0.4
"""How often they are looked at."""
_PART = 1 << 20
_MOST_LINE = 32 << 20


class _Growing:
    def __init__(self, path: str, at: int) -> None:
        self.path, self.at = path, at
        self._rest = bytearray()

    def lines(self) -> bytes:
        """What was completed since the last time; at most a megabyte and a line."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self.at)
                part = file.read(_PART)
        except OSError:  # not there yet, or taken away: then it says nothing
            return b""
        self.at += len(part)
        self._rest += part
        end = self._rest.rfind(b"\n") + 1
        whole = bytes(self._rest[:end])
        del self._rest[:end]
        if len(self._rest) > _MOST_LINE:
            self._rest.clear()
        return whole


class EventFiles:
    """Of one session. What stood in a file before the session began is not its own."""

    def __init__(self, wanted: Sequence[EventFile]) -> None:
        self._wanted = wanted
        self._before = {path: _size(path) for file in wanted for path in glob.glob(file.path)}
        self._open: dict[str, _Growing] = {}
        self._strangers: set[str] = set()

    def follow(self, path: str) -> None:
        """The agent named another file in which it writes from now on."""
        self._open.setdefault(path, _Growing(path, _size(path)))

    def lines(self) -> bytes:
        for file in self._wanted:
            for path in glob.glob(file.path):
                if path not in self._open and path not in self._strangers and _grew(path, self._before.get(path, 0)):
                    self._meet(path, file.mine)
        return b"".join(file.lines() for file in self._open.values())

    def _meet(self, path: str, mine: Mapping[str, str]) -> None:
        """A file is this session's when its first line says so."""
        if mine:
            first = _first(path)
            if first is None:
                return  # not whole yet
            if any(_at(first, place) != wanted for place, wanted in mine.items()):
                self._strangers.add(path)
                return
        self._open[path] = _Growing(path, self._before.get(path, 0))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _grew(path: str, before: int) -> bool:
    return _size(path) > before


def _first(path: str) -> dict[str, Any] | None:
    """The object in a file's first line; None: it has no whole line yet."""
    try:
        with Path(path).open("rb") as file:
            line = file.readline(_PART)
    except OSError:
        return None
    if not line.endswith(b"\n"):
        return {} if len(line) == _PART else None
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _at(value: Any, place: str) -> Any:
    for key in place.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
