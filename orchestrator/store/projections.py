"""The tables that follow from events: what readers look up, and what the database refuses to let happen twice.

Written in the transaction of the events themselves. A constraint that fails here is a defect of ours, and the
whole batch is refused.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from orchestrator.core import machines
from orchestrator.core import messages as m
from orchestrator.core.claims import added
from orchestrator.core.model import BeadId, BeadState, Claim, Token
from orchestrator.core.values import replace
from orchestrator.runtime.locking import Lease, StaleToken
from orchestrator.runtime.ports import StoreFault
from orchestrator.store.codec import digest
from orchestrator.store.locks import SqliteLocks

_BEAD_STATES: dict[type[m.Event], BeadState] = {
    event: after
    for before, row in machines.BEAD.items()
    for event, after in row.items()
    if after is not before and event is not m.WorkCollected
}
_BREAKER_STATES = {event: after for row in machines.BREAKER.values() for event, after in row.items()}
_RUN_STATES = {event: after for row in machines.RUN.values() for event, after in row.items()}
LEASE_S = 60.0
"""How long locks outlive the last heartbeat of an orchestrator. Whoever has the writer's lock need not wait for it."""
_LETS_GO = (m.BeadReturned, m.BeadHeld, m.BeadLanded, m.BeadDone, m.BeadFailed, m.BeadCancelled, m.BeadBlocked)


