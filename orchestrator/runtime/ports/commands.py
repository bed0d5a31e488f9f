"""Checks, setups and the like: commands that run to their end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from orchestrator.core.values import Struct


class CommandResult(Struct, frozen=True, kw_only=True):
    code: int
    output: str
    """The end of what it printed, at most 8,000 characters, without terminal escapes."""
    timed_out: bool = False
    cancelled: bool = False
    """We ended it, because the orchestrator is leaving: its code says nothing."""
    not_run: bool = False
    """It could not be run, or not be watched to its end: the machine's fault, and `output` says which.

    Its code is 126, as of a command that exits with that by itself, and says nothing."""


class Commands(Protocol):
    """Runs shell commands of the person's: checks, setup. From any thread; never on a terminal."""

    def run(
        self, command: str, *, cwd: Path, env: Mapping[str, str], timeout_s: float, log: Path, name: str = ""
    ) -> CommandResult:
        """Run it by `/bin/sh -c`, with our own environment, `env` on top, and our mark. `end` knows it by its `name`.

        Its whole process tree is gone when this returns. Output goes to `log`, up to a bound past which the
        command is ended as failed.
        """
        ...

    def end(self, name: str) -> None:
        """End the commands of this name that run now: they come back `cancelled`."""
        ...

    def close(self) -> None:
        """End what runs, at once; later runs come back `cancelled`."""
        ...
