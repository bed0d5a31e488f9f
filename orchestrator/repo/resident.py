"""Git processes that stay: asked through a pipe, one answers in a tenth of the time that a new one takes to start.

Knows how one is started when it is first asked, and anew when it has gone. Does not know what is said on the pipes.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Hashable
from typing import IO, Protocol, TypeVar

Answer = TypeVar("Answer")


class Process(Protocol):
    """What GitPython gives for a git that goes on: it is ended with the last reference to it."""

    @property
    def proc(self) -> subprocess.Popen[bytes] | None: ...


class Gone(Exception):
    """It ended in the middle of a question: with this code, and what it said to that."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code, self.said = code, said


class Resident:
    """One that stays. Asked from several threads at once, it answers one after the other."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._asking = threading.Lock()

    def ask(self, start: Callable[[], Process], words: bytes, answer: Callable[[IO[bytes]], Answer]) -> Answer:
        """Say `words`, and read what comes. `answer` raises `EOFError` where nothing more does. Raises `Gone`."""
        with self._asking:
            git = self._at_hand(start)
            assert git.stdin is not None
            assert git.stdout is not None
            try:
                git.stdin.write(words)
                git.stdin.flush()
                answered = answer(git.stdout)
            except (BrokenPipeError, EOFError):
                code, said = git.wait(), _heard(git)
                self._process = None
                raise Gone(code, said.decode("utf-8", "backslashreplace")) from None
            except BaseException:
                self._process = None  # what is left of its answer is nobody's
                raise
            _heard(git)  # warnings that nobody takes away fill the pipe in the end, and block it
            return answered

    def _at_hand(self, start: Callable[[], Process]) -> subprocess.Popen[bytes]:
        git = self._process.proc if self._process else None
        if git is None or git.poll() is not None:
            self._process = start()
            git = self._process.proc
            assert git is not None
            assert git.stderr is not None
            os.set_blocking(git.stderr.fileno(), False)
        return git

    def hang_up(self) -> None:
        """It ends by itself: nothing more will be asked."""
        with self._asking:
            if self._process is not None and self._process.proc is not None and self._process.proc.stdin is not None:
                self._process.proc.stdin.close()

    def close(self) -> None:
        with self._asking:
            self._process = None


class Residents:
    """Those of one user, by what they were started for."""

    def __init__(self) -> None:
        self._all: dict[Hashable, Resident] = {}
        self._guard = threading.Lock()

    def one(self, name: Hashable) -> Resident:
        with self._guard:
            return self._all.setdefault(name, Resident())

    def close(self) -> None:
        """End them all; one that is asked later is started anew."""
        with self._guard:
            for resident in self._all.values():  # all at once, and each is waited for after that
                resident.hang_up()
            for resident in self._all.values():
                resident.close()


def _heard(git: subprocess.Popen[bytes]) -> bytes:
    assert git.stderr is not None
    return git.stderr.read() or b""
