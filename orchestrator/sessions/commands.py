"""Shell commands of the person's: checks, setup. Run without a terminal, and ended with all that they started.

Knows a command's environment, output, time and tree. Does not know what it checks.

A command that prints without end is ended before it fills the disk. Its log is looked at once a second at most, so
what a fast one prints within that second comes on top of the bound.
"""

from __future__ import annotations

import itertools
import os
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from enum import Enum, auto
from pathlib import Path

from orchestrator.runtime.ports import CommandResult, Marks
from orchestrator.sessions.processes import MARK, TOKEN, Census, read_row
from orchestrator.sessions.redaction import Redaction, mask, secrets_of
from orchestrator.sessions.tree import Tree, end

GRACE_S = 2.0
TAIL = 8_000
MOST_BYTES = 100_000_000
"""What one command may print."""
LOOK_S = 1.0
_FIRST_LOOK_S = 0.05
TIMED_OUT = 124
"""As timeout(1) says it."""
NOT_RUN = 126
"""As a shell says of a command that it found and could not run."""
FLOODED = 128 + signal.SIGXFSZ
"""As a shell says of a command that wrote more than `ulimit -f` allows."""
CANCELLED = -1

POINTS_TO_A_REPOSITORY = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
"""Set when we are started from a git hook or alias. A check that runs git would then ask, or change, the person's
own checkout. After `git rev-parse --local-env-vars`, without what only configures."""

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\)"  # OSC and the other strings: titles, links
    r"|\x1b[ -/]*[0-~]"  # the rest
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]",  # controls but tab, newline, return
    re.DOTALL,
)


class _Left(Enum):
    """Why we stopped waiting for a command."""

    EXITED = auto()
    OUT_OF_TIME = auto()
    FLOODED = auto()
    WOKEN = auto()


