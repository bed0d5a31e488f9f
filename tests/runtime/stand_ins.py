"""Stand-ins for the ports: they do what a port promises, at once and in memory. Nothing of the program is patched."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Commit, Ending, Guess, RouteName, Stray, Tree, Verdict
from orchestrator.runtime.ports import (
    Brought,
    CheckResult,
    CommandResult,
    Composition,
    Conflict,
    Emit,
    Empty,
    Exit,
    LandedAt,
    Launch,
    Letter,
    Look,
    Place,
    Reader,
    Session,
    Sign,
    Work,
    WorkspaceFault,
)


class Nothing:
    """A reader that hears nothing and believes an exit code of 0."""

    def feed(self, chunk: bytes) -> tuple[Sign, ...]:
        return (Sign(started=True),)

    def told(self, lines: bytes) -> tuple[Sign, ...]:
        return ()

    def shown(self, screen: str) -> None: ...

    def verdict(self, exit: Exit, *, at: float) -> Verdict:
        return Verdict(ending=Ending.DELIVERED if exit.code == 0 else Ending.CRASHED)


class Blind:
    """A predictor that foresees nothing."""

    def foresee(self, order: m.Foresee) -> tuple[tuple[BeadId, tuple[Guess, ...]], ...]:
        return ()


@dataclass
class PlainFolders:
    """Workspaces without git: a folder per bead, and a list for a target."""

    root: Path
    refuse: str = ""
    """Why every order is refused; empty: none is."""
    done: list[str] = field(default_factory=list)
    gate: Callable[[m.Effect], None] = lambda effect: None
    """Called in the lane before an order is carried out."""
    strayed: tuple[Stray, ...] = ()
    looked: Callable[[m.OpenSession], None] = lambda order: None
    """Called when a worktree is looked at."""

    def _begin(self, order: m.Effect) -> None:
        self.gate(order)
        self.done.append(type(order).__name__)
        if self.refuse:
            raise WorkspaceFault(self.refuse)

    def prepare(self, order: m.OpenSession) -> Path:
        self._begin(order)
        path = self.root / order.bead
        path.mkdir(parents=True, exist_ok=True)
        return path

    def furnish(self, order: m.OpenSession) -> Place:
        return Place(worktree=self.root / order.bead, scratch=self.root / f"{order.bead}.scratch")

    def save(self, order: m.Save) -> Commit | None:
        self._begin(order)
        return None

    def touched(self, order: m.OpenSession) -> tuple[str, ...]:
        self.looked(order)
        return ()

    def collisions(self, checkpoints: Sequence[Commit]) -> Look:
        self.done.append("collisions")
        return Look()

    def checkpoint(self, bead: BeadId, number: int) -> Commit | None:
        self.done.append("checkpoint")
        if self.refuse:
            raise WorkspaceFault(self.refuse)
        return Commit(f"p-{bead}")

    def collect(self, order: m.Collect) -> Work:
        self._begin(order)
        return Work(commit=Commit(f"c-{order.bead}"), tree=Tree("t"), files=("f",))

    def strays(self, order: m.Save | m.Collect) -> tuple[Stray, ...]:
        return self.strayed

    def check(self, order: m.Check) -> CheckResult:
        self._begin(order)
        return CheckResult(passed=True)

    def compose(self, order: m.Compose) -> Composition | LandedAt | Conflict | Empty:
        self._begin(order)
        onto, onto_tree = order.onto or Commit("tip"), order.onto_tree or Tree("tip")
        made = f"l-{order.bead}"
        return Composition(onto=onto, onto_tree=onto_tree, commit=Commit(made), tree=Tree(made))

    def verify(self, order: m.Verify) -> CheckResult:
        self._begin(order)
        return CheckResult(passed=True)

    def drop(self, order: m.Verify) -> None:
        self.done.append(f"drop {order.bead}")

    def advance(self, order: m.Advance) -> bool:
        self._begin(order)
        return True

    def follow(self, order: m.Follow) -> Composition | Conflict | Empty:
        self._begin(order)
        return Empty(onto=Commit("t"), onto_tree=Tree("t"))

    def base(self) -> Commit | None:
        return None

    def push(self, order: m.Push) -> Commit:
        self._begin(order)
        return Commit("pushed")

    def propose(self, order: m.Propose, letter: Letter) -> Brought:
        self._begin(order)
        return Brought(url="https://far/pull/1", branch="b", commit=Commit("pushed"), found=False)

    def clear(self, order: m.Clear) -> None:
        self._begin(order)

    def landed(self, tasks: Mapping[BeadId, str]) -> Mapping[BeadId, Commit]:
        return {}

    def close(self) -> None:
        self.done.append("close")


@dataclass
class OneProgram:
    """Agents that are all the same command."""

    argv: tuple[str, ...]
    fault: Exception | None = None

    def launch(self, order: m.OpenSession, *, worktree: Path, scratch: Path) -> Launch:
        if self.fault:
            raise self.fault
        return Launch(argv=self.argv, env={"PATH": "/usr/bin:/bin"}, cwd=worktree)

    def reader(self, order: m.OpenSession, *, scratch: Path) -> Reader:
        return Nothing()

    def starts_at_spawn(self, route: RouteName) -> bool:
        return False


class Quiet:
    """Commands that all pass."""

    def run(
        self, command: str, *, cwd: Path, env: Mapping[str, str], timeout_s: float, log: Path, name: str = ""
    ) -> CommandResult:
        return CommandResult(code=0, output="")

    def end(self, name: str) -> None: ...

    def close(self) -> None: ...


@dataclass
class ToldSessions:
    """Sessions without processes: a test says what becomes of them."""

    emits: dict[int, Emit] = field(default_factory=dict)
    ended: list[tuple[int, str]] = field(default_factory=list)
    typed: list[tuple[int, int, str]] = field(default_factory=list)
    halted: list[tuple[int, bool]] = field(default_factory=list)
    opened: threading.Event = field(default_factory=threading.Event)
    fault: Exception | None = None
    short: set[int] = field(default_factory=set)
    """Tokens of those that are over before they are said to be open."""

    def open(self, order: m.OpenSession, launch: Launch, reader: Reader, *, at_spawn: bool, emit: Emit) -> Session:
        if self.fault:
            raise self.fault
        self.emits[order.token] = emit
        if order.token in self.short:
            emit(m.SessionEnded(at=5.0, token=order.token, verdict=Verdict(ending=Ending.CRASHED)))
        self.opened.set()
        return _Told(self, order.token)

    def sweep(self) -> int:
        return 3

    def close(self) -> None: ...


@dataclass
class _Told:
    sessions: ToldSessions
    token: int

    def end(self, reason: str, grace_s: float) -> None:
        self.sessions.ended.append((self.token, reason))

    def belongs(self, asked: m.LocksAsked) -> bool:
        return asked.proof == f"proof of {self.token}"

    def halt(self) -> None:
        self.sessions.halted.append((self.token, True))

    def go_on(self) -> None:
        self.sessions.halted.append((self.token, False))

    def type(self, text: str, turn: int) -> None:
        self.sessions.typed.append((self.token, turn, text))