class Projector:
    """Keeps the tables of one run. Knows the claims of its beads and the epoch of its writer."""

    def __init__(self, connection: sqlite3.Connection, run: int) -> None:
        self._db = connection
        self._run = run
        self._claims: dict[BeadId, Sequence[Claim]] = {}
        self._bead_of: dict[int, BeadId] = {}
        self._locks = SqliteLocks(connection)
        self._owner = f"run {run}"
        self._held: dict[BeadId, Lease] = {}
        self._beat_at = 0.0

    def follow(self, event: m.Event) -> None:
        """Remember what later events refer to, without writing: for what the tables hold already."""
        match event:
            case m.RunPlanned():
                self._claims = {bead.id: bead.files for bead in event.manifest.beads}
            case m.ManifestChanged():
                self._claims |= {bead.id: bead.files for bead in event.revision.manifest.beads}
            case m.AttemptStarted():
                self._bead_of[event.token] = event.bead
                claims = self._claims[event.bead] if event.claims is None else event.claims
                self._hold(event.token, event.bead, claims, event.at)
            case m.LocksTaken():
                self._hold(event.token, event.bead, event.claims, event.at)
            case m.LocksYielded():
                lease = self._held[event.bead]
                left = tuple(claim for claim in lease.claims if claim not in event.claims)
                self._held[event.bead] = replace(lease, claims=left)
            case _ if isinstance(event, _LETS_GO):
                self._held.pop(event.bead, None)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Around a transaction: where it is rolled back, what was remembered of its events is forgotten too, so that
        they can be written again."""
        held, beat_at = dict(self._held), self._beat_at
        try:
            yield
        except BaseException:
            self._held, self._beat_at = held, beat_at
            raise

    def beat(self, at: float) -> None:
        """What the run holds is its own, whatever became of it while we were suspended: we have the writer's lock."""
        if not self._locks.renew(self._owner, at + LEASE_S):
            self._locks.adopt(self._owner, at + LEASE_S, self._held.values())
        self._beat_at = at

    def is_silent(self, at: float) -> bool:
        """A heartbeat is due."""
        return at >= self._beat_at + LEASE_S / 4

    def write(self, event: m.Event) -> None:
        kind = type(event)
        if kind in _RUN_STATES:
            ended = event.at if kind in (m.RunStopped, m.RunFinished) else None
            self._do("UPDATE runs SET state = ?, ended_at = ? WHERE id = :run", _RUN_STATES[kind], ended)
        if kind in _BREAKER_STATES:
            assert isinstance(event, m.BreakerOpened | m.BreakerHalfOpened | m.BreakerClosed)
            until = event.until if isinstance(event, m.BreakerOpened) else None
            self._do("REPLACE INTO breakers VALUES (:run, ?, ?, ?)", event.route, _BREAKER_STATES[kind], until)
        bead: BeadId | None = getattr(event, "bead", None)
        if bead is not None and kind in _BEAD_STATES:
            self._bead(bead, _BEAD_STATES[kind], event.at)
        match event:
            case m.RunPlanned():
                for spec in event.manifest.beads:
                    state = BeadState.DONE if spec.id in event.landed else BeadState.WAITING
                    self._do("INSERT INTO beads VALUES (:run, ?, ?, ?)", spec.id, state, event.at)
            case m.ManifestChanged():
                self._do("UPDATE runs SET digest = ? WHERE id = :run", digest(event.revision.manifest))
                for new in event.added:
                    state = BeadState.DONE if new in event.revision.landed else BeadState.WAITING
                    self._do("INSERT OR IGNORE INTO beads VALUES (:run, ?, ?, ?)", new, state, event.at)
            case m.WorkCollected():
                self._bead(self._bead_of[event.token], BeadState.VERIFYING, event.at)
            case m.AttemptStarted():
                self._do(
                    "INSERT INTO attempts (token, run, bead, number, worker, route, begun)"
                    " VALUES (?, :run, ?, ?, ?, ?, ?)",
                    event.token, event.bead, event.number, event.worker, event.route, event.at,
                )  # fmt: skip
            case m.AttemptEnded():
                self._do(
                    "UPDATE attempts SET ended = ?, ending = ?, reason = ?, usd = ?, tokens = ? WHERE token = ?",
                    event.at, event.ending, event.reason, event.usage.usd, event.usage.tokens, event.token,
                )  # fmt: skip
            case m.BeadLanded():
                self._do(
                    "INSERT INTO landings VALUES (:run, ?, ?, ?, ?, ?, ?)",
                    event.bead, event.token, event.commit, event.tree, json.dumps(event.checks), event.at,
                )  # fmt: skip
            case m.RequestAnswered():
                self._do(
                    "UPDATE requests SET answered_at = ?, accepted = ?, answer = ? WHERE id = ?",
                    event.at, int(event.accepted), event.text, event.request,
                )  # fmt: skip

        try:
            self._lock(event)
        except StaleToken as stale:
            raise StoreFault(f"an event of an attempt that does not hold its files (leases): {stale}") from stale
        self.follow(event)

    def _lock(self, event: m.Event) -> None:
        """What the event does to the lock table. An attempt's work and its landing must stand on a lease."""
        match event:
            case m.RunOpened():
                self._locks.adopt(self._owner, event.at + LEASE_S, self._held.values())
                self._beat_at = event.at
            case m.RunStopped() | m.RunFinished():
                self._locks.resign(self._owner)
            case m.AttemptStarted():
                self.beat(event.at)
                claims = self._claims[event.bead] if event.claims is None else event.claims
                self._acquire(event.token, event.bead, claims, event.at)
            case m.LocksTaken():
                self.beat(event.at)
                self._acquire(event.token, event.bead, event.claims, event.at)
            case m.LocksYielded():
                self._locks.give_up(event.token, event.claims)
            case m.WorkCollected() | m.BeadLanded():
                self.beat(event.at)
                self._locks.check(event.token, event.at)
        if isinstance(event, _LETS_GO) and event.bead in self._held:
            self._locks.release(self._held[event.bead].token)

    def _acquire(self, token: Token, bead: BeadId, claims: Sequence[Claim], at: float) -> None:
        answer = self._locks.acquire(self._owner, token, self._named(bead), claims, at)
        if not isinstance(answer, Lease):
            against = ", ".join(f"{each.bead} of {each.owner}" for each in answer)
            raise StoreFault(f"{bead} cannot have its files (leases): held by {against}")

    def _hold(self, token: Token, bead: BeadId, claims: Sequence[Claim], at: float) -> None:
        before = self._held.get(bead)
        if before is not None and before.token == token:
            self._held[bead] = replace(before, claims=added(before.claims, claims))
        else:
            self._held[bead] = Lease(
                owner=self._owner, bead=self._named(bead), token=token, claims=tuple(claims), since=at
            )

    def _named(self, bead: BeadId) -> str:
        """Two runs may use an id for different work."""
        return f"{self._run}/{bead}"

    def _bead(self, bead: BeadId, state: BeadState, at: float) -> None:
        self._do("UPDATE beads SET state = ?, since = ? WHERE run = :run AND bead = ?", state, at, bead)

    def _do(self, statement: str, *values: object) -> None:
        self._db.execute(statement.replace(":run", str(self._run)), values)
