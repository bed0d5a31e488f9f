"""A stage on which real programs run in real terminals, and which is empty again afterwards, whatever a test did."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from orchestrator.core.messages import OpenSession, SessionEnded, Signal
from orchestrator.core.model import BeadId, Ending, RouteName, Token, Verdict, WorkerId
from orchestrator.runtime.ports import Exit, Launch, Marks, Sign
from orchestrator.sessions.commands import ShellCommands
from orchestrator.sessions.pasting import Pace
from orchestrator.sessions.session import PtySession
from orchestrator.sessions.sessions import PtySessions

S = TypeVar("S", bound=Signal)
PATIENCE_S = 20.0


class WallClock:
    def now(self) -> float:
        return time.time()


class LineReader:
    """Understands lines such as `sign:started`, `sign:final`, `sign:session=x`, `sign:any words`; `boom` breaks it.

    What it says last after `why:` is the verdict's reason.
    """

    def __init__(self) -> None:
        self.heard = bytearray()
        self.exit: Exit | None = None
        self._line = b""

    def feed(self, chunk: bytes) -> Sequence[Sign]:
        self.heard += chunk
        *lines, rest = (self._line + chunk).split(b"\n")
        self._line = rest[-100:]
        return [self._sign(line.strip()) for line in lines if line.startswith((b"sign:", b"boom"))]

    def told(self, lines: bytes) -> Sequence[Sign]:
        return [self._sign(line) for line in lines.splitlines()]

    def shown(self, screen: str) -> None:
        self.screen = screen

    def verdict(self, exit: Exit, *, at: float) -> Verdict:
        self.exit = exit
        if b"verdict breaks" in self.heard:
            raise LookupError("no such word")
        why = self.heard.rpartition(b"why:")[2].decode().strip() if b"why:" in self.heard else repr(exit)
        return Verdict(ending=Ending.DELIVERED if exit.code == 0 else Ending.CRASHED, reason=why)

    def _sign(self, line: bytes) -> Sign:
        if line.startswith(b"boom"):
            raise LookupError(f"no such event: {line.decode()}")
        word = line.removeprefix(b"sign:").decode()
        if word.startswith("session="):
            return Sign(session=word.removeprefix("session="))
        return Sign(started=word == "started", final=word == "final", note=word)


@dataclass
class Show:
    """One session and what came of it."""

    session: PtySession
    reader: LineReader
    signals: list[Signal]
    cast: Path

    def all(self, kind: type[S]) -> list[S]:
        return [signal for signal in self.signals if isinstance(signal, kind)]

    def first(self, kind: type[S]) -> S:
        until(lambda: self.all(kind), f"a {kind.__name__} among {self.signals}")
        return self.all(kind)[0]

    def says(self, text: bytes) -> None:
        until(lambda: text in self.reader.heard, f"{text!r} on the screen, which shows {self.reader.heard[-2000:]!r}")

    def ended(self) -> Exit:
        """How it ended; fails if it did not, or ended twice."""
        self.first(SessionEnded)
        assert self.session.join(PATIENCE_S)
        assert len(self.all(SessionEnded)) == 1
        assert isinstance(self.signals[-1], SessionEnded)
        assert self.reader.exit is not None
        return self.reader.exit


@dataclass
class Stage:
    folder: Path
    marks: Marks = field(default_factory=lambda: Marks(repository=f"/stage/{uuid.uuid4().hex}"))
    shows: list[Show] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sessions = PtySessions(
            self.marks, self.folder / "recordings", WallClock(), pace=Pace(pause_s=0.2, patience_s=1.0, proof_s=0.4)
        )
        self.commands = ShellCommands(self.marks)
        self.cwd = self.folder / "tree"
        self.cwd.mkdir()

    def launch(
        self,
        *argv: str,
        env: Mapping[str, str] | None = None,
        files: Mapping[Path, str] | None = None,
        paste: str | None = None,
        ignores_term: bool = False,
    ) -> Launch:
        env = {"PATH": os.environ["PATH"], "PYTHON": sys.executable, **(env or {})}
        return Launch(argv=argv, env=env, cwd=self.cwd, files=files or {}, paste=paste, ignores_term=ignores_term)

    def play(
        self,
        script: str | Launch,
        *,
        at_spawn: bool = False,
        silence_s: float = 0.0,
        grace_s: float = 5.0,
        linger_s: float = 5.0,
    ) -> Show:
        """Open a session: a shell script, or what a launch says."""
        number = len(self.shows) + 1
        order = OpenSession(
            token=Token(number),
            bead=BeadId("bead"),
            number=number,
            worker=WorkerId("w1"),
            route=RouteName("agent:model"),
            prompt="",
            resume=None,
            keep=False,
            silence_s=silence_s,
            grace_s=grace_s,
            linger_s=linger_s,
        )
        launch = self.launch("/bin/sh", "-c", script) if isinstance(script, str) else script
        reader, signals = LineReader(), list[Signal]()
        session = self.sessions.open(order, launch, reader, at_spawn=at_spawn, emit=signals.append)
        assert isinstance(session, PtySession)
        show = Show(session, reader, signals, self.folder / "recordings" / f"bead.{number}.cast")
        self.shows.append(show)
        return show

    def marked(self) -> list[psutil.Process]:
        """Who is still there, found in another way than the code under test does."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("ORCHESTRATOR_MARK") == self.marks.repository:
                    found.append(process)
            except psutil.Error:
                continue  # somebody else's, or gone
        return found


def until(holds: Callable[[], object], what: str) -> None:
    """Waits for a thing that happens in its own time; fails if it does not."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            pytest.fail(f"waited in vain for {what}")
        time.sleep(0.005)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def orphan(cwd: Path, *, env: Mapping[str, str] | None = None, terminal: str = "") -> int:
    """A process, `sleep`, in a session of its own, whose parent has left it; without our environment."""
    opens = f"exec 0<>{terminal}; " if terminal else ""
    command = 'setsid sh -c "$0" </dev/null >/dev/null 2>&1 & echo $!'
    environment = {"PATH": os.environ["PATH"], **(env or {})}
    done = subprocess.run(
        ["sh", "-c", command, f"{opens}exec sleep 60"], cwd=cwd, env=environment, capture_output=True, check=True
    )
    pid = int(done.stdout)
    until(lambda: psutil.Process(pid).name() == "sleep", "it to be there")
    return pid


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Checks at its end that no process, thread or descriptor is left."""
    before = descriptors(), threading.active_count()
    stage = Stage(tmp_path)
    try:
        yield stage
        stage.sessions.close()
        stage.commands.close()
        assert stage.marked() == []
        assert (descriptors(), threading.active_count()) == before
    finally:
        for process in stage.marked():
            process.kill()
