"""Live sessions: one agent at a terminal each."""

from __future__ import annotations

from typing import Protocol

from orchestrator.core.messages import LocksAsked, OpenSession
from orchestrator.runtime.ports.agents import Launch, Reader
from orchestrator.runtime.ports.world import Emit


class Session(Protocol):
    """One agent in one pseudo-terminal, with a thread of its own."""

    def end(self, reason: str, grace_s: float) -> None:
        """Ask its thread to end the whole tree. Returns at once; `SessionEnded` follows."""
        ...

    def belongs(self, asked: LocksAsked) -> bool:
        """The request was made by this session."""
        ...

    def halt(self) -> None:
        """Have all of its processes stand still, those to come too, until `go_on`. Returns at once."""
        ...

    def go_on(self) -> None:
        """Let those go on that `halt` has stopped. Its silence counts from then. Returns at once."""
        ...

    def type(self, text: str, turn: int) -> None:
        """Have it typed, as a prompt or as the answer to what the screen asks. Returns at once; `Typed` follows, unless
        the session ends first."""
        ...


class Sessions(Protocol):
    def open(self, order: OpenSession, launch: Launch, reader: Reader, *, at_spawn: bool, emit: Emit) -> Session:
        """Start it, and return once it is spawned.

        Emits `Spawned`, `GaveSign`, `Progressed`, `WentSilent` and, as its last word, `SessionEnded`: when the
        agent and every process with its mark are gone. Raises `SpawnFailed` when it could not be started.
        """
        ...

    def sweep(self) -> int:
        """End every process with this repository's mark; how many there were."""
        ...

    def close(self) -> None:
        """End what is still there, at once, and wait for the threads."""
        ...


class SpawnFailed(Exception):
    """No terminal, no process: the machine's fault. Its message says which."""
