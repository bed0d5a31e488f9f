"""A repository's state in SQLite: one writer, any number of readers.

WAL and `synchronous=FULL`: what was committed survives a power cut, and readers never wait. The writer proves itself
by a lock that the kernel lets go of when its process dies, however it dies. The lock is on the folder that holds the
state's (git's own): removing the state does not free it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from orchestrator.core import messages as m
from orchestrator.core.model import AgentName, BeadId, ProcessName, Token
from orchestrator.core.values import Struct
from orchestrator.runtime.ports import Holder, Request, StoreFault, StoreTaken
from orchestrator.store.codec import decode, request_to_row
from orchestrator.store.connections import (
    FILE,
    check_version,
    claim,
    connect,
    faults,
    locked,
    migrate,
    of_system,
    taken,
)
from orchestrator.store.run_store import RunStore


class RunRow(Struct, frozen=True, kw_only=True):
    id: int
    name: str
    digest: str
    state: str
    begun_at: float
    ended_at: float | None


class Database:
    """Opened by `write` or by `read`; closed by its user."""

    def __init__(self, connection: sqlite3.Connection, folder: Path, lock: int | None) -> None:
        self._db = connection
        self._folder = folder
        self._lock = lock

    @classmethod
    def write(cls, folder: Path) -> Database:
        """Raises `StoreTaken` while another process has it, and other `StoreFault`s."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as fault:
            raise of_system(fault, folder) from fault
        try:
            claim(lock)
        except BlockingIOError:
            os.close(lock)
            holder = cls._holder_of(folder)
            raise StoreTaken(taken(holder, folder), holder) from None
        try:
            with faults(folder):
                connection = connect(folder / FILE, "rwc")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                migrate(connection, folder)
        except BaseException:
            os.close(lock)
            raise
        return cls(connection, folder, lock)

    @classmethod
    def read(cls, folder: Path) -> Database:
        """Raises `FileNotFoundError` where there is no state, and `StoreFault`s."""
        if not (folder / FILE).exists():
            raise FileNotFoundError(folder / FILE)
        with faults(folder):
            connection = connect(folder / FILE, "ro")
            version = check_version(connection, folder)
        if version == 0:  # its first writer has just made the file, and is about to fill it
            connection.close()
            raise FileNotFoundError(folder / FILE)
        return cls(connection, folder, None)

    def close(self) -> None:
        self._db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # ------------------------------------------------------------ runs

    def newest(self, name: str | None = None) -> RunRow | None:
        """The newest run, or the newest of that name."""
        where, values = ("WHERE name = ?", [name]) if name is not None else ("", [])
        with faults(self._folder):
            row = self._db.execute(
                f"SELECT id, name, digest, state, begun_at, ended_at FROM runs {where} ORDER BY id DESC LIMIT 1", values
            ).fetchone()
        return (
            RunRow(id=row[0], name=row[1], digest=row[2], state=row[3], begun_at=row[4], ended_at=row[5])
            if row
            else None
        )

    def runs(self) -> list[RunRow]:
        """The newest run of each name."""
        with faults(self._folder):
            names = [name for (name,) in self._db.execute("SELECT DISTINCT name FROM runs ORDER BY name").fetchall()]
        return [row for row in map(self.newest, names) if row is not None]

    def begin(self, planned: m.RunPlanned, digest: str) -> RunStore:
        """A new run, whose history begins with this event."""
        with faults(self._folder), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            cursor = self._db.execute(
                "INSERT INTO runs (name, digest, state, begun_at) VALUES (?, ?, 'running', ?)",
                (planned.manifest.name, digest, planned.at),
            )
            run = cursor.lastrowid
            assert run is not None
            store = RunStore(self._db, self._folder, run)
            store.write_all([planned])
        return store

    def resume(self, run: int) -> RunStore:
        store = RunStore(self._db, self._folder, run)
        for event in store.events():
            store.projector.follow(event)
        return store

    def numbers(self) -> dict[BeadId, int]:
        """The highest attempt number of each bead, over all runs."""
        with faults(self._folder):
            rows = self._db.execute("SELECT bead, MAX(number) FROM attempts GROUP BY bead").fetchall()
        return {BeadId(bead): number for bead, number in rows}

    def token(self) -> Token:
        with faults(self._folder):
            row = self._db.execute("SELECT COALESCE(MAX(token), 0) FROM attempts").fetchone()
        return Token(row[0])

    def needs(self) -> dict[AgentName, int]:
        """Memory that sessions of each agent were last measured to need at most, over all runs."""
        with faults(self._folder):
            rows = self._db.execute("SELECT body FROM events WHERE kind = 'AgentMeasured' ORDER BY rowid").fetchall()
        measured = (decode("AgentMeasured", body) for (body,) in rows)
        return {each.agent: each.memory for each in measured if isinstance(each, m.AgentMeasured)}

    def targets(self) -> frozenset[str]:
        """The target branches of all runs."""
        with faults(self._folder):
            rows = self._db.execute("SELECT kind, body FROM events WHERE kind = 'RunPlanned'").fetchall()
        planned = (decode(*row) for row in rows)
        return frozenset(each.manifest.target for each in planned if isinstance(each, m.RunPlanned))

    # ------------------------------------------------------------ the writer

    def take(self, process: ProcessName, host: str, since: float, run: str) -> int:
        """Write down who writes, and open the next epoch, which it returns."""
        with faults(self._folder), self._db:
            row = self._db.execute("SELECT epoch FROM writer").fetchone()
            epoch = (row[0] if row else 0) + 1
            self._db.execute(
                "REPLACE INTO writer VALUES (1, ?, ?, ?, ?, ?, ?)",
                (epoch, run, process.pid, process.started, host, since),
            )
            # Whoever has the writer's lock knows that every earlier orchestrator is dead: its locks go with it.
            self._db.execute("DELETE FROM owners WHERE owner LIKE 'run %'")
        return epoch

    def holder(self) -> Holder | None:
        """Who writes now: None when nobody does, whatever the last writer wrote."""
        if not locked(self._folder):
            return None
        with faults(self._folder):
            row = self._db.execute("SELECT pid, started, host, since, run FROM writer").fetchone()
        if row is None:
            return None
        return Holder(process=ProcessName(pid=row[0], started=row[1]), host=row[2], since=row[3], run=row[4])

    @classmethod
    def _holder_of(cls, folder: Path) -> Holder | None:
        try:
            database = cls.read(folder)
        except (FileNotFoundError, StoreFault):
            return None  # it is taken all the same; only by whom cannot be said
        try:
            return database.holder()
        finally:
            database.close()

    # ------------------------------------------------------------ requests

    @staticmethod
    def ask(folder: Path, run: int, asked: Request) -> int:
        """Leave a request for the run's orchestrator; its number. The only thing that a reader may write."""
        if not (folder / FILE).exists():
            raise FileNotFoundError(folder / FILE)
        with faults(folder):
            connection = connect(folder / FILE, "rw")
            try:
                with connection:
                    cursor = connection.execute(
                        "INSERT INTO requests (run, verb, bead, text, by, asked_at) VALUES (?, ?, ?, ?, ?, ?)",
                        (run, *request_to_row(asked)),
                    )
                assert cursor.lastrowid is not None
                return cursor.lastrowid
            finally:
                connection.close()

    def options(self, run: int) -> dict[str, str]:
        """What the command line said when the run was last taken up."""
        with faults(self._folder):
            row = self._db.execute(
                "SELECT kind, body FROM events WHERE run = ? AND kind = 'RunOpened' ORDER BY seq DESC LIMIT 1", (run,)
            ).fetchone()
        opened = decode(*row) if row else None
        return dict(opened.terms.options) if isinstance(opened, m.RunOpened) and opened.terms else {}

    def leases(self, run: int) -> tuple[BeadId, ...]:
        """Which beads hold files."""
        with faults(self._folder):
            rows = self._db.execute("SELECT bead FROM leases WHERE owner = ? ORDER BY bead", (f"run {run}",)).fetchall()
        return tuple(BeadId(row[0].partition("/")[2]) for row in rows)

    def run_of(self, token: Token) -> int | None:
        """The run of an attempt."""
        with faults(self._folder):
            row = self._db.execute("SELECT run FROM attempts WHERE token = ?", (token,)).fetchone()
        return row[0] if row else None

    def answer(self, request: int) -> tuple[bool, str] | None:
        """What became of a request; None: nothing yet."""
        with faults(self._folder):
            row = self._db.execute(
                "SELECT accepted, answer, answered_at FROM requests WHERE id = ?", (request,)
            ).fetchone()
        return (bool(row[0]), row[1]) if row and row[2] is not None else None

    def events_of(self, run: int) -> Iterator[m.Event]:
        return iter(RunStore(self._db, self._folder, run).events())
