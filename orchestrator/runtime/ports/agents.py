"""What an agent's program is started with, and how what it writes is read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from orchestrator.core.messages import OpenSession
from orchestrator.core.model import RouteName, Usage, Verdict
from orchestrator.core.values import Struct, field
from orchestrator.runtime.confinement import Limits, Sandbox, Walls


class Dialog(Struct, frozen=True, kw_only=True):
    """What a screen at rest may show, and the keys that answer it."""

    shows: re.Pattern[str]
    keys: str


class ScreenRules(Struct, frozen=True, kw_only=True):
    """How a program's screen is read. It is emulated; escapes are nobody's business but the emulator's."""

    ready: re.Pattern[str] | None = None
    """Shows where a prompt goes in: the agent is up."""
    asks: re.Pattern[str] | None = None
    """Shows that it waits for a person; a dialog that a rule answers goes first."""
    dialogs: tuple[Dialog, ...] = ()


class EventFile(Struct, frozen=True, kw_only=True):
    """Where a program writes its events, one JSON object a line, if not on its terminal."""

    path: str
    """A glob pattern: the file may not be there yet, nor its name be known."""
    mine: Mapping[str, str] = field(default_factory=dict)
    """What the file's first object must say to be this session's, by path."""


class Launch(Struct, frozen=True, kw_only=True):
    """How to start an agent for one attempt."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    """The whole environment: nothing is inherited beside it."""
    cwd: Path
    files: Mapping[Path, str] = field(default_factory=dict)
    """To be written before the start where they are not there yet (trust, onboarding)."""
    paste: str | None = None
    """Typed into an interactive agent once it is up."""
    screen: ScreenRules | None = None
    event_files: tuple[EventFile, ...] = ()
    leave: str = ""
    """Typed when it has said its last word, so that it leaves by itself."""
    ignores_term: bool = False
    """SIGTERM is a waste of the grace."""
    walls: Walls | None = None
    """None: it may write what this user may."""
    sandbox: Sandbox | None = None
    """Needs `walls`: they say what of the repository is its own."""
    limits: Limits = field(default_factory=Limits)


class Sign(Struct, frozen=True, kw_only=True):
    """Something that an agent's output means. Never raw output."""

    started: bool = False
    note: str = ""
    session: str | None = None
    usage: Usage = field(default_factory=Usage)
    final: bool = False
    """Its last event: it has 20 s to leave."""
    taken: bool = False
    """It has the prompt that was typed."""
    follow: str = ""
    """A file in which it writes more events."""


class Exit(Struct, frozen=True, kw_only=True):
    """How the agent's own process ended."""

    code: int | None
    signal: int | None = None
    forced: bool = False
    """We ended it, or what was left of it after its final event."""


class Reader(Protocol):
    """Reads one session's output as it comes. Used by one thread."""

    def feed(self, chunk: bytes) -> Sequence[Sign]: ...

    def told(self, lines: bytes) -> Sequence[Sign]:
        """Whole lines of its event files."""
        ...

    def shown(self, screen: str) -> None:
        """What stands on its screen at the end, where it is emulated."""
        ...

    def verdict(self, exit: Exit, *, at: float) -> Verdict:
        """What it all amounts to. Whether anything changed is not known here: git says that later."""
        ...


class Agents(Protocol):
    """The agent programs of a run, by route."""

    def launch(self, order: OpenSession, *, worktree: Path, scratch: Path) -> Launch:
        """`scratch` is a folder of this attempt, outside the worktree: prompt file, outcome file, home.

        Raises `AgentMissing` when the program is not there.
        """
        ...

    def reader(self, order: OpenSession, *, scratch: Path) -> Reader: ...

    def starts_at_spawn(self, route: RouteName) -> bool:
        """This agent gives no first sign of its own: being spawned is its first sign."""
        ...


class AgentMissing(Exception):
    """The program of this route is not installed, or not executable. Its message says what was looked for."""
