"""What a manifest brings: beads, what each asks for, and the routes that they need."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.core import messages as m
from orchestrator.core.model import Bead, BeadId, BeadState, Manifest
from orchestrator.core.records import Account, BeadRecord, Breaker, Pool
from orchestrator.core.standing import Standing
from orchestrator.core.values import replace


def plan(state: Standing, beads: Sequence[Bead], known: m.RunPlanned | m.Revision, at: float) -> None:
    """Take beads in. Which of them have landed is known before it is asked what is ready."""
    for spec in beads:
        landed = known.landed.get(spec.id)
        state.beads[spec.id] = BeadRecord(
            spec=spec,
            state=BeadState.DONE if landed else BeadState.WAITING,
            since=at,
            number=known.numbers.get(spec.id, 0),
            commit=landed,
            reason="it stood on the target already" if landed else "",
        )
        state.counts[state.beads[spec.id].state] += 1
    for spec in beads:
        record = state.beads[spec.id] = replace(state.beads[spec.id], unmet=state.unmet(spec))
        if record.state is BeadState.WAITING and not record.unmet:
            state.readable[spec.id] = None


def know_routes(state: Standing, manifest: Manifest, at: float) -> None:
    """Each route has a breaker, and its provider an account and pools: those that are there stay as they are."""
    for route in dict.fromkeys(route for bead in manifest.beads for route in bead.routes):
        state.breakers.setdefault(route, Breaker(route=route, since=at))
        provider = state.traits_of(route).provider
        state.accounts.setdefault(provider, Account(provider=provider, since=at))
        for pool in state.pools_of(route):
            state.pools.setdefault(pool, Pool(name=pool))


def respecify(state: Standing, bead: BeadId, spec: Bead, task: str) -> None:
    """From now on this is what the bead asks for. Only while it is in no attempt, and not done."""
    before = state.beads[bead]
    record = replace(before, spec=spec, revised=None, unmet=state.unmet(spec))
    if not set(spec.needs) <= set(before.spec.needs):  # where it went on is not on a base that holds what it needs
        record = replace(record, keep=False, resume=None)
    if spec.prompt != before.spec.prompt or spec.files != before.spec.files:
        record = replace(record, predicted=None)
    state.beads[bead] = record
    state.tasks[bead] = task
    state.misplaced.pop(bead, None)
    if record.state is BeadState.WAITING and not record.unmet:
        state.readable[bead] = None
    else:
        state.readable.pop(bead, None)
    if record.state is BeadState.READY and (record.unmet or (spec.hold and not record.released)):
        state.misplaced[bead] = None
