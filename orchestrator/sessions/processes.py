"""The processes of this machine: which there are, whose mark they carry, and how one is signalled beyond doubt.

Reads /proc itself: `psutil.process_iter` takes 60 to 90 ms for 1,000 processes, this takes 12, and every session's
end needs it. Knows no terminal and no session; which processes belong together is `tree`'s.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import psutil

from orchestrator.core.model import ProcessName
from orchestrator.runtime.patience import patiently

MARK = "ORCHESTRATOR_MARK"
TOKEN = "ORCHESTRATOR_TOKEN"

TICKS = os.sysconf("SC_CLK_TCK")
"""Of a row's start, in a second."""
_GONE = (FileNotFoundError, ProcessLookupError, NotADirectoryError)
"""How /proc says that a process ended while we were reading about it."""


class Row(NamedTuple):
    """One process at one moment. A tuple, because there are a thousand in every table."""

    pid: int
    started: int
    """Clock ticks since the machine's start. With the pid it names a process beyond doubt."""
    parent: int
    group: int
    session: int
    cpu_s: float
    """Processor time, with that of the children that it waited for."""
    alive: bool
    """False: a zombie, which runs no more and waits for its parent only."""
    terminal: int = 0
    """The device number of its controlling terminal; 0: none."""
    stopped: bool = False
    """By a signal, until another one lets it go on."""

    @property
    def name(self) -> tuple[int, int]:
        return self.pid, self.started


def _passes(error: BaseException) -> bool:
    """Descriptors or memory are short for a moment. A process must not be taken for gone because of that."""
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


_patiently = patiently(_passes, within_s=10)


def _read_row(pid: int) -> Row | None:
    try:
        handle = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except (*_GONE, PermissionError):
        return None
    try:
        text = os.read(handle, 4096)
    except _GONE:
        return None
    finally:
        os.close(handle)
    # The second field is the program's name in parentheses, which may itself hold parentheses and spaces.
    fields = text[text.rindex(b")") + 2 :].split()
    return Row(
        pid=pid,
        started=int(fields[19]),
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        cpu_s=sum(map(int, fields[11:15])) / TICKS,
        # A process whose first thread has left shows as a zombie while its other threads go on.
        alive=fields[0] not in (b"Z", b"X") or int(fields[17]) > 1,
        terminal=int(fields[4]),
        stopped=fields[0] in (b"T", b"t"),
    )


@_patiently
def read_row(pid: int) -> Row | None:
    """None: there is no such process, or we may not see it."""
    return _read_row(pid)


