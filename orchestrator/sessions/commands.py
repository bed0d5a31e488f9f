"""Shell commands of the person's: checks, setup. Run without a terminal, and ended with all that they started.

Knows a command's environment, output, time and tree. Does not know what it checks.
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
from collections.abc import Mapping
from pathlib import Path

from orchestrator.runtime.ports import CommandResult, Marks
from orchestrator.sessions.processes import MARK, TOKEN, Census, read_row
from orchestrator.sessions.redaction import Redaction, secrets_of
from orchestrator.sessions.tree import Tree, end

GRACE_S = 2.0
TAIL = 8_000
TIMED_OUT = 124
"""As timeout(1) says it."""
NOT_RUN = 126
"""As a shell says of a command that it found and could not run."""
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


class ShellCommands:
    """Implements `Commands`. Any number of them run at once, each in its caller's thread."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._census = Census()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._running: set[int] = set()
        """The event descriptors of those that run."""
        self._closed = False

    def run(self, command: str, *, cwd: Path, env: Mapping[str, str], timeout_s: float, log: Path) -> CommandResult:
        """A command that cannot be run at all comes back with code 126 and the reason as its output."""
        try:
            woken = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        except OSError as error:
            return CommandResult(code=NOT_RUN, output=f"the command was not run: {error}")
        try:
            with self._lock:
                if self._closed:
                    return CommandResult(code=CANCELLED, output="", cancelled=True)
                self._running.add(woken)
            return self._run(command, cwd, self._environment(env), timeout_s, log, woken)
        except OSError as error:
            return CommandResult(code=NOT_RUN, output=f"the command was not run: {error}")
        finally:
            with self._lock:
                self._running.discard(woken)
                os.close(woken)

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
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            output.write(f"$ {command}\n".encode())
            output.flush()
            begin = output.tell()
            process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
        # From here on nothing may leave without the tree's end.
        until = time.monotonic() + timeout_s
        try:
            exited = _exited(process.pid, woken, until)
            cancelled = self._closed and not exited
        finally:
            try:
                self._end(process.pid, env)
            except OSError:
                os.killpg(process.pid, signal.SIGKILL)  # unreaped, so the group is still its own
                raise
            finally:
                code = process.wait()
        timed_out = not (exited or cancelled)
        return CommandResult(
            code=CANCELLED if cancelled else TIMED_OUT if timed_out else code if code >= 0 else 128 - code,
            output=_tail(log, begin, env),
            timed_out=timed_out,
            cancelled=cancelled,
        )

    def _end(self, pid: int, env: Mapping[str, str]) -> None:
        leader = read_row(pid)
        if leader is None:
            return  # reaped behind our back: SIGCHLD is ignored in this process
        tree = Tree(leader, mark=env[MARK], token=env[TOKEN], census=self._census)
        kill_at = time.monotonic() + GRACE_S
        end(tree.look, kill_at=lambda: 0.0 if self._closed else kill_at, wait=time.sleep)


def _exited(pid: int, woken: int, until: float) -> bool:
    """Whether it exited by itself, before the time was over or somebody woke us. It stays unreaped."""
    poll = select.poll()
    poll.register(woken, select.POLLIN)
    try:
        leader: int | None = os.pidfd_open(pid)
    except OSError:
        leader = None  # an old kernel, or a sandbox: then we look every now and then
    try:
        if leader is not None:
            poll.register(leader, select.POLLIN)
        while True:
            row = read_row(pid)
            if row is None or not row.alive:
                return True
            rest = until - time.monotonic()
            if rest <= 0:
                return False
            for descriptor, _ in poll.poll(min(rest, 3600.0 if leader is not None else 0.1) * 1000 + 0.5):
                if descriptor == woken:
                    return False
    finally:
        if leader is not None:
            os.close(leader)


def _tail(log: Path, begin: int, env: Mapping[str, str]) -> str:
    with log.open("rb") as file:
        end_ = file.seek(0, os.SEEK_END)
        file.seek(max(begin, end_ - 8 * TAIL))
        text = file.read().decode(errors="replace")
    redact = Redaction(secrets_of(env))
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    return (redact(text) + redact.rest())[-TAIL:]
