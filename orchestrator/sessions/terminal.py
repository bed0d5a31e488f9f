"""A pseudo-terminal with a program in it: opened, read, typed into, hung up.

Knows bytes, descriptors and the leader's exit. Does not know what the bytes mean, nor the leader's children.

The program is started without running Python between fork and exec, which is undefined in a process with threads:
a one-line `sh` in a session of its own opens the terminal by name, and so gets it as its controlling terminal.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import shutil
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from pexpect import EOF, TIMEOUT
from pexpect.fdpexpect import fdspawn

from orchestrator.runtime.ports import Exit, SpawnFailed

TERM = "xterm-256color"

_OPEN = 'exec 0<>"$1" 1>&0 2>&0 && shift && exec "$@"'
_OPEN_S = 30.0
"""How long `sh` may take to open the terminal: a millisecond, but on a machine that swaps."""
_CHUNK = 65536
_REOPEN_S = 1.0


class Terminal:
    """One program on one terminal. All methods but `wake` are for one thread."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.pid = process.pid
        self.hung_up = False
        """Nobody has it open at the other end, for now."""
        self._process = process
        os.set_blocking(master, False)
        # `use_poll`: `select` fails at descriptor 1024.
        self._master = fdspawn(master, use_poll=True, timeout=0)
        self._untyped = bytearray()
        self._asked_at = float("-inf")
        self._gone = False
        self._woken = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._lock = threading.Lock()
        self._closed = False
        try:
            self._leader: int | None = os.pidfd_open(self.pid)
        except OSError:
            self._leader = None  # an old kernel, or a sandbox: `wait` then looks every second
        self._poll = select.poll()
        self._poll.register(master, select.POLLIN)
        self._poll.register(self._woken, select.POLLIN)
        if self._leader is not None:
            self._poll.register(self._leader, select.POLLIN)

    @classmethod
    def open(cls, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, columns: int, rows: int) -> Terminal:
        """Raises `SpawnFailed`, which says what is missing."""
        program = _program(argv[0], env, cwd)
        try:
            master, slave = pty.openpty()
        except OSError as error:
            raise SpawnFailed(f"no pseudo-terminal to be had: {error}") from error
        try:
            termios.tcsetwinsize(slave, (rows, columns))
            process = _spawn([program, *argv[1:]], env, cwd, os.ttyname(slave))
            try:
                return cls(process, master)
            except OSError:
                process.kill()
                process.wait()
                raise
        except (OSError, termios.error) as error:
            os.close(master)
            raise SpawnFailed(f"{argv[0]} could not be started: {error}") from error
        except SpawnFailed:
            os.close(master)
            raise
        finally:
            # Not before the program has it open: with nobody at this end, the first read would be the last.
            os.close(slave)

    def wait(self, timeout_s: float) -> None:
        """Until there is something to read, room to type, a `wake`, the leader's exit, or the time is over."""
        if self.hung_up or (self._leader is None and not self._gone):
            timeout_s = min(timeout_s, _REOPEN_S)
        if not self.hung_up:
            self._poll.modify(self._master.child_fd, select.POLLIN | (select.POLLOUT if self._untyped else 0))
        for descriptor, event in self._poll.poll(max(0.0, min(timeout_s, 86400.0)) * 1000 + 0.5):
            if descriptor == self._woken:
                os.eventfd_read(self._woken)
            elif descriptor == self._master.child_fd and event & select.POLLOUT:
                self._write()

    def wake(self) -> None:
        """Make `wait` return. From any thread, at any time."""
        with self._lock:
            if not self._closed:
                os.eventfd_write(self._woken, 1)

    def read(self) -> bytes:
        """What is there now; empty when there is nothing."""
        if self.hung_up:
            # A program may close its terminal and open it again later, so we ask now and then.
            if time.monotonic() - self._asked_at < _REOPEN_S:
                return b""
            self._asked_at = time.monotonic()
        try:
            # Bytes, because it was given no encoding; its types know only the other case.
            chunk = cast(bytes, self._master.read_nonblocking(_CHUNK, timeout=0))
        except (TIMEOUT, BlockingIOError):
            chunk = b""
        except EOF:
            if not self.hung_up:
                self.hung_up = True
                self._asked_at = time.monotonic()
                self._poll.unregister(self._master.child_fd)
            return b""
        if self.hung_up:
            self.hung_up = False
            self._poll.register(self._master.child_fd, select.POLLIN)
        return chunk

    def look_again(self) -> None:
        """The next `read` asks, even if it was hung up and has just been asked."""
        self._asked_at = float("-inf")

    def type(self, text: bytes) -> None:
        """Queued: `wait` hands it over as fast as the program takes it."""
        self._untyped += text

    @property
    def typed(self) -> bool:
        """All that was to be typed has been handed over."""
        return not self._untyped

    def exited(self) -> bool:
        """The leader is gone. It stays unreaped, so that its pid stays its own until its tree is ended."""
        if not self._gone:
            try:
                options = os.WEXITED | os.WNOHANG | os.WNOWAIT
                self._gone = os.waitid(os.P_PID, self.pid, options) is not None
            except ChildProcessError:
                self._gone = True  # reaped behind our back: SIGCHLD is ignored in this process
            if self._gone and self._leader is not None:
                self._poll.unregister(self._leader)
        return self._gone

    def reap(self, *, forced: bool) -> Exit:
        """How the leader ended. If it cannot be ended it is left to itself, with neither code nor signal."""
        if not self.exited():
            return Exit(code=None, forced=forced)
        code = self._process.wait()
        return Exit(code=code, forced=forced) if code >= 0 else Exit(code=None, signal=-code, forced=forced)

    def cut(self) -> None:
        """The end when an orderly one is impossible: the leader's group is killed, the leader reaped."""
        if self._process.returncode is None:
            # Not reaped, so the group is still its own.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):  # it hangs in the kernel, and has to be left there
                self._process.wait(timeout=10)
        self.close()

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._master.close()
            os.close(self._woken)
            if self._leader is not None:
                os.close(self._leader)

    def _write(self) -> None:
        try:
            sent = os.write(self._master.child_fd, self._untyped[:1024])
        except BlockingIOError:
            return
        except OSError:
            # EIO: the other end is closed. What the program does not want to read is not typed.
            self._untyped.clear()
            return
        del self._untyped[:sent]


