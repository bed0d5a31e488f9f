"""The recording of a terminal, in asciinema's format (asciicast v2), which `asciinema play` shows again.

Knows the file and its size: of one that is too long the beginning and the end are kept. Does not know what the text
means, nor what to do about a full disk: it stops and says why.
https://docs.asciinema.org/manual/asciicast/v2/
"""

from __future__ import annotations

import codecs
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from orchestrator.core.values import Struct
from orchestrator.sessions.redaction import Redaction

CAP_BYTES = 50_000_000
"""Half of it for the beginning, the other half for the end; what was between them is said to be missing."""
_PARTS = (".tail.1", ".tail.2")
"""The end of a recording that is too long, in two files by turns, until it is joined to its beginning."""


class Title(Struct, frozen=True, kw_only=True):
    """A recording's first line."""

    title: str
    columns: int
    rows: int
    timestamp: float
    term: str

    def line(self) -> object:
        return {
            "version": 2,
            "width": self.columns,
            "height": self.rows,
            "timestamp": int(self.timestamp),
            "title": self.title,
            "env": {"TERM": self.term, "SHELL": "/bin/sh"},
        }


class Transcript:
    """Every line is in the file when the call returns, so that a killed orchestrator leaves it readable.

    Nothing here raises for the disk's sake: the session matters more than its recording. `fault` says what happened.
    """

    def __init__(
        self,
        path: Path,
        title: Title,
        *,
        secrets: tuple[str, ...] = (),
        cap_bytes: int = CAP_BYTES,
        elapsed: Callable[[], float] | None = None,
    ) -> None:
        began = time.monotonic()
        self._elapsed = elapsed or (lambda: time.monotonic() - began)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._redact = Redaction(secrets)
        self._path = path
        self._part_bytes = cap_bytes // 4
        self._room = cap_bytes // 2
        self._file: BinaryIO | None = None
        self._is_tail = False
        self.fault = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = _opened(path)
        except OSError as error:
            self._give_up(error)
        self._write(title.line())

    def output(self, chunk: bytes) -> None:
        if self._file is not None:
            self._record("o", self._redact(self._decode(chunk)))

    def input(self, text: str) -> None:
        redact = Redaction(self._redact.secrets)
        self._record("i", redact(text) + redact.rest())

    def mark(self, text: str) -> None:
        """A note of our own, shown as a marker by players."""
        self._record("m", text)

    def close(self) -> None:
        self._record("o", self._redact(self._decode(b"", True)) + self._redact.rest())
        if self._file is not None:
            self._file.close()
            self._file = None
            if self._is_tail:
                try:
                    join(self._path)
                except OSError as error:
                    self._give_up(error)

    def _record(self, kind: str, text: str) -> None:
        if text:
            self._write([round(self._elapsed(), 6), kind, text])

    def _write(self, line: object) -> None:
        if self._file is None:
            return
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        try:
            if len(data) > self._room:
                self._turn()
            self._room -= len(data)
            self._put(data)
        except OSError as error:
            self._give_up(error)

    def _turn(self) -> None:
        """This part is full: go on in the next, and let go of the end before the last."""
        assert self._file is not None
        self._file.close()
        older, newer = (_beside(self._path, part) for part in _PARTS)
        if self._is_tail:
            newer.replace(older)
        self._file, self._is_tail, self._room = _opened(newer), True, self._part_bytes

    def _put(self, data: bytes) -> None:
        assert self._file is not None
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) or 0 :]

    def _give_up(self, error: OSError) -> None:
        self.fault = f"the recording was given up: {error.strerror or error}"
        file, self._file = self._file, None
        if file is not None:
            file.close()


def join(path: Path) -> None:
    """Put the end of a recording behind its beginning. A death in here leaves the parts, to be joined again: an end
    may then be there twice.

    Raises `OSError`.
    """
    parts = [part for part in (_beside(path, name) for name in _PARTS) if part.exists()]
    if not parts:
        return
    with parts[0].open("rb") as first:
        line = first.readline()
    try:
        at = json.loads(line)[0]
    except ValueError:  # torn by a full disk, or by our own death
        at = 0.0
    joined = _beside(path, ".joined")
    with _opened(joined) as whole:
        for place, part in enumerate((path, *parts)):
            if place == 1:
                whole.write(json.dumps([at, "m", "too long to be kept whole: what was between is missing"]).encode())
                whole.write(b"\n")
            with part.open("rb") as piece:
                shutil.copyfileobj(piece, whole)
    joined.replace(path)
    for part in parts:
        part.unlink()


def join_all(folder: Path) -> None:
    """Those that a death of ours left apart. Raises `OSError`."""
    for path in {part.with_name(part.name.removesuffix(name)) for name in _PARTS for part in folder.glob(f"*{name}")}:
        join(path)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _opened(path: Path) -> BinaryIO:
    """For its owner only: an agent may print what nobody else should read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return os.fdopen(handle, "wb", buffering=0)
