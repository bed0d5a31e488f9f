"""The recording of a terminal, in asciinema's format (asciicast v2), which `asciinema play` shows again.

Knows the file and its size. Does not know what the text means, nor what to do about a full disk: it stops and says
why. https://docs.asciinema.org/manual/asciicast/v2/
"""

from __future__ import annotations

import codecs
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from orchestrator.sessions.redaction import Redaction

CAP_BYTES = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
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
        self._room = cap_bytes
        self._file: BinaryIO | None = None
        self.fault = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # For its owner only: an agent may print what nobody else should read.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._file = os.fdopen(handle, "wb", buffering=0)
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

    def _record(self, kind: str, text: str) -> None:
        if text:
            self._write([round(self._elapsed(), 6), kind, text])

    def _write(self, line: object) -> None:
        if self._file is None:
            return
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        try:
            if len(data) > self._room:
                last = [round(self._elapsed(), 6), "m", "the recording is full and stops here; the session goes on"]
                self._put(json.dumps(last).encode() + b"\n")
                self._file.close()
                self._file = None
                return
            self._room -= len(data)
            self._put(data)
        except OSError as error:
            self._give_up(error)

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