def named(pid: int) -> ProcessName | None:
    """The name by which others know this process. None: it is gone."""
    try:
        return ProcessName(pid=pid, started=psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


def own_child(pid: int) -> tuple[Row, ProcessName]:
    """A child that we have not reaped: its row, and its name for others.

    Raises `ProcessLookupError` where it is gone; where the pid is another's by now as well, because somebody has our
    children reaped behind our back.
    """
    row, name = read_row(pid), named(pid)
    if row is None or name is None:
        raise ProcessLookupError("/proc does not show it")
    if row.parent != os.getpid():
        raise ProcessLookupError(f"process {pid} is none of ours: whose pid that was is gone")
    return row, name


def send(process: Row, number: signal.Signals, *, look: Callable[[int], Row | None] = read_row) -> bool:
    """Signal exactly this process. False: it is gone, whoever may have its pid by now.

    Raises `PermissionError` when it belongs to somebody else.
    """
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    except OSError:
        # An old kernel, a sandbox that forbids it, no descriptor left: then the moment between the look and
        # the kill is all that the pid has to be reused in.
        handle = None
    try:
        # The look comes after the handle: if it finds the process we mean, the handle is that process's.
        found = look(process.pid)
        if found is None or found.name != process.name:
            return False
        if handle is None:
            os.kill(process.pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        if handle is not None:
            os.close(handle)
    return True


class Table:
    """Every process of the machine, as of one look at /proc."""

    def __init__(self, rows: Mapping[int, Row], began: float) -> None:
        self.rows = rows
        self.began = began
        """Monotonic: what was true before this moment is in the table."""
        self._marks: dict[tuple[str, bool], Mapping[str, list[Row]]] = {}
        self._lock = threading.Lock()

    @cached_property
    def children(self) -> Mapping[int, list[Row]]:
        return self._by(lambda row: row.parent)

    @cached_property
    def sessions(self) -> Mapping[int, list[Row]]:
        return self._by(lambda row: row.session)

    @cached_property
    def groups(self) -> Mapping[int, list[Row]]:
        return self._by(lambda row: row.group)

    @cached_property
    def ourselves(self) -> frozenset[int]:
        """This process and its ancestors, which are never ended, whatever marks they carry."""
        line: set[int] = set()
        pid = os.getpid()
        while pid not in line and pid in self.rows:
            line.add(pid)
            pid = self.rows[pid].parent
        return frozenset(line)

    def marked(self, mark: str, *, older: bool = False) -> Mapping[str, list[Row]]:
        """This user's live processes with this mark, by token; `older`: those too that were there before us.

        An environment is what a process was started with: a program that overwrites that memory (to show a
        title in `ps`, say) loses its mark, and is then found by its group or its parents only.
        """
        with self._lock:
            known = self._marks.get((mark, older))
            if known is None:
                known = self._marks[mark, older] = self._read_marks(mark, older)
            return known

    @_patiently
    def _read_marks(self, mark: str, older: bool) -> Mapping[str, list[Row]]:
        own, user = self.rows.get(os.getpid()), os.geteuid()
        since = 0 if older or own is None else own.started
        wanted, prefix = f"{MARK}={mark}".encode(), f"{TOKEN}=".encode()
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows.values():
            if row.started < since or not row.alive or row.pid in self.ourselves:
                continue
            variables = _environment(row.pid, user)
            if wanted in variables:
                tokens = [v[len(prefix) :].decode(errors="replace") for v in variables if v.startswith(prefix)]
                found[tokens[0] if tokens else ""].append(row)
        return found

    @_patiently
    def orphans(
        self, folders: Sequence[Path], *, adopters: Set[int], terminals: Set[int] = frozenset({0}), since: int = 0
    ) -> list[Row]:
        """This user's live processes that are at work below one of these folders, and whose parent has left them.

        Only those on one of these terminals (0: none), and that started, with their sessions, no earlier than
        `since`. Links are read of the few rows for which the rest holds.
        """
        roots, user = [os.path.realpath(folder) for folder in folders], os.geteuid()
        found = []
        for row in self.rows.values():
            if row.parent not in adopters or row.terminal not in terminals or row.started < since or not row.alive:
                continue
            head = self.rows.get(row.session)
            if row.pid in self.ourselves or (head is not None and head.started < since):
                continue  # nobody joins a session: one that is older was never left by what started later
            place = _folder(row.pid, user)
            if any(place == root or place.startswith(root.rstrip("/") + "/") for root in roots):
                found.append(row)
        return found

    def _by(self, key: Callable[[Row], int]) -> Mapping[int, list[Row]]:
        found = defaultdict(list)
        for row in self.rows.values():
            found[key(row)].append(row)
        return found


def _folder(pid: int, user: int) -> str:
    """Where it is at work; empty for a process that is gone, or that we may not look into."""
    try:
        if os.stat(f"/proc/{pid}").st_uid != user:
            return ""
        return os.readlink(f"/proc/{pid}/cwd").removesuffix(" (deleted)")
    except (*_GONE, PermissionError):
        return ""


@cache
def _adopter() -> int:
    """Who becomes the parent of what we leave behind: pid 1, or a nearer process that asked for it (a subreaper).

    /proc does not say who asked, so an orphan is made, and looked at. Raises `OSError`.
    """
    orphan = ["/bin/sh", "-c", "exec 3<&0; cat <&3 >/dev/null & echo $!"]
    with subprocess.Popen(orphan, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        pid = int(shell.stdout.read() or 0)
        shell.wait()
        row = read_row(pid)  # there until we close its input
    if row is None:
        raise ProcessLookupError("the orphan is gone")
    return row.parent


def adopter(table: Table) -> frozenset[int]:
    """Who may be the parent of an orphan of ours. Nobody, where that is this process: as pid 1 of a container, say, it
    cannot tell them from its own children."""
    try:
        found = _adopter()
    except OSError:
        found = 1
    return frozenset({found if found in table.ourselves else 1} - {os.getpid()})


def stray(worktrees: Sequence[Path]) -> list[ProcessName]:
    """Who is at work below one of these folders, on no terminal, and with nobody who waits for them.

    Nobody's mark is asked for, so an editor that a person opened there and left to itself is among them: this is
    for telling, and not for ending.
    """
    table = _take()
    rows = table.orphans(worktrees, adopters=adopter(table) | ({1} - {os.getpid()}))
    return [name for row in rows if (name := named(row.pid)) is not None]


def somebody_elses(pid: int) -> bool:
    """Whether there is a sign that an orphan is no descendant of ours that wiped its environment.

    It is marked (as another session's: our own are found by that), has a display to show windows on (a person's
    editor), or is in another control group than we are: nothing leaves that by forking, and a desktop or a login gives
    each of a person's terminals its own.
    """
    marks = (f"{MARK}=".encode(), b"DISPLAY=", b"WAYLAND_DISPLAY=")
    if any(variable.startswith(marks) for variable in _environment(pid, os.geteuid())):
        return True
    return _control_groups(str(pid)) != _control_groups("self")


def _control_groups(pid: str) -> bytes:
    try:
        with open(f"/proc/{pid}/cgroup", "rb") as file:
            return file.read()
    except (*_GONE, PermissionError):
        return b""


def _environment(pid: int, user: int) -> list[bytes]:
    """Empty for a process that is gone, or that we may not look into."""
    try:
        if os.stat(f"/proc/{pid}").st_uid != user:
            return []
        handle = os.open(f"/proc/{pid}/environ", os.O_RDONLY | os.O_CLOEXEC)
    except (*_GONE, PermissionError):
        return []
    try:
        parts = []
        while part := os.read(handle, 1 << 16):
            parts.append(part)
    except (*_GONE, PermissionError):
        return []
    finally:
        os.close(handle)
    return b"".join(parts).split(b"\0")


class Census:
    """Takes the table, once for all who ask at the same time: a hundred sessions that end together share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest = Table({}, float("-inf"))

    def table(self, *, newer_than: float) -> Table:
        """A table whose look began no earlier than `newer_than`, a monotonic time."""
        with self._lock:
            if self._latest.began < newer_than:
                self._latest = _take()
            return self._latest


@_patiently
def _take() -> Table:
    began = time.monotonic()
    rows = (_read_row(int(entry)) for entry in os.listdir("/proc") if entry.isdigit())
    return Table({row.pid: row for row in rows if row is not None}, began)


def command_of(pid: int) -> str:
    """What it was started with, for people; empty when it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(2000).split(b"\0")
    except (*_GONE, PermissionError):
        return ""
    return b" ".join(words).decode(errors="replace").strip()
