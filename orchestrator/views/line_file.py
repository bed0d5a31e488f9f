"""A file of lines that is rotated, and that one thread or several write whole lines into; what is rotated away may be
compressed."""

from __future__ import annotations

import gzip
import logging
import logging.handlers
import os
import shutil
from pathlib import Path
from typing import NoReturn

ROTATE_AT = 10 * 1024 * 1024
KEPT = 3
PACKED = ".gz"
_LEVEL = 3
"""Of compression: ten megabytes of lines take a tenth of a second, and become one."""


class LineFile:
    """A rotated file that lines are added to, whole; what structlog calls a logger. Raises `OSError`."""

    def __init__(self, path: Path, rotate_at: int = ROTATE_AT, *, pack: bool = False) -> None:
        """`pack`: what is rotated away is compressed, also what was before."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._out = _Rotating(
            path, maxBytes=rotate_at, backupCount=KEPT, encoding="utf-8", errors="backslashreplace", delay=True
        )
        self._out.terminator = "\n"
        if pack:
            self._out.namer = lambda name: name + PACKED
            self._out.rotator = _rotate
            for place in range(1, KEPT + 1):
                plain = path.with_name(f"{path.name}.{place}")
                if plain.exists() and not Path(f"{plain}{PACKED}").exists():
                    _rotate(str(plain), f"{plain}{PACKED}")
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


def _rotate(source: str, to: str) -> None:
    """Whole or not at all, and as old as it was: readers tell by that what came after what."""
    if source.endswith(PACKED):
        os.replace(source, to)
        return
    half = f"{to}.new"
    with open(source, "rb") as plain, gzip.open(half, "wb", compresslevel=_LEVEL) as packed:
        shutil.copyfileobj(plain, packed, 1 << 20)
    shutil.copystat(source, half)
    os.replace(half, to)
    os.unlink(source)


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
