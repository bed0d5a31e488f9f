"""What a command may ask for, what it is refused with, and what it ends with."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.core.values import Struct, replace

if TYPE_CHECKING:
    from orchestrator.core.state import State
    from orchestrator.runtime.findings import Finding


class Exit(IntEnum):
    """What `run` ends with."""

    DONE = 0
    UNDONE = 1
    AT_FAULT = 2
    PAUSED = 3
    NOTHING_STARTED = 4
    INTERRUPTED = 130


class Refused(Exception):
    """What was asked for cannot be done: the message says why and what to do. Nothing was touched."""

    def __init__(self, message: str, code: Exit = Exit.AT_FAULT) -> None:
        super().__init__(message)
        self.code = code


def workers_of(text: str | None) -> int | str | None:
    """As a person says it: a number, where it is one; else the word, for the manifest to judge."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else text


class Order(Struct, frozen=True, kw_only=True):
    """What `run` was told."""

    manifest: Path
    repo: Path | None = None
    worktrees: Path | None = None
    workers: int | str | None = None
    """A number, or `auto`."""
    agent: str | None = None
    on_question: str | None = None
    push: str | None = None
    follow_base: bool = False
    budget: float | None = None
    """What the whole run may cost, in US dollars."""
    fresh: bool = False
    force: bool = False
    """Start however short the machine is."""

    @property
    def options(self) -> dict[str, str]:
        """What whoever goes on with the run need not say again."""
        given: dict[str, object] = {
            "worktrees": self.worktrees and self.worktrees.resolve(),
            "workers": self.workers,
            "agent": self.agent,
            "on_question": self.on_question,
            "push": self.push,
            "follow_base": self.follow_base or None,
            "budget": self.budget,
        }
        return {name: str(value) for name, value in given.items() if value is not None}

    def completed(self, said: Mapping[str, str]) -> Order:
        """With what was said before, where this order is silent."""
        return replace(
            self,
            worktrees=self.worktrees or (Path(said["worktrees"]) if "worktrees" in said else None),
            workers=self.workers or workers_of(said.get("workers")),
            agent=self.agent or said.get("agent"),
            on_question=self.on_question or said.get("on_question"),
            push=self.push or said.get("push"),
            follow_base=self.follow_base or "follow_base" in said,
            budget=self.budget if self.budget is not None else float(said["budget"]) if "budget" in said else None,
        )


class Outcome(Struct, frozen=True, kw_only=True):
    state: State
    findings: tuple[Finding, ...]
    report: str
    """Where it is, or why it is not there."""
    code: Exit
