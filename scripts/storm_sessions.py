"""Many sessions of programs that end in every way that a program can: what must hold of each end, and what is left.

Each program's end is known beforehand: its exit, whether we had to end it, what must have been heard of it. At the end
no process, thread or descriptor may be left.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from orchestrator.core.messages import OpenSession, SessionEnded, Signal
from orchestrator.core.model import BeadId, Ending, RouteName, Token, Verdict, WorkerId
from orchestrator.runtime.ports import Exit, Launch, Marks, Sign
from orchestrator.sessions.session import PtySession
from orchestrator.sessions.sessions import PtySessions

PATIENCE_S = 60.0
FLOOD = 3_000_000
PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A way of ending."""

    script: str
    ends: Callable[[Exit], bool]
    heard: bytes = b""
    """What it says, and nobody may miss."""
    end_after_s: float | None = None
    """When we end it; None: it ends by itself, or after its final word."""


def _with(code: int) -> Callable[[Exit], bool]:
    return lambda exit: exit.code == code and not exit.forced


def _by(signal: int) -> Callable[[Exit], bool]:
    return lambda exit: exit.signal == signal and not exit.forced


def _by_us(exit: Exit) -> bool:
    return exit.forced


KINDS: Mapping[str, Kind] = {
    "leaves at once": Kind(script="exec true", ends=_with(0)),
    "says a word and leaves": Kind(script="printf 'a word'", ends=_with(0), heard=b"a word"),
    "closes its terminal before it leaves": Kind(script="exec <&- >&- 2>&-; sleep 0.2; exit 3", ends=_with(3)),
    "comes back to its terminal and leaves": Kind(
        script="exec <&- >&- 2>&-; sleep 0.05; echo back >/dev/tty", ends=_with(0), heard=b"back"
    ),
    "leaves a child on its terminal": Kind(script="sleep 30 & echo a; exit 4", ends=_with(4), heard=b"a"),
    "leaves a child in a session of its own": Kind(script="setsid sleep 30 & echo a; exit 4", ends=_with(4)),
    "leaves a child that ignores everything": Kind(
        script="setsid sh -c 'trap \"\" TERM HUP INT; sleep 30; sleep 30' & sleep 0.05", ends=_with(0)
    ),
    "floods": Kind(
        script=f"head -c {FLOOD} /dev/zero | tr '\\0' x; echo; echo whole", ends=_with(0), heard=b"x\r\nwhole"
    ),
    "prints bytes that are no text": Kind(
        script="head -c 200000 /dev/urandom; echo whole", ends=_with(0), heard=b"whole"
    ),
    "starts many": Kind(script="for i in 1 2 3 4 5 6 7 8 9; do sleep 0.01 & done; wait", ends=_with(0)),
    "is killed": Kind(script="kill -KILL $$", ends=_by(9)),
    "hangs up on itself": Kind(script="kill -HUP $$", ends=_by(1)),
    "is stopped": Kind(script="kill -STOP $$", ends=_by_us, end_after_s=0.1),
    "ignores SIGTERM": Kind(script="trap '' TERM; sleep 30; sleep 30", ends=_by_us, end_after_s=0.1),
    "is ended as it begins": Kind(script="sleep 30", ends=_by_us, end_after_s=0.0),
    "stays after its last word": Kind(script="echo final; sleep 30", ends=_by_us, heard=b"final"),
}


class Heard:
    """A reader that keeps all, and takes `final` for a last word."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.exit: Exit | None = None

    def feed(self, chunk: bytes) -> Sequence[Sign]:
        self.text += chunk
        return [Sign(final=True)] if chunk.startswith(b"final") else []

    def told(self, lines: bytes) -> Sequence[Sign]:
        return []

    def shown(self, screen: str) -> None: ...

    def verdict(self, exit: Exit, *, at: float) -> Verdict:
        self.exit = exit
        return Verdict(ending=Ending.DELIVERED)


class WallClock:
    def now(self) -> float:
        return time.time()


@dataclass(slots=True, kw_only=True)
class Told:
    sessions: int
    wrong: list[str] = field(default_factory=list)
    """Ends that were not as they had to be: must be none."""
    longest_s: float = 0.0
    """From the start of a session to the end of its thread; its kind's name."""
    longest: str = ""
    descriptors: int = 0
    """Left over, as are the next two: must be none."""
    threads: int = 0
    processes: int = 0
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return not (self.wrong or self.descriptors or self.threads or self.processes)