def _program(name: str, env: Mapping[str, str], cwd: Path) -> str:
    """The file to execute. Looked for before the start, because `sh` could tell of it only on the screen."""
    if not cwd.is_dir():
        raise SpawnFailed(f"there is no folder {cwd} to start {name} in")
    if "/" in name:
        path = cwd / name
        if not path.exists():
            raise SpawnFailed(f"there is no program {path}")
        if path.is_dir() or not os.access(path, os.X_OK):
            raise SpawnFailed(f"{path} is not an executable program")
        return str(path)
    places = env.get("PATH", os.defpath)
    found = shutil.which(name, path=os.pathsep.join(str(cwd / place) for place in places.split(os.pathsep)))
    if found is None:
        raise SpawnFailed(f"there is no program {name} in {places}")
    return found


def _spawn(command: Sequence[str], env: Mapping[str, str], cwd: Path, terminal: str) -> subprocess.Popen[bytes]:
    """Returns when the program has the terminal open.

    Until it has, its output is a pipe: that pipe's end says that the terminal took its place, and what `sh` wrote
    into it says why not.
    """
    said, say = os.pipe()
    try:
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _OPEN, "sh", terminal, *command],
                stdin=subprocess.DEVNULL,
                stdout=say,
                stderr=say,
                cwd=cwd,
                env=env,
                start_new_session=True,
                close_fds=True,
            )
        finally:
            os.close(say)
        complaint = _all_of(said, until=time.monotonic() + _OPEN_S)
        if complaint is None or complaint:
            process.kill()
            process.wait()
            why = "it did not open its terminal" if complaint is None else complaint.decode(errors="replace").strip()
            raise SpawnFailed(f"{command[0]} could not be started: {why}")
        return process
    finally:
        os.close(said)


def _all_of(pipe: int, *, until: float) -> bytes | None:
    """None: it was not closed in time."""
    text, poll = b"", select.poll()
    poll.register(pipe, select.POLLIN)
    while poll.poll(max(0.0, until - time.monotonic()) * 1000):
        part = os.read(pipe, 4096)
        if not part:
            return text
        text += part
    return None
