"""The event log of one run in SQLite, with its projections and the requests of its operators."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from orchestrator.core import messages as m
from orchestrator.runtime.ports import Request, StoreDamaged
from orchestrator.store.codec import decode, encode, muttered, request_of_row
from orchestrator.store.connections import FILE, faults
from orchestrator.store.projections import Projector


class RunStore:
    """The event log of one run (`runtime.ports.Store`)."""

    def __init__(self, connection: sqlite3.Connection, folder: Path, run: int) -> None:
        self._db = connection
        self._folder = folder
        self.run = run
        self.projector = Projector(connection, run)

    def append(self, events: Sequence[m.Event]) -> None:
        """Raises `StoreFault`; the state that somebody took away beneath us is one, before anything is written."""
        if not (self._folder / FILE).exists():
            raise StoreDamaged(
                f"{self._folder / FILE} was removed while the run was on: it stops here. What has landed is on the "
                "target, what agents wrote is in their branches and the attic; run again to begin anew"
            )
        with self.projector.together(), faults(self._folder), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self.write_all(events)

    def write_all(self, events: Sequence[m.Event]) -> None:
        """Inside a transaction of the caller's."""
        self._db.executemany(
            "INSERT INTO events (run, at, kind, body) VALUES (?, ?, ?, ?)",
            [(self.run, event.at, type(event).__name__, encode(event)) for event in events],
        )
        for event in events:
            self.projector.write(event)

    def tidy(self) -> int:
        """What goes leaves room that is used again; the report and the log files have what they need of it."""
        with faults(self._folder), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            rows = self._db.execute(
                "SELECT seq, body FROM events WHERE run = ? AND kind = 'AgentProgressed' ORDER BY seq", (self.run,)
            ).fetchall()
            live = self._db.execute("SELECT token FROM attempts WHERE run = ? AND ended IS NULL", (self.run,))
            here = {token for (token,) in live}
            log = [(seq, decode("AgentProgressed", body)) for seq, body in rows]
            over = {event.token for _, event in log if isinstance(event, m.AgentProgressed)} - here
            gone, changed = muttered(log, over)
            self._db.executemany("DELETE FROM events WHERE seq = ?", [(seq,) for seq in gone])
            self._db.executemany(
                "UPDATE events SET body = ? WHERE seq = ?", [(encode(event), seq) for seq, event in changed.items()]
            )
        return len(gone)

    def events(self) -> Iterable[m.Event]:
        with faults(self._folder):
            rows = self._db.execute("SELECT kind, body FROM events WHERE run = ? ORDER BY seq", (self.run,)).fetchall()
        return [decode(kind, body) for kind, body in rows]

    def requests(self) -> Sequence[Request]:
        with faults(self._folder):
            rows = self._db.execute(
                "SELECT id, verb, bead, text, by, asked_at FROM requests"
                " WHERE run = ? AND answered_at IS NULL ORDER BY id",
                (self.run,),
            ).fetchall()
        return [request_of_row(row) for row in rows]

    def beat(self, at: float) -> None:
        if self.projector.is_silent(at):
            with self.projector.together(), faults(self._folder), self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self.projector.beat(at)

    def close(self) -> None:
        """The connection is the database's."""
