"""The tables that follow from events: what readers look up, and what the database refuses to let happen twice.

Written in the transaction of the events themselves. A constraint that fails here is a defect of ours, and the
whole batch is refused.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from orchestrator.core import machines
from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, BeadState, Claim

_BEAD_STATES: dict[type[m.Event], BeadState] = {
    event: after
    for before, row in machines.BEAD.items()
    for event, after in row.items()
    if after is not before and event is not m.WorkCollected
}
_BREAKER_STATES = {event: after for row in machines.BREAKER.values() for event, after in row.items()}
_RUN_STATES = {event: after for row in machines.RUN.values() for event, after in row.items()}
_LETS_GO = (m.BeadReturned, m.BeadHeld, m.BeadLanded, m.BeadDone, m.BeadFailed, m.BeadCancelled, m.BeadBlocked)


class Projector:
    """Keeps the tables of one run. Knows the claims of its beads and the epoch of its writer."""

    def __init__(self, connection: sqlite3.Connection, run: int) -> None:
        self._db = connection
        self._run = run
        self._claims: dict[BeadId, Sequence[Claim]] = {}
        self._bead_of: dict[int, BeadId] = {}
        self._epoch = 0

    def follow(self, event: m.Event) -> None:
        """Remember what later events refer to, without writing: for what the tables hold already."""
        match event:
            case m.RunPlanned():
                self._claims = {bead.id: bead.files for bead in event.manifest.beads}
            case m.RunOpened():
                self._epoch = event.epoch
            case m.AttemptStarted():
                self._bead_of[event.token] = event.bead

    def write(self, event: m.Event) -> None:
        self.follow(event)
        kind = type(event)
        if kind in _RUN_STATES:
            ended = event.at if kind in (m.RunStopped, m.RunFinished) else None
            self._do("UPDATE runs SET state = ?, ended_at = ? WHERE id = :run", _RUN_STATES[kind], ended)
        if kind in _BREAKER_STATES:
            assert isinstance(event, m.BreakerOpened | m.BreakerHalfOpened | m.BreakerClosed)
            until = event.until if isinstance(event, m.BreakerOpened) else None
            self._do("REPLACE INTO breakers VALUES (:run, ?, ?, ?)", event.route, _BREAKER_STATES[kind], until)
        bead: BeadId | None = getattr(event, "bead", None)
        if bead is not None and isinstance(event, _LETS_GO):
            self._do("DELETE FROM leases WHERE run = :run AND bead = ?", bead)
        if bead is not None and kind in _BEAD_STATES:
            self._bead(bead, _BEAD_STATES[kind], event.at)
        match event:
            case m.RunPlanned():
                for spec in event.manifest.beads:
                    state = BeadState.DONE if spec.id in event.landed else BeadState.WAITING
                    self._do("INSERT INTO beads VALUES (:run, ?, ?, ?)", spec.id, state, event.at)
            case m.WorkCollected():
                self._bead(self._bead_of[event.token], BeadState.VERIFYING, event.at)
            case m.AttemptStarted():
                self._do(
                    "INSERT INTO attempts (token, run, bead, number, worker, route, begun)"
                    " VALUES (?, :run, ?, ?, ?, ?, ?)",
                    event.token, event.bead, event.number, event.worker, event.route, event.at,
                )  # fmt: skip
                for pattern, shared in _patterns(self._claims[event.bead]).items():
                    self._do(
                        "INSERT INTO leases VALUES (:run, ?, ?, ?, ?, ?, ?)",
                        event.bead, pattern, int(shared), event.token, self._epoch, event.at,
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

    def _bead(self, bead: BeadId, state: BeadState, at: float) -> None:
        self._do("UPDATE beads SET state = ?, since = ? WHERE run = :run AND bead = ?", state, at, bead)

    def _do(self, statement: str, *values: object) -> None:
        self._db.execute(statement.replace(":run", str(self._run)), values)


def _patterns(claims: Sequence[Claim]) -> dict[str, bool]:
    """Each pattern once, and whether it is shared: named both ways, it is exclusive."""
    found: dict[str, bool] = {}
    for claim in claims:
        found[claim.pattern] = found.get(claim.pattern, True) and claim.shared
    return found
