"""All sessions of one orchestrator: opening them, sweeping what an earlier one left, leaving in order.

Knows who is open. Does not know agents: what to start, with which files and environment, comes in a `Launch`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.core.messages import OpenSession
from orchestrator.core.model import Sample
from orchestrator.runtime import start_token
from orchestrator.runtime.confinement import Limits
from orchestrator.runtime.ports import Clock, Emit, Launch, Marks, Reader, Session, SpawnFailed
from orchestrator.sessions.parts import Parts, recording_of
from orchestrator.sessions.pasting import DEFAULT, Pace
from orchestrator.sessions.processes import Census, Row, own_child
from orchestrator.sessions.recordings import let_go
from orchestrator.sessions.redaction import hiding_in_notes, secrets_of
from orchestrator.sessions.sandbox import limited, sandboxed, why_no_limits, why_no_sandbox
from orchestrator.sessions.session import PtySession
from orchestrator.sessions.silence import TABLE_S
from orchestrator.sessions.terminal import TERM, Terminal
from orchestrator.sessions.transcript import Title, Transcript, join_all
from orchestrator.sessions.tree import KILLED_S, Tree, end
from orchestrator.sessions.vitals import Vitals
from orchestrator.sessions.walls import behind

if TYPE_CHECKING:
    from orchestrator.sessions.screen import Screen

SWEEP_S = 2.0
CLOSE_S = 1.0


class PtySessions:
    """Implements `Sessions`."""

    def __init__(
        self,
        marks: Marks,
        recordings: Path,
        clock: Clock,
        columns: int = 120,
        rows: int = 40,
        *,
        pace: Pace = DEFAULT,
        most_recorded: float = float("inf"),
    ) -> None:
        """`most_recorded`: bytes that all recordings together may have."""
        self._marks = marks
        self._recordings = recordings
        self._clock = clock
        self._columns = columns
        self._rows = rows
        self._pace = pace
        self._most_recorded = most_recorded
        self._census = Census()
        self._vitals = Vitals()
        self._changed = threading.Condition()
        self._open: set[PtySession] = set()
        self._opening = 0
        self._closed = False

    def open(self, order: OpenSession, launch: Launch, reader: Reader, *, at_spawn: bool, emit: Emit) -> Session:
        with self._changed:
            if self._closed:
                raise SpawnFailed("the orchestrator is leaving")
            self._opening += 1
        try:
            _write_missing(launch.files)
            return self._start(order, launch, reader, at_spawn=at_spawn, emit=emit)
        finally:
            with self._changed:
                self._opening -= 1
                self._changed.notify_all()

    def sweep(self) -> int:
        """Spares this process, its ancestors, and what it has open itself."""
        met: set[tuple[int, int]] = set()

        def look(newer_than: float) -> list[Row]:
            with self._changed:
                own = {str(session.token) for session in self._open}
            marked = self._census.table(newer_than=newer_than).marked(self._marks.repository, older=True)
            rows = [row for token, rows in marked.items() if token not in own for row in rows]
            met.update(row.name for row in rows)
            return rows

        kill_at = time.monotonic() + SWEEP_S
        end(look, kill_at=lambda: kill_at, wait=time.sleep)
        with contextlib.suppress(OSError):  # recordings in parts are recordings too; the next start tries again
            join_all(self._recordings)
        return len(met)

    def measure(self) -> tuple[Sample, ...]:
        now = time.monotonic()
        with self._changed:
            sessions = sorted(self._open, key=lambda session: session.token)
        if not sessions:
            return ()
        table = self._census.table(newer_than=now - TABLE_S)
        return self._vitals.measure(session.patient(table) for session in sessions)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: self._opening == 0)
            sessions = list(self._open)
        for session in sessions:
            session.end("the orchestrator is leaving", CLOSE_S)
        # Bounded, because a process that hangs in the kernel must not keep us: a session itself gives up by then.
        until = time.monotonic() + CLOSE_S + KILLED_S + 5
        for session in sessions:
            session.join(max(0.0, until - time.monotonic()))

    def _start(self, order: OpenSession, launch: Launch, reader: Reader, *, at_spawn: bool, emit: Emit) -> PtySession:
        env = {"TERM": TERM, **launch.env, **self._marks.of(order.token), start_token.VARIABLE: start_token.new()}

        argv = _confined(launch, env)

        def on_a_terminal(argv: tuple[str, ...]) -> Terminal:
            return Terminal.open(argv, env=env, cwd=launch.cwd, columns=self._columns, rows=self._rows)

        try:
            terminal = behind(None if launch.sandbox else launch.walls, argv, on_a_terminal)
        except OSError as error:
            raise SpawnFailed(str(error)) from error
        try:
            session = self._session(order, launch, reader, env, terminal, at_spawn=at_spawn, emit=emit)
        except OSError as error:
            terminal.cut()
            raise SpawnFailed(f"its process could not be looked at: {error}") from error
        with self._changed:
            self._open.add(session)
        try:
            session.start()
        except RuntimeError as error:
            self._forget(session)
            session.cut()
            raise SpawnFailed(f"no thread for the session: {error}") from error
        return session

    def _session(
        self,
        order: OpenSession,
        launch: Launch,
        reader: Reader,
        env: Mapping[str, str],
        terminal: Terminal,
        *,
        at_spawn: bool,
        emit: Emit,
    ) -> PtySession:
        # The leader is not reaped before its session ends, so it is there to be named even if it left already.
        leader, process = own_child(terminal.pid)
        title = Title(
            title=f"{order.bead} {order.number} {order.route}",
            columns=self._columns,
            rows=self._rows,
            timestamp=self._clock.now(),
            term=env["TERM"],
        )
        cast = self._recordings / recording_of(order)
        parts = Parts(
            order=order,
            launch=launch,
            process=process,
            terminal=terminal,
            tree=Tree(
                leader, mark=self._marks.repository, token=str(order.token), census=self._census, folder=launch.cwd
            ),
            transcript=Transcript(cast, title, secrets=secrets_of(env)),
            reader=reader,
            clock=self._clock,
            emit=emit,
            at_spawn=at_spawn,
            pace=self._pace,
            screen=None if launch.screen is None else self._screen(),
            hide=hiding_in_notes(env),
            start_token=env[start_token.VARIABLE],
        )
        return PtySession(parts, over=self._forget)

    def _screen(self) -> Screen:
        from orchestrator.sessions.screen import Screen  # with its emulator, which few sessions need

        return Screen(self._columns, self._rows)

    def _forget(self, session: PtySession) -> None:
        with self._changed:
            self._open.discard(session)
            live = {each.recording for each in self._open}
        with contextlib.suppress(OSError):  # the next session that ends tries again
            let_go(self._recordings, self._most_recorded, live)


def _write_missing(files: Mapping[Path, str]) -> None:
    """Whole or not at all: a file of which a dead orchestrator wrote half would be taken for the agent's own."""
    for path, text in files.items():
        if path.exists() or path.is_symlink():
            continue
        half = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            half.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):  # there may be no such folder to remove it from
                half.unlink()
            raise SpawnFailed(f"{path} could not be written: {error.strerror or error}") from error


def _confined(launch: Launch, env: Mapping[str, str]) -> tuple[str, ...]:
    """What is started in an agent's place. Raises `SpawnFailed` where it is to be confined and cannot be."""
    argv = launch.argv
    if launch.limits != Limits():
        if fault := why_no_limits():
            raise SpawnFailed(f"its limits cannot be set: {fault}")
        argv = limited(argv, launch.limits)
    if launch.sandbox is None:
        return argv
    if fault := why_no_sandbox():
        raise SpawnFailed(f"it is to be in a sandbox, and none can be made: {fault}")
    if launch.walls is None:
        raise SpawnFailed("it is to be in a sandbox, and nobody said what is its own")
    return sandboxed(argv, launch.sandbox, launch.walls, program=launch.argv[0], cwd=launch.cwd, env=env)
