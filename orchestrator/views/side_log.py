"""The log of what happens beside the run: messages that were sent, or could not be. One JSON object a line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from orchestrator.views.line_file import LineFile
from orchestrator.views.times import rfc3339


class SideLog:
    """Safe from any thread. A disk that is full costs its lines, never the run."""

    def __init__(self, path: Path, *, run: str, redact: Callable[[str], str], now: Callable[[], float]) -> None:
        self._path = path
        self._run = run
        self._redact = redact
        self._now = now
        self._file: LineFile | None = None

    def note(self, event: str, level: str, message: str) -> None:
        line = {
            "ts": rfc3339(self._now()),
            "event": event,
            "level": level,
            "run": self._run,
            "message": self._redact(message),
        }
        with contextlib.suppress(OSError):
            if self._file is None:
                self._file = LineFile(self._path)
            self._file.info(json.dumps(line, ensure_ascii=False))

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