class ShellCommands:
    """Implements `Commands`. Any number of them run at once, each in its caller's thread."""

    def __init__(self, marks: Marks, *, most_bytes: int = MOST_BYTES) -> None:
        """A command that prints more than `most_bytes` is ended, and has failed."""
        self._marks = marks
        self._most_bytes = most_bytes
        self._census = Census()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._running: dict[int, str] = {}
        """The event descriptors of those that run, and the name of each."""
        self._closed = False

    def run(
        self, command: str, *, cwd: Path, env: Mapping[str, str], timeout_s: float, log: Path, name: str = ""
    ) -> CommandResult:
        """A command that cannot be run at all comes back `not_run`, with code 126 and the reason as its output."""
        try:
            woken = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        except OSError as error:
            return _not_run(error)
        try:
            with self._lock:
                if self._closed:
                    return CommandResult(code=CANCELLED, output="", cancelled=True)
                self._running[woken] = name
            return self._run(command, cwd, self._environment(env), timeout_s, log, woken)
        finally:
            with self._lock:
                self._running.pop(woken, None)
                os.close(woken)

    def end(self, name: str) -> None:
        with self._lock:
            for woken, known in self._running.items():
                if name and known == name:
                    os.eventfd_write(woken, 1)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for woken in self._running:
                os.eventfd_write(woken, 1)

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if name not in POINTS_TO_A_REPOSITORY}
        token = f"command-{os.getpid()}-{next(self._numbers)}"
        return {**own, **env, MARK: self._marks.repository, TOKEN: token}

    def _run(
        self, command: str, cwd: Path, env: Mapping[str, str], timeout_s: float, log: Path, woken: int
    ) -> CommandResult:
        try:
            output = _opened(log)
        except OSError as error:
            return _not_run(error)
        try:
            try:
                os.write(output, f"$ {command}\n".encode())
                begin = os.fstat(output).st_size
                process = subprocess.Popen(
                    ["/bin/sh", "-c", command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=cwd,
                    env=env,
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:  # ValueError: a null character in it
                return _not_run(error)
            # From here on nothing may leave without the tree's end.
            try:
                return self._attend(process, env, timeout_s, log, output, begin, woken)
            except OSError as error:
                return CommandResult(
                    code=NOT_RUN, output=f"the command could not be watched to its end: {error}", not_run=True
                )
        finally:
            os.close(output)

    def _attend(
        self,
        process: subprocess.Popen[bytes],
        env: Mapping[str, str],
        timeout_s: float,
        log: Path,
        output: int,
        begin: int,
        woken: int,
    ) -> CommandResult:
        most = begin + self._most_bytes
        try:
            left = _left(process.pid, woken, time.monotonic() + timeout_s, output, most)
        finally:
            try:
                # What prints on while it has its grace has it no longer.
                self._end(process.pid, env, lambda: self._closed or _grown(output, most + self._most_bytes))
            except OSError:
                os.killpg(process.pid, signal.SIGKILL)  # unreaped, so the group is still its own
                raise
            finally:
                code = process.wait()
        said = _tail(output, begin, env)
        mask(output, begin, env)
        match left:
            case _Left.WOKEN:
                return CommandResult(code=CANCELLED, output=said, cancelled=True)
            case _Left.OUT_OF_TIME:
                return CommandResult(code=TIMED_OUT, output=said, timed_out=True)
            case _Left.FLOODED:
                bound = f"{self._most_bytes / 1e6:g} MB"
                why = f"\nended: it printed more than {bound}, which is all that a command may; its output is in {log}"
                return CommandResult(code=FLOODED, output=(said[len(why) - TAIL :] + why).lstrip())
            case _Left.EXITED:
                return CommandResult(code=code if code >= 0 else 128 - code, output=said)

    def _end(self, pid: int, env: Mapping[str, str], at_once: Callable[[], bool]) -> None:
        leader = read_row(pid)
        if leader is None:
            return  # reaped behind our back: SIGCHLD is ignored in this process
        tree = Tree(leader, mark=env[MARK], token=env[TOKEN], census=self._census)
        kill_at = time.monotonic() + GRACE_S
        end(tree.look, kill_at=lambda: 0.0 if at_once() else kill_at, wait=time.sleep)


def _not_run(error: Exception) -> CommandResult:
    return CommandResult(code=NOT_RUN, output=f"the command was not run: {error}", not_run=True)


def _opened(log: Path) -> int:
    """The end of the log. Read again by the same descriptor: a command may remove the file, or the folder."""
    log.parent.mkdir(parents=True, exist_ok=True)
    return os.open(log, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _grown(output: int, most: int) -> bool:
    return os.fstat(output).st_size > most


def _left(pid: int, woken: int, until: float, output: int, most: int) -> _Left:
    """Why the waiting is over. The command stays unreaped."""
    poll = select.poll()
    poll.register(woken, select.POLLIN)
    try:
        leader: int | None = os.pidfd_open(pid)
    except OSError:
        leader = None  # an old kernel, or a sandbox: then we look every now and then
    longest = LOOK_S if leader is not None else 0.1
    try:
        if leader is not None:
            poll.register(leader, select.POLLIN)
        # Often at first: a command that floods mostly does so at once.
        pause = _FIRST_LOOK_S
        while True:
            if _grown(output, most):
                return _Left.FLOODED
            row = read_row(pid)
            if row is None or not row.alive:
                return _Left.EXITED
            rest = until - time.monotonic()
            if rest <= 0:
                return _Left.OUT_OF_TIME
            for descriptor, _ in poll.poll(min(rest, pause) * 1000 + 0.5):
                if descriptor == woken:
                    return _Left.WOKEN
            pause = min(pause * 2, longest)
    finally:
        if leader is not None:
            os.close(leader)


def _tail(output: int, begin: int, env: Mapping[str, str]) -> str:
    end_ = os.fstat(output).st_size
    start = max(begin, end_ - 8 * TAIL)
    text = os.pread(output, max(0, end_ - start), start).decode(errors="replace")
    redact = Redaction(secrets_of(env))
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    return (redact(text) + redact.rest())[-TAIL:]
