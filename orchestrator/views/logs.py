"""The structured log: `run.jsonl`, and one file per worker. One JSON object a line.

Knows how lines are made and kept; reading them is `log_reading`. It is a view: a disk that is full costs the log,
never the run.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

import structlog

from orchestrator.core import messages as m
from orchestrator.core.model import WorkerId
from orchestrator.core.records import Attempt
from orchestrator.views.line_file import ROTATE_AT, LineFile
from orchestrator.views.log_reading import RUN_LOG, WORKER_LOGS, read, render
from orchestrator.views.naming import Level, fields_of, level_of
from orchestrator.views.roll import Roll
from orchestrator.views.times import rfc3339

__all__ = ["RunLog", "read", "render"]

_GRAVITY = {level: place for place, level in enumerate(Level)}
_FIRST = ("ts", "event", "level", "run", "worker", "bead", "attempt", "route")


class RunLog:
    """Hears every event and writes it down. Goes on with the files of an earlier process."""

    def __init__(
        self,
        folder: Path,
        run: str,
        *,
        attempts: Iterable[Attempt] = (),
        redact: Callable[[str], str] | None = None,
        warnings: TextIO | None = None,
        rotate_at: int = ROTATE_AT,
        pack: bool = False,
    ) -> None:
        """`attempts`: what is under way already (`State.attempts.values()`). `redact` is asked for every text.
        `pack`: files that are rotated away are compressed."""
        self._folder = folder
        self._run = run
        self._roll = Roll(attempts)
        self._redact = redact
        self._warnings = warnings
        self._rotate_at, self._pack = rotate_at, pack
        self._files: dict[Path, LineFile] = {}
        self._loggers: dict[Path, Any] = {}
        self._given_up = False
        self._least = Level.DEBUG

    def heard(self, event: m.Event) -> None:
        if self._given_up:
            return
        try:
            self._write(event)
        except Exception as fault:  # whatever it is, the night is worth more than its log
            self._give_up(fault)

    def close(self) -> None:
        for file in self._files.values():
            with contextlib.suppress(OSError):  # what it could not flush was told of already
                file.close()
        self._files, self._loggers = {}, {}

    def _write(self, event: m.Event) -> None:
        entry = self._roll.hear(event)
        line = fields_of(event)
        if entry is not None:
            line |= {"bead": entry.bead, "attempt": entry.number, "route": line.get("route") or entry.route}
            if "token" in line:
                line["worker"] = entry.worker
        line |= {"ts": rfc3339(event.at), "run": self._run}
        name, level = m.name_of(type(event)), level_of(event)
        if isinstance(event, m.LogLevelSet):
            self._least = Level(event.level)
        elif _GRAVITY[level] < _GRAVITY[self._least] and not isinstance(event, m.AttemptEnded):
            return  # the last line of an attempt is the one that everything is counted by
        worker: WorkerId | None = line.get("worker")
        paths = [WORKER_LOGS / f"{worker}.jsonl"] if worker else []
        if not (paths and isinstance(event, m.AgentProgressed)):  # what each agent mutters is its worker's log's alone
            paths.append(RUN_LOG)
        for path in paths:
            getattr(self._logger(path), level)(name, **line)

    def _logger(self, path: Path) -> Any:
        if path not in self._loggers:
            self._files[path] = LineFile(self._folder / path, self._rotate_at, pack=self._pack)
            self._loggers[path] = structlog.wrap_logger(
                self._files[path],
                processors=[
                    structlog.processors.add_log_level,
                    self._redacted,
                    _ordered,
                    structlog.processors.JSONRenderer(serializer=json.dumps, ensure_ascii=False),
                ],
                wrapper_class=structlog.BoundLogger,
                context_class=dict,
                cache_logger_on_first_use=True,
            )
        return self._loggers[path]

    def _redacted(self, logger: Any, method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if self._redact is None:
            return line
        return {key: _each_text(value, self._redact) for key, value in line.items()}

    def _give_up(self, fault: Exception) -> None:
        self._given_up = True
        self.close()
        said = f"warning: the log in {self._folder} is given up, the run goes on: {type(fault).__name__}: {fault}"
        with contextlib.suppress(OSError, ValueError):  # nobody may be there to read it
            print(said, file=self._warnings or sys.stderr, flush=True)


def _ordered(logger: Any, method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Every line begins alike."""
    return {key: line[key] for key in _FIRST if line.get(key) is not None} | {
        key: value for key, value in line.items() if key not in _FIRST
    }


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case list():
            return [_each_text(each, change) for each in value]
        case dict():
            return {key: _each_text(each, change) for key, each in value.items()}
        case _:
            return value
