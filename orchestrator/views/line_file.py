"""A file of lines that is rotated, and that one thread or several write whole lines into."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path
from typing import NoReturn

ROTATE_AT = 10 * 1024 * 1024
KEPT = 3


class LineFile:
    """A rotated file that lines are added to, whole; what structlog calls a logger. Raises `OSError`."""

    def __init__(self, path: Path, rotate_at: int = ROTATE_AT) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._out = _Rotating(
            path, maxBytes=rotate_at, backupCount=KEPT, encoding="utf-8", errors="backslashreplace", delay=True
        )
        self._out.terminator = "\n"
        _mend(path)

    def info(self, line: str) -> None:
        self._out.handle(logging.makeLogRecord({"msg": line}))

    debug = warning = error = info

    def close(self) -> None:
        self._out.close()


class _Rotating(logging.handlers.RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> NoReturn:
        """Called while the error is being handled: the log decides what it means."""
        raise


def _mend(path: Path) -> None:
    """A line that a death has torn gets its end, so that the next one is not lost with it."""
    try:
        with path.open("rb+") as file:
            if file.seek(0, 2) == 0:
                return
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                file.write(b"\n")
    except FileNotFoundError:
        return
