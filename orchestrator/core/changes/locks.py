"""What the events of locks change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.changes.moving import stop_waiting
from orchestrator.core.claims import added, lacking
from orchestrator.core.locks import Wait
from orchestrator.core.model import BeadId, Claim
from orchestrator.core.standing import Standing
from orchestrator.core.values import replace


def locks_taken(state: Standing, event: m.LocksTaken) -> None:
    state.locks.hold(event.bead, event.claims)
    if event.predicted:
        state.locks.guess(event.bead, event.claims)
        return
    state.locks.confirm(event.bead, event.claims)
    if event.waited:
        stop_waiting(state, event.bead)
    _remember(state, event.bead, event.claims)


def locks_awaited(state: Standing, event: m.LocksAwaited) -> None:
    before = state.locks.waits.get(event.bead)
    since = before.since if before is not None else event.at
    wait = Wait(token=event.token, claims=event.claims, since=since, requests=event.requests, until=event.until)
    state.locks.wait(event.bead, wait)
    state.deadlines.drop(("wait", event.bead))
    if event.until is not None:
        state.deadlines.set(("wait", event.bead), event.until)
    _remember(state, event.bead, event.claims)


def locks_yielded(state: Standing, event: m.LocksYielded) -> None:
    """To somebody else: it may still need them in its next attempt. Done without them: it does not."""
    state.locks.give_up(event.bead, event.claims)
    state.ready.release(("files", event.bead))
    record = state.beads[event.bead]
    if event.to is None and record.predicted:
        left = tuple(claim for claim in record.predicted if claim not in event.claims)
        state.beads[event.bead] = replace(record, predicted=left)


def wait_ended(state: Standing, event: m.WaitEnded) -> None:
    stop_waiting(state, event.bead)


def _remember(state: Standing, bead: BeadId, claims: tuple[Claim, ...]) -> None:
    """Its next attempt takes them from the start."""
    record = state.beads[bead]
    more = lacking(claims, added(record.spec.files, record.found))
    if more:
        state.beads[bead] = replace(record, found=added(record.found, more))


CHANGES: dict[type[m.Event], Callable[[Standing, Any], None]] = {
    m.LocksTaken: locks_taken,
    m.LocksAwaited: locks_awaited,
    m.LocksYielded: locks_yielded,
    m.WaitEnded: wait_ended,
}