def storm(count: int, *, at_once: int, seed: int, folder: Path) -> Told:
    descriptors, threads, began = len(os.listdir("/proc/self/fd")), threading.active_count(), time.monotonic()
    marks = Marks(repository=f"/storm/{uuid.uuid4().hex}")
    sessions = PtySessions(marks, folder / "recordings", WallClock())
    dice, told = random.Random(seed), Told(sessions=count)
    with ThreadPoolExecutor(at_once) as pool:
        jobs = [(number, dice.choice(list(KINDS))) for number in range(1, count + 1)]
        for name, wrong, took_s in pool.map(lambda job: _play(sessions, folder, *job), jobs):
            told.wrong += [f"{name}: {wrong}"] if wrong else []
            if took_s > told.longest_s:
                told.longest_s, told.longest = took_s, name
    sessions.close()
    told.descriptors = len(os.listdir("/proc/self/fd")) - descriptors
    told.threads = threading.active_count() - threads
    told.processes = sum(_is_marked(process, marks.repository) for process in psutil.process_iter())
    told.seconds = time.monotonic() - began
    return told


def _play(sessions: PtySessions, folder: Path, number: int, name: str) -> tuple[str, str, float]:
    """Its kind, what was wrong with its end, and how long it took."""
    kind, heard, signals, began = KINDS[name], Heard(), list[Signal](), time.monotonic()
    order = OpenSession(
        token=Token(number), bead=BeadId("b"), number=number, worker=WorkerId("w"), route=RouteName("a"), prompt="",
        resume=None, keep=False, silence_s=0.0, grace_s=0.3, linger_s=0.1,
    )  # fmt: skip
    launch = Launch(argv=("/bin/sh", "-c", kind.script), env={"PATH": PATH}, cwd=folder)
    session = sessions.open(order, launch, heard, at_spawn=False, emit=signals.append)
    assert isinstance(session, PtySession)
    if kind.end_after_s is not None:
        time.sleep(kind.end_after_s)
        session.end("enough", 0.2)
    if not session.join(PATIENCE_S):
        return name, "it never ended", PATIENCE_S
    ends = [signal for signal in signals if isinstance(signal, SessionEnded)]
    wrong = ""
    if len(ends) != 1 or signals[-1] is not ends[0]:
        wrong = f"its end was told {len(ends)} times"
    elif heard.exit is None or not kind.ends(heard.exit):
        wrong = f"its exit is said to be {heard.exit}"
    elif kind.heard not in heard.text:
        wrong = f"what it said was not heard: {bytes(heard.text[-100:])!r}"
    for recording in (folder / "recordings").glob(f"b.{number}.cast*"):
        recording.unlink()
    return name, wrong, time.monotonic() - began


def _is_marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get("ORCHESTRATOR_MARK") == mark
    except psutil.Error:
        return False  # somebody else's, or gone


def main() -> int:
    parser = argparse.ArgumentParser(description="Play sessions that end in every way that a program can.")
    parser.add_argument("sessions", type=int, nargs="?", default=2000)
    parser.add_argument("-j", "--jobs", type=int, default=12, help="how many at once")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="storm-sessions-") as folder:
        told = storm(asked.sessions, at_once=asked.jobs, seed=asked.seed, folder=Path(folder))
    for wrong in told.wrong:
        print(wrong)
    print(f"{told.sessions:,} sessions in {told.seconds:.0f} s, {len(told.wrong)} ended otherwise than they had to")
    print(f"the longest took {told.longest_s:.1f} s: one that {told.longest}")
    print(f"left: {told.processes} processes, {told.threads} threads, {told.descriptors} descriptors")
    return 0 if told.holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
