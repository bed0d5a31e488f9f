"""Reads the structured log back, and puts a record into words.

Reads while others write: a line that is not whole yet, or was torn by a death, is no record; a file that is rotated
away is read to its end before the next.
"""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from orchestrator.views.line_file import PACKED
from orchestrator.views.times import clock_time, moment, seconds_of, span

RUN_LOG = Path("run.jsonl")
WORKER_LOGS = Path("workers")
KEPT_AT_MOST = 9
"""Rotated files that are looked for."""

Record = dict[str, Any]


def _a_moment() -> bool:
    time.sleep(0.2)
    return True


def read(
    folder: Path,
    worker: str | None = None,
    bead: str | None = None,
    follow: bool = False,
    *,
    run: str | None = None,
    pause: Callable[[], bool] = _a_moment,
) -> Iterator[Record]:
    """Records, oldest first: of every run of the repository, or of one run, one worker, one bead.

    With `follow` it goes on as lines are written, and never ends by itself; `pause` waits between two looks, and
    says whether to go on.
    """
    path = folder / RUN_LOG
    if worker is not None:
        path = folder / WORKER_LOGS / f"{Path(worker).name}.jsonl"
    for record in _records(path, follow, pause):
        if bead in (None, record.get("bead")) and run in (None, record.get("run")):
            yield record


def _records(path: Path, follow: bool, pause: Callable[[], bool]) -> Iterator[Record]:
    files = _opened(path)
    try:
        while True:
            while files:
                yield from _parsed(files[0], torn_too=len(files) > 1 or not follow)
                if len(files) == 1:
                    break
                files.pop(0).close()
            if not follow:
                return
            newer = _after(path, files[0]) if files else _opened(path)
            if newer:
                if files:
                    yield from _parsed(files[0], torn_too=True)  # what came between the last look and the rotation
                    files.pop(0).close()
                files = newer
            elif not pause():
                return
    finally:
        for file in files:
            file.close()


def _parsed(file: BinaryIO, torn_too: bool) -> Iterator[Record]:
    """What stands from here to the end. A last line without its end is left for the next look, unless none comes."""
    while True:
        at = file.tell()
        line = file.readline()
        if not line.endswith(b"\n") and not torn_too:
            file.seek(at)
            return
        if not line:
            return
        try:
            record = json.loads(line.decode("utf-8", errors="replace"))
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


def _opened(path: Path) -> list[BinaryIO]:
    """The file and its predecessors, oldest first. Opened newest first: a rotation meanwhile then hides none."""
    found: dict[tuple[int, int], BinaryIO] = {}
    names = [path.name, *(f"{path.name}.{n}{packed}" for n in range(1, KEPT_AT_MOST + 1) for packed in ("", PACKED))]
    for each in map(path.with_name, names):
        try:
            file = _unpacked(each) if each.name.endswith(PACKED) else each.open("rb")
        except FileNotFoundError:
            continue
        if found.setdefault(_identity(file), file) is not file:
            file.close()
    files = list(reversed(found.values()))
    return sorted(files[:-1], key=_written) + files[-1:]  # packed ones and others, from a time with other settings


def _unpacked(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb"))


def _after(path: Path, file: BinaryIO) -> list[BinaryIO]:
    """What was begun after this file; empty while it is the newest."""
    try:
        newest = path.stat()
    except FileNotFoundError:  # between two steps of a rotation
        return []
    if (newest.st_dev, newest.st_ino) == _identity(file):
        return []
    files = _opened(path)
    places = [place for place, each in enumerate(files) if _identity(each) == _identity(file)]
    if not places:  # it was compressed meanwhile
        places = [place for place, each in enumerate(files[:-1]) if _is_packed(each, file)]
    keep = places[-1] + 1 if places else 0
    for each in files[:keep]:
        each.close()
    return files[keep:]


def _is_packed(packed: BinaryIO, file: BinaryIO) -> bool:
    """Made of this file: as old, and as long, by the last four bytes of its format (RFC 1952)."""
    handle, about = packed.fileno(), os.fstat(file.fileno())
    length = int.from_bytes(os.pread(handle, 4, os.fstat(handle).st_size - 4), "little")
    return isinstance(packed, gzip.GzipFile) and (_written(packed), length) == (about.st_mtime_ns, about.st_size)


def _written(file: BinaryIO) -> int:
    """When something was last written into it; kept by what is compressed."""
    return os.fstat(file.fileno()).st_mtime_ns


def _identity(file: BinaryIO) -> tuple[int, int]:
    stat = os.fstat(file.fileno())
    return stat.st_dev, stat.st_ino


# ---------------------------------------------------------------- for people

_MARKS = {"warning": "!", "error": "✗"}
_TOLD = (
    "outcome", "accepted", "reason", "fault", "text", "note", "seconds", "usd", "tokens", "files", "commit", "saved",
    "until", "not_before", "by", "asked", "started", "missing", "ended", "now", "beads", "workers", "target", "epoch",
    "pid", "host",
)  # fmt: skip
"""What matters to a person, in this order; the rest is for programs."""


def render(record: Mapping[str, Any]) -> str:
    """One line: local time, event, bead, worker, what matters."""
    at = _at(record)
    when = "--:--:--" if at is None else clock_time(at)
    mark = _MARKS.get(str(record.get("level")), " ")
    bead = str(record.get("bead") or "")
    if record.get("attempt") and bead:
        bead += f"#{record['attempt']}"
    told = [str(record["route"])] if record.get("route") else []
    for key in _TOLD:
        value = record.get(key)
        if value is not None and value not in ("", [], {}) and not isinstance(value, bool):
            told.append(_told(key, value, at))
        elif isinstance(value, bool) and key in ("accepted", "now"):
            told.append(key if value else f"not {key}")
    worker = record.get("worker") or ""
    line = f"{when} {mark} {record.get('event', '?')!s:<19} {bead:<16} {worker:<4} {'  '.join(told)}"
    return " ".join(line.splitlines()).rstrip()


def _at(record: Mapping[str, Any]) -> float | None:
    try:
        return seconds_of(str(record["ts"]))
    except (KeyError, ValueError):
        return None


def _told(key: str, value: Any, at: float | None) -> str:
    match key:
        case "outcome" | "fault" | "text":
            return str(value)
        case "reason" | "note":
            return f"“{value}”"
        case "seconds":
            return span(float(value))
        case "usd":
            return f"${float(value):.2f}"
        case "tokens":
            return f"{value} tokens"
        case "files" if isinstance(value, list):
            return f"{len(value)} {'file' if len(value) == 1 else 'files'}"
        case "commit":
            return str(value)[:7]
        case "saved":
            return f"saved as {str(value)[:7]}"
        case "until" | "not_before":
            try:
                return f"until {moment(seconds_of(str(value)), at)}"
            except ValueError:
                return f"until {value}"
        case "missing" if isinstance(value, dict):
            return "not started: " + ", ".join(f"{worker} ({why})" for worker, why in value.items())
        case _:
            return f"{key}={value}"
